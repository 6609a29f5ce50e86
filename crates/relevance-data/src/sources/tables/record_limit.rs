//! A bound on one record, so that a stream whose records do not end cannot fill the memory.

use std::io::{Error, ErrorKind, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The longest record that is read, in bytes.
pub(super) const LONGEST_RECORD: u64 = 64 << 20;

/// A stream that fails when more than [`LONGEST_RECORD`] bytes come without the end of a record, and the
/// handle on which its reader tells of each end.
pub(super) struct RecordLimit<R> {
    stream: R,
    since_end: Arc<AtomicU64>,
}

impl<R> RecordLimit<R> {
    pub(super) fn new(stream: R) -> (Self, RecordLimit<()>) {
        let since_end = Arc::new(AtomicU64::new(0));
        let handle = RecordLimit {
            stream: (),
            since_end: Arc::clone(&since_end),
        };
        (Self { stream, since_end }, handle)
    }
}

impl RecordLimit<()> {
    pub(super) fn record_ended(&self) {
        self.since_end.store(0, Ordering::Relaxed);
    }
}

impl<R: Read> Read for RecordLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.stream.read(buffer)?;
        let before = self.since_end.fetch_add(read as u64, Ordering::Relaxed);
        if before + read as u64 > LONGEST_RECORD {
            let what = format!(
                "a record has more than {LONGEST_RECORD} bytes; is one of its quotes never closed?"
            );
            return Err(Error::new(ErrorKind::InvalidData, what));
        }
        Ok(read)
    }
}
