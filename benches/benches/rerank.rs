//! A realistic rerank: a query and the 100 items that a first stage found, from texts to an order. Titles
//! alone, and all texts of an item. The peer is a loop in PyTorch over batches padded to their longest.
//!
//! ```sh
//! cargo bench -p benches --bench rerank                    # ours alone
//! benches/compare --bench rerank --threads 2 --python PYTHON
//! ```

use std::error::Error;

use benches::{
    Contest, ContestArgs, Fields, bench_device, log_probabilities, rerank_lists, student,
    token_lists,
};
use clap::Parser;
use serde_json::{Map, json};
use student_model::Ranker;

const ITEMS: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let args = ContestArgs::parse();
    let ranker = Ranker::new(student(&bench_device()?)?);
    let mut contest = Contest::new("ours");
    let mut cases = Map::new();
    for fields in Fields::ALL {
        let list = rerank_lists(fields, 1, ITEMS)?.remove(0);
        let name = format!("{}/i{ITEMS}", fields.name());
        let tokenizer = ranker.student().tokenizer();
        let encodings = tokenizer.encode_items(&list.query, &list.items)?;
        let scores = ranker.score_encodings(&encodings, None)?;
        let case = json!({
            "query": list.query,
            "items": list.items,
            "tokens": token_lists(&encodings),
            "log_probabilities": log_probabilities(&scores),
            "max_length": tokenizer.config().max_length,
            "pairs": ITEMS,
        });
        cases.insert(name.clone(), case);
        let ranker = &ranker;
        contest.case(name, move || {
            let ranked = ranker.rank(&list.query, &list.items);
            std::hint::black_box(ranked.expect("it scored them before"));
        });
    }
    args.write("rerank", ranker.student(), &cases.into())?;
    Ok(contest.run(args.serve, args.time())?)
}
