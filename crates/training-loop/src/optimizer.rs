//! AdamW with two groups: decayed, and not.

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::{AdamWConfig, ModuleOptimizer};

use crate::config::TrainingConfig;

/// AdamW as in `torch.optim.AdamW`, without weight decay on parameters of rank 1 (biases and the
/// weights of norms).
///
/// Parameters are told apart by their ids: build the optimizer after a record has been loaded into
/// `module`, because loading restores the ids of the record.
pub fn adamw<M: Module>(config: &TrainingConfig, module: &M) -> ModuleOptimizer {
    let decayed = AdamWConfig::new()
        .with_beta_1(config.adam_beta1 as f32)
        .with_beta_2(config.adam_beta2 as f32)
        .with_epsilon(config.adam_epsilon as f32)
        .with_weight_decay(config.weight_decay as f32);
    let plain = decayed.clone().with_weight_decay(0.0);
    let mut rank_one = RankOne::default();
    module.visit(&mut rank_one);
    ModuleOptimizer::from(decayed.build()).with_group(
        ParamGroup::from_ids(rank_one.ids),
        plain.build(),
        None,
    )
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
