//! What must hold of AUC, calibration, tests and TREC measures for any input.

use proptest::prelude::*;
use relevance_eval::{
    EvaluationConfig, Gain, Qrels, Run, TemperatureScaling, TrecConfig, TrecMeasure,
    average_precision, holm, paired_randomization_of_means, precision_recall_curve, roc_auc,
    trec_eval,
};

/// Labels of both kinds with coarse scores, so that ties are frequent.
fn scored() -> impl Strategy<Value = (Vec<bool>, Vec<f64>)> {
    prop::collection::vec((any::<bool>(), -3..4i8), 2..40).prop_map(|rows| {
        let (mut positive, scores): (Vec<bool>, Vec<f64>) =
            rows.into_iter().map(|(p, s)| (p, f64::from(s))).unzip();
        positive[0] = true;
        positive[1] = false;
        (positive, scores)
    })
}

const MEASURES: [TrecMeasure; 8] = [
    TrecMeasure::Ndcg {
        cutoff: None,
        gain: Gain::Linear,
    },
    TrecMeasure::Ndcg {
        cutoff: Some(3),
        gain: Gain::Linear,
    },
    TrecMeasure::Ndcg {
        cutoff: Some(5),
        gain: Gain::Exponential,
    },
    TrecMeasure::Map,
    TrecMeasure::RecipRank,
    TrecMeasure::Precision(3),
    TrecMeasure::Recall(3),
    TrecMeasure::Judged(3),
];

fn lists() -> impl Strategy<Value = Vec<(u8, u8, i32, Option<i8>)>> {
    prop::collection::vec(
        (0..4u8, 0..30u8, -1..4i32, prop::option::of(-2..3i8)),
        1..60,
    )
}

/// Qrels and run of rows of query, document, level and score; scores pass through `map`.
fn trec(rows: &[(u8, u8, i32, Option<i8>)], map: fn(f64) -> f64) -> (Qrels, Run) {
    let (mut qrels, mut run) = (Qrels::new(), Run::new());
    for &(query, document, level, score) in rows {
        let (query, document) = (format!("q{query}"), format!("d{document}"));
        qrels.insert(&query, &document, level);
        if let Some(score) = score {
            run.insert(&query, &document, map(f64::from(score)));
        }
    }
    (qrels, run)
}

