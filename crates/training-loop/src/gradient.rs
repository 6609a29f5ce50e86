//! The gradient as a whole: its norm, and clipping by it.

use std::collections::HashSet;

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::FloatDType;

#[cfg(feature = "flex")]
use crate::host_pass::HostTensor;

/// The L2 norm of all gradients of `module` together, `‖g‖ = √(Σ_p Σ_i g_pi²)` over parameters `p` and
/// their elements `i`, on their device; `None` if there is none.
///
/// burn's own `GradientClipping::Norm` takes the norm of each tensor by itself, which changes the
/// gradient's direction.
///
/// ```
/// use burn::optim::GradientsParams;
/// use burn::{Tensor, nn::LinearConfig, tensor::Device};
///
/// let device = Device::flex().autodiff();
/// let linear = LinearConfig::new(2, 1).with_bias(false).init(&device);
/// let loss = linear.forward(Tensor::<2>::from_floats([[3.0, 4.0]], &device)).sum();
/// let grads = GradientsParams::from_grads(loss.backward(), &linear);
/// let norm = training_loop::global_grad_norm(&linear, &grads).unwrap();
/// assert_eq!(norm.into_scalar::<f32>(), 5.0);
/// ```
///
/// # Shapes
/// One element.
pub fn global_grad_norm<M: Module>(module: &M, grads: &GradientsParams) -> Option<Tensor<1>> {
    let mut squares = Squares {
        grads,
        seen: HashSet::new(),
        sums: Vec::new(),
    };
    module.visit(&mut squares);
    if squares.sums.is_empty() {
        return None;
    }
    Some(Tensor::cat(squares.sums, 0).sum().sqrt())
}

/// Scales the gradients so that their global L2 norm is at most `max_norm`, and gives the norm
/// from before: `torch.nn.utils.clip_grad_norm_`, `g ← g · min(1, max_norm / (‖g‖ + 1e-6))`.
///
/// Reads one number from the device.
///
/// ```
/// use burn::optim::GradientsParams;
/// use burn::{Tensor, module::Param, nn::LinearConfig, tensor::Device};
/// use training_loop::clip_grad_norm;
///
/// let device = Device::flex().autodiff();
/// let linear = LinearConfig::new(1, 1).with_bias(false).init(&device);
/// let loss = linear.forward(Tensor::<2>::from_floats([[5.0]], &device)).sum();
/// let grads = GradientsParams::from_grads(loss.backward(), &linear);
/// let (grads, norm) = clip_grad_norm(&linear, grads, 1.0);
/// assert_eq!(norm, 5.0);
/// let clipped: f32 = grads.get::<2>(linear.weight.id).unwrap().into_scalar();
/// assert!((clipped - 1.0).abs() < 1e-6);
/// ```
pub fn clip_grad_norm<M: Module>(
    module: &M,
    grads: GradientsParams,
    max_norm: f64,
) -> (GradientsParams, f32) {
    match global_grad_norm(module, &grads) {
        Some(norm) => {
            let norm = norm.into_scalar::<f32>();
            (clip_to(module, grads, norm, max_norm), norm)
        }
        None => (grads, 0.0),
    }
}

/// Scales the gradients for a norm that is already on the host.
pub(crate) fn clip_to<M: Module>(
    module: &M,
    grads: GradientsParams,
    norm: f32,
    max_norm: f64,
) -> GradientsParams {
    let coefficient = max_norm / (f64::from(norm) + 1e-6);
    if coefficient >= 1.0 {
        return grads;
    }
    scale(module, grads, coefficient)
}

/// Multiplies every gradient by `coefficient`.
pub(crate) fn scale<M: Module>(
    module: &M,
    grads: GradientsParams,
    coefficient: f64,
) -> GradientsParams {
    let mut scale = Scale {
        grads,
        seen: HashSet::new(),
        coefficient,
    };
    module.visit(&mut scale);
    scale.grads
}

struct Squares<'a> {
    grads: &'a GradientsParams,
    /// A tied parameter is visited twice but has one gradient.
    seen: HashSet<ParamId>,
    sums: Vec<Tensor<1>>,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.seen.insert(param.id) {
            return;
        }
        if let Some(grad) = self.grads.get::<D>(param.id) {
            self.sums.push(square_sum(grad));
        }
    }
}

/// `Σ x²`, `[1]`.
fn square_sum<const D: usize>(grad: Tensor<D>) -> Tensor<1> {
    #[cfg(feature = "flex")]
    if let Some(host) = HostTensor::of(&grad) {
        return Tensor::from_data([host.square_sum() as f32], &grad.device());
    }
    // Half-precision squares overflow, hence f32.
    grad.cast(FloatDType::F32).square().sum()
}

struct Scale {
    grads: GradientsParams,
    seen: HashSet<ParamId>,
    coefficient: f64,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if !self.seen.insert(param.id) {
            return;
        }
        if let Some(grad) = self.grads.remove::<D>(param.id) {
            self.grads
                .register(param.id, scaled(grad, self.coefficient));
        }
    }
}

fn scaled<const D: usize>(grad: Tensor<D>, coefficient: f64) -> Tensor<D> {
    #[cfg(feature = "flex")]
    if HostTensor::of(&grad).is_some() {
        let mut host = HostTensor::take(grad);
        host.scale(coefficient as f32);
        return host.into_tensor();
    }
    grad.mul_scalar(coefficient)
}
