//! What must hold for any input.

use proptest::prelude::*;
use relevance_eval::{
    Average, ClassSet, ConfusionMatrix, EvaluationConfig, Interval, Predictions, ScoredItem,
    ZeroDivision, evaluate, expected_ndcg, ndcg,
};

const CLASSES: usize = 4;

#[derive(Debug, Clone)]
struct Row {
    query: String,
    item: String,
    gold: usize,
    probabilities: Vec<f64>,
}

/// Rows over few queries, with coarse probabilities so that ties are frequent.
fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = (0..6u8, 0..CLASSES, prop::collection::vec(1..4u8, CLASSES));
    prop::collection::vec(row, 1..40).prop_map(|rows| {
        rows.into_iter()
            .enumerate()
            .map(|(i, (query, gold, weights))| {
                let total: f64 = weights.iter().map(|&w| f64::from(w)).sum();
                Row {
                    query: format!("q{query}"),
                    item: format!("item {}", i * 37 % 101),
                    gold,
                    probabilities: weights.iter().map(|&w| f64::from(w) / total).collect(),
                }
            })
            .collect()
    })
}

fn shuffled() -> impl Strategy<Value = (Vec<Row>, Vec<Row>)> {
    rows().prop_flat_map(|rows| (Just(rows.clone()), Just(rows).prop_shuffle()))
}

fn figures(rows: &[Row], with_ids: bool) -> Vec<Interval> {
    let column = |of: fn(&Row) -> &String| rows.iter().map(|r| of(r).clone()).collect::<Vec<_>>();
    let (query_ids, item_ids) = (column(|row| &row.query), column(|row| &row.item));
    let gold: Vec<usize> = rows.iter().map(|row| row.gold).collect();
    let probabilities: Vec<Vec<f64>> = rows.iter().map(|row| row.probabilities.clone()).collect();
    let classes = [("0", 1.0), ("1", 0.1), ("2", 0.01), ("3", 0.0)];
    let mut predictions = Predictions::new(&query_ids, &gold, &probabilities, &classes).unwrap();
    if with_ids {
        predictions = predictions.with_item_ids(&item_ids).unwrap();
    }
    let config = EvaluationConfig::new().with_bootstrap_samples(50);
    let got = evaluate(&predictions, &config).unwrap();
    assert!((0.0..=1.0).contains(&got.ece));
    assert_eq!(
        got.confusion_matrix.iter().flatten().sum::<u64>() as usize,
        rows.len()
    );
    vec![
        got.accuracy,
        got.macro_f1,
        got.micro_f1,
        got.weighted_f1,
        got.ndcg,
        got.ndcg_at_10,
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    #[test]
    fn figures_are_bounded_and_blind_to_the_order_of_rows(
        (rows, other) in shuffled(),
        with_ids: bool,
    ) {
        let got = figures(&rows, with_ids);
        for interval in &got {
            prop_assert!(0.0 <= interval.lower && interval.lower <= interval.upper);
            prop_assert!(interval.upper <= 1.0 + 1e-12);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&interval.value));
        }
        prop_assert_eq!(got, figures(&other, with_ids));
    }

    #[test]
    fn averages_lie_between_the_classes(
        labels in prop::collection::vec((0..CLASSES, 0..CLASSES), 1..60),
    ) {
        let (gold, predicted): (Vec<usize>, Vec<usize>) = labels.into_iter().unzip();
        let matrix = ConfusionMatrix::from_labels(&gold, &predicted, CLASSES).unwrap();
        let classes: Vec<f64> = (0..CLASSES)
            .map(|class| matrix.class_scores(class, ZeroDivision::Zero).f1)
            .collect();
        let low = classes.iter().copied().fold(1.0, f64::min);
        let high = classes.iter().copied().fold(0.0, f64::max);
        for average in [Average::Macro, Average::Weighted] {
            let f1 = matrix.average(average, ClassSet::All, ZeroDivision::Zero).f1;
            prop_assert!(low - 1e-12 <= f1 && f1 <= high + 1e-12);
        }
        let micro = matrix.average(Average::Micro, ClassSet::Present, ZeroDivision::Zero);
        prop_assert_eq!(micro.f1, matrix.accuracy());
    }

    #[test]
    fn ranking_is_blind_to_monotone_maps_of_the_score(
        rows in prop::collection::vec((-20..20i32, 0..4usize), 1..30),
        k in prop::option::of(1..12usize),
    ) {
        let gains = [1.0, 0.1, 0.01, 0.0];
        let ids: Vec<String> = (0..rows.len()).map(|i| (i * 7 % 31).to_string()).collect();
        let rank = |map: fn(f64) -> f64| {
            let items: Vec<ScoredItem<'_>> = rows
                .iter()
                .zip(&ids)
                .map(|(&(score, label), id)| ScoredItem {
                    id,
                    score: map(f64::from(score)),
                    gain: gains[label],
                })
                .collect();
            let scores: Vec<f64> = items.iter().map(|item| item.score).collect();
            let of_items: Vec<f64> = items.iter().map(|item| item.gain).collect();
            (ndcg(&items, k).unwrap(), expected_ndcg(&scores, &of_items, k).unwrap())
        };
        let plain = rank(|score| score);
        for (ordered, expected) in [plain, rank(f64::exp), rank(|s| 3.0 * s - 7.0), rank(f64::cbrt)] {
            prop_assert_eq!(ordered, plain.0);
            prop_assert_eq!(expected, plain.1);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&ordered));
            prop_assert!((0.0..=1.0 + 1e-12).contains(&expected));
        }
    }

    #[test]
    fn the_ideal_order_scores_one_and_gains_have_no_unit(
        labels in prop::collection::vec(0..3usize, 1..30),
        factor in 0.01..100.0f64,
    ) {
        let gains = [1.0, 0.1, 0.01];
        let of_items: Vec<f64> = labels.iter().map(|&label| gains[label]).collect();
        prop_assert!((expected_ndcg(&of_items, &of_items, None).unwrap() - 1.0).abs() < 1e-12);
        let scores: Vec<f64> = (0..labels.len()).map(|i| (i % 5) as f64).collect();
        let scaled: Vec<f64> = of_items.iter().map(|gain| gain * factor).collect();
        let plain = expected_ndcg(&scores, &of_items, Some(10)).unwrap();
        prop_assert!((expected_ndcg(&scores, &scaled, Some(10)).unwrap() - plain).abs() < 1e-12);
    }
}
