//! Gradient caching equals the whole batch at once: values, gradients, dropout.
//!
//! Alone in its file, one test at a time: on `flex` the random numbers of dropout belong to the
//! process.

use std::sync::{Mutex, MutexGuard};

use burn::module::{Module, ModuleVisitor, Param};
use burn::nn::{Dropout, DropoutConfig, Linear, LinearConfig};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, Int, Tensor, TensorData};
use crsd_loss::{
    Chunk, CrsdInput, CrsdLossConfig, CrsdLossError, Direction, GradCache, NegativeMask,
    label_tensor, without_graph,
};
use proptest::prelude::*;

const WIDTH: usize = 5;
const HIDDEN: usize = 6;
const CLASSES: usize = 3;

static RANDOM: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    RANDOM.lock().unwrap_or_else(|e| e.into_inner())
}

#[derive(Module, Debug)]
struct Encoder {
    inner: Linear,
    dropout: Dropout,
    classifier: Linear,
}

type Outputs = [Tensor<2>; 2];

impl Encoder {
    fn new(dropout: f64, device: &Device) -> Self {
        device.seed(3);
        Self {
            inner: LinearConfig::new(WIDTH, HIDDEN).init(device),
            dropout: DropoutConfig::new(dropout).init(),
            classifier: LinearConfig::new(HIDDEN, CLASSES).init(device),
        }
    }

    /// Logits and representations.
    fn forward(&self, x: &Tensor<2>) -> Result<Outputs, CrsdLossError> {
        let hidden = self.dropout.forward(self.inner.forward(x.clone())).tanh();
        Ok([self.classifier.forward(hidden.clone()), hidden])
    }
}

/// Everything that a batch needs.
struct Batch {
    /// `[b, WIDTH]` of both views.
    views: [Tensor<2>; 2],
    labels: Tensor<1, Int>,
    negatives: Option<NegativeMask>,
}

impl Batch {
    fn new(b: usize, device: &Device) -> Self {
        let view = |phase: f32| {
            let values = (0..b * WIDTH).map(|i| (i as f32 * 1.7 + phase).sin());
            let data = TensorData::new(values.collect::<Vec<f32>>(), [b, WIDTH]);
            Tensor::from_data(data, device)
        };
        let labels: Vec<usize> = (0..b).map(|i| i * 7 % CLASSES).collect();
        let keys: Vec<usize> = (0..b).map(|i| i % 4).collect();
        Self {
            views: [view(0.0), view(0.4)],
            labels: label_tensor(&labels, CLASSES, device).unwrap(),
            negatives: NegativeMask::from_keys(&keys, device),
        }
    }

    fn chunks(&self, view: usize, rows: &[Vec<usize>]) -> Vec<Chunk<Tensor<2>>> {
        let device = self.views[view].device();
        let chunk = |rows: &Vec<usize>| Chunk {
            input: self.views[view].clone().select(0, index(rows, &device)),
            rows: rows.clone(),
        };
        rows.iter().map(chunk).collect()
    }

    fn loss(&self, [standard, reasoned]: [Outputs; 2]) -> Tensor<1> {
        let config = CrsdLossConfig::new().with_direction(Direction::Symmetric);
        let config = config.with_temperature(0.2).with_lambda(0.7);
        let [standard_logits, standard] = standard;
        let [reasoned_logits, reasoned] = reasoned;
        let input = CrsdInput {
            standard_logits,
            reasoned_logits,
            standard,
            reasoned,
            labels: self.labels.clone(),
            negatives: self.negatives.clone(),
        };
        let output = config.init().unwrap().forward(input, 1.0).unwrap();
        output.per_example.mean()
    }
}

fn index(rows: &[usize], device: &Device) -> Tensor<1, Int> {
    let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
    let shape = [rows.len()];
    Tensor::from_data(TensorData::new(rows, shape), device)
}

/// The rows `0..b` backwards from some place, cut into chunks of `size`.
fn rows(b: usize, size: usize, rotation: usize) -> Vec<Vec<usize>> {
    let rows: Vec<usize> = (0..b).rev().map(|i| (i + rotation) % b).collect();
    rows.chunks(size).map(<[usize]>::to_vec).collect()
}

struct Outcome {
    loss: f32,
    gradients: Vec<Vec<f32>>,
}

