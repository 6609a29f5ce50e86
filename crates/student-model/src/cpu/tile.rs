//! The micro-kernel: a tile of a matrix product in registers.

use pulp::Simd;

/// Vectors that a tile is wide where the right matrix is a packed weight.
pub(super) const WIDE: usize = 3;

/// Vectors that a tile is wide where the right matrix is as narrow as a head.
pub(super) const NARROW: usize = 2;

/// Rows of a tile. Its sums, `WIDE` vectors a row, the row of the right matrix and one number of the
/// left must fit into the registers, and be enough to hide the latency of a multiply-add.
pub(super) const fn tile_rows<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 8 } else { 4 }
}

/// A tile: `R` rows of `V` vectors.
pub(super) type Tile<S, const R: usize, const V: usize> = [[<S as Simd>::f32s; V]; R];

/// `start + left right`, each number summed in the order of `k` whatever `R` and `V` are: a row's result
/// does not depend on the rows beside it.
///
/// # Shapes
/// `left` is `R` rows of at least `k` numbers, `right` `[k, V vectors]`.
#[inline(always)]
pub(super) fn multiply_tile<S: Simd, const R: usize, const V: usize>(
    simd: S,
    left: [&[f32]; R],
    right: &[[S::f32s; V]],
    start: Tile<S, R, V>,
) -> Tile<S, R, V> {
    let left = left.map(|row| &row[..right.len()]); // the one check of bounds
    let mut sums = start;
    for (k, right) in right.iter().enumerate() {
        for (sums, left) in sums.iter_mut().zip(&left) {
            let x = simd.splat_f32s(left[k]);
            for (sum, &y) in sums.iter_mut().zip(right) {
                *sum = simd.mul_add_e_f32s(x, y, *sum);
            }
        }
    }
    sums
}

/// `R` rows of `matrix` from `first`, each `stride` numbers after the one before.
#[inline(always)]
pub(super) fn rows<const R: usize>(matrix: &[f32], stride: usize, first: usize) -> [&[f32]; R] {
    std::array::from_fn(|i| &matrix[(first + i) * stride..])
}

/// Calls `$tile::<S, R>` for the rows of each tile of `$rows` rows: full ones, then what is left.
macro_rules! for_each_tile {
    ($rows:expr, |$first:ident| $tile:ident::<$simd:ident>($($argument:expr),* $(,)?)) => {{
        let (rows, mut $first) = ($rows, 0);
        while $first < rows {
            let height = (rows - $first).min($crate::cpu::tile::tile_rows::<$simd>());
            match height {
                1 => $tile::<$simd, 1>($($argument),*),
                2 => $tile::<$simd, 2>($($argument),*),
                3 => $tile::<$simd, 3>($($argument),*),
                4 => $tile::<$simd, 4>($($argument),*),
                5 => $tile::<$simd, 5>($($argument),*),
                6 => $tile::<$simd, 6>($($argument),*),
                7 => $tile::<$simd, 7>($($argument),*),
                _ => $tile::<$simd, 8>($($argument),*),
            }
            $first += height;
        }
    }};
}
pub(super) use for_each_tile;
