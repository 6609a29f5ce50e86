//! How far a reward goes with length.

use serde::{Deserialize, Serialize};

use crate::composite_reward::RewardScore;

/// The correlation of one dimension with the length of the reply.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LengthCorrelation {
    /// The dimension, or `reward` for the whole.
    pub dimension: String,
    /// Replies that have this dimension.
    pub count: usize,
    /// Pearson's r; `None` if either side does not vary.
    pub pearson: Option<f64>,
    /// Spearman's ρ (ties get their mean rank); `None` if either side does not vary.
    pub spearman: Option<f64>,
}

/// The correlation of each dimension, and of the reward, with the replies' length in characters.
///
/// Replies that do not parse are left out: their reward is the gate's. A dimension that goes up
/// with length teaches a policy to ramble, whatever its name says.
///
/// `r = Σ (x − x̄)(n − n̄) / √(Σ (x − x̄)² Σ (n − n̄)²)` over scores `x` and lengths `n`; Spearman's ρ is
/// the same of their ranks.
///
/// ```
/// use relevance_data::LabelSchema;
/// use reward_model::{RewardScore, length_correlations};
///
/// let verdict = LabelSchema::esci().labels().next();
/// let score = |reward, length| RewardScore {
///     reward, verdict, format_error: None, dimensions: vec![], length,
/// };
/// let found = length_correlations(&[score(0.1, 10), score(0.2, 20), score(0.3, 30)]);
/// assert_eq!(found[0].dimension, "reward");
/// assert!((found[0].pearson.unwrap() - 1.0).abs() < 1e-12);
/// ```
pub fn length_correlations<'a>(
    scores: impl IntoIterator<Item = &'a RewardScore>,
) -> Vec<LengthCorrelation> {
    let parsed: Vec<_> = scores.into_iter().filter(|s| s.verdict.is_some()).collect();
    let mut names: Vec<&str> = Vec::new();
    for dimension in parsed.iter().flat_map(|score| &score.dimensions) {
        if !names.contains(&dimension.name.as_str()) {
            names.push(&dimension.name);
        }
    }
    let of = |dimension: &str, value: &dyn Fn(&RewardScore) -> Option<f64>| {
        let both = parsed
            .iter()
            .filter_map(|s| Some((value(s)?, s.length as f64)));
        let (values, lengths): (Vec<f64>, Vec<f64>) = both.unzip();
        LengthCorrelation {
            dimension: dimension.to_owned(),
            count: values.len(),
            pearson: pearson(&values, &lengths),
            spearman: pearson(&ranks(&values), &ranks(&lengths)),
        }
    };
    let whole = of("reward", &|score| Some(score.reward));
    let each = names
        .into_iter()
        .map(|name| of(name, &|score| score.dimension(name)));
    each.chain([whole]).collect()
}

fn pearson(x: &[f64], y: &[f64]) -> Option<f64> {
    let varies = |values: &[f64]| values.iter().any(|v| *v != values[0]);
    if x.len() < 2 || !varies(x) || !varies(y) {
        return None;
    }
    let n = x.len() as f64;
    let (mean_x, mean_y) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let (mut xy, mut xx, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(y) {
        let (dx, dy) = (x - mean_x, y - mean_y);
        xy += dx * dy;
        xx += dx * dx;
        yy += dy * dy;
    }
    Some((xy / (xx.sqrt() * yy.sqrt())).clamp(-1.0, 1.0))
}

/// Ranks from 1, equal values sharing their mean rank.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let tied = order[start..]
            .iter()
            .take_while(|&&i| values[i] == values[order[start]]);
        let end = start + tied.count();
        for &i in &order[start..end] {
            ranks[i] = (start + 1 + end) as f64 / 2.0;
        }
        start = end;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    // scipy 1.17.1: pearsonr and spearmanr of these lists.
    #[test]
    fn correlations_work_like_scipy() {
        let x = [0.1, 0.4, 0.4, 0.9, 1.0, 0.2];
        let y = [12.0, 30.0, 25.0, 30.0, 80.0, 5.0];
        let close =
            |a: Option<f64>, e: f64| assert!((a.unwrap() - e).abs() < 1e-12, "{a:?} != {e}");
        close(pearson(&x, &y), 0.8271768370197092);
        close(pearson(&ranks(&x), &ranks(&y)), 0.8970588235294118);
        assert_eq!(ranks(&x), [1.0, 3.5, 3.5, 5.0, 6.0, 2.0]);
        assert_eq!(pearson(&x, &[1.0; 6]), None);
        assert_eq!(pearson(&[], &[]), None);
    }
}
