//! Sums in an order that does not depend on threads or instruction sets, and that become vector
//! instructions inside a dispatched loop ([`vector_math::Instructions::dispatch`]).

/// Rows that one task takes. Sums over rows are added up task by task in order, so results do not
/// depend on the number of threads.
pub(super) const TASK_ROWS: usize = 64;

/// Partial sums of a row: as many as the widest vector has numbers.
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
    fn sums_take_the_rest_of_a_row_too() {
        let x: Vec<f32> = (0..37).map(|i| i as f32).collect();
        assert_eq!(sum_of(&x, |x| x), 666.0);
        assert_eq!(sum_of_pairs(&x, &x, |x, y| x * y), 16206.0);
        let mut sums = [1.0; 2];
        accumulate(&mut sums, &[2.0, 3.0]);
        assert_eq!(sums, [3.0, 4.0]);
        assert_eq!(total(2, [vec![1.0, 2.0], vec![3.0, 4.0]]), [4.0, 6.0]);
    }
}
