//! The student's forward pass in MiniLM's shape, token ids in: through the ranker, as a service runs it,
//! and through the model's own `forward`, as training and evaluation of the module do.

use std::process::ExitCode;
use std::time::Duration;

use benches::{STUDENT_SHAPES, StudentShape, student, token_batch, token_ids};
use burn::tensor::Device;
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use pair_tokenizer::Encoding;
use student_model::Ranker;

/// Pairs without padding, as [`token_batch`] has them.
fn encodings(shape: StudentShape, device: &Device) -> Vec<Encoding> {
    let ids = token_ids([shape.batch, shape.tokens], 1, device).into_data();
    let ids: Vec<u32> = ids.iter::<i64>().map(|id| id as u32).collect();
    let rows = ids.chunks(shape.tokens).map(|ids| Encoding {
        ids: ids.to_vec(),
        type_ids: vec![0; ids.len()],
    });
    rows.collect()
}

fn bench(criterion: &mut Criterion, device: &Device) {
    let student = student(device).expect("the folder of MINILM_DIR is read");
    let ranker = Ranker::new(student).with_batch_tokens(usize::MAX);
    let model = ranker.student().model();
    let mut group = criterion.benchmark_group("student_forward");
    group.sampling_mode(SamplingMode::Flat);
    for shape in STUDENT_SHAPES {
        group.throughput(Throughput::Elements(shape.batch as u64));
        let pairs = encodings(shape, device);
        group.bench_function(BenchmarkId::new("forward", shape.id()), |b| {
            b.iter(|| ranker.score_encodings(&pairs, None).expect("finite scores"));
        });
        let batch = token_batch([shape.batch, shape.tokens], 1, device);
        group.bench_function(BenchmarkId::new("module", shape.id()), |b| {
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
