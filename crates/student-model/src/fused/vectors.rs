//! Loops compiled for the widest vectors of the CPU, and the exponential they share.

/// Rows that one task takes. Sums over rows are added up task by task in order, so results do not
/// depend on the number of threads.
pub(super) const TASK_ROWS: usize = 64;

/// Runs `loops` with the vector instructions of this CPU (AVX2, AVX-512, NEON).
///
/// A type and not a closure: `#[inline(always)]` on its method is what gets the loops compiled once
/// for each set of instructions.
pub(super) fn widest<L: Loops>(loops: L) -> L::Output {
    pulp::Arch::new().dispatch(Dispatched(loops))
}

/// Loops to run by [`widest`]; implementations are `#[inline(always)]`.
pub(super) trait Loops {
    type Output;

    fn run(self) -> Self::Output;
}

struct Dispatched<L>(L);

impl<L: Loops> pulp::WithSimd for Dispatched<L> {
    type Output = L::Output;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _: S) -> L::Output {
        self.0.run()
    }
}

/// `eˣ` to 2 units in the last place; exactly 0 below -87, NaN of NaN.
///
/// Range reduction by powers of 2 and Cephes' polynomial of `expf` (Moshier, netlib). No branch, so
/// that a loop over it becomes vector instructions.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    /// 1.5 · 2²³: added and subtracted, it rounds to an integer, which is left in the low bits.
    const ROUND: f32 = 12_582_912.0;
    const LEAST: f32 = -87.0;
    const MOST: f32 = 88.0;
    let bounded = if x < LEAST { LEAST } else { x };
    let bounded = if bounded > MOST { MOST } else { bounded };
    let rounded = bounded * std::f32::consts::LOG2_E + ROUND;
    let n = rounded - ROUND;
    // ln 2 in two parts, the first exact in few bits, so that the rest keeps its digits.
    let r = bounded - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_2e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 0.166_666_65;
    let p = p * r + 0.5;
    let mantissa = p * r * r + r + 1.0;
    let power = f32::from_bits((rounded.to_bits() << 23).wrapping_add(0x3f80_0000));
    if x < LEAST { 0.0 } else { mantissa * power }
}

const LANES: usize = 16;

/// `Σ f(x)`, in a fixed order of 16 partial sums.
#[inline(always)]
pub(super) fn sum_of(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for (lane, &x) in lanes.iter_mut().zip(block) {
            *lane += f(x);
        }
    }
    lanes.iter().sum::<f32>() + rest.iter().map(|&x| f(x)).sum::<f32>()
}

/// `Σ f(x, y)`, in a fixed order of 16 partial sums.
#[inline(always)]
pub(super) fn sum_of_pairs(x: &[f32], y: &[f32], f: impl Fn(f32, f32) -> f32) -> f32 {
    let mut lanes = [0.0f32; LANES];
    let (x_blocks, x_rest) = x.as_chunks::<LANES>();
    let (y_blocks, y_rest) = y.as_chunks::<LANES>();
    for (x, y) in x_blocks.iter().zip(y_blocks) {
        for ((lane, &x), &y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += f(x, y);
        }
    }
    let rest = x_rest.iter().zip(y_rest).map(|(&x, &y)| f(x, y));
    lanes.iter().sum::<f32>() + rest.sum::<f32>()
}

/// The largest number, `-∞` of none.
#[inline(always)]
pub(super) fn max_of(x: &[f32]) -> f32 {
    let larger = |a: f32, b: f32| if b > a { b } else { a };
    let mut lanes = [f32::NEG_INFINITY; LANES];
    let (blocks, rest) = x.as_chunks::<LANES>();
    for block in blocks {
        for (lane, &x) in lanes.iter_mut().zip(block) {
            *lane = larger(*lane, x);
        }
    }
    let most = lanes.into_iter().fold(f32::NEG_INFINITY, larger);
    rest.iter().fold(most, |a, &b| larger(a, b))
}

/// `sums += row`
#[inline(always)]
pub(super) fn accumulate(sums: &mut [f32], row: &[f32]) {
    for (sum, &x) in sums.iter_mut().zip(row) {
        *sum += x;
    }
}

/// The sum of partial sums, first to last.
pub(super) fn total(width: usize, partial: impl IntoIterator<Item = Vec<f32>>) -> Vec<f32> {
    let mut sums = vec![0.0; width];
    for part in partial {
        accumulate(&mut sums, &part);
    }
    sums
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_is_that_of_f64() {
        let mut worst: f64 = 0.0;
        for i in -870..=880 {
            let x = i as f32 / 10.0 + 0.003;
            let (found, expected) = (f64::from(exp(x)), f64::from(x).exp());
            if x < 88.0 && x > -87.0 {
                worst = worst.max((found - expected).abs() / expected);
            }
        }
        assert!(worst < 2.5e-7, "{worst}");
        assert_eq!(exp(-1e9), 0.0);
        assert_eq!(exp(0.0), 1.0);
        assert!(exp(f32::NAN).is_nan());
    }

    #[test]
    fn sums_take_the_rest_of_a_row_too() {
        let x: Vec<f32> = (0..37).map(|i| i as f32).collect();
        assert_eq!(sum_of(&x, |x| x), 666.0);
        assert_eq!(sum_of_pairs(&x, &x, |x, y| x * y), 16206.0);
        assert_eq!(max_of(&x), 36.0);
        assert_eq!(max_of(&[]), f32::NEG_INFINITY);
    }
}
