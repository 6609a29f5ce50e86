//! What must hold for any batch, whichever align term is configured.

use burn::tensor::{Bool, Device, Tensor, TensorData};
use crsd_loss::{Align, CrsdInput, CrsdLossConfig, Direction, NegativeMask, label_tensor};
use proptest::collection::vec;
use proptest::prelude::*;

const H: usize = 6;
const K: usize = 3;

#[derive(Debug, Clone)]
struct Row {
    logits: [Vec<f32>; 2],
    views: [Vec<f32>; 2],
    label: usize,
}

fn row() -> impl Strategy<Value = Row> {
    let norm = |row: &Vec<f32>| row.iter().map(|x| x * x).sum::<f32>().sqrt();
    let view = move || vec(-3.0f32..3.0, H).prop_filter("no direction", move |r| norm(r) > 0.1);
    let logits = || vec(-4.0f32..4.0, K);
    (logits(), logits(), view(), view(), 0..K).prop_map(|(a, b, x, y, label)| Row {
        logits: [a, b],
        views: [x, y],
        label,
    })
}

fn terms() -> impl Strategy<Value = CrsdLossConfig> {
    let align = prop_oneof![
        Just(Align::InfoNce),
        Just(Align::Mse),
        Just(Align::Cosine),
        Just(Align::ViewKl),
        Just(Align::SupCon),
        Just(Align::SupConAllViews),
    ];
    let direction = prop_oneof![
        Just(Direction::StandardToReasoned),
        Just(Direction::Symmetric)
    ];
    (align, direction).prop_map(|(align, direction)| {
        CrsdLossConfig::new()
            .with_align(align)
            .with_direction(direction)
    })
}

fn matrix(rows: Vec<Vec<f32>>) -> Tensor<2> {
    let shape = [rows.len(), rows[0].len()];
    let data = TensorData::new(rows.concat(), shape);
    Tensor::from_data(data, &Device::default().autodiff()).require_grad()
}

/// Align losses, and per row the gradients of their sum weighted by `weights`: logits and
/// representations, standard view first.
struct Outcome {
    losses: Vec<f32>,
    gradients: [Vec<Vec<f32>>; 4],
}

fn outcome(
    config: &CrsdLossConfig,
    rows: &[Row],
    cells: Option<&[bool]>,
    weights: &[f32],
) -> Outcome {
    let device = Device::default().autodiff();
    let b = rows.len();
    let logits = |view: usize| matrix(rows.iter().map(|row| row.logits[view].clone()).collect());
    let view = |view: usize| matrix(rows.iter().map(|row| row.views[view].clone()).collect());
    let leaves = [logits(0), logits(1), view(0), view(1)];
    let labels: Vec<usize> = rows.iter().map(|row| row.label).collect();
    let negatives = cells.map(|cells| {
        let usable = Tensor::<2, Bool>::from_data(TensorData::new(cells.to_vec(), [b, b]), &device);
        NegativeMask::new(usable).unwrap()
    });
    let input = CrsdInput {
        standard_logits: leaves[0].clone(),
        reasoned_logits: leaves[1].clone(),
        standard: leaves[2].clone(),
        reasoned: leaves[3].clone(),
        labels: label_tensor(&labels, K, &device).unwrap(),
        negatives,
    };
    let losses = config.init().unwrap().forward(input, 1.0).unwrap().align;
    let weights = Tensor::<1>::from_floats(weights, &device);
    let gradients = (losses.clone() * weights).sum().backward();
    Outcome {
        losses: losses.into_data().iter().collect(),
        gradients: leaves.map(|leaf| {
            let width = leaf.dims()[1];
            let plain = leaf.clone().without_autodiff();
            let gradient = leaf.grad(&gradients).unwrap_or(plain.zeros_like());
            let flat: Vec<f32> = gradient.into_data().iter().collect();
            flat.chunks(width).map(<[f32]>::to_vec).collect()
        }),
    }
}

fn pick<T: Clone>(rows: &[T], order: &[usize]) -> Vec<T> {
    order.iter().map(|&i| rows[i].clone()).collect()
}

