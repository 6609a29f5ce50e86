//! JSON Lines: one record a line.

use crate::DataError;
use atomic_files::AtomicFile;
use serde::{Serialize, de::DeserializeOwned};
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

#[cfg(feature = "tables")]
use crate::sources::compression::Compressed;

/// The longest line that is read, in bytes: a stream without line ends must not fill the memory.
const LONGEST_LINE: u64 = 64 << 20;

/// Reads a JSON Lines file record by record; blank lines are passed over. With the feature `tables` the
/// file may be compressed (gzip, zstd). A line may have 64 MiB.
///
/// The iterator goes on after a bad record, so a caller may count faults and skip them. It ends after an
/// error of reading ([`DataError::Io`]), such as a truncated stream.
///
/// ```
/// use relevance_data::{JsonlReader, SftExample};
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("sft.jsonl");
/// std::fs::write(&path, "{\"prompt\": \"a\", \"completion\": \"b\"}\n\n{\"prompt\": 3}\n")?;
/// let mut reader = JsonlReader::<SftExample>::open(&path)?;
/// assert_eq!(reader.next().unwrap()?.completion, "b");
/// let error = reader.next().unwrap().unwrap_err();
/// assert!(error.to_string().contains("sft.jsonl:3: invalid type"));
/// assert!(reader.next().is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct JsonlReader<T> {
    path: PathBuf,
    reader: BufReader<Box<dyn Read + Send>>,
    line: usize,
    buffer: Vec<u8>,
    failed: bool,
    records: PhantomData<fn() -> T>,
}

impl<T> std::fmt::Debug for JsonlReader<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("JsonlReader")
            .field("path", &self.path)
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}

/// A file for reading; with the feature `tables` also a compressed one.
fn open(path: &Path) -> Result<Box<dyn Read + Send>, DataError> {
    #[cfg(feature = "tables")]
    return crate::sources::compression::open(path);
    #[cfg(not(feature = "tables"))]
    return Ok(Box::new(
        std::fs::File::open(path).map_err(DataError::io(path, "open"))?,
    ));
}

impl<T: DeserializeOwned> JsonlReader<T> {
    /// Opens a file.
    ///
    /// # Errors
    /// [`DataError::Io`] if it cannot be opened.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, DataError> {
        let path = path.as_ref();
        Ok(Self::from_reader(open(path)?, path))
    }

    /// Reads an uncompressed stream. Errors call it `name`.
    pub fn from_reader(stream: impl Read + Send + 'static, name: impl AsRef<Path>) -> Self {
        Self {
            path: name.as_ref().to_owned(),
            reader: BufReader::new(Box::new(stream)),
            line: 0,
            buffer: Vec::new(),
            failed: false,
            records: PhantomData,
        }
    }

    /// The line of the record that came last, from 1.
    pub fn line(&self) -> usize {
        self.line
    }

    /// The next line that is not blank, in `self.buffer`; false at the end.
    fn advance(&mut self) -> Result<bool, DataError> {
        loop {
            self.buffer.clear();
            let mut line = (&mut self.reader).take(LONGEST_LINE + 1);
            let read = line.read_until(b'\n', &mut self.buffer);
            let read = read.map_err(DataError::io(&self.path, "read"))?;
            if read == 0 {
                return Ok(false);
            }
            self.line += 1;
            if read as u64 > LONGEST_LINE {
                let what = format!("line {} has more than {LONGEST_LINE} bytes", self.line);
                let error = Error::new(ErrorKind::InvalidData, what);
                return Err(DataError::io(&self.path, "read")(error));
            }
            if self.line == 1 && self.buffer.starts_with(BYTE_ORDER_MARK) {
                self.buffer.drain(..BYTE_ORDER_MARK.len());
            }
            if !self.buffer.trim_ascii().is_empty() {
                return Ok(true);
            }
        }
    }

    fn parse(&self) -> Result<T, DataError> {
        serde_json::from_slice(self.buffer.trim_ascii())
            .map_err(|error| DataError::json(&self.path, self.line, &error))
    }
}

const BYTE_ORDER_MARK: &[u8] = "\u{FEFF}".as_bytes();

impl<T: DeserializeOwned> Iterator for JsonlReader<T> {
    type Item = Result<T, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        match self.advance() {
            Ok(true) => Some(self.parse()),
            Ok(false) => None,
            Err(error) => {
                self.failed = true;
                Some(Err(error))
            }
        }
    }
}

/// All records of a JSON Lines file.
///
/// # Errors
/// [`DataError::Io`] if the file cannot be read; [`DataError::Json`] with file and line at the first
/// record that is not a `T`.
pub fn read_jsonl<T: DeserializeOwned>(path: impl AsRef<Path>) -> Result<Vec<T>, DataError> {
    JsonlReader::open(path)?.collect()
}

/// Writes records as a JSON Lines file, whole or not at all. Accepts owned records and references:
/// `write_jsonl(path, &records)`. A name that ends in `.gz` or `.zst` is compressed so (feature `tables`).
///
/// ```
/// use relevance_data::{SftExample, read_jsonl, write_jsonl};
/// # let dir = tempfile::tempdir()?;
/// let path = dir.path().join("sft.jsonl");
/// let records = [SftExample { prompt: "2 + 2?".to_owned(), completion: "4".to_owned() }];
/// write_jsonl(&path, &records)?;
/// assert_eq!(std::fs::read_to_string(&path)?, "{\"prompt\":\"2 + 2?\",\"completion\":\"4\"}\n");
/// assert_eq!(read_jsonl::<SftExample>(&path)?, records);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DataError::File`] or [`DataError::Io`] if the file cannot be written, [`DataError::Serialize`] if a record cannot be
/// put into JSON, [`DataError::InvalidConfig`] for a compressed name without the feature `tables`.
pub fn write_jsonl<T: Serialize>(
    path: impl AsRef<Path>,
    items: impl IntoIterator<Item = T>,
) -> Result<(), DataError> {
    let path = path.as_ref();
    let mut file = create(path)?;
    for (index, item) in items.into_iter().enumerate() {
        let mut line = serde_json::to_vec(&item).map_err(|source| DataError::Serialize {
            path: path.to_owned(),
            record: index + 1,
            source,
        })?;
        line.push(b'\n');
        let written = file.write_all(&line);
        written.map_err(DataError::io(path, "write"))?;
    }
    #[cfg(feature = "tables")]
    let file = file.finish().map_err(DataError::io(path, "write"))?;
    Ok(file.commit()?)
}

/// A file for writing, compressed as its name says.
#[cfg(feature = "tables")]
fn create(path: &Path) -> Result<Compressed<AtomicFile>, DataError> {
    Compressed::new(path, AtomicFile::create(path)?).map_err(DataError::io(path, "write"))
}

/// A file for writing; this build cannot compress.
#[cfg(not(feature = "tables"))]
fn create(path: &Path) -> Result<AtomicFile, DataError> {
    let extension = path.extension().unwrap_or_default().to_string_lossy();
    if matches!(extension.to_lowercase().as_str(), "gz" | "zst") {
        return Err(DataError::InvalidConfig {
            field: "path",
            value: path.display().to_string(),
            allowed: "an uncompressed name: this build lacks the feature `tables`".to_owned(),
        });
    }
    Ok(AtomicFile::create(path)?)
}
