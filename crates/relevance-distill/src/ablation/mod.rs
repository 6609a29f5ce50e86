//! METHOD's grid: CRSD against what it could be mistaken for, every cell with the same budget.
//!
//! [`grid`] names the cells, an [`AblationConfig`] chooses among them and sets the [`Budget`]; an
//! [`Ablation`] trains and scores them, cell by cell, so that it can be stopped, and gives the [`Table`].

mod cell_run;
mod config;
mod data;
mod grid;
mod run;
mod table;

pub use cell_run::{Budget, CellResult};
pub use config::AblationConfig;
pub use grid::{Cell, REFERENCE, Reason, grid, select};
pub use run::Ablation;
pub use table::{Results, Row, Table};
