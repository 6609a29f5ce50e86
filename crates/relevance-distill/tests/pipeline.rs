//! A whole run in little: stages one by one, an interrupt, a resumed run.

use std::path::{Path, PathBuf};

use relevance_distill::DistillError;
use relevance_distill::device::DeviceChoice;
use relevance_distill::pipeline::{
    Pipeline, PipelineConfig, PipelineOptions, Preset, Reasons, Stage,
};
use relevance_distill::training_loop::Interrupt;

/// Every stage on a few pairs, with models of a few thousand numbers.
fn config() -> PipelineConfig {
    let mut config = PipelineConfig::preset(Preset::Smoke, 11);
    config.data.max_teacher_pairs = Some(24);
    config.data.max_log_pairs = Some(24);
    config.data.max_test_pairs = Some(24);
    let teacher = &mut config.teacher;
    teacher.hidden_size = 32;
    teacher.num_hidden_layers = 1;
    teacher.max_new_tokens = 16;
    teacher.pretrain.max_steps = Some(2);
    teacher.sft.max_steps = Some(4);
    teacher.preference_prompts = 4;
    teacher.replies_per_prompt = 2;
    let student = &mut config.student;
    // A teacher of four steps says nothing that could be parsed.
    student.reasons = Reasons::Writer;
    student.vocab_size = 1_000;
    student.hidden_size = 32;
    student.num_hidden_layers = 1;
    student.train_batch_size = 8;
    student.training.max_steps = Some(4);
    config.bootstrap_samples = 20;
    config
}

fn options(out: PathBuf, resume: bool) -> PipelineOptions {
    PipelineOptions {
        data: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data"),
        out,
        student_init: None,
        teacher_init: None,
        config: config(),
        device: DeviceChoice::Flex,
        resume,
        command_line: "relevance-distill run".into(),
        interrupt: Interrupt::new(),
    }
}

const COMPARED: [&str; 6] = [
    "replies.jsonl",
    "preferences.jsonl",
    "annotations.jsonl",
    "metrics.json",
    "teacher/model.safetensors",
    "student/model.safetensors",
];

/// Stages that look at the interrupt on these pairs.
fn stops(stage: Stage) -> bool {
    use Stage::*;
    matches!(
        stage,
        Pretrain | Sft | Replies | StudentCe | StudentCrsd | Evaluate
    )
}

/// One test: burn's generator of dropout masks belongs to the process, so that two runs at the same time
/// would disturb each other.
#[test]
fn a_run_that_was_stopped_goes_on_to_the_same_end() {
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    let mut pipeline = Pipeline::open(options(whole.clone(), false)).expect("opens");

    let error = pipeline
        .run_stage(Stage::Dpo)
        .expect_err("nothing is there yet");
    let expected = "stage dpo needs stage pretrain, which is not finished in this run folder";
    assert_eq!(error.to_string(), expected);
    let record = pipeline.run_stage(Stage::Pretrain).expect("one stage");
    assert_eq!(record.facts["steps"], 2);
    pipeline.run_all().expect("the others");
    assert_eq!(pipeline.manifest().stages.len(), Stage::ALL.len());
    for file in COMPARED
        .iter()
        .chain(&["report.html", "manifest.json", "student-ce"])
    {
        assert!(whole.join(file).exists(), "{file}");
    }
    let report = std::fs::read_to_string(whole.join("report.html")).expect("a page");
    assert!(
        report.contains("reward head"),
        "the report tells of the reward head"
    );
    // What a stage keeps is its output, and can be read as such.
    let head: relevance_distill::pipeline::stages::TrainedRewardHead = pipeline
        .manifest()
        .output(Stage::RewardHeads)
        .expect("finished");
    assert!(head.warning.is_some() != head.is_used());

    let again = Pipeline::open(options(whole.clone(), false)).expect_err("a run is there");
    assert!(
        matches!(again, DistillError::OutputExists { .. }),
        "{again}"
    );
    let mut other = options(whole.clone(), true);
    other.config.teacher.beta = 0.2;
    let error = Pipeline::open(other).expect_err("another run");
    assert!(
        error.to_string().contains("`config.teacher.beta` was 0.1"),
        "{error}"
    );

    let stopped = folder.path().join("stopped");
    for stage in Stage::ALL {
        // Cut off after its first step, where it has steps, and gone on with by another call.
        let cut = options(stopped.clone(), stage != Stage::Pretrain);
        cut.interrupt.request();
        let mut pipeline = Pipeline::open(cut).expect("opens");
        match pipeline.run_stage(stage) {
            Ok(_) => assert!(!stops(stage), "{stage} did not stop"),
            Err(error) => {
                assert!(matches!(error, DistillError::Interrupted { .. }), "{error}");
                assert!(pipeline.manifest().spent[&stage] > 0.0);
                let mut pipeline = Pipeline::open(options(stopped.clone(), true)).expect("opens");
                pipeline.run_stage(stage).expect("goes on");
                assert!(pipeline.manifest().spent.is_empty());
            }
        }
    }
    for file in COMPARED {
        let read = |folder: &Path| std::fs::read(folder.join(file)).expect(file);
        assert!(read(&whole) == read(&stopped), "{file} differs");
    }
}
