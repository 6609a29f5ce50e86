//! The table of a grid: means over seeds, intervals and paired tests over queries.

use std::fmt::Write;

use relevance_data::{LabelSchema, LabeledPair};
use relevance_eval::{
    EvaluationConfig, PairedComparison, Predictions, RunsEvaluation, compare_runs, evaluate_runs,
};
use serde::Serialize;

use super::cell_run::CellResult;
use super::grid::{Cell, REFERENCE};
use crate::error::RunError;
use crate::query_rows::QueryRows;
use crate::report::html_page;

/// The figures that the table shows, with their headings.
const FIGURES: [(&str, &str); 3] = [
    ("macro_f1", "macro F1"),
    ("accuracy", "accuracy"),
    ("ndcg@10", "nDCG@10"),
];

/// A row of the table.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// The cell's name.
    pub id: &'static str,
    /// What it is.
    pub title: &'static str,
    /// Means over seeds with intervals over queries; none if the cell was not run.
    pub figures: Option<RunsEvaluation>,
    /// This cell minus the reference, paired by query; none for the reference itself.
    pub against_reference: Option<PairedComparison>,
    /// Mean seconds of a run.
    pub seconds: Option<f64>,
}

/// The whole table.
#[derive(Clone, Debug, Serialize)]
pub struct Table {
    /// One row a cell.
    pub rows: Vec<Row>,
    /// What the table was made with, one sentence a line.
    pub notes: Vec<String>,
}

/// A cell with its results, one a seed; none if it was not run.
pub type Results = Vec<(Cell, Option<Vec<CellResult>>)>;

impl Table {
    /// Evaluates and compares the results.
    ///
    /// # Errors
    ///
    /// Results that do not fit the test pairs.
    pub fn new(
        results: &Results,
        test: &[LabeledPair],
        schema: &LabelSchema,
        config: &EvaluationConfig,
        notes: Vec<String>,
    ) -> Result<Self, RunError> {
        let rows = QueryRows::new(test, schema);
        let reference = results
            .iter()
            .find(|(cell, _)| cell.id == REFERENCE)
            .and_then(|(_, runs)| runs.as_deref());
        let items = Some(rows.items.as_slice());
        let row = |(cell, runs): &(Cell, Option<Vec<CellResult>>)| -> Result<Row, RunError> {
            let mut row = Row {
                id: cell.id,
                title: cell.title,
                figures: None,
                against_reference: None,
                seconds: None,
            };
            let Some(runs) = runs.as_deref().filter(|runs| !runs.is_empty()) else {
                return Ok(row);
            };
            let ours = predictions(&rows, runs);
            row.figures = Some(evaluate_runs(&ours, items, config)?);
            row.seconds = Some(runs.iter().map(|run| run.seconds).sum::<f64>() / runs.len() as f64);
            if let Some(reference) = reference.filter(|_| cell.id != REFERENCE) {
                let compared = compare_runs(&predictions(&rows, reference), &ours, items, config)?;
                row.against_reference = Some(compared);
            }
            Ok(row)
        };
        Ok(Self {
            rows: results.iter().map(row).collect::<Result<_, _>>()?,
            notes,
        })
    }

    fn head() -> Vec<String> {
        let figures = FIGURES.iter().flat_map(|(_, heading)| {
            [
                format!("{heading} [95 %]"),
                "seeds ±".to_owned(),
                format!("− {REFERENCE}"),
                "p".to_owned(),
            ]
        });
        ["cell", "what"]
            .map(str::to_owned)
            .into_iter()
            .chain(figures)
            .chain(["s a run".to_owned()])
            .collect()
    }

    fn cells(row: &Row) -> Vec<String> {
        let dash = || "–".to_owned();
        let mut cells = vec![row.id.to_owned(), row.title.to_owned()];
        for (metric, _) in FIGURES {
            let found = row.figures.as_ref().and_then(|f| f.metric(metric));
            let compared = row
                .against_reference
                .as_ref()
                .and_then(|c| c.metric(metric));
            cells.push(found.map_or_else(dash, |f| {
                let mean = f.mean;
                format!("{:.4} [{:.4}, {:.4}]", mean.value, mean.lower, mean.upper)
            }));
            let spread = found.and_then(|f| f.std_dev);
            cells.push(spread.map_or_else(dash, |s| format!("{s:.4}")));
            cells.push(compared.map_or_else(dash, |c| {
                let d = c.difference;
                format!("{:+.4} [{:+.4}, {:+.4}]", d.value, d.lower, d.upper)
            }));
            cells.push(compared.map_or_else(dash, |c| format!("{:.3}", c.p_value)));
        }
        cells.push(
            row.seconds
                .map_or_else(|| "not run".to_owned(), |s| format!("{s:.0}")),
        );
        cells
    }

    /// The table in Markdown.
    pub fn markdown(&self) -> String {
        let head = Self::head();
        let mut text = format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len()));
        for row in &self.rows {
            let _ = writeln!(text, "| {} |", Self::cells(row).join(" | "));
        }
        for note in &self.notes {
            let _ = write!(text, "\n{note}\n");
        }
        text
    }

    /// The table as a self-contained page.
    pub fn html(&self) -> String {
        let rows: Vec<Vec<String>> = self.rows.iter().map(Self::cells).collect();
        html_page("Ablation of CRSD", &self.notes, &Self::head(), &rows)
    }
}

fn predictions<'a>(rows: &'a QueryRows, runs: &'a [CellResult]) -> Vec<Predictions<'a>> {
    let of_run = |run: &'a CellResult| rows.predictions(&run.probabilities);
    runs.iter().map(of_run).collect()
}
