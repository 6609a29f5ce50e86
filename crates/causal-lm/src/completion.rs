//! A prompt and its completion as tokens: the one place where the two are joined and cut, for
//! fine-tuning, rewards and preferences alike.

use crate::batch::LmExample;
use crate::error::CausalLmError;
use crate::tokenizer::LmTokenizer;

/// Turns a prompt and a completion into one row of tokens.
///
/// Both are tokenised apart, so that no token spans the two, and the token that ends a text follows
/// the completion. What does not fit is cut in this order:
///
/// 1. A prompt of more than `max_prompt_length` tokens loses its beginning: what is asked stands at
///    its end.
/// 2. The completion has what remains of `max_length` and loses its end, the end token first. A
///    completion that is cut has no end token: nothing learns to stop in the middle.
///
/// Since `max_prompt_length` is below `max_length`, at least one token of the completion is left.
///
/// ```
/// use causal_lm::{CompletionEncoder, LmTokenizer};
/// # use tokenizers::{Tokenizer, models::wordlevel::WordLevel, pre_tokenizers::whitespace::Whitespace};
/// # let words = ["<eos>", "is", "it", "red", "yes", "no"];
/// # let vocab = words.iter().zip(0..).map(|(word, id)| (word.to_string(), id)).collect();
/// # let model = WordLevel::builder().vocab(vocab).unk_token("<eos>".into()).build().unwrap();
/// # let mut inner = Tokenizer::new(model);
/// # inner.with_pre_tokenizer(Some(Whitespace {}));
/// # let tokenizer = LmTokenizer::from_tokenizer(inner, "<eos>", "<eos>")?;
/// let encoder = CompletionEncoder::new(&tokenizer, 6, 4)?;
/// let encoded = encoder.encode("is it red", "yes")?;
/// assert_eq!(encoded.example.ids, [1, 2, 3, 4, 0]);
/// assert_eq!(encoded.example.loss_mask, [false, false, false, true, true]);
/// assert!(encoded.is_whole());
/// // Five tokens of a prompt: the first goes. Three of a completion: two fit, and no end token.
/// let encoded = encoder.encode("red is it red red", "yes yes no")?;
/// assert_eq!(encoded.example.ids, [1, 2, 3, 3, 4, 4]);
/// assert_eq!((encoded.prompt_cut, encoded.completion_cut), (1, 2));
/// # Ok::<(), causal_lm::CausalLmError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct CompletionEncoder<'a> {
    tokenizer: &'a LmTokenizer,
    max_length: usize,
    max_prompt_length: usize,
}

/// A prompt and a completion in one row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodedCompletion {
    /// The row; the loss falls on the completion and its end token.
    pub example: LmExample,
    /// Tokens of the prompt that are left: where the completion begins.
    pub prompt_tokens: usize,
    /// Tokens that the prompt lost.
    pub prompt_cut: usize,
    /// Tokens that the completion lost, the end token among them.
    pub completion_cut: usize,
}

impl EncodedCompletion {
    /// The completion's tokens.
    pub fn completion(&self) -> &[u32] {
        &self.example.ids[self.prompt_tokens..]
    }

    /// Tokens in the row.
    pub fn len(&self) -> usize {
        self.example.len()
    }

    /// Whether there is no token: never.
    pub fn is_empty(&self) -> bool {
        self.example.is_empty()
    }

    /// Whether nothing was cut.
    pub fn is_whole(&self) -> bool {
        self.prompt_cut + self.completion_cut == 0
    }
}

/// A prompt with a better and a worse completion.
#[derive(Debug, Clone, Copy)]
pub struct CompletionPair<'a> {
    /// The prompt of both.
    pub prompt: &'a str,
    /// The better completion.
    pub chosen: &'a str,
    /// The worse one.
    pub rejected: &'a str,
}

/// [`CompletionPair`] as two rows that begin alike.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncodedPair {
    /// Prompt and better completion.
    pub chosen: EncodedCompletion,
    /// Prompt and worse completion.
    pub rejected: EncodedCompletion,
}

/// Pairs as rows, and what the limits cost.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct EncodedPairs {
    /// The pairs that say something, in their order.
    pub pairs: Vec<EncodedPair>,
    /// Where each of [`pairs`](Self::pairs) stood among those given.
    pub rows: Vec<usize>,
    /// Pairs left out: their completions became equal when they were cut, or are equal as tokens, and
    /// from equal rows there is nothing to learn (DPO's loss stays at ln 2).
    pub equal: Vec<usize>,
    /// Pairs, of those kept, whose prompt lost its beginning.
    pub truncated_prompts: usize,
    /// Pairs, of those kept, of which a completion lost its end.
    pub truncated_completions: usize,
}

