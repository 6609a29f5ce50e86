//! Gradient caching: the loss of a batch whose graph would not fit into memory.
//!
//! A batch of inputs `x_i`, an encoder `f` with parameters `θ`, a loss of all its outputs at once:
//!
//! - forward: `y_i = f_θ(x_i)`, `L = ℓ(y_1, …, y_b, η)`, where `η` is what the loss itself learns
//! - `∂L/∂θ = Σ_i (∂y_i/∂θ)ᵀ u_i`, `u_i = ∂ℓ/∂y_i`; and `∂L/∂η = ∂ℓ/∂η`
//!
//! The loss reaches the encoder through the numbers `u_i` alone. They are computed first, on a graph
//! whose leaves are the `y_i`; the sum over `i` is then taken chunk by chunk: for a chunk `C` the
//! number `g_C = Σ_{i ∈ C} f_θ(x_i) · u_i`, with `u` held constant, has the derivative
//! `∂g_C/∂θ = Σ_{i ∈ C} (∂y_i/∂θ)ᵀ u_i`, and `Σ_C ∂g_C/∂θ = ∂L/∂θ`. That needs `f_θ(x_i)` in the second
//! pass to be the `y_i` of the first: the same masks of dropout.

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Int, Tensor, TensorData};

use crate::CrsdLossError;
use crate::shape::check_shape;

/// Rows of a batch that are encoded together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk<C> {
    /// Their places in the batch, in the order in which `input` holds them. Need not be
    /// neighbours: rows of like length may be put together.
    pub rows: Vec<usize>,
    /// What the encoder reads.
    pub input: C,
}

/// One view of a batch, encoded chunk by chunk: gradient caching (Gao et al., arXiv 2101.06983,
/// section 3), for losses that look at the whole batch at once, as InfoNCE does.
///
/// 1. [`encode`](Self::encode) runs every chunk without a graph and keeps the outputs alone.
/// 2. The caller computes the loss from [`outputs`](Self::outputs), which are leaves, and calls
///    `backward`: the graph spans the loss, not the encoder.
/// 3. [`backward`](Self::backward) runs every chunk again, now with a graph, and sends the
///    gradient of its outputs through it: the gradient of `Σ outputs · gradient`, a number whose
///    derivative with respect to the parameters is the chain rule's.
///
/// The sum of what step 3 hands out is the gradient of the whole batch: exactly so in exact
/// arithmetic, and in f32 but for the order of sums. At any time the graph of one chunk exists, so
/// memory grows with the chunk; of the batch only inputs and outputs are kept. The price is one
/// more forward pass.
///
/// **Dropout** is part of that: before each chunk both passes seed the device with
/// `seed + the chunk's number`, so that they draw the same masks. (Other random numbers of that
/// device are seeded along with them.)
///
/// Two views are two caches, each chunked by itself: the loss joins them row by row.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{Chunk, CrsdLossError, GradCache};
///
/// let device = Device::default().autodiff();
/// let weight = Tensor::<2>::from_floats([[2.0]], &device).require_grad();
/// let frozen = weight.clone().set_require_grad(false); // of a module: `without_graph`
/// let rows = |values: [[f32; 1]; 2]| Tensor::<2>::from_floats(values, &device);
/// let chunks = vec![
///     Chunk { rows: vec![0, 2], input: rows([[1.0], [3.0]]) },
///     Chunk { rows: vec![3, 1], input: rows([[4.0], [2.0]]) },
/// ];
/// let cache = GradCache::encode(chunks, 7, &device, |x| {
///     Ok::<_, CrsdLossError>([x.clone().matmul(frozen.clone())])
/// })?;
/// let [y] = cache.outputs(); // [[2], [4], [6], [8]], in the batch's order
/// let mut gradients = y.square().mean().backward();
///
/// let mut sum = 0.0;
/// cache.backward(
///     &mut gradients,
///     |x| Ok::<_, CrsdLossError>([x.clone().matmul(weight.clone())]),
///     |chunk| sum += weight.grad(&chunk).unwrap().into_scalar::<f32>(),
/// )?;
/// assert_eq!(sum, 30.0); // d/dw mean (w x)² = 2 w mean x²
/// # Ok::<(), CrsdLossError>(())
/// ```
#[derive(Debug)]
pub struct GradCache<C, const N: usize> {
    chunks: Vec<Chunk<C>>,
    /// `[b, ·]` each, leaves of a graph.
    outputs: [Tensor<2>; N],
    seed: u64,
    device: Device,
}

