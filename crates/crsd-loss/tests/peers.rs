//! Values and gradients against PyTorch Metric Learning, sentence-transformers and PyTorch;
//! `tests/goldens/generate_peers.py` holds the references.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use crsd_loss::{
    Align, AlignWeighting, CrsdHeads, CrsdInput, CrsdLossConfig, CrsdStep, Diagnostics, Direction,
    MemoryQueue, ProjectionHeadConfig, label_tensor, r_drop,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    peers: Vec<Peer>,
    heads: Vec<Heads>,
    weightings: Vec<Weighting>,
    r_drop: Vec<RDrop>,
    effective_rank: Vec<EffectiveRank>,
}

#[derive(Deserialize)]
struct Peer {
    name: String,
    align: Align,
    b: usize,
    k: usize,
    h: usize,
    temperature: f64,
    direction: Direction,
    labels: Vec<usize>,
    queue: Option<Vec<f32>>,
    weights: Vec<f32>,
    losses: Option<Vec<f32>>,
    total: f32,
    standard: Vec<f32>,
    reasoned: Vec<f32>,
    standard_gradient: Vec<f32>,
    reasoned_gradient: Vec<f32>,
}

#[derive(Deserialize)]
struct Heads {
    name: String,
    b: usize,
    h: usize,
    d: usize,
    temperature: f64,
    direction: Direction,
    weights: Vec<f32>,
    views: [Vec<f32>; 2],
    parameters: [Vec<f32>; 4],
    losses: Vec<f32>,
    gradients: [Vec<f32>; 6],
}

#[derive(Deserialize)]
struct Weighting {
    policy: AlignWeighting,
    b: usize,
    k: usize,
    h: usize,
    labels: Vec<usize>,
    teacher: Vec<f32>,
    logits: Vec<f32>,
    views: [Vec<f32>; 2],
    weights: Vec<f32>,
    losses: Vec<f32>,
    gradients: [Vec<f32>; 3],
}

#[derive(Deserialize)]
struct RDrop {
    b: usize,
    k: usize,
    alpha: f64,
    labels: Vec<usize>,
    weights: Vec<f32>,
    logits: [Vec<f32>; 2],
    cross_entropy: Vec<f32>,
    divergence: Vec<f32>,
    losses: Vec<f32>,
    gradients: [Vec<f32>; 2],
}

#[derive(Deserialize)]
struct EffectiveRank {
    b: usize,
    h: usize,
    rows: Vec<f32>,
    value: f64,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("goldens/peers.json")).unwrap()
}

fn device() -> Device {
    Device::default().autodiff()
}

fn leaf(values: &[f32], shape: [usize; 2]) -> Tensor<2> {
    let data = TensorData::new(values.to_vec(), shape);
    Tensor::from_data(data, &device()).require_grad()
}

fn vector(values: &[f32]) -> Tensor<1> {
    Tensor::from_floats(values, &device())
}

/// Within 1e-5, relative where the expected number is above 1.
fn close<const D: usize>(what: &str, found: Tensor<D>, expected: &[f32]) {
    let found: Vec<f32> = found.into_data().iter().collect();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (f, e) in found.iter().zip(expected) {
        let error = (f - e).abs() / e.abs().max(1.0);
        assert!(error <= 1e-5, "{what}: {f}, not {e}");
    }
}

/// The gradient, zeros where none arrived.
fn gradient(leaf: &Tensor<2>, gradients: &Gradients) -> Tensor<2> {
    leaf.grad(gradients)
        .unwrap_or_else(|| leaf.clone().without_autodiff().zeros_like())
}

/// Both views with logits that say nothing.
fn input(standard: &Tensor<2>, reasoned: &Tensor<2>, labels: &[usize], k: usize) -> CrsdInput {
    let logits = Tensor::zeros([labels.len(), k], &device());
    CrsdInput {
        standard_logits: logits.clone(),
        reasoned_logits: logits,
        standard: standard.clone(),
        reasoned: reasoned.clone(),
        labels: label_tensor(labels, k, &device()).unwrap(),
        negatives: None,
    }
}

fn check_peer(case: &Peer) {
    let shape = [case.b, case.h];
    let (standard, reasoned) = (leaf(&case.standard, shape), leaf(&case.reasoned, shape));
    let queue = case.queue.as_ref().map(|values| {
        let entries = values.len() / case.h;
        let mut queue = MemoryQueue::new(entries).unwrap();
        let keys: Vec<usize> = (100..100 + entries).collect();
        queue.push(leaf(values, [entries, case.h]), &keys).unwrap();
        queue.negatives(&(0..case.b).collect::<Vec<_>>()).unwrap()
    });
    let detached = queue.is_some();
    let loss = CrsdLossConfig::new()
        .with_align(case.align)
        .with_temperature(case.temperature)
        .with_direction(case.direction)
        .with_detach_reasoned(detached)
        .init()
        .unwrap();
    let input = input(&standard, &reasoned, &case.labels, case.k);
    let step = CrsdStep::new(1.0).with_queue(queue);
    let align = loss.forward_with(input, step).unwrap().align;
    let total = (align.clone() * vector(&case.weights)).sum();
    let gradients = total.clone().backward();

    let what = |part| format!("{}: {part}", case.name);
    if let Some(losses) = &case.losses {
        close(&what("losses"), align, losses);
    }
    close(&what("total"), total, &[case.total]);
    let found = gradient(&standard, &gradients);
    close(&what("standard"), found, &case.standard_gradient);
    if detached {
        assert!(reasoned.grad(&gradients).is_none());
    } else {
        let found = gradient(&reasoned, &gradients);
        close(&what("reasoned"), found, &case.reasoned_gradient);
    }
}

