//! Tokenises the pairs of an ESCI folder, and puts them into batches; `peers/tokenize_pairs.py` does the
//! tokenising with Python's `tokenizers`.
//!
//! ```sh
//! cargo run --release -p benches --bin tokenize_pairs -- DIR TOKENIZER.json [PAIRS.jsonl]
//! ```
//!
//! Prints one JSON line a case: the fastest of several rounds, in seconds on the wall and of processor time, and
//! the tokens. With a third argument it also writes the texts, for the peer.

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use burn::tensor::Device;
use pair_tokenizer::{
    Encoding, PairTokenizer, PairTokenizerConfig, TokenBatch, TokenBudgetSampler,
};
use relevance_data::{EsciDataset, EsciFilter, write_jsonl};

const ROUNDS: usize = 5;
/// Tokens in a batch, padding included: 64 pairs of the greatest length.
const BATCH_TOKENS: usize = 64 * 128;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (Some(dir), Some(tokenizer)) = (args.first(), args.get(1)) else {
        eprintln!("usage: tokenize_pairs DIR TOKENIZER.json [PAIRS.jsonl]");
        return ExitCode::FAILURE;
    };
    match measure(dir, tokenizer, args.get(2)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(dir: &str, tokenizer: &str, texts: Option<&String>) -> Result<(), Box<dyn Error>> {
    let pairs = EsciDataset::open(dir)?.pairs(&EsciFilter::default())?;
    let pairs: Vec<(String, String)> = pairs
        .into_iter()
        .map(|labeled| (labeled.pair.query.text, labeled.pair.item.text()))
        .collect();
    if let Some(path) = texts {
        write_jsonl(path, &pairs)?;
    }
    let pairs: Vec<(&str, &str)> = pairs
        .iter()
        .map(|(q, i)| (q.as_str(), i.as_str()))
        .collect();
    let tokenizer = PairTokenizer::from_file(tokenizer, PairTokenizerConfig::default())?;
    let device = Device::flex();
    // Alternating, so that both see the same machine.
    let (mut tokenising, mut batching) = (Best::default(), Best::default());
    for _ in 0..ROUNDS {
        let encodings = tokenising.of(|| tokenizer.encode_pairs(&pairs))?;
        batching.of(|| batches(&encodings, tokenizer.pad_id(), &device))?;
        let tokens: usize = encodings.iter().map(Encoding::len).sum();
        tokenising.tokens = tokens;
        batching.tokens = tokens;
    }
    tokenising.print("tokenise", pairs.len());
    batching.print("batch", pairs.len());
    Ok(())
}

/// One epoch: which pairs share a batch, and their tensors.
fn batches(encodings: &[Encoding], pad: u32, device: &Device) -> Result<usize, Box<dyn Error>> {
    let lengths = encodings.iter().map(Encoding::len).collect();
    let epoch = TokenBudgetSampler::new(lengths, BATCH_TOKENS, 1)?.epoch(0);
    let mut rows = 0;
    for batch in epoch {
        let views: Vec<&Encoding> = batch.iter().map(|&example| &encodings[example]).collect();
        rows += TokenBatch::collate(&views, pad, device)?.dims()[0];
    }
    Ok(rows)
}

/// The fastest round.
struct Best {
    seconds: f64,
    cpu: f64,
    tokens: usize,
}

impl Default for Best {
    fn default() -> Self {
        Self {
            seconds: f64::INFINITY,
            cpu: f64::INFINITY,
            tokens: 0,
        }
    }
}

impl Best {
    fn of<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let (start, cpu) = (Instant::now(), benches::cpu_seconds().unwrap_or(0.0));
        let done = work();
        self.seconds = self.seconds.min(start.elapsed().as_secs_f64());
        self.cpu = self.cpu.min(benches::cpu_seconds().unwrap_or(0.0) - cpu);
        done
    }

    fn print(&self, case: &str, pairs: usize) {
        println!(
            "{{\"side\": \"relevance-data\", \"case\": \"{case}\", \"seconds\": {}, \"cpu\": {}, \
             \"pairs\": {pairs}, \"tokens\": {}}}",
            self.seconds, self.cpu, self.tokens
        );
    }
}
