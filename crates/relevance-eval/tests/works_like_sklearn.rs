//! Classification and calibration figures against scikit-learn (`goldens/generate.py`).

use relevance_eval::{
    Average, ClassSet, ConfusionMatrix, PrecisionRecallF1, ZeroDivision,
    expected_calibration_error, reliability_bins,
};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-12;

type Scores = [Option<f64>; 3];

#[derive(Deserialize)]
struct ClassificationCase {
    name: String,
    classes: usize,
    gold: Vec<usize>,
    predicted: Vec<usize>,
    accuracy: f64,
    confusion_matrix: Vec<Vec<u64>>,
    figures: Vec<Figures>,
}

#[derive(Deserialize)]
struct Figures {
    zero_division: ZeroDivision,
    per_class: Vec<Scores>,
    averages: Vec<AverageCase>,
}

#[derive(Deserialize)]
struct AverageCase {
    average: Average,
    classes: ClassSet,
    scores: Scores,
}

#[derive(Deserialize)]
struct CalibrationCase {
    name: String,
    bins: usize,
    confidences: Vec<f64>,
    correct: Vec<bool>,
    counts: Vec<u64>,
    accuracy: Vec<f64>,
    mean_confidence: Vec<f64>,
    ece: f64,
}

fn check_scores(got: PrecisionRecallF1, want: Scores, place: &str) {
    for (got, want) in [got.precision, got.recall, got.f1].into_iter().zip(want) {
        match want {
            None => assert!(got.is_nan(), "{place}: {got}, not NaN"),
            Some(want) => assert!((got - want).abs() < TOLERANCE, "{place}: {got} for {want}"),
        }
    }
}

#[test]
fn precision_recall_and_f1_work_like_sklearn() {
    let cases: Vec<ClassificationCase> =
        serde_json::from_str(include_str!("goldens/classification.json")).unwrap();
    assert_eq!(cases.len(), 11);
    for case in cases {
        let matrix =
            ConfusionMatrix::from_labels(&case.gold, &case.predicted, case.classes).unwrap();
        assert_eq!(matrix.rows(), case.confusion_matrix, "{}", case.name);
        assert!((matrix.accuracy() - case.accuracy).abs() < TOLERANCE);
        for figures in case.figures {
            let zero = figures.zero_division;
            for (class, want) in figures.per_class.into_iter().enumerate() {
                let place = format!("{}, class {class}, {zero:?}", case.name);
                check_scores(matrix.class_scores(class, zero), want, &place);
            }
            for AverageCase {
                average,
                classes,
                scores,
            } in figures.averages
            {
                let place = format!("{}, {average:?}, {classes:?}, {zero:?}", case.name);
                check_scores(matrix.average(average, classes, zero), scores, &place);
            }
        }
    }
}

#[test]
fn reliability_bins_work_like_sklearn() {
    let cases: Vec<CalibrationCase> =
        serde_json::from_str(include_str!("goldens/calibration.json")).unwrap();
    assert_eq!(cases.len(), 4);
    for case in cases {
        let bins = reliability_bins(&case.confidences, &case.correct, case.bins).unwrap();
        let counts: Vec<u64> = bins.iter().map(|bin| bin.count).collect();
        assert_eq!(counts, case.counts, "{}", case.name);
        let accuracy: Vec<f64> = bins.iter().filter_map(|bin| bin.accuracy).collect();
        let confidence: Vec<f64> = bins.iter().filter_map(|bin| bin.mean_confidence).collect();
        assert_eq!(accuracy.len(), case.accuracy.len());
        let pairs = accuracy.iter().zip(&case.accuracy);
        for (got, want) in pairs.chain(confidence.iter().zip(&case.mean_confidence)) {
            assert!(
                (got - want).abs() < TOLERANCE,
                "{}: {got} for {want}",
                case.name
            );
        }
        let ece = expected_calibration_error(&bins);
        assert!((ece - case.ece).abs() < TOLERANCE, "{}: {ece}", case.name);
    }
}
