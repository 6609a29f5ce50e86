//! The example of `docs/DATA.md` is what the crate reads.

use pair_tokenizer::PairTokenizerConfig;

const GUIDE: &str = include_str!("../../../docs/DATA.md");

#[test]
fn the_settings_are_the_defaults() {
    let section = GUIDE.split("\n## Tokens\n").nth(1).unwrap();
    let json = section.split("```json\n").nth(1).unwrap();
    let json = json.split("\n```").next().unwrap();
    let settings: PairTokenizerConfig = serde_json::from_str(json).unwrap();
    assert_eq!(settings, PairTokenizerConfig::default());
}
