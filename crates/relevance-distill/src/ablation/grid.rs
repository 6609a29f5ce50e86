//! The cells: what each changes of CRSD.

use crsd_loss::{Align, CrsdLossConfig};
use serde::Serialize;
use student_model::{LogitKdConfig, NegativePolicy, ObjectiveConfig, RDropConfig};

use crate::error::DistillError;
use crate::student_examples::StudentLabels;

/// What stands in the place of a pair's reason.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The pair's own.
    Own,
    /// That of another pair with the same label.
    Shuffled,
    /// The label's name.
    BareLabel,
}

/// One cell of the grid. All cells have the same pairs, steps, batches and seeds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cell {
    /// Letter of METHOD's grid, and a name where a letter has several.
    pub id: &'static str,
    /// What it is, for tables.
    pub title: &'static str,
    /// What is minimised.
    pub objective: ObjectiveConfig,
    /// What stands in the place of a reason.
    pub reason: Reason,
    /// Which labels are learnt.
    pub labels: StudentLabels,
    /// Which pairs are pushed apart.
    pub negatives: NegativePolicy,
}

impl Cell {
    /// Whether the cell needs labels or distributions of a teacher.
    pub fn needs_teacher(&self) -> bool {
        self.labels == StudentLabels::Teacher || self.objective.needs_teacher_probabilities()
    }
}

/// The cell that the others are compared with.
pub const REFERENCE: &str = "e";

/// The whole grid, for CRSD with this τ and λ.
pub fn grid(temperature: f64, lambda: f64) -> Vec<Cell> {
    let crsd = CrsdLossConfig::new()
        .with_temperature(temperature)
        .with_lambda(lambda);
    let cell = |id, title, objective| Cell {
        id,
        title,
        objective,
        reason: Reason::Own,
        labels: StudentLabels::Gold,
        negatives: NegativePolicy::default(),
    };
    let aligned = |align| ObjectiveConfig::Crsd(crsd.clone().with_align(align));
    let reasons = |id, title, reason| Cell {
        reason,
        ..cell(id, title, aligned(Align::InfoNce))
    };
    let masked = |id, title, negatives| Cell {
        negatives,
        ..cell(id, title, aligned(Align::InfoNce))
    };
    vec![
        cell(
            "a",
            "cross entropy on gold labels",
            ObjectiveConfig::CrossEntropy,
        ),
        Cell {
            labels: StudentLabels::Teacher,
            ..cell(
                "b",
                "cross entropy on the teacher's labels",
                ObjectiveConfig::CrossEntropy,
            )
        },
        cell(
            "c",
            "the teacher's distribution (logit distillation)",
            ObjectiveConfig::LogitKd(LogitKdConfig::default()),
        ),
        cell(
            "d",
            "both cross entropies, no alignment",
            ObjectiveConfig::Crsd(crsd.clone().with_lambda(0.0)),
        ),
        cell("e", "CRSD", aligned(Align::InfoNce)),
        cell("f-mse", "squared distance for InfoNCE", aligned(Align::Mse)),
        cell(
            "f-cosine",
            "cosine distance for InfoNCE",
            aligned(Align::Cosine),
        ),
        cell(
            "g",
            "divergence of the predictions for InfoNCE",
            aligned(Align::ViewKl),
        ),
        cell(
            "h",
            "R-Drop: two dropout passes, no reason",
            ObjectiveConfig::RDrop(RDropConfig::default()),
        ),
        reasons(
            "i",
            "CRSD, reason of another pair with the label",
            Reason::Shuffled,
        ),
        reasons("j", "CRSD, the bare label as reason", Reason::BareLabel),
        cell(
            "k",
            "CRSD, reasoned side detached",
            ObjectiveConfig::Crsd(crsd.clone().with_detach_reasoned(true)),
        ),
        masked(
            "l-all",
            "CRSD, copies are negatives too",
            NegativePolicy::All,
        ),
        masked(
            "l-query",
            "CRSD, same query no negative",
            NegativePolicy::ExceptSameQuery,
        ),
        masked(
            "l-item",
            "CRSD, same item no negative",
            NegativePolicy::ExceptSameItem,
        ),
        masked(
            "l-label",
            "CRSD, same label no negative",
            NegativePolicy::ExceptSameLabel,
        ),
        cell(
            "l-sup-con",
            "CRSD, same label a positive (supervised contrast)",
            aligned(Align::SupCon),
        ),
    ]
}

/// The cells named by `wanted`, or all if it is empty.
///
/// # Errors
///
/// [`DistillError::InvalidConfig`] names a cell that is not in the grid.
pub fn select(cells: Vec<Cell>, wanted: &[String]) -> Result<Vec<Cell>, DistillError> {
    if let Some(unknown) = wanted.iter().find(|id| !cells.iter().any(|c| c.id == **id)) {
        let ids: Vec<&str> = cells.iter().map(|cell| cell.id).collect();
        return Err(DistillError::InvalidConfig {
            field: "cells",
            value: format!("`{unknown}`"),
            allowed: ids.join(", "),
        });
    }
    let chosen = cells
        .into_iter()
        .filter(|cell| wanted.is_empty() || wanted.iter().any(|id| id == cell.id));
    Ok(chosen.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_grid_holds_every_letter_of_the_method_once() {
        let cells = grid(0.05, 0.1);
        let ids: BTreeSet<&str> = cells.iter().map(|cell| cell.id).collect();
        assert_eq!(ids.len(), cells.len());
        for letter in 'a'..='l' {
            assert!(ids.iter().any(|id| id.starts_with(letter)), "{letter}");
        }
        assert!(ids.contains(REFERENCE));
        let teachers: Vec<&str> = cells
            .iter()
            .filter(|cell| cell.needs_teacher())
            .map(|cell| cell.id)
            .collect();
        assert_eq!(teachers, ["b", "c"]);
    }

    #[test]
    fn cells_are_chosen_by_name() {
        let wanted = ["h".to_owned(), "a".to_owned()];
        let chosen = select(grid(0.05, 0.1), &wanted).expect("known");
        let ids: Vec<&str> = chosen.iter().map(|cell| cell.id).collect();
        assert_eq!(ids, ["a", "h"]);
        let error = select(grid(0.05, 0.1), &["z".to_owned()]).expect_err("unknown");
        assert!(
            error.to_string().contains("`z`, allowed: a, b, c"),
            "{error}"
        );
    }
}
