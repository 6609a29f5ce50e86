//! Scores of the majority class, the teacher and both students on the test pairs.

use relevance_data::{LabelSchema, LabeledPair};
use relevance_eval::{
    Evaluation, EvaluationConfig, PairedComparison, evaluate as evaluate_predictions,
    markdown_table, paired_bootstrap,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use student_model::{Student, predict};

use super::students::{STUDENT_CE_DIR, STUDENT_DIR};
use super::teacher::{TEACHER_DIR, teacher};
use crate::error::RunError;
use crate::query_rows::QueryRows;
use crate::report::{ExampleCase, StudentAnswer};
use crate::two_stage::manifest::write_json;
use crate::two_stage::run::{Facts, Run};
use crate::two_stage::stage::Stage;

/// The file's name in the output folder.
pub(super) const METRICS_FILE: &str = "metrics.json";
/// The file of example cases, in the stage's folder.
pub(super) const CASES_FILE: &str = "cases.json";

/// Pairs scored at once by a student.
const STUDENT_BATCH: usize = 32;
/// Test pairs that the report shows.
const CASES: usize = 12;

/// What `metrics.json` holds: every system on the same test pairs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Systems {
    /// Always the most frequent label of the log pairs, with that label's distribution.
    pub majority: Evaluation,
    /// The teacher as a classifier.
    pub teacher: Evaluation,
    /// The student trained by cross entropy alone.
    pub student_ce: Evaluation,
    /// The student trained by CRSD.
    pub student_crsd: Evaluation,
    /// CRSD minus cross entropy alone: paired bootstrap over queries.
    pub crsd_minus_ce: PairedComparison,
    /// Macro F1 of the CRSD student over the teacher's.
    pub retention: f64,
}

