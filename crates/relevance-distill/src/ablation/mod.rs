//! METHOD's grid: CRSD against what it could be mistaken for, every cell with the same budget.
//!
//! [`grid`] names the cells, [`data`] what they learn from, [`cell_run`] trains and keeps one of
//! them, [`table`] compares them.

pub mod cell_run;
pub mod data;
pub mod grid;
pub mod table;
