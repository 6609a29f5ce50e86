//! What a student may read of a teacher's reasoning.

use std::fmt;

use relevance_data::{LabelSchema, Rationale};

/// Why a label holds, without the label: the only reasoning that a
/// [`StudentExample`](super::StudentExample) takes.
///
/// A reason that states its label makes the cross entropy of the reasoned view trivial, and the
/// alignment then hands the label on instead of what speaks for it. So this type is made from a
/// [`Rationale`], which holds no verdict, and the [`LabelSchema`], whose words are left out. There is no
/// other way but [`leaking_the_label`](Self::leaking_the_label), which says what it does. It is never
/// blank.
///
/// ```
/// use relevance_data::{LabelSchema, Rationale};
/// use student_model::StudentReason;
///
/// let schema = LabelSchema::esci();
/// let rationale = Rationale::new("Same brand; an exact fit. <label>Exact</label>");
/// let reason = StudentReason::new(&rationale, &schema).unwrap();
/// assert_eq!(reason.as_str(), "Same brand; an fit.");
/// // Nothing is left of a bare label.
/// assert_eq!(StudentReason::new(&Rationale::new("Irrelevant"), &schema), None);
/// ```
///
/// Text that nobody looked through is no reason:
///
/// ```compile_fail
/// use student_model::StudentExample;
///
/// let mut example = StudentExample::new("usb mouse", "wireless mouse", 1);
/// example.reason = Some("The label is Substitute.".to_owned());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StudentReason(String);

impl StudentReason {
    /// The reasoning without the words that name a label of `schema`
    /// ([`Rationale::without_label_words`]); `None` if nothing is left of it.
    pub fn new(rationale: &Rationale, schema: &LabelSchema) -> Option<Self> {
        Self::stated(rationale.without_label_words(schema).as_str())
    }

    /// **A bypass of the guard**: `text` as it is, whatever it gives away; `None` if it is blank.
    ///
    /// It is for ablations that measure what leaking does, such as the bare label in the place of a
    /// reason. A student trained on such reasons learns the label, not the reasoning, and its figures
    /// say nothing about CRSD.
    ///
    /// ```
    /// use student_model::StudentReason;
    /// let leaked = StudentReason::leaking_the_label("Exact").unwrap();
    /// assert_eq!(leaked.as_str(), "Exact");
    /// assert_eq!(StudentReason::leaking_the_label(" "), None);
    /// ```
    pub fn leaking_the_label(text: impl AsRef<str>) -> Option<Self> {
        Self::stated(text.as_ref())
    }

    /// The text; never blank.
    ///
    /// ```
    /// use student_model::StudentReason;
    /// let reason = StudentReason::leaking_the_label("A mouse, not a keyboard").unwrap();
    /// assert!(reason.as_str().starts_with("A mouse"));
    /// ```
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn stated(text: &str) -> Option<Self> {
        (!text.trim().is_empty()).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for StudentReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_holds_no_word_of_any_label() {
        let schema = LabelSchema::esci();
        let text = "Exactly what was asked; a substitute would be irrelevant, complementary too.";
        let reason = StudentReason::new(&Rationale::new(text), &schema).unwrap();
        let words = relevance_data::LabelWords::new(&schema);
        assert!(!words.occur_in(reason.as_str()), "{reason}");
        assert!(reason.as_str().contains("what was asked"));
    }

    #[test]
    fn the_schema_decides_which_words_go() {
        let rationale = Rationale::new("an exact match, not relevant");
        let of = |schema| StudentReason::new(&rationale, &schema).unwrap().to_string();
        assert_eq!(of(LabelSchema::esci()), "an match, not relevant");
        assert_eq!(of(LabelSchema::binary()), "an exact match, not");
    }
}
