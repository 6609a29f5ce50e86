//! Learned dimensions: linear heads over a language model.

use std::path::Path;

use atomic_files::AtomicFile;
use burn::Tensor;
use burn::module::{Module, Param};
use burn::nn::Linear;
use burn::store::ModuleRecord;
use burn::tensor::{Device, Int, TensorData};
use causal_lm::{CausalLm, CausalLmError, FolderError, FolderWriter, LmTokenizer, SaveOptions};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::encode::{RewardBatch, encode_reply};
use crate::error::RewardError;
use crate::length_limits::LengthLimits;
use crate::weights::DimensionWeights;

const HEADS_FILE: &str = "reward_heads.bpk";
const CONFIG_FILE: &str = "reward_heads.json";

/// D regression heads over the hidden state of a language model at a reply's last token.
///
/// The heads are linear and unbounded, as in ArmoRM (2406.12845, section 3.1): regression brings
/// them to the scale of their targets. The reward of a reply is the weighted mean of its heads,
/// `R = Σ_d w_d r̂_d`, the weights summing to 1.
///
/// [`train_regression`](crate::train_regression) fits each head to its dimension,
/// [`train_pairwise`](crate::train_pairwise) the reward as a whole to preferences.
/// [`LearnedDimension`](crate::LearnedDimension) puts either beside the programmatic dimensions.
#[derive(Module, Debug)]
pub struct RewardHeads {
    backbone: CausalLm,
    heads: Linear,
    #[module(skip)]
    dimensions: RewardHeadsConfig,
}

/// What a saved reward model consists of, beside its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RewardHeadsConfig {
    dimensions: Vec<String>,
    weights: Vec<f64>,
    /// Set by pairwise training, whose rewards have no zero of their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reference_reward: Option<f64>,
}

impl RewardHeads {
    /// Heads for the dimensions that `weights` names, on `backbone`, whose device they share. They
    /// start from a uniform distribution of variance `1 / h`, drawn with `seed`.
    ///
    /// # Errors
    /// [`RewardError::InvalidConfig`] if the weights are out of range.
    pub fn new(
        backbone: CausalLm,
        weights: &DimensionWeights,
        seed: u64,
    ) -> Result<Self, RewardError> {
        weights.validate()?;
        let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
        let dimensions = RewardHeadsConfig {
            dimensions: weights.iter().map(|(name, _)| name.to_owned()).collect(),
            weights: weights.iter().map(|(_, weight)| weight / total).collect(),
            reference_reward: None,
        };
        Ok(Self::build(backbone, dimensions, seed))
    }

    fn build(backbone: CausalLm, dimensions: RewardHeadsConfig, seed: u64) -> Self {
        let (h, d) = (backbone.config().hidden_size, dimensions.dimensions.len());
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        // A uniform distribution on (-a, a) has variance a² / 3.
        let bound = (3.0 / h as f64).sqrt();
        let values = (0..h * d).map(|_| ((rng.random::<f64>() * 2.0 - 1.0) * bound) as f32);
        let values = TensorData::new(values.collect::<Vec<f32>>(), [h, d]);
        let device = backbone.device();
        Self {
            heads: Linear {
                weight: Param::from_tensor(Tensor::from_data(values, &device)),
                bias: Some(Param::from_tensor(Tensor::zeros([d], &device))),
            },
            backbone,
            dimensions,
        }
    }

    /// The dimensions, in the order of the heads.
    pub fn dimensions(&self) -> &[String] {
        &self.dimensions.dimensions
    }

    /// The mean reward of the replies that pairwise training learnt from: what a reward is to be
    /// compared with, since preferences say nothing of its zero. None before such a training.
    pub fn reference_reward(&self) -> Option<f64> {
        self.dimensions.reference_reward
    }

    pub(crate) fn set_reference_reward(&mut self, reward: f64) {
        self.dimensions.reference_reward = Some(reward);
    }

    /// The backbone.
    pub fn backbone(&self) -> &CausalLm {
        &self.backbone
    }

    /// The device of the parameters.
    pub fn device(&self) -> Device {
        self.backbone.device()
    }

    /// The same heads on a backbone that does not learn.
    #[must_use]
    pub fn freeze_backbone(mut self) -> Self {
        self.backbone = self.backbone.no_grad();
        self
    }

