//! What a step brings besides the batch: heads, weights, a memory queue.

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use crsd_loss::{
    Align, AlignWeighting, CrsdHeads, CrsdInput, CrsdLossConfig, CrsdLossError, CrsdStep,
    Direction, LearnableTemperature, MemoryQueue, MemoryQueueState, NegativeMask,
    ProjectionHeadConfig, label_tensor, student_difficulty, teacher_confidence,
};

fn rows(values: &[[f32; 2]], device: &Device) -> Tensor<2> {
    let shape = [values.len(), 2];
    Tensor::from_data(TensorData::new(values.concat(), shape), device)
}

fn input(device: &Device) -> CrsdInput {
    let view = rows(&[[1.0, 0.2], [-0.3, 2.0], [0.5, -0.5]], device);
    CrsdInput {
        standard_logits: view.clone(),
        reasoned_logits: view.clone() * 2.0,
        standard: view.clone() + 0.1,
        reasoned: view,
        labels: label_tensor(&[0, 1, 1], 2, device).unwrap(),
        negatives: None,
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        assert!((f - e).abs() < 1e-5 * e.abs().max(1.0), "{f}, not {e}");
    }
}

fn learnable() -> CrsdLossConfig {
    CrsdLossConfig::new()
        .with_temperature(0.2)
        .with_learnable_temperature(true)
}

#[test]
fn a_learnable_temperature_starts_where_the_fixed_one_stands() {
    let device = Device::default();
    let heads = CrsdHeads::new(&learnable(), 2, 0, &device).unwrap();
    let loss = learnable().init().unwrap();
    let step = CrsdStep::new(1.0).with_heads(&heads);
    let found = loss.forward_with(input(&device), step).unwrap();
    let fixed = learnable().with_learnable_temperature(false);
    let expected = fixed.init().unwrap().forward(input(&device), 1.0).unwrap();
    close(&values(found.align), &values(expected.align));
    let temperature = heads.temperature().unwrap().temperature();
    close(&values(temperature), &[0.2]);
}

#[test]
fn parts_that_learn_are_asked_for() {
    let device = Device::default();
    let error = learnable()
        .init()
        .unwrap()
        .forward(input(&device), 1.0)
        .unwrap_err();
    let field = "learnable_temperature";
    assert_eq!(error, CrsdLossError::MissingHeads { field });
    let config = CrsdLossConfig::new().with_projection(Some(ProjectionHeadConfig::new()));
    let other = CrsdHeads::new(&learnable(), 2, 0, &device).unwrap();
    let step = CrsdStep::new(1.0).with_heads(&other);
    let loss = config.init().unwrap();
    let error = loss.forward_with(input(&device), step).unwrap_err();
    let field = "projection";
    assert_eq!(error, CrsdLossError::MissingHeads { field });
    assert!(error.to_string().contains("`CrsdStep::with_heads`"));
    let wider = CrsdHeads::new(&config, 3, 0, &device).unwrap();
    let step = CrsdStep::new(1.0).with_heads(&wider);
    let error = loss.forward_with(input(&device), step).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("[3, 3] to fit `the projection head`")
    );
}

#[test]
fn values_out_of_range_are_refused_before_anything_is_built() {
    for temperature in [0.009, 1.1] {
        let error = learnable()
            .with_temperature(temperature)
            .init()
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("0.01 to 1 with `learnable_temperature`")
        );
    }
    let head = ProjectionHeadConfig::new().with_output_size(0);
    let error = CrsdLossConfig::new().with_projection(Some(head)).init();
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("projection.output_size")
    );
    let error = CrsdHeads::new(&CrsdLossConfig::new(), 0, 0, &Device::default());
    assert!(error.is_ok()); // no head, no width
    let config: CrsdLossConfig = serde_json::from_str(
        r#"{"learnable_temperature": true, "projection": {"output_size": 64},
            "align_weighting": "student_difficulty", "queue_size": 8, "detach_reasoned": true}"#,
    )
    .unwrap();
    config.validate().unwrap();
    assert_eq!(config.projection.unwrap().output_size, 64);
}

