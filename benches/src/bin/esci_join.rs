//! Reads the two ESCI files and joins them; `peers/esci_join.py` does the same with polars.
//!
//! ```sh
//! cargo run --release -p benches --bin esci_join -- DIR [products|examples]
//! ```
//!
//! Prints one JSON line: seconds on the wall and of processor time, rows, the bytes of each column of the
//! join, and the peak memory.

use std::process::ExitCode;
use std::time::Instant;

use relevance_data::{DataError, EsciDataset, EsciFilter, LabeledPair};

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
        self.rows += 1;
        for (sum, text) in self.bytes.iter_mut().zip(texts) {
            *sum += text.len() as u64;
        }
        self.labels[labeled.label.index()] += 1;
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
    let mut args = std::env::args().skip(1);
    let order = (args.next(), args.next());
    let (Some(dir), order) = order else {
        eprintln!("usage: esci_join DIR [products|examples]");
        return ExitCode::FAILURE;
    };
    let order = order.unwrap_or_else(|| "products".to_owned());
    let start = Instant::now();
    match join(&dir, order == "examples") {
        Ok(found) => {
            let seconds = start.elapsed().as_secs_f64();
            let peak = benches::peak_memory().unwrap_or(0);
            let cpu = benches::cpu_seconds().unwrap_or(0.0);
            println!(
                "{{\"side\": \"relevance-data, in order of {order}\", \"seconds\": {seconds}, \
                 \"cpu\": {cpu}, \"peak\": {peak}, \"found\": {}}}",
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

fn join(dir: &str, in_order: bool) -> Result<Found, DataError> {
    let dataset = EsciDataset::open(dir)?;
    let filter = EsciFilter::default();
    let pairs = if in_order {
        dataset.stream(&filter)?
    } else {
        dataset.stream_by_product(&filter)?
    };
    let mut found = Found::default();
    for pair in pairs {
        found.add(&pair?);
    }
    Ok(found)
}
