//! The teacher as a classifier: a distribution over the labels.

use causal_lm::GenerationConfig;
use relevance_data::{Pair, ReplyFormat, ReplyOrder};
use vector_math::softmax;

use crate::error::TeacherError;
use crate::teacher::Teacher;

impl Teacher {
    /// The distribution over the `K` labels for each pair: the probabilities of the `K` verdict tags
    /// after the prompt (and, in the order reason-then-label, after the teacher's own greedy
    /// reasoning), normalised to sum to one.
    ///
    /// `max_new_tokens` bounds the reasoning; `batch_size` the rows that are run at the same time. A
    /// reasoning that leaves no room for a tag in the model's context loses its end.
    ///
    /// # Errors
    /// A prompt that does not fit, and whatever the tokenizer or the decoder report.
    pub fn label_probabilities(
        &self,
        pairs: &[Pair],
        max_new_tokens: usize,
        batch_size: usize,
    ) -> Result<Vec<Vec<f64>>, TeacherError> {
        let mut texts = self.prompts(pairs)?;
        if self.template.format.order == ReplyOrder::ReasonThenLabel {
            let greedy = GenerationConfig {
                max_new_tokens,
                batch_size,
                ..GenerationConfig::default()
            };
            let replies = self.replies(&texts, &greedy)?;
            for (text, reply) in texts.iter_mut().zip(replies) {
                let reasoning = reply.first().map_or("", |reply| before_tag(reply));
                text.push_str(reasoning);
                text.push('\n');
            }
        }
        let mut prompts = self.tokenizer.encode_batch(&texts)?;
        let tags = self
            .schema
            .labels()
            .map(|label| {
                Ok(self
                    .tokenizer
                    .encode(&ReplyFormat::tag(label, &self.schema))?)
            })
            .collect::<Result<Vec<_>, TeacherError>>()?;
        // A reply that ran on without a verdict gives up its end, so that the tags still fit.
        let longest = tags.iter().map(Vec::len).max().unwrap_or(0);
        let room = self
            .model
            .config()
            .max_position_embeddings
            .saturating_sub(longest);
        for prompt in &mut prompts {
            prompt.truncate(room);
        }
        let continuations = vec![tags; prompts.len()];
        let scores = self
            .model
            .continuation_log_probs(&prompts, &continuations, batch_size)?;
        Ok(scores.iter().map(|scores| softmax(scores)).collect())
    }
}

/// The reasoning of a reply, whether or not its verdict came.
fn before_tag(reply: &str) -> &str {
    reply.split("<label>").next().unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_ends_where_the_tag_begins() {
        assert_eq!(before_tag("Same size.\n<label>Exact</label>"), "Same size.");
        assert_eq!(before_tag("cut short"), "cut short");
    }
}
