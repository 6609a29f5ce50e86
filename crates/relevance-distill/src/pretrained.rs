//! A student that starts from a pretrained encoder.

use std::path::Path;

use burn::tensor::Device;
use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
use student_model::BertForSequenceClassification;

use crate::error::DistillError;

/// Tokens of the two views at most; a query keeps half of the plain view.
pub fn lengths(max_length: usize, max_reasoned_length: usize) -> PairTokenizerConfig {
    PairTokenizerConfig::default()
        .with_max_length(max_length)
        .with_max_reasoned_length(max_reasoned_length)
        .with_min_query_length(max_length / 2)
}

/// The encoder of a Hugging Face folder, BERT or RoBERTa, under a fresh classifier, and its tokenizer.
/// Of the encoder's layers only `layers`, in this order; all of them if none is named.
///
/// # Errors
///
/// The folder lacks a file, or holds another kind of model; a layer is named twice or is not there.
pub fn pretrained(
    folder: &Path,
    classes: &[String],
    lengths: PairTokenizerConfig,
    layers: &[usize],
    seed: u64,
    device: &Device,
) -> Result<(BertForSequenceClassification, PairTokenizer), DistillError> {
    let mut model =
        BertForSequenceClassification::from_pretrained_encoder(folder, classes, seed, device)?;
    if !layers.is_empty() {
        model = model.with_layers(layers)?;
    }
    let tokenizer = PairTokenizer::from_dir(folder, lengths)?;
    Ok((model, tokenizer))
}