impl EncodedPairs {
    /// What whoever trains on the pairs should hear of; empty if nothing was cut.
    pub fn warnings(&self) -> Vec<String> {
        let kept = self.pairs.len();
        let all = kept + self.equal.len();
        let mut warnings = Vec::new();
        let mut warn = |count: usize, of: usize, what: &str| {
            if count > 0 {
                warnings.push(format!("{count} of {of} pairs: {what}"));
            }
        };
        let equal = "left out, their replies are equal once cut to `max_length`";
        warn(self.equal.len(), all, equal);
        let prompts = "the prompt was cut at its beginning to `max_prompt_length`";
        warn(self.truncated_prompts, kept, prompts);
        let replies = "a reply was cut at its end to `max_length`";
        warn(self.truncated_completions, kept, replies);
        warnings
    }
}

impl<'a> CompletionEncoder<'a> {
    /// An encoder into rows of at most `max_length` tokens, `max_prompt_length` of them the prompt's.
    ///
    /// # Errors
    /// [`CausalLmError::InvalidConfig`] unless `1 ≤ max_prompt_length < max_length`.
    pub fn new(
        tokenizer: &'a LmTokenizer,
        max_length: usize,
        max_prompt_length: usize,
    ) -> Result<Self, CausalLmError> {
        if max_prompt_length == 0 {
            let (field, allowed) = ("max_prompt_length", "at least 1");
            return Err(CausalLmError::invalid(field, 0, allowed));
        }
        if max_length <= max_prompt_length {
            let allowed = format!("above max_prompt_length = {max_prompt_length}");
            return Err(CausalLmError::invalid("max_length", max_length, allowed));
        }
        Ok(Self {
            tokenizer,
            max_length,
            max_prompt_length,
        })
    }

    /// The row of one prompt and completion.
    ///
    /// # Errors
    /// [`CausalLmError::EmptyText`] if the prompt has no token or the completion no word;
    /// [`CausalLmError::Tokenizer`].
    pub fn encode(
        &self,
        prompt: &str,
        completion: &str,
    ) -> Result<EncodedCompletion, CausalLmError> {
        let mut prompt = self.tokenizer.encode(prompt)?;
        if prompt.is_empty() {
            return Err(CausalLmError::EmptyText { part: "prompt" });
        }
        let prompt_cut = prompt.len().saturating_sub(self.max_prompt_length);
        prompt.drain(..prompt_cut);

        let blank = completion.trim().is_empty();
        let mut completion = self.tokenizer.encode(completion)?;
        if blank || completion.is_empty() {
            return Err(CausalLmError::EmptyText { part: "completion" });
        }
        completion.push(self.tokenizer.eos_id());
        let room = self.max_length - prompt.len();
        let completion_cut = completion.len().saturating_sub(room);
        completion.truncate(room);
        Ok(EncodedCompletion {
            example: LmExample::completion(&prompt, &completion),
            prompt_tokens: prompt.len(),
            prompt_cut,
            completion_cut,
        })
    }

    /// The rows of each pair. A pair whose completions are equal as tokens after cutting is left out
    /// and counted.
    ///
    /// # Errors
    /// [`CausalLmError::Pair`] names a pair whose prompt or completion is empty, or whose completions
    /// are one text.
    pub fn encode_pairs<'p>(
        &self,
        pairs: impl IntoIterator<Item = CompletionPair<'p>>,
    ) -> Result<EncodedPairs, CausalLmError> {
        let mut encoded = EncodedPairs::default();
        for (row, pair) in pairs.into_iter().enumerate() {
            let side = |field, text| {
                self.encode(pair.prompt, text).map_err(|error| match error {
                    CausalLmError::EmptyText { part: "prompt" } => refuse(row, "prompt", EMPTY),
                    CausalLmError::EmptyText { .. } => refuse(row, field, EMPTY),
                    other => other,
                })
            };
            let (chosen, rejected) = (
                side("chosen", pair.chosen)?,
                side("rejected", pair.rejected)?,
            );
            if pair.chosen == pair.rejected {
                return Err(refuse(row, "rejected", "it is the same text as `chosen`"));
            }
            if chosen.completion() == rejected.completion() {
                encoded.equal.push(row);
                continue;
            }
            let cut = chosen.completion_cut + rejected.completion_cut > 0;
            encoded.truncated_prompts += usize::from(chosen.prompt_cut > 0);
            encoded.truncated_completions += usize::from(cut);
            encoded.rows.push(row);
            encoded.pairs.push(EncodedPair { chosen, rejected });
        }
        Ok(encoded)
    }
}

const EMPTY: &str = "it is empty";

