//! The encoders that can be students, and where they differ.

use std::fmt;

use hf_folder::Architecture;
use serde::{Deserialize, Serialize};

/// `model_type` of a Hugging Face folder.
///
/// The layers of all three are the same; what differs is said by the methods here and nowhere else.
///
/// | | BERT | RoBERTa, XLM-RoBERTa |
/// |---|---|---|
/// | first position | 0 | `pad_token_id + 1` |
/// | positions | count every token | skip padding |
/// | a classifier's head | `pooler.dense`, `classifier` | `classifier.dense`, `classifier.out_proj` |
/// | dropout in the head | before the last projection | before both projections |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelType {
    /// BERT (Devlin et al. 2018, arXiv 1810.04805).
    #[default]
    Bert,
    /// RoBERTa (Liu et al. 2019, arXiv 1907.11692).
    Roberta,
    /// XLM-RoBERTa, RoBERTa over a hundred languages (Conneau et al. 2019, arXiv 1911.02116).
    XlmRoberta,
}

impl ModelType {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bert, Self::Roberta, Self::XlmRoberta];

    /// The value of `model_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bert => "bert",
            Self::Roberta => "roberta",
            Self::XlmRoberta => "xlm-roberta",
        }
    }

    /// A class of `transformers`, such as `XLMRobertaModel` for `Model`.
    pub(crate) fn class(self, task: &str) -> String {
        let family = match self {
            Self::Bert => "Bert",
            Self::Roberta => "Roberta",
            Self::XlmRoberta => "XLMRoberta",
        };
        format!("{family}{task}")
    }

    /// What stands before the encoder's tensors in the checkpoints of task classes.
    pub(crate) fn prefix(self) -> &'static str {
        match self {
            Self::Bert => "bert.",
            Self::Roberta | Self::XlmRoberta => "roberta.",
        }
    }

    /// Whether padding has no position of its own, and positions begin behind the padding's.
    pub(crate) fn skips_padding(self) -> bool {
        self != Self::Bert
    }

    /// Whether the projection under the classifier belongs to the classifier and not to the encoder:
    /// then a bare encoder's pooler is no part of a classifier, and dropout stands before it too.
    pub(crate) fn has_own_head(self) -> bool {
        self != Self::Bert
    }
}

impl Architecture for ModelType {
    const ALL: &'static [Self] = &Self::ALL;

    fn model_type(self) -> &'static str {
        self.as_str()
    }
}

impl fmt::Display for ModelType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
