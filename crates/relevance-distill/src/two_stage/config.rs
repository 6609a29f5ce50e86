//! What a run does: every knob, and the presets.

use std::path::Path;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use training_loop::{LrSchedulerType, TrainingConfig};

use crate::error::RunError;
pub use crate::student_examples::StudentLabels;

/// Named settings of [`TwoStageConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The shortest real run of every stage: for continuous integration.
    Smoke,
    /// The default: the sample data, under ten minutes on two cores.
    Quick,
    /// The full ESCI files and a pretrained student, within an hour or so on two cores.
    Esci,
}

impl FromStr for Preset {
    type Err = RunError;

    fn from_str(name: &str) -> Result<Self, RunError> {
        match name {
            "smoke" => Ok(Self::Smoke),
            "quick" => Ok(Self::Quick),
            "esci" => Ok(Self::Esci),
            _ => Err(RunError::Option {
                option: "preset",
                value: format!("`{name}`"),
                allowed: "smoke, quick, esci".into(),
            }),
        }
    }
}

/// Where the reasons of the log pairs come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reasons {
    /// The teacher of this run, which never saw the pairs' labels.
    Teacher,
    /// The deterministic rationale writer, which is given the gold label.
    Writer,
}

/// Every knob of a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TwoStageConfig {
    /// The preset it started from.
    pub preset: Preset,
    /// Seed of everything: splits, initial weights, batches, dropout, sampling, bootstrap.
    pub seed: u64,
    /// Which pairs, and how they are parted.
    pub data: DataConfig,
    /// Stage 1.
    pub teacher: TeacherConfig,
    /// Stage 2.
    pub student: StudentConfig,
    /// Resamples of the bootstrap over queries.
    pub bootstrap_samples: usize,
}

/// Which pairs, and how they are parted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataConfig {
    /// Locales to keep; all if absent.
    pub locales: Option<Vec<String>>,
    /// Keep ESCI's small version only (task 1's harder queries).
    pub small_version: bool,
    /// Share of the training queries whose labels the teacher sees; the rest is the search log.
    pub teacher_fraction: f64,
    /// At most this many pairs for the teacher, in whole queries.
    pub max_teacher_pairs: Option<usize>,
    /// At most this many log pairs, in whole queries.
    pub max_log_pairs: Option<usize>,
    /// At most this many test pairs, in whole queries.
    pub max_test_pairs: Option<usize>,
}

/// Stage 1: the teacher.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TeacherConfig {
    /// A checkpoint was given with `--teacher-init`: its name, to compare on resume.
    pub init: Option<String>,
    /// Size of the vocabulary that a teacher from nothing learns.
    pub vocab_size: usize,
    /// Width of a teacher from nothing.
    pub hidden_size: usize,
    /// Layers of a teacher from nothing.
    pub num_hidden_layers: usize,
    /// Tokens that the teacher sees at most.
    pub max_length: usize,
    /// Tokens that a reply has at most.
    pub max_new_tokens: usize,
    /// Domain-adaptive pre-training.
    pub pretrain: TrainingConfig,
    /// Blocks of `max_length` tokens a batch, in pre-training.
    pub pretrain_batch_size: usize,
    /// Supervised fine-tuning.
    pub sft: TrainingConfig,
    /// Examples a batch, in fine-tuning.
    pub sft_batch_size: usize,
    /// Prompts whose replies are sampled for preference pairs.
    pub preference_prompts: usize,
    /// Replies sampled for each of them.
    pub replies_per_prompt: usize,
    /// Training of the reward heads.
    pub reward_heads: TrainingConfig,
    /// Preference optimisation.
    pub dpo: TrainingConfig,
    /// Pairs a batch, in preference optimisation and for the reward heads.
    pub preference_batch_size: usize,
    /// DPO's β.
    pub beta: f64,
    /// Replies sampled for each log pair; the majority decides.
    pub annotation_samples: usize,
    /// Whether annotations carry the teacher's distribution over the labels, for distillation of
    /// logits; costs one more generation a pair.
    pub label_probabilities: bool,
    /// Sampling temperature of replies.
    pub temperature: f64,
    /// Prompts that are generated at once.
    pub generation_batch_size: usize,
}

