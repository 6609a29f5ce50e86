//! What must hold for any batch.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use crsd_loss::{Direction, InfoNceConfig, NegativeMask};
use proptest::collection::vec;
use proptest::prelude::*;

const H: usize = 6;

/// Two views of a batch, row by row, away from zero.
fn batches() -> impl Strategy<Value = (Vec<Vec<f32>>, Vec<Vec<f32>>)> {
    let row = || vec(-3.0f32..3.0, H).prop_filter("no direction", |r| norm(r) > 0.1);
    (1usize..10).prop_flat_map(move |b| (vec(row(), b), vec(row(), b)))
}

fn directions() -> impl Strategy<Value = Direction> {
    prop_oneof![
        Just(Direction::StandardToReasoned),
        Just(Direction::Symmetric)
    ]
}

fn norm(row: &[f32]) -> f32 {
    row.iter().map(|x| x * x).sum::<f32>().sqrt()
}

fn tensor(rows: &[Vec<f32>], device: &Device) -> Tensor<2> {
    let shape = [rows.len(), rows[0].len()];
    Tensor::from_data(TensorData::new(rows.concat(), shape), device)
}

fn mask(cells: &[bool], b: usize, device: &Device) -> NegativeMask {
    let usable = Tensor::<2, Bool>::from_data(TensorData::new(cells.to_vec(), [b, b]), device);
    NegativeMask::new(usable).unwrap()
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter().collect()
}

struct Outcome {
    loss: Vec<f32>,
    standard_gradient: Vec<f32>,
    reasoned_gradient: Vec<f32>,
}

/// Losses, and gradients of their sum weighted by `weights`.
fn outcome(
    (standard, reasoned): (&[Vec<f32>], &[Vec<f32>]),
    config: &InfoNceConfig,
    cells: Option<&[bool]>,
    weights: &[f32],
) -> Outcome {
    let device = Device::default().autodiff();
    let standard = tensor(standard, &device).require_grad();
    let reasoned = tensor(reasoned, &device).require_grad();
    let mask = cells.map(|cells| mask(cells, standard.dims()[0], &device));
    let loss = config.init().unwrap();
    let loss = loss.forward(standard.clone(), reasoned.clone(), mask.as_ref());
    let loss = loss.unwrap();
    let weighted = loss.clone() * Tensor::<1>::from_floats(weights, &device);
    let gradients = weighted.sum().backward();
    Outcome {
        loss: values(loss),
        standard_gradient: values(standard.grad(&gradients).unwrap()),
        reasoned_gradient: values(reasoned.grad(&gradients).unwrap()),
    }
}

fn assert_close(found: &[f32], expected: &[f32]) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        prop_assert!(
            (f - e).abs() <= 2e-5 * e.abs().max(1.0),
            "{} is not {}",
            f,
            e
        );
    }
    Ok(())
}

