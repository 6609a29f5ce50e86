//! Is a share of hits more than a coin would have?

/// The probability that a fair coin shows heads at least `hits` times in `trials`: the exact one-sided
/// binomial test of a share of one half.
///
/// 1 without a trial: nothing was shown.
pub(super) fn coin_p_value(hits: usize, trials: usize) -> f64 {
    // ln C(n, k), from k = 0 on: each is the one before times (n − k) / (k + 1).
    let mut ln_choose = 0.0;
    let ln_half_n = -(trials as f64) * std::f64::consts::LN_2;
    let mut p_value = 0.0;
    for k in 0..=trials {
        if k >= hits {
            p_value += f64::exp(ln_choose + ln_half_n);
        }
        ln_choose += ((trials - k) as f64).ln() - ((k + 1) as f64).ln();
    }
    f64::min(p_value, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy.stats.binomtest(hits, trials, 0.5, alternative="greater").pvalue
    #[test]
    fn p_values_are_scipys() {
        for (hits, trials, expected) in [
            (0, 0, 1.0),
            (0, 5, 1.0),
            (3, 5, 0.5),
            (5, 5, 0.03125),
            (8, 10, 0.0546875),
            (60, 100, 0.028443966820490395),
            (1040, 2000, 0.03864344528133421),
        ] {
            let found = coin_p_value(hits, trials);
            assert!(
                (found - expected).abs() < 1e-9,
                "{hits} of {trials}: {found}"
            );
        }
    }
}