/// Stage 2: the student.
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
    pub batch_size: usize,
    /// InfoNCE's τ.
    pub temperature: f64,
    /// Weight λ of the alignment.
    pub lambda: f64,
}

impl TwoStageConfig {
    /// The settings of a preset.
    pub fn preset(preset: Preset, seed: u64) -> Self {
        match preset {
            Preset::Smoke => smoke(seed),
            Preset::Quick => quick(seed),
            Preset::Esci => esci(seed),
        }
    }

    /// Reads a configuration as it stands in a manifest.
    ///
    /// # Errors
    ///
    /// The file cannot be read; it is no JSON; a key is unknown or missing.
    pub fn read(path: &Path) -> Result<Self, RunError> {
        let text = std::fs::read_to_string(path).map_err(|source| RunError::Io {
            path: path.to_path_buf(),
            source,
        })?;
        serde_json::from_str(&text).map_err(|source| RunError::Json {
            path: path.to_path_buf(),
            source,
        })
    }

    /// Checks what the crates' own configs do not check.
    ///
    /// # Errors
    ///
    /// [`RunError::Option`] names the field and what is allowed.
    pub fn validate(&self) -> Result<(), RunError> {
        let fraction = self.data.teacher_fraction;
        if !(fraction > 0.0 && fraction < 1.0) {
            return Err(RunError::Option {
                option: "data.teacher_fraction",
                value: fraction.to_string(),
                allowed: "above 0 and below 1".into(),
            });
        }
        if !self.student.layers.is_empty() && self.student.init.is_none() {
            return Err(RunError::Option {
                option: "student.layers",
                value: format!("{:?}", self.student.layers),
                allowed: "only with --student-init, whose layers they are".into(),
            });
        }
        let positive = [
            ("teacher.vocab_size", self.teacher.vocab_size),
            ("teacher.hidden_size", self.teacher.hidden_size),
            ("teacher.num_hidden_layers", self.teacher.num_hidden_layers),
            ("teacher.max_length", self.teacher.max_length),
            ("teacher.max_new_tokens", self.teacher.max_new_tokens),
            (
                "teacher.preference_prompts",
                self.teacher.preference_prompts,
            ),
            (
                "teacher.replies_per_prompt",
                self.teacher.replies_per_prompt,
            ),
            (
                "teacher.annotation_samples",
                self.teacher.annotation_samples,
            ),
            ("student.vocab_size", self.student.vocab_size),
            ("student.hidden_size", self.student.hidden_size),
            ("student.num_hidden_layers", self.student.num_hidden_layers),
            ("student.batch_size", self.student.batch_size),
            ("bootstrap_samples", self.bootstrap_samples),
        ];
        match positive.into_iter().find(|(_, value)| *value == 0) {
            None => Ok(()),
            Some((option, _)) => Err(RunError::Option {
                option,
                value: "0".into(),
                allowed: "at least 1".into(),
            }),
        }
    }
}

/// One training run of `max_steps` steps at `learning_rate`.
fn training(seed: u64, max_steps: usize, learning_rate: f64) -> TrainingConfig {
    TrainingConfig {
        learning_rate,
        max_steps: Some(max_steps),
        lr_scheduler_type: LrSchedulerType::Linear,
        logging_steps: (max_steps / 40).max(1),
        save_steps: Some((max_steps / 4).max(1)),
        save_total_limit: Some(1),
        seed,
        ..TrainingConfig::default()
    }
}

