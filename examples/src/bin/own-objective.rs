//! An objective of one's own, and what learns beside the student. Both views have a cross entropy, and how
//! much each counts is learnt (Kendall et al., arXiv 1705.07115): `L = Σ_v exp(−s_v) CE_v + s_v / 2`, the
//! log-variances `s` being a module of ours. Optimizer, checkpoints and gradient caching include it.

use std::error::Error;
use std::sync::Arc;

use relevance_distill::burn; // what `derive(Module)` writes begins with it
use relevance_distill::burn::module::{Module, Param};
use relevance_distill::burn::tensor::{Device, Tensor};
use relevance_distill::crsd_loss::cross_entropy;
use relevance_distill::relevance_data::LabelSchema;
use relevance_distill::student_examples::{StudentLabels, read_student_examples};
use relevance_distill::student_model::{
    BertConfig, Objective, ObjectiveContext, Passes, StudentBatch, StudentError,
    StudentTrainConfig, StudentTrainer, View,
};
use relevance_distill::training_loop::{StepOutput, TrainerOptions, TrainingConfig};

/// The log-variances of the standard and the reasoned view, `[2]`.
#[derive(Module, Debug)]
struct LogVariances {
    s: Param<Tensor<1>>,
}

#[derive(Debug)]
struct UncertaintyWeighted;

impl Objective for UncertaintyWeighted {
    type Heads = LogVariances;

    fn name(&self) -> &str {
        "uncertainty_weighted"
    }

    fn passes(&self) -> Vec<View> {
        vec![View::Standard, View::Reasoned]
    }

    fn init_heads(&self, _: usize, _: u64, device: &Device) -> Result<LogVariances, StudentError> {
        let s = Param::from_tensor(Tensor::zeros([2], device));
        Ok(LogVariances { s })
    }

    fn step(
        &self,
        passes: Passes,
        heads: &LogVariances,
        batch: &StudentBatch,
        _: &ObjectiveContext<'_>,
    ) -> Result<StepOutput, StudentError> {
        let [standard, reasoned] = passes.into_array()?;
        let standard = cross_entropy(standard.logits, batch.labels.clone())?.mean();
        let reasoned = cross_entropy(reasoned.logits, batch.labels.clone())?.mean();
        let s = heads.s.val(); // [2]
        let terms = Tensor::cat(vec![standard, reasoned], 0) * s.clone().neg().exp(); // [2]
        let loss = (terms + s.clone() / 2.0).sum();
        Ok(StepOutput::new(loss).with_tensor_metric("log_variance", s.mean()))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (schema, device, lengths) = (LabelSchema::esci(), Device::default(), Default::default());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/toy/annotations.jsonl");
    let examples = read_student_examples(file, &schema, StudentLabels::Teacher)?;
    let text = std::fs::read_to_string(file)?;
    let bert = BertConfig::toy().with_labels(&schema.names());
    let (model, tokenizer) = bert.init_from_texts(text.lines(), lengths, 7, &device)?;
    let training = TrainingConfig::new().with_max_steps(40);
    let config = StudentTrainConfig::new().with_training(training.with_learning_rate(1e-2));
    let report = StudentTrainer::new(&config, TrainerOptions::new())?
        .with_objective(Arc::new(UncertaintyWeighted))
        .train(model, &tokenizer, &examples)?;
    let last = report.log_history.last().ok_or("no step was logged")?;
    let mean = last.metrics["log_variance"];
    println!("mean log-variance after {} steps: {mean:.4}", last.step);
    assert!(mean > 0.0); // cross entropies above 1/2 count less
    Ok(())
}
