//! The judgments of a dataset by product.

use super::examples::{self, Examples};
use super::lanes::Lanes;
use super::products::{self, KEYS};
use super::tuple_index::TupleIndex;
use super::{EsciDataset, EsciFilter};
use crate::sources::parquet_file::Batch;
use crate::{DataError, Label, RowReport};
use std::sync::Arc;

/// No judgment, or no product.
pub(super) const NONE: u32 = u32::MAX;

/// One judgment; queries and products by their numbers.
pub(super) struct Judgment {
    row: usize,
    pub(super) query: u32,
    product: u32,
    pub(super) label: Label,
    /// The next judgment of the same product.
    next: u32,
}

/// All judgments that pass a filter.
#[derive(Default)]
pub(super) struct Judgments {
    /// Id, text and locale.
    pub(super) queries: TupleIndex<3>,
    /// Locale and id.
    pub(super) products: TupleIndex<2>,
    /// Ascending by row.
    all: Vec<Judgment>,
    /// The first judgment of each product.
    first: Vec<u32>,
}

/// The judgments by product, the product of each row of their file, and the rows left out.
pub(super) type Joined = (Arc<Judgments>, Arc<[u32]>, RowReport);

impl Judgments {
    pub(super) fn joined(dataset: &EsciDataset, filter: &EsciFilter) -> Result<Joined, DataError> {
        let mut report = RowReport::default();
        let mut judgments = Self::read(dataset, filter, &mut report)?;
        let product_of_row = judgments.find_products(dataset, &mut report)?;
        Ok((Arc::new(judgments), product_of_row.into(), report))
    }

    fn read(
        dataset: &EsciDataset,
        filter: &EsciFilter,
        report: &mut RowReport,
    ) -> Result<Self, DataError> {
        let file = &dataset.examples;
        let mut lanes = Lanes::open(file, &examples::columns_of(filter))?;
        let mut judgments = Self::default();
        let mut of_lanes: Vec<Vec<Judgment>> = Vec::new();
        of_lanes.resize_with(lanes.len(), Vec::new);
        let mut round = lanes.round(|batch| batch);
        while round.iter().any(Option::is_some) {
            // One round is decoded while the one before it is taken in.
            let (next, taken) = rayon::join(
                || lanes.round(|batch| batch),
                || -> Result<(), DataError> {
                    for (batch, lane) in round.into_iter().zip(&mut of_lanes) {
                        let Some(batch) = batch else { continue };
                        judgments.take(dataset, filter, &batch?, lane, report)?;
                    }
                    Ok(())
                },
            );
            taken?;
            round = next;
        }
        judgments.all = of_lanes.into_iter().flatten().collect();
        if judgments.all.is_empty() && report.num_skipped() == 0 {
            return Err(examples::empty_selection(file, filter));
        }
        Ok(judgments)
    }

    /// Adds a batch to the judgments of its lane.
    fn take(
        &mut self,
        dataset: &EsciDataset,
        filter: &EsciFilter,
        batch: &Batch,
        lane: &mut Vec<Judgment>,
        report: &mut RowReport,
    ) -> Result<(), DataError> {
        let mut examples = Examples::new(&dataset.examples, filter, &dataset.schema, batch);
        for row in 0..batch.rows.num_rows() {
            let Some(Some(example)) = report.excuse(examples.row(row), dataset.policy)? else {
                continue;
            };
            let locale = &*example.locale;
            let query = [&*example.query_id, &*example.query, locale];
            // Rows of one query usually follow each other.
            let last = lane.last().map(|judgment| judgment.query);
            let last = last.filter(|last| self.queries.tuple(*last) == query);
            lane.push(Judgment {
                row: batch.first_row + row,
                query: last.unwrap_or_else(|| self.queries.insert(query)),
                product: self.products.insert([locale, &example.product_id]),
                label: example.label,
                next: NONE,
            });
        }
        Ok(())
    }

    /// Finds the row of each product, the first of several; gives the product of each row of their file.
    /// Judgments are then listed by product, except those whose product is missing.
    fn find_products(
        &mut self,
        dataset: &EsciDataset,
        report: &mut RowReport,
    ) -> Result<Vec<u32>, DataError> {
        let file = &dataset.products;
        let mut row_of_product = vec![usize::MAX; self.products.len()];
        let mut lanes = Lanes::open(file, &KEYS)?;
        let work = |batch: Batch| {
            let keys = products::Keys::new(file, &batch);
            let find = |row| {
                let found = keys
                    .key(row)
                    .map(|[locale, id]| self.products.get([&locale, &id]));
                let found = found.transpose()?;
                Some((batch.first_row + row, found))
            };
            let rows = 0..batch.rows.num_rows();
            rows.filter_map(find).collect::<Vec<_>>()
        };
        let mut product_of_row = vec![NONE; file.num_rows()];
        loop {
            let round = lanes.round(work);
            if round.iter().all(Option::is_none) {
                break;
            }
            for batch in round.into_iter().flatten() {
                for (row, product) in batch? {
                    let Some(product) = report.excuse(product, dataset.policy)? else {
                        continue;
                    };
                    let known = &mut row_of_product[product as usize];
                    if row < *known {
                        // An unset row is beyond the end.
                        if let Some(other) = product_of_row.get_mut(*known) {
                            *other = NONE;
                        }
                        *known = row;
                        product_of_row[row] = product;
                    }
                }
            }
        }
        self.list(dataset, &row_of_product, report)?;
        Ok(product_of_row)
    }

    fn list(
        &mut self,
        dataset: &EsciDataset,
        row_of_product: &[usize],
        report: &mut RowReport,
    ) -> Result<(), DataError> {
        let EsciDataset {
            examples, products, ..
        } = dataset;
        for judgment in &self.all {
            if row_of_product[judgment.product as usize] == usize::MAX {
                let key = self.products.tuple(judgment.product);
                let error = examples::missing_product(examples, judgment.row, key, products);
                report.excuse::<()>(Err(error), dataset.policy)?;
            }
        }
        self.first = vec![NONE; self.products.len()];
        // From the last on, so that each list is in the order of the file.
        for (number, judgment) in self.all.iter_mut().enumerate().rev() {
            let first = &mut self.first[judgment.product as usize];
            judgment.next = std::mem::replace(first, number as u32);
        }
        Ok(())
    }

    /// The judgments of a product, in the order of their file.
    pub(super) fn of_product(&self, product: u32) -> impl Iterator<Item = &Judgment> {
        let first = self.all.get(self.first[product as usize] as usize);
        std::iter::successors(first, |judgment| self.all.get(judgment.next as usize))
    }
}
