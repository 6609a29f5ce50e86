//! Matrices as callers have them, read as one kind.

use ndarray::{ArrayBase, ArrayView2, CowArray, Data, Ix2};

use crate::EvalError;

/// A matrix that a caller has: one row a pair, one column a class, in `f64` or `f32`.
///
/// It is one of
/// - an [`ndarray`] matrix, owned, shared or a view of any layout: `Array2<f32>`, `ArrayView2<f64>`;
/// - rows: `Vec<Vec<f64>>`, `&[Vec<f32>]`, `Vec<&[f64]>`, `[[f64; 4]; 2]`;
/// - numbers row by row and their shape: `(&values[..], [rows, columns])`.
///
/// A matrix of `f64` is read where it lies; of anything else a copy is made.
///
/// ```
/// use ndarray::array;
/// use relevance_eval::ToMatrix;
///
/// let rows = vec![vec![0.5, 0.25], vec![1.0, 0.0]];
/// assert_eq!(rows.to_matrix()?, array![[0.5, 0.25], [1.0, 0.0]]);
/// let flat: &[f32] = &[0.5, 0.25, 1.0, 0.0];
/// assert_eq!((flat, [2, 2]).to_matrix()?, rows.to_matrix()?);
/// assert!((flat, [2, 3]).to_matrix().is_err()); // four numbers are no 2 by 3
/// assert!(vec![vec![0.5, 0.5], vec![1.0]].to_matrix().is_err()); // ragged
/// # Ok::<(), relevance_eval::EvalError>(())
/// ```
pub trait ToMatrix {
    /// The matrix in double precision, `[rows, columns]`.
    ///
    /// # Errors
    /// [`EvalError::RowWidth`] for rows of differing widths, [`EvalError::LengthMismatch`] for a slice
    /// that does not fit its shape.
    fn to_matrix(&self) -> Result<CowArray<'_, f64, Ix2>, EvalError>;
}

/// What a matrix may hold.
pub trait Number: Copy {
    /// The same numbers in double precision.
    #[doc(hidden)]
    fn widen(numbers: ArrayView2<'_, Self>) -> CowArray<'_, f64, Ix2>;
}

impl Number for f64 {
    fn widen(numbers: ArrayView2<'_, Self>) -> CowArray<'_, f64, Ix2> {
        numbers.into()
    }
}

impl Number for f32 {
    fn widen(numbers: ArrayView2<'_, Self>) -> CowArray<'_, f64, Ix2> {
        numbers.mapv(f64::from).into()
    }
}

impl<S> ToMatrix for ArrayBase<S, Ix2>
where
    S: Data,
    S::Elem: Number,
{
    fn to_matrix(&self) -> Result<CowArray<'_, f64, Ix2>, EvalError> {
        Ok(Number::widen(self.view()))
    }
}

impl<T: Number> ToMatrix for (&[T], [usize; 2]) {
    fn to_matrix(&self) -> Result<CowArray<'_, f64, Ix2>, EvalError> {
        let (numbers, [rows, columns]) = *self;
        let mismatch = || EvalError::LengthMismatch {
            what: "matrix",
            found: numbers.len(),
            reference: "its shape",
            expected: rows.saturating_mul(columns),
        };
        if rows.checked_mul(columns) != Some(numbers.len()) {
            return Err(mismatch());
        }
        let view = ArrayView2::from_shape((rows, columns), numbers);
        Ok(Number::widen(view.map_err(|_| mismatch())?))
    }
}

/// A row of a matrix that is kept row by row.
pub trait Row {
    /// What it holds.
    type Number: Number;
    /// Its numbers.
    #[doc(hidden)]
    fn numbers(&self) -> &[Self::Number];
}

impl<T: Number> Row for Vec<T> {
    type Number = T;
    fn numbers(&self) -> &[T] {
        self
    }
}

impl<T: Number, const N: usize> Row for [T; N] {
    type Number = T;
    fn numbers(&self) -> &[T] {
        self
    }
}

impl<T: Number> Row for &[T] {
    type Number = T;
    fn numbers(&self) -> &[T] {
        self
    }
}

impl<R: Row> ToMatrix for [R] {
    fn to_matrix(&self) -> Result<CowArray<'_, f64, Ix2>, EvalError> {
        let columns = self.first().map_or(0, |row| row.numbers().len());
        let mut matrix = ndarray::Array2::zeros((self.len(), columns));
        for (row, (from, mut to)) in self.iter().zip(matrix.rows_mut()).enumerate() {
            let from = from.numbers();
            if from.len() != columns {
                return Err(EvalError::RowWidth {
                    what: "matrix",
                    row,
                    found: from.len(),
                    expected: columns,
                });
            }
            // One row: [1, columns]
            if let Ok(from) = ArrayView2::from_shape((1, columns), from) {
                to.assign(&R::Number::widen(from).row(0));
            }
        }
        Ok(matrix.into())
    }
}

