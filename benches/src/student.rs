//! The student that ranks in the benches.

use std::path::PathBuf;

use burn::tensor::Device;
use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
use relevance_data::LabelSchema;
use student_model::{BertForSequenceClassification, Student, StudentError, train_wordpiece};

use crate::esci::{Fields, pairs, repository};
use crate::minilm;

/// A student in MiniLM's shape: the weights and the tokenizer of the folder that the environment
/// variable `MINILM_DIR` names, or of `models/all-minilm-l6-v2` in the repository, under a fresh
/// classifier. Without such a folder the weights are random, and a vocabulary is made from the carried
/// sample.
///
/// # Errors
/// A folder that is named or there but cannot be read.
pub fn student(device: &Device) -> Result<Student, StudentError> {
    let lengths = PairTokenizerConfig::default();
    let (model, tokenizer) = match weights() {
        Some(folder) => {
            let labels = minilm().labels();
            let model = BertForSequenceClassification::from_pretrained_encoder(
                &folder, &labels, 0, device,
            )?;
            let tokenizer = PairTokenizer::from_file(folder.join("tokenizer.json"), lengths)?;
            (model, tokenizer)
        }
        None => {
            eprintln!("no MINILM_DIR and no models/all-minilm-l6-v2: random weights");
            let texts = pairs(Fields::Text, 4000)?;
            let texts = texts.iter().flat_map(|(query, item)| [query, item]);
            let tokenizer = train_wordpiece(texts, minilm().vocab_size)?;
            let model = minilm().init(0, device)?;
            (model, PairTokenizer::from_tokenizer(tokenizer, lengths)?)
        }
    };
    Student::new(&model, tokenizer, &LabelSchema::esci().gains())
}

fn weights() -> Option<PathBuf> {
    let named = std::env::var_os("MINILM_DIR").map(PathBuf::from);
    let carried = repository().join("models/all-minilm-l6-v2");
    named.or_else(|| carried.is_dir().then_some(carried))
}
