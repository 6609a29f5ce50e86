//! Some test pairs with everybody's answer, for the report.

use causal_lm::GenerationConfig;
use relevance_data::{LabelSchema, LabeledPair};
use relevance_eval::ndarray::Array2;
use teacher_train::Teacher;

use crate::error::DistillError;
use crate::report::{ExampleCase, StudentAnswer};

/// Test pairs that the report shows.
const CASES: usize = 12;

/// Some test pairs, spread evenly over the test set, with every system's answer. `students` are names
/// and class distributions of all test pairs, `[pairs, classes]`.
pub(super) fn cases(
    test: &[LabeledPair],
    schema: &LabelSchema,
    teacher: &Teacher,
    max_new_tokens: usize,
    students: [(&str, &Array2<f64>); 2],
) -> Result<Vec<ExampleCase>, DistillError> {
    let step = test.len().div_ceil(CASES).max(1);
    let chosen: Vec<usize> = (0..test.len()).step_by(step).collect();
    let prompts = teacher.prompts(chosen.iter().map(|&row| &test[row].pair))?;
    let generation = GenerationConfig {
        max_new_tokens,
        ..GenerationConfig::default()
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
        let answer = |(system, probabilities): (&str, &Array2<f64>)| {
            let probabilities = probabilities.row(row).to_vec();
            StudentAnswer {
                system: system.to_owned(),
                predicted: names[most_probable(&probabilities)].clone(),
                probabilities,
            }
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
