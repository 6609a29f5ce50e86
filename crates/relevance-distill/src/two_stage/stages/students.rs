//! Stage 2: the same student by cross entropy alone and by CRSD, on the same pairs and steps.

use crsd_loss::CrsdLossConfig;
use pair_tokenizer::PairTokenizer;
use relevance_data::read_annotations;
use serde_json::json;
use student_model::{
    BertConfig, BertForSequenceClassification, ObjectiveConfig, Student, StudentExample,
    StudentTrainConfig, train_student, train_wordpiece,
};

use super::annotate::ANNOTATIONS_FILE;
use super::teacher::finish;
use crate::error::RunError;
use crate::pretrained::{lengths, pretrained};
use crate::student_examples::student_examples;
use crate::two_stage::run::{Facts, Run};
use crate::two_stage::stage::Stage;

/// Where the CRSD student stands in the output folder.
pub(super) const STUDENT_DIR: &str = "student";
/// Where the student trained by cross entropy alone stands in the output folder.
pub(super) const STUDENT_CE_DIR: &str = "student-ce";

pub(super) fn cross_entropy(run: &Run) -> Result<Facts, RunError> {
    train(
        run,
        Stage::StudentCe,
        ObjectiveConfig::CrossEntropy,
        STUDENT_CE_DIR,
    )
}

pub(super) fn crsd(run: &Run) -> Result<Facts, RunError> {
    let settings = &run.config().student;
    let loss = CrsdLossConfig::new()
        .with_temperature(settings.temperature)
        .with_lambda(settings.lambda);
    train(
        run,
        Stage::StudentCrsd,
        ObjectiveConfig::Crsd(loss),
        STUDENT_DIR,
    )
}

fn train(
    run: &Run,
    stage: Stage,
    objective: ObjectiveConfig,
    folder: &str,
) -> Result<Facts, RunError> {
    let settings = &run.config().student;
    let (examples, without_reason) = examples(run)?;
    let (model, tokenizer) = initial(run)?;
    let config = StudentTrainConfig::new()
        .with_training(settings.training.clone())
        .with_objective(objective)
        .with_train_batch_size(settings.batch_size);
    let options = run.trainer_options(stage);
    let report = train_student(model, &tokenizer, &examples, &config, options)?;
    let mut facts = finish(run, stage, &report)?;
    Student::new(&report.model, tokenizer, &run.parts.schema.gains())?
        .save_dir(run.path(folder))?;
    facts.insert("examples".into(), json!(examples.len()));
    facts.insert("pairs_without_reason".into(), json!(without_reason));
    Ok(facts)
}

/// The annotated pairs as examples, and how many had no reason or label left. Both students learn
/// from the same examples; cross entropy does not read the reasons.
fn examples(run: &Run) -> Result<(Vec<StudentExample>, usize), RunError> {
    let schema = &run.parts.schema;
    let annotations = read_annotations(run.path(ANNOTATIONS_FILE), schema)?;
    let total = annotations.len();
    let examples = student_examples(annotations, schema, run.config().student.labels);
    if examples.is_empty() {
        return Err(RunError::EmptyPart {
            part: "student's",
            hint: format!("none of the {total} annotations has a reason and a label"),
        });
    }
    let without = total - examples.len();
    Ok((examples, without))
}

/// The student before training: the same for both objectives.
fn initial(run: &Run) -> Result<(BertForSequenceClassification, PairTokenizer), RunError> {
    let settings = &run.config().student;
    let seed = run.config().seed;
    let names = run.parts.schema.names();
    let lengths = lengths(settings.max_length, settings.max_reasoned_length);
    if let Some(folder) = &run.options.student_init {
        let layers = &settings.layers;
        return pretrained(folder, &names, lengths, layers, seed, &run.device);
    }
    let pairs = run.parts.teacher.iter().chain(&run.parts.log);
    let texts = pairs.flat_map(|pair| [pair.pair.query.text.clone(), pair.pair.item.text()]);
    let tokenizer = train_wordpiece(texts.collect::<Vec<_>>(), settings.vocab_size)?;
    let tokenizer = PairTokenizer::from_tokenizer(tokenizer, lengths)?;
    let config = BertConfig {
        vocab_size: tokenizer.id_bound(),
        hidden_size: settings.hidden_size,
        num_hidden_layers: settings.num_hidden_layers,
        num_attention_heads: (settings.hidden_size / 32).max(1),
        intermediate_size: 4 * settings.hidden_size,
        ..BertConfig::default()
    }
    .with_labels(&names);
    Ok((config.init(seed, &run.device)?, tokenizer))
}
