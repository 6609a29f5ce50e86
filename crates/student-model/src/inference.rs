//! Running a model of which nothing is learned.

use ndarray::Array2;
use pair_tokenizer::{Encoding, TokenBatch};

use crate::{BertConfig, BertForSequenceClassification, StudentError};

/// What is asked of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The classifier's logits, `[b, K]`.
    Logits,
    /// The last hidden state at `[CLS]`, `[b, h]`.
    Cls,
}

impl Wanted {
    /// Numbers a row.
    pub(crate) fn width(self, config: &BertConfig) -> usize {
        match self {
            Self::Logits => config.num_labels(),
            Self::Cls => config.hidden_size,
        }
    }
}

/// The fastest way to run a model where it is: our own kernels on the pure-Rust backend, burn elsewhere.
#[derive(Debug)]
pub(crate) struct Inference {
    #[cfg(feature = "flex")]
    engine: Option<crate::cpu::CpuEngine>,
}

impl Inference {
    /// Copies the weights if the kernels are for them.
    #[cfg_attr(not(feature = "flex"), allow(unused_variables))]
    pub(crate) fn new(model: &BertForSequenceClassification) -> Self {
        Self {
            #[cfg(feature = "flex")]
            engine: crate::cpu::CpuEngine::new(model),
        }
    }

    /// A row of numbers for each of `rows`; `model` is the one given to [`new`](Self::new).
    pub(crate) fn run(
        &self,
        model: &BertForSequenceClassification,
        wanted: Wanted,
        rows: &[&Encoding],
        pad_id: u32,
    ) -> Result<Array2<f32>, StudentError> {
        let shape = (rows.len(), wanted.width(model.config()));
        let matrix = |numbers: Vec<f32>| {
            Array2::from_shape_vec(shape, numbers).map_err(|e| StudentError::Device(e.to_string()))
        };
        #[cfg(feature = "flex")]
        if let Some(engine) = &self.engine
            && rows.iter().all(|row| is_sound(row))
        {
            return matrix(match wanted {
                Wanted::Logits => engine.logits(rows),
                Wanted::Cls => engine.cls(rows),
            });
        }
        let output = model.forward(&TokenBatch::collate(rows, pad_id, &model.device())?);
        let output = match wanted {
            Wanted::Logits => output.logits,
            Wanted::Cls => output.cls,
        };
        let output = output.try_into_vec_as::<f32>();
        matrix(output.map_err(|e| StudentError::Device(e.to_string()))?)
    }
}

/// An encoding that [`TokenBatch::collate`] would take; it says what is wrong with the others.
#[cfg(feature = "flex")]
fn is_sound(row: &Encoding) -> bool {
    !row.ids.is_empty() && row.ids.len() == row.type_ids.len()
}
