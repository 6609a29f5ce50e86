//! Reads the two ESCI files and joins them; `peers/esci_join.py` does the same with polars.
//!
//! ```sh
//! cargo run --release -p benches --bin esci_join -- DIR [batches|pairs-by-product|pairs-in-order]
//! ```
//!
//! Prints one JSON line: seconds on the wall and of processor time, rows, the bytes of each column of the
//! join, and the peak memory.

use std::process::ExitCode;
use std::time::Instant;

use relevance_data::esci::EsciRow;
use relevance_data::{DataError, EsciDataset, EsciFilter, Label, LabeledPair};

/// Borrowed rows; pairs with texts of their own; the same in the order of the examples file.
const KINDS: [&str; 3] = ["batches", "pairs-by-product", "pairs-in-order"];
const USAGE: &str = "usage: esci_join DIR [batches|pairs-by-product|pairs-in-order]";

/// Bytes of each column, and how often each label occurs.
#[derive(Default)]
struct Found {
    rows: u64,
    bytes: [u64; COLUMNS.len()],
    labels: [u64; 4],
}

const COLUMNS: [&str; 9] = [
    "query",
    "query_id",
    "product_locale",
    "product_id",
    "product_title",
    "product_description",
    "product_bullet_point",
    "product_brand",
    "product_color",
];

impl Found {
    fn add_row(&mut self, row: &EsciRow<'_>) {
        let texts = [
            row.query,
            row.query_id,
            row.locale,
            row.product_id,
            &row.title,
            &row.description,
            &row.bullet_points,
            &row.brand,
            &row.color,
        ];
        self.count(texts, row.label);
    }

    fn add(&mut self, labeled: &LabeledPair) {
        let (query, item) = (&labeled.pair.query, &labeled.pair.item);
        let texts = [
            &query.text,
            &query.id,
            &query.locale,
            &item.id,
            &item.title,
            &item.description,
            &item.bullet_points,
            &item.brand,
            &item.color,
        ];
        self.count(texts.map(String::as_str), labeled.label);
    }

    fn count(&mut self, texts: [&str; COLUMNS.len()], label: Label) {
        self.rows += 1;
        for (sum, text) in self.bytes.iter_mut().zip(texts) {
            *sum += text.len() as u64;
        }
        self.labels[label.index()] += 1;
    }

    fn json(&self) -> String {
        let named = COLUMNS.iter().zip(self.bytes);
        let labels = ["E", "S", "C", "I"];
        let labels = labels.iter().zip(self.labels);
        let columns: Vec<String> = named
            .chain(labels)
            .map(|(name, count)| format!("\"{name}\": {count}"))
            .collect();
        format!("{{\"rows\": {}, {}}}", self.rows, columns.join(", "))
    }
}

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let kind = args.get(1).map_or(KINDS[0], String::as_str);
    let Some(dir) = args.first().filter(|_| KINDS.contains(&kind)) else {
        eprintln!("{USAGE}");
        return ExitCode::FAILURE;
    };
    let start = Instant::now();
    match join(dir, kind) {
        Ok(found) => {
            let seconds = start.elapsed().as_secs_f64();
            let peak = benches::peak_memory().unwrap_or(0);
            let cpu = benches::cpu_seconds().unwrap_or(0.0);
            println!(
                "{{\"side\": \"relevance-data, {kind}\", \"seconds\": {seconds}, \"cpu\": {cpu}, \
                 \"peak\": {peak}, \"found\": {}}}",
                found.json()
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn join(dir: &str, kind: &str) -> Result<Found, DataError> {
    let dataset = EsciDataset::open(dir)?;
    let filter = EsciFilter::default();
    let mut found = Found::default();
    let pairs = match kind {
        "batches" => {
            for batch in dataset.batches_by_product(&filter)? {
                batch?.rows().for_each(|row| found.add_row(&row));
            }
            return Ok(found);
        }
        "pairs-by-product" => dataset.stream_by_product(&filter)?,
        _ => dataset.stream(&filter)?,
    };
    for pair in pairs {
        found.add(&pair?);
    }
    Ok(found)
}
