//! Reasons without a teacher, from what the texts say.

use super::evidence::Evidence;
use crate::{LabelSchema, LabelWords, LabeledPair, Rationale};

/// How many findings of one kind are listed.
const LISTED: usize = 4;
/// How many words of a query are quoted.
const QUOTED_WORDS: usize = 12;

/// Writes a reason for a judged pair from evidence found in its query and item: words they share,
/// words that are missing, brand, colour, size, wearer and measures that agree or conflict.
/// Deterministic, no model.
///
/// Five lines, together about 40 to 70 words: `Intent`, `Category`, `Attributes`, `Conflicts`,
/// `Conclusion`. Whatever stands between double quotes is a verbatim part of the query or of the
/// item, and no label's name appears.
///
/// **What the label does.** By default nothing: the conclusion weighs nothing, it counts what was
/// found, so the reason gives away no more than its evidence does. [`RationaleWriter::guided`] lets
/// the gold label choose which evidence is called decisive (rationalisation in the sense of STaR,
/// arXiv 2203.14465). A teacher can learn from that, but it tells whoever reads the reason much about
/// the label; [`label_leakage`](crate::label_leakage) says how much. Do not feed guided reasons to
/// stage 2.
///
/// ```
/// use relevance_data::*;
/// let schema = LabelSchema::esci();
/// let item = Item { color: "Blue".into(), ..Item::new("B1", "Acme mug") };
/// let pair = Pair { query: Query::new("q1", "red acme mug"), item };
/// let labeled = LabeledPair { pair, label: schema.parse("Substitute")? };
/// let reason = RationaleWriter::new(schema.clone()).write(&labeled);
/// assert_eq!(reason.as_str().lines().count(), 5);
/// let conflict = reason.as_str().lines().find(|line| line.starts_with("Conflicts:")).unwrap();
/// assert!(conflict.contains("\"red\"") && conflict.contains("\"Blue\""));
/// assert!(!LabelWords::new(&schema).occur_in(reason.as_str()));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone)]
pub struct RationaleWriter {
    schema: LabelSchema,
    label_words: LabelWords,
    guided: bool,
}

impl RationaleWriter {
    /// A writer for pairs judged with this schema.
    pub fn new(schema: LabelSchema) -> Self {
        Self {
            label_words: LabelWords::new(&schema),
            schema,
            guided: false,
        }
    }

    /// Whether the conclusion follows the gold label (default: no).
    #[must_use]
    pub fn guided(mut self, guided: bool) -> Self {
        self.guided = guided;
        self
    }

    /// The reason for a pair. The label must be of the writer's own schema.
    pub fn write(&self, labeled: &LabeledPair) -> Rationale {
        let evidence = Evidence::find(&labeled.pair);
        let mut lines = [
            self.intent(&labeled.pair.query.text, &evidence),
            self.category(&evidence),
            self.attributes(&evidence),
            self.conflicts(&evidence),
            conclusion(&evidence),
        ];
        if self.guided {
            let favourable = self.is_favourable(labeled);
            lines[4].push_str(weighing(&evidence, favourable));
        }
        // A schema's label may be a word of the lines themselves ("Match", "Item").
        Rationale::new(self.label_words.strip(&lines.join("\n")))
    }

    fn intent(&self, query: &str, evidence: &Evidence<'_>) -> String {
        let mut line = format!(
            "Intent: a search for {}",
            self.quoted_query(query, evidence)
        );
        let asked = self.properties(&evidence.asked);
        if !asked.is_empty() {
            line.push_str(&format!(", asking for {}", asked.join(", ")));
        }
        line + "."
    }

    fn category(&self, evidence: &Evidence<'_>) -> String {
        let total = evidence.words.len();
        let title = self.list(&evidence.in_title);
        let elsewhere = self.list(&evidence.elsewhere);
        let mut line = if title.is_empty() {
            "Category: the title has no word of the query".to_owned()
        } else {
            let count = evidence.in_title.len();
            format!("Category: the title has {title}, {count} of {total} query words")
        };
        if !elsewhere.is_empty() {
            line.push_str(&format!("; the details add {elsewhere}"));
        }
        line + "."
    }