impl<C, const N: usize> GradCache<C, N> {
    /// Runs `forward` on every chunk and keeps its `N` outputs, put together in the batch's order.
    ///
    /// `forward` must not build a graph: run it with [`without_graph`] of the model. `device` is the
    /// model's, with autodiff. Derive `seed` so that the seeds of two batches lie far apart.
    ///
    /// # Shapes
    /// - outputs of `forward`: `[rows of the chunk, ·]` each
    ///
    /// # Errors
    /// [`CrsdLossError::EmptyBatch`] without a row; [`CrsdLossError::ChunkRow`] unless the chunks
    /// hold each row from 0 up once; [`CrsdLossError::ShapeMismatch`] for outputs that do not fit
    /// the chunk's rows or the first chunk's columns; [`CrsdLossError::GradCacheGraph`] if an
    /// output is on a graph or has no autodiff; whatever `forward` fails with.
    pub fn encode<E: From<CrsdLossError>>(
        chunks: Vec<Chunk<C>>,
        seed: u64,
        device: &Device,
        mut forward: impl FnMut(&C) -> Result<[Tensor<2>; N], E>,
    ) -> Result<Self, E> {
        batch_order(&chunks)?;
        let mut parts: [Vec<Tensor<2>>; N] = std::array::from_fn(|_| Vec::new());
        for (number, chunk) in chunks.iter().enumerate() {
            device.seed(seed.wrapping_add(number as u64));
            let outputs = forward(&chunk.input)?;
            for (parts, output) in parts.iter_mut().zip(outputs) {
                let columns = parts.first().map_or(output.dims()[1], |p| p.dims()[1]);
                check_output(&output, [chunk.rows.len(), columns])?;
                if output.is_tracked() || !output.is_autodiff() {
                    return Err(CrsdLossError::GradCacheGraph { pass: "first" }.into());
                }
                parts.push(output);
            }
        }
        let mut outputs = Vec::with_capacity(N);
        for parts in parts {
            outputs.push(in_batch_order(&chunks, parts)?.detach().require_grad());
        }
        let outputs = outputs.try_into();
        let outputs = outputs.expect("one output for each of N: a bug in crsd-loss");
        Ok(Self {
            chunks,
            outputs,
            seed,
            device: device.clone(),
        })
    }

    /// The outputs of the whole batch, leaves: what the loss is computed from.
    ///
    /// # Shapes
    /// - `[b, ·]` each, row `i` being row `i` of the batch
    pub fn outputs(&self) -> [Tensor<2>; N] {
        self.outputs.clone()
    }

    /// Runs every chunk again and sends the gradient of its outputs through it. `gradients` are
    /// those of the loss; those of [`outputs`](Self::outputs) are taken out of them, and what is
    /// left (of a temperature, or a projection head) is the caller's. `forward` is that of
    /// [`encode`](Self::encode) with parameters that require gradients; `accumulate` gets the
    /// gradients of one chunk after the other, to be summed.
    ///
    /// An output that the loss does not depend on has no gradient and costs nothing; if that holds
    /// for all of them, no chunk is run.
    ///
    /// # Errors
    /// [`CrsdLossError::ShapeMismatch`] if an output is shaped otherwise than before;
    /// [`CrsdLossError::GradCacheGraph`] if none is on a graph; whatever `forward` fails with.
    pub fn backward<E: From<CrsdLossError>>(
        self,
        gradients: &mut Gradients,
        mut forward: impl FnMut(&C) -> Result<[Tensor<2>; N], E>,
        mut accumulate: impl FnMut(Gradients),
    ) -> Result<(), E> {
        let outputs = self.outputs;
        let cached = outputs.map(|output| output.grad_remove(gradients)); // [b, ·] each
        if cached.iter().all(Option::is_none) {
            return Ok(());
        }
        for (number, chunk) in self.chunks.iter().enumerate() {
            self.device.seed(self.seed.wrapping_add(number as u64));
            let outputs = forward(&chunk.input)?;
            let surrogate = surrogate(outputs, &cached, &chunk.rows)?
                .ok_or(CrsdLossError::GradCacheGraph { pass: "second" })?;
            accumulate(surrogate.backward());
        }
        Ok(())
    }
}

/// A copy of `model`, sharing its weights, that builds no graph and draws dropout as the model does:
/// for the first pass of [`GradCache`]. Drop it before the optimizer steps, which could not update
/// shared weights in place.
///
/// ```
/// use burn::nn::LinearConfig;
/// use burn::tensor::{Device, Tensor};
///
/// let device = Device::default().autodiff();
/// let model = LinearConfig::new(2, 2).init(&device);
/// let x = Tensor::<2>::ones([1, 2], &device);
/// assert!(model.forward(x.clone()).is_tracked());
/// assert!(!crsd_loss::without_graph(&model).forward(x).is_tracked());
/// ```
pub fn without_graph<M: Module>(model: &M) -> M {
    // burn's `no_grad` on a copy of a parameter that has not been drawn yet would reach the original
    // too: both share the cell that it is drawn into.
    model.visit(&mut Draw);
    model.clone().no_grad()
}

