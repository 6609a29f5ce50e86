//! What our side writes for the others: the student, the tokens, and what we make of them.

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use pair_tokenizer::Encoding;
use serde_json::{Value, json};
use student_model::{PairScore, Student};

/// Command line of a bench that has peers; `compare` fills it in.
#[derive(Debug, Parser)]
pub struct ContestArgs {
    /// Measure the cases that lines of standard input name, instead of each once.
    #[arg(long)]
    pub serve: bool,
    /// Folder for the student, the tokens and our results, which the peers read; none is written
    /// without it.
    #[arg(long)]
    pub exchange: Option<PathBuf>,
    /// Seconds a measurement takes.
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// What `cargo bench` adds.
    #[arg(long, hide = true)]
    bench: bool,
}

impl ContestArgs {
    /// How long a measurement takes.
    pub fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.max(0.0))
    }

    /// Writes the student as a Hugging Face folder, and `cases` as JSON under the bench's name.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(
        &self,
        bench: &str,
        student: &Student,
        cases: &Value,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let Some(folder) = &self.exchange else {
            return Ok(());
        };
        std::fs::create_dir_all(folder)?;
        student.save_dir(folder.join("student"))?;
        let text = serde_json::to_string(cases)?;
        Ok(std::fs::write(folder.join(format!("{bench}.json")), text)?)
    }
}

/// The token and segment ids of a batch, row by row, not padded.
pub fn token_lists(batch: &[Encoding]) -> Value {
    let rows = |ids: fn(&Encoding) -> &Vec<u32>| batch.iter().map(ids).collect::<Vec<_>>();
    json!({"input_ids": rows(|row| &row.ids), "token_type_ids": rows(|row| &row.type_ids)})
}

/// `ln p` of each class, row by row: the logits up to a constant.
pub fn log_probabilities(scores: &[PairScore]) -> Vec<Vec<f64>> {
    let row = |score: &PairScore| score.probabilities.iter().map(|p| p.ln()).collect();
    scores.iter().map(row).collect()
}
