//! A student from annotations: trained, chosen on held-out queries, saved.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use relevance_data::{LabelSchema, Query, QuerySplit, read_annotations};
use serde_json::json;
use student_model::{Student, StudentExample, StudentTrainer};
use training_loop::{BestModel, TrainerOptions};

use super::config::DistillConfig;
use crate::dev_set::DevSet;
use crate::error::DistillError;
use crate::job::Job;
use crate::json_file::write_json;
use crate::pretrained::{lengths, pretrained};
use crate::student_examples::student_examples;

/// Trains a student on annotated pairs.
#[derive(Clone, Debug)]
pub struct Distill<'a> {
    /// Annotations, one JSON object a line.
    pub annotations: &'a Path,
    /// How their labels are read.
    pub schema: &'a LabelSchema,
    /// Hugging Face folder of the encoder to start from, with `tokenizer.json`.
    pub init: &'a Path,
    /// Where `student/`, `checkpoints/` and `run.json` go.
    pub out: &'a Path,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Distilled {
    /// The student's folder.
    pub student: PathBuf,
    /// The best model on the held-out queries, which the student is; none without such queries.
    pub best_model: Option<BestModel>,
    /// Pairs that it learned from.
    pub train_pairs: usize,
    /// Held-out pairs.
    pub dev_pairs: usize,
    /// Optimiser steps.
    pub steps: usize,
}

/// Pairs to learn from, and held-out ones.
type Parts = (Vec<StudentExample>, Vec<StudentExample>);

impl Distill<'_> {
    /// Trains and saves the student. Warns on stderr where there is only one label.
    ///
    /// # Errors
    ///
    /// A setting out of range; an input that cannot be read; [`DistillError::EmptyPart`]; whatever
    /// training reports; [`DistillError::Interrupted`].
    pub fn run(&self, config: &DistillConfig, job: &Job) -> Result<Distilled, DistillError> {
        config.validate()?;
        let names = self.schema.names();
        let seed = config.student.training.seed;
        let lengths = lengths(config.max_length, config.max_reasoned_length);
        let (model, tokenizer) = pretrained(
            self.init,
            &names,
            lengths,
            &config.layers,
            seed,
            &job.device,
        )?;
        let (train, dev) = self.parts(config, seed)?;
        let counts = label_counts(&train, &names);
        if let [(label, count)] = &Vec::from_iter(counts.clone())[..] {
            eprintln!(
                "warning: all {count} training labels are {label}: that is all that can be learnt"
            );
        }
        let labels = json!({"train": counts, "dev": label_counts(&dev, &names)});
        let (train_pairs, dev_pairs) = (train.len(), dev.len());
        let training = config.train_config(train_pairs, dev_pairs > 0);
        let evaluator = match dev.is_empty() {
            true => None,
            false => Some(DevSet::new(dev, self.schema)?.evaluator(tokenizer.clone())),
        };
        let objective = config.student.objective.init()?;
        let options = self.trainer_options(objective.name(), job);
        let report = StudentTrainer::new(&training, options)?
            .with_evaluator(evaluator)
            .train(model, &tokenizer, &train)?;
        if report.interrupted {
            let stage = format!("step {}", report.global_step);
            return Err(DistillError::Interrupted { stage });
        }
        let folder = self.out.join("student");
        Student::new(&report.model, tokenizer, &self.schema.gains())?.save_dir(&folder)?;
        let best = report.best_model.as_ref();
        let summary = json!({
            "command": job.command_line,
            "config": training,
            "layers": config.layers,
            "train_pairs": train_pairs,
            "dev_pairs": dev_pairs,
            "labels": labels,
            "steps": report.global_step,
            "stopped_early": report.stopped_early,
            "best": best.map(|best| json!({"step": best.step, &best.metric: best.value})),
            "evaluations": report.eval_history,
            "seconds": report.runtime.as_secs_f64(),
        });
        write_json(&self.out.join("run.json"), &summary)?;
        Ok(Distilled {
            student: folder,
            best_model: report.best_model,
            train_pairs,
            dev_pairs,
            steps: report.global_step,
        })
    }

    fn trainer_options(&self, name: &str, job: &Job) -> TrainerOptions {
        TrainerOptions::new()
            .with_output_dir(self.out.join("checkpoints"))
            .with_resume(job.resume)
            .with_interrupt(job.interrupt.clone())
            .with_name(name)
    }

    /// The pairs to train on and those to look at; no normalised query stands in both.
    fn parts(&self, config: &DistillConfig, seed: u64) -> Result<Parts, DistillError> {
        let annotations = read_annotations(self.annotations, self.schema)?;
        let total = annotations.len();
        let examples = student_examples(annotations, self.schema, config.labels);
        let fraction = config.dev_fraction;
        let split = QuerySplit::new(vec![1.0 - fraction, fraction], seed)?;
        let held_out = |example: &StudentExample| split.part(&Query::new("", &example.query)) == 1;
        let (dev, train): (Vec<_>, Vec<_>) = examples.into_iter().partition(held_out);
        let empty = |part, hint: &str| {
            let hint = hint.to_owned();
            Err(DistillError::EmptyPart { part, hint })
        };
        match (train.is_empty(), dev.is_empty()) {
            (true, true) => {
                let hint = format!("none of the {total} annotations has a reason and a label");
                empty("training", &hint)
            }
            (true, false) => empty(
                "training",
                "every query fell into the held-out part; give a smaller --dev-fraction",
            ),
            (false, true) if fraction > 0.0 => empty(
                "dev",
                "no query fell into it; give a larger --dev-fraction, or 0 for none",
            ),
            _ => Ok((train, dev)),
        }
    }
}

/// How many pairs have each label; a label that none has is left out.
fn label_counts<'a>(examples: &[StudentExample], names: &'a [String]) -> BTreeMap<&'a str, usize> {
    let mut counts = BTreeMap::new();
    for example in examples {
        *counts.entry(names[example.label].as_str()).or_default() += 1;
    }
    counts
}
