//! The join in the order of the products: judgments are held, products are streamed.

use super::batch::{EsciBatch, EsciBatches};
use super::judgments::Judgments;
use super::lanes::Lanes;
use super::pairs::EsciPairs;
use super::products::TEXTS;
use super::{EsciDataset, EsciFilter};
use crate::DataError;
use std::sync::Arc;

/// Pairs with texts of their own.
pub(super) fn stream(dataset: &EsciDataset, filter: &EsciFilter) -> Result<EsciPairs, DataError> {
    let (judgments, product_of_row, report) = Judgments::joined(dataset, filter)?;
    let mut lanes = Lanes::open(&dataset.products, &TEXTS)?;
    let rounds = std::iter::from_fn(move || {
        let round = lanes.round(|batch| {
            let batch = EsciBatch {
                judgments: Arc::clone(&judgments),
                product_of_row: Arc::clone(&product_of_row),
                batch,
            };
            batch.rows().map(|row| row.to_pair()).collect::<Vec<_>>()
        });
        let ended = round.iter().all(Option::is_none);
        let mut pairs = Vec::new();
        for batch in round.into_iter().flatten() {
            match batch {
                Ok(found) => pairs.extend(found.into_iter().map(Ok)),
                Err(error) => pairs.push(Err(error)),
            }
        }
        (!ended).then_some(pairs)
    });
    Ok(EsciPairs::new(rounds, dataset.policy, report))
}

/// The same rows, borrowed from what was decoded.
pub(super) fn batches(
    dataset: &EsciDataset,
    filter: &EsciFilter,
) -> Result<EsciBatches, DataError> {
    let (judgments, product_of_row, report) = Judgments::joined(dataset, filter)?;
    let mut lanes = Lanes::open(&dataset.products, &TEXTS)?;
    let rounds = std::iter::from_fn(move || {
        let round = lanes.round(|batch| EsciBatch {
            judgments: Arc::clone(&judgments),
            product_of_row: Arc::clone(&product_of_row),
            batch,
        });
        let ended = round.iter().all(Option::is_none);
        (!ended).then_some(round)
    });
    Ok(EsciBatches {
        batches: Box::new(rounds.flatten().flatten()),
        report,
    })
}
