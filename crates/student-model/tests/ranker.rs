//! The ranker: results that do not depend on company, threads, and odd inputs.

mod student;

use std::sync::Arc;

use burn::tensor::Device;
use student::{ITEMS, tiny};
use student_model::{Ranker, Student, StudentError};

fn ranker() -> Ranker {
    Ranker::new(tiny())
}

#[test]
fn a_ranker_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Ranker>();
}

#[test]
fn ranked_items_are_the_scored_ones_best_first() {
    let ranker = ranker();
    let ranked = ranker.rank("red mouse", &ITEMS).unwrap();
    let pairs = ITEMS.map(|item| ("red mouse", item));
    let scores = ranker.score_pairs(&pairs).unwrap();
    assert_eq!(ranked.len(), ITEMS.len());
    assert!(ranked.windows(2).all(|pair| pair[0].score >= pair[1].score));
    assert!(ranked[0].score > ranked[ITEMS.len() - 1].score + 1e-4);
    for item in &ranked {
        let score = &scores[item.index];
        assert_eq!(
            (item.score, &item.probabilities),
            (score.score, &score.probabilities)
        );
        let sum: f64 = item.probabilities.iter().sum();
        assert!((sum - 1.0).abs() < 1e-12);
        let gain: f64 = item
            .probabilities
            .iter()
            .zip(ranker.gains())
            .map(|(p, g)| p * g)
            .sum();
        assert!((gain - item.score).abs() < 1e-12);
        let best = item.probabilities.iter().copied().fold(0.0, f64::max);
        let label = ranker
            .labels()
            .iter()
            .position(|l| *l == item.label)
            .unwrap();
        assert_eq!(item.probabilities[label], best);
    }
}

#[test]
fn a_result_does_not_depend_on_the_company() {
    for tokens in [1, 40, 100_000] {
        let ranker = ranker().with_batch_tokens(tokens);
        let pairs = ITEMS.map(|item| ("wireless mouse", item));
        let together = ranker.score_pairs(&pairs).unwrap();
        for (pair, score) in pairs.iter().zip(&together) {
            let alone = &ranker.score_pairs(&[*pair]).unwrap()[0];
            for (a, b) in alone.probabilities.iter().zip(&score.probabilities) {
                assert!((a - b).abs() < 1e-5, "{pair:?}: {a} {b}");
            }
        }
    }
}

