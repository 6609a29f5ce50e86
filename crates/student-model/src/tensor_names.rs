//! Hugging Face's tensor names, and where the tensors live in our modules.
//!
//! Ours are BERT's, with `bert.` before a classifier's encoder. RoBERTa's head is the same two
//! projections under other names: its `classifier.dense` is our `bert.pooler.dense`.

use std::collections::BTreeMap;

use crate::{BertConfig, ModelType};

/// The prefix of the encoder in our classifier.
const ENCODER: &str = "bert.";

/// Tensors of other task classes, passed over when only the encoder is asked for.
const FOREIGN_HEADS: [&str; 4] = ["classifier.", "cls.", "qa_outputs.", "lm_head."];

/// Indices that older `transformers` saved beside the weights.
const BUFFERS: [&str; 2] = ["embeddings.position_ids", "embeddings.token_type_ids"];

/// Heads in a file whose two projections are one classifier, and our names for them.
const OWN_HEAD: [(&str, &str); 2] = [
    ("classifier.dense.", "bert.pooler.dense."),
    ("classifier.out_proj.", "classifier."),
];

/// Spellings that differ, in a file and in ours.
const SPELLINGS: [(&str, &str); 2] = [
    (".self.", ".self_attention."),
    (".LayerNorm.", ".layer_norm."),
];

/// What stands on the encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Head {
    /// Nothing.
    None,
    /// BERT's pooler.
    Pooler,
    /// A classifier with a projection under it.
    Classifier,
}

/// The names of one kind of model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TensorNames {
    pub(crate) model_type: ModelType,
    pub(crate) head: Head,
}

/// Today's name without the prefix: `bert.a.LayerNorm.gamma` → `a.LayerNorm.weight`; none for buffers.
pub(crate) fn canonical(name: &str, model_type: ModelType) -> Option<String> {
    let name = name.strip_prefix(model_type.prefix()).unwrap_or(name);
    for (old, new) in [
        ("LayerNorm.gamma", "LayerNorm.weight"),
        ("LayerNorm.beta", "LayerNorm.bias"),
    ] {
        if let Some(stem) = name.strip_suffix(old) {
            return Some(format!("{stem}{new}"));
        }
    }
    (!BUFFERS.contains(&name)).then(|| name.to_owned())
}

/// Whether a canonical name belongs to what stands on an encoder.
fn is_head(name: &str) -> bool {
    name.starts_with("classifier.")
}

impl TensorNames {
    /// Whether the two projections of the classifier stand under RoBERTa's names.
    fn own_head(self) -> bool {
        self.head == Head::Classifier && self.model_type.has_own_head()
    }

    /// Whether a file may hold the tensor without the model having it.
    pub(crate) fn passes_over(self, canonical: &str) -> bool {
        let foreign = || FOREIGN_HEADS.iter().any(|head| canonical.starts_with(head));
        let pooled = self.head != Head::None && !self.own_head();
        (self.head != Head::Classifier && foreign())
            || (!pooled && canonical.starts_with("pooler."))
    }

    /// A canonical name as it stands in a file, with the prefix if the file has it.
    pub(crate) fn in_file(self, canonical: &str, prefixed: bool) -> String {
        let prefix = if prefixed && !is_head(canonical) {
            self.model_type.prefix()
        } else {
            ""
        };
        format!("{prefix}{canonical}")
    }

    /// Where a tensor with a canonical name lives in our modules.
    pub(crate) fn module_path(self, canonical: &str) -> String {
        let mut path = canonical.to_owned();
        for (file, ours) in SPELLINGS {
            path = path.replace(file, ours);
        }
        if self.own_head() {
            for (file, ours) in OWN_HEAD {
                if let Some(rest) = path.strip_prefix(file) {
                    return format!("{ours}{rest}");
                }
            }
        }
        if self.head == Head::Classifier && !is_head(&path) {
            path.insert_str(0, ENCODER);
        }
        path
    }

