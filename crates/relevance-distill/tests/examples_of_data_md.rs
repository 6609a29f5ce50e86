//! The files that only this crate reads, as `docs/DATA.md` shows them.

use std::path::Path;

use relevance_distill::pipeline::RepliesFile;
use relevance_distill::relevance_data::LabelSchema;

#[test]
fn the_line_of_replies_is_read() {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/DATA.md");
    let guide = std::fs::read_to_string(guide).expect("the guide to the data");
    let mut lines = guide.lines();
    let line = lines.find(|line| line.starts_with('{') && line.contains("\"replies\""));
    let folder = tempfile::tempdir().expect("a folder");
    let file = RepliesFile(folder.path().join("replies.jsonl"));
    std::fs::write(&file.0, line.expect("an example")).expect("written");
    let schema = LabelSchema::esci();
    let rows = file.read(&schema).expect("it is one");
    assert_eq!(schema.name(rows[0].pair.label), "Exact");
    assert!(rows[0].replies[0].ends_with("<label>Exact</label>"));
}
