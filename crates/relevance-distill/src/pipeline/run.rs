//! The stages in order, and the run that they make up.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use burn::tensor::Device;
use serde::Serialize;
use serde_json::Value;
use student_model::Objective;

use super::artifacts::StudentFolder;
use super::config::PipelineConfig;
use super::input_files::{InputFile, checkpoint_name};
use super::manifest::{Facts, Manifest, StageRecord};
use super::parts::Parts;
use super::peak_memory::peak_memory_bytes;
use super::preflight::check_checkpoints;
use super::run_folder::RunFolder;
use super::stage::Stage;
use super::stage_context::StageContext;
use super::stages::{
    Annotate, Annotator, Dpo, Evaluate, PairReplies, Pretrain, RewardHead, SampleReplies, Sft,
    StudentStart, TrainRewardHead, TrainStudent, TrainedRewardHead, WriteReport,
};
use super::student_config::Reasons;
use crate::device::DeviceChoice;
use crate::error::DistillError;

/// What a run is told.
#[derive(Clone, Debug)]
pub struct PipelineOptions {
    /// Folder of the two official ESCI parquet files.
    pub data: PathBuf,
    /// Output folder.
    pub out: PathBuf,
    /// Where the student starts; from nothing if absent.
    pub student_init: Option<PathBuf>,
    /// Where the teacher starts; from nothing if absent.
    pub teacher_init: Option<PathBuf>,
    /// Every knob.
    pub config: PipelineConfig,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Go on with the run in `out`.
    pub resume: bool,
    /// The command as typed, for the report.
    pub command_line: String,
    /// Once true, the run stops after the step in hand.
    pub interrupt: Arc<AtomicBool>,
}

/// A run in its folder: both stages of the distillation, stage by stage or all at once.
///
/// ```no_run
/// use relevance_distill::pipeline::{Pipeline, PipelineConfig, PipelineOptions, Preset, Stage};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut pipeline = Pipeline::open(PipelineOptions {
///     data: "examples/data".into(),
///     out: "runs/two-stage".into(),
///     student_init: None,
///     teacher_init: None,
///     config: PipelineConfig::preset(Preset::Smoke, 42),
///     device: "flex".parse()?,
///     resume: true,
///     command_line: String::new(),
///     interrupt: Default::default(),
/// })?;
/// pipeline.run_stage(Stage::Pretrain)?; // one,
/// pipeline.run_all()?; // or all that are left
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct Pipeline {
    options: PipelineOptions,
    device: Device,
    parts: Parts,
    folder: RunFolder,
    manifest: Manifest,
}

impl Pipeline {
    /// Checks the options, reads the data, and opens or makes the output folder.
    ///
    /// Nothing is written before every option, all data and the initial checkpoints have been checked.
    ///
    /// # Errors
    ///
    /// An option makes no sense; the data or a checkpoint cannot be read; the folder cannot be
    /// written, or holds a run and `resume` is off, or holds another run.
    pub fn open(mut options: PipelineOptions) -> Result<Self, DistillError> {
        let teacher_init = options.teacher_init.as_deref();
        let student_init = options.student_init.as_deref();
        let config = &mut options.config;
        config.teacher.init = checkpoint_name(teacher_init)?;
        config.student.init = checkpoint_name(student_init)?;
        config.validate()?;
        let device = options.device.open()?;
        let folder = RunFolder::new(&options.out);
        let found = Manifest::read(&folder.manifest())?;
        if found.is_some() && !options.resume {
            return Err(DistillError::OutputExists { out: options.out });
        }
        let parts = Parts::read(&options.data, &config.data, config.seed)?;
        check_checkpoints(teacher_init, student_init, config, &parts.schema, &device)?;
        let checkpoints: Vec<&Path> = teacher_init.into_iter().chain(student_init).collect();
        let mut manifest = Manifest {
            version: env!("CARGO_PKG_VERSION").into(),
            config: config.clone(),
            device: options.device.to_string(),
            data: InputFile::of_run(&options.data, &checkpoints)?,
            parts: parts.summary(),
            stages: BTreeMap::new(),
            spent: BTreeMap::new(),
            peak_memory_bytes: None,
        };
        if let Some(found) = found {
            found.check_same_run(&manifest)?;
            manifest = found;
        }
        fs::create_dir_all(&options.out).map_err(DistillError::io(&options.out))?;
        manifest.write(&folder.manifest())?;
        Ok(Self {
            options,
            device,
            parts,
            folder,
            manifest,
        })
    }

