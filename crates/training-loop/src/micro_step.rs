//! Forward and backward on one batch, and the guard between a bad loss and the optimizer.

use burn::Tensor;
use burn::optim::GradientsParams;
use burn::tensor::{Device, FloatDType};

use crate::error::TrainError;
use crate::gradient::scale;
use crate::seed::mix_seed;
use crate::task::{StepContext, TrainTask};

/// What is left of a batch once its gradients are computed.
pub(crate) struct Micro {
    pub(crate) context: StepContext,
    pub(crate) loss: Tensor<1>,
    pub(crate) metrics: Vec<(String, f64)>,
    pub(crate) tensor_metrics: Vec<(String, Tensor<1>)>,
    pub(crate) warnings: Vec<String>,
    pub(crate) num_items: usize,
}

impl Micro {
    /// Runs the task on one batch. The seed makes dropout a function of the position in the run, so
    /// that a resumed run draws what the whole run would have drawn.
    pub(crate) fn compute<T: TrainTask>(
        task: &T,
        model: &T::Model,
        context: StepContext,
        device: &Device,
        run: &str,
    ) -> Result<(Self, GradientsParams), TrainError> {
        let StepContext {
            step,
            epoch,
            batch,
            seed,
            ..
        } = context;
        let failed = |source: T::Error| TrainError::Task {
            step,
            epoch,
            batch,
            source: Box::new(source),
        };
        device.seed(mix_seed(seed, context.micro_step as u64));
        let input = task.batch(epoch, batch, seed).map_err(failed)?;
        let output = task.step(model, input, &context).map_err(failed)?;
        if output.gradients.is_none() && !output.loss.device().is_autodiff() {
            return Err(TrainError::NotTrainable {
                task: run.to_owned(),
                reason: "its loss is not on an autodiff device".to_owned(),
            });
        }
        let plain = |value: Tensor<1>| value.without_autodiff().cast(FloatDType::F32);
        let micro = Self {
            context,
            loss: plain(output.loss.clone()),
            metrics: output.metrics,
            tensor_metrics: output
                .tensor_metrics
                .into_iter()
                .map(|(name, value)| (name, plain(value)))
                .collect(),
            warnings: output.warnings,
            num_items: output.num_items.unwrap_or(0),
        };
        // Averaging, not summing: each batch weighs 1/n, as in `transformers.Trainer`.
        let grads = match output.gradients {
            Some(grads) if context.accumulated == 1 => grads,
            Some(grads) => scale(model, grads, 1.0 / context.accumulated as f64),
            None if context.accumulated == 1 => {
                GradientsParams::from_grads(output.loss.backward(), model)
            }
            None => GradientsParams::from_grads(
                output
                    .loss
                    .div_scalar(context.accumulated as f64)
                    .backward(),
                model,
            ),
        };
        Ok((micro, grads))
    }
}

/// The norm, the losses, then the metrics still on the device, in one transfer.
pub(crate) fn read(micros: &[Micro], norm: Tensor<1>) -> Result<Vec<f32>, TrainError> {
    let losses = micros.iter().map(|m| m.loss.clone());
    let metrics = micros.iter().flat_map(|m| &m.tensor_metrics);
    let metrics = metrics.map(|(_, value)| value.clone());
    let all: Vec<_> = std::iter::once(norm).chain(losses).chain(metrics).collect();
    let expected = all.len();
    let values: Vec<f32> = Tensor::cat(all, 0).into_data().iter::<f32>().collect();
    if values.len() == expected {
        return Ok(values);
    }
    let StepContext {
        step, epoch, batch, ..
    } = micros[0].context;
    let source = "a loss or metric tensor of the task does not hold exactly one element".into();
    Err(TrainError::Task {
        step,
        epoch,
        batch,
        source,
    })
}

pub(crate) fn check_finite(micros: &[Micro], losses: &[f32], norm: f32) -> Result<(), TrainError> {
    for (micro, &loss) in micros.iter().zip(losses) {
        if !loss.is_finite() {
            let StepContext {
                step, epoch, batch, ..
            } = micro.context;
            return Err(TrainError::NonFiniteLoss {
                step,
                epoch,
                batch,
                loss,
            });
        }
    }
    if norm.is_finite() {
        return Ok(());
    }
    let [first, last] = [micros.first(), micros.last()].map(|m| {
        m.expect("an optimizer step has a batch: a bug in training-loop")
            .context
    });
    Err(TrainError::NonFiniteGradient {
        step: first.step,
        epoch: first.epoch,
        first_batch: first.batch,
        last_batch: last.batch,
        norm,
    })
}
