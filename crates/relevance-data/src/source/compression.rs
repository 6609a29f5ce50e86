//! Compressed files: recognised by their first bytes when read, by their name when written.

use crate::DataError;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::path::Path;

const GZIP: [u8; 2] = [0x1f, 0x8b];
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A file for reading, decompressed if it is gzip (of any number of members) or zstd.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>, DataError> {
    let mut file = File::open(path).map_err(DataError::io(path, "open"))?;
    let mut magic = Vec::with_capacity(ZSTD.len());
    let head = (&mut file).take(ZSTD.len() as u64).read_to_end(&mut magic);
    head.and_then(|_| file.rewind())
        .map_err(DataError::io(path, "read"))?;
    if magic.starts_with(&GZIP) {
        return Ok(Box::new(MultiGzDecoder::new(file)));
    }
    if magic.starts_with(&ZSTD) {
        let decoder = zstd::Decoder::new(file).map_err(DataError::io(path, "read"))?;
        return Ok(Box::new(decoder));
    }
    Ok(Box::new(file))
}

/// A writer that compresses as the name `path` says, and is finished by [`Compressed::finish`].
pub(super) enum Compressed<W: Write> {
    Plain(W),
    Gzip(GzEncoder<W>),
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Compressed<W> {
    pub(super) fn new(path: &Path, writer: W) -> std::io::Result<Self> {
        let extension = path.extension().unwrap_or_default().to_string_lossy();
        match extension.to_lowercase().as_str() {
            "gz" => Ok(Self::Gzip(GzEncoder::new(
                writer,
                flate2::Compression::default(),
            ))),
            "zst" => Ok(Self::Zstd(zstd::Encoder::new(writer, 0)?)),
            _ => Ok(Self::Plain(writer)),
        }
    }

    /// Ends the stream and gives the inner writer back.
    pub(super) fn finish(self) -> std::io::Result<W> {
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