    /// The name in a file that we write, of a tensor in our modules.
    pub(crate) fn of_module_path(self, path: &str) -> String {
        if self.own_head() {
            for (file, ours) in OWN_HEAD {
                if let Some(rest) = path.strip_prefix(ours) {
                    return format!("{file}{rest}");
                }
            }
        }
        let mut name = path.strip_prefix(ENCODER).unwrap_or(path).to_owned();
        for (file, ours) in SPELLINGS {
            name = name.replace(ours, file);
        }
        self.in_file(&name, self.head == Head::Classifier)
    }

    /// Canonical names and shapes, in PyTorch's layout, of the tensors that a configuration asks for.
    pub(crate) fn expected(self, config: &BertConfig) -> BTreeMap<String, Vec<usize>> {
        let mut tensors = BTreeMap::new();
        self.expect_linears(config, &mut tensors);
        expect_norms_and_tables(config, &mut tensors);
        tensors
    }

    fn expect_linears(self, config: &BertConfig, tensors: &mut BTreeMap<String, Vec<usize>>) {
        let (h, inner, classes) = (
            config.hidden_size,
            config.intermediate_size,
            config.num_labels(),
        );
        let mut linear = |name: &str, outputs: usize, inputs: usize| {
            tensors.insert(format!("{name}.weight"), vec![outputs, inputs]);
            tensors.insert(format!("{name}.bias"), vec![outputs]);
        };
        for i in 0..config.num_hidden_layers {
            let layer = format!("encoder.layer.{i}");
            for part in ["self.query", "self.key", "self.value", "output.dense"] {
                linear(&format!("{layer}.attention.{part}"), h, h);
            }
            linear(&format!("{layer}.intermediate.dense"), inner, h);
            linear(&format!("{layer}.output.dense"), h, inner);
        }
        match self.head {
            Head::None => {}
            Head::Pooler => linear("pooler.dense", h, h),
            Head::Classifier if self.own_head() => {
                linear("classifier.dense", h, h);
                linear("classifier.out_proj", classes, h);
            }
            Head::Classifier => {
                linear("pooler.dense", h, h);
                linear("classifier", classes, h);
            }
        }
    }
}

fn expect_norms_and_tables(config: &BertConfig, tensors: &mut BTreeMap<String, Vec<usize>>) {
    let h = config.hidden_size;
    let mut norm = |name: String| {
        tensors.insert(format!("{name}.LayerNorm.weight"), vec![h]);
        tensors.insert(format!("{name}.LayerNorm.bias"), vec![h]);
    };
    norm("embeddings".to_owned());
    for i in 0..config.num_hidden_layers {
        norm(format!("encoder.layer.{i}.attention.output"));
        norm(format!("encoder.layer.{i}.output"));
    }
    let tables = [
        ("word", config.vocab_size),
        ("position", config.max_position_embeddings),
        ("token_type", config.type_vocab_size),
    ];
    for (name, rows) in tables {
        let name = format!("embeddings.{name}_embeddings.weight");
        tensors.insert(name, vec![rows, h]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every tensor that a configuration asks for is found again under the name that it is saved as.
    #[test]
    fn names_in_files_and_in_modules_are_one_to_one() {
        for model_type in ModelType::ALL {
            for head in [Head::None, Head::Pooler, Head::Classifier] {
                let names = TensorNames { model_type, head };
                let config = BertConfig::default_for(model_type);
                let expected = names.expected(&config);
                let mut paths = std::collections::BTreeSet::new();
                for canonical_name in expected.keys() {
                    assert!(!names.passes_over(canonical_name), "{canonical_name}");
                    let path = names.module_path(canonical_name);
                    let written = names.of_module_path(&path);
                    assert_eq!(
                        canonical(&written, model_type).as_ref(),
                        Some(canonical_name)
                    );
                    let prefixed = written.starts_with(model_type.prefix());
                    let in_encoder = !canonical_name.starts_with("classifier.");
                    assert_eq!(
                        prefixed,
                        head == Head::Classifier && in_encoder,
                        "{written}"
                    );
                    paths.insert(path);
                }
                assert_eq!(paths.len(), expected.len());
            }
        }
    }
}
