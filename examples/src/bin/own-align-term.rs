//! An align term of one's own in CRSD. The term between the two views is a trait: tensors in, one loss an
//! example out. Here it is the triplet loss with the hardest negative (VSE++, arXiv 1707.05612): a pair's
//! two views must be closer to each other than to the other view of any other pair, by a margin.
//! All else of CRSD stays: the two cross entropies, λ, the mask of negatives, diagnostics, checkpoints.

use std::error::Error;
use std::sync::Arc;

use relevance_distill::burn::tensor::{Device, Tensor};
use relevance_distill::crsd_loss::{AlignInput, AlignLoss, CrsdLossConfig, unit_norm};
use relevance_distill::relevance_data::LabelSchema;
use relevance_distill::student_examples::{StudentLabels, read_student_examples};
use relevance_distill::student_model::{BertConfig, Crsd, StudentTrainConfig, StudentTrainer};
use relevance_distill::training_loop::{TrainerOptions, TrainingConfig};

/// `max_j [margin + s_ij − s_ii]₊` over the negatives `j` of `i`, `s` the cosines of the views.
#[derive(Debug)]
struct HardestTriplet {
    margin: f32,
}

impl AlignLoss for HardestTriplet {
    fn per_example(&self, input: AlignInput) -> Tensor<1> {
        let standard = unit_norm(input.standard, 1e-6); // [b, h]
        let reasoned = unit_norm(input.reasoned, 1e-6); // [b, h]
        let own = (standard.clone() * reasoned.clone()).sum_dim(1); // [b, 1], s_ii
        let violation = standard.matmul(reasoned.transpose()) - own + self.margin; // [b, b]
        let [b, _] = violation.dims();
        // On the diagonal stands the pair itself; the mask, if there is one, knows the other duplicates.
        let excluded = match &input.negatives {
            Some(negatives) => negatives.usable().bool_not(),
            None => Tensor::<2>::eye(b, &violation.device().without_autodiff()).greater_scalar(0.5),
        };
        let hardest = violation.mask_fill(excluded, 0.0).max_dim(1); // [b, 1]
        hardest.clamp_min(0.0).squeeze_dim::<1>(1) // [b]
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (schema, device, lengths) = (LabelSchema::esci(), Device::default(), Default::default());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/toy/annotations.jsonl");
    let examples = read_student_examples(file, &schema, StudentLabels::Teacher)?;
    let text = std::fs::read_to_string(file)?;
    let mut bert = BertConfig::toy().with_labels(&schema.names());
    bert.initializer_range = 0.02; // views that start close together, as BERT's do
    let (model, tokenizer) = bert.init_from_texts(text.lines(), lengths, 7, &device)?;

    let loss = CrsdLossConfig::new().with_lambda(1.0);
    let align = Arc::new(HardestTriplet { margin: 0.2 });
    let crsd = Crsd::new(&loss)?.with_align_loss(align)?;
    let training = TrainingConfig::new().with_learning_rate(5e-3);
    let training = training.with_max_steps(90).with_logging_steps(30);
    let config = StudentTrainConfig::new().with_training(training);
    let report = StudentTrainer::new(&config, TrainerOptions::new())?
        .with_objective(Arc::new(crsd))
        .train(model, &tokenizer, &examples)?;

    let log = report.log_history.iter();
    let losses: Vec<f64> = log.map(|entry| entry.metrics["loss_align"]).collect();
    println!("the hardest triplets' losses, every thirty steps: {losses:.3?}");
    assert!(losses.is_sorted_by(|earlier, later| earlier > later));
    Ok(())
}