    /// Where everything of the run lies.
    pub fn folder(&self) -> &RunFolder {
        &self.folder
    }

    /// What has been done.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The pairs.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Runs every stage that is not finished yet, and prints where the report lies.
    ///
    /// # Errors
    ///
    /// Whatever a stage fails with; [`DistillError::Interrupted`] if the run was told to stop.
    pub fn run_all(&mut self) -> Result<(), DistillError> {
        for stage in Stage::ALL {
            if self.manifest.stages.contains_key(&stage) {
                eprintln!("{stage}: already done");
                continue;
            }
            self.run_stage(stage)?;
        }
        println!("{}", self.folder.report().display());
        Ok(())
    }

    /// Runs one stage and keeps in the manifest what it found. One that was cut off goes on where it was.
    ///
    /// # Errors
    ///
    /// [`DistillError::StageOrder`] if an earlier stage is not finished; whatever the stage fails with;
    /// [`DistillError::Interrupted`] if the run was told to stop.
    pub fn run_stage(&mut self, stage: Stage) -> Result<&StageRecord, DistillError> {
        let done = |earlier: &Stage| self.manifest.stages.contains_key(earlier);
        let before = Stage::ALL
            .into_iter()
            .take_while(|earlier| *earlier != stage);
        if let Some(needs) = before.into_iter().find(|earlier| !done(earlier)) {
            let (stage, needs) = (stage.name(), needs.name());
            return Err(DistillError::StageOrder { stage, needs });
        }
        eprintln!("{stage}: {}", stage.title());
        let start = Instant::now();
        let result = self.facts_of(stage);
        let spent = self.manifest.spent.remove(&stage).unwrap_or(0.0);
        let seconds = start.elapsed().as_secs_f64() + spent;
        let peak = self.manifest.peak_memory_bytes.max(peak_memory_bytes());
        self.manifest.peak_memory_bytes = peak;
        match result {
            Ok(facts) => {
                eprintln!("{stage}: {seconds:.1} s{}", in_words(&facts));
                let record = StageRecord { seconds, facts };
                self.manifest.stages.insert(stage, record);
                self.manifest.write(&self.folder.manifest())?;
                Ok(&self.manifest.stages[&stage])
            }
            Err(error) => {
                self.manifest.spent.insert(stage, seconds);
                self.manifest.write(&self.folder.manifest())?;
                Err(error)
            }
        }
    }

