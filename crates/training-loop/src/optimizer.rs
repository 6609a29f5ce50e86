//! AdamW with two groups: decayed, and not.

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::{AdamW, AdamWConfig, AdamWState, LearningRate, ModuleOptimizer, Optimizer};
use burn::tensor::Device;

use crate::config::TrainingConfig;
#[cfg(feature = "flex")]
use crate::host_pass::{AdamWUpdate, HostTensor};

/// AdamW as in `torch.optim.AdamW`, without weight decay on parameters of rank 1 (biases and the
/// weights of norms).
///
/// ```
/// use burn::optim::GradientsParams;
/// use burn::{Tensor, nn::LinearConfig, tensor::Device};
/// use training_loop::{TrainingConfig, adamw};
///
/// let device = Device::flex().autodiff();
/// let linear = LinearConfig::new(1, 1).with_bias(false).init(&device);
/// let before: f32 = linear.weight.val().into_scalar();
/// let mut optimizer = adamw(&TrainingConfig::new().with_weight_decay(0.0), &linear);
/// let loss = linear.forward(Tensor::<2>::from_floats([[5.0]], &device)).sum();
/// let grads = GradientsParams::from_grads(loss.backward(), &linear);
/// let after: f32 = optimizer.step(0.1, linear, grads).weight.val().into_scalar();
/// assert!((before - after - 0.1).abs() < 1e-6); // the first step has the learning rate's size
/// ```
///
/// Parameters are told apart by their ids: build the optimizer after a record has been loaded into
/// `module`, because loading restores the ids of the record.
pub fn adamw<M: Module>(config: &TrainingConfig, module: &M) -> ModuleOptimizer {
    let mut rank_one = RankOne::default();
    module.visit(&mut rank_one);
    ModuleOptimizer::from(OnePassAdamW::new(config, config.weight_decay)).with_group(
        ParamGroup::from_ids(rank_one.ids),
        OnePassAdamW::new(config, 0.0),
        None,
    )
}

/// burn's AdamW, which updates a parameter in host memory in one pass instead of a dozen. State and
/// results are the same.
#[derive(Clone)]
struct OnePassAdamW {
    #[cfg_attr(not(feature = "flex"), allow(dead_code))]
    betas: [f32; 2],
    #[cfg_attr(not(feature = "flex"), allow(dead_code))]
    epsilon: f32,
    #[cfg_attr(not(feature = "flex"), allow(dead_code))]
    weight_decay: f32,
    elsewhere: AdamW,
}

impl OnePassAdamW {
    fn new(config: &TrainingConfig, weight_decay: f64) -> Self {
        let [beta_1, beta_2, epsilon, weight_decay] = [
            config.adam_beta1,
            config.adam_beta2,
            config.adam_epsilon,
            weight_decay,
        ]
        .map(|value| value as f32);
        let elsewhere = AdamWConfig::new()
            .with_beta_1(beta_1)
            .with_beta_2(beta_2)
            .with_epsilon(epsilon)
            .with_weight_decay(weight_decay);
        Self {
            betas: [beta_1, beta_2],
            epsilon,
            weight_decay,
            elsewhere: elsewhere.build(),
        }
    }

    /// The update after `time` steps, this one included.
    #[cfg(feature = "flex")]
    fn update(&self, learning_rate: LearningRate, time: usize) -> AdamWUpdate {
        let [beta_1, beta_2] = self.betas;
        AdamWUpdate {
            beta_1,
            beta_2,
            epsilon: self.epsilon,
            learning_rate: learning_rate as f32,
            keep: (1.0 - learning_rate * f64::from(self.weight_decay)) as f32,
            correction_1: 1.0 - beta_1.powi(time as i32),
            correction_2: 1.0 - beta_2.powi(time as i32),
        }
    }
}

impl Optimizer for OnePassAdamW {
    type State<const D: usize> = AdamWState<D>;

    fn step<const D: usize>(
        &self,
        learning_rate: LearningRate,
        parameter: Tensor<D>,
        grad: Tensor<D>,
        state: Option<AdamWState<D>>,
    ) -> (Tensor<D>, Option<AdamWState<D>>) {
        // The first step allocates the moments, which burn does as well as we could.
        #[cfg(feature = "flex")]
        if let Some(mut state) = state {
            let momentum = &mut state.momentum;
            let all = [&parameter, &grad, &momentum.moment_1, &momentum.moment_2];
            if all.iter().all(|tensor| HostTensor::of(tensor).is_some()) {
                momentum.time += 1;
                let update = self.update(learning_rate, momentum.time);
                return one_pass(update, parameter, grad, state);
            }
            return self
                .elsewhere
                .step(learning_rate, parameter, grad, Some(state));
        }
        self.elsewhere.step(learning_rate, parameter, grad, state)
    }

    fn to_device<const D: usize>(state: AdamWState<D>, device: &Device) -> AdamWState<D> {
        AdamW::to_device(state, device)
    }
}

/// All tensors are in host memory.
#[cfg(feature = "flex")]
fn one_pass<const D: usize>(
    update: AdamWUpdate,
    parameter: Tensor<D>,
    grad: Tensor<D>,
    state: AdamWState<D>,
) -> (Tensor<D>, Option<AdamWState<D>>) {
    let mut momentum = state.momentum;
    let [mut parameter, grad, mut moment_1, mut moment_2] =
        [parameter, grad, momentum.moment_1, momentum.moment_2].map(HostTensor::take);
    update.apply(&mut parameter, &grad, [&mut moment_1, &mut moment_2]);
    momentum.moment_1 = moment_1.into_tensor();
    momentum.moment_2 = moment_2.into_tensor();
    (parameter.into_tensor(), Some(AdamWState { momentum }))
}

#[derive(Default)]
struct RankOne {
    ids: Vec<ParamId>,
}

impl ModuleVisitor for RankOne {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if D == 1 {
            self.ids.push(param.id);
        }
    }
}

#[cfg(all(test, feature = "flex"))]
mod tests {
    use super::*;

    #[test]
    fn one_pass_is_burns_adamw_to_the_last_bit() {
        let device = Device::flex();
        let config = TrainingConfig::default();
        for weight_decay in [0.0, 0.1] {
            let ours = OnePassAdamW::new(&config, weight_decay);
            let start = Tensor::<1, burn::tensor::Int>::arange(0..1003, &device)
                .float()
                .sin();
            let mut found = (start.clone(), None);
            let mut expected = (start, None);
            for step in 1..=4 {
                let grad = (expected.0.clone() * step).cos() * 0.3;
                found = ours.step(3e-3, found.0, grad.clone(), found.1);
                expected = ours.elsewhere.step(3e-3, expected.0, grad, expected.1);
                let bits = |tensor: &Tensor<1>| tensor.to_data().try_into_vec::<f32>().unwrap();
                assert_eq!(bits(&found.0), bits(&expected.0), "{weight_decay} {step}");
            }
        }
    }
}
