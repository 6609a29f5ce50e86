//! A student's weights, laid out for this processor.

use super::instructions::Instructions;
use burn::nn::{Embedding, LayerNorm as ModelNorm, Linear};
use burn::tensor::{Device, Tensor};
use relevance_data::Encoding;

use super::activation::Activation;
use super::aligned::Aligned;
use super::attention::Heads;
use super::classifier::Classifier;
use super::embeddings::Embeddings;
use super::encoder::Encoder;
use super::layer::Layer;
use super::layer_norm::LayerNorm;
use super::packed_linear::{PackedLinear, Weights, panel_width};
use super::pool::Pool;
use super::sequences::{Sequence, Sequences};
use crate::layer::BertLayer;
use crate::{BertConfig, BertForSequenceClassification, BertModel, HiddenAct};

/// Most tokens that go through the layers together; it bounds the memory of a call.
const PASS_TOKENS: usize = 4096;

/// A copy of a student's weights and the code that runs them.
#[derive(Debug)]
pub(crate) struct CpuEngine {
    encoder: Encoder,
    classifier: Classifier,
    outputs: Pool<Aligned>,
}

impl CpuEngine {
    /// For models on burn's pure-Rust processor backend, in f32; `None` for others, which burn runs.
    pub(crate) fn new(model: &BertForSequenceClassification) -> Option<Self> {
        Self::on(Instructions::best(), model)
    }

    /// With the vectors of one instruction set.
    pub(super) fn on(simd: Instructions, model: &BertForSequenceClassification) -> Option<Self> {
        if model.device() != Device::flex() {
            return None;
        }
        let pooler = model.bert.pooler.as_ref()?;
        Some(Self {
            encoder: encoder(simd, &model.bert)?,
            classifier: Classifier {
                dense: packed(simd, &[(&pooler.dense, 1.0)])?,
                output: packed(simd, &[(&model.classifier, 1.0)])?,
                classes: model.config().num_labels(),
            },
            outputs: Pool::default(),
        })
    }

    /// The logits of each row, `[b, K]`.
    pub(crate) fn logits(&self, rows: &[&Encoding]) -> Vec<Vec<f32>> {
        let Encoder { simd, .. } = self.encoder;
        self.in_passes(rows, |cls, stride| {
            self.classifier.logits(simd, cls, stride)
        })
    }

    /// The last hidden state at each row's first token, `[b, h]`.
    pub(crate) fn cls(&self, rows: &[&Encoding]) -> Vec<Vec<f32>> {
        let width = self.encoder.embeddings.width;
        self.in_passes(rows, |cls, stride| {
            let rows = cls.chunks_exact(stride);
            rows.map(|row| row[..width].to_vec()).collect()
        })
    }

    /// What `finish` makes of the first tokens' states, given with their stride.
    fn in_passes(
        &self,
        rows: &[&Encoding],
        finish: impl Fn(&[f32], usize) -> Vec<Vec<f32>>,
    ) -> Vec<Vec<f32>> {
        let sequences: Vec<Sequence<'_>> = rows
            .iter()
            .map(|row| Sequence {
                ids: &row.ids,
                segments: &row.type_ids,
            })
            .collect();
        let mut found = Vec::with_capacity(rows.len());
        let mut rest = &sequences[..];
        while !rest.is_empty() {
            let (pass, later) = rest.split_at(pass_length(rest));
            rest = later;
            let pass = Sequences::new(pass);
            self.outputs.with(|out| {
                self.encoder.first_tokens(&pass, out);
                found.extend(finish(out, self.encoder.stride()));
            });
        }
        found
    }
}

/// How many of the sequences go together: as many as fit [`PASS_TOKENS`], and at least one.
fn pass_length(sequences: &[Sequence<'_>]) -> usize {
    let tokens = sequences.iter().scan(0, |tokens, sequence| {
        *tokens += sequence.ids.len();
        Some(*tokens)
    });
    tokens.take_while(|&t| t <= PASS_TOKENS).count().max(1)
}

fn encoder(simd: Instructions, bert: &BertModel) -> Option<Encoder> {
    let config = bert.config();
    let heads = Heads {
        count: config.num_attention_heads,
        width: config.hidden_size / config.num_attention_heads,
        columns: config.hidden_size.next_multiple_of(panel_width(simd)),
    };
    let table = |embedding: &Embedding| numbers(embedding.weight.val());
    let layers = bert.encoder.layer.iter();
    Some(Encoder {
        simd,
        embeddings: Embeddings {
            words: table(&bert.embeddings.word_embeddings)?,
            positions: table(&bert.embeddings.position_embeddings)?,
            segments: table(&bert.embeddings.token_type_embeddings)?,
            norm: norm(&bert.embeddings.layer_norm, config, heads)?,
            width: config.hidden_size,
            first_position: 0,
        },
        layers: layers
            .map(|l| layer(simd, l, config, heads))
            .collect::<Option<_>>()?,
        heads,
        batches: Pool::default(),
        scratches: Pool::default(),
    })
}

fn layer(
    simd: Instructions,
    layer: &BertLayer,
    config: &BertConfig,
    heads: Heads,
) -> Option<Layer> {
    let attention = &layer.attention.self_attention;
    let scale = 1.0 / (heads.width as f64).sqrt();
    Some(Layer {
        projections: packed(
            simd,
            &[
                (&attention.query, scale as f32),
                (&attention.key, 1.0),
                (&attention.value, 1.0),
            ],
        )?,
        attention_output: packed(simd, &[(&layer.attention.output.dense, 1.0)])?,
        attention_norm: norm(&layer.attention.output.layer_norm, config, heads)?,
        intermediate: packed(simd, &[(&layer.intermediate.dense, 1.0)])?,
        activation: match config.hidden_act {
            HiddenAct::Gelu => Activation::Gelu,
            HiddenAct::Relu => Activation::Relu,
            HiddenAct::GeluNew => Activation::GeluNew,
        },
        output: packed(simd, &[(&layer.output.dense, 1.0)])?,
        output_norm: norm(&layer.output.layer_norm, config, heads)?,
    })
}

/// Layers side by side, each multiplied by its number.
fn packed(simd: Instructions, parts: &[(&Linear, f32)]) -> Option<PackedLinear> {
    let [inputs, _] = parts[0].0.weight.val().dims();
    let read = |&(linear, scale): &(&Linear, f32)| {
        let bias = linear.bias.as_ref()?;
        Some((numbers(linear.weight.val())?, numbers(bias.val())?, scale))
    };
    let parts = parts.iter().map(read).collect::<Option<Vec<_>>>()?;
    let parts = parts.iter().map(|(weight, bias, scale)| Weights {
        weight,
        bias,
        scale: *scale,
    });
    Some(PackedLinear::new(simd, inputs, &parts.collect::<Vec<_>>()))
}

fn norm(norm: &ModelNorm, config: &BertConfig, heads: Heads) -> Option<LayerNorm> {
    let gamma = numbers(norm.gamma.val())?;
    let beta = numbers(norm.beta.as_ref()?.val())?;
    let stride = heads.columns;
    Some(LayerNorm::new(&gamma, &beta, config.layer_norm_eps, stride))
}

/// A tensor's numbers, row by row; `None` if they are not f32.
fn numbers<const D: usize>(tensor: Tensor<D>) -> Option<Vec<f32>> {
    tensor.into_data().try_into_vec::<f32>().ok()
}
