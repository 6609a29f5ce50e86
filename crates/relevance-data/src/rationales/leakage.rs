//! How far reasons give their labels away.
//!
//! If a reason `R` says nothing of the label `Y`, no classifier that reads only `R` can be expected to beat the
//! constant answer on unseen data, whose accuracy is `max_y P(y)`. What naive Bayes reaches above that is, up to
//! sampling error, a lower bound on what a student can read off the reason instead of judging the pair: a low figure
//! does not prove that nothing leaks (word order, synonyms), a high one shows that much does.
//!
//! The figure is honest only for queries that the classifier has not seen, since reasons of one query share its
//! words and often its label. So queries, not rows, are dealt to `k` folds, and each reason is classified by the
//! model of the other `k − 1`.
//!
//! The words that tell most are ranked by their lift, with one reason added on either side so that rare words do not
//! win by chance: `lift(w, c) = ((n_wc + 1) / (n_c + 2)) / ((n_w − n_wc + 1) / (n − n_c + 2))`, where `n_wc` of the
//! `n_c` reasons of class `c`, and `n_w` of all `n`, hold the word.

use super::naive_bayes::{ClassPrior, Document, Vocabulary, WordShares};
use crate::{DataError, Label, LabelSchema, normalize_query};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How many telling words are reported for each class.
const TELLING_WORDS: usize = 8;
/// A telling word must occur in this many reasons.
const TELLING_SUPPORT: usize = 3;

/// How well a bag-of-words classifier reads the label off the reason alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeakageReport {
    /// How many reasons were judged.
    pub num_reasons: usize,
    /// How many different (normalised) queries they belong to.
    pub num_queries: usize,
    /// How many folds the cross-validation had.
    pub folds: usize,
    /// Share of reasons whose label was predicted, each by a classifier that saw no reason of its query.
    pub accuracy: f64,
    /// Share of the most frequent label: what a constant answer reaches.
    pub majority_accuracy: f64,
    /// Macro F1 of the predictions, over the classes that occur or are predicted.
    pub macro_f1: f64,
    /// Macro F1 of the constant answer, over the same classes.
    pub majority_macro_f1: f64,
    /// For each class, the words that speak most for it.
    pub telling_words: Vec<ClassWords>,
}

/// The words that speak most for a class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassWords {
    /// The class's name.
    pub class: String,
    /// The words, the most telling first.
    pub words: Vec<String>,
}

impl LeakageReport {
    /// How far the classifier is above the constant answer, in accuracy. Near 0, the reasons' words
    /// do not give the labels away.
    pub fn above_majority(&self) -> f64 {
        self.accuracy - self.majority_accuracy
    }
}

impl std::fmt::Display for LeakageReport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "label leakage: bag of words reaches accuracy {:.3} (majority {:.3}), macro F1 {:.3} \
             (majority {:.3}) on {} reasons of {} queries, {} folds by query",
            self.accuracy,
            self.majority_accuracy,
            self.macro_f1,
            self.majority_macro_f1,
            self.num_reasons,
            self.num_queries,
            self.folds,
        )
    }
}

