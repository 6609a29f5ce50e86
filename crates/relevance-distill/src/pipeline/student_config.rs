//! Stage 2's knobs, and what they come to in the config of the crate that does the work.

use crsd_loss::CrsdLossConfig;
use pair_tokenizer::PairTokenizerConfig;
use serde::{Deserialize, Serialize};
use student_model::{BertConfig, ObjectiveConfig, StudentTrainConfig};
use training_loop::TrainingConfig;

use crate::check::at_least_1;
use crate::error::DistillError;
use crate::pretrained::lengths;
use crate::student_examples::StudentLabels;

/// Where the reasons of the log pairs come from.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reasons {
    /// The teacher of this run, which never saw the pairs' labels.
    Teacher,
    /// The deterministic rationale writer, which is given the gold label.
    Writer,
}

/// Stage 2: the student.
#[non_exhaustive]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudentConfig {
    /// A checkpoint was given with `--student-init`: its name, to compare on resume.
    pub init: Option<String>,
    /// Layers of that checkpoint that the student keeps; all if empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub layers: Vec<usize>,
    /// Which labels the students learn from.
    pub labels: StudentLabels,
    /// Where the reasons come from.
    pub reasons: Reasons,
    /// Size of the WordPiece vocabulary of a student from nothing.
    pub vocab_size: usize,
    /// Width of a student from nothing.
    pub hidden_size: usize,
    /// Layers of a student from nothing.
    pub num_hidden_layers: usize,
    /// Tokens of the standard view at most.
    pub max_length: usize,
    /// Tokens of the reasoned view at most.
    pub max_reasoned_length: usize,
    /// Training, the same for both students.
    pub training: TrainingConfig,
    /// Pairs a batch.
    pub train_batch_size: usize,
    /// InfoNCE's τ.
    pub temperature: f64,
    /// Weight λ of the alignment.
    pub lambda: f64,
}

impl StudentConfig {
    /// Checks every value, as the stages will use it.
    ///
    /// # Errors
    ///
    /// [`DistillError::InvalidConfig`] names the field and what is allowed;
    /// [`DistillError::InvalidPart`] the part that its own crate refuses.
    pub fn validate(&self) -> Result<(), DistillError> {
        if !self.layers.is_empty() && self.init.is_none() {
            return Err(DistillError::invalid(
                "student.layers",
                format!("{:?}", self.layers),
                "only with --student-init, whose layers they are",
            ));
        }
        at_least_1([
            ("student.vocab_size", self.vocab_size),
            ("student.hidden_size", self.hidden_size),
            ("student.num_hidden_layers", self.num_hidden_layers),
            ("student.train_batch_size", self.train_batch_size),
        ])?;
        let part = || DistillError::part("student");
        self.lengths().validate().map_err(part())?;
        let training = self.train_config(self.crsd());
        training
            .validate()
            .map_err(DistillError::part("student.training"))?;
        if self.init.is_none() {
            let size = self.encoder(self.vocab_size, &["0".into(), "1".into()]);
            size.validate().map_err(DistillError::part("student"))?;
            let most = size.max_position_embeddings;
            let longest = self.max_length.max(self.max_reasoned_length);
            if longest > most {
                let field = "student.max_reasoned_length";
                let allowed = format!("at most {most}, the positions of a student from nothing");
                return Err(DistillError::invalid(field, longest, allowed));
            }
        }
        Ok(())
    }

    /// How many tokens the two views have at most.
    pub fn lengths(&self) -> PairTokenizerConfig {
        lengths(self.max_length, self.max_reasoned_length)
    }

    /// The CRSD objective.
    pub fn crsd(&self) -> ObjectiveConfig {
        let loss = CrsdLossConfig::new()
            .with_temperature(self.temperature)
            .with_lambda(self.lambda);
        ObjectiveConfig::Crsd(loss)
    }

    /// Training by `objective`; all else is the same for every student of a run.
    pub fn train_config(&self, objective: ObjectiveConfig) -> StudentTrainConfig {
        StudentTrainConfig::new()
            .with_training(self.training.clone())
            .with_objective(objective)
            .with_train_batch_size(self.train_batch_size)
    }

    /// The encoder of a student from nothing.
    pub fn encoder(&self, vocab_size: usize, labels: &[String]) -> BertConfig {
        BertConfig {
            vocab_size,
            hidden_size: self.hidden_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: (self.hidden_size / 32).max(1),
            intermediate_size: 4 * self.hidden_size,
            ..BertConfig::default()
        }
        .with_labels(labels)
    }
}
