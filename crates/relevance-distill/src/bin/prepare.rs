//! Turns raw judgments into clean parts that share no query, with a report.
//!
//! ```sh
//! cargo run --release --bin prepare -- --esci examples/data --split stratified --out runs/data
//! ```

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args as Group, Parser};
use relevance_data::cleaning::{CleanConfig, ConflictPolicy, NearDuplicatePolicy};
use relevance_data::{ColumnMap, LabelSchema, RowPolicy, SourceConfig};
use relevance_distill::error::RunError;
use relevance_distill::prepare::parts::Dealing;
use relevance_distill::prepare::run::{PrepareConfig, prepare};
use relevance_distill::prepare::source::Source;
use relevance_distill::{failure, interrupt};

/// Read judgments, clean them, deal them into parts by query, and report what was found.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// Which column holds what, as JSON: {"query": "q", "title": "name", "label": "grade", ...}; for
    /// --table. Without it the columns are those that this command writes.
    #[arg(long)]
    columns: Option<String>,
    /// What happens to a row that cannot be used.
    #[arg(long, default_value = "fail", value_parser = ["fail", "skip"])]
    rows: String,
    /// esci, wands, binary, or a JSON file with a label schema.
    #[arg(long)]
    schema: Option<String>,
    /// hash (stable under added rows), stratified (like label shares) or named (by the data's own split).
    #[arg(long, default_value = "hash", value_parser = ["hash", "stratified", "named"])]
    split: String,
    /// Names of the parts.
    #[arg(long, value_delimiter = ',', default_value = "train,dev,test")]
    parts: Vec<String>,
    /// Their expected sizes; they sum to 1.
    #[arg(long, value_delimiter = ',', default_value = "0.8,0.1,0.1")]
    fractions: Vec<f64>,
    /// What becomes of a pair with different labels.
    #[arg(long, default_value = "majority",
          value_parser = ["majority", "keep_first", "drop", "keep_all", "fail"])]
    conflicts: String,
    /// What becomes of nearly equal items of one query.
    #[arg(long, default_value = "report", value_parser = ["ignore", "report", "keep_first"])]
    near_duplicates: String,
    /// csv, tsv, jsonl or parquet, each also with .gz or .zst.
    #[arg(long, default_value = "jsonl")]
    format: String,
    /// Seed of the deal.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Folder of an earlier run whose queries stay in their parts; for a stratified split.
    #[arg(long)]
    extend: Option<PathBuf>,
    /// Output folder: a file a part, schema.json, report.json and report.md.
    #[arg(long)]
    out: PathBuf,
    /// Go on with the run in the output folder.
    #[arg(long)]
    resume: bool,
}

#[derive(Debug, Group)]
#[group(required = true, multiple = false)]
struct SourceArgs {
    /// Folder of the two official ESCI parquet files.
    #[arg(long)]
    esci: Option<PathBuf>,
    /// Folder of WANDS' query.csv, product.csv and label.csv.
    #[arg(long)]
    wands: Option<PathBuf>,
    /// CSV, TSV, JSON Lines or parquet file, each also .gz or .zst.
    #[arg(long)]
    table: Option<PathBuf>,
}

fn main() -> ExitCode {
    interrupt::exit_code(run(&Args::parse()))
}

fn run(args: &Args) -> Result<(), RunError> {
    let report = prepare(
        config(args)?,
        &args.out,
        args.resume,
        failure::command_line(),
        &interrupt::on_ctrl_c(),
    )?;
    // The report lies in its file: a reader that goes away (`| head`) is no failure.
    let _ = writeln!(std::io::stdout(), "{}", report.markdown());
    Ok(())
}

fn config(args: &Args) -> Result<PrepareConfig, RunError> {
    let named = args.split == "named";
    let source = source(args, named)?;
    let default = match &source {
        Source::Wands(..) => "wands",
        _ => "esci",
    };
    Ok(PrepareConfig {
        schema: schema(args.schema.as_deref().unwrap_or(default))?,
        source,
        clean: CleanConfig::default()
            .with_conflicts(match args.conflicts.as_str() {
                "keep_first" => ConflictPolicy::KeepFirst,
                "drop" => ConflictPolicy::Drop,
                "keep_all" => ConflictPolicy::KeepAll,
                "fail" => ConflictPolicy::Fail,
                _ => ConflictPolicy::Majority,
            })
            .with_near_duplicates(match args.near_duplicates.as_str() {
                "ignore" => NearDuplicatePolicy::Ignore,
                "keep_first" => NearDuplicatePolicy::KeepFirst,
                _ => NearDuplicatePolicy::Report,
            }),
        dealing: match args.split.as_str() {
            "stratified" => Dealing::Stratified,
            "named" => Dealing::Named,
            _ => Dealing::Hash,
        },
        parts: args.parts.clone(),
        fractions: args.fractions.clone(),
        extension: args.format.clone(),
        seed: args.seed,
        extend: args.extend.clone(),
    })
}

fn source(args: &Args, named: bool) -> Result<Source, RunError> {
    let SourceArgs { esci, wands, table } = &args.source;
    let policy = match args.rows.as_str() {
        "skip" => RowPolicy::Skip,
        _ => RowPolicy::Fail,
    };
    let Some(path) = table else {
        let wands = wands.clone().map(|folder| Source::Wands(folder, policy));
        let esci = Source::Esci(esci.clone().unwrap_or_default(), policy);
        return Ok(wands.unwrap_or(esci));
    };
    let columns = match &args.columns {
        None => ColumnMap::canonical(),
        Some(json) => serde_json::from_str(json).map_err(|error| RunError::Option {
            option: "columns",
            value: format!("`{json}` ({error})"),
            allowed:
                "a JSON object with query, title and, where there are such columns, query_id, \
                      item_id, description, bullet_points, brand, color, locale, label, split"
                    .into(),
        })?,
    };
    let needs = |option, what: &str| {
        Err(RunError::Option {
            option,
            value: format!("without `{what}`"),
            allowed: format!("a column for `{what}`"),
        })
    };
    if columns.label.is_none() {
        return needs("columns", "label");
    }
    if named && columns.split.is_none() {
        return needs("columns", "split");
    }
    let config = SourceConfig::new(columns).with_policy(policy);
    Ok(Source::Table(path.clone(), Box::new(config)))
}

fn schema(name: &str) -> Result<LabelSchema, RunError> {
    Ok(match name {
        "esci" => LabelSchema::esci(),
        "wands" => LabelSchema::wands(),
        "binary" => LabelSchema::binary(),
        path => LabelSchema::from_json_file(Path::new(path))?,
    })
}
