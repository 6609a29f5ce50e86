//! The sum of token, position and segment embeddings.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding, LayerNorm};
use burn::tensor::{Int, Tensor};
use pair_tokenizer::TokenBatch;

use crate::init::Fresh;

/// `embeddings` of an encoder: the normalised sum of three lookups.
#[derive(Module, Debug)]
pub struct BertEmbeddings {
    /// One row a token, `[vocab_size, h]`.
    pub word_embeddings: Embedding,
    /// One row a position, `[max_position_embeddings, h]`.
    pub position_embeddings: Embedding,
    /// One row a segment, `[type_vocab_size, h]`.
    pub token_type_embeddings: Embedding,
    /// `LayerNorm` of the sum.
    pub layer_norm: LayerNorm,
    dropout: Dropout,
    /// The row of a row's first token.
    first_position: usize,
    /// The token without a position of its own, if there is one.
    #[module(skip)]
    skipped_token: Option<usize>,
}

impl BertEmbeddings {
    pub(crate) fn new(fresh: &mut Fresh<'_>) -> Self {
        let config = fresh.config;
        let skipped_token = config
            .model_type
            .skips_padding()
            .then_some(config.pad_token_id);
        Self {
            word_embeddings: fresh.embedding(config.vocab_size, Some(config.pad_token_id)),
            // The skipped token stands at the position of its own id.
            position_embeddings: fresh.embedding(config.max_position_embeddings, skipped_token),
            token_type_embeddings: fresh.embedding(config.type_vocab_size, None),
            layer_norm: fresh.layer_norm(),
            dropout: DropoutConfig::new(config.hidden_dropout_prob).init(),
            first_position: config.first_position(),
            skipped_token,
        }
    }

    /// Embeds a batch.
    ///
    /// # Shapes
    /// tokens `[b, t]` → `[b, t, h]`
    ///
    /// # Panics
    /// If `t` is above the configuration's `max_tokens`.
    pub fn forward(&self, batch: &TokenBatch) -> Tensor<3> {
        let words = self.word_embeddings.forward(batch.input_ids.clone()); // [b, t, h]
        let sum = words + self.segments(batch) + self.positions(batch);
        self.dropout.forward(self.layer_norm.forward(sum))
    }

    /// `[b, t, h]`, or `[1, 1, h]` where every token is of segment 0 because there is no other.
    fn segments(&self, batch: &TokenBatch) -> Tensor<3> {
        let table = self.token_type_embeddings.weight.val(); // [type_vocab_size, h]
        if table.dims()[0] == 1 {
            return table.unsqueeze();
        }
        self.token_type_embeddings
            .forward(batch.token_type_ids.clone())
    }

    /// `[1, t, h]` where all rows have the same positions, otherwise `[b, t, h]`.
    fn positions(&self, batch: &TokenBatch) -> Tensor<3> {
        let [_, length] = batch.dims();
        match (self.skipped_token, &batch.attention_mask) {
            (Some(token), Some(_)) => {
                let ids = skipping(batch.input_ids.clone(), token);
                self.position_embeddings.forward(ids)
            }
            _ => {
                let table = self.position_embeddings.weight.val();
                table.narrow(0, self.first_position, length).unsqueeze()
            }
        }
    }
}

/// RoBERTa's positions: `token + 1`, `token + 2`, ... at every id but `token`, and `token` there,
/// `[b, t]` → `[b, t]`.
fn skipping(ids: Tensor<2, Int>, token: usize) -> Tensor<2, Int> {
    let counted = ids.not_equal_elem(token as i64).int();
    counted.clone().cumsum(1) * counted + token as i64
}