fn assert_close(found: &[f32], expected: &[f32]) -> Result<(), TestCaseError> {
    prop_assert_eq!(found.len(), expected.len());
    for (f, e) in found.iter().zip(expected) {
        let close = (f - e).abs() <= 2e-5 * e.abs().max(1.0);
        prop_assert!(close, "{} is not {}", f, e);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn permuting_the_batch_permutes_losses_and_gradients(
        (rows, order, cells) in vec(row(), 1..9).prop_flat_map(|rows| {
            let b = rows.len();
            let order = Just((0..b).collect::<Vec<_>>()).prop_shuffle();
            (Just(rows), order, vec(any::<bool>(), b * b))
        }),
        config in terms(),
    ) {
        let b = rows.len();
        let config = config.with_temperature(0.2);
        let weights: Vec<f32> = (0..b).map(|i| 0.5 + i as f32).collect();
        let moved: Vec<bool> = order
            .iter()
            .flat_map(|&i| order.iter().map(move |&j| i * b + j))
            .map(|cell| cells[cell])
            .collect();
        let first = outcome(&config, &rows, Some(&cells), &weights);
        let (rows, weights) = (pick(&rows, &order), pick(&weights, &order));
        let second = outcome(&config, &rows, Some(&moved), &weights);
        assert_close(&second.losses, &pick(&first.losses, &order))?;
        for (second, first) in second.gradients.iter().zip(&first.gradients) {
            assert_close(&second.concat(), &pick(first, &order).concat())?;
        }
    }

    #[test]
    fn finite_at_similarities_of_one_and_minus_one(
        base in row(),
        signs in vec((any::<bool>(), any::<bool>(), 0..K), 1..12),
        config in terms(),
    ) {
        let signed = |sign: bool| -> Vec<f32> {
            base.views[0].iter().map(|x| if sign { *x } else { -x }).collect()
        };
        let rows: Vec<Row> = signs
            .iter()
            .map(|&(a, b, label)| Row {
                views: [signed(a), signed(b)],
                label,
                ..base.clone()
            })
            .collect();
        let config = config.with_temperature(0.01);
        let outcome = outcome(&config, &rows, None, &vec![1.0; rows.len()]);
        prop_assert!(outcome.losses.iter().all(|loss| loss.is_finite() && *loss >= -1e-4));
        prop_assert!(outcome.gradients.iter().flatten().flatten().all(|g| g.is_finite()));
    }

    #[test]
    fn a_batch_of_one_contrasts_with_nothing(
        row in row(),
        config in terms(),
    ) {
        let contrastive = matches!(
            config.align,
            Align::InfoNce | Align::SupCon | Align::SupConAllViews
        );
        let outcome = outcome(&config.with_temperature(0.01), &[row], None, &[1.0]);
        prop_assert!(outcome.losses[0].is_finite());
        if contrastive {
            prop_assert!(outcome.losses[0].abs() < 1e-5);
            prop_assert!(outcome.gradients.iter().flatten().flatten().all(|g| g.abs() < 1e-4));
        }
    }

    #[test]
    fn a_masked_cell_has_zero_gradient(
        rows in vec(row(), K..=K),
        column in 1..K,
        config in terms(),
    ) {
        // Row 0 alone carries weight and has its label for itself. It does not see `column`, nor
        // does `column` see it: that row must get no gradient, not a small one.
        let rows: Vec<Row> = rows.into_iter().enumerate()
            .map(|(label, row)| Row { label, ..row })
            .collect();
        let mut cells = vec![true; K * K];
        cells[column] = false;
        cells[column * K] = false;
        let mut weights = vec![0.0; K];
        weights[0] = 1.0;
        let outcome = outcome(&config.with_temperature(0.5), &rows, Some(&cells), &weights);
        for gradient in &outcome.gradients {
            prop_assert!(gradient[column].iter().all(|&g| g == 0.0), "{:?}", gradient[column]);
        }
    }

    #[test]
    fn with_labels_of_their_own_supervised_contrast_is_info_nce(
        rows in vec(row(), 1..=K),
        symmetric in any::<bool>(),
    ) {
        let rows: Vec<Row> = rows.into_iter().enumerate()
            .map(|(label, row)| Row { label, ..row })
            .collect();
        let direction = match symmetric {
            true => Direction::Symmetric,
            false => Direction::StandardToReasoned,
        };
        let config = CrsdLossConfig::new().with_temperature(0.2).with_direction(direction);
        let weights = vec![1.0; rows.len()];
        let expected = outcome(&config, &rows, None, &weights);
        let found = outcome(&config.with_align(Align::SupCon), &rows, None, &weights);
        assert_close(&found.losses, &expected.losses)?;
        for (found, expected) in found.gradients.iter().zip(&expected.gradients) {
            assert_close(&found.concat(), &expected.concat())?;
        }
    }
}