#[test]
fn a_temperature_out_of_bounds_is_read_at_the_bound_and_still_learns() {
    let device = Device::default().autodiff();
    let temperature = LearnableTemperature::new(0.01, &device).unwrap();
    // One step of plain gradient descent on `-1/τ` drives τ below its bound.
    let pushed = temperature.map(&mut Shift(1.0));
    close(&values(pushed.inverse()), &[100.0]);
    close(&values(pushed.temperature()), &[0.01]);
    let mut gradient = Gradient(pushed.inverse().backward(), Vec::new());
    pushed.visit(&mut gradient);
    close(&gradient.1, &[100.0]); // d exp(x) / dx at the bound
    let back = pushed.clamped().map(&mut Shift(-1.0));
    close(&values(back.inverse()), &[100.0 / 1f32.exp()]);
    let mut gradient = Gradient(back.inverse().backward(), Vec::new());
    back.visit(&mut gradient);
    close(&gradient.1, &[100.0 / 1f32.exp()]);
}

struct Shift(f32);

impl burn::module::ModuleMapper for Shift {
    fn map_float<const D: usize>(
        &mut self,
        param: burn::module::Param<Tensor<D>>,
    ) -> burn::module::Param<Tensor<D>> {
        param.map(|value| value.add_scalar(self.0).detach().require_grad())
    }
}

struct Gradient(burn::tensor::Gradients, Vec<f32>);

impl burn::module::ModuleVisitor for Gradient {
    fn visit_float<const D: usize>(&mut self, param: &burn::module::Param<Tensor<D>>) {
        self.1.extend(values(param.val().grad(&self.0).unwrap()));
    }
}

#[test]
fn heads_are_drawn_from_the_seed() {
    let device = Device::default();
    let config = CrsdLossConfig::new()
        .with_projection(Some(ProjectionHeadConfig::new().with_output_size(3)));
    let project = |seed| {
        let heads = CrsdHeads::new(&config, 2, seed, &device).unwrap();
        values(heads.project(input(&device).standard).unwrap())
    };
    assert_eq!(project(7), project(7));
    assert_ne!(project(7), project(8));
    assert_eq!(project(7).len(), 9);
}

#[test]
fn a_weight_of_zero_trains_no_head() {
    let device = Device::default().autodiff();
    let config = learnable().with_projection(Some(ProjectionHeadConfig::new()));
    let heads = CrsdHeads::new(&config, 2, 0, &device).unwrap();
    let step = CrsdStep::new(0.0).with_heads(&heads);
    let output = config.init().unwrap().forward_with(input(&device), step);
    assert!(!output.unwrap().align.is_tracked());
}

#[test]
fn difficulty_and_confidence_of_known_rows() {
    let device = Device::default();
    let logits = rows(&[[50.0, 0.0], [50.0, 0.0], [1.0, 1.0]], &device);
    let labels = label_tensor(&[0, 1, 1], 2, &device).unwrap();
    close(
        &values(student_difficulty(logits, labels).unwrap()),
        &[0.0, 1.0, 0.5],
    );
    let teacher = rows(&[[1.0, 0.0], [0.5, 0.5], [0.9, 0.1]], &device);
    let entropy = -(0.9f32 * 0.9f32.ln() + 0.1 * 0.1f32.ln()) / 2f32.ln();
    let confidence = values(teacher_confidence(teacher).unwrap());
    close(&confidence, &[1.0, 0.0, 1.0 - entropy]);
    let sure = Tensor::<2>::ones([2, 1], &device);
    assert_eq!(values(teacher_confidence(sure).unwrap()), [1.0, 1.0]);
}

