//! Which special tokens a Hugging Face folder says that its tokenizer has.

use std::path::Path;

use hf_folder::SpecialTokens;

use crate::{PairTokenizerConfig, PairTokenizerError};

/// `cls_token`, `sep_token` and `pad_token` of a folder, as far as its files name them, in place of
/// those of `config`.
pub(crate) fn of_folder(
    dir: &Path,
    mut config: PairTokenizerConfig,
) -> Result<PairTokenizerConfig, PairTokenizerError> {
    let special = SpecialTokens::from_dir(dir)?;
    for (role, token) in [
        ("cls_token", &mut config.cls_token),
        ("sep_token", &mut config.sep_token),
        ("pad_token", &mut config.pad_token),
    ] {
        if let Some(name) = special.get(role) {
            *token = name.to_owned();
        }
    }
    Ok(config)
}
