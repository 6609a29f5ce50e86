//! The fused operations equal burn's, values and gradients; under dropout the gradient is that of
//! the function that the forward pass computed.

use burn::module::Param;
use burn::nn::{Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Device, Distribution, Tensor};

use super::{Projections, applies_to, attention, bias_gelu, residual_norm};

const EPSILON: f64 = 1e-12;

fn device() -> Device {
    let device = Device::flex().autodiff();
    device.seed(7);
    device
}

fn random<const D: usize>(shape: [usize; D], device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Normal(0.0, 1.0), device).require_grad()
}

fn dropout(prob: f64) -> Dropout {
    DropoutConfig::new(prob).init()
}

fn norm(width: usize, device: &Device) -> LayerNorm {
    let mut norm = LayerNormConfig::new(width)
        .with_epsilon(EPSILON)
        .init(device);
    norm.gamma = Param::from_tensor(random([width], device).detach());
    norm.beta = Some(Param::from_tensor(random([width], device).detach()));
    norm
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().unwrap()
}

fn assert_close<const D: usize>(what: &str, found: Tensor<D>, expected: Tensor<D>) {
    assert_eq!(found.dims(), expected.dims(), "{what}");
    for (i, (found, expected)) in numbers(found)
        .into_iter()
        .zip(numbers(expected))
        .enumerate()
    {
        let bound = 1e-5 * expected.abs().max(1.0);
        assert!(
            (found - expected).abs() < bound,
            "{what} [{i}]: {found} {expected}"
        );
    }
}

/// A sum in which each element has its own weight, so that no gradient is constant.
fn weighted<const D: usize>(output: &Tensor<D>) -> Tensor<1> {
    let count = output.shape().num_elements();
    let weights = Tensor::<1, burn::tensor::Int>::arange(0..count as i64, &output.device());
    let weights = (weights.float() * 0.37).sin().reshape(output.shape());
    (output.clone() * weights).sum()
}

/// Asserts that outputs and the gradients of `inputs` agree.
fn assert_same<const D: usize>(
    found: Tensor<D>,
    expected: Tensor<D>,
    matrices: &[(&str, &Tensor<2>)],
    vectors: &[(&str, &Tensor<1>)],
    batches: &[(&str, &Tensor<3>)],
) {
    assert_close("output", found.clone(), expected.clone());
    let (found, expected) = (weighted(&found).backward(), weighted(&expected).backward());
    fn each<const D: usize>(
        inputs: &[(&str, &Tensor<D>)],
        [found, expected]: [&burn::tensor::Gradients; 2],
    ) {
        for (name, input) in inputs {
            let expected = input.grad(expected).unwrap();
            assert_close(name, input.grad(found).unwrap(), expected);
        }
    }
    each(matrices, [&found, &expected]);
    each(vectors, [&found, &expected]);
    each(batches, [&found, &expected]);
}

/// Asserts that the change of `function` along a direction is what its gradient says.
fn assert_gradient(function: impl Fn(Tensor<3>) -> Tensor<3>, shape: [usize; 3]) {
    let device = device();
    let x = random(shape, &device);
    let direction = random(shape, &device).detach();
    let value = |step: f64| {
        device.seed(3);
        let moved = x.clone().detach() + direction.clone() * step;
        let value: f32 = weighted(&function(moved)).into_scalar();
        f64::from(value)
    };
    device.seed(3);
    let grad = x.grad(&weighted(&function(x.clone())).backward()).unwrap();
    let slope: f32 = (grad * direction.clone().inner()).sum().into_scalar();
    let step = 2e-2;
    let expected = (value(step) - value(-step)) / (2.0 * step);
    let error = (f64::from(slope) - expected).abs();
    assert!(error < 2e-2 * expected.abs().max(1.0), "{slope} {expected}");
}

#[test]
fn gelu_works_like_burns() {
    let device = device();
    let (z, bias) = (random([3, 50, 20], &device) * 3.0, random([20], &device));
    let z = z.detach().require_grad();
    let found = bias_gelu(z.clone(), bias.clone());
    let expected = gelu(z.clone() + bias.clone().unsqueeze());
    assert_same(found, expected, &[], &[("bias", &bias)], &[("z", &z)]);
}

#[test]
fn residual_norm_works_like_burns() {
    let device = device();
    let [z, residual] = [0, 1].map(|_| random([3, 50, 20], &device));
    let bias = random([20], &device);
    let norm = norm(20, &device);
    let found = residual_norm(
        z.clone(),
        bias.clone(),
        residual.clone(),
        &dropout(0.0),
        &norm,
        EPSILON,
    );
    let expected = norm.forward(z.clone() + bias.clone().unsqueeze() + residual.clone());
    let (gamma, beta) = (norm.gamma.val(), norm.beta.as_ref().unwrap().val());
    let vectors = [("bias", &bias), ("gamma", &gamma), ("beta", &beta)];
    let batches = [("z", &z), ("residual", &residual)];
    assert_same(found, expected, &[], &vectors, &batches);
}