#[test]
fn weights_have_a_mean_of_one_and_ones_own_are_taken_as_they_are() {
    let device = Device::default();
    let config = CrsdLossConfig::new().with_align_weighting(AlignWeighting::StudentDifficulty);
    let loss = config.init().unwrap();
    let plain = loss.forward(input(&device), 1.0).unwrap();
    let policy = values(plain.align_weights.unwrap());
    assert!((policy.iter().sum::<f32>() - 3.0).abs() < 1e-5);
    let step = CrsdStep::new(0.5).with_align_weights(Tensor::from_floats([2.0, 0.0, 1.0], &device));
    let own = loss.forward_with(input(&device), step).unwrap();
    let weights = values(own.align_weights.unwrap());
    close(&weights, &[2.0 * policy[0], 0.0, policy[2]]);
    let (ce, align) = (values(own.standard_ce + own.reasoned_ce), values(own.align));
    let total: Vec<f32> = (0..3)
        .map(|i| ce[i] + 0.05 * weights[i] * align[i])
        .collect();
    close(&values(own.per_example), &total);

    let step = CrsdStep::new(1.0).with_align_weights(Tensor::from_floats([1.0], &device));
    let error = loss
        .forward_with(input(&device), step)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with("`align_weights` has shape [1]; expected [3]"));
    let config = CrsdLossConfig::new().with_align_weighting(AlignWeighting::TeacherConfidence);
    let error = config
        .init()
        .unwrap()
        .forward(input(&device), 1.0)
        .unwrap_err();
    assert_eq!(error, CrsdLossError::MissingTeacher);
}

#[test]
fn queue_entries_stand_beside_the_batch() {
    let device = Device::default();
    let config = CrsdLossConfig::new()
        .with_temperature(0.5)
        .with_detach_reasoned(true);
    for direction in [Direction::StandardToReasoned, Direction::Symmetric] {
        let loss = config.clone().with_direction(direction).init().unwrap();
        // A queue that holds what a larger batch would have held in its last two columns.
        let mut queue = MemoryQueue::new(9).unwrap();
        let entries = rows(&[[0.3, 0.4], [-2.0, 1.0]], &device);
        queue.push(entries, &["d", "a"]).unwrap();
        let step = CrsdStep::new(1.0).with_queue(queue.negatives(&["a", "b", "c"]));
        let found = values(loss.forward_with(input(&device), step).unwrap().align);

        let view = |view: Tensor<2>| -> Vec<[f32; 2]> {
            let unit = crsd_loss::unit_norm(view, 1e-6);
            values(unit).chunks(2).map(|row| [row[0], row[1]]).collect()
        };
        let z = view(input(&device).standard);
        let mut columns = view(input(&device).reasoned);
        columns.extend(view(rows(&[[0.3, 0.4], [-2.0, 1.0]], &device)));
        let dot = |a: [f32; 2], b: [f32; 2]| (a[0] * b[0] + a[1] * b[1]) / 0.5;
        for (i, found) in found.iter().enumerate() {
            // "a" is row 0's own key: entry 4 is no negative of it.
            let seen = (0..5).filter(|&j| !(i == 0 && j == 4));
            let sum: f32 = seen.map(|j| dot(z[i], columns[j]).exp()).sum();
            let rows = sum.ln() - dot(z[i], columns[i]);
            let sum: f32 = (0..3).map(|j| dot(z[j], columns[i]).exp()).sum();
            let back = sum.ln() - dot(z[i], columns[i]);
            let expected = match direction {
                Direction::StandardToReasoned => rows,
                Direction::Symmetric => (rows + back) / 2.0,
            };
            assert!((found - expected).abs() < 1e-5, "{found}, not {expected}");
        }
    }
}

#[test]
fn masks_of_batch_and_queue_work_together() {
    let device = Device::default();
    let config = CrsdLossConfig::new().with_detach_reasoned(true);
    let loss = config.init().unwrap();
    let mut queue = MemoryQueue::new(2).unwrap();
    queue.push(rows(&[[0.3, 0.4]], &device), &["a"]).unwrap();
    let keys = ["a", "b", "a"];
    let masked = CrsdInput {
        negatives: NegativeMask::from_keys(&keys, &device),
        ..input(&device)
    };
    let without = loss.forward(masked.clone(), 1.0).unwrap().align;
    let step = CrsdStep::new(1.0).with_queue(queue.negatives(&keys));
    let with = loss.forward_with(masked, step).unwrap().align;
    let (with, without) = (values(with), values(without));
    close(&[with[0], with[2]], &[without[0], without[2]]);
    assert!(with[1] > without[1]);
}