    /// A score of each dimension for each reply.
    ///
    /// # Shapes
    /// - output: `[b, D]`
    pub(crate) fn forward(&self, batch: &RewardBatch) -> Tensor<2> {
        let hidden = self.backbone.hidden_states(&batch.lm); // [b, t, h]
        let [b, t, h] = hidden.dims();
        let last: Tensor<1, Int> = batch.last.clone(); // [b], into b * t
        let hidden = hidden.reshape([b * t, h]).select(0, last); // [b, h]
        self.heads.forward(hidden) // [b, D]
    }

    /// The reward: the weighted mean of the heads.
    ///
    /// # Shapes
    /// - `scores`: `[b, D]`
    /// - output: `[b]`
    pub(crate) fn reward(&self, scores: Tensor<2>) -> Tensor<1> {
        let weights: Vec<f32> = self.dimensions.weights.iter().map(|&w| w as f32).collect();
        let d = weights.len();
        let weights = Tensor::from_data(TensorData::new(weights, [1, d]), &scores.device());
        (scores * weights).sum_dim(1).squeeze_dim(1) // [b]
    }

    /// Scores replies, given as (prompt, reply): for each, one number a dimension, in the order of
    /// [`dimensions`](Self::dimensions), on the scale that training gave them.
    ///
    /// # Errors
    /// [`RewardError::Example`] for an empty prompt or reply, [`RewardError::InvalidConfig`] for
    /// limits out of range or above the backbone's context, [`RewardError::Vocabulary`], and the
    /// tokenizer's own errors.
    pub fn score(
        &self,
        tokenizer: &LmTokenizer,
        replies: &[(&str, &str)],
        limits: &LengthLimits,
    ) -> Result<Vec<Vec<f32>>, RewardError> {
        limits.validate()?;
        limits.fits(self.backbone.config())?;
        self.check_vocabulary(tokenizer)?;
        let encoder = limits.encoder(tokenizer)?;
        let model = self.valid();
        let device = model.device();
        let mut scores = Vec::with_capacity(replies.len());
        for (chunk, rows) in replies.chunks(limits.batch_size).enumerate() {
            let encoded = rows.iter().enumerate().map(|(i, (prompt, reply))| {
                let row = chunk * limits.batch_size + i;
                encode_reply(&encoder, prompt, reply, row)
            });
            let encoded = encoded.collect::<Result<Vec<_>, _>>()?;
            let batch = RewardBatch::collate(&encoded, tokenizer.pad_id(), &device)?;
            let values = model.forward(&batch).into_data(); // [b, D]
            let values: Vec<f32> = values.iter::<f32>().collect();
            scores.extend(values.chunks(model.dimensions().len()).map(<[f32]>::to_vec));
        }
        Ok(scores)
    }

    /// The reward that [`score`](Self::score)'s numbers of one reply amount to.
    ///
    /// # Panics
    /// Unless there is a number for each dimension.
    pub fn mean_of(&self, scores: &[f32]) -> f64 {
        let weights = &self.dimensions.weights;
        assert_eq!(scores.len(), weights.len(), "one score for each dimension");
        let products = scores.iter().zip(weights).map(|(&s, w)| f64::from(s) * w);
        products.sum()
    }

    pub(crate) fn check_vocabulary(&self, tokenizer: &LmTokenizer) -> Result<(), RewardError> {
        let (tokens, embeddings) = (tokenizer.vocab_size(), self.backbone.config().vocab_size);
        if tokens <= embeddings {
            return Ok(());
        }
        Err(RewardError::Vocabulary { tokens, embeddings })
    }

    /// Writes the backbone as a Hugging Face folder, and the heads beside it
    /// (`reward_heads.json`, `reward_heads.bpk`): the whole folder or nothing. A tokenizer in a folder
    /// that is replaced stays.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use causal_lm::CausalLmConfig;
    /// use reward_model::{DimensionWeights, RewardHeads};
    ///
    /// let decoder = CausalLmConfig {
    ///     vocab_size: 8, hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1,
    ///     num_attention_heads: 2, num_key_value_heads: 1,
    ///     ..CausalLmConfig::default()
    /// };
    /// let backbone = decoder.init(1, &Device::flex())?;
    /// let heads = RewardHeads::new(backbone, &DimensionWeights::default(), 1)?;
    /// let dir = tempfile::tempdir()?;
    /// heads.save_dir(dir.path())?;
    /// let again = RewardHeads::from_dir(dir.path(), &Device::flex())?;
    /// assert_eq!(again.dimensions(), heads.dimensions());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`RewardError::Lm`], [`RewardError::Heads`] or [`RewardError::File`].
    pub fn save_dir(&self, dir: impl AsRef<Path>) -> Result<(), RewardError> {
        let refused = |error: FolderError| CausalLmError::from(error);
        let folder = FolderWriter::create(dir, &[HEADS_FILE, CONFIG_FILE]).map_err(refused)?;
        folder.keep_companions().map_err(refused)?;
        self.backbone.write_into(&folder, &SaveOptions::default())?;
        let heads = folder.path().join(HEADS_FILE);
        let record = self.heads.clone().into_record().into_bytes();
        let record = record.map_err(|e| unreadable(&heads, e))?;
        AtomicFile::write(&heads, &record[..])?;
        let config = folder.write_json(CONFIG_FILE, &self.dimensions);
        config.map_err(refused)?;
        Ok(folder.commit().map_err(refused)?)
    }

