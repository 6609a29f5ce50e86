//! Sequences laid end to end: no padding, so none to compute.

use std::ops::Range;

/// Token and segment ids of a sequence, as many of one as of the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sequence<'a> {
    pub(crate) ids: &'a [u32],
    pub(crate) segments: &'a [u32],
}

/// A batch of sequences of any lengths, as rows of one matrix.
#[derive(Debug)]
pub(crate) struct Sequences<'a> {
    sequences: &'a [Sequence<'a>],
    /// The first row of each, and the number of all rows.
    starts: Vec<usize>,
}

/// A token in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) id: u32,
    pub(crate) segment: u32,
    /// The tokens before it in its sequence.
    pub(crate) before: &'a [u32],
}

impl<'a> Sequences<'a> {
    pub(crate) fn new(sequences: &'a [Sequence<'a>]) -> Self {
        let mut starts = vec![0];
        let mut rows = 0;
        for sequence in sequences {
            rows += sequence.ids.len();
            starts.push(rows);
        }
        Self { sequences, starts }
    }

    /// Number of sequences.
    pub(crate) fn len(&self) -> usize {
        self.sequences.len()
    }

    /// Number of tokens.
    pub(crate) fn rows(&self) -> usize {
        self.starts[self.len()]
    }

    /// Rows of a sequence.
    pub(crate) fn range(&self, sequence: usize) -> Range<usize> {
        self.starts[sequence]..self.starts[sequence + 1]
    }

    /// The sequences that have rows in a range.
    pub(crate) fn within(&self, rows: Range<usize>) -> Range<usize> {
        let first = self.starts.partition_point(|&start| start <= rows.start) - 1;
        let end = self.starts.partition_point(|&start| start < rows.end);
        first..end
    }

    /// The tokens of some rows.
    pub(crate) fn tokens(&self, rows: Range<usize>) -> impl Iterator<Item = Token<'a>> {
        self.within(rows.clone()).flat_map(move |i| {
            let (range, sequence) = (self.range(i), self.sequences[i]);
            let part = rows.start.max(range.start)..rows.end.min(range.end);
            part.map(move |row| {
                let position = row - range.start;
                Token {
                    id: sequence.ids[position],
                    segment: sequence.segments[position],
                    before: &sequence.ids[..position],
                }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_belong_to_the_sequences_they_came_from() {
        let (ids, segments) = ([5, 6, 7, 8, 9, 10], [0, 0, 1, 0, 1, 1]);
        let sequence = |range: Range<usize>| Sequence {
            ids: &ids[range.clone()],
            segments: &segments[range],
        };
        let batch = [sequence(0..3), sequence(3..4), sequence(4..6)];
        let batch = Sequences::new(&batch);
        assert_eq!((batch.len(), batch.rows()), (3, 6));
        assert_eq!(batch.range(1), 3..4);
        assert_eq!(batch.within(0..3), 0..1);
        assert_eq!(batch.within(2..4), 0..2);
        assert_eq!(batch.within(3..6), 1..3);
        let tokens: Vec<Token<'_>> = batch.tokens(2..6).collect();
        let found: Vec<_> = tokens
            .iter()
            .map(|t| (t.id, t.segment, t.before.len()))
            .collect();
        assert_eq!(found, [(7, 1, 2), (8, 0, 0), (9, 1, 0), (10, 1, 1)]);
    }
}