    /// Runs a stage: which files of the run it reads and where its output goes stands here, what it does
    /// in its own file.
    fn facts_of(&self, stage: Stage) -> Result<Facts, DistillError> {
        let (folder, parts) = (&self.folder, &self.parts);
        let (schema, config) = (&parts.schema, &self.options.config);
        let context = &self.context(stage);
        match stage {
            Stage::Pretrain => facts(
                Pretrain {
                    labeled: &parts.teacher,
                    items: parts.log.iter().map(|pair| &pair.pair.item).collect(),
                    schema,
                    init: self.options.teacher_init.as_deref(),
                    out: folder.pretrained_teacher(),
                }
                .run(&config.teacher, context)?,
            ),
            Stage::Sft => facts(
                Sft {
                    teacher: folder.pretrained_teacher(),
                    pairs: &parts.teacher,
                    schema,
                    out: folder.tuned_teacher(),
                }
                .run(&config.teacher, context)?,
            ),
            Stage::Replies => facts(
                SampleReplies {
                    teacher: folder.tuned_teacher(),
                    pairs: &parts.teacher,
                    schema,
                    out: folder.replies(),
                }
                .run(&config.teacher, context)?,
            ),
            Stage::RewardHeads => facts(
                TrainRewardHead {
                    teacher: folder.tuned_teacher(),
                    replies: folder.replies(),
                    pairs: &parts.teacher,
                    schema,
                    out: folder.reward_heads(),
                }
                .run(&config.teacher, context)?,
            ),
            Stage::Preferences => facts(
                PairReplies {
                    replies: folder.replies(),
                    head: self.reward_head(),
                    pairs: &parts.teacher,
                    schema,
                    out: folder.preferences(),
                }
                .run(&config.teacher, context)?,
            ),
            Stage::Dpo => facts(
                Dpo {
                    teacher: folder.tuned_teacher(),
                    preferences: folder.preferences(),
                    out: folder.teacher(),
                }
                .run(&config.teacher, context)?,
            ),
            Stage::Annotate => facts(
                Annotate {
                    by: match config.student.reasons {
                        Reasons::Teacher => Annotator::Teacher(folder.teacher()),
                        Reasons::Writer => Annotator::Writer,
                    },
                    pairs: &parts.log,
                    schema,
                    out: folder.annotations(),
                }
                .run(&config.teacher, context)?,
            ),
            Stage::StudentCe => self.student(Objective::CrossEntropy, folder.student_ce(), context),
            Stage::StudentCrsd => self.student(config.student.crsd(), folder.student(), context),
            Stage::Evaluate => facts(
                Evaluate {
                    teacher: folder.teacher(),
                    student_ce: folder.student_ce(),
                    student_crsd: folder.student(),
                    log: &parts.log,
                    test: &parts.test,
                    schema,
                    bootstrap_samples: config.bootstrap_samples,
                    metrics: folder.metrics(),
                    cases: folder.cases(),
                }
                .run(&config.teacher, context)?,
            ),
            Stage::Report => facts(
                WriteReport {
                    folder,
                    manifest: &self.manifest,
                    command_line: &self.options.command_line,
                    class_names: schema.names(),
                    out: folder.report(),
                }
                .run()?,
            ),
        }
    }

    /// A student of this run, by `objective`.
    fn student(
        &self,
        objective: Objective,
        out: StudentFolder,
        context: &StageContext,
    ) -> Result<Facts, DistillError> {
        let pairs = self.parts.teacher.iter().chain(&self.parts.log);
        let texts = pairs.flat_map(|pair| [pair.pair.query.text.clone(), pair.pair.item.text()]);
        let stage = TrainStudent {
            annotations: self.folder.annotations(),
            schema: &self.parts.schema,
            objective,
            start: match &self.options.student_init {
                Some(folder) => StudentStart::Folder(folder),
                None => StudentStart::Nothing(texts.collect()),
            },
            out,
        };
        facts(stage.run(&self.options.config.student, context)?)
    }

    /// The reward head, if it has shown that it is above chance and has a weight.
    fn reward_head(&self) -> Option<RewardHead> {
        let found: TrainedRewardHead = self.manifest.output(Stage::RewardHeads)?;
        let wanted = found.above_chance && self.options.config.teacher.learned_weight > 0.0;
        Some(RewardHead {
            folder: self.folder.reward_heads(),
            mean_reward: found.mean_reward.filter(|_| wanted)?,
        })
    }

    fn context(&self, stage: Stage) -> StageContext {
        StageContext {
            stage,
            device: self.device.clone(),
            folder: self.folder.stage(stage),
            seed: self.options.config.seed,
            interrupt: Arc::clone(&self.options.interrupt),
        }
    }
}

/// What a stage found, by name.
fn facts(output: impl Serialize) -> Result<Facts, DistillError> {
    let value = serde_json::to_value(output);
    let value = value.map_err(|source| DistillError::Json {
        path: "manifest.json".into(),
        source,
    })?;
    Ok(match value {
        Value::Object(fields) => fields.into_iter().collect(),
        _ => Facts::new(),
    })
}

/// The facts of a stage that fit on a line.
fn in_words(facts: &Facts) -> String {
    facts
        .iter()
        .filter(|(_, value)| value.is_number())
        .map(|(name, value)| match value.as_f64() {
            Some(number) if !value.is_u64() => format!(", {name} {number:.4}"),
            _ => format!(", {name} {value}"),
        })
        .collect()
}
