//! A stream of judged pairs from the two files.

use crate::{DataError, LabeledPair, RowPolicy, RowReport};

/// Makes some pairs at a time; `None` at the end.
pub(super) type Rounds = Box<dyn FnMut() -> Option<Vec<Result<LabeledPair, DataError>>> + Send>;

/// The pairs of an [`EsciDataset`](super::EsciDataset), one by one.
///
/// They are decoded, joined and made in rayon's threads, some thousand at a time, when the next one is asked
/// for; [`Prefetch`](crate::Prefetch) has the next ones made while the last ones are used.
pub struct EsciPairs {
    rounds: Rounds,
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
    pub(super) fn new(rounds: Rounds, policy: RowPolicy, report: RowReport) -> Self {
        Self {
            rounds,
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
                match (self.rounds)() {
                    Some(pairs) => self.ready = pairs.into_iter(),
                    None => self.ended = true,
                }
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
