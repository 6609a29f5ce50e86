//! Naive Bayes against scikit-learn's `MultinomialNB` (`goldens/generate_naive_bayes.py`).

use relevance_data::{ClassPrior, DataError, LabelSchema, NaiveBayes};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    texts: Vec<(String, usize)>,
    asked: Vec<String>,
    /// Null for a class without a text.
    share: Vec<Vec<Option<f64>>>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("goldens/naive_bayes.json")).unwrap()
}

fn fitted(golden: &Golden, prior: ClassPrior) -> NaiveBayes {
    let schema = LabelSchema::esci();
    let texts = golden.texts.iter();
    let texts: Vec<_> = texts
        .map(|(text, class)| (text, schema.label(*class).unwrap()))
        .collect();
    NaiveBayes::fit(&texts, &schema, prior).unwrap()
}

#[test]
fn log_probabilities_equal_those_of_scikit_learn() {
    let golden = golden();
    let model = fitted(&golden, ClassPrior::Share);
    assert!(golden.asked.len() >= 12);
    for (text, expected) in golden.asked.iter().zip(&golden.share) {
        let found = model.log_probabilities(text);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            match expected {
                Some(expected) => assert!((found - expected).abs() < 1e-12, "{text:?}: {found}"),
                None => assert_eq!(*found, f64::NEG_INFINITY, "{text:?}"),
            }
        }
        let best = (0..4).max_by(|&a, &b| found[a].total_cmp(&found[b]));
        assert_eq!(Some(model.predict(text).index()), best, "{text:?}");
    }
}

#[test]
fn a_smoothed_prior_leaves_every_class_possible() {
    let golden = golden();
    let model = fitted(&golden, ClassPrior::Smoothed);
    // No word is known: 3, 2, 0 and 2 texts of 7, each with one more, of 11.
    let found = model.log_probabilities("unheard of words");
    for (found, share) in found.iter().zip([4.0, 3.0, 1.0, 3.0]) {
        assert!((found - (share / 11.0_f64).ln()).abs() < 1e-12, "{found}");
    }
    let sum: f64 = model
        .log_probabilities("the size agrees")
        .iter()
        .map(|p| p.exp())
        .sum();
    assert!((sum - 1.0).abs() < 1e-12);
    assert!(model.knows_a_word_of("CRÈME") && !model.knows_a_word_of("unheard"));
}

#[test]
fn nothing_to_fit_on_and_foreign_labels_are_refused() {
    let (esci, binary) = (LabelSchema::esci(), LabelSchema::binary());
    let none: [(&str, _); 0] = [];
    let error = NaiveBayes::fit(&none, &esci, ClassPrior::Share).unwrap_err();
    assert!(matches!(error, DataError::NotEnoughData { .. }), "{error}");
    let foreign = [("text", esci.label(3).unwrap())];
    let error = NaiveBayes::fit(&foreign, &binary, ClassPrior::Share).unwrap_err();
    assert_eq!(
        error.to_string(),
        "class index 3 is outside the schema; allowed: 0..2"
    );
}