    /// Reads what [`save_dir`](Self::save_dir) wrote.
    ///
    /// # Errors
    /// [`RewardError::Lm`] or [`RewardError::Heads`].
    pub fn from_dir(dir: impl AsRef<Path>, device: &Device) -> Result<Self, RewardError> {
        let dir = dir.as_ref();
        let path = dir.join(CONFIG_FILE);
        let json = std::fs::read(&path).map_err(|e| unreadable(&path, e))?;
        let config: RewardHeadsConfig =
            serde_json::from_slice(&json).map_err(|e| unreadable(&path, e))?;
        if config.dimensions.is_empty() || config.dimensions.len() != config.weights.len() {
            return Err(unreadable(&path, "each dimension needs one weight"));
        }
        let mut model = Self::build(CausalLm::from_dir(dir, device)?, config, 0);
        let path = dir.join(HEADS_FILE);
        let record = ModuleRecord::load(&path).map_err(|e| unreadable(&path, e))?;
        model.heads = (model.heads.try_load_record(record)).map_err(|e| unreadable(&path, e))?;
        Ok(model)
    }
}

fn unreadable(path: &Path, reason: impl ToString) -> RewardError {
    RewardError::Heads {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn floats(value: &Value) -> Vec<f32> {
        match value {
            Value::Array(items) => items.iter().flat_map(floats).collect(),
            number => vec![number.as_f64().unwrap() as f32],
        }
    }

    /// transformers' Qwen3Model with a torch Linear at the last token (`goldens/generate.py`).
    #[test]
    fn heads_read_the_last_token_as_in_torch() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/goldens");
        let text = std::fs::read_to_string(dir.join("heads.json")).unwrap();
        let golden: Value = serde_json::from_str(&text).unwrap();
        let device = Device::flex();
        let backbone = CausalLm::from_dir(dir.join("tiny"), &device).unwrap();
        let tokenizer = LmTokenizer::from_file(dir.join("tiny/tokenizer.json")).unwrap();
        let weights = [("a", 1.0), ("b", 3.0), ("c", 0.0)].map(|(name, w)| (name.to_owned(), w));
        let weights = DimensionWeights::new(weights).unwrap();
        let mut model = RewardHeads::new(backbone, &weights, 0).unwrap();
        let h = model.backbone.config().hidden_size;
        let weight = TensorData::new(floats(&golden["weight"]), [3, h]); // torch: [out, in]
        let weight = Tensor::<2>::from_data(weight, &device).transpose();
        model.heads.weight = Param::from_tensor(weight);
        let bias = floats(&golden["bias"]);
        model.heads.bias = Some(Param::from_tensor(Tensor::from_floats(
            bias.as_slice(),
            &device,
        )));

        let rows: Vec<(String, String)> = serde_json::from_value(golden["rows"].clone()).unwrap();
        let rows: Vec<(&str, &str)> = rows.iter().map(|(p, r)| (p.as_str(), r.as_str())).collect();
        for batch_size in [1, 2, 8] {
            let limits = LengthLimits {
                max_length: 64,
                max_prompt_length: 32,
                batch_size,
            };
            let scores = model.score(&tokenizer, &rows, &limits).unwrap();
            let expected = floats(&golden["scores"]);
            assert_eq!(scores.concat().len(), expected.len());
            for (a, e) in scores.concat().iter().zip(&expected) {
                assert!((a - e).abs() < 1e-5, "batches of {batch_size}: {a} != {e}");
            }
        }
        let scores = Tensor::<2>::from_floats([[1.0, 2.0, 100.0]], &device);
        assert_eq!(
            model.reward(scores).into_scalar::<f32>(),
            0.25 * 1.0 + 0.75 * 2.0
        );
        assert_eq!(model.mean_of(&[1.0, 2.0, 100.0]), 0.25 * 1.0 + 0.75 * 2.0);
    }
}
