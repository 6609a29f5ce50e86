//! The student's forward pass in MiniLM's shape: pairs in, logits out.

use std::process::ExitCode;
use std::time::Duration;

use benches::{STUDENT_SHAPES, minilm, token_batch};
use burn::tensor::Device;
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use student_model::BertForSequenceClassification;

fn bench(criterion: &mut Criterion, device: &Device) {
    let model = BertForSequenceClassification::new(&minilm(), 0, device);
    let model = model.expect("MiniLM's shape is valid");
    let mut group = criterion.benchmark_group("student_forward");
    group.sampling_mode(SamplingMode::Flat);
    for shape in STUDENT_SHAPES {
        let batch = token_batch([shape.batch, shape.tokens], 1, device);
        group.throughput(Throughput::Elements(shape.batch as u64));
        group.bench_function(BenchmarkId::new("forward", shape.id()), |b| {
            b.iter(|| {
                let output = model.forward(&batch);
                device.sync().expect("the device finishes its work");
                output.logits
            });
        });
    }
    group.finish();
}

fn main() -> ExitCode {
    benches::run(Duration::from_secs(3), bench)
}
