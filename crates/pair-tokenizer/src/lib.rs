//! Pairs of texts as token ids, as a BERT or RoBERTa cross-encoder reads them: a query and an item, or a
//! query, an item and a reason for their label. [`PairTokenizer`] loads the `tokenizer.json` of a Hugging
//! Face folder, puts the special tokens where the model expects them and cuts what is too long by rules of
//! its own; with the feature `batch`, `TokenBatch` makes padded tensors of the result. The crate knows
//! texts and token ids: no label, no data file, no model.
//!
//! ```
//! use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
//! # use tokenizers::{AddedToken, Tokenizer, models::wordlevel::WordLevel};
//! # use tokenizers::pre_tokenizers::whitespace::Whitespace;
//! # let words = ["[PAD]", "[CLS]", "[SEP]", "[UNK]", "red", "mouse", "wireless"];
//! # let vocabulary = words.iter().zip(0..).map(|(w, id)| (w.to_string(), id)).collect();
//! # let model = WordLevel::builder().vocab(vocabulary).unk_token("[UNK]".into()).build()?;
//! # let mut tokenizer = Tokenizer::new(model);
//! # tokenizer.with_pre_tokenizer(Some(Whitespace));
//! # tokenizer.add_special_tokens(words[..3].iter().map(|w| AddedToken::from(*w, true)))?;
//! # let dir = tempfile::tempdir()?;
//! # let file = dir.path().join("tokenizer.json");
//! # tokenizer.save(&file, false)?;
//! let tokenizer = PairTokenizer::from_file(&file, PairTokenizerConfig::default())?;
//! let view = tokenizer.encode("red mouse", "wireless mouse")?;
//! let (cls, sep) = (tokenizer.cls_id(), tokenizer.sep_id());
//! assert_eq!(view.ids, [cls, 4, 5, sep, 6, 5, sep]); // [CLS] red mouse [SEP] wireless mouse [SEP]
//! assert_eq!(view.type_ids, [0, 0, 0, 0, 1, 1, 1]);
//! // The same pair, and behind it a reason.
//! let reasoned = tokenizer.encode_reasoned("red mouse", "wireless mouse", "red")?;
//! assert_eq!(reasoned.ids[..7], view.ids);
//! assert_eq!(reasoned.ids[7..], [4, sep]);
//! # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
//! ```
//!
//! Symbols in shapes: `b` pairs in a batch, `t` tokens.
//!
//! | to | take |
//! |---|---|
//! | load the tokenizer of a Hugging Face folder | [`PairTokenizer::from_dir`] |
//! | load a `tokenizer.json` whose special tokens are known | [`PairTokenizer::from_file`] |
//! | encode pairs, or one query with many items | [`PairTokenizer::encode_pairs`], [`PairTokenizer::encode_items`] |
//! | encode pairs with a reason | [`PairTokenizer::encode_reasoned_pairs`] |
//! | know how many rows an embedding table needs | [`PairTokenizer::id_bound`] |
//! | make tensors of encodings | `TokenBatch::collate` (feature `batch`) |
//! | batches of like length under a budget of tokens | `TokenBudgetSampler` (feature `batch`) |

#[cfg(feature = "batch")]
mod batch;
mod config;
mod encoding;
mod error;
mod pair_template;
mod special_tokens;
#[cfg(feature = "batch")]
mod token_budget;
mod tokenizer;

#[cfg(feature = "batch")]
pub use batch::TokenBatch;
pub use config::PairTokenizerConfig;
pub use encoding::Encoding;
pub use error::PairTokenizerError;
pub use pair_template::PairTemplate;
#[cfg(feature = "batch")]
pub use token_budget::TokenBudgetSampler;
pub use tokenizer::PairTokenizer;

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
