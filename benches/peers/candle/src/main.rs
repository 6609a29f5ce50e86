//! The student's forward pass in candle, over the batches that our side measured, each padded to its
//! longest before the clock runs.
//!
//! ```sh
//! RAYON_NUM_THREADS=2 cargo run --release --manifest-path benches/peers/candle/Cargo.toml -- DIR [--serve]
//! ```

#[path = "../../../src/contest.rs"]
mod contest;

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::time::Duration;

use candle_core::{DType, Device, IndexOp, Result, Tensor};
use candle_nn::{Linear, Module, VarBuilder, linear, ops::log_softmax};
use candle_transformers::models::bert::{BertModel, Config};
use serde::Deserialize;

use contest::Contest;

#[derive(Deserialize)]
struct Case {
    batches: Vec<Tokens>,
    log_probabilities: Vec<Vec<f64>>,
    cls: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Tokens {
    input_ids: Vec<Vec<u32>>,
    token_type_ids: Vec<Vec<u32>>,
}

/// `[b, t]` each.
struct Batch {
    input_ids: Tensor,
    token_type_ids: Tensor,
    attention_mask: Tensor,
}

struct Student {
    bert: BertModel,
    pooler: Linear,
    classifier: Linear,
}

impl Student {
    fn load(folder: &Path) -> std::result::Result<Self, Box<dyn Error>> {
        let config: Config = serde_json::from_slice(&std::fs::read(folder.join("config.json"))?)?;
        let weights = std::fs::read(folder.join("model.safetensors"))?;
        let vb = VarBuilder::from_buffered_safetensors(weights, DType::F32, &Device::Cpu)?;
        let hidden = config.hidden_size;
        let classes = vb.get_unchecked("classifier.bias")?.dim(0)?;
        Ok(Self {
            bert: BertModel::load(vb.pp("bert"), &config)?,
            pooler: linear(hidden, hidden, vb.pp("bert.pooler.dense"))?,
            classifier: linear(hidden, classes, vb.pp("classifier"))?,
        })
    }

    /// `[b, K]` and `[b, h]`
    fn forward(&self, batch: &Batch) -> Result<(Tensor, Tensor)> {
        let mask = Some(&batch.attention_mask);
        let hidden = self
            .bert
            .forward(&batch.input_ids, &batch.token_type_ids, mask)?; // [b, t, h]
        let cls = hidden.i((.., 0))?.contiguous()?; // [b, h]
        let pooled = self.pooler.forward(&cls)?.tanh()?;
        Ok((self.classifier.forward(&pooled)?, cls))
    }
}

impl Tokens {
    fn padded(&self) -> Result<Batch> {
        let width = self.input_ids.iter().map(Vec::len).max().unwrap_or(0);
        let fill = |rows: &[Vec<u32>], value: fn(u32) -> u32| {
            let row = |row: &Vec<u32>| {
                let padding = std::iter::repeat_n(0, width - row.len());
                row.iter()
                    .copied()
                    .map(value)
                    .chain(padding)
                    .collect::<Vec<_>>()
            };
            let flat: Vec<u32> = rows.iter().flat_map(row).collect();
            Tensor::from_vec(flat, (rows.len(), width), &Device::Cpu)
        };
        Ok(Batch {
            input_ids: fill(&self.input_ids, |id| id)?,
            token_type_ids: fill(&self.token_type_ids, |id| id)?,
            attention_mask: fill(&self.input_ids, |_| 1)?,
        })
    }
}

fn worst(found: &Tensor, expected: &[Vec<f64>]) -> Result<f64> {
    let found: Vec<Vec<f32>> = found.to_vec2()?;
    let pairs = found.iter().flatten().zip(expected.iter().flatten());
    let differences = pairs.map(|(a, b)| (f64::from(*a) - b).abs());
    // In this order a NaN is the largest.
    Ok(differences.max_by(f64::total_cmp).unwrap_or(f64::NAN))
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let folder = args.next().ok_or("the exchange folder is needed")?;
    let folder = Path::new(&folder);
    let rest: Vec<String> = args.collect();
    let serve = rest.iter().any(|arg| arg == "--serve");
    let seconds = rest.iter().skip_while(|arg| *arg != "--seconds").nth(1);
    let seconds: f64 = seconds.map_or(Ok(2.0), |text| text.parse())?;
    let student = Student::load(&folder.join("student"))?;
    let text = std::fs::read(folder.join("student_esci.json"))?;
    let cases: BTreeMap<String, Case> = serde_json::from_slice(&text)?;
    let mut contest = Contest::new("candle 0.11.1");
    for (name, case) in cases {
        let batches: Result<Vec<Batch>> = case.batches.iter().map(Tokens::padded).collect();
        let batches = batches?;
        let (mut logits, mut cls) = (Vec::new(), Vec::new());
        for batch in &batches {
            let output = student.forward(batch)?;
            logits.push(output.0);
            cls.push(output.1);
        }
        let log_probabilities = log_softmax(&Tensor::cat(&logits, 0)?, 1)?;
        contest.differs(
            "log_probabilities",
            worst(&log_probabilities, &case.log_probabilities)?,
        );
        contest.differs("cls", worst(&Tensor::cat(&cls, 0)?, &case.cls)?);
        let student = &student;
        contest.case(name, move || {
            for batch in &batches {
                std::hint::black_box(student.forward(batch).expect("it ran before"));
            }
        });
    }
    Ok(contest.run(serve, Duration::from_secs_f64(seconds))?)
}
