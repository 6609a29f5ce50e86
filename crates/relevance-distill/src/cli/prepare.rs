//! `prepare`: raw judgments become clean parts that share no query.

use std::path::PathBuf;

use relevance_distill::DistillError;
use relevance_distill::prepare::{Dealing, PrepareConfig, Source, prepare};
use relevance_distill::relevance_data::cleaning::{ConflictPolicy, NearDuplicatePolicy};
use relevance_distill::relevance_data::{ColumnMap, RowPolicy, SourceConfig};

use super::choice::choice;
use super::command_line::command_line;
use super::interrupt::on_ctrl_c;
use super::schema::schema;
use super::stdout::print_line;

/// Turn raw judgments into clean parts that share no query, with a report
///
/// Judgments are read from ESCI, WANDS or a table, cleaned (texts, duplicates, conflicting labels, nearly
/// equal items), dealt into parts by query, and written.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(super) struct Args {
    #[command(flatten)]
    source: SourceArgs,
    /// Which column holds what, as JSON: {"query": "q", "title": "name", "label": "grade", ...}; for
    /// --table. Without it the columns are those that this command writes.
    #[arg(long)]
    columns: Option<String>,
    /// What happens to a row that cannot be used.
    #[arg(long, default_value = "fail", value_parser = choice::<RowPolicy>(ROWS))]
    rows: RowPolicy,
    /// esci, wands, binary, or a JSON file with a label schema; without it the source's own.
    #[arg(long)]
    schema: Option<String>,
    /// hash (stable under added rows), stratified (like label shares) or named (by the data's own split).
    #[arg(long, default_value = "hash", value_parser = choice::<Dealing>(SPLIT))]
    split: Dealing,
    /// Names of the parts.
    #[arg(long, value_delimiter = ',', default_value = "train,dev,test")]
    parts: Vec<String>,
    /// Their expected sizes; they sum to 1.
    #[arg(long, value_delimiter = ',', default_value = "0.8,0.1,0.1")]
    fractions: Vec<f64>,
    /// What becomes of a pair with different labels.
    #[arg(long, default_value = "majority", value_parser = choice::<ConflictPolicy>(CONFLICTS))]
    conflicts: ConflictPolicy,
    /// What becomes of nearly equal items of one query.
    #[arg(long, default_value = "report", value_parser = choice::<NearDuplicatePolicy>(NEAR))]
    near_duplicates: NearDuplicatePolicy,
    /// csv, tsv, jsonl or parquet, each also with .gz or .zst.
    #[arg(long, default_value = "jsonl")]
    format: String,
    /// Seed of the deal.
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Folder of an earlier run whose queries stay in their parts; for a stratified split.
    #[arg(long)]
    extend: Option<PathBuf>,
    /// Output folder.
    #[arg(long)]
    out: PathBuf,
    /// Go on with the run in the output folder.
    #[arg(long)]
    resume: bool,
}

#[derive(Debug, clap::Args)]
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

const ROWS: &[&str] = &["fail", "skip"];
const SPLIT: &[&str] = &["hash", "stratified", "named"];
const CONFLICTS: &[&str] = &["majority", "keep_first", "drop", "keep_all", "fail"];
const NEAR: &[&str] = &["ignore", "report", "keep_first"];

const AFTER_HELP: &str = "\
Reads:    one of --esci, --wands, --table
Leaves in --out:
  PART.FORMAT                  a file a part (train.jsonl, dev.jsonl, test.jsonl)
  schema.json                  the label schema
  report.md, report.json       what was read, cleaned and dealt, and nearly equal queries in different parts
Standard output has report.md. A run that fails leaves nothing; one that is stopped goes on with --resume.

Examples:
  relevance-distill prepare --esci examples/data --split stratified --out runs/data
  relevance-distill prepare --table judgments.csv.gz --rows skip --out runs/data \\
    --columns '{\"query\": \"q\", \"title\": \"product\", \"label\": \"grade\"}'";

pub(super) fn run(args: &Args) -> Result<(), DistillError> {
    let config = config(args)?;
    let interrupt = on_ctrl_c();
    let report = prepare(config, &args.out, args.resume, command_line(), &interrupt)?;
    print_line(report.markdown())
}

fn config(args: &Args) -> Result<PrepareConfig, DistillError> {
    let source = source(args, args.split == Dealing::Named)?;
    let default = match &source {
        Source::Wands(..) => "wands",
        _ => "esci",
    };
    let schema = schema(args.schema.as_deref().unwrap_or(default))?;
    let mut config = PrepareConfig::new(source, schema);
    config.clean.conflicts = args.conflicts;
    config.clean.near_duplicates = args.near_duplicates;
    config.dealing = args.split;
    config.parts.clone_from(&args.parts);
    config.fractions.clone_from(&args.fractions);
    config.extension.clone_from(&args.format);
    config.seed = args.seed;
    config.extend.clone_from(&args.extend);
    Ok(config)
}

fn source(args: &Args, named: bool) -> Result<Source, DistillError> {
    let SourceArgs { esci, wands, table } = &args.source;
    let policy = args.rows;
    let Some(path) = table else {
        let wands = wands.clone().map(|folder| Source::Wands(folder, policy));
        let esci = Source::Esci(esci.clone().unwrap_or_default(), policy);
        return Ok(wands.unwrap_or(esci));
    };
    let columns = match &args.columns {
        None => ColumnMap::canonical(),
        Some(json) => serde_json::from_str(json).map_err(|error| DistillError::InvalidConfig {
            field: "columns",
            value: format!("`{json}` ({error})"),
            allowed:
                "a JSON object with query, title and, where there are such columns, query_id, \
                      item_id, description, bullet_points, brand, color, locale, label, split"
                    .into(),
        })?,
    };
    let needs = |what: &str| {
        Err(DistillError::InvalidConfig {
            field: "columns",
            value: format!("without `{what}`"),
            allowed: format!("a column for `{what}`"),
        })
    };
    if columns.label.is_none() {
        return needs("label");
    }
    if named && columns.split.is_none() {
        return needs("split");
    }
    let config = SourceConfig::new(columns).with_policy(policy);
    Ok(Source::Table(path.clone(), Box::new(config)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::choice::tests::check;

    #[test]
    fn every_name_is_one_of_its_option() {
        check::<RowPolicy>(ROWS);
        check::<Dealing>(SPLIT);
        check::<ConflictPolicy>(CONFLICTS);
        check::<NearDuplicatePolicy>(NEAR);
    }
}