/// Predicts the label from the reason alone with [`NaiveBayes`](crate::NaiveBayes) (each word once
/// a reason), cross-validated so that no query is in training and test at once.
///
/// `reasons` holds (query, reason, label); queries are compared normalised. The seed deals the queries
/// out to folds.
///
/// ```
/// use relevance_data::{LabelSchema, label_leakage};
/// let schema = LabelSchema::esci();
/// let (yes, no) = (schema.label(0)?, schema.label(3)?);
/// let reasons: Vec<(String, &str, _)> = (0..20)
///     .map(|i| if i % 2 == 0 { (format!("q{i}"), "it fits", yes) } else { (format!("q{i}"), "it fails", no) })
///     .collect();
/// let report = label_leakage(&reasons, &schema, 5, 0)?;
/// assert_eq!((report.accuracy, report.majority_accuracy), (1.0, 0.5));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
///
/// # Errors
/// [`DataError::InvalidConfig`] if `folds` is below 2; [`DataError::NotEnoughData`] if there are fewer
/// queries than folds; [`DataError::LabelIndex`] for a label of another schema.
pub fn label_leakage<Q: AsRef<str>, R: AsRef<str>>(
    reasons: &[(Q, R, Label)],
    schema: &LabelSchema,
    folds: usize,
    seed: u64,
) -> Result<LeakageReport, DataError> {
    let (fold_of, num_queries) = deal(reasons.iter().map(|reason| reason.0.as_ref()), folds, seed)?;
    // Words of all folds: what a word is does not depend on the fold, only what it says of a label.
    let mut vocabulary = Vocabulary::default();
    let documents: Vec<Document> = reasons
        .iter()
        .map(|(_, reason, label)| vocabulary.document(reason.as_ref(), *label, schema))
        .collect::<Result<_, _>>()?;
    let mut predictions = vec![0; documents.len()];
    for fold in 0..folds {
        let training = documents.iter().zip(&fold_of).filter(|(_, f)| **f != fold);
        let model = WordShares::fit(
            training.map(|(document, _)| document),
            schema.len(),
            vocabulary.len(),
            ClassPrior::Share,
        );
        for index in (0..documents.len()).filter(|&index| fold_of[index] == fold) {
            predictions[index] = model.predict(&documents[index].words);
        }
    }
    let gold: Vec<usize> = documents.iter().map(|document| document.class).collect();
    let counts = |class| gold.iter().filter(|&&label| label == class).count();
    // The first of the most frequent classes.
    let majority = (0..schema.len())
        .rev()
        .max_by_key(|&class| counts(class))
        .unwrap_or(0);
    let constant = vec![majority; gold.len()];
    Ok(LeakageReport {
        num_reasons: gold.len(),
        num_queries,
        folds,
        accuracy: accuracy(&gold, &predictions),
        majority_accuracy: accuracy(&gold, &constant),
        macro_f1: macro_f1(&gold, &predictions, schema.len()),
        majority_macro_f1: macro_f1(&gold, &constant, schema.len()),
        telling_words: telling_words(&documents, schema, &vocabulary),
    })
}

/// The fold of each row, and the number of queries. Queries are dealt out evenly.
fn deal<'a>(
    queries: impl Iterator<Item = &'a str>,
    folds: usize,
    seed: u64,
) -> Result<(Vec<usize>, usize), DataError> {
    if folds < 2 {
        return Err(DataError::InvalidConfig {
            field: "folds",
            value: folds.to_string(),
            allowed: "at least 2".to_owned(),
        });
    }
    let keys: Vec<String> = queries.map(normalize_query).collect();
    let distinct: BTreeSet<&String> = keys.iter().collect();
    if distinct.len() < folds {
        return Err(DataError::NotEnoughData {
            needed: format!("reasons of at least {folds} queries, one for each fold,"),
            found: distinct.len().to_string(),
        });
    }
    let mut shuffled: Vec<&String> = distinct.into_iter().collect();
    shuffled.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let fold: BTreeMap<&String, usize> = shuffled
        .iter()
        .enumerate()
        .map(|(position, query)| (*query, position % folds))
        .collect();
    Ok((keys.iter().map(|key| fold[key]).collect(), shuffled.len()))
}

fn accuracy(gold: &[usize], predicted: &[usize]) -> f64 {
    let hits = gold.iter().zip(predicted).filter(|(g, p)| g == p).count();
    hits as f64 / gold.len() as f64
}

fn macro_f1(gold: &[usize], predicted: &[usize], classes: usize) -> f64 {
    let f1 = |class: usize| {
        let pairs = || gold.iter().zip(predicted);
        let hits = pairs()
            .filter(|(g, p)| **g == class && **p == class)
            .count();
        let named = pairs().filter(|(g, _)| **g == class).count()
            + pairs().filter(|(_, p)| **p == class).count();
        (named > 0).then(|| 2.0 * hits as f64 / named as f64)
    };
    let scores: Vec<f64> = (0..classes).filter_map(f1).collect();
    scores.iter().sum::<f64>() / scores.len() as f64
}

