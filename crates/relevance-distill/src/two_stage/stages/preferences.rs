//! Sampled replies, their rewards, the pairs that come of them, and heads that learn the rewards.

use causal_lm::{CausalLm, GenerationConfig, LmTokenizer};
use relevance_data::{LabeledPair, PreferencePair, RationaleWriter, read_jsonl, write_jsonl};
use reward_model::{
    BagOfWordsLabeler, CompositeReward, DimensionWeights, LengthLimits, PairBuilderConfig,
    RewardHeads, RewardInput, RewardTrainConfig, ScoredPrompt, ScoredReply, build_pairs,
    length_correlations, train_pairwise,
};
use serde_json::json;

use super::teacher::{finish, model_dir, teacher};
use crate::error::RunError;
use crate::two_stage::run::{Facts, Run};
use crate::two_stage::stage::Stage;

/// The file's name in the output folder.
const PREFERENCES_FILE: &str = "preferences.jsonl";

/// Samples replies of the fine-tuned teacher, scores them with the programmatic dimensions, and
/// pairs better with worse ones.
pub(super) fn sample_and_pair(run: &Run) -> Result<Facts, RunError> {
    let schema = &run.parts.schema;
    let settings = &run.config().teacher;
    let teacher = teacher(run, &model_dir(run, Stage::Sft))?;
    let asked = spread(&run.parts.teacher, settings.preference_prompts);
    let prompts = teacher.prompts(asked.iter().map(|pair| &pair.pair))?;
    let generation = GenerationConfig {
        max_new_tokens: settings.max_new_tokens,
        do_sample: true,
        temperature: settings.temperature,
        num_return_sequences: settings.replies_per_prompt,
        seed: run.config().seed,
        batch_size: settings.generation_batch_size,
        ..GenerationConfig::default()
    };
    let replies = teacher.replies(&prompts, &generation)?;
    run.check_interrupt(Stage::Preferences)?;

    let writer = RationaleWriter::new(schema.clone());
    let explained: Vec<_> = run
        .parts
        .teacher
        .iter()
        .map(|pair| (writer.write(pair), pair.label))
        .collect();
    let labeler = BagOfWordsLabeler::fit(&explained, schema)?;
    let reward = CompositeReward::programmatic(
        teacher.template.format,
        labeler,
        &DimensionWeights::default(),
    )?;
    let mut scored = Vec::new();
    for ((pair, prompt), replies) in asked.into_iter().zip(prompts).zip(replies) {
        let input = RewardInput {
            prompt: &prompt,
            pair: &pair.pair,
            gold: Some(pair.label),
            schema,
        };
        let replies = replies
            .into_iter()
            .map(|text| {
                let score = reward.score(&text, &input)?;
                Ok(ScoredReply { text, score })
            })
            .collect::<Result<Vec<_>, RunError>>()?;
        scored.push(ScoredPrompt {
            prompt,
            gold: pair.label,
            replies,
        });
    }
    let config = PairBuilderConfig {
        seed: run.config().seed,
        ..PairBuilderConfig::default()
    };
    let (mut pairs, report) = build_pairs(&scored, &config)?;
    // A reply without a single word says nothing to learn from.
    pairs.retain(|pair| !pair.rejected.trim().is_empty());
    write_jsonl(run.path(PREFERENCES_FILE), &pairs)?;

    let mut facts = Facts::from([
        ("prompts".to_string(), json!(report.prompts)),
        ("replies".to_string(), json!(report.replies)),
        (
            "malformed_replies".to_string(),
            json!(report.malformed_replies),
        ),
        ("correct_replies".to_string(), json!(report.correct_replies)),
        ("pairs".to_string(), json!(pairs.len())),
        (
            "wrong_label_fraction".to_string(),
            json!(report.wrong_label_fraction),
        ),
        ("mean_margin".to_string(), json!(report.mean_margin)),
    ]);
    let scores = scored
        .iter()
        .flat_map(|prompt| &prompt.replies)
        .map(|reply| &reply.score);
    for correlation in length_correlations(scores) {
        let name = format!("length correlation: {}", correlation.dimension);
        facts.extend(correlation.pearson.map(|pearson| (name, json!(pearson))));
    }
    Ok(facts)
}

/// Trains reward heads on the pairs, over the fine-tuned teacher, which stays as it is.
pub(super) fn train_heads(run: &Run) -> Result<Facts, RunError> {
    let pairs: Vec<PreferencePair> = read_jsonl(run.path(PREFERENCES_FILE))?;
    if pairs.is_empty() {
        let note = "no preference pair was found; no heads were trained";
        return Ok(Facts::from([
            ("pairs".to_string(), json!(0)),
            ("note".to_string(), json!(note)),
        ]));
    }
    let settings = &run.config().teacher;
    let folder = model_dir(run, Stage::Sft);
    let backbone = CausalLm::from_dir(&folder, &run.device)?;
    let tokenizer = LmTokenizer::from_dir(folder)?;
    let heads = RewardHeads::new(backbone, &DimensionWeights::default(), run.config().seed)?;
    let config = RewardTrainConfig {
        limits: LengthLimits {
            max_length: settings.max_length,
            max_prompt_length: settings.max_length - settings.max_new_tokens,
            batch_size: settings.preference_batch_size,
        },
        freeze_backbone: true,
        training: settings.reward_heads.clone(),
        ..RewardTrainConfig::default()
    };
    let options = run.trainer_options(Stage::RewardHeads);
    let report = train_pairwise(heads, &tokenizer, &pairs, &config, options)?;
    let mut facts = finish(run, Stage::RewardHeads, &report)?;
    report.model.save_dir(model_dir(run, Stage::RewardHeads))?;
    facts.insert("pairs".into(), json!(pairs.len()));
    let accuracy = report
        .log_history
        .last()
        .and_then(|entry| entry.metrics.get("accuracy"));
    facts.extend(accuracy.map(|value| ("accuracy".to_string(), json!(value))));
    Ok(facts)
}

/// At most `count` pairs, spread evenly, so that many queries are among them.
fn spread(pairs: &[LabeledPair], count: usize) -> Vec<&LabeledPair> {
    let count = count.min(pairs.len());
    (0..count)
        .map(|i| &pairs[i * pairs.len() / count])
        .collect()
}
