//! Multinomial naive Bayes over the words of texts, the one of this workspace: how far reasons give their
//! labels away is measured with it, and a label that a rationale argues for is read off with it.
//!
//! With `N_c` texts of class `c` out of `N`, `K` classes, a vocabulary of `V` words, and `n_cw` texts of
//! class `c` that hold the word `w` (each word counts once a text, however often it stands there):
//!
//! ```text
//! P(w | c) = (n_cw + 1) / (Σ_w' n_cw' + V)          add-one smoothing: no word rules a class out
//! P(c)     = N_c / N, or (N_c + 1) / (N + K)        ClassPrior
//! ln P(c | text) = ln P(c) + Σ_{w in text} ln P(w | c) − ln Σ_c' (the same of c')
//! ```
//!
//! Manning, Raghavan, Schütze, *Introduction to Information Retrieval* (2008), section 13.2, figure 13.2
//! and equation 13.7. Logarithms, for the product of many small shares would be 0 in floating point.
//! scikit-learn's `MultinomialNB(alpha=1)` behind `CountVectorizer(binary=True)` gives the same numbers
//! (`tests/naive_bayes.rs`).

use super::label_words::words;
use crate::{DataError, Label, LabelSchema};
use std::collections::{BTreeSet, HashMap};

/// What is believed of a class before a word is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum ClassPrior {
    /// Its share of the texts, `N_c / N`: a class without a text is never predicted.
    #[default]
    Share,
    /// `(N_c + 1) / (N + K)`: a class without a text stays possible.
    Smoothed,
}

/// A classifier of texts by their words, each counted once: closed form, deterministic.
///
/// Words are runs of letters and digits in lower case. A caller that wants more folding than that
/// ([`normalize_query`](crate::normalize_query)) folds the texts first, those it fits on and those it asks
/// for alike.
///
/// ```
/// use relevance_data::{ClassPrior, LabelSchema, NaiveBayes};
/// let schema = LabelSchema::binary();
/// let (yes, no) = (schema.parse("1")?, schema.parse("0")?);
/// let texts = [("The brand and the size agree.", yes), ("Another brand is offered.", no)];
/// let model = NaiveBayes::fit(&texts, &schema, ClassPrior::Share)?;
/// assert_eq!(model.predict("The size agrees."), yes);
/// assert!(!model.knows_a_word_of("Unheard!"));
/// // Classes of one size and no known word: 1/2 each.
/// assert!((model.log_probabilities("Unheard!")[0] - 0.5_f64.ln()).abs() < 1e-12);
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct NaiveBayes {
    labels: Vec<Label>,
    vocabulary: Vocabulary,
    shares: WordShares,
}

impl NaiveBayes {
    /// Fits on texts and their labels; the words of these texts are the vocabulary.
    ///
    /// # Errors
    /// [`DataError::NotEnoughData`] without a text; [`DataError::LabelIndex`] for a label of another schema.
    pub fn fit<S: AsRef<str>>(
        texts: &[(S, Label)],
        schema: &LabelSchema,
        prior: ClassPrior,
    ) -> Result<Self, DataError> {
        if texts.is_empty() {
            return Err(DataError::NotEnoughData {
                needed: "1 text".to_owned(),
                found: "none".to_owned(),
            });
        }
        let mut vocabulary = Vocabulary::default();
        let read = |(text, label): &(S, Label)| vocabulary.document(text.as_ref(), *label, schema);
        let documents: Vec<Document> = texts.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Self {
            labels: schema.labels().collect(),
            shares: WordShares::fit(&documents, schema.len(), vocabulary.len(), prior),
            vocabulary,
        })
    }

    /// The natural logarithm of each class's probability given the text, in the schema's order; minus
    /// infinity for a class that [`ClassPrior::Share`] rules out. Words that no text of the fit held say
    /// nothing; without any other the priors remain.
    pub fn log_probabilities(&self, text: &str) -> Vec<f64> {
        let joint = self.shares.joint(&self.vocabulary.known(text));
        // ln Σ exp, about the largest so that nothing overflows; some class has a text, so it is finite.
        let largest = joint.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = joint.iter().map(|score| (score - largest).exp()).sum();
        let all = largest + sum.ln();
        joint.iter().map(|score| score - all).collect()
    }

    /// The most probable label; of equals the first in the schema's order.
    pub fn predict(&self, text: &str) -> Label {
        self.labels[self.shares.predict(&self.vocabulary.known(text))]
    }

    /// Whether the text holds a word that a text of the fit held: without one, only the priors speak.
    pub fn knows_a_word_of(&self, text: &str) -> bool {
        !self.vocabulary.known(text).is_empty()
    }
}

