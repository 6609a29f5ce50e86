//! What search relevance is about: queries, items, pairs of both, labels, and the records of a training run.

mod normalize;
mod pair;
mod schema;
mod trl;

pub use normalize::normalize_query;
pub use pair::{Item, LabeledPair, Pair, Query};
pub use schema::{Label, LabelClass, LabelSchema};
pub use trl::{
    Conversation, KtoExample, Message, MessagesExample, PreferencePair, SftExample, TextExample,
};
