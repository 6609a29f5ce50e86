//! `--schema`.

use relevance_distill::DistillError;
use relevance_distill::relevance_data::LabelSchema;

/// The schema of a name, or of a JSON file.
pub(super) fn schema(name: &str) -> Result<LabelSchema, DistillError> {
    Ok(match name {
        "esci" => LabelSchema::esci(),
        "wands" => LabelSchema::wands(),
        "binary" => LabelSchema::binary(),
        path => LabelSchema::from_json_file(path)?,
    })
}
