//! AUC, κ, log loss, Brier score and average precision against scikit-learn
//! (`goldens/generate_scores.py`).

use relevance_eval::{
    AucAverage, ConfusionMatrix, EvalError, KappaWeights, Predictions, average_precision,
    precision_recall_curve, roc_auc,
};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-12;

#[derive(Deserialize)]
struct Goldens {
    multiclass: Vec<Multiclass>,
    binary: Vec<Binary>,
    degenerate: Vec<Degenerate>,
}

/// As [`Multiclass`], with nothing where scikit-learn raises or gives NaN.
#[derive(Deserialize)]
struct Degenerate {
    name: String,
    gold: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    auc_per_class: Vec<Option<f64>>,
    ovr: [Option<f64>; 2],
    ovo: [Option<f64>; 2],
    kappa: [Option<f64>; 3],
    log_loss: f64,
    brier: f64,
}

#[derive(Deserialize)]
struct Multiclass {
    name: String,
    gold: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    auc_per_class: Vec<f64>,
    ovr: [f64; 2],
    ovo: [f64; 2],
    kappa: [f64; 3],
    log_loss: f64,
    brier: f64,
}

#[derive(Deserialize)]
struct Binary {
    name: String,
    positive: Vec<bool>,
    scores: Vec<f64>,
    auc: f64,
    average_precision: f64,
    precision: Vec<f64>,
    recall: Vec<f64>,
    thresholds: Vec<f64>,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("goldens/scores.json")).unwrap()
}

fn check(what: &str, got: f64, want: f64) {
    assert!(
        (got - want).abs() <= TOLERANCE * want.abs().max(1.0),
        "{what}: {got} for {want}"
    );
}

const KAPPAS: [KappaWeights; 3] = [
    KappaWeights::Unweighted,
    KappaWeights::Linear,
    KappaWeights::Quadratic,
];

/// Of the most probable classes, of equals the first.
fn confusion(gold: &[usize], probabilities: &[Vec<f64>]) -> ConfusionMatrix {
    let classes = probabilities[0].len();
    let most = |p: &Vec<f64>| (1..classes).fold(0, |best, k| if p[k] > p[best] { k } else { best });
    let predicted: Vec<usize> = probabilities.iter().map(most).collect();
    ConfusionMatrix::from_labels(gold, &predicted, classes).unwrap()
}

#[test]
fn multiclass_figures_work_like_sklearn() {
    for case in goldens().multiclass {
        let classes = case.probabilities[0].len();
        let (queries, classes) = (vec!["q"; case.gold.len()], vec![("c", 0.0); classes]);
        let (gold, probabilities) = (&case.gold, &case.probabilities);
        let predictions = Predictions::new(&queries, gold, probabilities, &classes).unwrap();
        let name = &case.name;
        let areas = predictions.auc_per_class();
        for (got, want) in areas.iter().zip(&case.auc_per_class) {
            check(&format!("{name}: AUC of a class"), got.unwrap(), *want);
        }
        for (i, average) in [AucAverage::Macro, AucAverage::Weighted]
            .into_iter()
            .enumerate()
        {
            let (ovr, ovo) = (
                predictions.auc_one_vs_rest(average).unwrap(),
                predictions.auc_one_vs_one(average).unwrap(),
            );
            check(&format!("{name}: ovr {average:?}"), ovr, case.ovr[i]);
            check(&format!("{name}: ovo {average:?}"), ovo, case.ovo[i]);
        }
        check(
            &format!("{name}: log loss"),
            predictions.log_loss(),
            case.log_loss,
        );
        check(
            &format!("{name}: Brier"),
            predictions.brier_score(),
            case.brier,
        );
        let matrix = confusion(&case.gold, &case.probabilities);
        for (weights, want) in KAPPAS.into_iter().zip(case.kappa) {
            check(
                &format!("{name}: kappa {weights:?}"),
                matrix.kappa(weights),
                want,
            );
        }
    }
}

#[test]
fn curves_of_one_score_work_like_sklearn() {
    for case in goldens().binary {
        let name = &case.name;
        check(
            name,
            roc_auc(&case.positive, &case.scores).unwrap(),
            case.auc,
        );
        let ap = average_precision(&case.positive, &case.scores).unwrap();
        check(name, ap, case.average_precision);
        let curve = precision_recall_curve(&case.positive, &case.scores).unwrap();
        // scikit-learn stops at full recall; ours goes on to the lowest score.
        assert!(curve.len() >= case.thresholds.len(), "{name}");
        for (i, point) in curve.iter().enumerate() {
            let Some(threshold) = case.thresholds.get(i) else {
                assert_eq!(point.recall, 1.0, "{name}");
                continue;
            };
            check(name, point.threshold, *threshold);
            check(name, point.precision, case.precision[i]);
            check(name, point.recall, case.recall[i]);
        }
    }
}

fn check_or_undefined(what: &str, got: Option<f64>, want: Option<f64>) {
    match (got, want) {
        (Some(got), Some(want)) => check(what, got, want),
        (got, want) => assert_eq!(got, want, "{what}"),
    }
}

/// The figure, none where it is undefined.
fn defined(figure: Result<f64, EvalError>) -> Option<f64> {
    match figure {
        Ok(figure) => Some(figure),
        Err(EvalError::Undefined { .. }) => None,
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn absent_classes_and_single_classes_work_like_sklearn() {
    let cases = goldens().degenerate;
    assert_eq!(cases.len(), 40);
    for case in cases {
        let (name, classes) = (&case.name, case.probabilities[0].len());
        let (queries, classes) = (vec!["q"; case.gold.len()], vec![("c", 0.0); classes]);
        let (gold, probabilities) = (&case.gold, &case.probabilities);
        let predictions = Predictions::new(&queries, gold, probabilities, &classes).unwrap();
        let areas = predictions.auc_per_class();
        for (got, want) in areas.into_iter().zip(case.auc_per_class) {
            check_or_undefined(&format!("{name}: AUC of a class"), got, want);
        }
        let averages = [AucAverage::Macro, AucAverage::Weighted];
        for (i, average) in averages.into_iter().enumerate() {
            let place = format!("{name}: {average:?}");
            if classes.len() > 2 {
                let ovr = defined(predictions.auc_one_vs_rest(average));
                check_or_undefined(&format!("{place} ovr"), ovr, case.ovr[i]);
            }
            let ovo = defined(predictions.auc_one_vs_one(average));
            check_or_undefined(&format!("{place} ovo"), ovo, case.ovo[i]);
        }
        check(name, predictions.log_loss(), case.log_loss);
        check(name, predictions.brier_score(), case.brier);
        let matrix = confusion(&case.gold, &case.probabilities);
        for (weights, want) in KAPPAS.into_iter().zip(case.kappa) {
            let kappa = Some(matrix.kappa(weights)).filter(|kappa| !kappa.is_nan());
            check_or_undefined(&format!("{name}: kappa {weights:?}"), kappa, want);
        }
    }
}
