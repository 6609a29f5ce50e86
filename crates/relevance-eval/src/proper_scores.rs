//! Scores that only the true distribution optimises: log loss and Brier score.

use crate::{EvalError, Predictions};

impl Predictions<'_> {
    /// Mean negative natural logarithm of the gold class's probability, in nats. Probabilities are
    /// kept `f64::EPSILON` away from 0 and 1, as scikit-learn's `log_loss` keeps them.
    ///
    /// # Errors
    /// Those of [`Predictions::validate`].
    pub fn log_loss(&self) -> Result<f64, EvalError> {
        self.validate()?;
        let rows = self.gold.iter().zip(self.probabilities);
        let nll = |(&gold, p): (&usize, &Vec<f64>)| -clip(p[gold]).ln();
        Ok(rows.map(nll).sum::<f64>() / self.gold.len() as f64)
    }

    /// Mean squared distance of the distribution from the gold class,
    /// `1/n Σ_i Σ_k (y_ik − p_ik)²` (Brier 1950): in [0, 2], and with two classes halved to [0, 1], as
    /// scikit-learn's `brier_score_loss`.
    ///
    /// # Errors
    /// Those of [`Predictions::validate`].
    pub fn brier_score(&self) -> Result<f64, EvalError> {
        self.validate()?;
        let rows = self.gold.iter().zip(self.probabilities);
        let distance = |(&gold, p): (&usize, &Vec<f64>)| -> f64 {
            let terms = p.iter().enumerate();
            terms
                .map(|(class, p)| (f64::from(u8::from(class == gold)) - p).powi(2))
                .sum()
        };
        let mean = rows.map(distance).sum::<f64>() / self.gold.len() as f64;
        Ok(match self.class_names.len() {
            2 => mean / 2.0,
            _ => mean,
        })
    }
}

fn clip(probability: f64) -> f64 {
    probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON)
}
