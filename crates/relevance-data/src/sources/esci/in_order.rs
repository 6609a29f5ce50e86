//! The join in the order of the judgments: products are held, judgments are streamed.

use super::examples::{self, Example, Examples};
use super::lanes::Lanes;
use super::pairs::EsciPairs;
use super::products::{self, KEYS, TEXTS, Texts};
use super::tuple_index::TupleIndex;
use super::{EsciDataset, EsciFilter};
use crate::sources::item_store::{Block, ItemStore, Place};
use crate::sources::parquet_file::{BATCH_ROWS, Batch};
use crate::{DataError, LabeledPair, Pair, Query, RowReport};
use rayon::prelude::*;

/// How many judgments are joined at a time.
const ROUND_ROWS: usize = 8 * BATCH_ROWS;

/// The products that are wanted.
struct Catalog {
    keys: TupleIndex<2>,
    /// Where the texts of each key lie; none if the file lacks it.
    places: Vec<Option<Place>>,
    store: ItemStore,
}

pub(super) fn stream(dataset: &EsciDataset, filter: &EsciFilter) -> Result<EsciPairs, DataError> {
    let mut report = RowReport::default();
    let wanted = wanted(dataset, filter)?;
    let catalog = Catalog::read(dataset, wanted, &mut report)?;
    let columns = examples::columns_of(filter);
    let rows = 0..dataset.examples.num_rows();
    let mut batches = dataset.examples.batches_of(&columns, rows, ROUND_ROWS)?;
    let (policy, dataset, filter) = (dataset.policy, dataset.clone(), filter.clone());
    let rounds = std::iter::from_fn(move || {
        let batch = batches.next()?;
        Some(match batch {
            Ok(batch) => catalog.join(&dataset, &filter, &batch),
            Err(error) => vec![Err(error)],
        })
    });
    Ok(EsciPairs::new(rounds, policy, report))
}

/// The keys of the products of the judgments that pass a filter; at least one judgment does. Faulty
/// judgments are met again when pairs are made.
fn wanted(dataset: &EsciDataset, filter: &EsciFilter) -> Result<TupleIndex<2>, DataError> {
    let file = &dataset.examples;
    let (mut wanted, mut any) = (TupleIndex::default(), false);
    let mut lanes = Lanes::open(file, &examples::keys_of(filter))?;
    loop {
        let mut ended = true;
        for batch in lanes.round(|batch| batch).into_iter().flatten() {
            let batch = batch?;
            ended = false;
            let keys = examples::Keys::new(file, filter, &batch);
            for row in 0..batch.rows.num_rows() {
                let key = keys.key(row);
                any |= !matches!(key, Ok(None));
                if let Ok(Some([locale, id])) = key {
                    wanted.insert([&locale, &id]);
                }
            }
        }
        if ended && !any {
            return Err(examples::empty_selection(file, filter));
        }
        if ended {
            return Ok(wanted);
        }
    }
}

impl Catalog {
    /// Reads the wanted products; of several rows of one product the first counts.
    fn read(
        dataset: &EsciDataset,
        keys: TupleIndex<2>,
        report: &mut RowReport,
    ) -> Result<Self, DataError> {
        let file = &dataset.products;
        let mut places = vec![None; keys.len()];
        let mut first_rows = vec![usize::MAX; keys.len()];
        let mut store = ItemStore::new(dataset.memory_budget);
        let mut lanes = Lanes::open(file, &[&KEYS[..], &TEXTS].concat())?;
        let work = |batch: Batch| {
            let product_keys = products::Keys::new(file, &batch);
            let texts = Texts::new(&batch);
            let (mut block, mut found) = (Block::default(), Vec::new());
            for row in 0..batch.rows.num_rows() {
                let number = match product_keys.key(row) {
                    Ok([locale, id]) => keys.get([&locale, &id]).map(Ok),
                    Err(error) => Some(Err(error)),
                };
                if let Some(Ok(_)) = number {
                    block.push(&texts.row(row));
                }
                found.extend(number.map(|number| (batch.first_row + row, number)));
            }
            (block, found)
        };
        loop {
            let round = lanes.round(work);
            if round.iter().all(Option::is_none) {
                return Ok(Self {
                    keys,
                    places,
                    store,
                });
            }
            for batch in round.into_iter().flatten() {
                let (block, found) = batch?;
                let mut kept = store.keep(block)?.into_iter();
                for (row, number) in found {
                    let Some(number) = report.excuse(number, dataset.policy)? else {
                        continue;
                    };
                    let (place, number) = (kept.next(), number as usize);
                    if row < first_rows[number] {
                        first_rows[number] = row;
                        places[number] = place;
                    }
                }
            }
        }
    }

    /// The pairs of a batch of judgments.
    fn join(
        &self,
        dataset: &EsciDataset,
        filter: &EsciFilter,
        batch: &Batch,
    ) -> Vec<Result<LabeledPair, DataError>> {
        let rows = batch.rows.num_rows();
        let parts = (0..rows.div_ceil(BATCH_ROWS)).into_par_iter().map(|part| {
            let mut examples = Examples::new(&dataset.examples, filter, &dataset.schema, batch);
            let part = part * BATCH_ROWS..rows.min((part + 1) * BATCH_ROWS);
            let pair = |row| {
                let found = examples.row(row).transpose()?;
                let row = batch.first_row + row;
                Some(found.and_then(|example| self.pair(dataset, row, example)))
            };
            part.filter_map(pair).collect::<Vec<_>>()
        });
        parts.collect::<Vec<_>>().into_iter().flatten().collect()
    }

    fn pair(
        &self,
        dataset: &EsciDataset,
        row: usize,
        example: Example<'_>,
    ) -> Result<LabeledPair, DataError> {
        let key = [&*example.locale, &*example.product_id];
        let place = self.keys.get(key).and_then(|key| self.places[key as usize]);
        let place = place.ok_or_else(|| {
            examples::missing_product(&dataset.examples, row, key, &dataset.products)
        })?;
        Ok(LabeledPair {
            label: example.label,
            pair: Pair {
                item: products::item(key[0], key[1], self.store.get(place)?),
                query: Query {
                    id: example.query_id.into_owned(),
                    text: example.query.into_owned(),
                    locale: example.locale.into_owned(),
                },
            },
        })
    }
}