#[test]
fn residual_norm_under_dropout_has_the_gradient_of_its_own_mask() {
    let device = device();
    let norm = norm(20, &device);
    let (bias, residual) = (random([20], &device), random([3, 50, 20], &device));
    let function = |z| {
        let dropout = dropout(0.4);
        residual_norm(z, bias.clone(), residual.clone(), &dropout, &norm, EPSILON)
    };
    assert_gradient(function, [3, 50, 20]);
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
}

impl Layer {
    fn new(width: usize, device: &Device) -> Self {
        let linear = || LinearConfig::new(width, width).init(device);
        Self {
            query: linear(),
            key: linear(),
            value: linear(),
        }
    }

    fn projections(&self) -> Projections<'_> {
        Projections {
            query: &self.query,
            key: &self.key,
            value: &self.value,
        }
    }

    /// The formula, operation by operation.
    fn spelled_out(
        &self,
        rows: Tensor<3>,
        hidden: Tensor<3>,
        bias: Option<Tensor<4>>,
        heads: usize,
    ) -> Tensor<3> {
        let [b, q, h] = rows.dims();
        let split = |x: Tensor<3>| {
            let [b, t, h] = x.dims();
            x.reshape([b, t, heads, h / heads]).swap_dims(1, 2)
        };
        let query = split(self.query.forward(rows)) / ((h / heads) as f64).sqrt();
        let key = split(self.key.forward(hidden.clone()));
        let mut scores = query.matmul(key.swap_dims(2, 3));
        if let Some(bias) = bias {
            scores = scores + bias;
        }
        let context = softmax(scores, 3).matmul(split(self.value.forward(hidden)));
        context.swap_dims(1, 2).reshape([b, q, h])
    }
}

#[test]
fn attention_works_like_burns_operations() {
    let device = device();
    // Six heads: one whole group and a part of one.
    let (b, t, h, heads) = (3, 21, 36, 6);
    let layer = Layer::new(h, &device);
    for (q, padded) in [(21, false), (1, false), (21, true), (1, true)] {
        let (rows, hidden) = (random([b, q, h], &device), random([b, t, h], &device));
        let bias = padded.then(|| {
            let last = Tensor::<4>::full([b, 1, 1, 4], -1e9, &device);
            Tensor::cat(vec![Tensor::zeros([b, 1, 1, t - 4], &device), last], 3)
        });
        let found = attention(
            rows.clone(),
            hidden.clone(),
            &layer.projections(),
            bias.clone(),
            heads,
            &dropout(0.0),
        );
        let expected = layer.spelled_out(rows.clone(), hidden.clone(), bias, heads);
        let [wq, wk, wv] = [&layer.query, &layer.key, &layer.value].map(|l| l.weight.val());
        let [bq, bk, bv] =
            [&layer.query, &layer.key, &layer.value].map(|l| l.bias.as_ref().unwrap().val());
        assert_same(
            found,
            expected,
            &[
                ("query weight", &wq),
                ("key weight", &wk),
                ("value weight", &wv),
            ],
            &[("query bias", &bq), ("key bias", &bk), ("value bias", &bv)],
            &[("rows", &rows), ("hidden", &hidden)],
        );
    }
}

#[test]
fn attention_under_dropout_has_the_gradient_of_its_own_mask() {
    let device = device();
    let layer = Layer::new(36, &device);
    let function = |hidden: Tensor<3>| {
        let dropout = dropout(0.3);
        let rows = hidden.clone();
        attention(rows, hidden, &layer.projections(), None, 6, &dropout)
    };
    assert_gradient(function, [3, 21, 36]);
}

#[test]
fn masks_follow_the_seed() {
    let device = device();
    let norm = norm(20, &device);
    let (z, bias) = (random([2, 5, 20], &device), random([20], &device));
    let run = |seed| {
        device.seed(seed);
        let residual = Tensor::zeros([2, 5, 20], &device);
        let dropout = dropout(0.5);
        let output = residual_norm(z.clone(), bias.clone(), residual, &dropout, &norm, EPSILON);
        numbers(output)
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn only_f32_on_this_backend_with_autodiff_is_taken() {
    let device = device();
    let tensor = Tensor::<2>::zeros([1, 1], &device);
    assert!(applies_to(&tensor));
    assert!(!applies_to(&tensor.inner()));
}
