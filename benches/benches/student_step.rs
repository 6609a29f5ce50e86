//! One CRSD step in MiniLM's shape: two forward passes with dropout, the loss, backward, clipping and
//! AdamW.

use std::process::ExitCode;
use std::time::Duration;

use benches::{NUM_CLASSES, STEP_SHAPES, StepShape, labels, minilm, token_batch};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::Device;
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use crsd_loss::{CrsdInput, CrsdLoss, CrsdLossConfig};
use student_model::BertForSequenceClassification;
use training_loop::{TrainingConfig, adamw, clip_grad_norm};

/// The model and its optimizer go from step to step.
struct Trainer {
    model: Option<BertForSequenceClassification>,
    optimizer: ModuleOptimizer,
    loss: CrsdLoss,
    shape: StepShape,
    device: Device,
}

impl Trainer {
    fn new(shape: StepShape, device: &Device) -> Self {
        let device = device.clone().autodiff();
        let model = minilm().init(0, &device);
        let model = model.expect("MiniLM's shape is valid");
        Self {
            optimizer: adamw(&TrainingConfig::default(), &model),
            model: Some(model),
            loss: CrsdLossConfig::new()
                .init()
                .expect("the defaults are valid"),
            shape,
            device,
        }
    }

    fn step(&mut self) {
        let Some(model) = self.model.take() else {
            return;
        };
        let StepShape {
            batch,
            tokens,
            reasoned_tokens,
        } = self.shape;
        let standard = model.forward(&token_batch([batch, tokens], 1, &self.device));
        let reasoned = model.forward(&token_batch([batch, reasoned_tokens], 2, &self.device));
        let input = CrsdInput {
            standard_logits: standard.logits,
            reasoned_logits: reasoned.logits,
            standard: standard.cls,
            reasoned: reasoned.cls,
            labels: labels(batch, NUM_CLASSES, &self.device),
            negatives: None,
        };
        let loss = self.loss.forward(input, 1.0);
        let loss = loss
            .expect("the shapes of the bench fit together")
            .per_example
            .mean();
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let (gradients, _) = clip_grad_norm(&model, gradients, 1.0);
        self.model = Some(self.optimizer.step(3e-5, model, gradients));
        self.device.sync().expect("the device finishes its work");
    }
}

fn bench(criterion: &mut Criterion, device: &Device) {
    let mut group = criterion.benchmark_group("student_step");
    group.sampling_mode(SamplingMode::Flat);
    for shape in STEP_SHAPES {
        let mut trainer = Trainer::new(shape, device);
        group.throughput(Throughput::Elements(shape.batch as u64));
        group.bench_function(BenchmarkId::new("crsd", shape.id()), |b| {
            b.iter(|| trainer.step());
        });
    }
    group.finish();
}

fn main() -> ExitCode {
    benches::run(Duration::from_secs(10), bench)
}