    fn attributes(&self, evidence: &Evidence<'_>) -> String {
        let mut parts = Vec::new();
        if let Some(brand) = evidence.brand_asked.and_then(|brand| self.quote(brand)) {
            parts.push(format!("the brand {brand} is the one named in the query"));
        } else if let Some(brand) = evidence.brand_unasked.and_then(|brand| self.quote(brand)) {
            parts.push(format!("the brand {brand} was not asked for"));
        }
        let agreed = self.properties(&evidence.agreed);
        if !agreed.is_empty() {
            parts.push(format!("{} found as asked", agreed.join(", ")));
        }
        if parts.is_empty() {
            parts.push("nothing specific to compare".to_owned());
        }
        format!("Attributes: {}.", parts.join("; "))
    }

    fn conflicts(&self, evidence: &Evidence<'_>) -> String {
        let mut parts = Vec::new();
        let missing = self.list(&evidence.missing);
        if !missing.is_empty() {
            parts.push(format!("the item never mentions {missing}"));
        }
        for &(name, asked, found) in evidence.conflicts.iter().take(LISTED / 2) {
            if let (Some(asked), Some(found)) = (self.quote(asked), self.quote(found)) {
                parts.push(format!("{name} {asked} is asked for, {found} is offered"));
            }
        }
        let excluded = self.list(&evidence.excluded);
        if !excluded.is_empty() {
            parts.push(format!(
                "the query excludes {excluded}, which the item mentions"
            ));
        }
        if parts.is_empty() {
            parts.push("none found".to_owned());
        }
        format!("Conflicts: {}.", parts.join("; "))
    }

    /// The query in quotes, or its words if the whole cannot stand between quotes.
    fn quoted_query(&self, query: &str, evidence: &Evidence<'_>) -> String {
        let mut words = super::label_words::words(query).skip(QUOTED_WORDS - 1);
        let end = match (words.next(), words.next()) {
            (Some((start, word)), Some(_)) => start + word.len(),
            _ => query.len(),
        };
        self.quote(query[..end].trim())
            .or_else(|| Some(self.list(&evidence.words)).filter(|list| !list.is_empty()))
            .unwrap_or_else(|| "something".to_owned())
    }

    /// Properties as `colour "red"`.
    fn properties(&self, properties: &[(&'static str, &str)]) -> Vec<String> {
        properties
            .iter()
            .filter_map(|(name, value)| Some(format!("{name} {}", self.quote(value)?)))
            .take(LISTED)
            .collect()
    }

    /// Words in quotes, separated by commas; empty if there is none.
    fn list(&self, words: &[&str]) -> String {
        let quoted: Vec<String> = words.iter().filter_map(|word| self.quote(word)).collect();
        let mut list = quoted[..quoted.len().min(LISTED)].join(", ");
        if quoted.len() > LISTED {
            list.push_str(" and more");
        }
        list
    }

    /// A span in quotes, unless it is empty, has a quote or a line's end inside, or names a label.
    fn quote(&self, span: &str) -> Option<String> {
        let fits = !span.is_empty()
            && !span.contains(['"', '<', '>'])
            && !span.contains(char::is_control)
            && !self.label_words.occur_in(span);
        fits.then(|| format!("\"{span}\""))
    }

    /// Whether the label has at least half of the best gain.
    fn is_favourable(&self, labeled: &LabeledPair) -> bool {
        let best = self.schema.gains().into_iter().fold(0.0, f64::max);
        self.schema.gain(labeled.label) >= best / 2.0
    }
}

fn conclusion(evidence: &Evidence<'_>) -> String {
    let total = evidence.words.len();
    let covered = total - evidence.missing.len();
    let agreed = evidence.agreed.len() + usize::from(evidence.brand_asked.is_some());
    let against = evidence.conflicts.len() + evidence.excluded.len();
    let words = match covered {
        _ if total == 0 => "the query has no word to look for".to_owned(),
        0 => "no query word is covered".to_owned(),
        _ if covered == total => "every query word is covered".to_owned(),
        _ => format!("{covered} of {total} query words are covered"),
    };
    format!(
        "Conclusion: {words}, {agreed} {} as asked, {against} {}.",
        if agreed == 1 {
            "attribute is"
        } else {
            "attributes are"
        },
        if against == 1 {
            "conflict"
        } else {
            "conflicts"
        },
    )
}

/// Which evidence decides, given that the label speaks for or against the item.
fn weighing(evidence: &Evidence<'_>, favourable: bool) -> &'static str {
    let shared = evidence.missing.len() < evidence.words.len();
    let gaps = !evidence.missing.is_empty()
        || !evidence.conflicts.is_empty()
        || !evidence.excluded.is_empty();
    match (favourable, shared, gaps) {
        (true, true, _) | (false, true, false) => " What is shared decides.",
        (_, _, true) => " What is lacking decides.",
        (_, false, false) => "",
    }
}