/// The loss and the sum of the gradients, cached.
fn cached(model: &Encoder, batch: &Batch, rows: &[Vec<Vec<usize>>; 2]) -> Outcome {
    let device = batch.views[0].device();
    let frozen = without_graph(model);
    let caches = [0, 1].map(|view| {
        let chunks = batch.chunks(view, &rows[view]);
        let seed = 100 * (view as u64 + 1);
        GradCache::encode(chunks, seed, &device, |x| frozen.forward(x)).unwrap()
    });
    let loss = batch.loss([caches[0].outputs(), caches[1].outputs()]);
    let mut gradients = loss.backward();
    let mut sum = GradientsAccumulator::new();
    for cache in caches {
        let add = |gradients| sum.accumulate(model, GradientsParams::from_grads(gradients, model));
        let done = cache.backward(&mut gradients, |x| model.forward(x), add);
        done.unwrap();
    }
    outcome(model, loss, sum.grads())
}

/// The same from one graph over all chunks, drawn with the same masks.
fn whole(model: &Encoder, batch: &Batch, rows: &[Vec<Vec<usize>>; 2]) -> Outcome {
    let device = batch.views[0].device();
    let outputs = [0, 1].map(|view| {
        let chunks = batch.chunks(view, &rows[view]);
        let seed = 100 * (view as u64 + 1);
        let encoded = chunks.iter().zip(0..).map(|(chunk, number)| {
            device.seed(seed + number);
            model.forward(&chunk.input).unwrap()
        });
        let [logits, hidden]: [Vec<_>; 2] =
            encoded.fold([vec![], vec![]], |[mut a, mut b], [x, y]| {
                a.push(x);
                b.push(y);
                [a, b]
            });
        let placed: Vec<usize> = rows[view].concat();
        let place = |row| placed.iter().position(|&other| other == row).unwrap();
        let order: Vec<usize> = (0..placed.len()).map(place).collect();
        [logits, hidden].map(|parts| Tensor::cat(parts, 0).select(0, index(&order, &device)))
    });
    let loss = batch.loss(outputs);
    let gradients = GradientsParams::from_grads(loss.backward(), model);
    outcome(model, loss, gradients)
}

fn outcome(model: &Encoder, loss: Tensor<1>, gradients: GradientsParams) -> Outcome {
    struct Values<'a>(&'a GradientsParams, Vec<Vec<f32>>);
    impl ModuleVisitor for Values<'_> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let gradient = self.0.get::<D>(param.id).expect("every parameter is used");
            self.1.push(gradient.into_data().iter().collect());
        }
    }
    let mut values = Values(&gradients, Vec::new());
    model.visit(&mut values);
    Outcome {
        loss: loss.into_scalar(),
        gradients: values.1,
    }
}

