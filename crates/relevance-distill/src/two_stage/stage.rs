//! The stages of the run, in order.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One stage. A stage reads what earlier ones left in the output folder and writes its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Domain-adaptive pre-training of the teacher (and its tokenizer, if it starts from nothing).
    Pretrain,
    /// Supervised fine-tuning on prompt, reasoning and label.
    Sft,
    /// Sampled replies, scored and paired.
    Preferences,
    /// Reward heads trained on the pairs.
    RewardHeads,
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
    pub const ALL: [Self; 10] = [
        Self::Pretrain,
        Self::Sft,
        Self::Preferences,
        Self::RewardHeads,
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
            Self::Preferences => "preferences",
            Self::RewardHeads => "reward-heads",
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
            Self::Preferences => "Teacher: sampled replies, scored and paired",
            Self::RewardHeads => "Reward heads",
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
    }
}
