//! TREC files, and measures against trec_eval through ir_measures (`goldens/generate_trec.py`).

use std::collections::BTreeMap;

use relevance_eval::{Gain, Qrels, Run, TrecConfig, TrecMeasure, trec_eval, trec_eval_with};
use serde::Deserialize;

const TOLERANCE: f64 = 1e-6;

#[derive(Deserialize)]
struct Goldens {
    gains: BTreeMap<String, BTreeMap<i32, f64>>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    qrels: BTreeMap<String, BTreeMap<String, i32>>,
    run: BTreeMap<String, BTreeMap<String, f64>>,
    per_query: BTreeMap<String, BTreeMap<String, f64>>,
    mean: BTreeMap<String, f64>,
    judged: BTreeMap<String, f64>,
}

fn goldens() -> Goldens {
    serde_json::from_str(include_str!("goldens/trec.json")).unwrap()
}

impl Case {
    fn files(&self) -> (Qrels, Run) {
        let (mut qrels, mut run) = (Qrels::new(), Run::new());
        for (query, documents) in &self.qrels {
            for (document, level) in documents {
                qrels.insert(query.replace(' ', "_"), document, *level);
            }
        }
        for (query, documents) in &self.run {
            for (document, score) in documents {
                run.insert(query.replace(' ', "_"), document, *score);
            }
        }
        (qrels, run)
    }
}

fn measure(name: &str, gains: &BTreeMap<String, BTreeMap<i32, f64>>) -> (TrecMeasure, i32) {
    let ndcg = |gain| TrecMeasure::Ndcg {
        cutoff: Some(10),
        gain,
    };
    match name {
        "exponential" => (ndcg(Gain::Exponential), 1),
        "custom" => {
            let gains: Vec<(i32, f64)> = gains[name].iter().map(|(l, g)| (*l, *g)).collect();
            (ndcg(Gain::custom(&gains).unwrap()), 1)
        }
        _ => match name.strip_suffix(", level 2") {
            Some(name) => (name.parse().unwrap(), 2),
            None => (name.parse().unwrap(), 1),
        },
    }
}

#[test]
fn every_measure_of_every_query_works_like_trec_eval() {
    let goldens = goldens();
    for case in &goldens.cases {
        let (qrels, run) = case.files();
        assert_eq!(case.per_query.len(), 12);
        for (name, queries) in &case.per_query {
            let (measure, relevance_level) = measure(name, &goldens.gains);
            let config = TrecConfig {
                relevance_level,
                ..TrecConfig::default()
            };
            let scores =
                trec_eval_with(&qrels, &run, std::slice::from_ref(&measure), config).unwrap();
            let ours: BTreeMap<&str, f64> = scores.per_query(&measure).unwrap().collect();
            for (query, want) in queries {
                let got = ours[query.replace(' ', "_").as_str()];
                assert!(
                    (got - want).abs() < TOLERANCE,
                    "{}: {name} of {query}: {got} for {want}",
                    case.name
                );
            }
            // Also over the judged query without results, which counts 0.
            let mean = scores.mean(&measure).unwrap();
            assert!(
                (mean - case.mean[name]).abs() < TOLERANCE,
                "{}: {name}",
                case.name
            );
        }
        let judged: TrecMeasure = "Judged@10".parse().unwrap();
        let scores = trec_eval(&qrels, &run, std::slice::from_ref(&judged)).unwrap();
        let ours: BTreeMap<&str, f64> = scores.per_query(&judged).unwrap().collect();
        for (query, want) in &case.judged {
            let got = ours[query.replace(' ', "_").as_str()];
            assert!((got - want).abs() < TOLERANCE, "{}: {query}", case.name);
        }
    }
}

#[test]
fn files_round_trip() {
    let folder = tempfile::tempdir().unwrap();
    for case in goldens().cases {
        let (qrels, run) = case.files();
        let (at, to) = (folder.path().join("qrels"), folder.path().join("run"));
        qrels.write(&at).unwrap();
        run.write(&to, "ours").unwrap();
        assert_eq!(Qrels::from_file(&at).unwrap(), qrels);
        assert_eq!(Run::from_file(&to).unwrap(), run);
    }
}

#[test]
fn a_query_that_is_not_answered_counts_unless_told_otherwise() {
    let qrels = Qrels::read(&b"a 0 d 1\nb 0 d 1\n"[..]).unwrap();
    let run = Run::read(&b"a Q0 d 1 0.5 t\n"[..]).unwrap();
    let mean = |complete| {
        let config = TrecConfig {
            complete,
            ..TrecConfig::default()
        };
        let scores = trec_eval_with(&qrels, &run, &[TrecMeasure::Map], config).unwrap();
        scores.mean(&TrecMeasure::Map)
    };
    assert_eq!((mean(true), mean(false)), (Some(0.5), Some(1.0)));
    assert!(trec_eval(&Qrels::new(), &run, &[TrecMeasure::Map]).is_err());
}

#[test]
fn bad_lines_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let refused = |text: &str, qrels: bool| {
        std::fs::write(&path, text).unwrap();
        let error = match qrels {
            true => Qrels::from_file(&path).unwrap_err(),
            false => Run::from_file(&path).unwrap_err(),
        };
        let message = error.to_string();
        let place = message.split(": ").next().unwrap().to_owned();
        assert!(place.ends_with(":2"), "{message}");
        message
    };
    assert!(refused("q 0 d 1\nq 0 e\n", true).contains("3 fields"));
    assert!(refused("q 0 d 1\nq 0 e x\n", true).contains("relevance \"x\""));
    assert!(refused("q 0 d 1\nq 0 d 0\n", true).contains("judged twice"));
    assert!(refused("q Q0 d 1 0.5 t\nq Q0 e 2 much t\n", false).contains("score \"much\""));
    assert!(refused("q Q0 d 1 0.5 t\nq Q0 e 2 NaN t\n", false).contains("NaN"));
    assert!(refused("q Q0 d 1 0.5 t\nq Q0 d 2 0.4 t\n", false).contains("comes twice"));

    let missing = Qrels::from_file(folder.path().join("none")).unwrap_err();
    assert!(missing.to_string().contains("cannot open"), "{missing}");
    let directory = Run::from_file(folder.path()).unwrap_err().to_string();
    assert!(directory.contains("cannot read: Is a dir"), "{directory}");
    let mut run = Run::new();
    run.insert("a query", "d", 1.0);
    let target = folder.path().join("out");
    assert!(
        run.write(&target, "t")
            .unwrap_err()
            .to_string()
            .contains("whitespace")
    );
    assert!(!target.exists(), "no partial file");
}

#[test]
fn the_guide_shows_lines_that_are_read() {
    let guide = include_str!("../../../docs/DATA.md");
    let (_, section) = guide.split_once("## TREC's files").unwrap();
    let block = section.split("```").nth(1).unwrap();
    let line = |kind: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(kind));
        line.unwrap().split('(').next().unwrap().trim().to_owned()
    };
    let qrels = Qrels::read(line("qrels").as_bytes()).unwrap();
    assert_eq!(qrels.query("q1").unwrap()["B07NCQWCQS"], 3);
    let run = Run::read(line("run").as_bytes()).unwrap();
    assert_eq!(run.ranked("q1"), [("B07NCQWCQS", 0.93)]);
}
