//! Words that give a label away.

use crate::LabelSchema;

/// Finds the words of a text that name a label of a schema.
///
/// A word names a label if it equals one of its words or shares all but the last letter with it
/// (at least five letters), so that "exactly", "complementary", "substitution" and "irrelevance"
/// count. A name of several words counts where all of them follow each other. Aliases of one
/// character are left alone: "I" and "a" are English words.
///
/// ```
/// use relevance_data::{LabelSchema, LabelWords};
/// let words = LabelWords::new(&LabelSchema::esci());
/// assert!(words.occur_in("It is exactly that."));
/// assert_eq!(words.strip("A substitute: another brand."), "A: another brand.");
/// ```
#[derive(Debug, Clone)]
pub struct LabelWords {
    /// Lower-cased names and aliases, cut into words.
    phrases: Vec<Vec<String>>,
}

impl LabelWords {
    /// The label words of a schema.
    pub fn new(schema: &LabelSchema) -> Self {
        let spellings = schema
            .classes()
            .iter()
            .flat_map(|class| std::iter::once(&class.name).chain(&class.aliases))
            .filter(|spelling| spelling.chars().count() > 1);
        let mut phrases: Vec<Vec<String>> = spellings
            .map(|spelling| {
                words(spelling)
                    .map(|(_, word)| word.to_lowercase())
                    .collect()
            })
            .filter(|phrase: &Vec<String>| !phrase.is_empty())
            .collect();
        // The longest phrase first, so that "Partial match" goes whole.
        phrases.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        Self { phrases }
    }

    /// Whether a text names a label.
    pub fn occur_in(&self, text: &str) -> bool {
        !self.spans(text).is_empty()
    }

    /// The text without its label words; the space before each goes too.
    pub fn strip(&self, text: &str) -> String {
        let mut kept = text.to_owned();
        // Removal can bring two halves of a phrase together, hence the loop; each round shortens.
        loop {
            let spans = self.spans(&kept);
            if spans.is_empty() {
                return kept;
            }
            kept = without(&kept, &spans);
        }
    }

    /// Byte ranges of the label words, in order, none overlapping.
    fn spans(&self, text: &str) -> Vec<(usize, usize)> {
        let words: Vec<(usize, String, usize)> = words(text)
            .map(|(start, word)| (start, word.to_lowercase(), start + word.len()))
            .collect();
        let mut spans = Vec::new();
        let mut at = 0;
        while at < words.len() {
            let rest = &words[at..];
            match self.phrases.iter().find(|phrase| starts_with(rest, phrase)) {
                Some(phrase) => {
                    spans.push((rest[0].0, rest[phrase.len() - 1].2));
                    at += phrase.len();
                }
                None => at += 1,
            }
        }
        spans
    }
}

fn starts_with(words: &[(usize, String, usize)], phrase: &[String]) -> bool {
    words.len() >= phrase.len()
        && words
            .iter()
            .zip(phrase)
            .all(|((_, word, _), wanted)| word == wanted || same_stem(word, wanted))
}

/// "irrelevance" and "irrelevant" share all letters of the second but one.
fn same_stem(word: &str, label: &str) -> bool {
    let shared = word
        .chars()
        .zip(label.chars())
        .take_while(|(a, b)| a == b)
        .count();
    shared >= label.chars().count().saturating_sub(1).max(5)
}

/// The words of a text (runs of letters and digits) with their byte offsets.
pub(crate) fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text[from..].find(char::is_alphanumeric)?;
        from = text[start..]
            .find(|c: char| !c.is_alphanumeric())
            .map_or(text.len(), |length| start + length);
        Some((start, &text[start..from]))
    })
}

fn without(text: &str, spans: &[(usize, usize)]) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut from = 0;
    for &(start, end) in spans {
        kept.push_str(&text[from..start]);
        if kept.ends_with(' ') {
            kept.pop();
        }
        from = end;
    }
    kept.push_str(&text[from..]);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LabelClass;

    #[test]
    fn label_words_go_with_their_endings() {
        let words = LabelWords::new(&LabelSchema::esci());
        for (text, kept) in [
            ("An Exact match, exactly so.", "An match, so."),
            ("It substitutes; a SUBSTITUTION.", "It; a."),
            (
                "complementary, complete, example, exam",
                ", complete, example, exam",
            ),
            ("irrelevance I s", " I s"),
            ("nothing here", "nothing here"),
        ] {
            assert_eq!(words.strip(text), kept);
            assert!(!words.occur_in(kept));
        }
    }

    #[test]
    fn names_of_several_words_go_whole() {
        let class = |name: &str, gain| LabelClass {
            name: name.to_owned(),
            gain,
            aliases: vec![],
        };
        let schema = LabelSchema::new(
            "x",
            vec![class("Partial match", 1.0), class("No match", 0.0)],
        )
        .unwrap();
        let words = LabelWords::new(&schema);
        assert_eq!(words.strip("A partial match, no match"), "A,");
        assert_eq!(words.strip("a match, partial"), "a match, partial");
        // The outer halves meet once the inner phrase is gone.
        assert_eq!(words.strip("partial no match match end"), " end");
    }
}
