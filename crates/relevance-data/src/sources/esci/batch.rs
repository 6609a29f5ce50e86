//! Joined rows that are not copied.

use super::judgments::{Judgments, NONE};
use super::products::{self, Texts};
use crate::sources::parquet_file::Batch;
use crate::{DataError, Label, LabeledPair, Pair, Query, RowReport};
use std::borrow::Cow;
use std::sync::Arc;

/// Some products with their judgments, as they were decoded: [`EsciBatch::rows`] borrows from it.
pub struct EsciBatch {
    pub(super) judgments: Arc<Judgments>,
    pub(super) product_of_row: Arc<[u32]>,
    pub(super) batch: Batch,
}

impl std::fmt::Debug for EsciBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EsciBatch")
            .field("first_row", &self.batch.first_row)
            .field("products", &self.batch.rows.num_rows())
            .finish_non_exhaustive()
    }
}

/// A judged pair whose texts are borrowed; a product's text that is null is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EsciRow<'a> {
    /// The query's identifier.
    pub query_id: &'a str,
    /// The query's text.
    pub query: &'a str,
    /// The market of query and product.
    pub locale: &'a str,
    /// The product's identifier.
    pub product_id: &'a str,
    /// The product's title.
    pub title: Cow<'a, str>,
    /// The product's description.
    pub description: Cow<'a, str>,
    /// The product's selling points.
    pub bullet_points: Cow<'a, str>,
    /// The product's brand.
    pub brand: Cow<'a, str>,
    /// The product's colour.
    pub color: Cow<'a, str>,
    /// The judgment.
    pub label: Label,
}

impl EsciBatch {
    /// The judged pairs, those of one product together.
    pub fn rows(&self) -> impl Iterator<Item = EsciRow<'_>> {
        let texts = Texts::new(&self.batch);
        let rows = (0..self.batch.rows.num_rows()).map(|row| {
            let product = self.product_of_row[self.batch.first_row + row];
            (row, product)
        });
        let wanted = rows.filter(|(_, product)| *product != NONE);
        wanted.flat_map(move |(row, product)| {
            let [locale, product_id] = self.judgments.products.tuple(product);
            let texts = texts.row(row);
            self.judgments.of_product(product).map(move |judgment| {
                let [query_id, query, _] = self.judgments.queries.tuple(judgment.query);
                let [title, description, bullet_points, brand, color] = texts.clone();
                EsciRow {
                    query_id,
                    query,
                    locale,
                    product_id,
                    title,
                    description,
                    bullet_points,
                    brand,
                    color,
                    label: judgment.label,
                }
            })
        })
    }
}

impl EsciRow<'_> {
    /// The pair with texts of its own.
    pub fn to_pair(&self) -> LabeledPair {
        let texts = [
            &*self.title,
            &*self.description,
            &*self.bullet_points,
            &*self.brand,
            &*self.color,
        ];
        LabeledPair {
            label: self.label,
            pair: Pair {
                item: products::item(self.locale, self.product_id, texts),
                query: Query {
                    id: self.query_id.to_owned(),
                    text: self.query.to_owned(),
                    locale: self.locale.to_owned(),
                },
            },
        }
    }
}

/// The batches of an [`EsciDataset`](super::EsciDataset), decoded in rayon's threads, up to eight at a time.
pub struct EsciBatches {
    pub(super) batches: Box<dyn Iterator<Item = Result<EsciBatch, DataError>> + Send>,
    pub(super) report: RowReport,
}

impl std::fmt::Debug for EsciBatches {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("EsciBatches")
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

impl EsciBatches {
    /// What was passed over; all faulty rows are known before the first batch comes.
    pub fn report(&self) -> &RowReport {
        &self.report
    }
}

impl Iterator for EsciBatches {
    type Item = Result<EsciBatch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.batches.next()
    }
}
