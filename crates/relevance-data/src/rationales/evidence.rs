//! What a query and an item say about each other, found in their words.

use super::terms::{Measure, Term, Value, fold, is_stop_word, is_unspaced, measures, terms};
use crate::Pair;
use std::collections::HashSet;

/// Findings about a pair. Every string is a verbatim part of the query or of one field of the item.
#[derive(Debug, Default)]
pub(crate) struct Evidence<'a> {
    /// The telling words of the query, each once.
    pub(crate) words: Vec<&'a str>,
    /// Those that the title has.
    pub(crate) in_title: Vec<&'a str>,
    /// Those that only the item's other fields have.
    pub(crate) elsewhere: Vec<&'a str>,
    /// Those that the item lacks.
    pub(crate) missing: Vec<&'a str>,
    /// Properties that the query asks for: name and value.
    pub(crate) asked: Vec<(&'static str, &'a str)>,
    /// Those that the item has.
    pub(crate) agreed: Vec<(&'static str, &'a str)>,
    /// What the item has instead: property, value asked for, value found.
    pub(crate) conflicts: Vec<(&'static str, &'a str, &'a str)>,
    /// Words that the query excludes ("without ...") and the item has.
    pub(crate) excluded: Vec<&'a str>,
    /// The item's brand, where all of it stands in the query.
    pub(crate) brand_asked: Option<&'a str>,
    /// The item's brand otherwise.
    pub(crate) brand_unasked: Option<&'a str>,
}

impl<'a> Evidence<'a> {
    /// Looks for everything.
    pub(crate) fn find(pair: &'a Pair) -> Self {
        let (query, excluded) = telling(&pair.query.text);
        let item = Index::new(pair);
        let mut evidence = Self::default();
        evidence.find_words(&query, &item);
        evidence.find_values(&query, &item);
        evidence.find_measures(&pair.query.text, &item);
        evidence.find_brand(&query, pair);
        let named = excluded.iter().filter(|term| item.has(term));
        evidence.excluded = named.map(|term| term.surface).collect();
        evidence
    }

    fn find_words(&mut self, query: &[Term<'a>], item: &Index<'a>) {
        for term in query {
            self.words.push(term.surface);
            if item.title.has(term) {
                self.in_title.push(term.surface);
            } else if item.rest.has(term) {
                self.elsewhere.push(term.surface);
            } else {
                self.missing.push(term.surface);
            }
        }
    }

    /// Colours, sizes and the like: what the item says in its title or colour, against the query.
    fn find_values(&mut self, query: &[Term<'a>], item: &Index<'a>) {
        let values = query
            .iter()
            .filter_map(|term| Some((term, Value::named_by(&term.stem)?)));
        for (term, asked) in values {
            let name = asked.property();
            self.asked.push((name, term.surface));
            let other = |(surface, value): &(&'a str, Value)| {
                asked.conflicts_with(*value).then_some(*surface)
            };
            if item.has(term) || item.values.iter().any(|(_, value)| *value == asked) {
                self.agreed.push((name, term.surface));
            } else if let Some(found) = item.values.iter().find_map(other) {
                self.conflicts.push((name, term.surface, found));
            }
        }
    }

    fn find_measures(&mut self, query: &'a str, item: &Index<'a>) {
        for asked in measures(query) {
            self.asked.push(("measure", asked.surface));
            let all = || item.title_measures.iter().chain(&item.other_measures);
            let title = &item.title_measures;
            if all().any(|given| asked.agrees_with(given)) {
                self.agreed.push(("measure", asked.surface));
            } else if let Some(given) = title.iter().find(|given| asked.conflicts_with(given)) {
                self.conflicts
                    .push(("measure", asked.surface, given.surface));
            }
        }
    }

    fn find_brand(&mut self, query: &[Term<'a>], pair: &'a Pair) {
        let brand = pair.item.brand.trim();
        let words = terms(brand);
        if words.is_empty() {
            return;
        }
        let asked = words
            .iter()
            .all(|word| query.iter().any(|term| term.stem == word.stem));
        if asked {
            self.brand_asked = Some(brand);
        } else {
            self.brand_unasked = Some(brand);
        }
    }
}

/// The words of a query that tell what is wanted, and those that follow "without".
fn telling(query: &str) -> (Vec<Term<'_>>, Vec<Term<'_>>) {
    let (mut wanted, mut excluded): (Vec<Term<'_>>, Vec<Term<'_>>) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    let mut negated = false;
    for term in terms(query) {
        if is_stop_word(&term.stem) {
            negated |= matches!(term.stem.as_str(), "without" | "sin");
        } else if negated {
            excluded.push(term);
            negated = false;
        } else if seen.insert(term.stem.clone()) {
            wanted.push(term);
        }
    }
    (wanted, excluded)
}

/// Folded words of some fields, and the fields themselves for languages without spaces.
#[derive(Default)]
struct Words {
    stems: HashSet<String>,
    text: String,
}

impl Words {
    fn add(&mut self, field: &str) {
        self.stems
            .extend(terms(field).into_iter().map(|term| term.stem));
        if is_unspaced(field) {
            self.text.push_str(&fold(field));
            self.text.push('\n');
        }
    }

    fn has(&self, term: &Term<'_>) -> bool {
        self.stems.contains(&term.stem)
            || (is_unspaced(&term.stem) && self.text.contains(&term.stem))
    }
}

/// An item made ready for look-ups.
struct Index<'a> {
    title: Words,
    rest: Words,
    /// Property values in the colour field and the title, with where they stand.
    values: Vec<(&'a str, Value)>,
    title_measures: Vec<Measure<'a>>,
    other_measures: Vec<Measure<'a>>,
}

impl<'a> Index<'a> {
    fn new(pair: &'a Pair) -> Self {
        let item = &pair.item;
        let (mut title, mut rest) = (Words::default(), Words::default());
        title.add(&item.title);
        let others = [
            &item.brand,
            &item.color,
            &item.bullet_points,
            &item.description,
        ];
        others.iter().for_each(|field| rest.add(field));
        let values = [&item.color, &item.title]
            .into_iter()
            .flat_map(|field| terms(field))
            .filter_map(|term| Some((term.surface, Value::named_by(&term.stem)?)))
            .collect();
        Self {
            title,
            rest,
            values,
            title_measures: measures(&item.title),
            other_measures: others.iter().flat_map(|field| measures(field)).collect(),
        }
    }

    fn has(&self, term: &Term<'_>) -> bool {
        self.title.has(term) || self.rest.has(term)
    }
}
