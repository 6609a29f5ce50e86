//! One view of a batch as tensors.

use burn::tensor::Device;
use crsd_loss::Chunk;
use pair_tokenizer::{Encoding, TokenBatch};

use crate::StudentError;

/// One view of a batch's pairs, in chunks: buckets of like length that are encoded one after the
/// other. Each is padded to its own longest row, and the chunks of two views need not hold the same
/// rows.
///
/// ```
/// # use burn::tensor::Device;
/// # use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
/// # use student_model::{ObjectiveConfig, StudentExample, StudentTask, StudentTrainConfig, train_wordpiece};
/// # use training_loop::TrainTask;
/// # let words = train_wordpiece(["usb mouse wireless lamp"], 60)?;
/// # let tokenizer = PairTokenizer::from_tokenizer(words, PairTokenizerConfig::default())?;
/// # let config = StudentTrainConfig::new().with_objective(ObjectiveConfig::CrossEntropy);
/// let examples = ["usb mouse", "wireless usb mouse"].map(|item| StudentExample::new("lamp", item, 1));
/// let task = StudentTask::new(&examples, 2, &tokenizer, &config, &Device::default())?;
/// let view = task.batch(0, 0, 7)?.standard;
/// // [CLS] lamp [SEP] usb mouse [SEP], and one word more in the other row: one position is padding.
/// assert_eq!((view.num_rows(), view.num_tokens, view.num_positions()), (2, 13, 14));
/// # Ok::<(), student_model::StudentError>(())
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ViewBatch {
    /// The chunks; together they hold each row of the batch once. A single chunk holds the rows in
    /// the batch's order.
    pub chunks: Vec<Chunk<TokenBatch>>,
    /// Tokens that are not padding, in all chunks.
    pub num_tokens: usize,
}

impl ViewBatch {
    /// All rows in one chunk, or chunks of at most `chunk_size` rows.
    pub(super) fn collate(
        encodings: &[&Encoding],
        chunk_size: Option<usize>,
        pad_id: u32,
        device: &Device,
    ) -> Result<Self, StudentError> {
        let lengths: Vec<usize> = encodings.iter().map(|encoding| encoding.len()).collect();
        let chunk = |rows: Vec<usize>| {
            let encodings: Vec<&Encoding> = rows.iter().map(|&row| encodings[row]).collect();
            let input = TokenBatch::collate(&encodings, pad_id, device)?;
            Ok(Chunk { rows, input })
        };
        let chunks = chunk_rows(&lengths, chunk_size).into_iter().map(chunk);
        Ok(Self {
            chunks: chunks.collect::<Result<_, StudentError>>()?,
            num_tokens: lengths.iter().sum(),
        })
    }

    /// Positions in all chunks, padding included: what the encoder works through.
    pub fn num_positions(&self) -> usize {
        let dims = self.chunks.iter().map(|chunk| chunk.input.dims());
        dims.map(|[rows, width]| rows * width).sum()
    }

    /// Pairs in all chunks.
    pub fn num_rows(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.rows.len()).sum()
    }
}

/// Rows that are encoded together: the longest first, so that a chunk that is too large for the
/// device is found at once; rows of one length in the batch's order.
fn chunk_rows(lengths: &[usize], chunk_size: Option<usize>) -> Vec<Vec<usize>> {
    let mut rows: Vec<usize> = (0..lengths.len()).collect();
    match chunk_size {
        Some(size) if size < rows.len() => {
            rows.sort_by_key(|&row| std::cmp::Reverse(lengths[row]));
            rows.chunks(size).map(<[usize]>::to_vec).collect()
        }
        _ => vec![rows],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_like_length_share_a_chunk() {
        let lengths = [3, 9, 4, 8, 3];
        let chunks = chunk_rows(&lengths, Some(2));
        assert_eq!(chunks, [vec![1, 3], vec![2, 0], vec![4]]);
        assert_eq!(chunk_rows(&lengths, Some(5)), [vec![0, 1, 2, 3, 4]]);
        assert_eq!(chunk_rows(&lengths, None), [vec![0, 1, 2, 3, 4]]);
    }

    #[test]
    fn chunks_hold_every_row_once() {
        let lengths: Vec<usize> = (0..23).map(|i| 1 + i * 7 % 11).collect();
        for size in 1..30 {
            let chunks = chunk_rows(&lengths, Some(size));
            assert!(chunks.iter().all(|chunk| (1..=size).contains(&chunk.len())));
            let mut rows = chunks.concat();
            rows.sort_unstable();
            assert!(rows.into_iter().eq(0..23), "{size}");
        }
    }
}
