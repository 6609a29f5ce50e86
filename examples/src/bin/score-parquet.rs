//! Scores a parquet file. Pairs of the official ESCI files (examples/data holds a sample) are streamed,
//! scored by the expected gain, and written as a TREC run, which trec_eval and ir_measures read.
//!
//!     score-parquet [STUDENT [RUN]]
//!
//! Without the folder of a student a tiny one is trained first, without a RUN it goes to a temporary folder.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use relevance_distill::burn::tensor::Device;
use relevance_distill::pair_tokenizer::PairTokenizerConfig;
use relevance_distill::relevance_data::{EsciDataset, EsciFilter};
use relevance_distill::relevance_eval::Run;
use relevance_distill::student_model::{
    BertConfig, ObjectiveConfig, Ranker, Student, StudentExample, StudentTrainConfig, train_student,
};
use relevance_distill::training_loop::TrainerOptions;

/// Pairs that are scored, and how many of them are in memory at once.
const PAIRS: usize = 200;
const AT_ONCE: usize = 100;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let data = EsciDataset::open(concat!(env!("CARGO_MANIFEST_DIR"), "/data"))?;
    let ranker = match arguments.next() {
        Some(student) => Ranker::from_dir(student, &Device::default())?,
        None => Ranker::new(tiny_student(&data)?),
    };

    let (mut run, mut scored, start) = (Run::new(), 0, Instant::now());
    let mut pairs = data.stream(&EsciFilter::split("test"))?.take(PAIRS);
    loop {
        let rows = pairs.by_ref().take(AT_ONCE);
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        if rows.is_empty() {
            break;
        }
        let items: Vec<String> = rows.iter().map(|row| row.pair.item.text()).collect();
        let texts = rows.iter().map(|row| &*row.pair.query.text);
        let texts: Vec<_> = texts.zip(items.iter().map(String::as_str)).collect();
        for (row, score) in rows.iter().zip(ranker.score_pairs(&texts)?) {
            run.insert(&row.pair.query.id, &row.pair.item.id, score.score);
        }
        scored += rows.len();
    }
    let rate = scored as f64 / start.elapsed().as_secs_f64();
    let default = folder.path().join("student.run");
    let out = arguments.next().unwrap_or(default);
    run.write(&out, "student")?;
    println!("{scored} pairs, {rate:.0} a second: {}", out.display());
    assert_eq!(Run::from_file(&out)?, run);
    Ok(())
}

/// A student that has seen a few pairs of the train split.
fn tiny_student(data: &EsciDataset) -> Result<Student, Box<dyn Error>> {
    let pairs = data.stream(&EsciFilter::split("train"))?.take(96);
    let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
    let examples: Vec<_> = pairs.iter().map(StudentExample::from_labeled).collect();
    let (schema, device) = (data.schema(), Device::default());
    let bert = BertConfig::toy().with_labels(&schema.names());
    let texts = examples.iter().flat_map(|e| [&e.query, &e.item]);
    let lengths = PairTokenizerConfig::default().with_max_length(72);
    let (model, tokenizer) = bert.init_from_texts(texts, lengths, 7, &device)?;
    let mut config = StudentTrainConfig::new().with_objective(ObjectiveConfig::CrossEntropy);
    config.training.num_train_epochs = 1.0;
    config.training.learning_rate = 5e-3;
    let report = train_student(model, &tokenizer, &examples, &config, TrainerOptions::new())?;
    Ok(Student::new(&report.model, tokenizer, &schema.gains())?)
}
