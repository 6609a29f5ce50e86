//! The Wayfair Annotation Data Set (WANDS; Chen et al. 2022, ECIR): three tab-separated files.

use super::columns::{ColumnMap, Field};
use super::compression::{find_packed, open};
use super::delimited;
use super::pairs::{PairSource, SourceConfig};
use super::report::RowPolicy;
use super::row::{Row, Rows, fault};
use crate::{DataError, LabelSchema, Position, RowFault};
use std::collections::HashMap;
use std::path::Path;

/// The file of queries.
pub(super) const QUERIES: &str = "query.csv";
/// The file of products.
pub(super) const PRODUCTS: &str = "product.csv";
/// The file of judgments.
pub(super) const LABELS: &str = "label.csv";

/// The judged pairs of a folder with `query.csv`, `product.csv` and `label.csv`, each plain, `.gz` or
/// `.zst`. `product_class` and `product_features` become the item's bullet points.
///
/// The queries and products (43 thousand in the public set) are held in memory; the labels are
/// streamed. Under [`RowPolicy::Skip`] a label whose query or product is missing is passed over, and
/// counted, like one that is unknown.
///
/// # Errors
/// [`DataError::Io`] for a missing file, [`DataError::UnknownColumn`] for a missing column; a faulty row
/// of the first two files is an error whatever the policy.
pub fn wands(
    folder: impl AsRef<Path>,
    schema: &LabelSchema,
    policy: RowPolicy,
) -> Result<PairSource, DataError> {
    let folder = folder.as_ref();
    let named = |name: &str| Some(name.to_owned());
    let queries = table(
        &find_packed(folder, QUERIES),
        &ColumnMap {
            query_id: named("query_id"),
            ..ColumnMap::new("query", "query")
        },
        Field::QueryId,
    )?;
    let products = table(
        &find_packed(folder, PRODUCTS),
        &ColumnMap {
            item_id: named("product_id"),
            description: named("product_description"),
            bullet_points: named("product_features"),
            brand: named("product_class"),
            ..ColumnMap::new("product_name", "product_name")
        },
        Field::ItemId,
    )?;
    let path = find_packed(folder, LABELS);
    let columns = ColumnMap {
        label: named("label"),
        ..ColumnMap::new("query_id", "product_id")
    };
    let labels = delimited::rows(open(&path)?, &path, &columns, b'\t')?;
    let at = path.clone();
    let rows = labels.map(move |label| {
        let (position, mut label) = label?;
        let (query_id, item_id) = (label.take(Field::Query), label.take(Field::Title));
        let missing = |column, id: &str, file| {
            let message = format!("{id:?} is not in {file}");
            fault(
                &at,
                position,
                Some(column),
                RowFault::MissingReference,
                message,
            )
        };
        let query = queries.get(&query_id);
        let query = query.ok_or_else(|| missing("query_id", &query_id, QUERIES))?;
        let product = products.get(&item_id);
        let product = product.ok_or_else(|| missing("product_id", &item_id, PRODUCTS))?;
        Ok((position, join(query, product, query_id, item_id, label)))
    });
    let rows: Rows = Box::new(rows);
    let config = SourceConfig {
        columns: ColumnMap {
            query_id: named("query_id"),
            item_id: named("product_id"),
            ..ColumnMap {
                label: named("label"),
                ..ColumnMap::new("query", "product_name")
            }
        },
        policy,
        ..SourceConfig::default()
    };
    Ok(PairSource::of(&path, rows, &config, schema))
}

/// The rows of a file by their identifier.
fn table(path: &Path, columns: &ColumnMap, id: Field) -> Result<HashMap<String, Row>, DataError> {
    let mut table = HashMap::new();
    for row in delimited::rows(open(path)?, path, columns, b'\t')? {
        let (position, mut row) = row?;
        let key = row.take(id);
        if key.is_empty() {
            return Err(no_id(path, position));
        }
        // Of several rows of one identifier the first counts, as in the ESCI files.
        table.entry(key).or_insert(row);
    }
    Ok(table)
}

fn no_id(path: &Path, position: Position) -> DataError {
    let message = "no identifier; every row needs one";
    fault(path, position, None, RowFault::MissingValue, message)
}

fn join(query: &Row, product: &Row, query_id: String, item_id: String, mut label: Row) -> Row {
    let value = |row: &Row, field: Field| row.values[field as usize].clone();
    let mut joined = Row::default();
    let mut set = |field: Field, value: Option<String>| joined.values[field as usize] = value;
    set(Field::Query, value(query, Field::Query));
    set(Field::QueryId, Some(query_id));
    set(Field::ItemId, Some(item_id));
    set(Field::Title, value(product, Field::Title));
    set(Field::Description, value(product, Field::Description));
    // `brand` carries the class through the table: WANDS names no brand.
    let points = [Field::Brand, Field::BulletPoints].map(|field| value(product, field));
    let points: Vec<String> = points.into_iter().flatten().collect();
    set(
        Field::BulletPoints,
        Some(points.join("\n")).filter(|p| !p.is_empty()),
    );
    set(Field::Label, label.values[Field::Label as usize].take());
    joined
}
