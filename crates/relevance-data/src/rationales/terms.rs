//! Words, measures and attribute values of shopping text.

use std::collections::HashMap;
use std::sync::LazyLock;
use unicode_normalization::UnicodeNormalization;

/// A word of a text: as it stands there, and folded for comparison.
#[derive(Debug, Clone)]
pub(crate) struct Term<'a> {
    /// As it stands in the text.
    pub(crate) surface: &'a str,
    /// Folded (see [`fold`]), without `'s` and a plural's ending.
    pub(crate) stem: String,
    start: usize,
}

/// The words of a text: runs of letters and digits, joined by a single `.` or `'` ("5.5", "men's").
pub(crate) fn terms(text: &str) -> Vec<Term<'_>> {
    let mut terms = Vec::new();
    let mut begin = None;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let joins = matches!(c, '.' | '\'' | '’')
            && begin.is_some()
            && chars.peek().is_some_and(|(_, next)| next.is_alphanumeric());
        match begin {
            None if c.is_alphanumeric() => begin = Some(at),
            Some(start) if !c.is_alphanumeric() && !joins => {
                terms.push(term(text, start, at));
                begin = None;
            }
            _ => {}
        }
    }
    if let Some(start) = begin {
        terms.push(term(text, start, text.len()));
    }
    terms
}

fn term(text: &str, start: usize, end: usize) -> Term<'_> {
    let surface = &text[start..end];
    Term {
        surface,
        stem: stem(surface),
        start,
    }
}

/// A text in NFKC and lower case, without the accents of Latin letters: "Björn" and "bjorn" are one.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let is_accent = |c: &char| ('\u{300}'..='\u{36f}').contains(c);
    let plain = text.nfkd().filter(|c| !is_accent(c)).nfkc();
    plain.flat_map(char::to_lowercase).collect()
}

/// A word folded so that "Towels" and "towel's" equal "towel".
pub(crate) fn stem(word: &str) -> String {
    let lower = fold(word);
    let lower = lower.trim_end_matches("'s").trim_end_matches("’s");
    if lower.len() <= 3 || lower.ends_with("ss") {
        lower.to_owned()
    } else if let Some(root) = lower.strip_suffix("ies") {
        format!("{root}y")
    } else if ["ses", "xes", "zes", "ches", "shes"]
        .iter()
        .any(|ending| lower.ends_with(ending))
    {
        lower[..lower.len() - 2].to_owned()
    } else {
        lower.strip_suffix('s').unwrap_or(lower).to_owned()
    }
}

/// Words that say nothing about what is wanted (English, Spanish).
pub(crate) fn is_stop_word(stem: &str) -> bool {
    const STOP_WORDS: &[&str] = &[
        "a", "an", "and", "at", "by", "con", "de", "del", "el", "en", "for", "from", "in", "is",
        "it", "la", "las", "los", "my", "o", "of", "on", "or", "para", "por", "s", "sin", "that",
        "the", "to", "un", "una", "with", "without", "y", "your",
    ];
    STOP_WORDS.contains(&stem)
}

/// Whether a text is written without spaces between words, so that words are sought inside it.
pub(crate) fn is_unspaced(word: &str) -> bool {
    word.chars()
        .any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{ff66}'..='\u{ff9d}'))
}

/// A property of which an item has one value: its name, and the values, each with its spellings.
type Property = (&'static str, &'static [&'static [&'static str]]);

const PROPERTIES: &[Property] = &[
    (
        "colour",
        &[
            &["black", "negro", "negra", "黒", "ブラック"],
            &["white", "blanco", "blanca", "白", "ホワイト"],
            &["red", "rojo", "roja", "赤", "レッド"],
            &["blue", "navy", "azul", "青", "ブルー"],
            &["green", "verde", "緑", "グリーン"],
            &["yellow", "amarillo", "amarilla", "黄", "イエロー"],
            &["orange", "naranja", "オレンジ"],
            &["purple", "violet", "lavender", "morado", "紫"],
            &["pink", "rosa", "ピンク"],
            &["brown", "marron", "marrón", "茶", "ブラウン"],
            &["gray", "grey", "gris", "グレー"],
            &["beige", "ivory", "cream"],
            &["silver", "plateado", "シルバー"],
            &["gold", "golden", "dorado", "ゴールド"],
            &["teal", "turquoise"],
        ],
    ),
    (
        "size",
        &[
            &["small", "mini", "pequeño", "pequeña"],
            &["medium", "mediano"],
            &["large", "big", "grande"],
            &["xl"],
            &["xxl"],
        ],
    ),
    ("bed size", &[&["twin"], &["queen"], &["king"]]),
    (
        "wearer",
        &[
            &["men", "man", "male", "hombre", "メンズ"],
            &["women", "woman", "lady", "female", "mujer", "レディース"],
            &["boy", "niño"],
            &["girl", "niña"],
            &["baby", "infant", "newborn", "bebé"],
            &["toddler"],
        ],
    ),
];

/// A value of a property that a word names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Value {
    property: usize,
    value: usize,
}

impl Value {
    /// The value that a folded word names, if it names one.
    pub(crate) fn named_by(stem_of_word: &str) -> Option<Self> {
        static VALUES: LazyLock<HashMap<String, Value>> = LazyLock::new(values);
        VALUES.get(stem_of_word).copied()
    }

    /// The property's name.
    pub(crate) fn property(self) -> &'static str {
        PROPERTIES[self.property].0
    }

    /// Whether both are values of the same property, but different ones.
    pub(crate) fn conflicts_with(self, other: Self) -> bool {
        self.property == other.property && self.value != other.value
    }
}

