//! The Wayfair Annotation Data Set (WANDS; Chen et al. 2022, ECIR): three tab-separated files.

mod writer;

pub use writer::write_wands;

use super::compression::{find_packed, open};
use super::item_store::{Block, ItemStore, Place};
use super::row_report::RowPolicy;
use super::tables::{ColumnMap, Field, PairSource, Row, Rows, SourceConfig, delimited, fault};
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
/// The queries and the products' identifiers are held in memory (43 thousand in the public set), of the
/// products' texts up to 512 MiB, the rest lies in a temporary file; the labels are streamed. Under [`RowPolicy::Skip`] a label whose query or product is missing is passed over, and
/// counted, like one that is unknown.
///
/// ```
/// use relevance_data::sources::wands;
/// use relevance_data::{LabelSchema, RowPolicy};
/// # let dir = tempfile::tempdir()?;
/// let file = |name: &str, text: &str| std::fs::write(dir.path().join(name), text);
/// file("query.csv", "query_id\tquery\tquery_class\n0\tsofa\tSofas\n")?;
/// file("product.csv", "product_id\tproduct_name\tproduct_class\tproduct_description\tproduct_features\n\
///     7\tGrey couch\tSofas\tSoft.\tseats : 3\n")?;
/// file("label.csv", "id\tquery_id\tproduct_id\tlabel\n0\t0\t7\tExact\n")?;
/// let pair = wands(dir.path(), &LabelSchema::wands(), RowPolicy::Fail)?.next().unwrap()?;
/// assert_eq!((pair.pair.query.text.as_str(), pair.pair.item.title.as_str()), ("sofa", "Grey couch"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`DataError::Io`] for a missing file, [`DataError::UnknownColumn`] for a missing column; a faulty row
/// of the first two files is an error whatever the policy.
pub fn wands(
    folder: impl AsRef<Path>,
    schema: &LabelSchema,
    policy: RowPolicy,
) -> Result<PairSource, DataError> {
    within(folder.as_ref(), schema, policy, ItemStore::BUDGET)
}

/// The pairs, of whose products' texts this many bytes are held in memory.
fn within(
    folder: &Path,
    schema: &LabelSchema,
    policy: RowPolicy,
    budget: usize,
) -> Result<PairSource, DataError> {
    let named = |name: &str| Some(name.to_owned());
    let queries = queries(&find_packed(folder, QUERIES))?;
    let products = Products::read(&find_packed(folder, PRODUCTS), budget)?;
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
        let product = products.get(&item_id)?;
        let product = product.ok_or_else(|| missing("product_id", &item_id, PRODUCTS))?;
        let mut row = product;
        row.values[Field::Query as usize] = Some(query.clone());
        row.values[Field::QueryId as usize] = Some(query_id);
        row.values[Field::ItemId as usize] = Some(item_id);
        row.values[Field::Label as usize] = label.values[Field::Label as usize].take();
        Ok((position, row))
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

/// The queries by their identifiers; of several of one identifier the first, as in the ESCI files.
fn queries(path: &Path) -> Result<HashMap<String, String>, DataError> {
    let columns = ColumnMap {
        query_id: Some("query_id".to_owned()),
        ..ColumnMap::new("query", "query")
    };
    let mut queries = HashMap::new();
    for row in delimited::rows(open(path)?, path, &columns, b'\t')? {
        let (position, mut row) = row?;
        let id = identifier(&mut row, Field::QueryId, path, position)?;
        queries.entry(id).or_insert_with(|| row.take(Field::Query));
    }
    Ok(queries)
}

/// The products by their identifiers; of several of one identifier the first.
struct Products {
    places: HashMap<String, Place>,
    store: ItemStore,
}

impl Products {
    /// How many bytes of texts are laid down together.
    const BLOCK: usize = 1 << 20;

    fn read(path: &Path, budget: usize) -> Result<Self, DataError> {
        let named = |name: &str| Some(name.to_owned());
        let columns = ColumnMap {
            item_id: named("product_id"),
            description: named("product_description"),
            bullet_points: named("product_features"),
            // WANDS names no brand: it carries the class.
            brand: named("product_class"),
            ..ColumnMap::new("product_name", "product_name")
        };
        let mut products = Self {
            places: HashMap::new(),
            store: ItemStore::new(budget),
        };
        let (mut ids, mut block) = (Vec::new(), Block::default());
        for row in delimited::rows(open(path)?, path, &columns, b'\t')? {
            let (position, mut row) = row?;
            ids.push(identifier(&mut row, Field::ItemId, path, position)?);
            block.push(&texts(&mut row));
            if block.size() > Self::BLOCK {
                products.keep(&mut ids, std::mem::take(&mut block))?;
            }
        }
        products.keep(&mut ids, block)?;
        Ok(products)
    }

    fn keep(&mut self, ids: &mut Vec<String>, block: Block) -> Result<(), DataError> {
        let places = self.store.keep(block)?;
        for (id, place) in ids.drain(..).zip(places) {
            self.places.entry(id).or_insert(place);
        }
        Ok(())
    }

    /// A row with the texts of a product.
    fn get(&self, id: &str) -> Result<Option<Row>, DataError> {
        let Some(place) = self.places.get(id) else {
            return Ok(None);
        };
        let [title, description, bullet_points, ..] = self.store.get(*place)?;
        let mut row = Row::default();
        row.values[Field::Title as usize] = Some(title);
        row.values[Field::Description as usize] = Some(description);
        row.values[Field::BulletPoints as usize] = Some(bullet_points);
        Ok(Some(row))
    }
}

/// Title, description and bullet points of a product; there are no others.
fn texts(row: &mut Row) -> [String; 5] {
    let points = [row.take(Field::Brand), row.take(Field::BulletPoints)];
    let points: Vec<String> = points.into_iter().filter(|text| !text.is_empty()).collect();
    let mut texts = [const { String::new() }; 5];
    texts[0] = row.take(Field::Title);
    texts[1] = row.take(Field::Description);
    texts[2] = points.join("\n");
    texts
}

fn identifier(
    row: &mut Row,
    field: Field,
    path: &Path,
    position: Position,
) -> Result<String, DataError> {
    let id = row.take(field);
    if id.is_empty() {
        let message = "no identifier; every row needs one";
        return Err(fault(path, position, None, RowFault::MissingValue, message));
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LabeledPair;
    use crate::sources::{Packing, write_wands};
    use crate::{Item, Pair, Query};

    #[test]
    fn products_beyond_the_budget_are_read_from_a_file() {
        let schema = LabelSchema::wands();
        let pair = |row: usize| LabeledPair {
            pair: Pair {
                query: Query::new(format!("q{}", row % 3), format!("query {}", row % 3)),
                item: Item {
                    description: "d".repeat(row * 7),
                    bullet_points: format!("class\nfeature {row}"),
                    ..Item::new(format!("p{row}"), format!("product {row}"))
                },
            },
            label: schema.parse("Partial").unwrap(),
        };
        // More than two blocks.
        let pairs: Vec<_> = (0..800).map(pair).collect();
        let dir = tempfile::tempdir().unwrap();
        write_wands(dir.path(), &pairs, &schema, Packing::Plain).unwrap();
        for budget in [0, Products::BLOCK * 3 / 2, ItemStore::BUDGET] {
            let found = within(dir.path(), &schema, RowPolicy::Fail, budget).unwrap();
            let found: Vec<_> = found.map(|pair| pair.unwrap().pair).collect();
            let wanted: Vec<_> = pairs.iter().map(|pair| pair.pair.clone()).collect();
            assert!(found == wanted, "budget {budget}");
        }
    }
}
