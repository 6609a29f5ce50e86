//! TREC files, and measures against trec_eval through ir_measures (`goldens/generate_trec.py`).

use std::collections::BTreeMap;

use relevance_eval::{EvalError, Gain, Qrels, Run, TrecConfig, TrecMeasure, trec_eval};
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
            let config = TrecConfig::new().with_relevance_level(relevance_level);
            let scores = trec_eval(&qrels, &run, std::slice::from_ref(&measure), &config).unwrap();
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
        let measures = std::slice::from_ref(&judged);
        let scores = trec_eval(&qrels, &run, measures, &TrecConfig::default()).unwrap();
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
        let config = TrecConfig::new().with_complete(complete);
        let scores = trec_eval(&qrels, &run, &[TrecMeasure::Map], &config).unwrap();
        scores.mean(&TrecMeasure::Map)
    };
    assert_eq!((mean(true), mean(false)), (Some(0.5), Some(1.0)));
    let (none, config) = (Qrels::new(), TrecConfig::default());
    assert!(trec_eval(&none, &run, &[TrecMeasure::Map], &config).is_err());
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

    assert!(refused("q 0 d 1\nq 0 e 3000000000\n", true).contains("a 32-bit integer"));
    assert!(refused("q Q0 d 1 0.5 t\nq Q0 d 1 9,5 t\n", false).contains("score \"9,5\""));
    assert!(refused("q Q0 d 1 0.5 t\nq Q0 d 1 9.5\n", false).contains("5 fields"));
    // A field is shown escaped and cut.
    let long = refused(
        &format!("q 0 d 1\nq 0 e \u{1b}[2J{}\n", "9".repeat(5000)),
        true,
    );
    assert!(long.contains(r"\u{1b}[2J999") && long.len() < 400, "{long}");
    let endless = "x".repeat((1 << 20) + 1);
    assert!(refused(&format!("q 0 d 1\n{endless}"), true).contains("more than 1048576 bytes"));

    let missing = Qrels::from_file(folder.path().join("none")).unwrap_err();
    assert!(matches!(missing, EvalError::File(_)), "{missing:?}");
    assert!(missing.to_string().contains("cannot read"), "{missing}");
    let directory = Run::from_file(folder.path()).unwrap_err().to_string();
    assert!(
        directory.contains("is a folder, allowed: a regular file"),
        "{directory}"
    );
}

#[test]
fn names_that_could_not_be_read_back_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("out");
    for name in ["", "a query", "a\tquery", "a\r", "#1", "\u{feff}q1"] {
        let mut run = Run::new();
        run.insert("fine", "d", 1.0);
        run.insert(name, "d", 1.0);
        let refused = run.write(&target, "t").unwrap_err();
        let query =
            matches!(&refused, EvalError::TrecField { field: "query", value, .. } if value == name);
        assert!(query, "{refused}");
        let mut qrels = Qrels::new();
        qrels.insert(name, "d", 1);
        assert!(qrels.write(&target).is_err());
    }
    let mut run = Run::new();
    run.insert("q", "a document", 1.0);
    let message = run.write(&target, "t").unwrap_err().to_string();
    assert!(
        message.contains("document \"a document\" cannot stand"),
        "{message}"
    );
    let mut run = Run::new();
    run.insert("q", "#2", 1.0);
    assert!(run.write(&target, "two words").is_err());
    assert!(!target.exists(), "no partial file");
    // A document is not at the start of its line.
    run.write(&target, "t").unwrap();
    assert_eq!(Run::from_file(&target).unwrap(), run);
}

/// A small run and its judgments, which the variants below write otherwise.
const QRELS: &str = "q1 0 d1 2\nq1 0 d2 0\nq1 0 d3 1\nq2 0 d1 1\nq2 0 d4 0\nq3 0 d9 1\n";
const RUN: &str = "q1 Q0 d2 1 9.5 t\nq1 Q0 d1 2 9.0 t\nq2 Q0 d4 1 3.0 t\nq2 Q0 d1 2 3.0 t\n";

fn mean_ndcg(qrels: &str, run: &str) -> f64 {
    let (qrels, run) = (
        Qrels::read(qrels.as_bytes()).unwrap(),
        Run::read(run.as_bytes()).unwrap(),
    );
    assert_eq!(
        qrels.queries().map(|(query, _)| query).collect::<Vec<_>>(),
        ["q1", "q2", "q3"]
    );
    assert_eq!(run.queries().collect::<Vec<_>>(), ["q1", "q2"]);
    let ndcg: TrecMeasure = "nDCG".parse().unwrap();
    let measures = std::slice::from_ref(&ndcg);
    trec_eval(&qrels, &run, measures, &TrecConfig::default())
        .unwrap()
        .mean(&ndcg)
        .unwrap()
}

#[test]
fn files_as_others_write_them_are_read_as_the_same() {
    // q1: 2 at rank 2, of an ideal 2 + 1/log2(3). q2: d4 before d1, of equal score. q3: no answer.
    let second = 1.0 / 3_f64.log2();
    let want = (2.0 * second / (2.0 + second) + second) / 3.0;
    let check = |what: &str, qrels: &str, run: &str| {
        let got = mean_ndcg(qrels, run);
        assert!((got - want).abs() < 1e-12, "{what}: {got} for {want}");
    };
    let both = |what: &str, write: &dyn Fn(&str) -> String| check(what, &write(QRELS), &write(RUN));
    both("plain", &str::to_owned);
    both("CRLF", &|text| text.replace('\n', "\r\n"));
    both("byte-order mark", &|text| format!("\u{feff}{text}"));
    both("byte-order mark and a comment", &|text| {
        format!("\u{feff}# mine\n{text}")
    });
    both("comment", &|text| format!("# judged by hand\n{text}#\n"));
    // Of four and of six words, the last of four a number: as lines of the files they would be a query.
    both("comment with a number", &|text| {
        format!("# topics judged: 50\n{text}")
    });
    both("comment of a line's length", &|text| {
        format!("# made with depth 100 at k 10\n{text}")
    });
    both("indented comment and blank lines", &|text| {
        format!("\n  # a\n{text}\n\n")
    });
    both("tabs", &|text| text.replace(' ', "\t"));
    both("no last line end", &|text| text.trim_end().to_owned());
    // A # within a field is none.
    both("document with #", &|text| text.replace("d1", "d1#1"));
    check(
        "tag of several words",
        QRELS,
        &RUN.replace(" t\n", " bm25 rm3 k1=0.9\n"),
    );
    check(
        "ranks of another order",
        QRELS,
        &RUN.replace(" 1 9.5", " 7 9.5"),
    );
    check("infinite score", QRELS, &RUN.replace("9.5", "inf"));
}

#[test]
fn scores_are_compared_as_trec_eval_9_does() {
    // As doubles, in trec_eval 10, a stands first; as floats the two are a tie, which b wins.
    let run = Run::read(&b"q Q0 a 1 0.50000000001 t\nq Q0 b 2 0.5 t\n"[..]).unwrap();
    let order: Vec<&str> = run.ranked("q").into_iter().map(|(id, _)| id).collect();
    assert_eq!(order, ["b", "a"]);
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