#[test]
fn a_resumed_queue_is_the_same_queue() {
    let device = Device::default();
    let mut queue = MemoryQueue::new(4).unwrap();
    let traced = Device::default().autodiff();
    for step in 0..3 {
        let batch = input(&traced).reasoned + step as f32;
        let keys = [step * 3, step * 3 + 1, step * 3 + 2];
        queue.push(batch, &keys).unwrap();
    }
    assert_eq!(queue.keys().copied().collect::<Vec<_>>(), [5, 6, 7, 8]);
    let written = serde_json::to_string(&queue.state().unwrap()).unwrap();
    let state: MemoryQueueState<i32> = serde_json::from_str(&written).unwrap();
    let mut resumed = MemoryQueue::from_state(4, state, &device).unwrap();
    for queue in [&mut queue, &mut resumed] {
        queue.push(input(&device).reasoned, &[9, 10, 11]).unwrap();
    }
    assert_eq!(queue.state().unwrap(), resumed.state().unwrap());
    let smaller = MemoryQueue::from_state(2, queue.state().unwrap(), &device).unwrap();
    assert_eq!(smaller.keys().copied().collect::<Vec<_>>(), [10, 11]);
    let none = MemoryQueue::<i32>::new(4).unwrap();
    let none = MemoryQueue::from_state(4, none.state().unwrap(), &device).unwrap();
    assert!(none.is_empty() && none.negatives(&[1]).is_none());

    let broken = MemoryQueueState {
        width: 2,
        representations: vec![0.0; 3],
        keys: vec![1, 2],
    };
    let error = MemoryQueue::from_state(4, broken, &device).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("`representations` has shape [3]; expected [4]")
    );
    let wider = Tensor::<2>::zeros([1, 3], &device);
    assert!(queue.push(wider, &[1]).is_err());
    assert!(queue.push(input(&device).reasoned, &[1]).is_err());
    assert_eq!(queue.state().unwrap(), resumed.state().unwrap());
}

#[test]
fn a_queue_goes_only_with_a_detached_side_and_info_nce() {
    let device = Device::default();
    let mut queue = MemoryQueue::new(4).unwrap();
    queue.push(input(&device).reasoned, &[0, 1, 2]).unwrap();
    let refused = |config: CrsdLossConfig, expected: &str| {
        let step = CrsdStep::new(1.0).with_queue(queue.negatives(&[3, 4, 5]));
        let error = config.init().unwrap().forward_with(input(&device), step);
        let error = error.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        let error = config.with_queue_size(4).init().unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    refused(CrsdLossConfig::new(), "set `detach_reasoned`");
    let detached = CrsdLossConfig::new().with_detach_reasoned(true);
    for align in [Align::Mse, Align::Cosine, Align::ViewKl, Align::SupCon] {
        refused(detached.clone().with_align(align), "`info_nce` has");
    }
    let step = CrsdStep::new(1.0).with_queue(queue.negatives(&[3, 4]));
    let error = detached
        .clone()
        .init()
        .unwrap()
        .forward_with(input(&device), step);
    assert!(error.is_ok()); // no key in common: nothing to mask, whatever the batch
    let step = CrsdStep::new(1.0).with_queue(queue.negatives(&[0, 4]));
    let error = detached.init().unwrap().forward_with(input(&device), step);
    let error = error.unwrap_err().to_string();
    assert!(
        error.starts_with("`queue keys` has shape [2, 3]; expected [3, 3]"),
        "{error}"
    );
    assert!(MemoryQueue::<i32>::new(0).is_err());
}
