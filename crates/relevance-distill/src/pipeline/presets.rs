//! The presets, spelled out.

use training_loop::TrainingConfig;

use super::config::{DataConfig, PipelineConfig, Preset};
use super::student_config::{Reasons, StudentConfig};
use super::teacher_config::{TeacherConfig, learned_weight};
use crate::student_examples::StudentLabels;

impl PipelineConfig {
    /// The settings of a preset.
    ///
    /// ```
    /// use relevance_distill::pipeline::{PipelineConfig, Preset};
    ///
    /// let mut config = PipelineConfig::preset(Preset::Quick, 42);
    /// config.teacher.max_new_tokens = 400;
    /// let error = config.validate().unwrap_err().to_string();
    /// assert!(error.starts_with("`teacher.max_new_tokens` is 400, allowed: 2 to 287"), "{error}");
    /// ```
    pub fn preset(preset: Preset, seed: u64) -> Self {
        match preset {
            Preset::Smoke => smoke(seed),
            Preset::Quick => quick(seed),
            Preset::Esci => esci(seed),
        }
    }
}

/// One training run of `max_steps` steps at `learning_rate`.
fn training(seed: u64, max_steps: usize, learning_rate: f64) -> TrainingConfig {
    TrainingConfig::new()
        .with_learning_rate(learning_rate)
        .with_max_steps(max_steps)
        .with_logging_steps((max_steps / 40).max(1))
        .with_save_steps((max_steps / 4).max(1))
        .with_save_total_limit(1)
        .with_seed(seed)
}

fn quick(seed: u64) -> PipelineConfig {
    PipelineConfig {
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
            learned_weight: learned_weight(),
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
            train_batch_size: 32,
            temperature: 0.05,
            lambda: 0.1,
        },
        bootstrap_samples: 1_000,
    }
}

fn smoke(seed: u64) -> PipelineConfig {
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
    config.student.train_batch_size = 16;
    config.bootstrap_samples = 200;
    config
}

fn esci(seed: u64) -> PipelineConfig {
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

    fn smoke() -> PipelineConfig {
        PipelineConfig::preset(Preset::Smoke, 1)
    }

    fn refused(change: impl FnOnce(&mut PipelineConfig)) -> String {
        let mut config = smoke();
        change(&mut config);
        config.validate().expect_err("out of range").to_string()
    }

    #[test]
    fn every_preset_is_valid_and_round_trips() {
        for name in Preset::NAMES {
            let preset: Preset = name.parse().expect(name);
            let config = PipelineConfig::preset(preset, 7);
            assert_eq!(serde_json::to_value(config.preset).expect("json"), name);
            config.validate().expect(name);
            let json = serde_json::to_string(&config).expect("serialises");
            let back: PipelineConfig = serde_json::from_str(&json).expect("reads back");
            assert_eq!(back, config);
        }
        let error = "full".parse::<Preset>().expect_err("unknown").to_string();
        assert_eq!(error, "`preset` is `full`, allowed: smoke, quick, esci");
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let mut json = serde_json::to_value(smoke()).expect("json");
        json["student"]["tau"] = 0.05.into();
        let error = serde_json::from_value::<PipelineConfig>(json).expect_err("unknown key");
        assert!(error.to_string().contains("tau"), "{error}");
    }

    #[test]
    fn a_zero_is_named() {
        let error = refused(|config| config.student.train_batch_size = 0);
        assert_eq!(
            error,
            "`student.train_batch_size` is 0, allowed: at least 1"
        );
        let error = refused(|config| config.data.max_test_pairs = Some(0));
        assert!(error.starts_with("`data.max_test_pairs` is 0"), "{error}");
    }

    #[test]
    fn a_prompt_and_a_reply_share_the_length() {
        for tokens in [0, 1, 256, 300, usize::MAX] {
            let error = refused(|config| config.teacher.max_new_tokens = tokens);
            let expected = format!("`teacher.max_new_tokens` is {tokens}, allowed: 2 to 255");
            assert!(error.starts_with(&expected), "{error}");
        }
        let error = refused(|config| config.teacher.max_length = 2);
        assert!(error.starts_with("`teacher.max_length` is 2"), "{error}");
        let mut config = smoke();
        config.teacher.max_new_tokens = 255;
        config.validate().expect("a prompt of one token is left");
        assert_eq!(config.teacher.max_prompt_length(), 1);
    }

    #[test]
    fn what_a_crate_refuses_is_named_with_its_place() {
        type Change = fn(&mut PipelineConfig);
        let cases: [(&str, Change); 8] = [
            ("teacher.pretrain: ", |c| {
                c.teacher.pretrain.learning_rate = 0.0
            }),
            ("teacher.sft: ", |c| c.teacher.sft.logging_steps = 0),
            ("teacher.reward_heads: ", |c| {
                c.teacher.reward_heads.max_steps = Some(0)
            }),
            ("teacher.dpo: ", |c| c.teacher.beta = -1.0),
            ("teacher: ", |c| c.teacher.temperature = 0.0),
            ("teacher: ", |c| c.teacher.hidden_size = 97),
            ("student.training: ", |c| c.student.temperature = 0.0),
            ("student: ", |c| c.student.max_length = 1),
        ];
        for (place, change) in cases {
            let error = refused(change);
            assert!(error.starts_with(place), "{error}");
        }
    }

    #[test]
    fn layers_need_a_checkpoint_that_they_are_of() {
        let error = refused(|config| config.student.layers = vec![0, 2, 4]);
        assert!(error.contains("student.layers"), "{error}");
        let mut config = smoke();
        config.student.layers = vec![0, 2, 4];
        config.student.init = Some("bert".into());
        config.validate().expect("a checkpoint to cut");
    }
}
