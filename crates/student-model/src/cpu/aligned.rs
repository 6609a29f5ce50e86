//! A buffer of f32 that begins on a cache line.

use std::ops::{Deref, DerefMut};

/// Floats of a cache line, which is also the widest vector.
const LINE: usize = 64 / size_of::<f32>();

/// Numbers whose first stands on a cache line: a vector that straddles two lines costs two loads.
///
/// Not `Clone`: a copy would lie elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Aligned {
    storage: Vec<f32>,
    start: usize,
    len: usize,
}

impl Aligned {
    /// Zeros.
    pub(crate) fn zeros(len: usize) -> Self {
        let storage = vec![0.0; len + LINE];
        // `align_offset` may decline; the buffer then lies as it lies, which is slower and as right.
        let start = storage.as_ptr().align_offset(64).min(LINE);
        Self {
            storage,
            start,
            len,
        }
    }

    /// Makes room for `len` numbers and gives them; what they are is unspecified.
    pub(crate) fn room(&mut self, len: usize) -> &mut [f32] {
        if len + LINE > self.storage.len() {
            *self = Self::zeros(len);
        }
        self.len = len;
        self
    }
}

impl Deref for Aligned {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.storage[self.start..self.start + self.len]
    }
}

impl DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.storage[self.start..self.start + self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_begins_on_a_cache_line_and_grows() {
        let mut buffer = Aligned::zeros(7);
        assert_eq!(buffer.as_ptr().align_offset(64), 0);
        assert_eq!(*buffer, [0.0; 7]);
        for len in [3, 100, 20, 0, 1000] {
            assert_eq!(buffer.room(len).len(), len);
            assert_eq!(buffer.as_ptr().align_offset(64), 0);
        }
    }
}
