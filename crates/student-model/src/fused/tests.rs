//! The fused operations equal burn's, values and gradients, without dropout and with the masks that
//! they draw.

use std::sync::{Mutex, MutexGuard};

use burn::module::Param;
use burn::nn::{Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear, LinearConfig};
use burn::tensor::activation::{gelu, softmax};
use burn::tensor::{Device, Distribution, Tensor};

use super::dropout_mask::DropoutMask;
use super::{Projections, applies_to, attention, bias_gelu, residual_norm};

const EPSILON: f64 = 1e-12;

fn device() -> Device {
    Device::flex().autodiff()
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

/// The device's generator is one for the whole process: whoever seeds it holds this.
static SEED: Mutex<()> = Mutex::new(());

fn seeded(device: &Device) -> MutexGuard<'static, ()> {
    let guard = SEED.lock().unwrap_or_else(|error| error.into_inner());
    device.seed(3);
    guard
}

/// The factors that the next draw will have, if the device has just been [`seeded`]; leaves it so.
fn coming_mask<const D: usize>(dropout: &Dropout, shape: [usize; D], device: &Device) -> Tensor<D> {
    let mask = DropoutMask::draw(dropout);
    device.seed(3);
    let count = shape.iter().product::<usize>() as u32;
    let factors: Vec<f32> = (0..count).map(|i| mask.factor(i)).collect();
    Tensor::from_data(burn::tensor::TensorData::new(factors, shape), device)
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
fn residual_norm_works_like_burns_operations() {
    let device = device();
    let shape = [3, 50, 20];
    let norm = norm(20, &device);
    let (gamma, beta) = (norm.gamma.val(), norm.beta.as_ref().unwrap().val());
    for prob in [0.0, 0.4] {
        let [z, residual] = [0, 1].map(|_| random(shape, &device));
        let bias = random([20], &device);
        let dropout = dropout(prob);
        let _guard = seeded(&device);
        let mask = coming_mask(&dropout, shape, &device);
        let inputs = (z.clone(), bias.clone(), residual.clone());
        let found = residual_norm(inputs.0, inputs.1, inputs.2, &dropout, &norm, EPSILON);
        let dropped = (z.clone() + bias.clone().unsqueeze()) * mask;
        let expected = norm.forward(dropped + residual.clone());
        let vectors = [("bias", &bias), ("gamma", &gamma), ("beta", &beta)];
        let batches = [("z", &z), ("residual", &residual)];
        assert_same(found, expected, &[], &vectors, &batches);
    }
}

struct Layer {
    query: Linear,
    key: Linear,
    value: Linear,
}

impl Layer {
    fn new(width: usize, device: &Device) -> Self {
        let linear = || {
            let linear = LinearConfig::new(width, width).init(device);
            // burn draws weights when they are first asked for, which would be after the seeding.
            let _drawn = (linear.weight.val(), linear.bias.as_ref().map(Param::val));
            linear
        };
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
        mask: Tensor<4>,
    ) -> Tensor<3> {
        let [_, heads, _, _] = mask.dims();
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
        let probabilities = softmax(scores, 3) * mask;
        let context = probabilities.matmul(split(self.value.forward(hidden)));
        context.swap_dims(1, 2).reshape([b, q, h])
    }
}

#[test]
fn attention_works_like_burns_operations() {
    let device = device();
    // Six heads: one whole group and a part of one.
    let (b, t, h, heads) = (3, 21, 36, 6);
    let layer = Layer::new(h, &device);
    for (q, padded, prob) in [
        (21, false, 0.0),
        (1, false, 0.3),
        (21, true, 0.3),
        (1, true, 0.0),
    ] {
        let (rows, hidden) = (random([b, q, h], &device), random([b, t, h], &device));
        let bias = padded.then(|| {
            let last = Tensor::<4>::full([b, 1, 1, 4], -1e9, &device);
            Tensor::cat(vec![Tensor::zeros([b, 1, 1, t - 4], &device), last], 3)
        });
        let dropout = dropout(prob);
        let _guard = seeded(&device);
        let mask = coming_mask(&dropout, [b, heads, q, t], &device);
        let found = attention(
            rows.clone(),
            hidden.clone(),
            &layer.projections(),
            bias.clone(),
            heads,
            &dropout,
        );
        let expected = layer.spelled_out(rows.clone(), hidden.clone(), bias, mask);
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
fn attention_of_a_tensor_to_itself_adds_both_its_gradients() {
    let device = device();
    let (shape, heads) = ([3, 21, 36], 6);
    let layer = Layer::new(36, &device);
    let hidden = random(shape, &device);
    let dropout = dropout(0.3);
    let _guard = seeded(&device);
    let mask = coming_mask(&dropout, [3, heads, 21, 21], &device);
    let [rows, keys] = [0, 1].map(|_| hidden.clone());
    let found = attention(rows, keys, &layer.projections(), None, heads, &dropout);
    let expected = layer.spelled_out(hidden.clone(), hidden.clone(), None, mask);
    assert_same(found, expected, &[], &[], &[("hidden", &hidden)]);
}

#[test]
fn masks_follow_the_seed() {
    let device = device();
    let norm = norm(20, &device);
    let (z, bias) = (random([2, 5, 20], &device), random([20], &device));
    let _guard = seeded(&device);
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
