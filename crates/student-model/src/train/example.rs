//! What a student learns from.

use relevance_data::{AnnotatedPair, LabelSchema, LabeledPair, normalize_query};
use serde::{Deserialize, Serialize};

use super::StudentReason;

/// Which label of an annotation a student learns.
///
/// ```
/// use student_model::StudentLabels;
/// assert_eq!(serde_json::to_string(&StudentLabels::Teacher)?, r#""teacher""#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StudentLabels {
    /// The gold label of each pair; the teacher supplies the reason.
    Gold,
    /// The teacher's label, as in the paper.
    Teacher,
}

/// One labelled pair, with the teacher's reasoning if CRSD is to use it.
///
/// ```
/// use relevance_data::{LabelSchema, Rationale};
/// use student_model::{StudentExample, StudentReason};
///
/// let schema = LabelSchema::esci();
/// let label = schema.parse("Substitute")?.index();
/// let rationale = Rationale::new("Both are mice; this one is a substitute without a cable.");
/// let example = StudentExample::new("USB mouse", "wireless mouse", label)
///     .with_reason(StudentReason::new(&rationale, &schema))
///     .with_teacher_confidence(0.8);
/// assert_eq!(example.query_key, "usb mouse");
/// assert!(!example.reason.unwrap().as_str().contains("substitute"));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct StudentExample {
    /// The query's text.
    pub query: String,
    /// The item's text.
    pub item: String,
    /// The class, an index into the model's labels.
    pub label: usize,
    /// Why the label holds, without the label itself. An objective that passes the reasoned view needs
    /// one for every example; the others do not read it.
    pub reason: Option<StudentReason>,
    /// The teacher's class distribution, in the order of the model's labels. Logit distillation needs
    /// one for every example, and so does CRSD that weighs by it; the others do not read it.
    pub teacher_probabilities: Option<Vec<f32>>,
    /// How sure the teacher is of its reason and label, in [0, 1]: the share of votes of an
    /// annotation, for example. Read with
    /// [`weigh_by_confidence`](super::StudentTrainConfig::weigh_by_confidence), which needs one for
    /// every example.
    pub teacher_confidence: Option<f32>,
    /// Identifies the query, for masking negatives; its normalised text or its id.
    pub query_key: String,
}

impl StudentExample {
    /// A pair with its label and nothing of a teacher; the query's key is its normalised text.
    ///
    /// ```
    /// use student_model::StudentExample;
    /// let example = StudentExample::new("USB  mouse", "wireless mouse", 1);
    /// assert_eq!((example.label, &*example.query_key), (1, "usb mouse"));
    /// assert_eq!(example.reason, None);
    /// ```
    pub fn new(query: impl Into<String>, item: impl Into<String>, label: usize) -> Self {
        let query = query.into();
        Self {
            query_key: normalize_query(&query),
            query,
            item: item.into(),
            label,
            ..Self::default()
        }
    }

    /// A labelled pair, without anything of a teacher.
    ///
    /// ```
    /// use relevance_data::{Item, LabelSchema, LabeledPair, Pair, Query};
    /// use student_model::StudentExample;
    ///
    /// let pair = Pair { query: Query::new("q1", "usb mouse"), item: Item::new("i1", "Wireless mouse") };
    /// let labeled = LabeledPair { pair, label: LabelSchema::esci().parse("S")? };
    /// let example = StudentExample::from_labeled(&labeled);
    /// assert_eq!((&*example.item, example.label), ("Wireless mouse", 1));
    /// # Ok::<(), relevance_data::DataError>(())
    /// ```
    pub fn from_labeled(labeled: &LabeledPair) -> Self {
        let pair = &labeled.pair;
        Self::new(&pair.query.text, pair.item.text(), labeled.label.index())
    }

    /// A pair that a teacher annotated: with the label that `labels` names, the reason without the
    /// words of `schema`'s labels (none if nothing is left of it), the teacher's confidence and, where
    /// there is one, its distribution. `None` if there is no such label.
    ///
    /// ```
    /// use relevance_data::{AnnotatedPair, Item, LabelSchema, Pair, Provenance, Query, Rationale};
    /// use student_model::{StudentExample, StudentLabels};
    ///
    /// let schema = LabelSchema::esci();
    /// let annotated = AnnotatedPair {
    ///     pair: Pair { query: Query::new("q1", "usb mouse"), item: Item::new("i1", "Wireless mouse") },
    ///     label: schema.parse("S")?,
    ///     rationale: Rationale::new("A mouse without a cable: a substitute."),
    ///     confidence: 0.75,
    ///     gold: None,
    ///     probabilities: None,
    ///     provenance: Provenance::default(),
    /// };
    /// let of = |labels| StudentExample::from_annotated(&annotated, &schema, labels);
    /// let example = of(StudentLabels::Teacher).unwrap();
    /// assert_eq!((example.label, example.teacher_confidence), (1, Some(0.75)));
    /// assert_eq!(example.reason.unwrap().as_str(), "A mouse without a cable: a.");
    /// assert_eq!(of(StudentLabels::Gold), None);
    /// # Ok::<(), relevance_data::DataError>(())
    /// ```
    pub fn from_annotated(
        annotated: &AnnotatedPair,
        schema: &LabelSchema,
        labels: StudentLabels,
    ) -> Option<Self> {
        let label = match labels {
            StudentLabels::Gold => annotated.gold?,
            StudentLabels::Teacher => annotated.label,
        };
        let pair = &annotated.pair;
        Some(Self {
            reason: StudentReason::new(&annotated.rationale, schema),
            teacher_probabilities: annotated.probabilities.clone(),
            teacher_confidence: Some(annotated.confidence),
            ..Self::new(&pair.query.text, pair.item.text(), label.index())
        })
    }

    /// Sets the reason, or takes it away.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Option<StudentReason>>) -> Self {
        self.reason = reason.into();
        self
    }

    /// Sets the teacher's class distribution.
    #[must_use]
    pub fn with_teacher_probabilities(mut self, probabilities: Vec<f32>) -> Self {
        self.teacher_probabilities = Some(probabilities);
        self
    }

    /// Sets how sure the teacher is, in [0, 1].
    #[must_use]
    pub fn with_teacher_confidence(mut self, confidence: f32) -> Self {
        self.teacher_confidence = Some(confidence);
        self
    }

    /// Sets what identifies the query.
    #[must_use]
    pub fn with_query_key(mut self, key: impl Into<String>) -> Self {
        self.query_key = key.into();
        self
    }
}
