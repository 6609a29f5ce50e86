//! Plots as self-contained SVG text: no script, no network, text in the system's sans-serif.
//!
//! The palette is Okabe and Ito's, which colour-blind readers can tell apart. Ink, grid and paper
//! have fixed colours ([`INK`], [`GRID`], [`PAPER`]), so that a page can restyle them by attribute
//! (`svg [fill="#24292F"] { fill: ... }`) for a dark theme.

mod confusion;
mod curves;
mod per_class;
mod precision_recall;
mod reliability;
mod style;

pub use confusion::confusion_matrix;
pub use curves::{CurveSeries, loss_curves};
pub use per_class::{per_class_bars, per_class_f1};
pub use precision_recall::precision_recall;
pub use reliability::reliability_diagram;
pub use style::{GRID, INK, PALETTE, PAPER};
