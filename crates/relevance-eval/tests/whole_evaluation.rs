//! `evaluate` from end to end: the reference figures, refusals, storage, comparison and speed.

use std::sync::Arc;
use std::time::Instant;

use relevance_eval::{
    EvalError, Evaluation, EvaluationConfig, Predictions, TieOrder, evaluate, markdown_table,
    paired_bootstrap, plot,
};
use serde::Deserialize;

#[derive(Deserialize, Clone)]
struct Table {
    query_ids: Vec<String>,
    item_ids: Vec<String>,
    gold: Vec<usize>,
    probabilities: Vec<Vec<f64>>,
    gains: Vec<f64>,
}

#[derive(Deserialize)]
struct Golden {
    accuracy: f64,
    macro_f1: f64,
    micro_f1: f64,
    weighted_f1: f64,
    per_class: Vec<[f64; 3]>,
    confusion_matrix: Vec<Vec<u64>>,
    ece: f64,
    ndcg: f64,
    #[serde(rename = "ndcg@10")]
    ndcg_at_10: f64,
}

const NAMES: [&str; 4] = ["Exact", "Substitute", "Complement", "Irrelevant"];

fn table() -> Table {
    serde_json::from_str(include_str!("goldens/evaluation.json")).unwrap()
}

impl Table {
    fn classes(&self) -> Vec<(&'static str, f64)> {
        NAMES.into_iter().zip(self.gains.iter().copied()).collect()
    }

    fn predictions<'a>(
        &'a self,
        classes: &'a [(&'static str, f64)],
    ) -> Result<Predictions<'a>, EvalError> {
        Predictions::new(&self.query_ids, &self.gold, &self.probabilities, classes)
    }

    fn error(&self) -> EvalError {
        self.predictions(&self.classes()).unwrap_err()
    }
}

fn close(got: f64, want: f64, tolerance: f64) {
    assert!((got - want).abs() < tolerance, "{got} for {want}");
}

#[test]
fn every_figure_works_like_its_reference() {
    let golden: Golden = serde_json::from_str(include_str!("goldens/evaluation.json")).unwrap();
    let table = table();
    let (classes, config) = (table.classes(), EvaluationConfig::default());
    let predictions = table.predictions(&classes).unwrap();
    let predictions = predictions.with_item_ids(&table.item_ids).unwrap();
    let got = evaluate(&predictions, &config).unwrap();
    close(got.accuracy.value, golden.accuracy, 1e-12);
    close(got.macro_f1.value, golden.macro_f1, 1e-12);
    close(got.micro_f1.value, golden.micro_f1, 1e-12);
    close(got.weighted_f1.value, golden.weighted_f1, 1e-12);
    close(got.ece, golden.ece, 1e-12);
    close(got.ndcg.value, golden.ndcg, 1e-6);
    close(got.ndcg_at_10.value, golden.ndcg_at_10, 1e-6);
    assert_eq!(got.confusion_matrix, golden.confusion_matrix);
    for (row, want) in got.per_class.iter().zip(golden.per_class) {
        close(row.precision, want[0], 1e-12);
        close(row.recall, want[1], 1e-12);
        close(row.f1, want[2], 1e-12);
    }
    assert_eq!((got.num_queries, got.ties), (30, TieOrder::ItemId));
    for interval in [got.accuracy, got.macro_f1, got.ndcg, got.ndcg_at_10] {
        assert!(interval.lower < interval.value && interval.value < interval.upper);
    }
}

