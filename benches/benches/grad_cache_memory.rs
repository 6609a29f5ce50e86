//! Peak memory of one CRSD training step, the batch at once and with cached gradients: every case in
//! a process of its own, which reads its own high-water mark. Linux only.
//!
//! ```sh
//! cargo bench -p benches --bench grad_cache_memory            # the whole table
//! cargo bench -p benches --bench grad_cache_memory -- 4096 64 # one case: batch, chunk (or `whole`)
//! ```

use std::process::{Command, ExitCode};
use std::time::Instant;

use benches::bench_device;
use crsd_loss::CrsdLossConfig;
use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
use student_model::{
    BertConfig, ObjectiveConfig, StudentExample, StudentReason, StudentTrainConfig, train_student,
    train_wordpiece,
};
use training_loop::{Progress, TrainerOptions, TrainingConfig};

const BATCHES: [usize; 4] = [64, 256, 1024, 4096];
const CHUNK: usize = 64;
/// The largest batch that is also tried at once.
const LARGEST_WHOLE: usize = 1024;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args
        .iter()
        .map(String::as_str)
        .filter(|arg| *arg != "--bench")
        .collect();
    let outcome = match args[..] {
        [] => table(),
        [batch, chunk] => case(batch, chunk),
        _ => Err("no arguments, or a batch and a chunk (or `whole`)".to_owned()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

/// Every case as a row of Markdown.
fn table() -> Result<(), String> {
    println!("| batch | chunk | peak, MiB | step, s | loss |\n|---|---|---|---|---|");
    for batch in BATCHES {
        run_case(batch, &CHUNK.to_string())?;
    }
    for batch in BATCHES.into_iter().filter(|b| *b <= LARGEST_WHOLE) {
        run_case(batch, "whole")?;
    }
    Ok(())
}

fn run_case(batch: usize, chunk: &str) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let status = Command::new(program)
        .args([&batch.to_string(), chunk])
        .status()
        .map_err(|e| e.to_string())?;
    if !status.success() {
        println!("| {batch} | {chunk} | – | {status} | – |");
    }
    Ok(())
}

/// One step, and its row.
fn case(batch: &str, chunk: &str) -> Result<(), String> {
    let number = |text: &str| text.parse::<usize>().map_err(|e| format!("{text}: {e}"));
    let rows = number(batch)?;
    let training = TrainingConfig::new().with_max_steps(1);
    let loss = CrsdLossConfig::new().with_lambda_warmup_ratio(0.0);
    let config = StudentTrainConfig::new()
        .with_training(training)
        .with_objective(ObjectiveConfig::Crsd(loss))
        .with_train_batch_size(rows)
        .with_grad_cache_chunk_size(match chunk {
            "whole" => None,
            size => Some(number(size)?),
        });
    let tokenizer = tokenizer()?;
    let options = TrainerOptions::new().with_progress(Progress::Hidden);
    let model = small_bert().init(1, &bench_device()?);
    let model = model.map_err(|e| e.to_string())?;
    let started = Instant::now();
    let report = train_student(model, &tokenizer, &examples(rows), &config, options);
    let loss = report.map_err(|e| e.to_string())?.log_history[0].loss;
    let seconds = started.elapsed().as_secs_f64();
    let peak = peak_mib()?;
    println!("| {batch} | {chunk} | {peak} | {seconds:.1} | {loss:.5} |");
    Ok(())
}

/// Two layers of width 128, four heads; dropout as BERT's.
fn small_bert() -> BertConfig {
    BertConfig {
        vocab_size: 1000,
        hidden_size: 128,
        num_hidden_layers: 2,
        num_attention_heads: 4,
        intermediate_size: 512,
        max_position_embeddings: 128,
        ..BertConfig::default()
    }
    .with_labels(&["Exact", "Substitute", "Complement", "Irrelevant"])
}

fn tokenizer() -> Result<PairTokenizer, String> {
    let texts = examples(64)
        .into_iter()
        .map(|e| format!("{} {}", e.query, e.item));
    let words = train_wordpiece(texts, 1000).map_err(|e| e.to_string())?;
    let config = PairTokenizerConfig::default()
        .with_max_length(64)
        .with_max_reasoned_length(128)
        .with_min_query_length(16);
    PairTokenizer::from_tokenizer(words, config).map_err(|e| e.to_string())
}

/// Pairs whose views fill 64 and 128 tokens.
fn examples(count: usize) -> Vec<StudentExample> {
    let words = |seed: usize, count: usize| {
        let words = (0..count).map(|i| format!("word{}", (seed * 31 + i * i * 7 + i) % 97));
        words.collect::<Vec<_>>().join(" ")
    };
    // Made-up words name no label.
    let example = |i: usize| {
        StudentExample::new(words(i, 4), format!("{} {i}", words(i + 1, 60)), i % 4)
            .with_reason(StudentReason::leaking_the_label(words(i + 2, 80)))
            .with_query_key(i.to_string())
    };
    (0..count).map(example).collect()
}

/// The largest resident set that this process has had.
fn peak_mib() -> Result<u64, String> {
    let path = "/proc/self/status";
    let status = std::fs::read_to_string(path).map_err(|e| format!("{path}: {e}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.map(|kib| kib / 1024)
        .ok_or_else(|| format!("{path} has no VmHWM: this bench needs Linux"))
}