#[test]
fn threads_get_what_single_calls_get() {
    let ranker = Arc::new(ranker());
    let queries = ["red mouse", "usb cable", "keyboard for children", "black"];
    let single = queries.map(|query| ranker.rank(query, &ITEMS).unwrap());
    let threads = queries.map(|query| {
        let ranker = Arc::clone(&ranker);
        std::thread::spawn(move || {
            (0..5)
                .map(|_| ranker.rank(query, &ITEMS).unwrap())
                .collect::<Vec<_>>()
        })
    });
    for (thread, expected) in threads.into_iter().zip(single) {
        for found in thread.join().unwrap() {
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn a_saved_student_ranks_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("student");
    let student = tiny();
    student.save_dir(&folder).unwrap();
    let mut files: Vec<String> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let expected = [
        "config.json",
        "model.safetensors",
        "relevance.json",
        "tokenizer.json",
        "tokenizer_config.json",
    ];
    assert_eq!(files, expected);
    let again = Ranker::from_dir(&folder, &Device::default()).unwrap();
    let expected = Ranker::new(student).rank("red mouse", &ITEMS).unwrap();
    assert_eq!(again.rank("red mouse", &ITEMS).unwrap(), expected);

    let path = folder.join("relevance.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let refused = |text: String| {
        std::fs::write(&path, text).unwrap();
        Ranker::from_dir(&folder, &Device::default())
            .unwrap_err()
            .to_string()
    };
    let error = refused(text.replacen('{', "{\"colour\": 1,", 1));
    assert!(
        error.contains("relevance.json: unknown field `colour`"),
        "{error}"
    );
    let error = refused(text.replace("\"Exact\"", "\"Exactly\""));
    assert!(error.contains("relevance.json: label_gains is"), "{error}");
    let error = refused(text.replace("\"max_length\": 24", "\"max_length\": 4000"));
    assert!(
        error.contains("max_length is 4000, allowed: at most"),
        "{error}"
    );
    std::fs::remove_file(&path).unwrap();
    let error = Ranker::from_dir(&folder, &Device::default()).unwrap_err();
    assert!(matches!(error, StudentError::Io { .. }), "{error}");
}

#[test]
fn odd_inputs_have_an_answer() {
    let ranker = ranker();
    let nothing: [&str; 0] = [];
    assert_eq!(ranker.rank("mouse", &nothing).unwrap(), []);
    assert_eq!(ranker.score_pairs(&[]).unwrap(), []);
    for query in ["", " \t\n"] {
        assert!(matches!(
            ranker.rank(query, &ITEMS),
            Err(StudentError::EmptyQuery)
        ));
        assert!(matches!(
            ranker.rank(query, &nothing),
            Err(StudentError::EmptyQuery)
        ));
        let pairs = [("mouse", "mouse"), (query, "mouse")];
        assert!(matches!(
            ranker.score_pairs(&pairs),
            Err(StudentError::EmptyQuery)
        ));
    }
    let long = "mouse ".repeat(5000);
    let ranked = ranker
        .rank(&long, &[long.as_str(), "", "\u{0}", "ネズミ 🐭"])
        .unwrap();
    assert_eq!(ranked.len(), 4);
    assert!(ranked.iter().all(|item| item.score.is_finite()));
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let student = tiny();
    let refused = |gains: &[f64]| {
        let tokenizer = student.tokenizer().clone();
        Student::new(student.model(), tokenizer, gains)
            .unwrap_err()
            .to_string()
    };
    assert!(refused(&[1.0, 0.0]).contains("label_gains is [1.0, 0.0], allowed: one for each of"));
    assert!(refused(&[1.0, f64::NAN, 0.0]).contains("label_gains.Substitute is NaN"));
}

#[test]
fn a_deadline_that_passed_is_a_typed_error_and_one_ahead_changes_nothing() {
    use std::time::{Duration, Instant};
    let ranker = ranker().with_batch_tokens(1);
    let passed = ranker.rank_until("red mouse", &ITEMS, Some(Instant::now()));
    match passed.unwrap_err() {
        StudentError::DeadlineExceeded { done, total } => {
            assert_eq!((done, total), (0, ITEMS.len()));
        }
        other => panic!("{other}"),
    }
    let ahead = Some(Instant::now() + Duration::from_secs(600));
    assert_eq!(
        ranker.rank_until("red mouse", &ITEMS, ahead).unwrap(),
        ranker.rank("red mouse", &ITEMS).unwrap()
    );
    let pairs = [("red mouse", "usb cable")];
    let passed = ranker.score_pairs_until(&pairs, Some(Instant::now()));
    assert!(matches!(passed, Err(StudentError::DeadlineExceeded { .. })));
}

#[test]
fn a_temperature_is_kept_with_the_model_and_flattens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("student");
    tiny()
        .with_temperature(4.0)
        .unwrap()
        .save_dir(&path)
        .unwrap();
    let calibrated = Ranker::from_dir(&path, &Device::default()).unwrap();
    assert_eq!(calibrated.student().temperature(), 4.0);
    let pairs = [("red mouse", "red mouse")];
    let [plain, flat] = [&ranker(), &calibrated]
        .map(|ranker| ranker.score_pairs(&pairs).unwrap()[0].probabilities.clone());
    // p ∝ exp(logit): its fourth root, normalised.
    let roots: Vec<f64> = plain.iter().map(|p| p.powf(0.25)).collect();
    let sum: f64 = roots.iter().sum();
    for (root, flat) in roots.iter().zip(&flat) {
        assert!((root / sum - flat).abs() < 1e-6, "{plain:?} {flat:?}");
    }
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = tiny().with_temperature(bad).unwrap_err().to_string();
        assert!(
            error.ends_with("allowed: a finite number above 0"),
            "{error}"
        );
    }
}

#[test]
fn embeddings_are_the_hidden_states_at_cls() {
    let ranker = ranker();
    let pairs = ITEMS.map(|item| ("wireless mouse", item));
    let embedded = ranker.embed(&pairs).unwrap();
    assert_eq!(embedded.len(), ITEMS.len());
    let width = ranker.student().model().config().hidden_size;
    for (pair, row) in pairs.iter().zip(&embedded) {
        assert_eq!(row.len(), width);
        for (together, alone) in row.iter().zip(&ranker.embed(&[*pair]).unwrap()[0]) {
            assert!((together - alone).abs() < 1e-5);
        }
    }
    assert!(matches!(
        ranker.embed(&[(" ", "x")]),
        Err(StudentError::EmptyQuery)
    ));
}
