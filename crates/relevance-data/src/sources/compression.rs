//! Compressed files: recognised by their first bytes when read, by their name when written.

use crate::DataError;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::io::{Cursor, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// How a whole file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Packing {
    /// Not at all.
    #[default]
    Plain,
    /// By gzip: `.gz`.
    Gzip,
    /// By Zstandard: `.zst`.
    Zstd,
}

impl Packing {
    /// The name that a file has when it is packed so.
    pub(crate) fn name(self, plain: &str) -> String {
        let extension = match self {
            Self::Plain => "",
            Self::Gzip => ".gz",
            Self::Zstd => ".zst",
        };
        format!("{plain}{extension}")
    }
}

/// Whether a file that begins so is gzip or zstd.
#[cfg(feature = "parquet")]
pub(crate) fn is_packed(head: &[u8]) -> bool {
    head.starts_with(&GZIP) || head.starts_with(&ZSTD)
}

/// The file of a folder that has this name, or the name with `.gz` or `.zst`; the plain name if there is none.
pub(crate) fn find_packed(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(name);
    let packed = ["gz", "zst"].map(|extension| folder.join(format!("{name}.{extension}")));
    let found = packed.into_iter().find(|path| path.exists());
    found.filter(|_| !plain.exists()).unwrap_or(plain)
}

/// A file for reading, decompressed if it is gzip (of any number of members) or zstd.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>, DataError> {
    decompressed(open_file(path)?).map_err(DataError::io(path, "read"))
}

/// A file as it is stored. One with a packed file's name that has not even the bytes by which one is
/// recognised was cut short.
pub(crate) fn open_file(path: &Path) -> Result<File, DataError> {
    let file = File::open(path).map_err(DataError::io(path, "open"))?;
    let packed = path.extension().is_some_and(|it| it == "gz" || it == "zst");
    let short = |found: Metadata| found.is_file() && found.len() < ZSTD.len() as u64;
    if packed && file.metadata().is_ok_and(short) {
        return Err(DataError::io(path, "read")(ErrorKind::UnexpectedEof.into()));
    }
    Ok(file)
}

/// What a stream holds, decompressed if it is gzip (of any number of members) or zstd.
pub(crate) fn decompressed(
    mut stream: impl Read + Send + 'static,
) -> std::io::Result<Box<dyn Read + Send>> {
    let mut head = Vec::with_capacity(ZSTD.len());
    (&mut stream)
        .take(ZSTD.len() as u64)
        .read_to_end(&mut head)?;
    let (gzip, zstd) = (head.starts_with(&GZIP), head.starts_with(&ZSTD));
    let whole = Cursor::new(head).chain(stream);
    if gzip {
        return Ok(Box::new(MultiGzDecoder::new(whole)));
    }
    if zstd {
        return Ok(Box::new(zstd::Decoder::new(whole)?));
    }
    Ok(Box::new(whole))
}

/// A writer that compresses as the name `path` says, and is finished by [`Compressed::finish`].
pub(crate) enum Compressed<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Compressed<W> {
    pub(crate) fn new(path: &Path, writer: W) -> std::io::Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        match extension.to_lowercase().as_str() {
            "gz" => Ok(Self::Gzip(GzEncoder::new(
                writer,
                flate2::Compression::default(),
            ))),
            "zst" => {
                let mut encoder = zstd::Encoder::new(writer, 0)?;
                // As gzip has one: damage to the stored file must not read as other texts.
                encoder.include_checksum(true)?;
                Ok(Self::Zstd(encoder))
            }
            _ => Ok(Self::Plain(writer)),
        }
    }

    /// Ends the stream and gives the inner writer back.
    pub(crate) fn finish(self) -> std::io::Result<W> {
        match self {
            Self::Plain(writer) => Ok(writer),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Compressed<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(writer) => writer.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(writer) => writer.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}
