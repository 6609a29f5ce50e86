//! A small regression model and task that the tests share.
#![allow(dead_code)]

use burn::module::{Module, Param};
use burn::nn::{Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::{Device, Tensor, TensorData};
use serde_json::Value;
use training_loop::{BatchSampler, StepContext, StepOutput, TrainTask};

#[derive(Module, Debug)]
pub(crate) struct Regressor {
    pub(crate) up: Linear,
    pub(crate) norm: LayerNorm,
    pub(crate) dropout: Dropout,
    pub(crate) down: Linear,
}

impl Regressor {
    pub(crate) fn new(dropout: f64, device: &Device) -> Self {
        Self {
            up: LinearConfig::new(4, 8).init(device),
            norm: LayerNormConfig::new(8).init(device),
            dropout: DropoutConfig::new(dropout).init(),
            down: LinearConfig::new(8, 1).init(device),
        }
    }

    /// The weights of a torch `state_dict`, without dropout.
    pub(crate) fn from_state_dict(state: &Value, device: &Device) -> Self {
        let mut model = Self::new(0.0, device);
        model.up.weight = matrix(&state["up.weight"], device);
        model.up.bias = Some(vector(&state["up.bias"], device));
        model.norm.gamma = vector(&state["norm.weight"], device);
        model.norm.beta = Some(vector(&state["norm.bias"], device));
        model.down.weight = matrix(&state["down.weight"], device);
        model.down.bias = Some(vector(&state["down.bias"], device));
        model
    }

    pub(crate) fn forward(&self, x: Tensor<2>) -> Tensor<1> {
        let hidden = self.norm.forward(self.up.forward(x)).tanh(); // [b, 8]
        self.down
            .forward(self.dropout.forward(hidden))
            .squeeze_dim(1) // [b]
    }
}

/// A torch Linear holds [out, in], burn's [in, out].
fn matrix(value: &Value, device: &Device) -> Param<Tensor<2>> {
    let rows = value.as_array().unwrap().len();
    let data = TensorData::new(floats(value), [rows, floats(value).len() / rows]);
    Param::from_tensor(Tensor::<2>::from_data(data, device).transpose())
}

fn vector(value: &Value, device: &Device) -> Param<Tensor<1>> {
    Param::from_tensor(Tensor::from_floats(floats(value).as_slice(), device))
}

/// All numbers of a nested list, in order.
pub(crate) fn floats(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(items) => items.iter().flat_map(floats).collect(),
        number => vec![number.as_f64().unwrap() as f32],
    }
}

/// Mean squared error on fixed points.
pub(crate) struct Task {
    pub(crate) x: Vec<f32>,
    pub(crate) y: Vec<f32>,
    pub(crate) sampler: BatchSampler,
    pub(crate) device: Device,
    /// The (epoch, batch) whose target is replaced by this value.
    pub(crate) poison: Option<(usize, usize, f32)>,
    pub(crate) config: Value,
}

impl Task {
    pub(crate) fn new(len: usize, sampler: BatchSampler, device: Device) -> Self {
        let x: Vec<f32> = (0..len * 4)
            .map(|i| ((i * 37 % 101) as f32 / 50.0) - 1.0)
            .collect();
        let y = x
            .chunks(4)
            .map(|row| row.iter().sum::<f32>().sin())
            .collect();
        Self {
            x,
            y,
            sampler,
            device,
            poison: None,
            config: Value::Null,
        }
    }
}

impl TrainTask for Task {
    type Model = Regressor;
    type Batch = (Tensor<2>, Tensor<1>);
    type Error = std::io::Error;

    fn num_batches(&self) -> usize {
        self.sampler.num_batches()
    }

    fn batch(&self, epoch: usize, index: usize, seed: u64) -> Result<Self::Batch, Self::Error> {
        let rows = self.sampler.indices(epoch, index, seed);
        let x: Vec<f32> = rows
            .iter()
            .flat_map(|&i| self.x[i * 4..i * 4 + 4].to_vec())
            .collect();
        let mut y: Vec<f32> = rows.iter().map(|&i| self.y[i]).collect();
        if let Some((e, b, value)) = self.poison
            && (e, b) == (epoch, index)
        {
            y[0] = value;
        }
        let x = Tensor::from_data(TensorData::new(x, [rows.len(), 4]), &self.device);
        Ok((x, Tensor::from_floats(y.as_slice(), &self.device)))
    }

    fn step(
        &self,
        model: &Regressor,
        (x, y): Self::Batch,
        context: &StepContext,
    ) -> Result<StepOutput, Self::Error> {
        if context.step == 1_000_000 {
            return Err(std::io::Error::other("unreachable step"));
        }
        let rows = y.dims()[0];
        let error = model.forward(x) - y;
        Ok(StepOutput::new(error.clone().square().mean())
            .with_tensor_metric("absolute_error", error.abs().mean())
            .with_metric("rows", rows as f64)
            .with_num_items(rows))
    }

    fn config(&self) -> Value {
        self.config.clone()
    }
}
