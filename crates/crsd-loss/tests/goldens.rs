//! Values and gradients against PyTorch; `tests/goldens/generate.py` holds the reference.

use burn::tensor::{Device, Tensor, TensorData};
use crsd_loss::{
    Align, CrsdInput, CrsdLossConfig, Direction, NegativeMask, label_tensor, logit_kd,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
    distillation: Vec<Distillation>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    b: usize,
    k: usize,
    h: usize,
    align: Align,
    temperature: f64,
    lambda: f64,
    direction: Direction,
    detach_reasoned: bool,
    labels: Vec<usize>,
    usable: Option<Vec<Vec<u8>>>,
    weights: Vec<f32>,
    inputs: Views,
    values: Values,
    gradients: Views,
}

#[derive(Deserialize)]
struct Distillation {
    name: String,
    b: usize,
    k: usize,
    temperature: f64,
    student: Vec<f32>,
    teacher: Vec<f32>,
    value: Vec<f32>,
    gradient: Vec<f32>,
}

#[derive(Deserialize)]
struct Views {
    standard_logits: Vec<f32>,
    reasoned_logits: Vec<f32>,
    standard: Vec<f32>,
    reasoned: Vec<f32>,
}

#[derive(Deserialize)]
struct Values {
    standard_ce: Vec<f32>,
    reasoned_ce: Vec<f32>,
    align: Vec<f32>,
    per_example: Vec<f32>,
}

fn matrix(values: &[f32], shape: [usize; 2], device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(values.to_vec(), shape), device)
}

/// Largest difference, relative where the expected number is above 1.
fn error<const D: usize>(found: Tensor<D>, expected: &[f32]) -> f32 {
    let found: Vec<f32> = found.into_data().iter().collect();
    assert_eq!(found.len(), expected.len());
    let pairs = found.iter().zip(expected);
    pairs
        .map(|(f, e)| (f - e).abs() / e.abs().max(1.0))
        .fold(0.0, |a, b| if b.is_nan() { b } else { a.max(b) })
}

fn close<const D: usize>(what: &str, case: &str, found: Tensor<D>, expected: &[f32]) -> f32 {
    let error = error(found, expected);
    assert!(error <= 1e-5, "{case}: {what} is off by {error:e}");
    error
}

fn run(case: &Case, device: &Device) -> f32 {
    let Case { b, k, h, name, .. } = case;
    let leaf = |values: &[f32], width: usize| matrix(values, [*b, width], device).require_grad();
    let standard_logits = leaf(&case.inputs.standard_logits, *k);
    let reasoned_logits = leaf(&case.inputs.reasoned_logits, *k);
    let standard = leaf(&case.inputs.standard, *h);
    let reasoned = leaf(&case.inputs.reasoned, *h);
    let negatives = case.usable.as_ref().map(|rows| {
        let cells: Vec<bool> = rows.iter().flatten().map(|&cell| cell == 1).collect();
        let usable = Tensor::from_data(TensorData::new(cells, [*b, *b]), device);
        NegativeMask::new(usable).unwrap()
    });
    let loss = CrsdLossConfig::new()
        .with_align(case.align)
        .with_temperature(case.temperature)
        .with_lambda(case.lambda)
        .with_direction(case.direction)
        .with_detach_reasoned(case.detach_reasoned)
        .init()
        .unwrap();
    let input = CrsdInput {
        standard_logits: standard_logits.clone(),
        reasoned_logits: reasoned_logits.clone(),
        standard: standard.clone(),
        reasoned: reasoned.clone(),
        labels: label_tensor(&case.labels, *k, device).unwrap(),
        negatives,
    };
    let output = loss.forward(input, 1.0).unwrap();
    let weights = Tensor::<1>::from_floats(case.weights.as_slice(), device);
    let gradients = (output.per_example.clone() * weights).sum().backward();
    let gradient = |leaf: &Tensor<2>| leaf.grad(&gradients).unwrap_or_else(|| leaf.zeros_like());

    let values = &case.values;
    let expected = &case.gradients;
    [
        close("standard_ce", name, output.standard_ce, &values.standard_ce),
        close("reasoned_ce", name, output.reasoned_ce, &values.reasoned_ce),
        close("align", name, output.align, &values.align),
        close("per_example", name, output.per_example, &values.per_example),
        close(
            "gradient of standard_logits",
            name,
            gradient(&standard_logits),
            &expected.standard_logits,
        ),
        close(
            "gradient of reasoned_logits",
            name,
            gradient(&reasoned_logits),
            &expected.reasoned_logits,
        ),
        close(
            "gradient of standard",
            name,
            gradient(&standard),
            &expected.standard,
        ),
        close(
            "gradient of reasoned",
            name,
            gradient(&reasoned),
            &expected.reasoned,
        ),
    ]
    .into_iter()
    .fold(0.0, f32::max)
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("goldens/crsd.json")).unwrap()
}

#[test]
fn values_and_gradients_equal_torch() {
    let cases = goldens().cases;
    assert_eq!(cases.len(), 73);
    let device = Device::default().autodiff();
    let worst = cases.iter().map(|case| run(case, &device));
    println!("worst error: {:e}", worst.fold(0.0, f32::max));
}

#[test]
fn distillation_equals_torch() {
    let device = Device::default().autodiff();
    for case in goldens().distillation {
        let shape = [case.b, case.k];
        let student = matrix(&case.student, shape, &device).require_grad();
        let teacher = matrix(&case.teacher, shape, &device).require_grad();
        let loss = logit_kd(student.clone(), teacher.clone(), case.temperature).unwrap();
        let gradients = loss.clone().sum().backward();
        close("value", &case.name, loss, &case.value);
        let gradient = student.grad(&gradients).unwrap();
        close("gradient", &case.name, gradient, &case.gradient);
        assert!(teacher.grad(&gradients).is_none());
    }
}
