//! Scores that only the true distribution optimises: log loss and Brier score.

use crate::Predictions;

impl Predictions<'_> {
    /// Mean negative natural logarithm of the gold class's probability, `−1/n Σ_i ln p_i,gold(i)`, in
    /// nats. Probabilities are kept `f64::EPSILON` away from 0 and 1, as scikit-learn's `log_loss` keeps
    /// them.
    ///
    /// ```
    /// # use relevance_eval::Predictions;
    /// let classes = [("Exact", 1.0), ("Irrelevant", 0.0)];
    /// let two = Predictions::new(&["q"; 2], &[0, 1], &[[0.5, 0.5], [0.75, 0.25]], &classes)?;
    /// assert!((two.log_loss() - (2_f64.ln() + 4_f64.ln()) / 2.0).abs() < 1e-12);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn log_loss(&self) -> f64 {
        let nll = self.judged().map(|(gold, p)| -clip(p[gold]).ln());
        nll.sum::<f64>() / self.num_pairs() as f64
    }

    /// Mean squared distance of the distribution from the gold class,
    /// `1/n Σ_i Σ_k (y_ik − p_ik)²` (Brier 1950): in [0, 2], and with two classes halved to [0, 1], as
    /// scikit-learn's `brier_score_loss`.
    ///
    /// ```
    /// # use relevance_eval::Predictions;
    /// let classes = [("Exact", 1.0), ("Irrelevant", 0.0)];
    /// let one = Predictions::new(&["q"], &[0], &[[0.75, 0.25]], &classes)?;
    /// assert_eq!(one.brier_score(), (0.25_f64.powi(2) + 0.25_f64.powi(2)) / 2.0);
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    pub fn brier_score(&self) -> f64 {
        let distances = self.judged().map(|(gold, p)| -> f64 {
            let terms = p.into_iter().enumerate();
            terms
                .map(|(class, p)| (f64::from(u8::from(class == gold)) - p).powi(2))
                .sum()
        });
        let mean = distances.sum::<f64>() / self.num_pairs() as f64;
        match self.classes() {
            2 => mean / 2.0,
            _ => mean,
        }
    }
}

fn clip(probability: f64) -> f64 {
    probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON)
}
