//! The student's forward pass in MiniLM's shape: pairs in, logits out.

use std::process::ExitCode;
use std::time::Duration;

use benches::{STUDENT_SHAPES, StudentShape, token_ids};
use burn::tensor::{Device, Tensor};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use relevance_data::TokenBatch;
use student_model::{BertConfig, BertForSequenceClassification};

/// all-MiniLM-L6-v2: 6 layers, hidden 384, 12 heads, intermediate 1536.
fn minilm() -> BertConfig {
    BertConfig {
        vocab_size: 30522,
        hidden_size: 384,
        num_hidden_layers: 6,
        num_attention_heads: 12,
        intermediate_size: 1536,
        ..BertConfig::default()
    }
    .with_labels(&["Exact", "Substitute", "Complement", "Irrelevant"])
}

/// A batch in which no row is padded, so that no mask is built.
fn batch(shape: StudentShape, device: &Device) -> TokenBatch {
    let dims = [shape.batch, shape.tokens];
    TokenBatch {
        input_ids: token_ids(dims, 1, device),
        token_type_ids: Tensor::zeros(dims, device),
        attention_mask: None,
    }
}

fn bench(criterion: &mut Criterion, device: &Device) {
    let model = BertForSequenceClassification::new(&minilm(), 0, device);
    let model = model.expect("MiniLM's shape is valid");
    let mut group = criterion.benchmark_group("student_forward");
    group.sampling_mode(SamplingMode::Flat);
    for shape in STUDENT_SHAPES {
        let batch = batch(shape, device);
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
