//! Whether what a rationale cites is there.

use relevance_data::{Reply, normalize_query};

use crate::dimension::{RewardDimension, RewardInput};
use crate::error::RewardError;

/// The share of the cited spans (what stands between straight double quotes) that occur in the
/// query or in the item.
///
/// Texts are compared folded (NFKC, lower case, single spaces), and a span must begin and end
/// where a word does: "red" is not in "covered". A rationale that cites nothing scores 0, so that
/// silence is no way around the check.
///
/// ```
/// use relevance_data::{Item, LabelSchema, Pair, Query, Rationale, Reply};
/// use reward_model::{Grounding, RewardDimension, RewardInput};
///
/// let schema = LabelSchema::esci();
/// let pair = Pair { query: Query::new("q", "red mug"), item: Item::new("i", "Blue mug") };
/// let input = RewardInput { prompt: "", pair: &pair, gold: Some(schema.parse("E")?), schema: &schema };
/// let reply = |text| Reply { rationale: Rationale::new(text), verdict: schema.parse("Exact").unwrap() };
/// let score = |text| Grounding.score(&reply(text), &input).unwrap();
/// assert_eq!(score("It is a \"mug\" but not \"green\"."), Some(0.5)); // nobody said green
/// assert_eq!(score("It fits."), Some(0.0));
/// # Ok::<(), relevance_data::DataError>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Grounding;

impl RewardDimension for Grounding {
    fn name(&self) -> &str {
        "grounding"
    }

    fn score(&self, reply: &Reply, input: &RewardInput<'_>) -> Result<Option<f64>, RewardError> {
        let sources = [
            normalize_query(&input.pair.query.text),
            normalize_query(&input.pair.item.text()),
        ];
        let spans: Vec<String> = reply.rationale.citations().map(normalize_query).collect();
        let found = spans
            .iter()
            .filter(|span| sources.iter().any(|text| occurs(span, text)));
        Ok(Some(found.count() as f64 / spans.len().max(1) as f64))
    }
}

/// Whether `span` stands in `text` on its own: not within a longer run of letters or digits.
/// Scripts written without spaces have no such borders, and neither side is asked for one there.
fn occurs(span: &str, text: &str) -> bool {
    let runs_on = |inside: Option<char>, outside: Option<char>| {
        let spaced = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() && !unspaced(c));
        spaced(inside) && spaced(outside)
    };
    text.match_indices(span).any(|(start, _)| {
        let before = text[..start].chars().next_back();
        let after = text[start + span.len()..].chars().next();
        !runs_on(span.chars().next(), before) && !runs_on(span.chars().next_back(), after)
    })
}

/// Kana, Han, Thai and their neighbours.
fn unspaced(c: char) -> bool {
    matches!(c, '\u{0E00}'..='\u{0EFF}' | '\u{2E80}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_ends_where_a_word_does() {
        assert!(occurs("red", "a red shoe"));
        assert!(occurs("red", "red, covered"));
        assert!(!occurs("red", "covered"));
        assert!(!occurs("1", "15"));
        assert!(occurs("タオル", "キッチンタオル"));
        assert!(occurs("-", "a-b"));
    }
}
