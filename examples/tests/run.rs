//! Each program runs to its end, and is short.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Lines that a program has at most.
const MOST_LINES: usize = 80;

fn run(program: &str) {
    let output = Command::new(program).output().expect("the program starts");
    let [out, err] =
        [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned());
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    assert!(!out.trim().is_empty(), "it says nothing of what it found");
}

/// A test a program, and the programs' names.
macro_rules! programs {
    ($($test:ident: $name:literal;)*) => {
        const PROGRAMS: &[&str] = &[$($name),*];
        $(#[test]
        fn $test() {
            run(env!(concat!("CARGO_BIN_EXE_", $name)));
        })*
    };
}

programs! {
    a_student_from_a_file: "train-from-jsonl";
    crsd: "crsd-in-thirty-lines";
    an_align_term: "own-align-term";
    an_objective: "own-objective";
    a_reward_dimension: "own-reward-dimension";
    a_threaded_service: "ranker-in-threads";
    a_parquet_file: "score-parquet";
    two_stages: "two-stages-by-hand";
}

#[test]
fn every_program_is_short_says_what_it_shows_and_is_run() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin");
    let mut found = 0;
    for entry in fs::read_dir(folder).expect("the programs") {
        let path = entry.expect("an entry").path();
        let text = fs::read_to_string(&path).expect("a program");
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a name");
        let lines = text.lines().count();
        assert!(
            lines <= MOST_LINES,
            "{name} has {lines} lines, allowed: {MOST_LINES}"
        );
        assert!(
            text.starts_with("//! "),
            "{name} does not say what it shows"
        );
        assert!(PROGRAMS.contains(&name), "{name} is not run here");
        found += 1;
    }
    assert_eq!(found, PROGRAMS.len());
}
