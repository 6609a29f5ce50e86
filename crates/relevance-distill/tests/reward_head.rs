//! The reward head: it has a say in pair building where it has shown that it learned, and only there.

use std::path::Path;

use relevance_distill::burn::tensor::Device;
use relevance_distill::pipeline::stages::{PairReplies, TrainRewardHead, TrainedRewardHead};
use relevance_distill::pipeline::{
    PipelineConfig, PreferencesFile, Preset, RepliesFile, RewardHeadsFolder, SampledReplies, Stage,
    StageContext, TeacherConfig, TeacherFolder,
};
use relevance_distill::relevance_data::{Item, Label, LabelSchema, LabeledPair, Pair, Query};
use relevance_distill::teacher_train::{Teacher, train_bpe_tokenizer};
use relevance_distill::training_loop::Interrupt;

/// What is not asked about the teacher: small, and quick to train a head over.
fn config() -> TeacherConfig {
    let mut config = PipelineConfig::preset(Preset::Smoke, 5).teacher;
    config.vocab_size = 512;
    config.hidden_size = 32;
    config.num_hidden_layers = 1;
    config.max_length = 96;
    config.max_new_tokens = 48;
    config.reward_heads.learning_rate = 3e-2;
    config.reward_heads.max_steps = Some(60);
    config.validate(5).expect("valid");
    config
}

fn context(folder: &Path, stage: Stage) -> StageContext {
    StageContext {
        stage,
        device: Device::default(),
        folder: folder.join(stage.name()),
        seed: 5,
        interrupt: Interrupt::new(),
    }
}

/// Pairs of 60 queries with two replies each: one with the gold label, one with the other label.
fn replies(schema: &LabelSchema, gold: impl Fn(usize) -> &'static str) -> Vec<SampledReplies> {
    let label = |name: &str| -> Label { schema.parse(name).expect("ESCI's") };
    let reply = |name: &str| format!("The item is as it is.\n<label>{name}</label>");
    let row = |i: usize| SampledReplies {
        pair: LabeledPair {
            pair: Pair {
                query: Query::new(format!("q{i}"), format!("query {i}")),
                item: Item::new(format!("i{i}"), format!("item {i}")),
            },
            label: label(gold(i)),
        },
        prompt: format!("Query: query {i}\nReply:\n"),
        replies: vec![reply("Exact"), reply("Irrelevant")],
    };
    (0..60).map(row).collect()
}

struct Setting {
    folder: tempfile::TempDir,
    schema: LabelSchema,
    rows: Vec<SampledReplies>,
}

impl Setting {
    fn new(gold: impl Fn(usize) -> &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let schema = LabelSchema::esci();
        let rows = replies(&schema, gold);
        let texts = rows.iter().flat_map(|row| {
            row.replies
                .iter()
                .map(|reply| format!("{}{reply}", row.prompt))
        });
        let config = config();
        let tokenizer = train_bpe_tokenizer(texts.collect::<Vec<_>>(), config.vocab_size);
        let tokenizer = tokenizer.expect("a vocabulary");
        let decoder = config.decoder(tokenizer.vocab_size());
        let model = decoder.init(5, &Device::default()).expect("a decoder");
        let teacher = Teacher {
            model,
            tokenizer,
            template: config.template(&schema),
            schema: schema.clone(),
            max_prompt_length: config.max_prompt_length(),
        };
        let setting = Self {
            folder,
            schema,
            rows,
        };
        setting.teacher().save(&teacher).expect("saved");
        setting
            .replies()
            .write(&setting.rows, &setting.schema)
            .expect("written");
        setting
    }

    fn teacher(&self) -> TeacherFolder {
        TeacherFolder(self.folder.path().join("teacher"))
    }

    fn replies(&self) -> RepliesFile {
        RepliesFile(self.folder.path().join("replies.jsonl"))
    }

    fn pairs(&self) -> Vec<LabeledPair> {
        self.rows.iter().map(|row| row.pair.clone()).collect()
    }

    fn train(&self) -> TrainedRewardHead {
        let stage = TrainRewardHead {
            teacher: self.teacher(),
            replies: self.replies(),
            pairs: &self.pairs(),
            out: self.head(),
        };
        let context = context(self.folder.path(), Stage::RewardHeads);
        stage.run(&config(), &context).expect("trained")
    }

    fn head(&self) -> RewardHeadsFolder {
        RewardHeadsFolder(self.folder.path().join("head"))
    }

    /// Prompt and margin of each preference pair, and how many prompts the head scored.
    fn pair(&self, head: Option<RewardHeadsFolder>) -> (Vec<(String, f64)>, usize) {
        let out = PreferencesFile(self.folder.path().join("preferences.jsonl"));
        let stage = PairReplies {
            replies: self.replies(),
            head,
            pairs: &self.pairs(),
            schema: &self.schema,
            out: out.clone(),
        };
        let context = context(self.folder.path(), Stage::Preferences);
        let found = stage.run(&config(), &context).expect("paired");
        let margin = |pair: relevance_distill::relevance_data::PreferencePair| {
            let scores = pair.score_chosen.zip(pair.score_rejected);
            let (chosen, rejected) = scores.expect("scored");
            (pair.prompt, chosen - rejected)
        };
        let pairs = out.read().expect("read").into_iter().map(margin);
        (pairs.collect(), found.prompts_with_head)
    }
}

#[test]
fn a_head_that_learned_is_a_dimension_where_it_did_not_learn() {
    let setting = Setting::new(|_| "E");
    let found = setting.train();
    assert!(found.is_used() && found.warning.is_none(), "{found:?}");
    let held_out = found.held_out.expect("pairs of other queries");
    assert!(held_out.accuracy > 0.9, "{held_out}");
    assert_eq!(found.pairs + held_out.pairs, 60);

    let (plain, none) = setting.pair(None);
    let (with_head, scored) = setting.pair(Some(setting.head()));
    assert_eq!((none, scored), (0, held_out.pairs));
    assert_eq!((plain.len(), with_head.len()), (60, 60));
    let pairs = plain.iter().zip(&with_head);
    let differ = pairs.filter(|((prompt, before), (same, after))| {
        assert_eq!(prompt, same);
        before != after
    });
    assert_eq!(differ.count(), held_out.pairs);
}

#[test]
fn a_head_that_learned_nothing_is_left_out() {
    // Which reply is the better one, neither prompt nor reply tells.
    let setting = Setting::new(|i| ["E", "I"][(i * 7919 % 104_729) / 13 % 2]);
    let found = setting.train();
    assert!(!found.is_used(), "{found:?}");
    let warning = found.warning.expect("a warning");
    assert!(warning.contains("left out of pair building"), "{warning}");
    assert!(found.held_out.expect("measured").p_value > 0.05);
}

#[test]
fn without_pairs_there_is_no_head() {
    // No reply has the gold label.
    let setting = Setting::new(|_| "S");
    let found = setting.train();
    assert!(!found.is_used() && found.training.is_none(), "{found:?}");
    assert!(
        found
            .warning
            .expect("a warning")
            .contains("no preference pair")
    );
    assert!(!setting.head().0.exists());
    assert_eq!(setting.pair(None), (Vec::new(), 0));
}
