//! One text, cleaned.

use serde::{Deserialize, Serialize};
use unicode_normalization::{UnicodeNormalization, is_nfkc};

/// What cleaning found in texts; each counts texts, not characters.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextChanges {
    /// Texts that were not in Unicode's form NFKC.
    pub not_nfkc: usize,
    /// Texts with control characters, byte-order marks or other invisible format characters.
    pub control_characters: usize,
    /// Texts with U+FFFD, which an earlier reader put in the place of bytes that it could not decode.
    pub replacement_characters: usize,
    /// Texts with runs of whitespace, or whitespace at their ends.
    pub whitespace: usize,
}

impl TextChanges {
    pub(super) fn add(&mut self, other: Self) {
        self.not_nfkc += other.not_nfkc;
        self.control_characters += other.control_characters;
        self.replacement_characters += other.replacement_characters;
        self.whitespace += other.whitespace;
    }
}

/// The text in NFKC, without control, invisible and replacement characters, every run of spaces one
/// space, every run of line ends one line end (bullet points stand on lines of their own), nothing at
/// the ends. Cleaning what is clean changes nothing.
///
/// ```
/// let (text, changes) = relevance_data::cleaning::clean_text("\u{FEFF}Ｄish  towel\u{0}\r\n\r\n4 pack ");
/// assert_eq!(text, "Dish towel\n4 pack");
/// assert_eq!((changes.not_nfkc, changes.control_characters, changes.whitespace), (1, 1, 1));
/// ```
pub fn clean_text(text: &str) -> (String, TextChanges) {
    let mut changes = TextChanges {
        not_nfkc: usize::from(!is_nfkc(text)),
        control_characters: usize::from(text.chars().any(is_invisible)),
        replacement_characters: usize::from(text.contains(char::REPLACEMENT_CHARACTER)),
        whitespace: 0,
    };
    // Dropping a character can bring two together that compose, hence the second round.
    let visible = |c: &char| !is_invisible(*c) && *c != char::REPLACEMENT_CHARACTER;
    let kept: String = text
        .nfkc()
        .filter(visible)
        .collect::<String>()
        .nfkc()
        .collect();
    let clean = squeeze(&kept);
    changes.whitespace = usize::from(clean != kept);
    (clean, changes)
}

/// One space for a run of spaces, one line end for a run that holds any; none at the ends.
fn squeeze(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut gap: Option<char> = None;
    for c in text.chars() {
        if c.is_whitespace() {
            let line_end = matches!(c, '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{85}');
            gap = Some(if line_end || gap == Some('\n') {
                '\n'
            } else {
                ' '
            });
            continue;
        }
        if let Some(gap) = gap.take().filter(|_| !clean.is_empty()) {
            clean.push(gap);
        }
        clean.push(c);
    }
    clean
}

/// Control characters that are no whitespace, and format characters that no reader sees: byte-order
/// mark, zero-width space, directional marks, soft hyphen. The zero-width joiners stay: emoji and
/// several scripts need them.
fn is_invisible(c: char) -> bool {
    let format = matches!(
        c,
        '\u{AD}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}'
    );
    format || (c.is_control() && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_counted_and_gone() {
        let (text, changes) = clean_text(" a\u{FFFD}b\t\u{200B}c ﬁt ");
        assert_eq!(text, "ab c fit");
        let all = TextChanges {
            not_nfkc: 1,
            control_characters: 1,
            replacement_characters: 1,
            whitespace: 1,
        };
        assert_eq!(changes, all);
        assert_eq!(clean_text("as it is").1, TextChanges::default());
    }

    #[test]
    fn joined_emoji_stay() {
        let family = "👨\u{200D}👩\u{200D}👧";
        assert_eq!(clean_text(family).0, family);
    }
}