/// The values by their folded spellings.
fn values() -> HashMap<String, Value> {
    let mut by_spelling = HashMap::new();
    for (property, (_, values)) in PROPERTIES.iter().enumerate() {
        for (value, spellings) in values.iter().enumerate() {
            let named = Value { property, value };
            by_spelling.extend(spellings.iter().map(|spelling| (stem(spelling), named)));
        }
    }
    by_spelling
}

/// A number with its unit.
#[derive(Debug, Clone)]
pub(crate) struct Measure<'a> {
    /// As it stands in the text, from the number to the unit's word.
    pub(crate) surface: &'a str,
    number: String,
    unit: &'static str,
}

impl Measure<'_> {
    /// Whether the other says the same.
    pub(crate) fn agrees_with(&self, other: &Measure<'_>) -> bool {
        self.unit == other.unit && self.number == other.number
    }

    /// Whether the other gives another number of the same unit.
    pub(crate) fn conflicts_with(&self, other: &Measure<'_>) -> bool {
        self.unit == other.unit && self.number != other.number
    }
}

/// The measures in a text: "12 inch", "12-pack", "64GB"; a number without a known unit is none.
pub(crate) fn measures(text: &str) -> Vec<Measure<'_>> {
    let terms = terms(text);
    let next = terms.iter().skip(1).map(Some).chain([None]);
    terms
        .iter()
        .zip(next)
        .filter_map(|(term, next)| measure(text, term, next))
        .collect()
}

fn measure<'a>(text: &'a str, term: &Term<'a>, next: Option<&Term<'a>>) -> Option<Measure<'a>> {
    let digits = term
        .surface
        .find(|c: char| !(c.is_ascii_digit() || c == '.'))
        .unwrap_or(term.surface.len());
    let (number, suffix) = term.surface.split_at(digits);
    if number.is_empty() {
        return None;
    }
    let (unit, end) = if suffix.is_empty() {
        let next = next?;
        let gap = &text[term.start + term.surface.len()..next.start];
        let adjacent = matches!(gap, " " | "-");
        (
            adjacent.then(|| unit(&next.stem))??,
            next.start + next.surface.len(),
        )
    } else {
        (unit(&stem(suffix))?, term.start + term.surface.len())
    };
    let trimmed = if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    };
    Some(Measure {
        surface: &text[term.start..end],
        number: trimmed.to_owned(),
        unit,
    })
}

/// The unit that a folded word names.
fn unit(stem_of_word: &str) -> Option<&'static str> {
    const UNITS: &[(&str, &[&str])] = &[
        ("inch", &["inch", "inche", "inches", "pulgada"]),
        ("foot", &["ft", "foot", "feet"]),
        ("yard", &["yd", "yard"]),
        ("mm", &["mm"]),
        ("cm", &["cm"]),
        ("m", &["m", "meter", "metre", "metro"]),
        ("ounce", &["oz", "ounce"]),
        ("pound", &["lb", "lbs", "pound"]),
        ("g", &["g", "gram"]),
        ("kg", &["kg", "kilo"]),
        ("ml", &["ml"]),
        ("l", &["l", "liter", "litre", "litro"]),
        ("quart", &["qt", "quart"]),
        ("gallon", &["gal", "gallon"]),
        (
            "count",
            &[
                "pack", "pk", "count", "ct", "pc", "pcs", "piece", "個", "枚", "本",
            ],
        ),
        ("gb", &["gb"]),
        ("tb", &["tb"]),
        ("mah", &["mah"]),
        ("watt", &["w", "watt"]),
        ("volt", &["v", "volt"]),
        ("year", &["year", "yr", "ano"]),
        ("month", &["month"]),
    ];
    UNITS
        .iter()
        .find(|(_, names)| names.contains(&stem_of_word))
        .map(|(unit, _)| *unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surfaces(text: &str) -> Vec<&str> {
        terms(text).into_iter().map(|term| term.surface).collect()
    }

    #[test]
    fn words_keep_their_inner_marks() {
        assert_eq!(
            surfaces("Men's 5.5-inch, dry."),
            ["Men's", "5.5", "inch", "dry"]
        );
        assert_eq!(surfaces("モバイル バッテリー"), ["モバイル", "バッテリー"]);
        assert!(terms(" .' ").is_empty());
    }

    #[test]
    fn plurals_fold_together() {
        for (word, folded) in [
            ("Towels", "towel"),
            ("men's", "men"),
            ("batteries", "battery"),
            ("boxes", "box"),
            ("dresses", "dress"),
            ("wireless", "wireless"),
            ("gas", "gas"),
            ("BABYBJÖRN", "babybjorn"),
            ("バッテリー", "バッテリー"),
        ] {
            assert_eq!(stem(word), folded);
        }
    }

    #[test]
    fn measures_know_their_unit() {
        let (a, b, c) = (
            measures("12 inch"),
            measures("a 12.0-inches one"),
            measures("9inch pan"),
        );
        assert_eq!(
            (a[0].surface, b[0].surface, c[0].surface),
            ("12 inch", "12.0-inches", "9inch")
        );
        assert!(a[0].agrees_with(&b[0]) && a[0].conflicts_with(&c[0]));
        assert!(measures("iphone 12 case").is_empty());
        assert!(!measures("12 pack")[0].conflicts_with(&c[0]));
    }

    #[test]
    fn values_of_one_property_exclude_each_other() {
        let value = |word| Value::named_by(&stem(word)).unwrap();
        assert_eq!(value("Grey"), value("gray"));
        assert!(value("womens").conflicts_with(value("Men's")));
        assert!(!value("red").conflicts_with(value("large")));
        assert_eq!(value("rojo").property(), "colour");
        assert!(Value::named_by("mouse").is_none());
    }
}
