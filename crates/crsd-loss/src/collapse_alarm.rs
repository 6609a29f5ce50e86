//! When the representations have stopped telling examples apart.

use serde::{Deserialize, Serialize};

use crate::{CrsdLossError, Diagnostics};

/// Which of the two views.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum View {
    /// Query and item.
    Standard,
    /// Query, item and reason.
    Reasoned,
}

/// A sign of collapse, with the figure that gave it away.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CollapseSymptom {
    /// All examples lie at nearly one point.
    #[error("{view:?} views lie at one point: uniformity {uniformity:.4}, above {threshold}")]
    Point {
        /// The view that collapsed.
        view: View,
        /// [`Diagnostics::uniformity_standard`] or its counterpart.
        uniformity: f64,
        /// [`CollapseAlarm::uniformity`].
        threshold: f64,
    },
    /// The examples differ, but in few dimensions.
    #[error("{view:?} views use few dimensions: effective rank {rank:.2}, below {threshold:.2}")]
    Dimensions {
        /// The view that collapsed.
        view: View,
        /// [`Diagnostics::rank_standard`] or its counterpart.
        rank: f64,
        /// The smallest rank that would have passed.
        threshold: f64,
    },
    /// A view finds its partner no better than by drawing lots.
    #[error("diagonal accuracy {accuracy:.4} is at chance, {chance:.4}")]
    Chance {
        /// [`Diagnostics::diagonal_accuracy`].
        accuracy: f64,
        /// [`Diagnostics::chance_accuracy`].
        chance: f64,
    },
}

/// When to raise the alarm. It reads one batch: a run is in trouble when it stays on after the
/// warm-up of λ, not when it comes up once.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{CollapseAlarm, CollapseSymptom, Diagnostics};
///
/// let one_point = Tensor::<2>::ones([8, 4], &Device::default());
/// let seen = Diagnostics::measure(one_point.clone(), one_point, None)?;
/// let symptoms = CollapseAlarm::default().symptoms(&seen);
/// assert!(matches!(symptoms[0], CollapseSymptom::Point { .. }));
/// assert!(symptoms[0].to_string().starts_with("Standard views lie at one point"));
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct CollapseAlarm {
    /// Uniformity above it is a [`Point`](CollapseSymptom::Point). Default -0.1: a mean squared
    /// distance of about 0.05, cosines of about 0.975.
    pub uniformity: f64,
    /// A share `s`, 0 to 1: an effective rank below `1 + s (min(b, h) - 1)` is a collapse of
    /// [`Dimensions`](CollapseSymptom::Dimensions). Default 0.05.
    pub rank_share: f64,
    /// A diagonal accuracy of at most chance plus this many standard errors of `b` draws at chance
    /// is [`Chance`](CollapseSymptom::Chance). Default 1.
    pub chance_errors: f64,
}

impl Default for CollapseAlarm {
    fn default() -> Self {
        Self {
            uniformity: -0.1,
            rank_share: 0.05,
            chance_errors: 1.0,
        }
    }
}

impl CollapseAlarm {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the uniformity above which the examples lie at one point.
    pub fn with_uniformity(mut self, uniformity: f64) -> Self {
        self.uniformity = uniformity;
        self
    }

    /// Sets the share of the possible rank below which dimensions have collapsed.
    pub fn with_rank_share(mut self, rank_share: f64) -> Self {
        self.rank_share = rank_share;
        self
    }

    /// Sets how many standard errors above chance still count as chance.
    pub fn with_chance_errors(mut self, chance_errors: f64) -> Self {
        self.chance_errors = chance_errors;
        self
    }

    /// # Errors
    /// [`CrsdLossError::InvalidConfig`] names the field, its value and the allowed range.
    pub fn validate(&self) -> Result<(), CrsdLossError> {
        let check = |field, value: f64, ok: bool, allowed| match ok {
            true => Ok(()),
            false => Err(CrsdLossError::InvalidConfig {
                field,
                value,
                allowed,
            }),
        };
        let (u, s, e) = (self.uniformity, self.rank_share, self.chance_errors);
        check("uniformity", u, u.is_finite() && u <= 0.0, "at most 0")?;
        check("rank_share", s, (0.0..=1.0).contains(&s), "0 to 1")?;
        check(
            "chance_errors",
            e,
            e.is_finite() && e >= 0.0,
            "a finite number, at least 0",
        )
    }

