//! The objective as a whole: weights, detaching, errors, configuration files.

use burn::tensor::{Bool, DType, Device, Distribution, Tensor, TensorData};
use crsd_loss::{
    Align, CrsdInput, CrsdLossConfig, CrsdLossError, Diagnostics, Direction, InfoNceConfig,
    NegativeMask, check_labels, cross_entropy, label_tensor,
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

fn values(tensor: Tensor<1>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

#[test]
fn the_warmup_scale_multiplies_lambda() {
    let loss = CrsdLossConfig::new().with_lambda(0.4).init().unwrap();
    let device = Device::default();
    let scaled = loss.forward(input(&device), 0.25).unwrap();
    let ce = values(scaled.standard_ce + scaled.reasoned_ce);
    let align = values(scaled.align);
    for (i, total) in values(scaled.per_example).into_iter().enumerate() {
        assert!((total - ce[i] - 0.1 * align[i]).abs() < 1e-6);
    }
}

#[test]
fn a_weight_of_zero_trains_nothing_but_is_still_reported() {
    let device = Device::default().autodiff();
    let mut input = input(&device);
    input.standard = input.standard.require_grad();
    let standard = input.standard.clone();
    let loss = CrsdLossConfig::new().with_temperature(1.0).init().unwrap();
    let output = loss
        .forward(
            CrsdInput {
                standard_logits: standard.clone(),
                ..input
            },
            0.0,
        )
        .unwrap();
    assert!(values(output.align.clone()).iter().all(|&x| x > 0.0));
    assert!(!output.align.is_tracked());
    let ce_only = values(output.standard_ce + output.reasoned_ce);
    assert_eq!(values(output.per_example), ce_only);
}

#[test]
fn detaching_stops_only_the_align_gradient_of_the_reasoned_side() {
    let device = Device::default().autodiff();
    for direction in [Direction::StandardToReasoned, Direction::Symmetric] {
        let mut input = input(&device);
        let (logits, standard, reasoned) = (
            input.reasoned_logits.clone().require_grad(),
            input.standard.clone().require_grad(),
            input.reasoned.clone().require_grad(),
        );
        input.reasoned_logits = logits.clone();
        input.standard = standard.clone();
        input.reasoned = reasoned.clone();
        let config = CrsdLossConfig::new().with_detach_reasoned(true);
        let loss = config.with_direction(direction).init().unwrap();
        let output = loss.forward(input, 1.0).unwrap();
        let gradients = output.per_example.mean().backward();
        assert!(reasoned.grad(&gradients).is_none());
        assert!(standard.grad(&gradients).is_some());
        assert!(logits.grad(&gradients).is_some());
    }
}

#[test]
fn the_same_values_with_and_without_autodiff() {
    for direction in [Direction::StandardToReasoned, Direction::Symmetric] {
        let loss = CrsdLossConfig::new()
            .with_direction(direction)
            .init()
            .unwrap();
        let plain = loss.forward(input(&Device::default()), 1.0).unwrap();
        let traced = loss
            .forward(input(&Device::default().autodiff()), 1.0)
            .unwrap();
        assert_eq!(values(plain.align), values(traced.align));
        assert_eq!(values(plain.per_example), values(traced.per_example));
    }
}

#[test]
fn half_precision_inputs_are_computed_in_f32() {
    let device = Device::default();
    let mut half = input(&device);
    for tensor in [
        &mut half.standard_logits,
        &mut half.reasoned_logits,
        &mut half.standard,
        &mut half.reasoned,
    ] {
        *tensor = tensor.clone().cast(DType::F16);
    }
    let loss = CrsdLossConfig::new().init().unwrap();
    let expected = values(loss.forward(input(&device), 1.0).unwrap().per_example);
    let output = loss.forward(half, 1.0).unwrap().per_example;
    assert_eq!(output.dtype(), DType::F32);
    for (found, expected) in values(output).into_iter().zip(expected) {
        assert!((found - expected).abs() < 2e-2);
    }
}

#[test]
fn duplicates_are_found_and_distinct_rows_need_no_mask() {
    let device = Device::default();
    assert!(NegativeMask::from_keys(&["a", "b", "c"], &device).is_none());
    let mask = NegativeMask::from_keys(&["a", "b", "a"], &device).unwrap();
    let usable: Vec<bool> = mask.usable().into_data().iter().collect();
    let (t, f) = (true, false);
    assert_eq!(usable, [f, t, f, t, f, t, f, t, f]);

    let mask = NegativeMask::from_keys(&[1, 1, 2], &device)
        .unwrap()
        .and(mask)
        .unwrap();
    let usable: Vec<bool> = mask.usable().into_data().iter().collect();
    assert_eq!(usable, [f, f, f, f, f, t, f, t, f]);
}

#[test]
fn masking_a_duplicate_equals_leaving_it_out() {
    let device = Device::default();
    let standard = [[1.0, 0.2], [-0.3, 2.0], [1.0, 0.2]];
    let reasoned = [[0.9, 0.3], [-0.5, 1.0], [0.9, 0.3]];
    let mask = NegativeMask::from_keys(&["a", "b", "a"], &device);
    let loss = InfoNceConfig::new().init().unwrap();
    let masked = loss
        .forward(
            rows(&standard, &device),
            rows(&reasoned, &device),
            mask.as_ref(),
        )
        .unwrap();
    let without = loss
        .forward(
            rows(&standard[..2], &device),
            rows(&reasoned[..2], &device),
            None,
        )
        .unwrap();
    assert!((values(masked)[0] - values(without)[0]).abs() < 1e-6);
}

#[test]
fn diagnostics_of_known_layouts() {
    let device = Device::default();
    let apart = rows(&[[1.0, 0.0], [-3.0, 0.0]], &device);
    let d = Diagnostics::measure(apart.clone(), apart.clone() * 2.0, None).unwrap();
    assert!(d.alignment.abs() < 1e-6);
    assert!((d.mean_positive_similarity - 1.0).abs() < 1e-6);
    assert!((d.mean_negative_similarity.unwrap() + 1.0).abs() < 1e-6);
    assert!((d.uniformity_standard.unwrap() + 8.0).abs() < 1e-5);
    assert_eq!(d.diagonal_accuracy, 1.0);

    let collapsed = rows(&[[1.0, 1.0], [1.0, 1.0]], &device);
    let d = Diagnostics::measure(collapsed.clone(), collapsed, None).unwrap();
    assert!(d.uniformity_reasoned.unwrap().abs() < 1e-5);
    assert_eq!(d.diagonal_accuracy, 0.0);

    let d = Diagnostics::measure(apart.clone(), apart.clone().flip([0]), None).unwrap();
    assert!((d.alignment - 4.0).abs() < 1e-6);
    assert_eq!(d.diagonal_accuracy, 0.0);

    let mask = NegativeMask::from_keys(&[0, 0], &device);
    let d = Diagnostics::measure(apart.clone(), apart.clone().flip([0]), mask.as_ref()).unwrap();
    assert_eq!(d.mean_negative_similarity, None);
    assert_eq!(d.diagonal_accuracy, 1.0);

    let one = rows(&[[0.0, 2.0]], &device);
    let d = Diagnostics::measure(one.clone(), one, None).unwrap();
    assert_eq!(d.uniformity_standard, None);
    assert_eq!(d.mean_negative_similarity, None);
}

fn message(result: Result<impl Sized, CrsdLossError>) -> String {
    match result {
        Ok(_) => panic!("an error was expected"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn wrong_shapes_name_the_tensor() {
    let device = Device::default();
    let loss = CrsdLossConfig::new().init().unwrap();
    let two = || rows(&[[1.0, 0.0], [0.0, 1.0]], &device);

    let bad = CrsdInput {
        reasoned: two(),
        ..input(&device)
    };
    assert_eq!(
        message(loss.forward(bad, 1.0)),
        "`reasoned` has shape [2, 2]; expected [3, 2] to fit `standard`"
    );
    let bad = CrsdInput {
        standard: two(),
        reasoned: two(),
        ..input(&device)
    };
    assert_eq!(
        message(loss.forward(bad, 1.0)),
        "`standard` has shape [2, 2]; expected [3, 2] to fit `standard_logits`"
    );
    let bad = CrsdInput {
        reasoned_logits: two(),
        ..input(&device)
    };
    assert!(message(loss.forward(bad, 1.0)).starts_with("`reasoned_logits` has shape [2, 2]"));
    let labels = label_tensor(&[0, 1], 2, &device).unwrap();
    let bad = CrsdInput {
        labels,
        ..input(&device)
    };
    assert!(message(loss.forward(bad, 1.0)).starts_with("`labels` has shape [2]; expected [3]"));
    let negatives = NegativeMask::from_keys(&[0, 0], &device);
    let bad = CrsdInput {
        negatives,
        ..input(&device)
    };
    assert!(message(loss.forward(bad, 1.0)).starts_with("`negatives` has shape [2, 2]"));
    let usable = Tensor::<2, Bool>::from_data(TensorData::new(vec![true; 6], [2, 3]), &device);
    assert!(message(NegativeMask::new(usable)).starts_with("`usable` has shape [2, 3]"));
}

#[test]
fn an_empty_batch_is_an_error() {
    let device = Device::default();
    let empty = Tensor::<2>::zeros([0, 4], &device);
    let info_nce = InfoNceConfig::new().init().unwrap();
    let error = info_nce.forward(empty.clone(), empty.clone(), None);
    assert!(message(error).starts_with("`standard` has shape [0, 4]: the batch is empty"));
    let labels = label_tensor(&[], 4, &device).unwrap();
    assert!(message(cross_entropy(empty, labels)).contains("the batch is empty"));
}

#[test]
fn labels_are_checked_on_the_host() {
    assert!(check_labels(&[0, 3], 4).is_ok());
    assert_eq!(
        message(label_tensor(&[0, 4], 4, &Device::default())),
        "label of row 1 is 4, allowed: 0..4"
    );
}

#[test]
fn configuration_values_are_checked_once() {
    let config = CrsdLossConfig::new();
    for temperature in [0.0, -0.05, f64::NAN, f64::INFINITY] {
        let error = message(config.clone().with_temperature(temperature).init());
        assert!(error.starts_with("`temperature` is "), "{error}");
    }
    assert_eq!(
        message(config.clone().with_lambda(-1.0).init()),
        "`lambda` is -1, allowed: a finite number, at least 0"
    );
    assert!(config.clone().with_lambda_warmup_ratio(1.5).init().is_err());
    assert!(config.clone().with_norm_eps(0.0).init().is_err());
    let loss = config.init().unwrap();
    assert!(message(loss.forward(input(&Device::default()), f64::NAN)).contains("`lambda_scale`"));
}

#[test]
fn a_configuration_file_holds_only_known_keys() {
    let config: CrsdLossConfig =
        serde_json::from_str(r#"{"temperature": 0.1, "direction": "symmetric"}"#).unwrap();
    assert_eq!(config.direction, Direction::Symmetric);
    assert_eq!(config.lambda, 0.1);
    let error = serde_json::from_str::<CrsdLossConfig>(r#"{"tau": 0.1}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `tau`"));
    let written = serde_json::to_string(&config).unwrap();
    assert_eq!(
        serde_json::from_str::<CrsdLossConfig>(&written).unwrap(),
        config
    );
}

#[test]
fn without_a_gradient_a_large_batch_has_the_same_losses() {
    // More rows than one block of the similarity matrix, and not a multiple of it.
    const B: usize = 700;
    let device = Device::default();
    let random = |columns| {
        let matrix = Tensor::<2>::random([B, columns], Distribution::Default, &device) - 0.5;
        matrix.into_data()
    };
    let labels: Vec<usize> = (0..B).map(|i| i * i % 4).collect();
    let usable: Vec<bool> = (0..B * B).map(|cell| cell % 3 > 0).collect();
    let data = [random(4), random(16), random(16)];
    let input = |device: &Device, masked: bool| {
        let [logits, standard, reasoned] = data.clone().map(|data| Tensor::from_data(data, device));
        let usable = TensorData::new(usable.clone(), [B, B]);
        let usable = || Tensor::<2, Bool>::from_data(usable, device);
        CrsdInput {
            standard_logits: logits.clone(),
            reasoned_logits: logits,
            standard,
            reasoned,
            labels: label_tensor(&labels, 4, device).unwrap(),
            negatives: masked.then(|| NegativeMask::new(usable()).unwrap()),
        }
    };
    for align in [Align::InfoNce, Align::SupCon, Align::SupConAllViews] {
        for direction in [Direction::StandardToReasoned, Direction::Symmetric] {
            for masked in [false, true] {
                let config = CrsdLossConfig::new().with_align(align);
                let loss = config.with_direction(direction).init().unwrap();
                let found = loss.forward(input(&device, masked), 1.0).unwrap();
                let mut traced = input(&device.clone().autodiff(), masked);
                traced.standard = traced.standard.require_grad();
                let expected = loss.forward(traced, 1.0).unwrap();
                assert!(expected.align.is_tracked());
                let pairs = values(found.align).into_iter().zip(values(expected.align));
                for (row, (found, expected)) in pairs.enumerate() {
                    let case = format!("{align:?} {direction:?} {masked} row {row}");
                    let off = (found - expected).abs();
                    assert!(
                        off < 1e-5 * expected.max(1.0),
                        "{case}: {found}, {expected}"
                    );
                }
            }
        }
    }
}
