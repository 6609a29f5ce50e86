//! The form of a teacher's reply: reasoning and a verdict in a tag.

use crate::{Label, LabelSchema, Rationale};
use serde::{Deserialize, Serialize};

const OPEN: &str = "<label>";
const CLOSE: &str = "</label>";

/// Which comes first in a reply.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplyOrder {
    /// The reasoning, then the verdict: the verdict can rest on the reasoning.
    #[default]
    ReasonThenLabel,
    /// The verdict, then the reasoning: `p(label)` can be read off before any reasoning is generated.
    LabelThenReason,
}

impl std::fmt::Display for ReplyOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::ReasonThenLabel => "reason then label",
            Self::LabelThenReason => "label then reason",
        })
    }
}

/// A reply taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reply {
    /// The reasoning.
    pub rationale: Rationale,
    /// The verdict.
    pub verdict: Label,
}

/// Why a text is not a reply.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// There is no verdict tag.
    #[error("no verdict tag; one {OPEN}..{CLOSE} is needed")]
    MissingTag,
    /// The verdict tag opens and never closes, as in a reply that was cut short.
    #[error("the verdict tag is not closed by {CLOSE}")]
    UnclosedTag,
    /// There are several verdict tags.
    #[error("{count} verdict tags; one is needed")]
    SeveralTags {
        /// How many.
        count: usize,
    },
    /// The tag holds something that is no label.
    #[error("unknown label {value:?} in the verdict tag; allowed: {}", allowed.join(", "))]
    UnknownLabel {
        /// What it holds.
        value: String,
        /// The names (and aliases) of the schema.
        allowed: Vec<String>,
    },
    /// There is no reasoning.
    #[error("no reasoning beside the verdict tag")]
    EmptyRationale,
    /// Text stands on the wrong side of the tag.
    #[error("text {text:?} on the wrong side of the verdict tag; the order is {order}")]
    WrongOrder {
        /// The order that was wanted.
        order: ReplyOrder,
        /// The text that breaks it.
        text: String,
    },
}

/// Writes and reads replies: `reasoning`, newline, `<label>Exact</label>`, or the other way round.
///
/// ```
/// use relevance_data::{LabelSchema, Rationale, Reply, ReplyFormat};
/// let (format, schema) = (ReplyFormat::default(), LabelSchema::esci());
/// let reply = Reply { rationale: Rationale::new("Same size."), verdict: schema.parse("Exact")? };
/// let text = format.render(&reply, &schema);
/// assert_eq!(text, "Same size.\n<label>Exact</label>");
/// assert_eq!(format.parse(&text, &schema).unwrap(), reply);
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReplyFormat {
    /// Which comes first.
    pub order: ReplyOrder,
}

impl ReplyFormat {
    /// A format with this order.
    pub fn new(order: ReplyOrder) -> Self {
        Self { order }
    }

    /// The tag that states a verdict: `<label>Exact</label>`.
    pub fn tag(verdict: Label, schema: &LabelSchema) -> String {
        format!("{OPEN}{}{CLOSE}", schema.name(verdict))
    }

    /// The reply as text. [`ReplyFormat::parse`] gives it back, unless the rationale is empty.
    pub fn render(&self, reply: &Reply, schema: &LabelSchema) -> String {
        let tag = Self::tag(reply.verdict, schema);
        match self.order {
            ReplyOrder::ReasonThenLabel => format!("{}\n{tag}", reply.rationale),
            ReplyOrder::LabelThenReason => format!("{tag}\n{}", reply.rationale),
        }
    }

    /// The reply in a text. The tag's case and the whitespace around and in it do not matter.
    ///
    /// # Errors
    /// A [`ReplyError`] if there is not exactly one closed tag with a label of the schema, with
    /// reasoning on the side that the order says and nothing on the other.
    pub fn parse(&self, text: &str, schema: &LabelSchema) -> Result<Reply, ReplyError> {
        let tag = only_tag(text)?;
        let verdict = schema
            .parse(tag.content)
            .map_err(|_| ReplyError::UnknownLabel {
                value: tag.content.to_owned(),
                allowed: schema.allowed(),
            })?;
        let (reasoning, other) = match self.order {
            ReplyOrder::ReasonThenLabel => (tag.before, tag.after),
            ReplyOrder::LabelThenReason => (tag.after, tag.before),
        };
        if !other.trim().is_empty() {
            return Err(ReplyError::WrongOrder {
                order: self.order,
                text: other.trim().to_owned(),
            });
        }
        let rationale = Rationale::new(reasoning);
        if rationale.is_empty() {
            return Err(ReplyError::EmptyRationale);
        }
        Ok(Reply { rationale, verdict })
    }
}

