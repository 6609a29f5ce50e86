//! Systems side by side, as a Markdown table.

use std::fmt::Write;

use crate::{EvalError, Evaluation, PairedComparison, holm};

/// One row a system: macro F1, micro F1, weighted F1, accuracy, nDCG, nDCG@10, each with its
/// interval, and ECE. Pipes and line breaks in names are escaped.
///
/// ```
/// # use relevance_eval::{EvaluationConfig, Predictions, evaluate, markdown_table};
/// # let one = Predictions::new(&["q"], &[0], &[[1.0]], &[("only", 1.0)])?;
/// let evaluation = evaluate(&one, &EvaluationConfig::default())?;
/// let table = markdown_table(&[("student", &evaluation)]);
/// assert!(table.starts_with("| system | macro F1 |"));
/// assert!(table.ends_with("| 1.0000 [1.0000, 1.0000] | 0.0000 |\n"));
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
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
            let _ = write!(table, " {interval:.4} |");
        }
        let _ = writeln!(table, " {:.4} |", evaluation.ece);
    }
    table
}

/// Systems against one baseline in one figure: a row a system with its difference, the interval, the p
/// value and the p value after Holm's correction over the rows of the table.
///
/// ```
/// # use relevance_eval::{EvaluationConfig, Predictions, comparison_table, paired_bootstrap};
/// # let one = Predictions::new(&["q"], &[0], &[[1.0]], &[("only", 1.0)])?;
/// let same = paired_bootstrap(&one, &one, &EvaluationConfig::default())?;
/// let table = comparison_table("macro_f1", &[("itself", &same)])?;
/// let row = table.lines().last().expect("a row");
/// assert!(row.starts_with("| itself | 1.0000 | 1.0000 | +0.0000 [+0.0000, +0.0000] |"), "{row}");
/// assert!(comparison_table("f1", &[("itself", &same)]).is_err());
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
///
/// # Errors
/// [`EvalError::InvalidConfig`] if a comparison lacks the figure.
pub fn comparison_table<S: AsRef<str>>(
    metric: &'static str,
    comparisons: &[(S, &PairedComparison)],
) -> Result<String, EvalError> {
    let missing = || EvalError::InvalidConfig {
        field: "metric",
        value: metric.to_owned(),
        allowed: "accuracy, macro_f1, micro_f1, weighted_f1, ndcg, ndcg@10",
    };
    let rows = comparisons.iter();
    let rows: Vec<_> = rows
        .map(|(_, comparison)| comparison.metric(metric).ok_or_else(missing))
        .collect::<Result<_, _>>()?;
    let p_values: Vec<f64> = rows.iter().map(|row| row.p_value).collect();
    let adjusted = holm(&p_values)?;
    let mut table = format!(
        "| system | {metric} | baseline | difference | p | p (Holm) |\n|---|---|---|---|---|---|\n"
    );
    for (((name, _), row), adjusted) in comparisons.iter().zip(rows).zip(adjusted) {
        let _ = writeln!(
            table,
            "| {} | {:.4} | {:.4} | {:+.4} [{:+.4}, {:+.4}] | {:.4} | {adjusted:.4} |",
            cell(name.as_ref()),
            row.b,
            row.a,
            row.difference.value,
            row.difference.lower,
            row.difference.upper,
            row.p_value,
        );
    }
    Ok(table)
}

fn cell(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('|', "\\|")
        .replace(['\n', '\r'], " ")
}