fn refuse(row: usize, field: &'static str, reason: &str) -> CausalLmError {
    CausalLmError::Pair {
        row,
        field,
        reason: reason.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokenizers::Tokenizer;
    use tokenizers::models::wordlevel::WordLevel;
    use tokenizers::pre_tokenizers::whitespace::Whitespace;

    /// One token a letter from `a` on; `<eos>` is 0.
    fn tokenizer() -> LmTokenizer {
        let words = ["<eos>", "a", "b", "c", "d"];
        let vocab = words.iter().zip(0..).map(|(w, id)| (w.to_string(), id));
        let model = WordLevel::builder()
            .vocab(vocab.collect())
            .unk_token("<eos>".into())
            .build()
            .unwrap();
        let mut tokenizer = Tokenizer::new(model);
        tokenizer.with_pre_tokenizer(Some(Whitespace {}));
        LmTokenizer::from_tokenizer(tokenizer, "<eos>", "<eos>").unwrap()
    }

    fn pair<'a>(prompt: &'a str, chosen: &'a str, rejected: &'a str) -> CompletionPair<'a> {
        CompletionPair {
            prompt,
            chosen,
            rejected,
        }
    }

    proptest! {
        #[test]
        fn a_row_is_the_prompt_s_end_and_the_completion_s_beginning(
            prompt in 1usize..12, completion in 1usize..12, max_prompt in 1usize..8, more in 1usize..8,
        ) {
            let tokenizer = tokenizer();
            let text = |tokens: usize| "a b c d ".repeat(3)[..2 * tokens].to_owned();
            let (prompt, completion) = (text(prompt), text(completion));
            let max_length = max_prompt + more;
            let encoder = CompletionEncoder::new(&tokenizer, max_length, max_prompt).unwrap();
            let row = encoder.encode(&prompt, &completion).unwrap();
            let prompt_ids = tokenizer.encode(&prompt).unwrap();
            let mut completion_ids = tokenizer.encode(&completion).unwrap();
            completion_ids.push(tokenizer.eos_id());

            prop_assert!(row.len() <= max_length && row.prompt_tokens <= max_prompt);
            prop_assert!(!row.completion().is_empty());
            prop_assert!(prompt_ids.ends_with(&row.example.ids[..row.prompt_tokens]));
            prop_assert!(completion_ids.starts_with(row.completion()));
            prop_assert_eq!(row.prompt_tokens + row.prompt_cut, prompt_ids.len());
            prop_assert_eq!(row.completion().len() + row.completion_cut, completion_ids.len());
            let learnt = row.example.loss_mask.iter().filter(|&&learnt| learnt).count();
            prop_assert_eq!(learnt, row.completion().len());
            // Nothing is cut that fits.
            prop_assert!(row.prompt_cut == 0 || row.prompt_tokens == max_prompt);
            prop_assert!(row.completion_cut == 0 || row.len() == max_length);
            // The end token stands at the end of a whole completion and nowhere else.
            let ends = row.example.ids.last() == Some(&tokenizer.eos_id());
            prop_assert_eq!(ends, row.completion_cut == 0);
        }
    }

    #[test]
    fn pairs_that_cutting_makes_equal_are_left_out_and_counted() {
        let tokenizer = tokenizer();
        let encoder = CompletionEncoder::new(&tokenizer, 4, 2).unwrap();
        let pairs = [
            pair("a", "a b", "a c"),
            pair("a b", "a b c", "a b d"),
            pair("a b c", "a b c", "b"),
            // Another text, the same tokens.
            pair("a", "a b", "a  b"),
        ];
        let encoded = encoder.encode_pairs(pairs).unwrap();
        assert_eq!(
            (encoded.rows.clone(), encoded.equal.clone()),
            (vec![0, 2], vec![1, 3])
        );
        assert_eq!(
            (encoded.truncated_prompts, encoded.truncated_completions),
            (1, 1)
        );
        let warnings = encoded.warnings();
        assert_eq!(warnings.len(), 3);
        assert!(
            warnings[0].starts_with("2 of 4 pairs: left out"),
            "{}",
            warnings[0]
        );
        let one = encoder.encode("a b c", "a b c").unwrap();
        assert_eq!(
            encoded.pairs[1].chosen, one,
            "a pair is two rows of the same encoder"
        );
    }

    #[test]
    fn what_is_empty_equal_or_out_of_range_is_named() {
        let tokenizer = tokenizer();
        let encoder = CompletionEncoder::new(&tokenizer, 8, 4).unwrap();
        let refused = |pairs: CompletionPair<'_>| {
            let pairs = [pair("a", "a", "b"), pairs];
            encoder.encode_pairs(pairs).unwrap_err().to_string()
        };
        assert_eq!(
            refused(pair("", "a", "b")),
            "pair 1, field `prompt`: it is empty"
        );
        assert_eq!(
            refused(pair("a", " \n", "b")),
            "pair 1, field `chosen`: it is empty"
        );
        assert_eq!(
            refused(pair("a", "a", "")),
            "pair 1, field `rejected`: it is empty"
        );
        assert!(refused(pair("a", "b", "b")).contains("the same text as `chosen`"));
        for (max_length, max_prompt_length, named) in [
            (8, 0, "`max_prompt_length` is 0"),
            (4, 4, "`max_length` is 4"),
        ] {
            let error = CompletionEncoder::new(&tokenizer, max_length, max_prompt_length);
            let message = error.unwrap_err().to_string();
            assert!(message.contains(named), "{message}");
        }
    }
}
