//! Systems side by side, as a Markdown table.

use std::fmt::Write;

use crate::{Evaluation, Interval};

/// One row a system: macro F1, micro F1, weighted F1, accuracy, nDCG, nDCG@10, each with its
/// interval, and ECE. Pipes and line breaks in names are escaped.
pub fn markdown_table<S: AsRef<str>>(systems: &[(S, &Evaluation)]) -> String {
    let mut table = String::from(
        "| system | macro F1 | micro F1 | weighted F1 | accuracy | nDCG | nDCG@10 | ECE |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (name, evaluation) in systems {
        let _ = write!(table, "| {} |", cell(name.as_ref()));
        for interval in [
            evaluation.macro_f1,
            evaluation.micro_f1,
            evaluation.weighted_f1,
            evaluation.accuracy,
            evaluation.ndcg,
            evaluation.ndcg_at_10,
        ] {
            let Interval {
                value,
                lower,
                upper,
            } = interval;
            let _ = write!(table, " {value:.4} [{lower:.4}, {upper:.4}] |");
        }
        let _ = writeln!(table, " {:.4} |", evaluation.ece);
    }
    table
}

fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace(['\n', '\r'], " ")
}
