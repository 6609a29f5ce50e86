//! Any text as reasoning: no tag and no label word stays, and nothing is left to remove the second time.
#![no_main]

use libfuzzer_sys::fuzz_target;
use relevance_data::{LabelSchema, LabelWords, Rationale};

fuzz_target!(|text: &str| {
    let rationale = Rationale::new(text);
    let lower = rationale.as_str().to_ascii_lowercase();
    assert!(!lower.contains("<label>") && !lower.contains("</label>"));
    assert_eq!(Rationale::new(rationale.as_str()), rationale);
    for citation in rationale.citations() {
        assert!(rationale.as_str().contains(citation));
    }
    for schema in [LabelSchema::esci(), LabelSchema::binary()] {
        let stripped = rationale.without_label_words(&schema);
        assert!(
            !LabelWords::new(&schema).occur_in(stripped.as_str()),
            "{stripped}"
        );
        assert_eq!(stripped.without_label_words(&schema), stripped);
    }
});