impl<R: Row> ToMatrix for Vec<R> {
    fn to_matrix(&self) -> Result<CowArray<'_, f64, Ix2>, EvalError> {
        self[..].to_matrix()
    }
}

impl<R: Row, const N: usize> ToMatrix for [R; N] {
    fn to_matrix(&self) -> Result<CowArray<'_, f64, Ix2>, EvalError> {
        self[..].to_matrix()
    }
}

/// The matrix of an argument called `what`; each row must have `columns` entries, if that is known.
pub(crate) fn matrix<'a>(
    what: &'static str,
    of: &'a (impl ToMatrix + ?Sized),
    columns: Option<usize>,
) -> Result<CowArray<'a, f64, Ix2>, EvalError> {
    let width = |row, found, expected| EvalError::RowWidth {
        what,
        row,
        found,
        expected,
    };
    match (of.to_matrix(), columns) {
        (Ok(matrix), Some(columns)) if matrix.nrows() > 0 && matrix.ncols() != columns => {
            Err(width(0, matrix.ncols(), columns))
        }
        (Ok(matrix), _) => Ok(matrix),
        // The widths are those of the first row, which may be the wrong one.
        (
            Err(EvalError::RowWidth {
                row,
                found,
                expected,
                ..
            }),
            columns,
        ) => Err(match columns.filter(|&columns| columns != expected) {
            Some(columns) => width(0, expected, columns),
            None => width(row, found, expected),
        }),
        (
            Err(EvalError::LengthMismatch {
                found,
                reference,
                expected,
                ..
            }),
            _,
        ) => Err(EvalError::LengthMismatch {
            what,
            found,
            reference,
            expected,
        }),
        (Err(other), _) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array2, array};

    use super::*;

    #[test]
    fn every_kind_gives_the_same_matrix() {
        let want = array![[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]];
        let same = |of: &dyn Fn() -> Array2<f64>| assert_eq!(of(), want);
        fn read(of: &(impl ToMatrix + ?Sized)) -> Array2<f64> {
            of.to_matrix().unwrap().into_owned()
        }
        let rows = vec![vec![0.5, 0.25, 0.25], vec![1.0, 0.0, 0.0]];
        let single = want.mapv(|number| number as f32);
        let turned = want.t().to_owned(); // [columns, rows]
        let flat: Vec<f32> = single.iter().copied().collect();
        same(&|| read(&want));
        same(&|| read(&want.view()));
        same(&|| read(&turned.t()));
        same(&|| read(&single));
        same(&|| read(&single.to_shared()));
        same(&|| read(&rows));
        same(&|| read(&rows[..]));
        same(&|| read(&[&rows[0][..], &rows[1][..]]));
        same(&|| read(&[[0.5_f32, 0.25, 0.25], [1.0, 0.0, 0.0]]));
        same(&|| read(&(&flat[..], [2, 3])));
    }

    #[test]
    fn doubles_are_read_where_they_lie() {
        let of = array![[0.5, 0.5]];
        assert!(of.to_matrix().unwrap().is_view());
        assert!(!of.mapv(|x| x as f32).to_matrix().unwrap().is_view());
    }

    #[test]
    fn the_row_that_is_off_is_named() {
        let place = |rows: &[Vec<f64>], columns| match matrix("logits", rows, columns) {
            Err(EvalError::RowWidth {
                what: "logits",
                row,
                found,
                expected,
            }) => (row, found, expected),
            other => panic!("{other:?}"),
        };
        let (two, three) = (vec![0.0; 2], vec![0.0; 3]);
        let off = [three.clone(), two.clone()];
        assert_eq!(place(&off, None), (1, 2, 3));
        assert_eq!(place(&off, Some(3)), (1, 2, 3));
        assert_eq!(place(&[two.clone(), three], Some(3)), (0, 2, 3));
        assert_eq!(place(&[two.clone(), two], Some(3)), (0, 2, 3));
        let flat = (&[1.0_f32][..], [usize::MAX, 2]);
        let flat = matrix("logits", &flat, None);
        assert!(matches!(
            flat,
            Err(EvalError::LengthMismatch { what: "logits", .. })
        ));
        assert_eq!(Vec::<Vec<f64>>::new().to_matrix().unwrap().dim(), (0, 0));
    }
}
