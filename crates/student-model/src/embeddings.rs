//! The sum of word, position and segment embeddings.

use burn::module::Module;
use burn::nn::{Dropout, DropoutConfig, Embedding, LayerNorm};
use burn::tensor::Tensor;
use relevance_data::TokenBatch;

use crate::init::Fresh;

/// `embeddings` of a BERT: the normalised sum of three lookups.
#[derive(Module, Debug)]
pub struct BertEmbeddings {
    /// One row a word piece, `[vocab_size, h]`.
    pub word_embeddings: Embedding,
    /// One row a position, `[max_position_embeddings, h]`.
    pub position_embeddings: Embedding,
    /// One row a segment, `[type_vocab_size, h]`.
    pub token_type_embeddings: Embedding,
    /// `LayerNorm` of the sum.
    pub layer_norm: LayerNorm,
    dropout: Dropout,
}

impl BertEmbeddings {
    pub(crate) fn new(fresh: &mut Fresh<'_>) -> Self {
        let config = fresh.config;
        Self {
            word_embeddings: fresh.embedding(config.vocab_size, Some(config.pad_token_id)),
            position_embeddings: fresh.embedding(config.max_position_embeddings, None),
            token_type_embeddings: fresh.embedding(config.type_vocab_size, None),
            layer_norm: fresh.layer_norm(),
            dropout: DropoutConfig::new(config.hidden_dropout_prob).init(),
        }
    }

    /// Embeds a batch.
    ///
    /// # Shapes
    /// tokens `[b, t]` → `[b, t, h]`
    ///
    /// # Panics
    /// If `t` is above `max_position_embeddings`.
    pub fn forward(&self, batch: &TokenBatch) -> Tensor<3> {
        let [_, length] = batch.input_ids.dims();
        let words = self.word_embeddings.forward(batch.input_ids.clone()); // [b, t, h]
        let segments = self
            .token_type_embeddings
            .forward(batch.token_type_ids.clone());
        let positions = self.position_embeddings.weight.val().narrow(0, 0, length); // [t, h]
        let sum = words + segments + positions.unsqueeze();
        self.dropout.forward(self.layer_norm.forward(sum))
    }
}
