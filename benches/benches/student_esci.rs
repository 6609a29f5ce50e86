//! The student's forward pass over pairs of real lengths, tokenised before: 1, 8, 32 and 128 pairs at a
//! time. Its peers pad each of those batches to its longest; the ranker may part it.
//!
//! ```sh
//! cargo bench -p benches --bench student_esci                    # ours alone
//! benches/compare --bench student_esci --threads 2 --python PYTHON
//! ```

use std::error::Error;

use benches::{
    Contest, ContestArgs, Fields, bench_device, log_probabilities, pairs, student, token_lists,
};
use clap::Parser;
use pair_tokenizer::Encoding;
use serde_json::{Map, json};
use student_model::Ranker;

const BATCHES: [usize; 4] = [1, 8, 32, 128];

/// Pairs a run goes through at least, so that a small batch meets many lengths.
const PAIRS: usize = 32;

fn main() -> Result<(), Box<dyn Error>> {
    let args = ContestArgs::parse();
    let ranker = Ranker::new(student(&bench_device()?)?);
    let mut contest = Contest::new("ours");
    let mut cases = Map::new();
    for fields in Fields::ALL {
        for batch in BATCHES {
            let texts = pairs(fields, batch.max(PAIRS))?;
            let texts: Vec<(&str, &str)> = texts.iter().map(|(q, i)| (&**q, &**i)).collect();
            let encodings = ranker.student().tokenizer().encode_pairs(&texts)?;
            let batches: Vec<Vec<Encoding>> = encodings.chunks(batch).map(<[_]>::to_vec).collect();
            let name = format!("{}/b{batch}", fields.name());
            let scores = ranker.score_encodings(&encodings, None)?;
            let case = json!({
                "batches": batches.iter().map(|batch| token_lists(batch)).collect::<Vec<_>>(),
                "log_probabilities": log_probabilities(&scores),
                "cls": ranker.embed(&texts)?.outer_iter().map(|row| row.to_vec()).collect::<Vec<_>>(),
                "pairs": texts.len(),
            });
            cases.insert(name.clone(), case);
            let ranker = &ranker;
            contest.case(name, move || {
                for batch in &batches {
                    let scores = ranker.score_encodings(batch, None);
                    std::hint::black_box(scores.expect("it scored them before"));
                }
            });
        }
    }
    args.write("student_esci", ranker.student(), &cases.into())?;
    Ok(contest.run(args.serve, args.time())?)
}
