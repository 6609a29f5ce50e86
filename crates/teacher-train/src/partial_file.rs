//! Annotations that are not finished: one line a pair, appended as they come.

use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::TeacherError;
use crate::vote::Vote;

/// The first line: what the rest depends on.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Header {
    pub(crate) pairs: usize,
    pub(crate) fingerprint: String,
}

/// The lines so far, and the file that further ones go to.
#[derive(Debug)]
pub(crate) struct PartialFile {
    path: PathBuf,
    writer: BufWriter<File>,
    /// The votes of the pairs so far, in order.
    pub(crate) votes: Vec<Vote>,
}

impl PartialFile {
    /// Opens or makes the file beside `out`. A last line that was cut off is dropped.
    pub(crate) fn open(out: &Path, header: &Header) -> Result<Self, TeacherError> {
        let mut name = out.file_name().unwrap_or_default().to_os_string();
        name.push(".partial");
        let path = out.with_file_name(name);
        if let Some(parent) = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty())
        {
            fs::create_dir_all(parent).map_err(TeacherError::io(parent, "create the folder"))?;
        }
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(TeacherError::io(&path, "read")(error)),
        };
        let whole = &text[..text.rfind('\n').map_or(0, |end| end + 1)];
        let votes = read(&path, whole, header)?;
        let file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(false)
            .open(&path)
            .and_then(|mut file| {
                use std::io::{Seek, SeekFrom};
                file.set_len(whole.len() as u64)?;
                file.seek(SeekFrom::End(0))?;
                Ok(file)
            })
            .map_err(TeacherError::io(&path, "open for writing"))?;
        let mut partial = Self {
            path,
            writer: BufWriter::new(file),
            votes,
        };
        if whole.is_empty() {
            partial.line(header)?;
        }
        Ok(partial)
    }

    /// Adds the votes of the next pairs.
    pub(crate) fn append(&mut self, votes: Vec<Vote>) -> Result<(), TeacherError> {
        for vote in votes {
            self.line(&vote)?;
            self.votes.push(vote);
        }
        // On the disk before the next pairs are begun: a power cut costs one chunk.
        let written = self.writer.flush();
        written
            .and_then(|()| self.writer.get_ref().sync_data())
            .map_err(TeacherError::io(&self.path, "write"))
    }

    fn line(&mut self, value: &impl Serialize) -> Result<(), TeacherError> {
        serde_json::to_writer(&mut self.writer, value)
            .map_err(std::io::Error::from)
            .and_then(|()| self.writer.write_all(b"\n"))
            .map_err(TeacherError::io(&self.path, "write"))
    }

    /// Removes the file, once its content stands elsewhere.
    pub(crate) fn remove(self) -> Result<(), TeacherError> {
        drop(self.writer);
        fs::remove_file(&self.path).map_err(TeacherError::io(&self.path, "remove"))
    }
}

fn read(path: &Path, text: &str, header: &Header) -> Result<Vec<Vote>, TeacherError> {
    let refuse = |line: usize, reason: String| TeacherError::Partial {
        path: path.to_path_buf(),
        line,
        reason,
    };
    let mut lines = text.lines().enumerate();
    if let Some((_, first)) = lines.next() {
        let found: Header =
            serde_json::from_str(first).map_err(|error| refuse(1, error.to_string()))?;
        if found != *header {
            return Err(refuse(
                1,
                "it was made with other pairs, another teacher or other settings".into(),
            ));
        }
    }
    lines
        .map(|(line, text)| {
            serde_json::from_str(text).map_err(|error| refuse(line + 1, error.to_string()))
        })
        .collect()
}