#[test]
fn storage_keeps_every_figure_and_its_published_names() {
    let table = table();
    let classes = table.classes();
    let predictions = table.predictions(&classes).unwrap();
    let got = evaluate(&predictions, &EvaluationConfig::default()).unwrap();
    let text = serde_json::to_string(&got).unwrap();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    for key in [
        "macro_f1",
        "micro_f1",
        "accuracy",
        "per_class",
        "ndcg",
        "ndcg@10",
    ] {
        assert!(!value[key].is_null(), "{key}");
    }
    assert!(value["ndcg@10"]["lower"].is_f64());
    assert_eq!(value["ties"], "expected");
    let back: Evaluation = serde_json::from_str(&text).unwrap();
    // serde_json may read a number one unit in the last place off.
    close(back.ndcg_at_10.upper, got.ndcg_at_10.upper, 1e-15);
    close(back.per_class[2].f1, got.per_class[2].f1, 1e-15);
    assert_eq!(back.reliability.len(), got.reliability.len());
    assert_eq!(back.reliability[0], got.reliability[0]);
    assert_eq!(back.confusion_matrix, got.confusion_matrix);
    assert_eq!((back.ties, back.bootstrap), (got.ties, got.bootstrap));
    assert!(serde_json::from_str::<EvaluationConfig>(r#"{"bootstrap_sample": 3}"#).is_err());
}

#[test]
fn bad_input_names_the_row_and_what_is_allowed() {
    let base = table();
    let mut bad = base.clone();
    bad.gold[3] = 4;
    assert_eq!(
        bad.error().to_string(),
        "`gold[3]` is label 4, allowed: below 4, the number of classes"
    );

    let mut bad = base.clone();
    bad.query_ids.pop();
    assert!(matches!(
        bad.error(),
        EvalError::LengthMismatch {
            what: "query_ids",
            ..
        }
    ));

    let mut bad = base.clone();
    bad.probabilities[5][2] = f64::NAN;
    assert!(matches!(
        bad.error(),
        EvalError::InvalidProbability {
            row: 5,
            class: 2,
            ..
        }
    ));

    let mut bad = base.clone();
    bad.probabilities[5] = vec![1.5, -0.5, 0.0, 0.0];
    assert!(matches!(
        bad.error(),
        EvalError::InvalidProbability {
            row: 5,
            class: 1,
            ..
        }
    ));

    let mut bad = base.clone();
    bad.probabilities[6] = vec![0.5, 0.6, 0.0, 0.0];
    assert!(
        bad.error()
            .to_string()
            .starts_with("`probabilities[6]` sums to 1.1")
    );

    let mut bad = base.clone();
    bad.probabilities[6] = vec![f64::INFINITY, 0.0, 0.0, 0.0];
    assert!(matches!(
        bad.error(),
        EvalError::NotNormalized { row: 6, .. }
    ));

    let mut bad = base.clone();
    bad.probabilities[7].pop();
    assert!(matches!(
        bad.error(),
        EvalError::RowWidth {
            what: "probabilities",
            row: 7,
            found: 3,
            expected: 4
        }
    ));

    let mut bad = base.clone();
    bad.gains[1] = -0.1;
    assert!(matches!(
        bad.error(),
        EvalError::OutOfRange {
            what: "gains",
            index: 1,
            ..
        }
    ));

    let empty = Table {
        query_ids: vec![],
        item_ids: vec![],
        gold: vec![],
        probabilities: vec![],
        gains: base.gains.clone(),
    };
    assert!(matches!(empty.error(), EvalError::Empty { what: "gold" }));

    let classes = base.classes();
    let predictions = base.predictions(&classes).unwrap();
    let config = EvaluationConfig::new();
    for config in [
        config.clone().with_bootstrap_samples(0),
        config.clone().with_bootstrap_samples(100_000_000_000),
        config.clone().with_confidence(1.0),
        config.clone().with_confidence(f64::NAN),
    ] {
        let error = evaluate(&predictions, &config).unwrap_err();
        assert!(matches!(error, EvalError::InvalidConfig { .. }), "{error}");
    }
    let many = vec![("class", 0.0); 5000];
    let error = base.predictions(&many).unwrap_err();
    assert_eq!(error.to_string(), "`classes` is 5000, allowed: 1 to 4096");

    let mut twice = base.clone();
    twice.item_ids[1] = twice.item_ids[0].clone();
    let predictions = twice.predictions(&classes).unwrap();
    let error = predictions.with_item_ids(&twice.item_ids).unwrap_err();
    assert!(matches!(error, EvalError::DuplicateItem { .. }), "{error}");
}

#[test]
fn a_better_system_wins_and_a_system_draws_with_itself() {
    let worse = table();
    let classes = worse.classes();
    let mut better = worse.clone();
    for (row, &gold) in better.probabilities.iter_mut().zip(&worse.gold) {
        row.fill(0.1);
        row[gold] = 0.7;
    }
    let config = EvaluationConfig::default();
    let a = worse.predictions(&classes).unwrap();
    let b = better.predictions(&classes).unwrap();
    let won = paired_bootstrap(&a, &b, &config).unwrap();
    let macro_f1 = won.metric("macro_f1").unwrap();
    assert_eq!(macro_f1.b, 1.0);
    assert!(macro_f1.difference.lower > 0.0 && macro_f1.p_value < 0.005);
    let lost = paired_bootstrap(&b, &a, &config).unwrap();
    assert_eq!(
        lost.metrics[0].difference.lower,
        -won.metrics[0].difference.upper
    );

    let with_ids = a.clone().with_item_ids(&worse.item_ids).unwrap();
    let drawn = paired_bootstrap(&with_ids, &with_ids, &config).unwrap();
    for row in &drawn.metrics {
        assert_eq!(
            (row.difference.value, row.difference.upper, row.p_value),
            (0.0, 0.0, 1.0)
        );
    }

    let differ = |b: &Predictions<'_>| match paired_bootstrap(&a, b, &config) {
        Err(EvalError::SystemsDiffer { what, index }) => (what, index),
        other => panic!("{other:?}"),
    };
    let mut other = worse.clone();
    other.gold[2] = (other.gold[2] + 1) % 4;
    assert_eq!(differ(&other.predictions(&classes).unwrap()), ("gold", 2));
    let mut other = worse.clone();
    other.query_ids[5] += "?";
    let other = other.predictions(&classes).unwrap();
    assert_eq!(differ(&other), ("query_ids", 5));
    let mut gains = classes.clone();
    gains[1].1 = 0.5;
    let other = worse.predictions(&gains).unwrap();
    assert_eq!(differ(&other), ("classes", 1));
    assert_eq!(differ(&with_ids), ("item_ids", 0));
    let shorter = table_of(10, 2);
    let shorter = shorter.predictions(&classes).unwrap();
    assert!(paired_bootstrap(&a, &shorter, &config).is_err());
}

#[test]
fn any_kind_of_matrix_and_id_gives_the_same_figures() {
    let table = table();
    let classes = table.classes();
    let config = EvaluationConfig::default();
    let of_rows = table.predictions(&classes).unwrap();
    let of_rows = of_rows.with_item_ids(&table.item_ids).unwrap();
    let want = evaluate(&of_rows, &config).unwrap();
    let shape = (table.gold.len(), NAMES.len());
    let flat: Vec<f64> = table.probabilities.iter().flatten().copied().collect();
    let array = ndarray::Array2::from_shape_vec(shape, flat).unwrap();
    let shared: Vec<Arc<str>> = table
        .query_ids
        .iter()
        .map(|id| id.as_str().into())
        .collect();
    let items: Vec<&str> = table.item_ids.iter().map(String::as_str).collect();
    let named: Vec<(String, f64)> = classes
        .iter()
        .map(|(name, g)| ((*name).into(), *g))
        .collect();
    let of_array = Predictions::new(&shared, &table.gold, &array, &named).unwrap();
    let of_array = of_array.with_item_ids(&items).unwrap();
    assert_eq!(evaluate(&of_array, &config).unwrap(), want);
    // Column by column in memory, as a transposed product comes out.
    let turned = array.t().as_standard_layout().into_owned();
    let turned = turned.t();
    let of_view = Predictions::new(&shared, &table.gold, &turned, &named).unwrap();
    let of_view = of_view.with_item_ids(&items).unwrap();
    assert_eq!(evaluate(&of_view, &config).unwrap(), want);
    // In single precision the sums are off in the eighth place, and so is the loss.
    let single = array.mapv(|p| p as f32);
    let of_single = Predictions::new(&shared, &table.gold, &single, &named).unwrap();
    let got = evaluate(&of_single.with_item_ids(&items).unwrap(), &config).unwrap();
    assert_eq!(got.confusion_matrix, want.confusion_matrix);
    close(got.log_loss.unwrap(), want.log_loss.unwrap(), 1e-6);
}

#[test]
fn tables_and_plots_come_out_of_an_evaluation() {
    let table = table();
    let classes = table.classes();
    let predictions = table.predictions(&classes).unwrap();
    let got = evaluate(&predictions, &EvaluationConfig::default()).unwrap();
    let markdown = markdown_table(&[("CRSD | student", &got), ("other", &got)]);
    assert_eq!(markdown.lines().count(), 4);
    assert!(markdown.contains("| CRSD \\| student |"));
    for line in markdown.lines().filter(|line| !line.contains("CRSD")) {
        assert_eq!(line.matches('|').count(), 9, "{line}");
    }
    let plots = [
        plot::confusion_matrix("Confusion", &NAMES, &got.confusion_matrix),
        plot::reliability_diagram("Reliability", &got.reliability),
        plot::per_class_f1("F1", &[("CRSD", &got), ("other", &got)]),
    ];
    for svg in plots {
        let svg = svg.unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("sans-serif"));
        assert!(!svg.contains("http://") || svg.matches("http://").count() == 1);
    }
}

