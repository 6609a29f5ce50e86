//! Sampled replies, as one stage hands them to the next.

use std::path::PathBuf;

use relevance_data::{Item, LabelSchema, LabeledPair, Pair, Query, read_jsonl, write_jsonl};
use serde::{Deserialize, Serialize};

use crate::error::DistillError;

/// The replies that were sampled for one pair.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledReplies {
    /// The pair, with its gold label.
    pub pair: LabeledPair,
    /// What the teacher was asked.
    pub prompt: String,
    /// What it replied.
    pub replies: Vec<String>,
}

/// `replies.jsonl`: labelled pairs with prompt and replies, one pair a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RepliesFile(pub PathBuf);

/// A line of the file, with the label under its name.
#[derive(Serialize, Deserialize)]
struct Row {
    query: Query,
    item: Item,
    label: String,
    prompt: String,
    replies: Vec<String>,
}

impl RepliesFile {
    /// Reads all rows.
    ///
    /// # Errors
    ///
    /// The file is missing; a line is broken or names a label that `schema` lacks.
    pub fn read(&self, schema: &LabelSchema) -> Result<Vec<SampledReplies>, DistillError> {
        let rows: Vec<Row> = read_jsonl(&self.0)?;
        let sampled = |row: Row| {
            let label = schema.parse(&row.label)?;
            let pair = Pair {
                query: row.query,
                item: row.item,
            };
            Ok(SampledReplies {
                pair: LabeledPair { pair, label },
                prompt: row.prompt,
                replies: row.replies,
            })
        };
        rows.into_iter().map(sampled).collect()
    }

    /// Writes all rows.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn write(&self, rows: &[SampledReplies], schema: &LabelSchema) -> Result<(), DistillError> {
        let row = |row: &SampledReplies| Row {
            query: row.pair.pair.query.clone(),
            item: row.pair.pair.item.clone(),
            label: schema.name(row.pair.label).to_owned(),
            prompt: row.prompt.clone(),
            replies: row.replies.clone(),
        };
        let rows: Vec<Row> = rows.iter().map(row).collect();
        Ok(write_jsonl(&self.0, &rows)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().expect("a folder");
        let schema = LabelSchema::esci();
        let rows = [SampledReplies {
            pair: LabeledPair {
                pair: Pair {
                    query: Query::new("q", "usb cable"),
                    item: Item::new("B1", "USB-C cable, 2 m"),
                },
                label: schema.parse("S").expect("ESCI's"),
            },
            prompt: "Query: usb cable\n".into(),
            replies: vec!["a reply".into(), String::new()],
        }];
        let file = RepliesFile(folder.path().join("replies.jsonl"));
        file.write(&rows, &schema).expect("written");
        assert_eq!(file.read(&schema).expect("read"), rows);
        let error = file
            .read(&LabelSchema::binary())
            .expect_err("another schema");
        assert!(error.to_string().contains("Substitute"), "{error}");
    }
}
