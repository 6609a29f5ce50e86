//! The CRSD loss alone: forward, and forward + backward.

use std::process::ExitCode;
use std::time::Duration;

use benches::{LOSS_SHAPES, LossShape, NUM_CLASSES, labels, random_matrix};
use burn::tensor::Device;
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use crsd_loss::{CrsdInput, CrsdLoss, CrsdLossConfig, CrsdOutput};

/// Both views of a batch; on an autodiff device, leaves that keep their gradients.
fn input(shape: LossShape, device: &Device) -> CrsdInput {
    let LossShape { batch, hidden } = shape;
    let view = |columns, seed| {
        let matrix = random_matrix([batch, columns], seed, device);
        match device.is_autodiff() {
            true => matrix.require_grad(),
            false => matrix,
        }
    };
    CrsdInput {
        standard_logits: view(NUM_CLASSES, 1),
        reasoned_logits: view(NUM_CLASSES, 2),
        standard: view(hidden, 3),
        reasoned: view(hidden, 4),
        labels: labels(batch, NUM_CLASSES, device),
        negatives: None,
    }
}

fn forward(loss: &CrsdLoss, input: &CrsdInput) -> CrsdOutput {
    let output = loss.forward(input.clone(), 1.0);
    output.expect("the shapes of the bench fit together")
}

fn finish(device: &Device) {
    device.sync().expect("the device finishes its work");
}

fn bench(criterion: &mut Criterion, device: &Device) {
    let config = CrsdLossConfig::new();
    let loss = config.init().expect("the defaults are valid");
    let mut group = criterion.benchmark_group("crsd_loss");
    group.sampling_mode(SamplingMode::Flat);
    for shape in LOSS_SHAPES {
        group.throughput(Throughput::Elements(shape.batch as u64));

        let plain = input(shape, device);
        group.bench_function(BenchmarkId::new("forward", shape.id()), |b| {
            b.iter(|| {
                let output = forward(&loss, &plain);
                finish(device);
                output
            });
        });

        let traced = input(shape, &device.clone().autodiff());
        group.bench_function(BenchmarkId::new("forward_backward", shape.id()), |b| {
            b.iter(|| {
                let gradients = forward(&loss, &traced).per_example.mean().backward();
                finish(device);
                gradients
            });
        });
    }
    group.finish();
}

fn main() -> ExitCode {
    benches::run(Duration::from_secs(2), bench)
}
