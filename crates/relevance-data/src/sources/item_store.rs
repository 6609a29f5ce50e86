//! Texts of products, in memory up to a bound and beyond it in a temporary file.

use crate::DataError;
use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// Texts of products, five each.
pub(crate) struct ItemStore {
    in_memory: Vec<Vec<u8>>,
    held: usize,
    budget: usize,
    spilled: Option<Spilled>,
}

struct Spilled {
    /// The folder, for messages: the file itself has no name.
    folder: PathBuf,
    file: File,
    length: u64,
}

/// Where the texts of one product lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The block in memory, or [`SPILLED`].
    block: u32,
    length: u32,
    offset: u64,
}

const SPILLED: u32 = u32::MAX;

/// Texts of some products, one after the other: lengths, then bytes.
#[derive(Default)]
pub(crate) struct Block {
    bytes: Vec<u8>,
    /// Where each product's begin.
    starts: Vec<usize>,
}

impl Block {
    /// How many bytes its texts take.
    #[cfg(feature = "tables")]
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn push<S: AsRef<str>>(&mut self, texts: &[S; 5]) {
        self.starts.push(self.bytes.len());
        for text in texts {
            let length = text.as_ref().len() as u64;
            self.bytes.extend_from_slice(&length.to_le_bytes());
        }
        for text in texts {
            self.bytes.extend_from_slice(text.as_ref().as_bytes());
        }
    }
}

impl ItemStore {
    /// How many bytes a store holds in memory unless its user says otherwise.
    pub(crate) const BUDGET: usize = 512 << 20;

    /// A store that holds `budget` bytes in memory.
    pub(crate) fn new(budget: usize) -> Self {
        Self {
            in_memory: Vec::new(),
            held: 0,
            budget,
            spilled: None,
        }
    }

    /// Takes a block; gives the places of its products.
    pub(crate) fn keep(&mut self, block: Block) -> Result<Vec<Place>, DataError> {
        let Block { mut bytes, starts } = block;
        let mut ends = starts[1.min(starts.len())..].to_vec();
        ends.push(bytes.len());
        let fits = self.held + bytes.len() <= self.budget;
        let (block, base) = if fits && self.in_memory.len() < SPILLED as usize {
            bytes.shrink_to_fit();
            self.held += bytes.len();
            self.in_memory.push(bytes);
            (self.in_memory.len() as u32 - 1, 0)
        } else {
            (SPILLED, self.spill(&bytes)?)
        };
        let place = |(start, end): (usize, usize)| Place {
            block,
            offset: base + start as u64,
            length: u32::try_from(end - start)
                .expect("the texts of a row, which a reader bounds, have less than 4 GiB"),
        };
        Ok(starts.into_iter().zip(ends).map(place).collect())
    }

    fn spill(&mut self, bytes: &[u8]) -> Result<u64, DataError> {
        if self.spilled.is_none() {
            let folder = std::env::temp_dir();
            let file = tempfile::tempfile_in(&folder);
            let file = file.map_err(DataError::io(&folder, "make a temporary file in"))?;
            self.spilled = Some(Spilled {
                folder,
                file,
                length: 0,
            });
        }
        let Some(spilled) = &mut self.spilled else {
            return Ok(0);
        };
        let written = spilled.file.write_all(bytes);
        written.map_err(DataError::io(&spilled.folder, "write a temporary file in"))?;
        let start = spilled.length;
        spilled.length += bytes.len() as u64;
        Ok(start)
    }

    /// The texts at a place.
    pub(crate) fn get(&self, place: Place) -> Result<[String; 5], DataError> {
        if let Some(block) = self.in_memory.get(place.block as usize) {
            let start = place.offset as usize;
            return Ok(texts(&block[start..start + place.length as usize]));
        }
        let Some(spilled) = &self.spilled else {
            return Ok(Default::default());
        };
        let mut bytes = vec![0; place.length as usize];
        let read = read_exact_at(&spilled.file, &mut bytes, place.offset);
        read.map_err(DataError::io(&spilled.folder, "read a temporary file in"))?;
        Ok(texts(&bytes))
    }
}

/// Texts from their lengths and bytes.
fn texts(bytes: &[u8]) -> [String; 5] {
    let mut start = 5 * size_of::<u64>();
    let mut lengths = bytes[..start].chunks_exact(size_of::<u64>());
    [(); 5].map(|()| {
        let mut length = [0; size_of::<u64>()];
        length.copy_from_slice(lengths.next().unwrap_or_default());
        let end = start + u64::from_le_bytes(length) as usize;
        let text = String::from_utf8_lossy(&bytes[start..end]).into_owned();
        start = end;
        text
    })
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let read = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        bytes = &mut bytes[read..];
        offset += read as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn texts_come_back_from_memory_and_file(
            blocks in prop::collection::vec(prop::collection::vec(prop::array::uniform5("[ aé日]{0,20}"), 0..6), 0..8),
            budget in 0_usize..1500,
        ) {
            let mut store = ItemStore::new(budget);
            let mut places = Vec::new();
            for texts in &blocks {
                let mut block = Block::default();
                texts.iter().for_each(|texts| block.push(texts));
                places.extend(store.keep(block).unwrap());
            }
            prop_assert!(store.held <= budget);
            prop_assert_eq!(places.len(), blocks.iter().map(Vec::len).sum::<usize>());
            for (place, texts) in places.iter().zip(blocks.iter().flatten()) {
                prop_assert_eq!(&store.get(*place).unwrap(), texts);
            }
        }
    }
}
