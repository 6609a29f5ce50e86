//! Several readers of one file that work at the same time.

use crate::DataError;
use crate::sources::parquet_file::{BATCH_ROWS, Batch, Batches, ParquetFile};
use rayon::prelude::*;

/// How many readers share a file at most. A number of its own, not that of the threads, so that the order of
/// what is read is the same on every machine.
const LANES: usize = 8;
/// How many rows make another reader worth its while.
const ROWS_PER_LANE: usize = 64 * BATCH_ROWS;

/// Readers of equal ranges of a file, each a batch at a time.
pub(super) struct Lanes(Vec<Batches>);

impl Lanes {
    pub(super) fn open(file: &ParquetFile, columns: &[&str]) -> Result<Self, DataError> {
        let rows = file.num_rows();
        let lanes = rows.div_ceil(ROWS_PER_LANE).min(LANES);
        let bound = |lane: usize| rows * lane / lanes.max(1);
        let open = |lane| file.batches_of(columns, bound(lane)..bound(lane + 1), BATCH_ROWS);
        (0..lanes).map(open).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The next batch of each lane, decoded and worked on in parallel; `None` for a lane that is at its end.
    pub(super) fn round<T: Send>(
        &mut self,
        work: impl Fn(Batch) -> T + Sync,
    ) -> Vec<Option<Result<T, DataError>>> {
        let lanes = self.0.par_iter_mut().with_max_len(1);
        let round = lanes.map(|lane| lane.next().map(|batch| batch.map(&work)));
        round.collect()
    }
}
