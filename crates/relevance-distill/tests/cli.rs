//! The program from outside: help, wrong options, missing data, completions.

use std::process::{Command, Output};

fn program(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    Command::new(env!("CARGO_BIN_EXE_relevance-distill"))
        .args(arguments)
        .current_dir(folder.path())
        .output()
        .expect("the program starts")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

/// The one line of stderr.
fn only_line(output: &Output) -> String {
    let text = String::from_utf8(output.stderr.clone()).expect("UTF-8");
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

const SUBCOMMANDS: [&str; 7] = [
    "run",
    "prepare",
    "distill",
    "ablation",
    "evaluate",
    "rerank",
    "completions",
];

#[test]
fn the_help_of_every_subcommand_says_what_it_reads_and_leaves_and_has_an_example() {
    let overview = program(&["--help"]);
    assert!(overview.status.success());
    for name in SUBCOMMANDS {
        assert!(
            stdout(&overview).contains(&format!("\n  {name} ")),
            "{name}"
        );
        for flag in ["--help", "-h"] {
            let help = program(&[name, flag]);
            assert_eq!(help.status.code(), Some(0), "{name} {flag}");
            let help = stdout(&help);
            assert!(help.contains("Usage: relevance-distill "), "{help}");
            assert!(
                help.contains(&format!("relevance-distill {name}")),
                "{help}"
            );
            assert!(help.contains("Example"), "{help}");
            let completions = name == "completions";
            assert!(
                completions || help.contains("Reads:") && help.contains("Leaves"),
                "{help}"
            );
        }
    }
}

#[test]
fn the_version_is_the_packages() {
    let version = stdout(&program(&["--version"]));
    assert_eq!(
        version,
        concat!("relevance-distill ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

#[test]
fn wrong_options_end_with_status_2() {
    for line in [
        vec![],
        vec!["no-such-command"],
        vec!["run", "--no-such-option"],
        vec!["run", "--preset", "full"],
        vec!["run", "--preset", "quick", "--config", "c.json"],
        vec!["run", "--device", "gpu"],
        vec!["run", "--layers", "0,1"],
        vec!["prepare", "--out", "out"],
        vec!["prepare", "--esci", "a", "--wands", "b", "--out", "out"],
        vec![
            "distill",
            "--annotations",
            "a",
            "--init",
            "b",
            "--out",
            "c",
            "--metric",
            "f2",
        ],
        vec![
            "distill",
            "--annotations",
            "a",
            "--init",
            "b",
            "--out",
            "c",
            "--objective",
            "x",
        ],
        vec!["ablation", "--data", "a", "--init", "b"],
        vec!["evaluate"],
        vec!["rerank", "--query", "usb cable"],
        vec!["completions", "no-such-shell"],
    ] {
        let output = program(&line);
        assert_eq!(output.status.code(), Some(2), "{line:?}");
        assert!(
            output.stdout.is_empty() && !output.stderr.is_empty(),
            "{line:?}"
        );
    }
}

#[test]
fn what_is_missing_is_said_on_one_line() {
    let distill = [
        "distill",
        "--annotations",
        "a.jsonl",
        "--init",
        "model",
        "--out",
        "out",
    ];
    let run = program(&["run"]);
    assert_eq!(run.status.code(), Some(1));
    let line = only_line(&run);
    assert!(
        line.contains("in the data folder examples/data; give a folder with"),
        "{line}"
    );
    for (arguments, named) in [
        (vec!["run", "--data", "nowhere"], "nowhere"),
        (vec!["run", "--config", "none.json"], "none.json"),
        (vec!["run", "--student-init", "model"], "model/config.json"),
        (
            vec!["prepare", "--esci", "nowhere", "--out", "out"],
            "nowhere",
        ),
        (
            vec!["prepare", "--table", "none.csv", "--out", "out"],
            "none.csv",
        ),
        (distill.to_vec(), "model"),
        (
            vec![
                "ablation", "--data", "nowhere", "--init", "model", "--out", "out",
            ],
            "nowhere",
        ),
        (
            vec![
                "evaluate",
                "--student",
                "none",
                "--data",
                "nowhere",
                "--out",
                "m.json",
            ],
            "none",
        ),
        (
            vec!["rerank", "--student", "none", "--query", "usb cable"],
            "none",
        ),
    ] {
        let output = program(&arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let line = only_line(&output);
        assert!(
            line.starts_with("error: ") && line.contains(named),
            "{arguments:?}: {line}"
        );
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn settings_out_of_range_are_named_before_any_work() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = serde_json::to_value(relevance_distill::pipeline::PipelineConfig::preset(
        relevance_distill::pipeline::Preset::Smoke,
        1,
    ))
    .expect("json");
    config["teacher"]["max_new_tokens"] = 256.into();
    let path = folder.path().join("config.json");
    std::fs::write(&path, config.to_string()).expect("written");
    let path = path.to_str().expect("UTF-8");
    let output = program(&["run", "--config", path]);
    assert_eq!(output.status.code(), Some(1));
    let line = only_line(&output);
    let expected =
        "error: `teacher.max_new_tokens` is 256, allowed: 2 to 255, below teacher.max_length";
    assert!(line.starts_with(expected), "{line}");
}

#[test]
fn a_part_of_prepared_data_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let rows: String = (0..60)
        .map(|i| format!("query {},item {i},{}\n", i / 3, ["E", "S", "I"][i % 3]))
        .collect();
    let table = folder.path().join("judgments.csv");
    std::fs::write(&table, format!("q,product,grade\n{rows}")).expect("written");
    let out = folder.path().join("out");
    let output = program(&[
        "prepare",
        "--table",
        table.to_str().expect("UTF-8"),
        "--columns",
        r#"{"query": "q", "title": "product", "label": "grade"}"#,
        "--split",
        "stratified",
        "--parts",
        "train,test",
        "--fractions",
        "0.5,0.5",
        "--out",
        out.to_str().expect("UTF-8"),
    ]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(stdout(&output).contains("# Prepared data\n\n`relevance-distill prepare --table"));
    for file in [
        "train.jsonl",
        "test.jsonl",
        "schema.json",
        "report.md",
        "report.json",
    ] {
        assert!(out.join(file).exists(), "{file}");
    }
}

#[test]
fn completions_are_printed_for_every_shell() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let output = program(&["completions", shell]);
        assert_eq!(output.status.code(), Some(0), "{shell}");
        let script = stdout(&output);
        for name in SUBCOMMANDS {
            assert!(script.contains(name), "{shell}: {name}");
        }
    }
}
