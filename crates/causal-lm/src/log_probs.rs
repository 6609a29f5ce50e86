//! Log-probabilities of tokens and sequences, and the loss of a language model.

use burn::tensor::activation::log_softmax;
use burn::tensor::{DType, IndexingUpdateOp, Tensor, TensorData};

use crate::batch::LmBatch;
use crate::error::CausalLmError;
use crate::model::CausalLm;

/// How probable a model finds the targets of each row.
#[derive(Debug, Clone)]
pub struct SequenceLogProbs {
    /// `[b]`, the sum over the row's targets, in nats; 0 for a row without a target.
    pub sum: Tensor<1>,
    /// `[b]`, how many targets the row has.
    pub tokens: Tensor<1>,
}

impl SequenceLogProbs {
    /// `[b]`, the mean over the row's targets, in nats a token; 0 for a row without a target.
    pub fn mean(&self) -> Tensor<1> {
        self.sum.clone() / self.tokens.clone().clamp_min(1.0)
    }
}

/// The log-probability of each token but the first, given the tokens before it, in nats; 0 where
/// [`LmBatch::loss_mask`] is false.
///
/// This is the textbook form, over all logits; [`sequence_log_probs`] computes the head for the
/// targets alone.
///
/// # Shapes
/// - `logits`: `[b, t, v]`, from [`CausalLm::forward`]
/// - output: `[b, t - 1]`, f32
pub fn token_log_probs(logits: Tensor<3>, batch: &LmBatch) -> Tensor<2> {
    let [b, t, v] = logits.dims();
    let logits = logits.narrow(1, 0, t - 1); // [b, t-1, v]
    let targets = batch.input_ids.clone().narrow(1, 1, t - 1); // [b, t-1]
    let counted = batch.loss_mask.clone().narrow(1, 1, t - 1); // [b, t-1]
    let log_probs = picked(
        logits.reshape([b * (t - 1), v]),
        targets.reshape([b * (t - 1)]),
    );
    let log_probs = log_probs.reshape([b, t - 1]);
    log_probs.mask_fill(counted.bool_not(), 0.0)
}

/// The log-probability of each row's targets, in nats, with the model's graph.
///
/// # Panics
/// If a token id is outside the vocabulary.
///
/// ```
/// use burn::tensor::Device;
/// use causal_lm::{CausalLmConfig, LmBatch, LmExample, next_token_loss, sequence_log_probs, token_log_probs};
///
/// let device = Device::default();
/// let config = CausalLmConfig { vocab_size: 50, num_hidden_layers: 1, ..Default::default() };
/// let model = config.init(/* seed */ 7, &device)?;
/// // The reply [8, 9] to the prompt [3, 4, 5]; and a text that counts as a whole, but for its first token.
/// let examples = [LmExample::completion(&[3, 4, 5], &[8, 9]), LmExample::new(vec![7, 1, 2, 6])];
/// let batch = LmBatch::collate(&examples, /* pad_id */ 0, &device)?;
/// let log_probs = sequence_log_probs(&model, &batch);
/// assert_eq!(log_probs.tokens.into_data().to_vec::<f32>().unwrap(), [2.0, 3.0]);
///
/// // The same, token by token, from all logits.
/// let tokens = token_log_probs(model.forward(&batch), &batch); // [b, t - 1]
/// let sums: Vec<f32> = tokens.sum_dim(1).into_data().to_vec().unwrap();
/// let together: Vec<f32> = log_probs.sum.into_data().to_vec().unwrap();
/// assert!(sums.iter().zip(&together).all(|(a, b)| (a - b).abs() < 1e-4));
/// let loss: f32 = next_token_loss(&model, &batch)?.into_scalar();
/// assert!((loss + (together[0] + together[1]) / 5.0).abs() < 1e-4);
/// # Ok::<(), causal_lm::CausalLmError>(())
/// ```
pub fn sequence_log_probs(model: &CausalLm, batch: &LmBatch) -> SequenceLogProbs {
    let device = batch.input_ids.device();
    let counts = &batch.targets.counts;
    let tokens: Vec<f32> = counts.iter().map(|&count| count as f32).collect();
    let b = tokens.len();
    let zeros = Tensor::<1>::zeros([b], &device);
    let sum = if batch.targets.len() == 0 {
        zeros
    } else {
        let rows = batch.targets.rows.clone();
        zeros.select_assign(
            0,
            rows,
            target_log_probs(model, batch),
            IndexingUpdateOp::Add,
        )
    };
    SequenceLogProbs {
        sum,
        tokens: Tensor::from_data(TensorData::new(tokens, [b]), &device),
    }
}

/// The language model's loss: minus the mean log-probability of all targets of the batch, in nats
/// a token.
///
/// # Shapes
/// - output: `[1]`, f32, with the model's graph
///
/// # Errors
/// [`CausalLmError::NoTargets`] or [`CausalLmError::TokenId`].
pub fn next_token_loss(model: &CausalLm, batch: &LmBatch) -> Result<Tensor<1>, CausalLmError> {
    batch.check_vocabulary(model.config().vocab_size)?;
    if batch.targets.len() == 0 {
        return Err(CausalLmError::NoTargets);
    }
    Ok(target_log_probs(model, batch).mean().neg())
}

/// The log-probabilities of the batch's `n` targets, row by row: `[n]`.
fn target_log_probs(model: &CausalLm, batch: &LmBatch) -> Tensor<1> {
    let hidden = model.hidden_states(batch); // [b, t, h]
    let [b, t, h] = hidden.dims();
    let predictors = batch.targets.predictors.clone();
    let hidden = hidden.reshape([b * t, h]).select(0, predictors); // [n, h]
    picked(model.logits(hidden), batch.targets.ids.clone())
}

/// `log softmax(logits)[id]`, row by row, in f32.
///
/// # Shapes
/// - `logits`: `[n, v]`
/// - `ids`: `[n]`
/// - output: `[n]`
pub(crate) fn picked(logits: Tensor<2>, ids: Tensor<1, burn::tensor::Int>) -> Tensor<1> {
    let log_probs = log_softmax(logits.cast(DType::F32), 1); // [n, v]
    log_probs
        .gather(1, ids.unsqueeze_dim(1))
        .squeeze_dim::<1>(1) // [n]
}
