//! Stage 1: a decoder learns the domain, the form of a reply, and which replies are better.

use causal_lm::{CausalLm, CausalLmConfig, LmTokenizer};
use preference_opt::{DpoConfig, train_dpo};
use relevance_data::{PreferencePair, RationaleWriter, ReplyFormat, read_jsonl};
use serde_json::json;
use std::path::{Path, PathBuf};
use teacher_train::{
    Document, PretrainConfig, PromptTemplate, SftConfig, Teacher, domain_documents, sft_examples,
    train_bpe_tokenizer,
};
use training_loop::TrainReport;

use crate::error::RunError;
use crate::two_stage::run::{Facts, Run};
use crate::two_stage::stage::Stage;

/// Where the finished teacher stands in the output folder.
pub(super) const TEACHER_DIR: &str = "teacher";

/// Domain-adaptive pre-training on the products' texts; the labels of the log pairs stay unseen.
pub(super) fn pretrain(run: &Run) -> Result<Facts, RunError> {
    let parts = &run.parts;
    let mut documents = domain_documents(&parts.teacher, &parts.schema);
    documents.extend(
        parts
            .log
            .iter()
            .map(|pair| Document::text(pair.pair.item.text())),
    );
    let settings = &run.config().teacher;
    let (model, tokenizer) = match &run.options.teacher_init {
        Some(folder) => (
            CausalLm::from_dir(folder, &run.device)?,
            LmTokenizer::from_dir(folder)?,
        ),
        None => from_nothing(run, &documents)?,
    };
    let parameters = model.config().num_parameters();
    let config = PretrainConfig {
        context_length: settings.max_length,
        per_device_train_batch_size: settings.pretrain_batch_size,
        training: settings.pretrain.clone(),
    };
    let options = run.trainer_options(Stage::Pretrain);
    let report = teacher_train::pretrain(model, &tokenizer, &documents, &config, options)?;
    let mut facts = finish(run, Stage::Pretrain, &report)?;
    save(&report.model, &tokenizer, &model_dir(run, Stage::Pretrain))?;
    facts.insert("documents".into(), documents.len().into());
    facts.insert("vocabulary".into(), tokenizer.vocab_size().into());
    facts.insert("parameters".into(), parameters.into());
    Ok(facts)
}

/// Fine-tuning on the teacher's pairs, with the deterministic writer's reasons.
pub(super) fn sft(run: &Run) -> Result<Facts, RunError> {
    let (model, tokenizer) = load(run, &model_dir(run, Stage::Pretrain))?;
    let schema = &run.parts.schema;
    let settings = &run.config().teacher;
    let writer = RationaleWriter::new(schema.clone());
    let explained = run
        .parts
        .teacher
        .iter()
        .map(|pair| (pair, writer.write(pair)));
    let template = template(run);
    let examples = sft_examples(
        explained,
        &template,
        schema,
        &tokenizer,
        settings.max_length,
    )?;
    let config = SftConfig {
        max_length: settings.max_length,
        per_device_train_batch_size: settings.sft_batch_size,
        training: settings.sft.clone(),
    };
    let options = run.trainer_options(Stage::Sft);
    let report = teacher_train::sft(model, &tokenizer, &examples, &config, options)?;
    let mut facts = finish(run, Stage::Sft, &report)?;
    save(&report.model, &tokenizer, &model_dir(run, Stage::Sft))?;
    facts.insert("examples".into(), examples.len().into());
    Ok(facts)
}

/// DPO on the preference pairs. Without a pair the fine-tuned teacher stays as it is.
pub(super) fn dpo(run: &Run) -> Result<Facts, RunError> {
    let (model, tokenizer) = load(run, &model_dir(run, Stage::Sft))?;
    let pairs: Vec<PreferencePair> = read_jsonl(run.path("preferences.jsonl"))?;
    let target = run.path(TEACHER_DIR);
    if pairs.is_empty() {
        save(&model, &tokenizer, &target)?;
        return Ok(Facts::from([
            ("pairs".to_string(), json!(0)),
            (
                "note".to_string(),
                json!("no preference pair was found; the fine-tuned teacher is kept"),
            ),
        ]));
    }
    let settings = &run.config().teacher;
    let config = DpoConfig {
        beta: settings.beta,
        // A small teacher forgets the form of a reply without the likelihood term.
        rpo_alpha: Some(1.0),
        max_length: settings.max_length,
        max_prompt_length: settings.max_length - settings.max_new_tokens,
        per_device_train_batch_size: settings.preference_batch_size,
        training: settings.dpo.clone(),
        ..DpoConfig::default()
    };
    let options = run.trainer_options(Stage::Dpo);
    let report = train_dpo(model, &tokenizer, &pairs, &config, options)?;
    let mut facts = finish(run, Stage::Dpo, &report)?;
    save(&inference(report.model), &tokenizer, &target)?;
    facts.insert("pairs".into(), pairs.len().into());
    for name in ["rewards/margins", "rewards/accuracies"] {
        let last = report
            .log_history
            .last()
            .and_then(|entry| entry.metrics.get(name));
        facts.extend(last.map(|value| (name.to_string(), json!(value))));
    }
    Ok(facts)
}

