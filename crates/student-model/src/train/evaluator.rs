//! A look at other pairs during training.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::{BertForSequenceClassification, StudentError};

/// Metrics of a model, without dropout and gradients, on pairs that it does not train on: what
/// `eval_steps`, `metric_for_best_model` and early stopping look at. Build it on
/// [`predict`](crate::predict) and any evaluation, whose errors stay what they are: the sources of
/// [`StudentError::Evaluation`].
///
/// ```
/// use std::collections::BTreeMap;
/// use student_model::{Evaluator, StudentError, predict};
/// # use pair_tokenizer::{PairTokenizer, PairTokenizerConfig};
/// # use student_model::train_wordpiece;
/// # let words = train_wordpiece(["usb mouse lamp"], 60)?;
/// # let tokenizer = PairTokenizer::from_tokenizer(words, PairTokenizerConfig::default())?;
///
/// let evaluator = Evaluator::new(move |model| {
///     let probabilities = predict(model, &tokenizer, &[("usb mouse", "mouse"), ("lamp", "mouse")], 8)?;
///     let right = f64::from(probabilities[[0, 0]] > 0.5) + f64::from(probabilities[[1, 1]] > 0.5);
///     Ok::<_, StudentError>(BTreeMap::from([("accuracy".to_owned(), right / 2.0)]))
/// });
/// # use student_model::{BertConfig, BertForSequenceClassification};
/// # let bert = BertConfig { vocab_size: 60, hidden_size: 16, num_hidden_layers: 1, num_attention_heads: 2,
/// #     intermediate_size: 32, ..BertConfig::default() }.with_labels(&["Relevant", "Irrelevant"]);
/// # let model = bert.init(7, &burn::tensor::Device::default())?;
/// assert!((0.0..=1.0).contains(&evaluator.evaluate(&model)?["accuracy"]));
///
/// let failing = Evaluator::new(|_| Err::<BTreeMap<String, f64>, _>("no held-out pairs"));
/// let error = failing.evaluate(&model).unwrap_err();
/// assert_eq!(error.to_string(), "the evaluator failed: no held-out pairs");
/// # Ok::<(), StudentError>(())
/// ```
#[derive(Clone)]
pub struct Evaluator(Arc<EvaluateFn>);

type EvaluateFn = dyn Fn(&BertForSequenceClassification) -> Result<BTreeMap<String, f64>, StudentError>
    + Send
    + Sync;

impl Evaluator {
    /// An evaluator from a function. Its error is kept as the source of
    /// [`StudentError::Evaluation`]; a [`StudentError`] stays what it is.
    pub fn new<E>(
        evaluate: impl Fn(&BertForSequenceClassification) -> Result<BTreeMap<String, f64>, E>
        + Send
        + Sync
        + 'static,
    ) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let own_or = |error: E| {
            StudentError::own_or(error.into(), |source| StudentError::Evaluation { source })
        };
        Self(Arc::new(move |model| evaluate(model).map_err(own_or)))
    }

    /// The metrics of a model, which should be on a device without autodiff.
    ///
    /// # Errors
    /// As the function that it was made from.
    pub fn evaluate(
        &self,
        model: &BertForSequenceClassification,
    ) -> Result<BTreeMap<String, f64>, StudentError> {
        (self.0)(model)
    }
}

impl fmt::Debug for Evaluator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Evaluator")
    }
}
