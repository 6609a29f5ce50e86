//! How many dimensions a batch of representations makes use of.

/// Added to every share, so that a singular value of zero has a logarithm (RankMe's ε).
const EPS: f64 = 1e-7;

/// Rows looked at: the estimate is stable long before, and the cost is bounded.
pub(crate) const MAX_ROWS: usize = 1024;

/// `exp(-Σ_k p_k ln p_k)` with `p_k = σ_k / Σ σ + 1e-7` over the singular values `σ` of the rows:
/// the effective rank of Roy and Vetterli (EUSIPCO 2007) as RankMe (arXiv 2210.02885, equation 1)
/// applies it to representations. 1 when all rows lie on one line; at most the smaller side. NaN
/// when a value is not finite, 0 when all are zero.
///
/// The singular values are the roots of the eigenvalues of the smaller Gram matrix, in f64: squares
/// halve the digits, and in f32 the noise of many tiny ones would count as rank.
///
/// # Shapes
/// - `rows`: `[b, h]` in rows; `b · h` values
pub(crate) fn effective_rank(rows: &[f32], h: usize) -> f64 {
    if rows.iter().any(|x| !x.is_finite()) {
        return f64::NAN;
    }
    let singular: Vec<f64> = symmetric_eigenvalues(smaller_gram(rows, h))
        .into_iter()
        .map(|eigenvalue| eigenvalue.max(0.0).sqrt())
        .collect();
    let sum: f64 = singular.iter().sum();
    if sum == 0.0 {
        return 0.0;
    }
    let shares = singular.iter().map(|value| value / sum + EPS);
    shares.map(|p| -p * p.ln()).sum::<f64>().exp()
}

/// `X Xᵀ` or `Xᵀ X`, whichever is smaller: the two share their eigenvalues but for zeros.
fn smaller_gram(rows: &[f32], h: usize) -> Vec<Vec<f64>> {
    let b = rows.len() / h;
    let x: Vec<Vec<f64>> = if b <= h {
        rows.chunks(h)
            .map(|row| row.iter().map(|&x| f64::from(x)).collect())
            .collect()
    } else {
        (0..h)
            .map(|column| {
                (0..b)
                    .map(|row| f64::from(rows[row * h + column]))
                    .collect()
            })
            .collect()
    }; // [n, other]
    let n = x.len();
    let mut gram = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let product = dot(&x[i], &x[j]);
            gram[i][j] = product;
            gram[j][i] = product;
        }
    }
    gram
}

/// Sums in eight lanes, which the compiler turns into vector instructions.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; 8];
    let (a_chunks, b_chunks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest = a_chunks.remainder().iter().zip(b_chunks.remainder());
    let rest: f64 = rest.map(|(x, y)| x * y).sum();
    for (x, y) in a_chunks.zip(b_chunks) {
        for lane in 0..8 {
            lanes[lane] += x[lane] * y[lane];
        }
    }
    lanes.iter().sum::<f64>() + rest
}

/// Householder reflections bring the matrix to three diagonals, whose eigenvalues shifted QL steps
/// find (Golub and Van Loan, Matrix Computations, sections 8.3.1 and 8.3.3). About `4/3 n³`
/// multiplications.
fn symmetric_eigenvalues(mut matrix: Vec<Vec<f64>>) -> Vec<f64> {
    let n = matrix.len();
    let (mut diagonal, mut beside) = (vec![0.0; n], vec![0.0; n]);
    for k in 0..n {
        diagonal[k] = matrix[k][k];
        if k + 1 < n {
            beside[k] = reflect(&mut matrix, k);
        }
    }
    tridiagonal_eigenvalues(&mut diagonal, &mut beside);
    diagonal
}

