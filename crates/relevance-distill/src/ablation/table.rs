//! The table of a grid: means over seeds, intervals and paired tests over queries.

use std::collections::BTreeMap;
use std::fmt::Write;

use relevance_data::{LabelSchema, LabeledPair};
use relevance_eval::{
    EvalError, EvaluationConfig, PairedComparison, Predictions, RunsEvaluation, compare_runs,
    evaluate_runs, holm,
};
use serde::Serialize;

use super::cell_run::CellResult;
use super::grid::{Cell, REFERENCE};
use crate::error::DistillError;
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
    /// The p values of that comparison after Holm's correction over the compared cells, by figure.
    pub holm_p_values: BTreeMap<&'static str, f64>,
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
    ) -> Result<Self, DistillError> {
        let rows = QueryRows::new(test, schema);
        let reference = results
            .iter()
            .find(|(cell, _)| cell.id == REFERENCE)
            .and_then(|(_, runs)| runs.as_deref());
        let row = |(cell, runs): &(Cell, Option<Vec<CellResult>>)| -> Result<Row, DistillError> {
            let mut row = Row {
                id: cell.id,
                title: cell.title,
                figures: None,
                against_reference: None,
                holm_p_values: BTreeMap::new(),
                seconds: None,
            };
            let Some(runs) = runs.as_deref().filter(|runs| !runs.is_empty()) else {
                return Ok(row);
            };
            let ours = predictions(&rows, runs)?;
            row.figures = Some(evaluate_runs(&ours, config)?);
            row.seconds = Some(runs.iter().map(|run| run.seconds).sum::<f64>() / runs.len() as f64);
            if let Some(reference) = reference.filter(|_| cell.id != REFERENCE) {
                let compared = compare_runs(&predictions(&rows, reference)?, &ours, config)?;
                row.against_reference = Some(compared);
            }
            Ok(row)
        };
        let mut table = results.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        correct(&mut table)?;
        Ok(Self { rows: table, notes })
    }

    fn head() -> Vec<String> {
        let figures = FIGURES.iter().flat_map(|(_, heading)| {
            [
                format!("{heading} [95 %]"),
                "seeds ±".to_owned(),
                format!("− {REFERENCE}"),
                "p".to_owned(),
                "p, Holm".to_owned(),
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
            let corrected = row.holm_p_values.get(metric);
            cells.push(corrected.map_or_else(dash, |p| format!("{p:.3}")));
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

/// Corrects the p values of each figure for how many cells are compared.
fn correct(rows: &mut [Row]) -> Result<(), DistillError> {
    for (figure, _) in FIGURES {
        let compared = rows.iter_mut().filter_map(|row| {
            let comparison = row.against_reference.as_ref()?;
            let p_value = comparison.metric(figure)?.p_value;
            Some((p_value, &mut row.holm_p_values))
        });
        let (p_values, columns): (Vec<f64>, Vec<_>) = compared.unzip();
        for (column, p_value) in columns.into_iter().zip(holm(&p_values)?) {
            column.insert(figure, p_value);
        }
    }
    Ok(())
}

fn predictions<'a>(
    rows: &'a QueryRows,
    runs: &'a [CellResult],
) -> Result<Vec<Predictions<'a>>, EvalError> {
    let of_run = |run: &'a CellResult| rows.predictions(&run.probabilities);
    runs.iter().map(of_run).collect()
}

#[cfg(test)]
mod tests {
    use super::super::grid::grid;
    use super::*;
    use relevance_data::{Item, Pair, Query};

    /// Results that give each pair its label with this probability.
    fn result(test: &[LabeledPair], sure: f64) -> CellResult {
        let of_pair = |pair: &LabeledPair| {
            let mut probabilities = vec![(1.0 - sure) / 3.0; 4];
            probabilities[pair.label.index()] = sure;
            probabilities
        };
        CellResult {
            settings: String::new(),
            seconds: 2.0,
            last_loss: 0.1,
            probabilities: test.iter().map(of_pair).collect(),
        }
    }

    #[test]
    fn p_values_are_corrected_for_how_many_cells_are_compared() {
        let schema = LabelSchema::esci();
        let label = |row: usize| schema.parse(["E", "S", "C", "I"][row % 4]).expect("ESCI's");
        let pair = |row: usize| LabeledPair {
            pair: Pair {
                query: Query::new(format!("q{}", row / 4), format!("query {}", row / 4)),
                item: Item::new(format!("i{row}"), format!("item {row}")),
            },
            label: label(row),
        };
        let test: Vec<_> = (0..80).map(pair).collect();
        let results: Results = grid(0.05, 0.1)
            .into_iter()
            .filter(|cell| ["a", "b", "d", "e"].contains(&cell.id))
            .map(|cell| {
                let sure = match cell.id {
                    "d" => 0.1,
                    _ => 0.9,
                };
                let runs = (cell.id != "b").then(|| vec![result(&test, sure)]);
                (cell, runs)
            })
            .collect();
        let config = EvaluationConfig::default();
        let table = Table::new(&results, &test, &schema, &config, Vec::new()).expect("fits");
        let row = |id: &str| table.rows.iter().find(|row| row.id == id).expect("a row");
        for (figure, _) in FIGURES {
            // `d` misses every pair, `a` is `e`: of two comparisons the smaller p value counts twice.
            let p_value = |id| {
                let compared = row(id).against_reference.as_ref().expect("compared");
                compared.metric(figure).expect("a figure").p_value
            };
            assert!(p_value("d") < 0.01);
            assert_eq!(row("d").holm_p_values[figure], 2.0 * p_value("d"));
            assert_eq!(row("a").holm_p_values[figure], 1.0);
        }
        assert!(row("b").figures.is_none() && row("e").holm_p_values.is_empty());
        let markdown = table.markdown();
        let width = |line: &str| line.matches('|').count();
        let head = width(markdown.lines().next().expect("a head"));
        assert!(
            markdown.lines().all(|line| width(line) == head),
            "{markdown}"
        );
    }
}