fn pick<T: Clone>(rows: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|&i| rows[i].clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn permuting_the_batch_permutes_the_losses(
        ((standard, reasoned), order, cells) in batches().prop_flat_map(|batch| {
            let b = batch.0.len();
            let order = Just((0..b).collect::<Vec<_>>()).prop_shuffle();
            (Just(batch), order, vec(any::<bool>(), b * b))
        }),
        direction in directions(),
    ) {
        let b = standard.len();
        let weights: Vec<f32> = (0..b).map(|i| 0.5 + i as f32).collect();
        let config = InfoNceConfig::new().with_temperature(0.2).with_direction(direction);
        let permuted_cells: Vec<bool> = order
            .iter()
            .flat_map(|&i| order.iter().map(move |&j| i * b + j))
            .map(|cell| cells[cell])
            .collect();

        let first = outcome((&standard, &reasoned), &config, Some(&cells), &weights);
        let (standard, reasoned) = (pick(&standard, &order), pick(&reasoned, &order));
        let permuted_weights = pick(&weights, &order);
        let second =
            outcome((&standard, &reasoned), &config, Some(&permuted_cells), &permuted_weights);

        assert_close(&second.loss, &pick(&first.loss, &order))?;
        let rows: Vec<Vec<f32>> = first.standard_gradient.chunks(H).map(<[f32]>::to_vec).collect();
        assert_close(&second.standard_gradient, &pick(&rows, &order).concat())?;
        let rows: Vec<Vec<f32>> = first.reasoned_gradient.chunks(H).map(<[f32]>::to_vec).collect();
        assert_close(&second.reasoned_gradient, &pick(&rows, &order).concat())?;
    }

    #[test]
    fn the_scale_of_a_representation_does_not_matter(
        (standard, reasoned) in batches(),
        scale in -12i32..12,
        direction in directions(),
    ) {
        let scale = 2f32.powi(scale);
        let config = InfoNceConfig::new().with_temperature(0.1).with_direction(direction);
        let weights = vec![1.0; standard.len()];
        let scaled: Vec<Vec<f32>> =
            standard.iter().map(|row| row.iter().map(|x| x * scale).collect()).collect();
        let plain = outcome((&standard, &reasoned), &config, None, &weights);
        let scaled = outcome((&scaled, &reasoned), &config, None, &weights);
        assert_close(&scaled.loss, &plain.loss)?;
        // A function that ignores scale has a gradient that shrinks as its argument grows.
        let rescaled: Vec<f32> = scaled.standard_gradient.iter().map(|g| g * scale).collect();
        assert_close(&rescaled, &plain.standard_gradient)?;
    }

    #[test]
    fn finite_at_similarities_of_one_and_minus_one(
        row in vec(-3.0f32..3.0, H).prop_filter("no direction", |r| norm(r) > 0.1),
        signs in vec((any::<bool>(), any::<bool>()), 1..12),
        direction in directions(),
    ) {
        let signed = |sign: bool| -> Vec<f32> {
            row.iter().map(|x| if sign { *x } else { -x }).collect()
        };
        let standard: Vec<Vec<f32>> = signs.iter().map(|s| signed(s.0)).collect();
        let reasoned: Vec<Vec<f32>> = signs.iter().map(|s| signed(s.1)).collect();
        let config = InfoNceConfig::new().with_temperature(0.01).with_direction(direction);
        let weights = vec![1.0; signs.len()];
        let outcome = outcome((&standard, &reasoned), &config, None, &weights);
        for loss in &outcome.loss {
            prop_assert!((0.0..=210.0).contains(loss), "{}", loss);
        }
        for g in outcome.standard_gradient.iter().chain(&outcome.reasoned_gradient) {
            prop_assert!(g.is_finite());
        }
    }

    #[test]
    fn a_masked_cell_has_zero_gradient(
        ((standard, reasoned), column) in batches()
            .prop_filter("needs a negative", |batch| batch.0.len() > 1)
            .prop_flat_map(|batch| { let b = batch.0.len(); (Just(batch), 1..b) }),
        direction in directions(),
    ) {
        // Row 0 alone carries weight. Wherever it does not see `column`, that row's reasoned
        // view must get no gradient: not a small one, none.
        let b = standard.len();
        let mut cells = vec![true; b * b];
        cells[column] = false;
        cells[column * b] = false;
        let mut weights = vec![0.0; b];
        weights[0] = 1.0;
        let config = InfoNceConfig::new().with_temperature(0.5).with_direction(direction);
        let outcome = outcome((&standard, &reasoned), &config, Some(&cells), &weights);
        let row = column * H..(column + 1) * H;
        prop_assert!(outcome.reasoned_gradient[row.clone()].iter().all(|&g| g == 0.0));
        prop_assert!(outcome.standard_gradient[row].iter().all(|&g| g == 0.0));
    }

    #[test]
    fn masking_everything_is_a_batch_of_one(
        (standard, reasoned) in batches(),
        direction in directions(),
    ) {
        let b = standard.len();
        let config = InfoNceConfig::new().with_direction(direction);
        let outcome =
            outcome((&standard, &reasoned), &config, Some(&vec![false; b * b]), &vec![1.0; b]);
        prop_assert!(outcome.loss.iter().all(|&loss| loss == 0.0));
    }

    #[test]
    fn a_batch_of_one_has_no_align_loss_and_no_gradient(
        standard in vec(-3.0f32..3.0, H),
        reasoned in vec(-3.0f32..3.0, H),
        direction in directions(),
    ) {
        let config = InfoNceConfig::new().with_temperature(0.01).with_direction(direction);
        let outcome = outcome((&[standard], &[reasoned]), &config, None, &[1.0]);
        prop_assert_eq!(outcome.loss, vec![0.0]);
        prop_assert!(outcome.standard_gradient.iter().all(|&g| g == 0.0));
        prop_assert!(outcome.reasoned_gradient.iter().all(|&g| g == 0.0));
    }
}

#[test]
fn a_zero_vector_gets_a_finite_gradient_of_ordinary_size() {
    let standard = vec![vec![0.0; H], vec![1.0, 2.0, 0.0, 0.0, -1.0, 0.5]];
    let reasoned = vec![vec![0.5; H], vec![0.0; H]];
    for direction in [Direction::StandardToReasoned, Direction::Symmetric] {
        let config = InfoNceConfig::new()
            .with_temperature(0.05)
            .with_direction(direction);
        let outcome = outcome((&standard, &reasoned), &config, None, &[1.0, 1.0]);
        for loss in &outcome.loss {
            assert!(loss.is_finite());
        }
        for g in outcome
            .standard_gradient
            .iter()
            .chain(&outcome.reasoned_gradient)
        {
            assert!(g.abs() <= 2.0 / 0.05, "{g}");
        }
    }
}

#[test]
fn a_broken_row_stays_visible() {
    let standard = vec![vec![f32::NAN; H], vec![1.0; H]];
    let reasoned = vec![vec![1.0; H], vec![1.0; H]];
    let config = InfoNceConfig::new();
    let outcome = outcome((&standard, &reasoned), &config, None, &[1.0, 1.0]);
    assert!(outcome.loss[0].is_nan());
}
