//! The ranker: results that do not depend on company, threads, and odd inputs.

mod student;

use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};

use burn::tensor::Device;
use pair_tokenizer::Encoding;
use proptest::prelude::*;
use student::{ITEMS, tiny, tokenizer_with_ids};
use student_model::{FolderError, Ranker, Student, StudentError};

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

/// A word of the tokenizer's vocabulary, or one that it lacks.
const WORDS: [&str; 8] = [
    "red", "mouse", "usb", "keyboard", "black", "wireless", "cable", "unheard",
];

fn text(words: std::ops::Range<usize>) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(&WORDS[..]), words).prop_map(|words| words.join(" "))
}

fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (a, b) in found.iter().zip(expected) {
        assert!((a - b).abs() < 1e-5, "{found:?} {expected:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Any number of items, any lengths (empty and over-long among them), any size of a batch.
    #[test]
    fn any_call_gives_each_pair_what_it_gets_alone_and_in_its_place(
        query in text(1..12),
        items in prop::collection::vec(text(0..40), 0..24),
        batch_tokens in 1usize..400,
    ) {
        let (one, ranker) = (ranker(), ranker().with_batch_tokens(batch_tokens));
        let pairs: Vec<(&str, &str)> = items.iter().map(|i| (query.as_str(), i.as_str())).collect();
        let alone: Vec<Vec<f64>> = pairs
            .iter()
            .map(|pair| one.score_pairs(&[*pair]).unwrap().remove(0).probabilities)
            .collect();
        let together = ranker.score_pairs(&pairs).unwrap();
        prop_assert_eq!(together.len(), items.len());
        for (found, expected) in together.iter().zip(&alone) {
            near(&found.probabilities, expected);
        }
        let ranked = ranker.rank(&query, &items).unwrap();
        let mut places: Vec<usize> = ranked.iter().map(|item| item.index).collect();
        for item in &ranked {
            near(&item.probabilities, &alone[item.index]);
        }
        places.sort_unstable();
        prop_assert_eq!(places, (0..items.len()).collect::<Vec<_>>());
        let embedded = ranker.embed(&pairs).unwrap().mapv(f64::from);
        for (found, pair) in embedded.rows().into_iter().zip(&pairs) {
            let alone = one.embed(&[*pair]).unwrap().mapv(f64::from);
            near(&found.to_vec(), &alone.row(0).to_vec());
        }
    }
}

#[test]
fn threads_get_what_single_calls_get() {
    const THREADS: usize = 8;
    let ranker = Arc::new(ranker().with_batch_tokens(60));
    let queries = ["red mouse", "usb cable", "keyboard for children", "black"];
    let single = queries.map(|query| {
        let pairs = ITEMS.map(|item| (query, item));
        let scores = ranker.score_pairs(&pairs).unwrap();
        let embedded = ranker.embed(&pairs).unwrap();
        (ranker.rank(query, &ITEMS).unwrap(), scores, embedded)
    });
    // All begin together, each with another query and in another order.
    let start = Barrier::new(THREADS);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (ranker, single, start) = (Arc::clone(&ranker), &single, &start);
            scope.spawn(move || {
                start.wait();
                for call in 0..8 {
                    let index = (thread + call) % queries.len();
                    let (query, expected) = (queries[index], &single[index]);
                    let pairs = ITEMS.map(|item| (query, item));
                    // To the last bit: the same batches through the same sums.
                    assert_eq!(ranker.rank(query, &ITEMS).unwrap(), expected.0);
                    assert_eq!(ranker.score_pairs(&pairs).unwrap(), expected.1);
                    assert_eq!(ranker.embed(&pairs).unwrap(), expected.2);
                }
            });
        }
    });
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
    assert!(
        error.contains("relevance.json: `label_gains` is"),
        "{error}"
    );
    let error = refused(text.replace("\"max_length\": 24", "\"max_length\": 4000"));
    assert!(
        error.contains("`max_length` is 4000, allowed: at most"),
        "{error}"
    );
    std::fs::remove_file(&path).unwrap();
    let error = Ranker::from_dir(&folder, &Device::default()).unwrap_err();
    assert!(
        matches!(error, StudentError::Folder(FolderError::File(_))),
        "{error}"
    );
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
    let ranked = ranker.rank("mouse", &["\u{0}", "ネズミ 🐭"]).unwrap();
    assert!(ranked.iter().all(|item| item.score.is_finite()));
    let (empty, blank) = (("mouse", ""), ("mouse", " \t"));
    let scores = ranker.score_pairs(&[empty, blank]).unwrap();
    near(&scores[0].probabilities, &scores[1].probabilities);
}

/// 24 tokens, 3 of them special, one a word; a query keeps at least 8.
#[test]
fn over_long_texts_are_cut_to_what_fits() {
    let ranker = ranker();
    let (red, mouse, cable) = (
        "red ".repeat(5000),
        "mouse ".repeat(5000),
        "cable ".repeat(13),
    );
    let same = |long: (&str, &str), cut: (&str, &str)| {
        let [long, cut] = [long, cut].map(|pair| ranker.score_pairs(&[pair]).unwrap());
        assert_eq!(long, cut);
    };
    same(("red", &mouse), ("red", &"mouse ".repeat(20)));
    same((&red, &mouse), (&"red ".repeat(8), &"mouse ".repeat(13)));
    same((&red, &cable), (&"red ".repeat(8), &cable));
    same((&red, ""), (&"red ".repeat(21), ""));
    let [shorter, longer] = [19, 20].map(|n| ("red", "mouse ".repeat(n)));
    let [shorter, longer] =
        [shorter, longer].map(|(query, item)| ranker.score_pairs(&[(query, &item)]).unwrap());
    assert_ne!(shorter, longer, "word 20 of the item is read");
}