fn quick(seed: u64) -> TwoStageConfig {
    TwoStageConfig {
        preset: Preset::Quick,
        seed,
        data: DataConfig {
            locales: Some(vec!["us".into()]),
            small_version: false,
            teacher_fraction: 0.4,
            max_teacher_pairs: Some(1_000),
            max_log_pairs: Some(1_200),
            max_test_pairs: None,
        },
        teacher: TeacherConfig {
            init: None,
            vocab_size: 4_096,
            hidden_size: 128,
            num_hidden_layers: 4,
            max_length: 288,
            max_new_tokens: 128,
            pretrain: training(seed, 100, 3e-3),
            pretrain_batch_size: 4,
            sft: training(seed, 200, 3e-3),
            sft_batch_size: 8,
            preference_prompts: 64,
            replies_per_prompt: 4,
            reward_heads: training(seed, 30, 1e-3),
            dpo: training(seed, 30, 1e-4),
            preference_batch_size: 8,
            beta: 0.1,
            annotation_samples: 1,
            label_probabilities: false,
            temperature: 0.7,
            generation_batch_size: 32,
        },
        student: StudentConfig {
            init: None,
            layers: Vec::new(),
            labels: StudentLabels::Gold,
            reasons: Reasons::Teacher,
            vocab_size: 8_000,
            hidden_size: 128,
            num_hidden_layers: 6,
            max_length: 64,
            max_reasoned_length: 128,
            training: training(seed, 100, 5e-4),
            batch_size: 32,
            temperature: 0.05,
            lambda: 0.1,
        },
        bootstrap_samples: 1_000,
    }
}

fn smoke(seed: u64) -> TwoStageConfig {
    let mut config = quick(seed);
    config.preset = Preset::Smoke;
    config.data.max_teacher_pairs = Some(96);
    config.data.max_log_pairs = Some(96);
    config.data.max_test_pairs = Some(160);
    config.teacher.vocab_size = 1_024;
    config.teacher.hidden_size = 96;
    config.teacher.num_hidden_layers = 2;
    config.teacher.max_length = 256;
    config.teacher.pretrain = training(seed, 20, 3e-3);
    config.teacher.sft = training(seed, 200, 4e-3);
    config.teacher.preference_prompts = 16;
    config.teacher.reward_heads = training(seed, 6, 1e-3);
    config.teacher.dpo = training(seed, 6, 1e-4);
    config.student.vocab_size = 2_000;
    config.student.hidden_size = 64;
    config.student.training = training(seed, 12, 5e-4);
    config.student.batch_size = 16;
    config.bootstrap_samples = 200;
    config
}

fn esci(seed: u64) -> TwoStageConfig {
    let mut config = quick(seed);
    config.preset = Preset::Esci;
    config.data.max_teacher_pairs = Some(2_500);
    config.data.max_log_pairs = Some(2_500);
    config.teacher.vocab_size = 8_192;
    config.teacher.hidden_size = 192;
    config.teacher.pretrain = training(seed, 300, 3e-3);
    config.teacher.sft = training(seed, 300, 3e-3);
    config.teacher.preference_prompts = 128;
    config.student.training = training(seed, 200, 3e-5);
    config.student.max_length = 96;
    config.student.max_reasoned_length = 192;
    config
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_valid_and_round_trips() {
        for (name, preset) in [
            ("smoke", Preset::Smoke),
            ("quick", Preset::Quick),
            ("esci", Preset::Esci),
        ] {
            assert_eq!(name.parse::<Preset>().expect(name), preset);
            let config = TwoStageConfig::preset(preset, 7);
            config.validate().expect(name);
            let json = serde_json::to_string(&config).expect("serialises");
            let back: TwoStageConfig = serde_json::from_str(&json).expect("reads back");
            assert_eq!(back, config);
        }
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let mut json =
            serde_json::to_value(TwoStageConfig::preset(Preset::Smoke, 1)).expect("json");
        json["student"]["tau"] = 0.05.into();
        let error = serde_json::from_value::<TwoStageConfig>(json).expect_err("unknown key");
        assert!(error.to_string().contains("tau"), "{error}");
    }

    #[test]
    fn a_zero_is_named() {
        let mut config = TwoStageConfig::preset(Preset::Smoke, 1);
        config.student.batch_size = 0;
        let error = config.validate().expect_err("zero");
        assert!(error.to_string().contains("student.batch_size"), "{error}");
    }

    #[test]
    fn layers_need_a_checkpoint_that_they_are_of() {
        let mut config = TwoStageConfig::preset(Preset::Smoke, 1);
        config.student.layers = vec![0, 2, 4];
        let error = config.validate().expect_err("nothing to cut");
        assert!(error.to_string().contains("student.layers"), "{error}");
        config.student.init = Some("bert".into());
        config.validate().expect("a checkpoint to cut");
    }
}
