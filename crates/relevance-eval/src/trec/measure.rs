//! The measures and their names.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::EvalError;

/// A measure of a query's ranked list, under ir_measures' names.
///
/// ```
/// use relevance_eval::TrecMeasure;
///
/// let measure: TrecMeasure = "P@10".parse()?;
/// assert_eq!(measure, TrecMeasure::Precision(10));
/// assert_eq!(measure.to_string(), "P@10");
/// assert!("P@0".parse::<TrecMeasure>().is_err());
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum TrecMeasure {
    /// `AP`: mean over the relevant documents of the precision at their rank; one that is not
    /// retrieved counts 0. trec_eval's `map`.
    Map,
    /// `RR`: 1 over the rank of the first relevant document. trec_eval's `recip_rank`.
    RecipRank,
    /// `P@k`: relevant documents among the first k, over k, also where fewer were retrieved.
    Precision(usize),
    /// `R@k`: relevant documents among the first k, over all relevant ones.
    Recall(usize),
    /// `nDCG` or `nDCG@k`.
    Ndcg {
        /// Ranks that count; all if absent.
        cutoff: Option<usize>,
        /// From relevance to gain.
        gain: Gain,
    },
    /// `Judged@k`: judged documents among the first k, over k or the number retrieved if that is
    /// less.
    Judged(usize),
}

/// From a relevance level to a gain; levels of 0 and below gain nothing.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Gain {
    /// The level itself: trec_eval.
    #[default]
    Linear,
    /// `2^level − 1` (Burges et al. 2005).
    Exponential,
    /// A gain for each level, in millionths; a level that is absent gains 0.
    Custom(BTreeMap<i32, u64>),
}

impl Gain {
    /// A gain for each level, kept to the sixth place.
    ///
    /// ```
    /// use relevance_eval::Gain;
    ///
    /// let esci = Gain::custom(&[(3, 1.0), (2, 0.1), (1, 0.01)])?;
    /// assert_eq!((esci.of(2), esci.of(0)), (0.1, 0.0));
    /// assert!(Gain::custom(&[(1, -1.0)]).is_err());
    /// # Ok::<(), relevance_eval::EvalError>(())
    /// ```
    ///
    /// # Errors
    /// [`EvalError::OutOfRange`] for a gain that is negative, not finite or above 10^12.
    pub fn custom(gains: &[(i32, f64)]) -> Result<Self, EvalError> {
        let millionths = |(index, &(level, gain)): (usize, &(i32, f64))| {
            if (0.0..=1e12).contains(&gain) {
                return Ok((level, (gain * 1e6).round() as u64));
            }
            Err(EvalError::OutOfRange {
                what: "gains",
                index,
                value: gain,
                allowed: "0 to 10^12",
            })
        };
        let gains = gains.iter().enumerate().map(millionths);
        Ok(Self::Custom(gains.collect::<Result<_, _>>()?))
    }

    /// The gain of a level, at least 0.
    ///
    /// ```
    /// use relevance_eval::Gain;
    ///
    /// assert_eq!((Gain::Linear.of(3), Gain::Linear.of(-1)), (3.0, 0.0));
    /// assert_eq!(Gain::Exponential.of(3), 7.0); // 2^3 − 1
    /// ```
    pub fn of(&self, level: i32) -> f64 {
        match self {
            Self::Custom(gains) => gains.get(&level).map_or(0.0, |&gain| gain as f64 / 1e6),
            _ if level <= 0 => 0.0,
            Self::Linear => f64::from(level),
            Self::Exponential => f64::from(level).exp2() - 1.0,
        }
    }
}

const ALLOWED: &str = "AP, RR, nDCG, nDCG@k, P@k, R@k, Judged@k with k at least 1";

impl fmt::Display for TrecMeasure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Map => f.write_str("AP"),
            Self::RecipRank => f.write_str("RR"),
            Self::Precision(k) => write!(f, "P@{k}"),
            Self::Recall(k) => write!(f, "R@{k}"),
            Self::Judged(k) => write!(f, "Judged@{k}"),
            Self::Ndcg { cutoff, gain } => {
                f.write_str("nDCG")?;
                match gain {
                    Gain::Linear => {}
                    Gain::Exponential => f.write_str("(exponential)")?,
                    Gain::Custom(_) => f.write_str("(custom gains)")?,
                }
                cutoff.map_or(Ok(()), |k| write!(f, "@{k}"))
            }
        }
    }
}

impl FromStr for TrecMeasure {
    type Err = EvalError;

    fn from_str(name: &str) -> Result<Self, EvalError> {
        let unknown = || EvalError::InvalidConfig {
            field: "measure",
            value: name.to_owned(),
            allowed: ALLOWED,
        };
        let (kind, cutoff) = match name.split_once('@') {
            None => (name, None),
            Some((kind, cutoff)) => {
                let cutoff: usize = cutoff.parse().map_err(|_| unknown())?;
                (kind, Some(cutoff).filter(|k| *k > 0))
            }
        };
        match (kind, cutoff, name.contains('@')) {
            ("AP", None, false) => Ok(Self::Map),
            ("RR", None, false) => Ok(Self::RecipRank),
            ("P", Some(k), _) => Ok(Self::Precision(k)),
            ("R", Some(k), _) => Ok(Self::Recall(k)),
            ("Judged", Some(k), _) => Ok(Self::Judged(k)),
            ("nDCG", cutoff, has_cutoff) if cutoff.is_some() == has_cutoff => Ok(Self::Ndcg {
                cutoff,
                gain: Gain::Linear,
            }),
            _ => Err(unknown()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_are_refused() {
        for name in ["AP", "RR", "nDCG", "nDCG@10", "P@5", "R@100", "Judged@10"] {
            assert_eq!(name.parse::<TrecMeasure>().unwrap().to_string(), name);
        }
        for name in ["", "P", "P@0", "AP@3", "nDCG@0", "nDCG@x", "map"] {
            assert!(name.parse::<TrecMeasure>().is_err(), "{name}");
        }
    }

    #[test]
    fn gains_of_levels() {
        assert_eq!((Gain::Linear.of(3), Gain::Linear.of(-1)), (3.0, 0.0));
        assert_eq!(
            (Gain::Exponential.of(3), Gain::Exponential.of(0)),
            (7.0, 0.0)
        );
        let custom = Gain::custom(&[(3, 1.0), (2, 0.1)]).unwrap();
        assert_eq!((custom.of(2), custom.of(1)), (0.1, 0.0));
        assert!(Gain::custom(&[(1, -1.0)]).is_err());
    }
}
