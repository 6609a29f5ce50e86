//! Settings: unknown keys and values out of bounds are refused by name.
#![cfg(all(feature = "tables", feature = "parquet"))]

use relevance_data::cleaning::{CleanConfig, NearDuplicateConfig};
use relevance_data::{
    ColumnMap, DataError, EsciDataset, EsciFilter, LabelSchema, PairSource, QuerySplit,
    ReplyFormat, SourceConfig,
};
use serde::de::DeserializeOwned;

fn refuses_unknown_keys<T: DeserializeOwned>() -> bool {
    let read = serde_json::from_str::<T>(r#"{"colour": 1}"#);
    read.err()
        .is_some_and(|error| error.to_string().contains("unknown field `colour`"))
}

#[test]
fn unknown_keys_are_refused() {
    assert!(refuses_unknown_keys::<CleanConfig>());
    assert!(refuses_unknown_keys::<NearDuplicateConfig>());
    assert!(refuses_unknown_keys::<SourceConfig>());
    assert!(refuses_unknown_keys::<ColumnMap>());
    assert!(refuses_unknown_keys::<EsciFilter>());
    assert!(refuses_unknown_keys::<ReplyFormat>());
    assert!(refuses_unknown_keys::<QuerySplit>());
    assert!(refuses_unknown_keys::<LabelSchema>());
}

#[test]
fn values_out_of_bounds_are_named_before_anything_is_read() {
    let near = NearDuplicateConfig::default().with_threshold(1.5);
    let clean = CleanConfig::default().with_near_duplicate(near);
    assert_eq!(
        clean.validate().unwrap_err().to_string(),
        "`threshold` is 1.5, allowed: above 0, at most 1"
    );
    let source = SourceConfig::new(ColumnMap::new("query", ""));
    let error = PairSource::open("none.csv", &source, &LabelSchema::esci()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`title` is empty, allowed: a column's name"
    );
    let none: [&str; 0] = [];
    let filter = EsciFilter::default().with_locales(none);
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/esci-plain");
    let error = EsciDataset::open(folder).unwrap().pairs(&filter);
    assert!(matches!(
        error,
        Err(DataError::InvalidConfig {
            field: "locales",
            ..
        })
    ));
}

#[test]
fn every_field_of_a_column_map_has_a_setter() {
    let all = ColumnMap::new("query", "title")
        .with_query_id("query_id")
        .with_item_id("item_id")
        .with_description("description")
        .with_bullet_points("bullet_points")
        .with_brand("brand")
        .with_color("color")
        .with_locale("locale")
        .with_label("label");
    assert_eq!(all, ColumnMap::canonical());
    assert_eq!(all.with_split("part").split.as_deref(), Some("part"));
}