    /// The symptoms of a batch, none when all is well. A batch of one shows none, nor does a figure
    /// that is NaN: NaN is another alarm's business.
    pub fn symptoms(&self, seen: &Diagnostics) -> Vec<CollapseSymptom> {
        let views = [
            (View::Standard, seen.uniformity_standard, seen.rank_standard),
            (View::Reasoned, seen.uniformity_reasoned, seen.rank_reasoned),
        ];
        let mut symptoms = Vec::new();
        for (view, uniformity, rank) in views {
            // No uniformity: a batch of one, whose rank says nothing either.
            let Some(uniformity) = uniformity else {
                continue;
            };
            if uniformity > self.uniformity {
                let threshold = self.uniformity;
                symptoms.push(CollapseSymptom::Point {
                    view,
                    uniformity,
                    threshold,
                });
            }
            let threshold = 1.0 + self.rank_share * (seen.max_rank as f64 - 1.0);
            if rank < threshold {
                symptoms.push(CollapseSymptom::Dimensions {
                    view,
                    rank,
                    threshold,
                });
            }
        }
        symptoms.extend(self.at_chance(seen));
        symptoms
    }

    fn at_chance(&self, seen: &Diagnostics) -> Option<CollapseSymptom> {
        let (accuracy, chance) = (seen.diagonal_accuracy, seen.chance_accuracy?);
        let error = (chance * (1.0 - chance) / seen.batch_size as f64).sqrt();
        let at_chance = accuracy <= chance + self.chance_errors * error;
        at_chance.then_some(CollapseSymptom::Chance { accuracy, chance })
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::{Device, Tensor, TensorData};
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    fn noise(b: usize, h: usize, seed: u64) -> Tensor<2> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let values = (0..b * h).map(|_| rng.random::<f32>() * 2.0 - 1.0);
        let data = TensorData::new(values.collect::<Vec<f32>>(), [b, h]);
        Tensor::from_data(data, &Device::default())
    }

    fn symptoms(standard: Tensor<2>, reasoned: Tensor<2>) -> Vec<CollapseSymptom> {
        let seen = Diagnostics::measure(standard, reasoned, None).unwrap();
        CollapseAlarm::default().symptoms(&seen)
    }

    #[test]
    fn a_healthy_batch_is_silent() {
        let view = noise(64, 32, 1);
        let other = view.clone() + noise(64, 32, 2) * 0.1;
        assert_eq!(symptoms(view, other), []);
    }

    #[test]
    fn each_collapse_has_its_name() {
        let healthy = noise(64, 32, 3);
        let point = healthy.clone() * 0.01 + 1.0;
        let found = symptoms(healthy.clone(), point);
        let point = |s: &CollapseSymptom| {
            matches!(
                s,
                CollapseSymptom::Point {
                    view: View::Reasoned,
                    ..
                }
            )
        };
        assert!(found.iter().any(point), "{found:?}");

        // Spread out, yet on one line.
        let line = noise(64, 1, 4).matmul(noise(1, 32, 5));
        let found = symptoms(line.clone(), line);
        let line = |s: &CollapseSymptom| matches!(s, CollapseSymptom::Dimensions { rank, .. } if *rank < 1.1);
        assert_eq!(found.iter().filter(|s| line(s)).count(), 2, "{found:?}");

        let strangers = symptoms(healthy, noise(64, 32, 6));
        assert!(
            matches!(strangers[..], [CollapseSymptom::Chance { chance, .. }] if chance == 1.0 / 64.0),
            "{strangers:?}"
        );
        assert!(strangers[0].to_string().contains("is at chance, 0.0156"));
    }

    #[test]
    fn a_batch_of_one_says_nothing() {
        let one = Tensor::<2>::ones([1, 4], &Device::default());
        assert_eq!(symptoms(one.clone(), one), []);
    }

    #[test]
    fn thresholds_are_checked() {
        CollapseAlarm::default().validate().unwrap();
        let alarm = CollapseAlarm::new().with_rank_share(1.5);
        let error = alarm.validate().unwrap_err().to_string();
        assert_eq!(error, "`rank_share` is 1.5, allowed: 0 to 1");
        assert!(serde_json::from_str::<CollapseAlarm>(r#"{"rank": 1}"#).is_err());
    }
}
