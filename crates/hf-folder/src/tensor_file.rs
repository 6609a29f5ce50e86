//! One `safetensors` file: its header, checked, and the numbers of a tensor at a time.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use safetensors::Dtype;
use safetensors::tensor::Metadata;

use crate::FolderError;
use crate::weight_type::decode;

/// Most bytes of a header, as in the `safetensors` library.
const HEADER_LIMIT: u64 = 100_000_000;

/// Bytes that are read at a time; a multiple of every number's size.
const CHUNK: usize = 1 << 20;

/// A file whose header has been read. Copies share the open file.
#[derive(Debug, Clone)]
pub(crate) struct TensorFile {
    pub(crate) path: PathBuf,
    file: Arc<Mutex<File>>,
}

/// What a header says of a tensor.
#[derive(Debug, Clone)]
pub(crate) struct TensorHeader {
    pub(crate) name: String,
    pub(crate) dtype: Dtype,
    pub(crate) shape: Vec<usize>,
    /// Where its bytes begin in the file, and how many there are.
    start: u64,
    len: usize,
}

impl TensorFile {
    /// Opens a file and reads its header. All that the header says of places and sizes has been
    /// compared with the size of the file, so memory for a tensor is never more than the file can fill.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<TensorHeader>), FolderError> {
        let mut file = atomic_files::open(path)?;
        let size = file.metadata().map_err(FolderError::io(path, "read"))?;
        let (header, tensors_at) = read_header(&mut file, size.len(), path)?;
        let metadata: Metadata =
            serde_json::from_slice(&header).map_err(|source| FolderError::Json {
                path: path.to_owned(),
                source,
            })?;
        let (told, held) = (metadata.data_len() as u64, size.len() - tensors_at);
        if told != held {
            let reason = format!("the header lists {told} bytes of tensors, the file has {held}");
            return Err(FolderError::damaged(path, reason));
        }
        let tensors = metadata.tensors().into_iter();
        let tensors = tensors.map(|(name, info)| TensorHeader {
            name,
            dtype: info.dtype,
            shape: info.shape.clone(),
            start: tensors_at + info.data_offsets.0 as u64,
            len: info.data_offsets.1 - info.data_offsets.0,
        });
        let tensors = tensors.collect();
        let file = Self {
            path: path.to_owned(),
            file: Arc::new(Mutex::new(file)),
        };
        Ok((file, tensors))
    }

    /// The numbers of a tensor as f32.
    pub(crate) fn values(&self, tensor: &TensorHeader) -> Result<Vec<f32>, FolderError> {
        let io = || FolderError::io(&self.path, "read");
        // Nothing panics while the file is locked; if something did, the next seek would set it right.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(tensor.start)).map_err(io())?;
        let mut values = Vec::with_capacity(tensor.shape.iter().product());
        let mut left = tensor.len;
        let mut chunk = vec![0; left.min(CHUNK)];
        while left > 0 {
            let chunk = &mut chunk[..left.min(CHUNK)];
            file.read_exact(chunk).map_err(io())?;
            decode(tensor.dtype, chunk, &mut values);
            left -= chunk.len();
        }
        Ok(values)
    }
}

/// The header's JSON, and where the tensors begin.
fn read_header(file: &mut File, size: u64, path: &Path) -> Result<(Vec<u8>, u64), FolderError> {
    let io = || FolderError::io(path, "read");
    let mut length = [0; 8];
    if size < length.len() as u64 {
        let reason = format!("{size} bytes are too few for a safetensors file");
        return Err(FolderError::damaged(path, reason));
    }
    file.read_exact(&mut length).map_err(io())?;
    let room = size - length.len() as u64;
    let length = u64::from_le_bytes(length);
    if length > room.min(HEADER_LIMIT) {
        let reason = format!(
            "the header is said to have {length} bytes, allowed: at most {}",
            room.min(HEADER_LIMIT)
        );
        return Err(FolderError::damaged(path, reason));
    }
    let mut header = vec![0; length as usize];
    file.read_exact(&mut header).map_err(io())?;
    Ok((header, 8 + length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with this header and as many bytes of tensors.
    fn open(header: &str, tensors: usize) -> Result<Vec<f32>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.safetensors");
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend(header.as_bytes());
        bytes.extend(vec![0; tensors]);
        std::fs::write(&path, bytes).unwrap();
        let (file, tensors) = TensorFile::open(&path).map_err(|e| e.to_string())?;
        Ok(file.values(&tensors[0]).unwrap())
    }

    #[test]
    fn headers_that_do_not_fit_their_file_are_refused() {
        let header = |shape: &str, end: u64| {
            format!(r#"{{"a": {{"dtype": "F32", "shape": {shape}, "data_offsets": [0, {end}]}}}}"#)
        };
        assert_eq!(open(&header("[2]", 8), 8), Ok(vec![0.0; 2]));
        for (header, part) in [
            (header("[2]", 8), "lists 8 bytes of tensors, the file has 4"),
            (header("[1]", 8), "invalid shape, data type, or offset"),
            (header("[4611686018427387904]", 8), "overflow"),
            (header("[4294967296, 4294967296]", 8), "overflow"),
            (header("[1]", u64::MAX), "invalid"),
            ("{".to_owned(), "EOF"),
            ("[]".to_owned(), "invalid"),
        ] {
            let error = open(&header, 4).unwrap_err();
            assert!(error.contains("a.safetensors: "), "{error}");
            assert!(error.contains(part), "{header}: {error}");
        }
    }

    #[test]
    fn a_headers_length_is_compared_with_the_file_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.safetensors");
        for (bytes, part) in [
            (vec![1, 2, 3], "3 bytes are too few"),
            (
                vec![0xff; 16],
                "18446744073709551615 bytes, allowed: at most 8",
            ),
            (
                vec![9, 0, 0, 0, 0, 0, 0, 0, b'{'],
                "9 bytes, allowed: at most 1",
            ),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let error = TensorFile::open(&path).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}
