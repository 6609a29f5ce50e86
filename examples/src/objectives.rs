//! `--objective`: the names of what a student can minimise.

use crsd_loss::{Align, CrsdLossConfig};
use student_model::{LogitKdConfig, Objective, RDropConfig};

use crate::error::RunError;

/// Each name with what it stands for.
pub const OBJECTIVES: [(&str, &str); 8] = [
    ("ce", "cross entropy of the plain view"),
    ("two-view", "cross entropy of both views, no alignment"),
    ("crsd", "both cross entropies and InfoNCE between the views"),
    (
        "mse",
        "both cross entropies and the squared distance of the views",
    ),
    (
        "cosine",
        "both cross entropies and the cosine distance of the views",
    ),
    (
        "view-kl",
        "both cross entropies and the divergence of the views' predictions",
    ),
    ("kd", "the teacher's class distribution"),
    (
        "r-drop",
        "cross entropy of two dropout passes and their divergence",
    ),
];

/// The objective of a name, with τ and λ where it has them.
///
/// # Errors
///
/// [`RunError::Option`] lists the names.
pub fn objective(name: &str, temperature: f64, lambda: f64) -> Result<Objective, RunError> {
    let aligned = |align: Align, lambda: f64| {
        let loss = CrsdLossConfig::new().with_temperature(temperature);
        Objective::Crsd(loss.with_lambda(lambda).with_align(align))
    };
    Ok(match name {
        "ce" => Objective::CrossEntropy,
        "two-view" => aligned(Align::InfoNce, 0.0),
        "crsd" => aligned(Align::InfoNce, lambda),
        "mse" => aligned(Align::Mse, lambda),
        "cosine" => aligned(Align::Cosine, lambda),
        "view-kl" => aligned(Align::ViewKl, lambda),
        "kd" => Objective::LogitKd(LogitKdConfig::default()),
        "r-drop" => Objective::RDrop(RDropConfig::default()),
        _ => {
            return Err(RunError::Option {
                option: "objective",
                value: format!("`{name}`"),
                allowed: OBJECTIVES.map(|(name, _)| name).join(", "),
            });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_an_objective_and_others_are_refused() {
        for (name, _) in OBJECTIVES {
            objective(name, 0.05, 0.1).expect(name);
        }
        let error = objective("infonce", 0.05, 0.1).expect_err("unknown");
        assert!(error.to_string().contains("crsd, mse"), "{error}");
    }
}
