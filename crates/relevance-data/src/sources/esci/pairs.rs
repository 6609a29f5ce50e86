//! A stream of judged pairs from the two files.

use super::prefetch::Prefetch;
use crate::{DataError, LabeledPair, RowPolicy, RowReport};

/// Some pairs that were made together.
type Round = Vec<Result<LabeledPair, DataError>>;

/// The pairs of an [`EsciDataset`](super::EsciDataset), one by one.
///
/// They are decoded, joined and made in rayon's threads, some ten thousand at a time, and one such round ahead
/// of the one that is given out.
pub struct EsciPairs {
    rounds: Prefetch<Round>,
    ready: std::vec::IntoIter<Result<LabeledPair, DataError>>,
    policy: RowPolicy,
    report: RowReport,
    ended: bool,
}

impl std::fmt::Debug for EsciPairs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EsciPairs")
            .field("policy", &self.policy)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

impl EsciPairs {
    /// A stream, and what was passed over before it began.
    pub(super) fn new(
        rounds: impl Iterator<Item = Round> + Send + 'static,
        policy: RowPolicy,
        report: RowReport,
    ) -> Self {
        Self {
            rounds: Prefetch::new(0, rounds),
            ready: Vec::new().into_iter(),
            policy,
            report,
            ended: false,
        }
    }

    /// What was read and passed over so far.
    pub fn report(&self) -> &RowReport {
        &self.report
    }
}

impl Iterator for EsciPairs {
    type Item = Result<LabeledPair, DataError>;

    /// Under [`RowPolicy::Fail`] nothing comes after the first error.
    fn next(&mut self) -> Option<Self::Item> {
        while !self.ended {
            let Some(pair) = self.ready.next() else {
                let round = self.rounds.next();
                self.ended = round.is_none();
                let round = round.unwrap_or_else(|| Ok(Vec::new()));
                self.ready = round.unwrap_or_else(|error| vec![Err(error)]).into_iter();
                continue;
            };
            if let Some(pair) = self.report.settle(pair, self.policy) {
                self.ended = pair.is_err();
                return Some(pair);
            }
        }
        None
    }
}