/// Within 1e-5 of the largest number of each gradient.
fn assert_equal(found: &Outcome, expected: &Outcome) {
    let far = (found.loss - expected.loss).abs() / expected.loss.abs();
    assert!(far <= 1e-5, "loss {} {}", found.loss, expected.loss);
    for (found, expected) in found.gradients.iter().zip(&expected.gradients) {
        let scale = expected.iter().fold(0f32, |scale, x| scale.max(x.abs()));
        let differences = found.iter().zip(expected).map(|(f, e)| (f - e).abs());
        let worst = differences.fold(0f32, f32::max);
        assert!(worst <= 1e-5 * scale, "{worst} of {scale}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Chunks that do not divide the batch, of one row, larger than the batch, other for each view.
    #[test]
    fn any_chunks_give_the_gradient_of_the_whole_batch(
        b in 1usize..14, sizes in [1usize..17, 1usize..17], rotation in 0usize..13, dropout in prop_oneof![Just(0.0), Just(0.4)],
    ) {
        let _alone = alone();
        let device = Device::default().autodiff();
        let model = Encoder::new(dropout, &device);
        let batch = Batch::new(b, &device);
        let rows = sizes.map(|size| rows(b, size, rotation % b));
        assert_equal(&cached(&model, &batch, &rows), &whole(&model, &batch, &rows));
    }
}

#[test]
fn without_dropout_the_chunks_do_not_matter() {
    let _alone = alone();
    let device = Device::default().autodiff();
    let model = Encoder::new(0.0, &device);
    let batch = Batch::new(11, &device);
    let one = [rows(11, 11, 0), rows(11, 11, 0)];
    let expected = whole(&model, &batch, &one);
    for sizes in [[1, 4], [3, 3], [11, 2], [64, 64]] {
        let rows = sizes.map(|size| rows(11, size, 2));
        assert_equal(&cached(&model, &batch, &rows), &expected);
    }
}

#[test]
fn other_masks_would_be_noticed() {
    let _alone = alone();
    let device = Device::default().autodiff();
    let model = Encoder::new(0.4, &device);
    let batch = Batch::new(8, &device);
    let [two, four] = [2, 4].map(|size| [rows(8, size, 0), rows(8, size, 0)]);
    let (found, other) = (cached(&model, &batch, &two), whole(&model, &batch, &four));
    assert!((found.loss - other.loss).abs() > 1e-3);
}

#[test]
fn chunks_that_are_no_partition_are_refused() {
    let _alone = alone();
    let device = Device::default().autodiff();
    let weight = Tensor::<2>::ones([1, 1], &device);
    let refused = |rows: &[&[usize]], inputs: usize| {
        let chunk = |rows: &&[usize]| Chunk {
            rows: rows.to_vec(),
            input: Tensor::<2>::ones([inputs, 1], &device),
        };
        let chunks = rows.iter().map(chunk).collect();
        let cache = GradCache::encode(chunks, 1, &device, |x| {
            Ok::<_, CrsdLossError>([x.clone().matmul(weight.clone())])
        });
        cache.unwrap_err()
    };
    let at = |row| CrsdLossError::ChunkRow { row, batch_size: 2 };
    assert_eq!(refused(&[&[0], &[0]], 1), at(0));
    assert_eq!(refused(&[&[0], &[2]], 1), at(2));
    assert!(matches!(refused(&[], 1), CrsdLossError::EmptyBatch { .. }));
    assert!(matches!(
        refused(&[&[0], &[]], 1),
        CrsdLossError::EmptyBatch { .. }
    ));
    assert!(matches!(
        refused(&[&[0, 1]], 3),
        CrsdLossError::ShapeMismatch { .. }
    ));
}

#[test]
fn a_graph_in_the_first_pass_and_none_in_the_second_are_refused() {
    let _alone = alone();
    let device = Device::default().autodiff();
    let weight = Tensor::<2>::ones([1, 1], &device).require_grad();
    let chunks = || {
        vec![Chunk {
            rows: vec![0],
            input: Tensor::<2>::ones([1, 1], &device),
        }]
    };
    let graph = |x: &Tensor<2>| Ok::<_, CrsdLossError>([x.clone().matmul(weight.clone())]);
    let none = |x: &Tensor<2>| Ok::<_, CrsdLossError>([x.clone()]);
    let refused = GradCache::encode(chunks(), 1, &device, graph).unwrap_err();
    assert_eq!(refused, CrsdLossError::GradCacheGraph { pass: "first" });

    let plain = |x: &Tensor<2>| Ok::<_, CrsdLossError>([x.clone().without_autodiff()]);
    let refused = GradCache::encode(chunks(), 1, &device, plain).unwrap_err();
    assert_eq!(refused, CrsdLossError::GradCacheGraph { pass: "first" });

    let cache = GradCache::encode(chunks(), 1, &device, none).unwrap();
    let [y] = cache.outputs();
    let refused = cache.backward(&mut y.sum().backward(), none, |_| {});
    let expected = CrsdLossError::GradCacheGraph { pass: "second" };
    assert_eq!(refused.unwrap_err(), expected);
}

#[test]
fn an_output_that_the_loss_does_not_read_costs_no_second_pass() {
    let _alone = alone();
    let device = Device::default().autodiff();
    let weight = Tensor::<2>::ones([1, 1], &device).require_grad();
    let chunks = vec![Chunk {
        rows: vec![0],
        input: Tensor::<2>::ones([1, 1], &device),
    }];
    let cache = GradCache::encode(chunks, 1, &device, |x| {
        Ok::<_, CrsdLossError>([x.clone(), x.clone()])
    })
    .unwrap();
    let mut gradients = weight.clone().sum().backward();
    let mut passes = 0;
    let forward = |x: &Tensor<2>| {
        passes += 1;
        Ok::<_, CrsdLossError>([x.clone(), x.clone()])
    };
    cache.backward(&mut gradients, forward, |_| {}).unwrap();
    assert_eq!(passes, 0);
    assert!(weight.grad(&gradients).is_some(), "the loss's own are left");
}