#[test]
fn metric_learning_and_sentence_transformers_agree() {
    let cases = goldens().peers;
    assert_eq!(cases.len(), 28);
    cases.iter().for_each(check_peer);
}

/// Puts given values into the parameters of a module, in the order of its fields.
struct Fill<'a>(std::slice::Iter<'a, Vec<f32>>);

impl ModuleMapper for Fill<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let values = self.0.next().unwrap().clone();
        param.map(|old| {
            let data = TensorData::new(values, old.shape());
            Tensor::from_data(data, &old.device()).require_grad()
        })
    }
}

/// Collects the gradients of a module, in the order of its fields.
struct Collect<'a>(&'a Gradients, Vec<Vec<f32>>);

impl ModuleVisitor for Collect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = param.val().grad(self.0).unwrap();
        self.1.push(gradient.into_data().iter().collect());
    }
}

fn check_heads(case: &Heads) {
    let projection = ProjectionHeadConfig::new().with_output_size(case.d);
    let config = CrsdLossConfig::new()
        .with_temperature(case.temperature)
        .with_learnable_temperature(true)
        .with_projection(Some(projection))
        .with_direction(case.direction);
    let heads = CrsdHeads::new(&config, case.h, 0, &device()).unwrap();
    let heads = heads.map(&mut Fill(case.parameters.iter()));
    let [standard, reasoned] = case
        .views
        .each_ref()
        .map(|view| leaf(view, [case.b, case.h]));
    let labels = vec![0; case.b];
    let input = input(&standard, &reasoned, &labels, 2);
    let step = CrsdStep::new(1.0).with_heads(&heads);
    let output = config.init().unwrap().forward_with(input, step).unwrap();
    assert_eq!(output.reasoned.dims(), [case.b, case.d]);
    let total = (output.align.clone() * vector(&case.weights)).sum();
    let gradients = total.backward();

    let name = &case.name;
    close(&format!("{name}: losses"), output.align, &case.losses);
    for (view, expected) in [&standard, &reasoned].into_iter().zip(&case.gradients) {
        close(name, gradient(view, &gradients), expected);
    }
    let mut found = Collect(&gradients, Vec::new());
    heads.visit(&mut found);
    assert_eq!(found.1.len(), 4);
    for (found, expected) in found.1.iter().zip(&case.gradients[2..]) {
        close(name, vector(found), expected);
    }
}

#[test]
fn projection_and_temperature_learn_as_in_torch() {
    goldens().heads.iter().for_each(check_heads);
}

#[test]
fn adaptive_weights_equal_torch() {
    for case in goldens().weightings {
        let shape = [case.b, case.h];
        let logits = leaf(&case.logits, [case.b, case.k]);
        let [standard, reasoned] = case.views.each_ref().map(|view| leaf(view, shape));
        let input = CrsdInput {
            standard_logits: logits.clone(),
            reasoned_logits: logits.clone(),
            ..input(&standard, &reasoned, &case.labels, case.k)
        };
        let loss = CrsdLossConfig::new()
            .with_align(Align::Mse)
            .with_align_weighting(case.policy)
            .with_lambda(0.3)
            .init()
            .unwrap();
        let teacher = leaf(&case.teacher, [case.b, case.k]);
        let step = CrsdStep::new(1.0).with_teacher_probabilities(teacher.clone());
        let output = loss.forward_with(input, step).unwrap();
        let gradients = output.per_example.clone().sum().backward();

        let name = format!("{:?}", case.policy);
        close(&name, output.align_weights.unwrap(), &case.weights);
        close(&name, output.per_example, &case.losses);
        for (leaf, expected) in [&logits, &standard, &reasoned].iter().zip(&case.gradients) {
            close(&name, gradient(leaf, &gradients), expected);
        }
        assert!(teacher.grad(&gradients).is_none());
    }
}

#[test]
fn r_drop_equals_its_formula() {
    for case in goldens().r_drop {
        let [first, second] = case
            .logits
            .each_ref()
            .map(|view| leaf(view, [case.b, case.k]));
        let labels = label_tensor(&case.labels, case.k, &device()).unwrap();
        let output = r_drop(first.clone(), second.clone(), labels, case.alpha).unwrap();
        let total = (output.per_example.clone() * vector(&case.weights)).sum();
        let gradients = total.backward();
        close("cross entropy", output.cross_entropy, &case.cross_entropy);
        close("divergence", output.divergence, &case.divergence);
        close("losses", output.per_example, &case.losses);
        close("first", gradient(&first, &gradients), &case.gradients[0]);
        close("second", gradient(&second, &gradients), &case.gradients[1]);
    }
}

#[test]
fn the_rank_is_rank_me() {
    for case in goldens().effective_rank {
        let rows = leaf(&case.rows, [case.b, case.h]);
        let found = Diagnostics::measure(rows.clone(), rows, None).unwrap();
        for rank in [found.rank_standard, found.rank_reasoned] {
            let error = (rank - case.value).abs() / case.value;
            assert!(error <= 1e-5, "{rank}, not {}", case.value);
        }
    }
}
