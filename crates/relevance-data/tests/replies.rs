//! Replies and rationales: round trips for any text.

use proptest::prelude::*;
use relevance_data::{
    LabelSchema, LabelWords, Rationale, Reply, ReplyError, ReplyFormat, ReplyOrder,
};

fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("<label>".to_owned()),
        Just("</LABEL>".to_owned()),
        Just("<la".to_owned()),
        Just("bel>".to_owned()),
        Just("Exact".to_owned()),
        Just(" substitution ".to_owned()),
        Just("\n".to_owned()),
        ".{0,6}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

fn order() -> impl Strategy<Value = ReplyOrder> {
    prop_oneof![
        Just(ReplyOrder::ReasonThenLabel),
        Just(ReplyOrder::LabelThenReason)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reply_comes_back(text in text(), class in 0_usize..4, order in order()) {
        let schema = LabelSchema::esci();
        let (format, verdict) = (ReplyFormat::new(order), schema.label(class).unwrap());
        let reply = Reply { rationale: Rationale::new(text), verdict };
        let parsed = format.parse(&format.render(&reply, &schema), &schema);
        if reply.rationale.is_empty() {
            prop_assert_eq!(parsed, Err(ReplyError::EmptyRationale));
        } else {
            prop_assert_eq!(parsed, Ok(reply));
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in text(), order in order()) {
        let schema = LabelSchema::esci();
        if let Ok(reply) = ReplyFormat::new(order).parse(&text, &schema) {
            prop_assert!(!reply.rationale.as_str().to_lowercase().contains("<label>"));
        }
    }

    #[test]
    fn no_label_word_is_left(text in text()) {
        let schema = LabelSchema::esci();
        let stripped = Rationale::new(text).without_label_words(&schema);
        prop_assert!(!LabelWords::new(&schema).occur_in(stripped.as_str()));
        prop_assert_eq!(stripped.without_label_words(&schema), stripped.clone());
        prop_assert_eq!(Rationale::new(stripped.as_str()), stripped);
    }
}
