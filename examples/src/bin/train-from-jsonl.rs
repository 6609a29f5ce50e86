//! The ten-line program: a student from a file of annotations. A line of the file holds a query, an
//! item, a label and why the label holds (docs/DATA.md, "Annotations"; examples/toy has such a file). The
//! student learns from them by CRSD, keeps the model that is best on held-out queries, is saved as a
//! Hugging Face folder, and ranks.
//!
//!     train-from-jsonl ANNOTATIONS.jsonl ENCODER OUT
//!
//! ENCODER is the Hugging Face folder of a BERT or RoBERTa (scripts/fetch-minilm makes one). Without
//! arguments the program takes the toy file and a tiny encoder from nothing, in a temporary folder.

use std::error::Error;
use std::path::{Path, PathBuf};

use relevance_distill::burn::tensor::Device;
use relevance_distill::distill::{Distill, DistillConfig};
use relevance_distill::job::Job;
use relevance_distill::relevance_data::LabelSchema;
use relevance_distill::student_model::{BertConfig, Ranker, Student};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let [annotations, init, out] = &match &arguments.collect::<Vec<_>>()[..] {
        [] => toy(folder.path())?,
        [annotations, init, out] => [annotations, init, out].map(PathBuf::from),
        _ => return Err("usage: train-from-jsonl [ANNOTATIONS.jsonl ENCODER OUT]".into()),
    };

    let schema = &LabelSchema::esci();
    let mut config = DistillConfig::default();
    config.dev_fraction = 0.2;
    config.student.train_batch_size = 8;
    config.student.training.learning_rate = 1e-2;
    config.student.training.num_train_epochs = 12.0;
    let distill = Distill {
        annotations,
        schema,
        init,
        out,
    };
    let distilled = distill.run(&config, &Job::new(Device::default()))?;
    let ranker = Ranker::from_dir(&distilled.student, &Device::default())?;
    let items = ["red desk lamp", "blue usb mouse", "red usb mouse"];
    for place in ranker.rank("red mouse", &items)? {
        println!(
            "{:.3} {:10} {}",
            place.score, place.label, items[place.index]
        );
    }
    let best = distilled.best_model.ok_or("no query was held out")?;
    println!("{} {:.3}", best.metric, best.value);
    Ok(())
}

/// The toy file, an encoder that knows its words and nothing else, and a folder for what comes of it.
fn toy(folder: &Path) -> Result<[PathBuf; 3], Box<dyn Error>> {
    let annotations = Path::new(env!("CARGO_MANIFEST_DIR")).join("toy/annotations.jsonl");
    let [init, out] = ["encoder", "run"].map(|name| folder.join(name));
    let (text, schema) = (std::fs::read_to_string(&annotations)?, LabelSchema::esci());
    let bert = BertConfig::toy().with_labels(&schema.names());
    let start = bert.init_from_texts(text.lines(), Default::default(), 7, &Device::default());
    let (model, tokenizer) = start?;
    Student::new(&model, tokenizer, &schema.gains())?.save_dir(&init)?;
    Ok([annotations, init, out])
}
