//! A student that starts from a pretrained encoder.

use std::path::Path;

use burn::tensor::Device;
use relevance_data::{PairTokenizer, PairTokenizerConfig};
use student_model::BertForSequenceClassification;

use crate::error::RunError;

/// Tokens of the two views at most; a query keeps half of the plain view.
pub fn lengths(max_length: usize, max_reasoned_length: usize) -> PairTokenizerConfig {
    PairTokenizerConfig {
        max_length,
        max_reasoned_length,
        min_query_length: max_length / 2,
        ..PairTokenizerConfig::default()
    }
}

/// The encoder of a Hugging Face folder under a fresh classifier, and its tokenizer.
///
/// # Errors
///
/// The folder lacks a file, or holds another kind of model.
pub fn pretrained(
    folder: &Path,
    classes: &[String],
    lengths: PairTokenizerConfig,
    seed: u64,
    device: &Device,
) -> Result<(BertForSequenceClassification, PairTokenizer), RunError> {
    let model =
        BertForSequenceClassification::from_pretrained_encoder(folder, classes, seed, device)?;
    let tokenizer = PairTokenizer::from_file(folder.join("tokenizer.json"), lengths)?;
    Ok((model, tokenizer))
}