proptest! {
    #[test]
    fn auc_is_bounded_and_turns_with_the_score((positive, scores) in scored()) {
        let auc = roc_auc(&positive, &scores).unwrap();
        prop_assert!((0.0..=1.0).contains(&auc));
        let turned: Vec<f64> = scores.iter().map(|s| -s).collect();
        prop_assert!((auc + roc_auc(&positive, &turned).unwrap() - 1.0).abs() < 1e-12);
        let other: Vec<bool> = positive.iter().map(|p| !p).collect();
        prop_assert!((auc + roc_auc(&other, &scores).unwrap() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn figures_of_a_score_see_its_order_only((positive, scores) in scored()) {
        let mapped: Vec<f64> = scores.iter().map(|s| (s * 2.0).exp() - 5.0).collect();
        prop_assert_eq!(roc_auc(&positive, &scores).unwrap(), roc_auc(&positive, &mapped).unwrap());
        let ap = average_precision(&positive, &scores).unwrap();
        prop_assert_eq!(ap, average_precision(&positive, &mapped).unwrap());
        prop_assert!((0.0..=1.0).contains(&ap));
        let curve = precision_recall_curve(&positive, &scores).unwrap();
        prop_assert!(curve.windows(2).all(|w| w[0].recall <= w[1].recall));
        prop_assert_eq!(curve.last().unwrap().recall, 1.0);
    }

    #[test]
    fn the_fitted_temperature_is_no_worse_than_others(
        rows in prop::collection::vec((prop::collection::vec(-4.0..4.0f64, 3), 0..3usize), 1..30),
        other in 0.2..5.0f64,
    ) {
        let (logits, labels): (Vec<Vec<f64>>, Vec<usize>) = rows.into_iter().unzip();
        let nll = |scaling: TemperatureScaling| -> f64 {
            let scaled = scaling.apply_to_logits(&logits).unwrap();
            let rows = scaled.rows().into_iter().zip(&labels);
            rows.map(|(p, &y)| -p[y].max(1e-300).ln()).sum()
        };
        let fitted = TemperatureScaling::fit(&logits, &labels).unwrap();
        let other = TemperatureScaling { temperature: other };
        prop_assert!(nll(fitted) <= nll(other) + 1e-9);
        // The order of the classes stays.
        let p = fitted.apply_to_logits(&logits[..1]).unwrap();
        for a in 0..3 {
            for b in 0..3 {
                prop_assert!(logits[0][a] <= logits[0][b] || p[[0, a]] >= p[[0, b]]);
            }
        }
    }

    #[test]
    fn holm_keeps_the_order_and_lowers_no_p_value(p in prop::collection::vec(0.0..=1.0f64, 0..12)) {
        let adjusted = holm(&p).unwrap();
        for (raw, adjusted) in p.iter().zip(&adjusted) {
            prop_assert!(adjusted >= raw && *adjusted <= 1.0);
        }
        for a in 0..p.len() {
            for b in 0..p.len() {
                prop_assert!(p[a] > p[b] || adjusted[a] <= adjusted[b]);
            }
        }
    }

    #[test]
    fn holm_rejects_what_its_step_down_procedure_rejects(
        p in prop::collection::vec((0..=40u8).prop_map(|p| f64::from(p) / 400.0), 1..12),
        level in 0.001..0.2f64,
    ) {
        // Holm (1979): from the least p value on, stop at the first above level / (m - i).
        let mut order: Vec<usize> = (0..p.len()).collect();
        order.sort_by(|&a, &b| p[a].total_cmp(&p[b]));
        let passes = |&(i, index): &(usize, &usize)| p[*index] <= level / (p.len() - i) as f64;
        let rejected: Vec<usize> =
            order.iter().enumerate().take_while(passes).map(|(_, &index)| index).collect();
        for (index, adjusted) in holm(&p).unwrap().into_iter().enumerate() {
            if (adjusted - level).abs() > 1e-12 {
                prop_assert_eq!(adjusted <= level, rejected.contains(&index));
            }
        }
    }

    #[test]
    fn a_randomisation_test_is_symmetric(
        pairs in prop::collection::vec((0.0..1.0f64, 0.0..1.0f64), 1..12),
    ) {
        let (a, b): (Vec<f64>, Vec<f64>) = pairs.into_iter().unzip();
        let config = EvaluationConfig::new().with_bootstrap_samples(60);
        let p = paired_randomization_of_means(&a, &b, &config).unwrap();
        prop_assert!(p > 0.0 && p <= 1.0);
        prop_assert_eq!(p, paired_randomization_of_means(&b, &a, &config).unwrap());
    }

    #[test]
    fn trec_measures_are_bounded_and_see_the_order_only(rows in lists()) {
        let (qrels, run) = trec(&rows, |score| score);
        let (_, mapped) = trec(&rows, |score| score.powi(3) * 4.0 + 1.0);
        let config = TrecConfig::default();
        let scores = trec_eval(&qrels, &run, &MEASURES, &config).unwrap();
        let of_mapped = trec_eval(&qrels, &mapped, &MEASURES, &config).unwrap();
        for measure in &MEASURES {
            let mean = scores.mean(measure).unwrap();
            prop_assert!((0.0..=1.0 + 1e-12).contains(&mean), "{measure} {mean}");
            prop_assert_eq!(Some(mean), of_mapped.mean(measure));
        }
        prop_assert_eq!(scores.num_queries(), qrels.len());
    }

    #[test]
    fn trec_measures_are_blind_to_the_order_of_rows(
        (rows, other) in lists().prop_flat_map(|mut rows| {
            // Of several rows of one document the last would count: one each.
            rows.sort_by_key(|row| (row.0, row.1));
            rows.dedup_by_key(|row| (row.0, row.1));
            (Just(rows.clone()), Just(rows).prop_shuffle())
        }),
    ) {
        let mean_of = |rows| {
            let (qrels, run) = trec(rows, |score| score);
            let scores = trec_eval(&qrels, &run, &MEASURES, &TrecConfig::default()).unwrap();
            MEASURES.iter().map(|measure| scores.mean(measure)).collect::<Vec<_>>()
        };
        prop_assert_eq!(mean_of(&rows), mean_of(&other));
    }

    #[test]
    fn trec_files_come_back(
        // A query does not begin with #, which begins a comment; a document may.
        rows in prop::collection::vec(("[!-\"$-~é日][!-~é日]{0,5}", "[!-~é日]{1,6}", any::<i32>(), prop::num::f64::NORMAL | prop::num::f64::ZERO), 0..40),
        tag in "[a-z]{1,4}",
    ) {
        let (mut qrels, mut run) = (Qrels::new(), Run::new());
        for (query, document, level, score) in &rows {
            qrels.insert(query, document, *level);
            run.insert(query, document, *score);
        }
        let folder = tempfile::tempdir().unwrap();
        let (at, to) = (folder.path().join("qrels"), folder.path().join("run"));
        qrels.write(&at).unwrap();
        run.write(&to, &tag).unwrap();
        prop_assert_eq!(Qrels::from_file(&at).unwrap(), qrels);
        prop_assert_eq!(Run::from_file(&to).unwrap(), run);
    }
}