/// The teacher in a folder, ready to be asked.
pub(super) fn teacher(run: &Run, folder: &Path) -> Result<Teacher, RunError> {
    let (model, tokenizer) = load(run, folder)?;
    let settings = &run.config().teacher;
    Ok(Teacher {
        model,
        tokenizer,
        template: template(run),
        schema: run.parts.schema.clone(),
        max_prompt_length: settings.max_length - settings.max_new_tokens,
    })
}

/// Where a stage's model stands.
pub(super) fn model_dir(run: &Run, stage: Stage) -> PathBuf {
    run.work_dir(stage).join("model")
}

/// A small teacher has no room for definitions and learns the labels from examples.
fn template(run: &Run) -> PromptTemplate {
    match run.options.teacher_init {
        Some(_) => PromptTemplate::esci(ReplyFormat::default()),
        None => PromptTemplate::compact(&run.parts.schema),
    }
}

/// A vocabulary and a decoder that start from nothing.
fn from_nothing(run: &Run, documents: &[Document]) -> Result<(CausalLm, LmTokenizer), RunError> {
    let settings = &run.config().teacher;
    let parts = &run.parts;
    let writer = RationaleWriter::new(parts.schema.clone());
    let template = template(run);
    let texts = documents.iter().map(String::from);
    let reasons = parts.teacher.iter().map(|pair| {
        let prompt = template.render(&pair.pair, 0);
        let tag = ReplyFormat::tag(pair.label, &parts.schema);
        format!("{prompt}{}\n{tag}", writer.write(pair))
    });
    let texts: Vec<String> = texts.chain(reasons).collect();
    let tokenizer = train_bpe_tokenizer(texts, settings.vocab_size)?;
    let config = CausalLmConfig {
        vocab_size: tokenizer.vocab_size(),
        hidden_size: settings.hidden_size,
        intermediate_size: 3 * settings.hidden_size,
        num_hidden_layers: settings.num_hidden_layers,
        num_attention_heads: (settings.hidden_size / 32).max(1),
        num_key_value_heads: (settings.hidden_size / 64).max(1),
        // Room for a verdict after a reply that has none.
        max_position_embeddings: settings.max_length + 32,
        eos_token_id: vec![tokenizer.eos_id()],
        pad_token_id: Some(tokenizer.pad_id()),
        ..CausalLmConfig::default()
    };
    Ok((
        config.init_with_seed(run.config().seed, &run.device)?,
        tokenizer,
    ))
}

fn load(run: &Run, folder: &Path) -> Result<(CausalLm, LmTokenizer), RunError> {
    let model = CausalLm::from_dir(folder, &run.device)?;
    let tokenizer = LmTokenizer::from_dir(folder)?;
    Ok((model, tokenizer))
}

fn save(model: &CausalLm, tokenizer: &LmTokenizer, folder: &Path) -> Result<(), RunError> {
    model.save_dir(folder)?;
    Ok(tokenizer.save_dir(folder)?)
}

fn inference(model: CausalLm) -> CausalLm {
    burn::module::Module::valid(&model)
}

/// What every training stage tells; fails if it was told to stop.
pub(super) fn finish<M>(
    run: &Run,
    stage: Stage,
    report: &TrainReport<M>,
) -> Result<Facts, RunError> {
    if report.interrupted {
        return Err(RunError::Interrupted {
            stage: format!("stage {stage}"),
        });
    }
    run.check_interrupt(stage)?;
    let mut facts = Facts::from([("steps".to_string(), json!(report.global_step))]);
    if let (Some(first), Some(last)) = (report.log_history.first(), report.log_history.last()) {
        facts.insert("first_loss".into(), json!(first.loss));
        facts.insert("last_loss".into(), json!(last.loss));
    }
    Ok(facts)
}