struct Draw;

impl ModuleVisitor for Draw {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        param.val();
    }
}

/// `Σ outputs · gradient` over one chunk, `[1]`, with the gradient held constant; `None` if it is on
/// no graph.
fn surrogate<const N: usize>(
    outputs: [Tensor<2>; N],
    cached: &[Option<Tensor<2>>; N],
    rows: &[usize],
) -> Result<Option<Tensor<1>>, CrsdLossError> {
    let mut sum: Option<Tensor<1>> = None;
    for (output, gradient) in outputs.into_iter().zip(cached) {
        let Some(gradient) = gradient else { continue };
        check_output(&output, [rows.len(), gradient.dims()[1]])?;
        if !output.is_tracked() {
            continue;
        }
        let rows: Vec<i64> = rows.iter().map(|&row| row as i64).collect();
        let shape = [rows.len()];
        let rows = Tensor::<1, Int>::from_data(TensorData::new(rows, shape), &gradient.device());
        let gradient = gradient.clone().select(0, rows); // [c, ·]
        let term = (output * gradient).sum();
        sum = Some(match sum {
            Some(sum) => sum + term,
            None => term,
        });
    }
    Ok(sum)
}

/// The outputs of some chunks put together in the batch's order, with their graph.
///
/// ```
/// use burn::tensor::{Device, Tensor};
/// use crsd_loss::{Chunk, in_batch_order};
///
/// let device = Device::default();
/// let chunks = [vec![2, 0], vec![1]].map(|rows| Chunk { rows, input: () });
/// let parts = vec![Tensor::from_floats([[30.0], [10.0]], &device), Tensor::from_floats([[20.0]], &device)];
/// let joined = in_batch_order(&chunks, parts)?.into_data().try_into_vec::<f32>().unwrap();
/// assert_eq!(joined, [10.0, 20.0, 30.0]);
/// # Ok::<(), crsd_loss::CrsdLossError>(())
/// ```
///
/// # Shapes
/// - `parts`: `[rows of the chunk, ·]`, one a chunk
/// - output: `[b, ·]`
///
/// # Errors
/// [`CrsdLossError::EmptyBatch`] and [`CrsdLossError::ChunkRow`] for chunks that are no partition of
/// a batch, [`CrsdLossError::ShapeMismatch`] for outputs that do not fit them.
pub fn in_batch_order<C>(
    chunks: &[Chunk<C>],
    parts: Vec<Tensor<2>>,
) -> Result<Tensor<2>, CrsdLossError> {
    let order = batch_order(chunks)?;
    check_shape("parts", [parts.len()], [chunks.len()], "chunks")?;
    for (chunk, part) in chunks.iter().zip(&parts) {
        check_output(part, [chunk.rows.len(), parts[0].dims()[1]])?;
    }
    let joined = Tensor::cat(parts, 0); // [b, ·]
    if order.iter().zip(0..).all(|(place, row)| *place == row) {
        return Ok(joined);
    }
    let (b, device) = (order.len(), joined.device());
    let order = Tensor::<1, Int>::from_data(TensorData::new(order, [b]), &device); // [b]
    Ok(joined.select(0, order))
}

fn check_output(output: &Tensor<2>, expected: [usize; 2]) -> Result<(), CrsdLossError> {
    check_shape("output", output.dims(), expected, "the rows of its chunk")
}

/// For each row of the batch, its place among the rows of all chunks put together.
fn batch_order<C>(chunks: &[Chunk<C>]) -> Result<Vec<i64>, CrsdLossError> {
    let b: usize = chunks.iter().map(|chunk| chunk.rows.len()).sum();
    if b == 0 || chunks.iter().any(|chunk| chunk.rows.is_empty()) {
        return Err(CrsdLossError::EmptyBatch {
            tensor: "chunk",
            shape: vec![0],
        });
    }
    let mut order = vec![None; b];
    let rows = chunks.iter().flat_map(|chunk| &chunk.rows);
    for (place, &row) in rows.enumerate() {
        match order.get_mut(row) {
            Some(free @ None) => *free = Some(place as i64),
            _ => return Err(CrsdLossError::ChunkRow { row, batch_size: b }),
        }
    }
    // `b` rows below `b`, none of them twice: all of them.
    Ok(order.into_iter().flatten().collect())
}