/// A text as the model reads it.
#[derive(Debug)]
pub(crate) struct Document {
    /// Word ids, each once, ascending.
    pub(crate) words: Vec<usize>,
    /// The label's index, below the number of classes.
    pub(crate) class: usize,
}

/// Words with an id each, in the order in which they first came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Vocabulary {
    ids: HashMap<String, usize>,
    words: Vec<String>,
}

impl Vocabulary {
    /// Reads a labelled text, and learns its words.
    pub(crate) fn document(
        &mut self,
        text: &str,
        label: Label,
        schema: &LabelSchema,
    ) -> Result<Document, DataError> {
        let (class, classes) = (label.index(), schema.len());
        if class >= classes {
            return Err(DataError::LabelIndex {
                index: class,
                classes,
            });
        }
        let lower = text.to_lowercase();
        let ids: BTreeSet<usize> = words(&lower).map(|(_, word)| self.learn(word)).collect();
        Ok(Document {
            words: ids.into_iter().collect(),
            class,
        })
    }

    /// The ids of a text's words, each once, ascending; words that are not known are left out.
    fn known(&self, text: &str) -> Vec<usize> {
        let lower = text.to_lowercase();
        let ids: BTreeSet<usize> = words(&lower)
            .filter_map(|(_, word)| self.ids.get(word).copied())
            .collect();
        ids.into_iter().collect()
    }

    fn learn(&mut self, word: &str) -> usize {
        if let Some(&id) = self.ids.get(word) {
            return id;
        }
        self.ids.insert(word.to_owned(), self.words.len());
        self.words.push(word.to_owned());
        self.words.len() - 1
    }

    pub(crate) fn word(&self, id: usize) -> &str {
        &self.words[id]
    }

    pub(crate) fn len(&self) -> usize {
        self.words.len()
    }
}

/// What the texts of a fit say of classes and words.
#[derive(Debug, Clone)]
pub(crate) struct WordShares {
    /// ln P(c); minus infinity if [`ClassPrior::Share`] gives it none.
    log_prior: Vec<f64>,
    /// ln P(w | c), by class and word.
    log_likelihood: Vec<Vec<f64>>,
}

impl WordShares {
    /// `vocabulary` may be larger than the words of these documents: in a cross-validation it is that of
    /// all folds.
    pub(crate) fn fit<'a>(
        documents: impl IntoIterator<Item = &'a Document>,
        classes: usize,
        vocabulary: usize,
        prior: ClassPrior,
    ) -> Self {
        let mut documents_of = vec![0_usize; classes]; // N_c
        let mut counts = vec![vec![0_usize; vocabulary]; classes]; // n_cw
        for document in documents {
            documents_of[document.class] += 1;
            for &word in &document.words {
                counts[document.class][word] += 1;
            }
        }
        let all: usize = documents_of.iter().sum();
        let share = |count: usize| match prior {
            ClassPrior::Share => count as f64 / all as f64,
            ClassPrior::Smoothed => (count + 1) as f64 / (all + classes) as f64,
        };
        let log_likelihood = counts.iter().map(|counts| {
            let total = (counts.iter().sum::<usize>() + vocabulary) as f64;
            let share = |&count: &usize| ((count + 1) as f64 / total).ln();
            counts.iter().map(share).collect()
        });
        Self {
            log_prior: documents_of.iter().map(|&n| share(n).ln()).collect(),
            log_likelihood: log_likelihood.collect(),
        }
    }

    /// ln P(c) + Σ ln P(w | c) of each class.
    fn joint(&self, words: &[usize]) -> Vec<f64> {
        let classes = self.log_prior.iter().zip(&self.log_likelihood);
        classes
            .map(|(prior, likelihood)| {
                prior + words.iter().map(|&word| likelihood[word]).sum::<f64>()
            })
            .collect()
    }

    /// The most probable class; the first of equals.
    pub(crate) fn predict(&self, words: &[usize]) -> usize {
        let joint = self.joint(words);
        (0..joint.len())
            .rev()
            .max_by(|&a, &b| joint[a].total_cmp(&joint[b]))
            .unwrap_or(0)
    }
}
