//! `rerank`: a student as a re-ranker, items on stdin, ranked items on stdout, as JSON lines.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
use std::path::PathBuf;

use relevance_distill::DistillError;
use relevance_distill::relevance_data::Item;
use relevance_distill::student_model::Ranker;
use serde::Serialize;

use super::device::DeviceArgs;
use super::stdout::print;

/// Rank items for a query: JSON lines in, JSON lines out
///
/// An input line is an item; only its title is needed. An output line has rank, id, title, label, score
/// (the expected gain) and the class distribution, best first.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    /// The student's folder (Hugging Face layout, with relevance.json).
    #[arg(long)]
    student: PathBuf,
    /// The query.
    #[arg(long)]
    query: String,
    #[command(flatten)]
    device: DeviceArgs,
}

const AFTER_HELP: &str = r#"Reads:    --student, as run and distill leave it; standard input, an item a line:
          {"id": "B1", "title": "...", "description": "...", "bullet_points": "...", "brand": "...", "color": "..."}
Leaves:   standard output, an item a line:
          {"rank": 1, "id": "B1", "title": "...", "label": "Exact", "score": 0.91, "probabilities": {...}}

Example:
  printf '%s\n' '{"id":"a","title":"USB-C cable, 2 m"}' '{"id":"b","title":"Garden hose"}' |
    relevance-distill rerank --student runs/two-stage/student --query "usb c cable""#;

#[derive(Serialize)]
struct Ranked<'a> {
    rank: usize,
    id: &'a str,
    title: &'a str,
    label: &'a str,
    score: f64,
    probabilities: BTreeMap<&'a str, f64>,
}

pub(super) fn run(args: &Args) -> Result<(), DistillError> {
    let device = args.device.open()?;
    let ranker = Ranker::from_dir(&args.student, &device)?;
    let items = read_items(io::stdin().lock())?;
    let texts: Vec<String> = items.iter().map(Item::text).collect();
    let ranked = ranker.rank(&args.query, &texts)?;
    let mut lines = Vec::new();
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
        serde_json::to_writer(&mut lines, &line).map_err(|source| DistillError::Json {
            path: "standard output".into(),
            source,
        })?;
        lines.push(b'\n');
    }
    print(lines)
}

/// Items, one a line; blank lines are skipped.
fn read_items(input: impl BufRead) -> Result<Vec<Item>, DistillError> {
    let mut items = Vec::new();
    for (number, line) in input.lines().enumerate() {
        let line = line.map_err(broken_input)?;
        if line.trim().is_empty() {
            continue;
        }
        let item = serde_json::from_str(&line).map_err(|source| DistillError::Json {
            path: PathBuf::from(format!("standard input, line {}", number + 1)),
            source,
        })?;
        items.push(item);
    }
    Ok(items)
}

fn broken_input(source: io::Error) -> DistillError {
    DistillError::Io {
        path: "standard input".into(),
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