struct Tag<'a> {
    before: &'a str,
    content: &'a str,
    after: &'a str,
}

fn only_tag(text: &str) -> Result<Tag<'_>, ReplyError> {
    let lower = text.to_ascii_lowercase(); // as many bytes as `text`
    match lower.matches(OPEN).count() {
        0 => return Err(ReplyError::MissingTag),
        1 => {}
        count => return Err(ReplyError::SeveralTags { count }),
    }
    let open = lower.find(OPEN).ok_or(ReplyError::MissingTag)?;
    let start = open + OPEN.len();
    let length = lower[start..].find(CLOSE).ok_or(ReplyError::UnclosedTag)?;
    Ok(Tag {
        before: &text[..open],
        content: text[start..start + length].trim(),
        after: &text[start + length + CLOSE.len()..],
    })
}

/// The text without its first verdict tag (or half of one); `None` if there is none.
pub(crate) fn strip_one_tag(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase(); // as many bytes as `text`
    let (start, end) = match (lower.find(OPEN), lower.find(CLOSE)) {
        (Some(open), Some(close)) if open < close => (open, close + CLOSE.len()),
        (_, Some(close)) => (close, close + CLOSE.len()),
        (Some(open), None) => (open, open + OPEN.len()),
        (None, None) => return None,
    };
    Some(format!("{}{}", &text[..start], &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REASON_FIRST: ReplyFormat = ReplyFormat {
        order: ReplyOrder::ReasonThenLabel,
    };
    const LABEL_FIRST: ReplyFormat = ReplyFormat {
        order: ReplyOrder::LabelThenReason,
    };

    #[test]
    fn both_orders_are_read() {
        let schema = LabelSchema::esci();
        let expected = Reply {
            rationale: Rationale::new("Wrong colour.\nSame brand."),
            verdict: schema.parse("Substitute").unwrap(),
        };
        for (format, text) in [
            (
                REASON_FIRST,
                " Wrong colour.\nSame brand. <LABEL> substitute\n</Label>\n",
            ),
            (LABEL_FIRST, "<label>S</label>Wrong colour.\nSame brand."),
        ] {
            assert_eq!(format.parse(text, &schema), Ok(expected.clone()));
            assert_eq!(
                format.parse(&format.render(&expected, &schema), &schema),
                Ok(expected.clone())
            );
        }
    }

    #[test]
    fn every_fault_has_its_error() {
        let schema = LabelSchema::esci();
        let fault = |format: ReplyFormat, text| format.parse(text, &schema).unwrap_err();
        assert_eq!(fault(REASON_FIRST, "Same."), ReplyError::MissingTag);
        assert_eq!(fault(REASON_FIRST, ""), ReplyError::MissingTag);
        assert_eq!(
            fault(REASON_FIRST, "Same. <label>Exact"),
            ReplyError::UnclosedTag
        );
        assert_eq!(
            fault(REASON_FIRST, "Same. </label><label>Exact"),
            ReplyError::UnclosedTag
        );
        assert_eq!(
            fault(REASON_FIRST, "a <label>Exact</label><label>Exact</label>"),
            ReplyError::SeveralTags { count: 2 }
        );
        assert_eq!(
            fault(REASON_FIRST, "a <label>Fine</label>").to_string(),
            "unknown label \"Fine\" in the verdict tag; allowed: Exact (E), Substitute (S), \
             Complement (C), Irrelevant (I)"
        );
        assert_eq!(
            fault(REASON_FIRST, " \n<label>E</label>"),
            ReplyError::EmptyRationale
        );
        assert_eq!(
            fault(LABEL_FIRST, "<label>E</label> "),
            ReplyError::EmptyRationale
        );
        assert_eq!(
            fault(REASON_FIRST, "a <label>E</label> b"),
            ReplyError::WrongOrder {
                order: ReplyOrder::ReasonThenLabel,
                text: "b".to_owned()
            }
        );
        assert!(matches!(
            fault(LABEL_FIRST, "a <label>E</label> b"),
            ReplyError::WrongOrder { .. }
        ));
    }
}
