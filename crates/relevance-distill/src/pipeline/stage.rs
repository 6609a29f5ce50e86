//! The names of the stages, in order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The name of a stage. Each stage reads what earlier ones left in the run folder and leaves its own; what
/// exactly, its type in [`stages`](super::stages) says.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Domain-adaptive pre-training of the teacher (and its tokenizer, if it starts from nothing).
    Pretrain,
    /// Supervised fine-tuning on prompt, reasoning and label.
    Sft,
    /// Replies sampled from the fine-tuned teacher.
    Replies,
    /// A reward head trained on pairs of a first set of them, and held against pairs of a second.
    RewardHeads,
    /// All replies scored, better ones paired with worse ones.
    Preferences,
    /// Direct preference optimisation.
    Dpo,
    /// Labels and reasons for the log pairs.
    Annotate,
    /// The student trained by cross entropy alone.
    StudentCe,
    /// The student trained by CRSD.
    StudentCrsd,
    /// Scores of all systems on the test split.
    Evaluate,
    /// The page to look at.
    Report,
}

impl Stage {
    /// Every stage, in the order in which they run.
    pub const ALL: [Self; 11] = [
        Self::Pretrain,
        Self::Sft,
        Self::Replies,
        Self::RewardHeads,
        Self::Preferences,
        Self::Dpo,
        Self::Annotate,
        Self::StudentCe,
        Self::StudentCrsd,
        Self::Evaluate,
        Self::Report,
    ];

    /// The stage's name, as in `manifest.json` and in the names of folders.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pretrain => "pretrain",
            Self::Sft => "sft",
            Self::Replies => "replies",
            Self::RewardHeads => "reward-heads",
            Self::Preferences => "preferences",
            Self::Dpo => "dpo",
            Self::Annotate => "annotate",
            Self::StudentCe => "student-ce",
            Self::StudentCrsd => "student-crsd",
            Self::Evaluate => "evaluate",
            Self::Report => "report",
        }
    }

    /// What the stage does, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Pretrain => "Teacher: domain-adaptive pre-training",
            Self::Sft => "Teacher: supervised fine-tuning",
            Self::Replies => "Teacher: sampled replies",
            Self::RewardHeads => "Reward head, trained and held against pairs it has not seen",
            Self::Preferences => "Replies scored and paired",
            Self::Dpo => "Teacher: preference optimisation (DPO)",
            Self::Annotate => "Annotation of the log pairs",
            Self::StudentCe => "Student: cross entropy alone",
            Self::StudentCrsd => "Student: CRSD",
            Self::Evaluate => "Evaluation",
            Self::Report => "Report",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_ones_serde_writes() {
        for stage in Stage::ALL {
            let json = serde_json::to_value(stage).expect("serialises");
            assert_eq!(json, stage.name());
        }
        assert!(Stage::ALL.is_sorted());
    }
}
