//! What the columns of a training record hold.

use crate::{Conversation, KtoExample, MessagesExample, PreferencePair, SftExample, TextExample};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// What a column of a training record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrlColumn {
    /// A text.
    Text,
    /// A list of turns, each with `role` and `content`.
    Conversation,
    /// True or false.
    Flag,
    /// A number that may be absent.
    Score,
}

impl TrlColumn {
    /// Whether a row may lack a value.
    pub fn is_optional(self) -> bool {
        self == Self::Score
    }

    /// What a value may be.
    pub fn allowed(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Conversation => "a list of objects, each with the strings role and content",
            Self::Flag => "true or false",
            Self::Score => "a number, or nothing",
        }
    }

    /// Whether a value is of this kind.
    pub fn accepts(self, value: &Value) -> bool {
        let is_turn = |turn: &Value| ["role", "content"].iter().all(|key| turn[key].is_string());
        match self {
            Self::Text => value.is_string(),
            Self::Conversation => value
                .as_array()
                .is_some_and(|turns| turns.iter().all(is_turn)),
            Self::Flag => value.is_boolean(),
            Self::Score => value.is_number() || value.is_null(),
        }
    }
}

/// What may stand where TRL takes a text or a conversation: `String` and [`Conversation`].
pub trait TrlText: Serialize + DeserializeOwned {
    /// The kind of its columns.
    const COLUMN: TrlColumn;
}

impl TrlText for String {
    const COLUMN: TrlColumn = TrlColumn::Text;
}

impl TrlText for Conversation {
    const COLUMN: TrlColumn = TrlColumn::Conversation;
}

/// A record of a training dataset. Its fields in serde's view are its columns.
pub trait TrlRecord: Serialize + DeserializeOwned {
    /// The columns, by name.
    const COLUMNS: &'static [(&'static str, TrlColumn)];
}

impl TrlRecord for TextExample {
    const COLUMNS: &'static [(&'static str, TrlColumn)] = &[("text", TrlColumn::Text)];
}

impl TrlRecord for MessagesExample {
    const COLUMNS: &'static [(&'static str, TrlColumn)] = &[("messages", TrlColumn::Conversation)];
}

impl<T: TrlText> TrlRecord for SftExample<T> {
    const COLUMNS: &'static [(&'static str, TrlColumn)] =
        &[("prompt", T::COLUMN), ("completion", T::COLUMN)];
}

impl<T: TrlText> TrlRecord for PreferencePair<T> {
    const COLUMNS: &'static [(&'static str, TrlColumn)] = &[
        ("prompt", T::COLUMN),
        ("chosen", T::COLUMN),
        ("rejected", T::COLUMN),
        ("score_chosen", TrlColumn::Score),
        ("score_rejected", TrlColumn::Score),
    ];
}

impl<T: TrlText> TrlRecord for KtoExample<T> {
    const COLUMNS: &'static [(&'static str, TrlColumn)] = &[
        ("prompt", T::COLUMN),
        ("completion", T::COLUMN),
        ("label", TrlColumn::Flag),
    ];
}
