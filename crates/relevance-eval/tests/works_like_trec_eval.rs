//! nDCG against trec_eval, through ir_measures (`goldens/generate.py`).

use relevance_eval::{ScoredItem, expected_ndcg, ndcg};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-6;

#[derive(Deserialize)]
struct Ranking {
    gains: Vec<f64>,
    cutoffs: Vec<usize>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    queries: Vec<QueryCase>,
    /// nDCG, then nDCG at each cutoff, averaged over queries.
    mean: Vec<f64>,
}

#[derive(Deserialize)]
struct QueryCase {
    query: String,
    ids: Vec<String>,
    labels: Vec<usize>,
    scores: Vec<f64>,
    ndcg: Vec<f64>,
}

#[test]
fn ndcg_works_like_trec_eval() {
    let ranking: Ranking = serde_json::from_str(include_str!("goldens/ranking.json")).unwrap();
    let cutoffs: Vec<Option<usize>> = std::iter::once(None)
        .chain(ranking.cutoffs.iter().copied().map(Some))
        .collect();
    assert_eq!(ranking.cases.len(), 4);
    for case in ranking.cases {
        let mut sums = vec![0.0; cutoffs.len()];
        for query in &case.queries {
            let items: Vec<ScoredItem<'_>> = query
                .ids
                .iter()
                .zip(&query.labels)
                .zip(&query.scores)
                .map(|((id, &label), &score)| ScoredItem {
                    id,
                    score,
                    gain: ranking.gains[label],
                })
                .collect();
            for (i, &k) in cutoffs.iter().enumerate() {
                let (got, want) = (ndcg(&items, k).unwrap(), query.ndcg[i]);
                assert!(
                    (got - want).abs() < TOLERANCE,
                    "{}, {}, {k:?}: {got} for {want}",
                    case.name,
                    query.query
                );
                sums[i] += got;
                if case.name == "no_ties" && query.query != "q1" {
                    let gains: Vec<f64> = items.iter().map(|item| item.gain).collect();
                    let expected = expected_ndcg(&query.scores, &gains, k).unwrap();
                    assert!((expected - want).abs() < TOLERANCE);
                }
            }
        }
        for (sum, want) in sums.iter().zip(&case.mean) {
            assert!((sum / case.queries.len() as f64 - want).abs() < TOLERANCE);
        }
    }
}
