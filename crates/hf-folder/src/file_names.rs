//! What the files of a folder are called.

/// A model's configuration.
pub const CONFIG_FILE: &str = "config.json";

/// A model's weights, if they are in one file.
pub const WEIGHTS_FILE: &str = "model.safetensors";

/// The list of the files that weights are in, if there are several.
pub const INDEX_FILE: &str = "model.safetensors.index.json";

/// A tokenizer.
pub const TOKENIZER_FILE: &str = "tokenizer.json";

/// A tokenizer's settings for `transformers`, its special tokens among them.
pub const TOKENIZER_CONFIG_FILE: &str = "tokenizer_config.json";

/// A tokenizer's special tokens, in folders of `transformers` 4.
pub const SPECIAL_TOKENS_FILE: &str = "special_tokens_map.json";

/// The other files of tokenizers.
const OLDER_TOKENIZER_FILES: [&str; 6] = [
    "added_tokens.json",
    "chat_template.jinja",
    "merges.txt",
    "sentencepiece.bpe.model",
    "vocab.json",
    "vocab.txt",
];

/// Whether a tokenizer's file has this name.
pub(crate) fn is_tokenizer_file(name: &str) -> bool {
    [TOKENIZER_FILE, TOKENIZER_CONFIG_FILE, SPECIAL_TOKENS_FILE].contains(&name)
        || OLDER_TOKENIZER_FILES.contains(&name)
}

/// Whether a folder may hold a file of this name and still be replaced by a new model.
pub(crate) fn is_model_file(name: &str) -> bool {
    [CONFIG_FILE, WEIGHTS_FILE, INDEX_FILE].contains(&name)
        || ["README.md", "generation_config.json"].contains(&name)
        || is_tokenizer_file(name)
        || is_shard_name(name)
}

/// The name of shard `i`, from 0, of `count`.
pub(crate) fn shard_name(i: usize, count: usize) -> String {
    format!("model-{:05}-of-{count:05}.safetensors", i + 1)
}

/// Whether a file's name is that of a shard: `model-00001-of-00003.safetensors`.
///
/// ```
/// assert!(hf_folder::is_shard_name("model-00001-of-00003.safetensors"));
/// assert!(!hf_folder::is_shard_name("../model-00001-of-00003.safetensors"));
/// ```
pub fn is_shard_name(name: &str) -> bool {
    let numbers = name
        .strip_prefix("model-")
        .and_then(|name| name.strip_suffix(".safetensors"))
        .and_then(|numbers| numbers.split_once("-of-"));
    let number = |text: &str| text.len() >= 5 && text.bytes().all(|b| b.is_ascii_digit());
    numbers.is_some_and(|(i, count)| number(i) && number(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shard_names_are_recognised() {
        assert_eq!(shard_name(0, 3), "model-00001-of-00003.safetensors");
        assert!(is_shard_name(&shard_name(0, 3)));
        for other in [
            "model.safetensors",
            "model-1-of-2.safetensors",
            "model-00001.safetensors",
        ] {
            assert!(!is_shard_name(other), "{other}");
        }
    }
}