/// For each class the words with the highest share in it against their share in the other classes.
fn telling_words(
    documents: &[Document],
    schema: &LabelSchema,
    vocabulary: &Vocabulary,
) -> Vec<ClassWords> {
    let mut support = vec![vec![0_usize; schema.len()]; vocabulary.len()];
    let mut sizes = vec![0_usize; schema.len()];
    for document in documents {
        sizes[document.class] += 1;
        for &word in &document.words {
            support[word][document.class] += 1;
        }
    }
    // Laplace's rule on both shares: (n_wc + 1) / (n_c + 2) against the same outside the class.
    let lift = |word: usize, class: usize| {
        let (inside, all) = (support[word][class], support[word].iter().sum::<usize>());
        let outside = documents.len() - sizes[class];
        ((inside + 1) as f64 / (sizes[class] + 2) as f64)
            / ((all - inside + 1) as f64 / (outside + 2) as f64)
    };
    let ranked = |class: usize| {
        let mut words: Vec<usize> = (0..vocabulary.len())
            .filter(|&word| support[word][class] >= TELLING_SUPPORT && lift(word, class) > 1.0)
            .collect();
        words.sort_by(|&a, &b| {
            let by_lift = lift(b, class).total_cmp(&lift(a, class));
            by_lift.then_with(|| vocabulary.word(a).cmp(vocabulary.word(b)))
        });
        words
    };
    schema
        .labels()
        .map(|label| ClassWords {
            class: schema.name(label).to_owned(),
            words: ranked(label.index())
                .into_iter()
                .take(TELLING_WORDS)
                .map(|word| vocabulary.word(word).to_owned())
                .collect(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_without_a_hint_stay_at_the_majority() {
        let schema = LabelSchema::esci();
        let label = |i: usize| schema.label(usize::from(i.is_multiple_of(3))).unwrap();
        let reasons: Vec<_> = (0..90)
            .map(|i| (format!("q{}", i / 2), "the same words", label(i)))
            .collect();
        let report = label_leakage(&reasons, &schema, 5, 1).unwrap();
        assert_eq!(report.num_queries, 45);
        assert!(report.above_majority().abs() < 1e-12);
        assert!((report.majority_accuracy - 2.0 / 3.0).abs() < 1e-12);
        // F1 of the majority: 0.8; of the other class: 0.
        assert!((report.majority_macro_f1 - 0.4).abs() < 1e-12);
    }

    #[test]
    fn a_word_known_from_the_same_query_only_does_not_help() {
        let schema = LabelSchema::esci();
        let label = |i: usize| schema.label(usize::from(i.is_multiple_of(3))).unwrap();
        // Each query has its own word and one label: memorising would score 1.
        let reasons: Vec<_> = (0..200)
            .map(|i| {
                (
                    format!("q{}", i / 4),
                    format!("word{}", i / 4),
                    label(i / 4),
                )
            })
            .collect();
        let report = label_leakage(&reasons, &schema, 5, 1).unwrap();
        assert!(
            report.accuracy <= report.majority_accuracy + 0.05,
            "{report}"
        );
    }

    #[test]
    fn a_telling_word_is_found() {
        let schema = LabelSchema::esci();
        let reasons: Vec<_> = (0..60)
            .map(|i| {
                let class = i % 3;
                let text = format!("noise{} {}", i % 7, ["fully", "partly", "barely"][class]);
                (format!("q{i}"), text, schema.label(class).unwrap())
            })
            .collect();
        let report = label_leakage(&reasons, &schema, 5, 1).unwrap();
        assert_eq!(report.accuracy, 1.0);
        assert_eq!(report.telling_words[1].words[0], "partly");
        assert!(report.telling_words[3].words.is_empty());
        assert_eq!(report, label_leakage(&reasons, &schema, 5, 1).unwrap());
        assert!(label_leakage(&reasons, &schema, 1, 1).is_err());
        assert!(label_leakage(&reasons[..3], &schema, 5, 1).is_err());
    }
}
