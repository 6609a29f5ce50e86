//! Token ids as tensors.

use crate::{Encoding, PairTokenizerError};
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

/// A batch of encoded views, padded on the right to the longest of them.
///
/// ```
/// use burn::tensor::Device;
/// use pair_tokenizer::{Encoding, TokenBatch};
/// let row = |ids: &[u32]| Encoding { ids: ids.to_vec(), type_ids: vec![0; ids.len()] };
/// let (long, short) = (row(&[2, 7, 8, 3]), row(&[2, 9, 3]));
/// let batch = TokenBatch::collate(&[&long, &short], /* pad */ 0, &Device::default())?;
/// assert_eq!(batch.dims(), [2, 4]);
/// assert_eq!(batch.input_ids.into_data().iter::<i64>().collect::<Vec<_>>(), [2, 7, 8, 3, 2, 9, 3, 0]);
/// # Ok::<(), pair_tokenizer::PairTokenizerError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TokenBatch {
    /// Token ids, `[b, t]`; the pad id behind a row's end.
    pub input_ids: Tensor<2, Int>,
    /// Segment ids, `[b, t]`; 0 behind a row's end.
    pub token_type_ids: Tensor<2, Int>,
    /// `true` where a token is real, `[b, t]`; `None` if no row is padded.
    pub attention_mask: Option<Tensor<2, Bool>>,
}

impl TokenBatch {
    /// Puts views side by side.
    ///
    /// # Errors
    /// [`PairTokenizerError::InvalidBatch`] if there is no row, a row has no token, or a row has not as many
    /// segment ids as token ids.
    pub fn collate(
        encodings: &[&Encoding],
        pad_id: u32,
        device: &Device,
    ) -> Result<Self, PairTokenizerError> {
        check(encodings)?;
        let rows = encodings.len();
        let width = encodings.iter().map(|row| row.len()).max().unwrap_or(0);
        let padded = |ids: fn(&Encoding) -> &[u32], fill: u32| {
            let mut flat: Vec<i64> = Vec::with_capacity(rows * width);
            for (row, encoding) in encodings.iter().enumerate() {
                flat.extend(ids(encoding).iter().map(|&id| i64::from(id)));
                flat.resize((row + 1) * width, i64::from(fill));
            }
            Tensor::from_data(TensorData::new(flat, [rows, width]), device) // [b, t]
        };
        let is_padded = encodings.iter().any(|row| row.len() < width);
        let attention_mask = is_padded.then(|| {
            let real = encodings
                .iter()
                .flat_map(|row| (0..width).map(|position| position < row.len()))
                .collect();
            Tensor::from_data(TensorData::new::<bool, _>(real, [rows, width]), device) // [b, t]
        });
        Ok(Self {
            input_ids: padded(|row| &row.ids, pad_id),
            token_type_ids: padded(|row| &row.type_ids, 0),
            attention_mask,
        })
    }

    /// Rows and columns, `[b, t]`.
    pub fn dims(&self) -> [usize; 2] {
        self.input_ids.dims()
    }
}

fn check(encodings: &[&Encoding]) -> Result<(), PairTokenizerError> {
    if encodings.is_empty() {
        return Err(PairTokenizerError::InvalidBatch("no rows".to_owned()));
    }
    for (row, encoding) in encodings.iter().enumerate() {
        let (ids, type_ids) = (encoding.ids.len(), encoding.type_ids.len());
        if ids == 0 || ids != type_ids {
            return Err(PairTokenizerError::InvalidBatch(format!(
                "row {row} has {ids} token ids and {type_ids} segment ids; \
                 as many of each and at least one are needed"
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ids: &[u32], type_ids: &[u32]) -> Encoding {
        Encoding {
            ids: ids.to_vec(),
            type_ids: type_ids.to_vec(),
        }
    }

    fn ints(tensor: Tensor<2, Int>) -> Vec<i64> {
        tensor.into_data().iter::<i64>().collect()
    }

    #[test]
    fn shorter_rows_are_padded_and_masked() {
        let device = Device::flex();
        let (long, short) = (
            row(&[2, 7, 3, 8, 3], &[0, 0, 0, 1, 1]),
            row(&[2, 3, 3], &[0, 0, 1]),
        );
        let batch = TokenBatch::collate(&[&long, &short], 9, &device).unwrap();
        assert_eq!(batch.dims(), [2, 5]);
        assert_eq!(ints(batch.input_ids), [2, 7, 3, 8, 3, 2, 3, 3, 9, 9]);
        assert_eq!(ints(batch.token_type_ids), [0, 0, 0, 1, 1, 0, 0, 1, 0, 0]);
        let mask: Vec<bool> = batch.attention_mask.unwrap().into_data().iter().collect();
        assert_eq!(mask, [[true; 5], [true, true, true, false, false]].concat());
    }

    #[test]
    fn rows_of_one_length_need_no_mask() {
        let one = row(&[2, 3], &[0, 0]);
        let batch = TokenBatch::collate(&[&one, &one], 0, &Device::flex()).unwrap();
        assert!(batch.attention_mask.is_none());
    }

    #[test]
    fn unfit_rows_are_refused() {
        let device = Device::flex();
        let refused = |rows: &[&Encoding]| {
            TokenBatch::collate(rows, 0, &device)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(refused(&[]), "batch: no rows");
        assert!(refused(&[&row(&[], &[])]).starts_with("batch: row 0 has 0 token ids"));
        assert!(
            refused(&[&row(&[1], &[0]), &row(&[1], &[])]).contains("row 1 has 1 token ids and 0")
        );
    }
}
