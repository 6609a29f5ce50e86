//! What the teacher is asked.

use causal_lm::LmTokenizer;
use relevance_data::{Item, LabelSchema, Pair, ReplyFormat, ReplyOrder};
use serde::{Deserialize, Serialize};

use crate::error::TeacherError;

/// Words of an item's text that a prompt holds at most, before any token budget.
const MOST_ITEM_WORDS: usize = 256;

/// The prompt: task, label definitions and edge rules, then query, then item (METHOD, stage 1.2).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptTemplate {
    /// What stands before the query: the task, the labels, the rules, the form of the reply. May be
    /// empty.
    pub instruction: String,
    /// The form of the reply.
    pub format: ReplyFormat,
}

impl PromptTemplate {
    /// The full prompt for ESCI: definitions of the four labels, and rules for the edges.
    ///
    /// The definitions follow the Shopping Queries Data Set's (arXiv 2206.06588), in our words.
    pub fn esci(format: ReplyFormat) -> Self {
        let reply = match format.order {
            ReplyOrder::ReasonThenLabel => {
                "Reason first, then give the label as <label>NAME</label>."
            }
            ReplyOrder::LabelThenReason => {
                "Give the label as <label>NAME</label> first, then reason."
            }
        };
        let instruction = [
            "Judge how well a product answers a shopping query.",
            "Exact: the product meets every wish that the query states.",
            "Substitute: it misses a wish but can serve in place of what was asked for.",
            "Complement: it is not what was asked for but is used together with it.",
            "Irrelevant: it is none of these.",
            "A wish that the product's text does not mention counts as met only if nothing contradicts it. \
             A named brand, model, size or color is a wish. An accessory of the thing asked for is a Complement.",
            "Go through the intent, the category, the attributes, what conflicts, and a conclusion.",
            reply,
        ]
        .join("\n");
        Self {
            instruction,
            format,
        }
    }

    /// A prompt that names the labels only: for a small teacher that starts from nothing and learns
    /// their meaning from examples, so that its short context goes to the pair.
    pub fn compact(schema: &LabelSchema) -> Self {
        Self {
            instruction: format!("Labels: {}.", schema.names().join(", ")),
            format: ReplyFormat::default(),
        }
    }

    /// The prompt of a pair, with at most `item_words` words of the item's text.
    pub fn render(&self, pair: &Pair, item_words: usize) -> String {
        let mut prompt = String::new();
        if !self.instruction.is_empty() {
            prompt.push_str(&self.instruction);
            prompt.push('\n');
        }
        let item = first_words(&pair.item, item_words);
        let query = pair
            .query
            .text
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        prompt.push_str(&format!("Query: {query}\nProduct: {item}\nReply:\n"));
        prompt
    }

    /// The prompt of a pair with as many words of the item as fit into `max_tokens` tokens.
    ///
    /// ```
    /// use relevance_data::{Item, LabelSchema, Pair, Query};
    /// use teacher_train::{PromptTemplate, train_bpe_tokenizer};
    ///
    /// let template = PromptTemplate::compact(&LabelSchema::esci());
    /// let pair = Pair { query: Query::new("1", "usb cable"), item: Item::new("B1", "USB cable, two metres") };
    /// let tokenizer = train_bpe_tokenizer([template.render(&pair, 9)], 300)?;
    /// let whole = tokenizer.encode(&template.render(&pair, 9))?.len();
    /// let cut = template.fit(&pair, 0, &tokenizer, whole - 1)?;
    /// assert!(cut.contains("Product: USB cable, two\n"));
    /// # Ok::<(), teacher_train::TeacherError>(())
    /// ```
    ///
    /// # Errors
    /// [`TeacherError::PromptTooLong`], with `row`, if the prompt does not fit even without the
    /// item's text; errors of the tokenizer.
    pub fn fit(
        &self,
        pair: &Pair,
        row: usize,
        tokenizer: &LmTokenizer,
        max_tokens: usize,
    ) -> Result<String, TeacherError> {
        let length = |words| -> Result<usize, TeacherError> {
            Ok(tokenizer.encode(&self.render(pair, words))?.len())
        };
        let words = pair
            .item
            .text()
            .split_whitespace()
            .take(MOST_ITEM_WORDS)
            .count();
        if length(words)? <= max_tokens {
            return Ok(self.render(pair, words));
        }
        let tokens = length(0)?;
        if tokens > max_tokens {
            return Err(TeacherError::PromptTooLong {
                row,
                tokens,
                limit: max_tokens,
            });
        }
        // The most words that fit lie in fits..too_many.
        let (mut fits, mut too_many) = (0, words);
        while too_many - fits > 1 {
            let middle = (fits + too_many) / 2;
            if length(middle)? <= max_tokens {
                fits = middle;
            } else {
                too_many = middle;
            }
        }
        Ok(self.render(pair, fits))
    }
}

/// The first words of an item's text, on one line.
fn first_words(item: &Item, count: usize) -> String {
    let text = item.text();
    text.split_whitespace()
        .take(count)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vocabulary::train_bpe_tokenizer;
    use relevance_data::Query;

    fn pair() -> Pair {
        Pair {
            query: Query::new("1", "usb  cable"),
            item: Item {
                description: "long words ".repeat(50),
                ..Item::new("B1", "USB cable")
            },
        }
    }

    #[test]
    fn a_fitted_prompt_is_the_longest_that_fits() {
        let template = PromptTemplate::compact(&LabelSchema::esci());
        let tokenizer = train_bpe_tokenizer([template.render(&pair(), 100)], 300).expect("trains");
        let tokens = |words| {
            tokenizer
                .encode(&template.render(&pair(), words))
                .expect("encodes")
                .len()
        };
        let limit = tokens(10);
        let prompt = template.fit(&pair(), 0, &tokenizer, limit).expect("fits");
        assert_eq!(prompt, template.render(&pair(), 10));
        let error = template
            .fit(&pair(), 3, &tokenizer, tokens(0) - 1)
            .expect_err("too long");
        assert!(error.to_string().starts_with("pair 3:"), "{error}");
    }

    #[test]
    fn the_full_prompt_names_every_label_and_the_order() {
        let format = ReplyFormat::new(ReplyOrder::LabelThenReason);
        let prompt = PromptTemplate::esci(format).render(&pair(), 5);
        for name in LabelSchema::esci().names() {
            assert!(prompt.contains(&format!("{name}:")), "{name}");
        }
        assert!(prompt.contains("first, then reason"));
        assert!(prompt.contains("Query: usb cable\n"));
    }
}