/// A made-up table: `queries` queries of `pairs_each` pairs.
fn table_of(queries: usize, pairs_each: usize) -> Table {
    let pairs = queries * pairs_each;
    let row = |i: usize| {
        let mut row = vec![0.1; 4];
        row[(i * 7 + i / 11) % 4] = 0.7;
        row
    };
    Table {
        query_ids: (0..pairs).map(|i| format!("q{}", i / pairs_each)).collect(),
        item_ids: (0..pairs).map(|i| i.to_string()).collect(),
        gold: (0..pairs).map(|i| (i * 5 + i / 3) % 4).collect(),
        probabilities: (0..pairs).map(row).collect(),
        gains: vec![1.0, 0.1, 0.01, 0.0],
    }
}

#[test]
fn a_thousand_resamples_of_ten_thousand_pairs_are_quick() {
    // Few long queries, and the worst case: a query a pair.
    for (queries, pairs_each) in [(500, 20), (10_000, 1)] {
        let table = table_of(queries, pairs_each);
        let classes = table.classes();
        let start = Instant::now();
        let predictions = table.predictions(&classes).unwrap();
        let got = evaluate(&predictions, &EvaluationConfig::default()).unwrap();
        let seconds = start.elapsed().as_secs_f64();
        assert_eq!(got.num_queries, queries);
        println!("{queries} queries of {pairs_each}: {seconds:.2} s");
        // Well under a second when optimised; the bound leaves room for a debug build on a busy machine.
        assert!(seconds < 20.0, "{seconds} s");
    }
}
