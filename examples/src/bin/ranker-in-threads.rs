//! The ranker in a threaded service. One `Ranker` is shared by all threads; before it stands a
//! `MicroBatcher`, which gathers the small requests of many callers into batches that fill the processor.
//! No async runtime is needed: a call blocks, or gives a handle at once. On the CPU an answer is the one
//! that the request would have had alone, to the last bit; the program asserts it.

use std::error::Error;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use relevance_distill::burn::tensor::Device;
use relevance_distill::relevance_data::LabelSchema;
use relevance_distill::student_model::{
    BertConfig, MicroBatcher, MicroBatcherConfig, Ranker, Student, StudentError,
};

const COLORS: [&str; 4] = ["red", "blue", "green", "black"];
const THINGS: [&str; 5] = [
    "usb mouse",
    "desk lamp",
    "garden hose",
    "bottle",
    "usb cable",
];

/// The student; a service would say `Ranker::from_dir("runs/minilm/student", &device)`.
fn ranker() -> Result<Ranker, StudentError> {
    let (schema, device, lengths) = (LabelSchema::esci(), Device::default(), Default::default());
    let bert = BertConfig::toy().with_labels(&schema.names());
    let texts = COLORS.iter().chain(&THINGS);
    let (model, tokenizer) = bert.init_from_texts(texts, lengths, 7, &device)?;
    let student = Student::new(&model, tokenizer, &schema.gains())?;
    Ok(Ranker::new(student))
}

/// The requests of one caller: what was searched for, and what was found.
fn requests(caller: usize) -> impl Iterator<Item = (String, Vec<String>)> {
    (0..20).map(move |number| {
        let (color, thing) = (COLORS[number % 4], THINGS[(caller + number) % 5]);
        let found = THINGS.iter().skip(number % 3);
        let items = found.map(|thing| format!("{} {thing}", COLORS[caller % 4]));
        (format!("{color} {thing}"), items.collect())
    })
}

fn main() -> Result<(), Box<dyn Error>> {
    let ranker = Arc::new(ranker()?);
    let config = MicroBatcherConfig::new()
        .with_max_wait(Duration::from_millis(2))
        .with_timeout(Some(Duration::from_secs(60)));
    let batcher = MicroBatcher::new(Arc::clone(&ranker), config)?;

    let start = Instant::now();
    let answers = thread::scope(|scope| {
        let call = |caller| {
            let batcher = &batcher; // `&self` throughout
            scope.spawn(move || {
                let answers = requests(caller).map(|(query, items)| batcher.rank(&query, &items));
                answers.collect::<Result<Vec<_>, _>>()
            })
        };
        let callers: Vec<_> = (0..8).map(call).collect();
        let answers = callers
            .into_iter()
            .map(|caller| caller.join().expect("no panic"));
        answers.collect::<Result<Vec<_>, _>>()
    })?;
    let rate = 160.0 / start.elapsed().as_secs_f64();
    println!("{rate:.0} requests a second from 8 threads");

    for (caller, answers) in answers.iter().enumerate() {
        for ((query, items), answer) in requests(caller).zip(answers) {
            assert_eq!(*answer, ranker.rank(&query, &items)?, "{query}");
        }
    }
    println!("each answer is the one that the request would have had alone");
    Ok(())
}
