//! When two queries are the same query.

use unicode_normalization::UnicodeNormalization;

/// A query's text as splits and reports compare it: Unicode NFKC, lower case, each run of
/// whitespace one space, none at the ends.
///
/// ```
/// assert_eq!(relevance_data::normalize_query("  Ｄish\tTOWELS "), "dish towels");
/// ```
pub fn normalize_query(text: &str) -> String {
    // Lower-casing can undo the composition (İ), and composition the lower case.
    let mut normal = fold(text);
    loop {
        let again = fold(&normal);
        if again == normal {
            return normal;
        }
        normal = again;
    }
}

fn fold(text: &str) -> String {
    let folded: String = text.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_character_settles() {
        for c in char::MIN..=char::MAX {
            let once = normalize_query(&c.to_string());
            assert_eq!(normalize_query(&once), once, "{c:?}");
        }
    }
}
