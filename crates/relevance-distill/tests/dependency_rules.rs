//! Who may depend on whom. The table is the architecture; an edge outside it fails the build.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use cargo_metadata::{DependencyKind, MetadataCommand, Package};

/// Every edge that is allowed between the workspace's crates, apart from dev-dependencies.
const ALLOWED: &[(&str, &[&str])] = &[
    ("atomic-files", &[]),
    ("vector-math", &[]),
    ("relevance-eval", &["atomic-files", "vector-math"]),
    ("crsd-loss", &["vector-math"]),
    ("training-loop", &["atomic-files"]),
    ("hf-folder", &["atomic-files"]),
    ("pair-tokenizer", &["hf-folder"]),
    ("causal-lm", &["hf-folder"]),
    ("relevance-data", &["atomic-files"]),
    (
        "teacher-train",
        &[
            "atomic-files",
            "causal-lm",
            "relevance-data",
            "training-loop",
            "vector-math",
        ],
    ),
    (
        "reward-model",
        &[
            "atomic-files",
            "causal-lm",
            "relevance-data",
            "training-loop",
        ],
    ),
    (
        "preference-opt",
        &["causal-lm", "relevance-data", "training-loop"],
    ),
    (
        "student-model",
        &[
            "hf-folder",
            "pair-tokenizer",
            "vector-math",
            "crsd-loss",
            "relevance-data",
            "training-loop",
        ],
    ),
];

/// Packages that may depend on everything.
const TOP: &[&str] = &["relevance-distill", "examples", "benches"];

/// Edges of `student-model` that exist only with its feature `train`.
const STUDENT_TRAIN_ONLY: &[&str] = &["crsd-loss", "relevance-data", "training-loop"];

fn workspace() -> Vec<Package> {
    let metadata = MetadataCommand::new()
        .no_deps()
        .exec()
        .expect("cargo metadata runs");
    metadata.packages
}

#[test]
fn every_edge_between_our_crates_is_in_the_table() {
    let packages = workspace();
    let ours: BTreeSet<&str> = packages.iter().map(|p| p.name.as_str()).collect();
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    for package in &packages {
        let name = package.name.as_str();
        if TOP.contains(&name) {
            continue;
        }
        let may_use = allowed.get(name).unwrap_or_else(|| {
            panic!("`{name}` is not in the table: add it on purpose or not at all")
        });
        let edges = package
            .dependencies
            .iter()
            .filter(|d| d.kind != DependencyKind::Development && ours.contains(d.name.as_str()));
        for edge in edges {
            assert!(
                may_use.contains(&edge.name.as_str()),
                "`{name}` may not depend on `{}`; allowed: {may_use:?}",
                edge.name
            );
        }
    }
    for (name, _) in ALLOWED {
        assert!(
            ours.contains(name),
            "the table names `{name}`, which is no crate"
        );
    }
}

#[test]
fn the_student_needs_losses_and_loop_only_to_train() {
    let packages = workspace();
    let student = packages
        .iter()
        .find(|p| p.name.as_str() == "student-model")
        .expect("student-model is a member");
    for name in STUDENT_TRAIN_ONLY {
        let edge = student
            .dependencies
            .iter()
            .find(|d| d.name == *name && d.kind == DependencyKind::Normal)
            .unwrap_or_else(|| panic!("student-model lists `{name}`"));
        assert!(edge.optional, "`{name}` must be optional in student-model");
    }
    let default = &student.features["default"];
    assert!(
        !default.iter().any(|f| f == "train"),
        "default: {default:?}"
    );
}

/// What a service embeds: no autodiff, optimiser, data sets, network, async runtime or terminal user
/// interface.
#[test]
fn the_default_student_is_lean() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "student-model"])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .expect("cargo tree runs");
    assert!(
        output.status.success(),
        "cargo tree: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).expect("cargo tree prints UTF-8");
    let crates: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(
        crates.contains("burn-flex"),
        "the tree was not read: {crates:?}"
    );
    let banned = [
        // Training
        "burn-autodiff",
        "burn-optim",
        "burn-train",
        "crsd-loss",
        "training-loop",
        // Labels, rationales and data sets
        "relevance-data",
        "sha2",
        "unicode-normalization",
        "csv",
        "burn-dataset",
        "parquet",
        "arrow-array",
        "rusqlite",
        // Network
        "hf-hub",
        "reqwest",
        "ureq",
        "hyper",
        "socket2",
        "rustls",
        "native-tls",
        "openssl",
        // A runtime that the service did not choose
        "tokio",
        "async-std",
        "async-executor",
        "smol",
        "mio",
        // Terminals
        "indicatif",
        "console",
        "crossterm",
        "ratatui",
    ];
    for name in banned {
        assert!(
            !crates.contains(name),
            "`{name}` is in the default student's tree"
        );
    }
}

/// Only registry crates and our own: no git source, no path outside the workspace.
#[test]
fn dependencies_come_from_the_registry_or_the_workspace() {
    for package in workspace() {
        for dependency in &package.dependencies {
            let source = dependency.source.as_ref().map(ToString::to_string);
            assert!(
                source.as_deref().is_none_or(|s| s.starts_with("registry+")),
                "`{}` takes `{}` from {source:?}",
                package.name,
                dependency.name
            );
            if let Some(path) = &dependency.path {
                let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
                let root = std::fs::canonicalize(root).expect("workspace root");
                assert!(
                    path.as_std_path().starts_with(&root),
                    "{path} is outside the workspace"
                );
            }
        }
    }
}
