//! Replies and rationales: round trips for any text.

use proptest::prelude::*;
use relevance_data::{
    DataError, LabelClass, LabelSchema, LabelWords, Rationale, Reply, ReplyError, ReplyFormat,
    ReplyOrder,
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

/// Schemas of any classes that are allowed; names may have several words, signs and any script.
fn schema() -> impl Strategy<Value = LabelSchema> {
    let name = "[A-Za-zé日İß'\"{}&,.0-9]{1,6}( [A-Za-zß\\\\/:-]{1,6}){0,2}";
    let class = (name, prop::collection::vec(name, 0..2), 0_u32..4);
    let classes = prop::collection::vec(class, 2..6);
    (".{0,6}", classes, any::<bool>()).prop_filter_map(
        "names that read the same",
        |(name, rows, falls)| {
            let mut gains: Vec<f64> = rows.iter().map(|row| f64::from(row.2) / 3.0).collect();
            gains.sort_by(f64::total_cmp);
            if falls {
                gains.reverse();
            }
            let class = |((name, aliases, _), gain)| LabelClass {
                name,
                gain,
                aliases,
            };
            LabelSchema::new(name, rows.into_iter().zip(gains).map(class).collect()).ok()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_schema_comes_back_from_its_file(schema in schema()) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("schema.json");
        std::fs::write(&path, serde_json::to_vec_pretty(&schema).unwrap()).unwrap();
        prop_assert_eq!(LabelSchema::from_json_file(&path).unwrap(), schema);
    }

    #[test]
    fn every_spelling_of_a_class_is_read_as_it(schema in schema()) {
        for label in schema.labels() {
            let class = &schema.classes()[label.index()];
            for spelling in std::iter::once(&class.name).chain(&class.aliases) {
                prop_assert_eq!(schema.parse(&format!(" {spelling}\n")).unwrap(), label);
                prop_assert_eq!(schema.parse(&spelling.to_lowercase()).unwrap(), label);
            }
        }
    }

    #[test]
    fn a_reply_comes_back_under_any_schema(schema in schema(), text in text(), order in order()) {
        let format = ReplyFormat::new(order);
        for verdict in schema.labels() {
            let reply = Reply { rationale: Rationale::new(format!("{text}.")), verdict };
            prop_assert_eq!(format.parse(&format.render(&reply, &schema), &schema), Ok(reply));
        }
    }

    #[test]
    fn no_label_word_of_any_schema_is_left(schema in schema(), around in prop::collection::vec(text(), 1..6)) {
        let names = schema.names();
        let naming: String = around.iter().zip(names.iter().cycle()).flat_map(|(text, name)| [text, " ", name]).collect();
        let stripped = Rationale::new(naming).without_label_words(&schema);
        prop_assert!(!LabelWords::new(&schema).occur_in(stripped.as_str()), "{}", stripped);
        prop_assert_eq!(stripped.without_label_words(&schema), stripped.clone());
    }
}

#[test]
fn a_schema_file_that_is_none_says_where() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("schema.json");
    let refused = |text: &str| {
        std::fs::write(&path, text).unwrap();
        let message = LabelSchema::from_json_file(&path).unwrap_err().to_string();
        let place = format!("{}:", path.display());
        message
            .strip_prefix(&place)
            .expect("the file comes first")
            .to_owned()
    };
    assert_eq!(
        refused("{\n  \"name\": \"x\",\n  \"classes\": [}\n"),
        "3: expected value (column 15)"
    );
    assert_eq!(
        refused(r#"{"name": "x", "classes": [{"name": "A", "gain": 1}]}"#),
        r#"1: label schema "x": 1 classes; allowed: 2 to 65535"#
    );
    assert_eq!(refused(""), "1: EOF while parsing a value (column 0)");
    for unreadable in [dir.path().join("none.json"), dir.path().to_owned()] {
        let error = LabelSchema::from_json_file(unreadable).unwrap_err();
        assert!(matches!(error, DataError::Io { .. }), "{error}");
    }
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