/// A query of many words costs its tokenisation once a call, not once an item.
#[test]
fn the_query_is_tokenised_once() {
    let ranker = ranker();
    let query = "red mouse ".repeat(10_000);
    let items = ["usb cable"; 64];
    let pairs = items.map(|item| (query.as_str(), item));
    let time = |work: &dyn Fn()| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    let (mut once, mut each) = (Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        once = once.min(time(&|| drop(ranker.rank(&query, &items).unwrap())));
        each = each.min(time(&|| drop(ranker.score_pairs(&pairs).unwrap())));
    }
    assert!(once * 3 < each, "once {once:?}, for each item {each:?}");
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
    assert!(refused(&[1.0, 0.0]).contains("`label_gains` is [1.0, 0.0], allowed: one for each of"));
    assert!(refused(&[1.0, f64::NAN, 0.0]).contains("`label_gains.Substitute` is NaN"));
}

#[test]
fn a_tokenizer_with_ids_beyond_the_embeddings_is_refused_however_few_its_tokens() {
    let student = tiny();
    let with = |ids: std::iter::StepBy<std::ops::RangeFrom<u32>>| {
        let tokenizer = tokenizer_with_ids(ids, 24, 40);
        assert!(tokenizer.tokenizer().get_vocab_size(true) < student.model().config().vocab_size);
        Student::new(student.model(), tokenizer, student.gains())
    };
    with((0..).step_by(1)).unwrap();
    let error = with((0..).step_by(2)).unwrap_err().to_string();
    assert!(
        error.starts_with("`vocab_size` is 40, allowed: at least 53,"),
        "{error}"
    );
    assert!(
        error.ends_with("the tokenizer's largest id plus 1"),
        "{error}"
    );
}

#[test]
fn a_deadline_that_passed_is_a_typed_error_and_one_ahead_changes_nothing() {
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
fn a_deadline_in_the_middle_says_how_far_it_came() {
    let ranker = ranker().with_batch_tokens(1);
    let items: Vec<&str> = ITEMS.iter().copied().cycle().take(300).collect();
    let start = Instant::now();
    let all = ranker.rank("red mouse", &items).unwrap();
    let mut time = start.elapsed();
    let pairs: Vec<(&str, &str)> = items.iter().map(|item| ("red mouse", *item)).collect();
    let mut stopped = 0;
    // On a busy machine a deadline may fall outside: then the answer is whole, or nothing was done.
    for _ in 0..50 {
        let half = time / 2;
        let deadline = || Some(Instant::now() + half);
        match ranker.rank_until("red mouse", &items, deadline()) {
            Ok(ranked) => {
                assert_eq!(ranked, all);
                time /= 2;
            }
            Err(StudentError::DeadlineExceeded { done, total }) => {
                assert_eq!(total, items.len());
                assert!(done < total);
                match done {
                    0 => time = time * 3 / 2,
                    _ => stopped += 1,
                }
            }
            Err(other) => panic!("{other}"),
        }
        match ranker.embed_until(&pairs, deadline()) {
            Ok(rows) => assert_eq!(rows.nrows(), items.len()),
            Err(StudentError::DeadlineExceeded { done, total }) => assert!(done < total),
            Err(other) => panic!("{other}"),
        }
        if stopped > 2 {
            return;
        }
    }
    panic!("no call of {time:?} was stopped in the middle");
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
fn tokens_score_as_their_texts_do_and_are_checked() {
    let ranker = ranker();
    let pairs = ITEMS.map(|item| ("red mouse", item));
    let encodings = ranker.student().tokenizer().encode_pairs(&pairs).unwrap();
    assert_eq!(
        ranker.score_encodings(&encodings, None).unwrap(),
        ranker.score_pairs(&pairs).unwrap()
    );
    assert_eq!(ranker.score_encodings(&[], None).unwrap(), []);
    let refused = |ids: Vec<u32>, type_ids: Vec<u32>| {
        let bad = [encodings[0].clone(), Encoding { ids, type_ids }];
        let error = ranker.score_encodings(&bad, None).unwrap_err();
        assert!(matches!(error, StudentError::Encoding { index: 1, .. }));
        error.to_string()
    };
    assert_eq!(
        refused(vec![], vec![]),
        "pair 1 has 0 tokens, allowed: 1 to 40"
    );
    assert!(refused(vec![2; 41], vec![0; 41]).contains("41 tokens"));
    assert!(refused(vec![2, 3], vec![0]).contains("1 segment ids, allowed: 2, one for each"));
    assert!(refused(vec![40], vec![0]).contains("token id 40, allowed: below 40"));
    assert!(refused(vec![2], vec![2]).contains("segment id 2, allowed: below 2"));
}

#[test]
fn embeddings_are_the_hidden_states_at_cls() {
    let ranker = ranker();
    let pairs = ITEMS.map(|item| ("wireless mouse", item));
    let embedded = ranker.embed(&pairs).unwrap();
    let width = ranker.student().model().config().hidden_size;
    assert_eq!(embedded.dim(), (ITEMS.len(), width));
    assert_eq!(ranker.embed(&[]).unwrap().dim(), (0, width));
    for (pair, row) in pairs.iter().zip(embedded.rows()) {
        for (together, alone) in row.iter().zip(&ranker.embed(&[*pair]).unwrap()) {
            assert!((together - alone).abs() < 1e-5);
        }
    }
    assert!(matches!(
        ranker.embed(&[(" ", "x")]),
        Err(StudentError::EmptyQuery)
    ));
}
