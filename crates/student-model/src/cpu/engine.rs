//! A student's weights, laid out for this processor.

use burn::nn::{Embedding, LayerNorm as ModelNorm, Linear};
use burn::tensor::{Device, Tensor};
use pair_tokenizer::Encoding;
use vector_math::Instructions;

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
    pub(crate) fn logits(&self, rows: &[&Encoding]) -> Vec<f32> {
        let Encoder { simd, .. } = self.encoder;
        self.in_passes(rows, |cls, stride, found| {
            self.classifier.logits(simd, cls, stride, found);
        })
    }

    /// The last hidden state at each row's first token, `[b, h]`.
    pub(crate) fn cls(&self, rows: &[&Encoding]) -> Vec<f32> {
        let width = self.encoder.embeddings.width;
        self.in_passes(rows, |cls, stride, found| {
            for row in cls.chunks_exact(stride) {
                found.extend_from_slice(&row[..width]);
            }
        })
    }

    /// What `finish` makes of the first tokens' states, given with their stride.
    fn in_passes(
        &self,
        rows: &[&Encoding],
        finish: impl Fn(&[f32], usize, &mut Vec<f32>),
    ) -> Vec<f32> {
        let sequences: Vec<Sequence<'_>> = rows
            .iter()
            .map(|row| Sequence {
                ids: &row.ids,
                segments: &row.type_ids,
            })
            .collect();
        let mut found = Vec::new();
        let mut rest = &sequences[..];
        while !rest.is_empty() {
            let (pass, later) = rest.split_at(pass_length(rest));
            rest = later;
            let pass = Sequences::new(pass);
            self.outputs.with(|out| {
                self.encoder.first_tokens(&pass, out);
                finish(out, self.encoder.stride(), &mut found);
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
            first_position: config.first_position(),
            skipped_token: config
                .model_type
                .skips_padding()
                .then_some(config.pad_token_id as u32),
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

#[cfg(test)]
mod tests {
    use pair_tokenizer::TokenBatch;

    use super::*;
    use crate::ModelType;
    use vector_math::Instructions;

    fn encodings(lengths: &[usize]) -> Vec<Encoding> {
        let one = |(seed, &length): (usize, &usize)| Encoding {
            ids: (0..length)
                .map(|i| ((i * 31 + seed * 17) % 50) as u32)
                .collect(),
            type_ids: (0..length).map(|i| u32::from(2 * i > length)).collect(),
        };
        lengths.iter().enumerate().map(one).collect()
    }

    /// Widths that fill no vector, weights large enough for the activation's bends.
    fn config(layers: usize, act: HiddenAct) -> BertConfig {
        let config = BertConfig {
            vocab_size: 50,
            hidden_size: 20,
            num_hidden_layers: layers,
            num_attention_heads: 4,
            intermediate_size: 75,
            hidden_act: act,
            max_position_embeddings: 160,
            initializer_range: 0.2,
            ..BertConfig::default()
        };
        config.with_labels(&["a", "b", "c"])
    }

    fn fresh(config: &BertConfig) -> BertForSequenceClassification {
        config.init(3, &Device::flex()).unwrap()
    }

    fn model(layers: usize, act: HiddenAct) -> BertForSequenceClassification {
        fresh(&config(layers, act))
    }

    fn assert_close(found: &[f32], expected: &[f32]) {
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} {expected}");
        }
    }

    fn assert_like_burn(model: &BertForSequenceClassification, pad_id: u32) {
        let encodings = encodings(&[7, 30, 1, 130, 12, 2]);
        let rows: Vec<&Encoding> = encodings.iter().collect();
        let batch = TokenBatch::collate(&rows, pad_id, &Device::flex()).unwrap();
        let output = model.forward(&batch);
        let [logits, cls] = [output.logits, output.cls].map(|t| numbers(t).unwrap());
        for simd in Instructions::available() {
            let engine = CpuEngine::on(simd, model).unwrap();
            assert_close(&engine.logits(&rows), &logits);
            assert_close(&engine.cls(&rows), &cls);
        }
    }

    #[test]
    fn results_are_those_of_the_model_on_every_instruction_set() {
        use HiddenAct::{Gelu, GeluNew, Relu};
        for (layers, act) in [(1, Gelu), (2, Relu), (3, GeluNew)] {
            assert_like_burn(&model(layers, act), 0);
        }
    }

    /// Among the tokens is the padding's id, which has no position of its own there.
    #[test]
    fn results_are_those_of_a_roberta() {
        let roberta = BertConfig {
            model_type: ModelType::Roberta,
            pad_token_id: 1,
            type_vocab_size: 1,
            ..config(2, HiddenAct::Gelu)
        };
        assert!(encodings(&[7, 30]).iter().any(|e| e.ids[1..].contains(&1)));
        assert_like_burn(&fresh(&roberta), 1);
    }

    #[test]
    fn results_have_the_same_bits_in_any_company_and_in_any_number_of_threads() {
        let model = model(2, HiddenAct::Gelu);
        let lengths: Vec<usize> = (0..60).map(|i| 1 + (i * 37) % 150).collect();
        let encodings = encodings(&lengths);
        let rows: Vec<&Encoding> = encodings.iter().collect();
        for simd in Instructions::available() {
            let engine = CpuEngine::on(simd, &model).unwrap();
            let alone: Vec<f32> = rows.iter().flat_map(|row| engine.cls(&[row])).collect();
            for threads in [1, 2, 5] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                let pool = pool.build().unwrap();
                let together = pool.install(|| engine.cls(&rows));
                assert_eq!(together, alone, "{simd:?}, {threads} threads");
            }
        }
    }

    #[test]
    fn passes_hold_what_fits_and_at_least_one() {
        let ids = vec![0; 3000];
        let sequence = |length: usize| Sequence {
            ids: &ids[..length],
            segments: &ids[..length],
        };
        let sequences = [3000, 1096, 1].map(sequence);
        assert_eq!(pass_length(&sequences), 2);
        assert_eq!(pass_length(&sequences[1..]), 2);
        let long = vec![0; PASS_TOKENS + 1];
        let long = Sequence {
            ids: &long,
            segments: &long,
        };
        assert_eq!(pass_length(&[long, long]), 1);
    }

    #[test]
    fn no_sequences_give_no_rows() {
        let engine = CpuEngine::new(&model(1, HiddenAct::Gelu)).unwrap();
        assert!(engine.logits(&[]).is_empty());
    }
}
