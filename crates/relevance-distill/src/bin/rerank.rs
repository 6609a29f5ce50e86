//! A student as a re-ranker: items on stdin, ranked items on stdout, as JSON lines.
//!
//! ```sh
//! cargo run --release --bin rerank -- --student runs/two-stage/student --query "usb c cable" < items.jsonl
//! ```
//!
//! An input line is an item: `{"id": "B1", "title": "...", "brand": "...", ...}`; only `title` is
//! needed. An output line is `{"rank", "id", "title", "label", "score", "probabilities"}`, best first.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use relevance_data::Item;
use relevance_distill::device::DeviceChoice;
use relevance_distill::error::RunError;
use relevance_distill::failure;
use serde::Serialize;
use student_model::Ranker;

/// Rank items (JSON lines on stdin) for a query.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// The student's folder (Hugging Face layout, with relevance.json).
    #[arg(long)]
    student: PathBuf,
    /// The query.
    #[arg(long)]
    query: String,
    /// flex, libtorch, libtorch-cuda:INDEX, wgpu or cuda:INDEX.
    #[arg(long, default_value = "flex")]
    device: String,
}

#[derive(Serialize)]
struct Ranked<'a> {
    rank: usize,
    id: &'a str,
    title: &'a str,
    label: &'a str,
    score: f64,
    probabilities: BTreeMap<&'a str, f64>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has enough, as `head` does.
        Err(RunError::Io { source, .. }) if source.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(error) => failure::report(&error),
    }
}

fn run(args: &Args) -> Result<(), RunError> {
    let device = args.device.parse::<DeviceChoice>()?.open()?;
    let ranker = Ranker::from_dir(&args.student, &device)?;
    let items = read_items(io::stdin().lock())?;
    let texts: Vec<String> = items.iter().map(Item::text).collect();
    let ranked = ranker.rank(&args.query, &texts)?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    for (rank, row) in ranked.iter().enumerate() {
        let item = &items[row.index];
        let line = Ranked {
            rank: rank + 1,
            id: &item.id,
            title: &item.title,
            label: &row.label,
            score: row.score,
            probabilities: ranker
                .labels()
                .iter()
                .map(String::as_str)
                .zip(row.probabilities.iter().copied())
                .collect(),
        };
        serde_json::to_writer(&mut out, &line)
            .map_err(io::Error::from)
            .and_then(|()| out.write_all(b"\n"))
            .map_err(stream("standard output"))?;
    }
    out.flush().map_err(stream("standard output"))
}

/// Items, one a line; blank lines are skipped.
fn read_items(input: impl BufRead) -> Result<Vec<Item>, RunError> {
    let mut items = Vec::new();
    for (number, line) in input.lines().enumerate() {
        let line = line.map_err(stream("standard input"))?;
        if line.trim().is_empty() {
            continue;
        }
        let item = serde_json::from_str(&line).map_err(|source| RunError::Json {
            path: PathBuf::from(format!("standard input, line {}", number + 1)),
            source,
        })?;
        items.push(item);
    }
    Ok(items)
}

fn stream(name: &'static str) -> impl FnOnce(io::Error) -> RunError {
    move |source| RunError::Io {
        path: PathBuf::from(name),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_is_named() {
        let input = b"{\"title\": \"a\"}\n\n{\"title\": }\n";
        let error = read_items(&input[..]).expect_err("line 3 is broken");
        assert!(
            error.to_string().starts_with("standard input, line 3:"),
            "{error}"
        );
    }

    #[test]
    fn only_the_title_is_needed() {
        let items = read_items(&b"{\"title\": \"a\", \"brand\": \"b\"}\n"[..]).expect("reads");
        assert_eq!((items.len(), items[0].text().as_str()), (1, "a\nb"));
    }
}