/// Clears row and column `k` beyond the neighbour of the diagonal, and returns that neighbour.
fn reflect(matrix: &mut [Vec<f64>], k: usize) -> f64 {
    let (head, tail) = matrix.split_at_mut(k + 1);
    let mut v = head[k][k + 1..].to_vec(); // row `k` is column `k`
    let norm = dot(&v, &v).sqrt();
    if v.len() == 1 || norm == 0.0 {
        return v[0];
    }
    let neighbour = if v[0] > 0.0 { -norm } else { norm };
    v[0] -= neighbour;
    let beta = 2.0 / dot(&v, &v);
    // A ← H A H with H = I - β v vᵀ: A - v wᵀ - w vᵀ.
    let mut w: Vec<f64> = tail
        .iter()
        .map(|row| beta * dot(&row[k + 1..], &v))
        .collect();
    let half = 0.5 * beta * dot(&v, &w);
    w.iter_mut().zip(&v).for_each(|(w, v)| *w -= half * v);
    for (i, row) in tail.iter_mut().enumerate() {
        let (v_i, w_i) = (v[i], w[i]);
        for ((cell, v), w) in row[k + 1..].iter_mut().zip(&v).zip(&w) {
            *cell -= v_i * w + w_i * v;
        }
    }
    neighbour
}

/// Leaves the eigenvalues of the matrix with this diagonal and these neighbours in `diagonal`.
fn tridiagonal_eigenvalues(diagonal: &mut [f64], beside: &mut [f64]) {
    /// Far more than the two or three steps an eigenvalue takes.
    const MAX_STEPS: usize = 64;
    let n = diagonal.len();
    for first in 0..n {
        for _ in 0..MAX_STEPS {
            let last = (first..n - 1).find(|&i| {
                let scale = diagonal[i].abs() + diagonal[i + 1].abs();
                beside[i].abs() <= f64::EPSILON * scale
            });
            let last = last.unwrap_or(n - 1);
            if last == first {
                break;
            }
            ql_step(diagonal, beside, first, last);
        }
    }
}

/// One implicit QL step with Wilkinson's shift on the block `first..=last`.
fn ql_step(diagonal: &mut [f64], beside: &mut [f64], first: usize, last: usize) {
    let gap = (diagonal[first + 1] - diagonal[first]) / (2.0 * beside[first]);
    let root = gap.hypot(1.0).copysign(gap);
    let mut g = diagonal[last] - diagonal[first] + beside[first] / (gap + root);
    let (mut sine, mut cosine, mut moved) = (1.0, 1.0, 0.0);
    for i in (first..last).rev() {
        let (f, b) = (sine * beside[i], cosine * beside[i]);
        let r = f.hypot(g);
        beside[i + 1] = r;
        if r == 0.0 {
            // The block falls apart here: the next step works on the smaller one.
            diagonal[i + 1] -= moved;
            beside[last] = 0.0;
            return;
        }
        (sine, cosine) = (f / r, g / r);
        let shifted = diagonal[i + 1] - moved;
        let turn = (diagonal[i] - shifted) * sine + 2.0 * cosine * b;
        moved = sine * turn;
        diagonal[i + 1] = shifted + moved;
        g = cosine * turn - b;
    }
    diagonal[first] -= moved;
    beside[first] = g;
    beside[last] = 0.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eigenvalues_of_known_matrices() {
        let mut found = symmetric_eigenvalues(vec![vec![2.0, 1.0], vec![1.0, 2.0]]);
        found.sort_by(f64::total_cmp);
        assert!((found[0] - 1.0).abs() < 1e-14 && (found[1] - 3.0).abs() < 1e-14);

        // The path graph's Laplacian with fixed ends: 2 - 2 cos(k π / (n + 1)).
        let n = 40;
        let cell = |i: usize, j: usize| match i.abs_diff(j) {
            0 => 2.0,
            1 => -1.0,
            _ => 0.0,
        };
        let matrix = (0..n).map(|i| (0..n).map(|j| cell(i, j)).collect());
        let mut found = symmetric_eigenvalues(matrix.collect());
        found.sort_by(f64::total_cmp);
        for (k, value) in found.iter().enumerate() {
            let angle = (k + 1) as f64 * std::f64::consts::PI / (n + 1) as f64;
            assert!((value - (2.0 - 2.0 * angle.cos())).abs() < 1e-12);
        }
    }

    #[test]
    fn rank_of_known_layouts() {
        let identity: Vec<f32> = (0..16).map(|i| f32::from(u8::from(i % 5 == 0))).collect();
        assert!((effective_rank(&identity, 4) - 4.0).abs() < 1e-5);
        assert!((effective_rank(&[1.0, 2.0, 1.0, 2.0, 1.0, 2.0], 2) - 1.0).abs() < 1e-5);
        assert_eq!(effective_rank(&[0.0; 6], 2), 0.0);
        assert!(effective_rank(&[1.0, f32::NAN], 2).is_nan());
    }
}