impl Systems {
    /// The systems with their names, in the order of the tables.
    pub fn named(&self) -> [(&'static str, &Evaluation); 4] {
        [
            ("majority class", &self.majority),
            ("teacher", &self.teacher),
            ("student, cross entropy", &self.student_ce),
            ("student, CRSD", &self.student_crsd),
        ]
    }
}

/// Scores a student on labelled pairs, as `metrics.json` and the recipe `evaluate` do.
///
/// # Errors
///
/// The student cannot read the pairs, or its classes are not the schema's.
pub fn evaluate_student(
    student: &Student,
    pairs: &[LabeledPair],
    schema: &LabelSchema,
    config: &EvaluationConfig,
) -> Result<Evaluation, RunError> {
    let labels = student.model().config().labels();
    if labels != schema.names() {
        return Err(RunError::Option {
            option: "student",
            value: format!("a model with the classes {labels:?}"),
            allowed: format!("the classes {:?}", schema.names()),
        });
    }
    let rows = QueryRows::new(pairs, schema);
    let probabilities = student_probabilities(student, pairs)?;
    Ok(evaluate_predictions(
        &rows.predictions(&probabilities)?,
        config,
    )?)
}

pub(super) fn evaluate(run: &Run) -> Result<Facts, RunError> {
    let schema = &run.parts.schema;
    let test = &run.parts.test;
    let settings = &run.config().teacher;
    let config = EvaluationConfig::new()
        .with_bootstrap_samples(run.config().bootstrap_samples)
        .with_seed(run.config().seed);
    let rows = QueryRows::new(test, schema);
    let score = |probabilities: &[Vec<f64>]| {
        evaluate_predictions(&rows.predictions(probabilities)?, &config)
    };

    let majority = majority(&run.parts.log, schema, test.len());
    let teacher = teacher(run, &run.path(TEACHER_DIR))?;
    let pairs: Vec<_> = test.iter().map(|pair| pair.pair.clone()).collect();
    let of_teacher = teacher.label_probabilities(
        &pairs,
        settings.max_new_tokens,
        settings.generation_batch_size * schema.len(),
    )?;
    run.check_interrupt(Stage::Evaluate)?;
    let of_ce = student_probabilities(&student(run, STUDENT_CE_DIR)?, test)?;
    let of_crsd = student_probabilities(&student(run, STUDENT_DIR)?, test)?;
    let (ce, crsd) = (rows.predictions(&of_ce)?, rows.predictions(&of_crsd)?);
    let teacher_scores = score(&of_teacher)?;
    let crsd_scores = score(&of_crsd)?;
    let systems = Systems {
        majority: score(&majority)?,
        student_ce: score(&of_ce)?,
        crsd_minus_ce: paired_bootstrap(&ce, &crsd, &config)?,
        retention: crsd_scores.macro_f1.value / teacher_scores.macro_f1.value,
        teacher: teacher_scores,
        student_crsd: crsd_scores,
    };

    let cases = cases(
        run,
        &teacher,
        [("cross entropy", &of_ce), ("CRSD", &of_crsd)],
    )?;
    let folder = run.work_dir(Stage::Evaluate);
    std::fs::create_dir_all(&folder).map_err(|source| RunError::Io {
        path: folder.clone(),
        source,
    })?;
    write_json(&folder.join(CASES_FILE), &cases)?;
    write_json(&run.path(METRICS_FILE), &systems)?;
    println!("{}", markdown_table(&systems.named()));
    let figure = |evaluation: &Evaluation| json!(evaluation.macro_f1.value);
    Ok(Facts::from([
        ("macro_f1_majority".to_string(), figure(&systems.majority)),
        ("macro_f1_teacher".to_string(), figure(&systems.teacher)),
        (
            "macro_f1_student_ce".to_string(),
            figure(&systems.student_ce),
        ),
        (
            "macro_f1_student_crsd".to_string(),
            figure(&systems.student_crsd),
        ),
    ]))
}

fn student(run: &Run, folder: &str) -> Result<Student, RunError> {
    Ok(Student::from_dir(run.path(folder), &run.device)?)
}

fn student_probabilities(
    student: &Student,
    pairs: &[LabeledPair],
) -> Result<Vec<Vec<f64>>, RunError> {
    let texts: Vec<String> = pairs.iter().map(|pair| pair.pair.item.text()).collect();
    let rows: Vec<(&str, &str)> = pairs
        .iter()
        .zip(&texts)
        .map(|(pair, text)| (pair.pair.query.text.as_str(), text.as_str()))
        .collect();
    let (model, tokenizer) = (student.model(), student.tokenizer());
    let probabilities = predict(model, tokenizer, &rows, STUDENT_BATCH)?;
    Ok(probabilities.outer_iter().map(|row| row.to_vec()).collect())
}

/// The label distribution of `pairs`, for every row: its most probable class is the majority's.
fn majority(pairs: &[LabeledPair], schema: &LabelSchema, rows: usize) -> Vec<Vec<f64>> {
    let mut counts = vec![0.0; schema.len()];
    for pair in pairs {
        counts[pair.label.index()] += 1.0;
    }
    let total: f64 = counts.iter().sum();
    let distribution: Vec<f64> = counts.into_iter().map(|count| count / total).collect();
    vec![distribution; rows]
}

/// Some test pairs, spread evenly over the test set, with every system's answer.
fn cases(
    run: &Run,
    teacher: &teacher_train::Teacher,
    students: [(&str, &Vec<Vec<f64>>); 2],
) -> Result<Vec<ExampleCase>, RunError> {
    let schema = &run.parts.schema;
    let test = &run.parts.test;
    let step = test.len().div_ceil(CASES).max(1);
    let chosen: Vec<usize> = (0..test.len()).step_by(step).collect();
    let prompts = teacher.prompts(chosen.iter().map(|&row| &test[row].pair))?;
    let generation = causal_lm::GenerationConfig {
        max_new_tokens: run.config().teacher.max_new_tokens,
        ..causal_lm::GenerationConfig::default()
    };
    let replies = teacher.replies(&prompts, &generation)?;
    let names = schema.names();
    let case = |(&row, replies): (&usize, Vec<String>)| {
        let text = replies.into_iter().next().unwrap_or_default();
        let (teacher_label, teacher_reasoning) = match teacher.template.format.parse(&text, schema)
        {
            Ok(reply) => (
                schema.name(reply.verdict).to_owned(),
                reply.rationale.as_str().to_owned(),
            ),
            Err(error) => (format!("unparsed ({error})"), text),
        };
        let answer = |(system, probabilities): (&str, &Vec<Vec<f64>>)| StudentAnswer {
            system: system.to_owned(),
            predicted: names[most_probable(&probabilities[row])].clone(),
            probabilities: probabilities[row].clone(),
        };
        ExampleCase {
            query: test[row].pair.query.text.clone(),
            item: test[row].pair.item.title.clone(),
            gold: schema.name(test[row].label).to_owned(),
            teacher_label,
            teacher_reasoning,
            students: students.map(answer).into(),
        }
    };
    Ok(chosen.iter().zip(replies).map(case).collect())
}

fn most_probable(probabilities: &[f64]) -> usize {
    let better = |best: usize, class: usize| {
        if probabilities[class] > probabilities[best] {
            class
        } else {
            best
        }
    };
    (0..probabilities.len()).fold(0, better)
}
