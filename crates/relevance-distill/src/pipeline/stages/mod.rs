//! The recipe, one stage a file. Each is a type whose fields are what it reads and where its output goes;
//! `run` takes the settings and a [`StageContext`](super::StageContext), and gives what it found.
//!
//! [`Pretrain`] → [`Sft`] → [`SampleReplies`] → [`TrainRewardHead`] → [`PairReplies`] → [`Dpo`] →
//! [`Annotate`] → [`TrainStudent`], twice → [`Evaluate`] → [`WriteReport`];
//! [`Pipeline`](super::Pipeline) puts them in order.

mod annotate;
mod cases;
mod dpo;
mod evaluate;
mod preferences;
mod pretrain;
mod replies;
mod report;
mod report_notes;
mod reward;
mod reward_heads;
mod sft;
mod student;

pub use annotate::{Annotate, Annotated, Annotator};
pub use dpo::{Dpo, Preferred};
pub use evaluate::{Evaluate, Evaluated};
pub use preferences::{PairReplies, Paired};
pub use pretrain::{Pretrain, Pretrained};
pub use replies::{SampleReplies, Sampled};
pub use report::{Reported, WriteReport};
pub use reward_heads::{TrainRewardHead, TrainedRewardHead};
pub use sft::{Sft, Tuned};
pub use student::{StudentStart, TrainStudent, TrainedStudent};
