//! One run: its options, its folder, and the order of its stages.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use burn::tensor::Device;
use serde_json::Value;
use training_loop::{Progress, TrainerOptions};

use super::config::TwoStageConfig;
use super::data::Parts;
use super::manifest::{DataFile, Manifest, StageRecord, hash_file, peak_memory_bytes};
use super::preflight;
use super::stage::Stage;
use super::stages;
use crate::device::DeviceChoice;
use crate::error::RunError;

/// What a stage found worth telling.
pub type Facts = BTreeMap<String, Value>;

/// What the command line says.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Folder of the two official ESCI parquet files.
    pub data: PathBuf,
    /// Output folder.
    pub out: PathBuf,
    /// Where the student starts; from nothing if absent.
    pub student_init: Option<PathBuf>,
    /// Where the teacher starts; from nothing if absent.
    pub teacher_init: Option<PathBuf>,
    /// Every knob.
    pub config: TwoStageConfig,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Go on with the run in `out`.
    pub resume: bool,
    /// The command as typed, for the report.
    pub command_line: String,
    /// Once true, the run stops after the step in hand.
    pub interrupt: Arc<AtomicBool>,
}

/// A run in its folder.
#[derive(Debug)]
pub struct Run {
    /// What the command line says.
    pub options: RunOptions,
    /// The burn device, without autodiff.
    pub device: Device,
    /// The pairs.
    pub parts: Parts,
    /// What has been done.
    pub manifest: Manifest,
}

impl Run {
    /// Checks the options, reads the data, and opens or makes the output folder.
    ///
    /// Nothing is written before every option, all data and the initial checkpoints have been checked.
    ///
    /// # Errors
    ///
    /// An option makes no sense; the data or a checkpoint cannot be read; the folder cannot be
    /// written, or holds a run and `resume` is off, or holds another run.
    pub fn start(mut options: RunOptions) -> Result<Self, RunError> {
        options.config.teacher.init = init_name(options.teacher_init.as_deref())?;
        options.config.student.init = init_name(options.student_init.as_deref())?;
        options.config.validate()?;
        let device = options.device.open()?;
        let found = Manifest::read(&options.out)?;
        if found.is_some() && !options.resume {
            return Err(RunError::OutputExists {
                out: options.out.clone(),
            });
        }
        let parts = Parts::read(&options.data, &options.config.data, options.config.seed)?;
        preflight::check(&options, &parts.schema, &device)?;
        let mut manifest = Manifest {
            version: env!("CARGO_PKG_VERSION").into(),
            config: options.config.clone(),
            device: options.device.to_string(),
            data: hash_inputs(&options)?,
            parts: parts.summary(),
            stages: BTreeMap::new(),
            spent: BTreeMap::new(),
            peak_memory_bytes: None,
        };
        if let Some(found) = found {
            found.check_same_run(&manifest)?;
            manifest = found;
        }
        fs::create_dir_all(&options.out).map_err(|source| RunError::Io {
            path: options.out.clone(),
            source,
        })?;
        manifest.write(&options.out)?;
        Ok(Self {
            options,
            device,
            parts,
            manifest,
        })
    }

    /// Runs every stage that is not finished yet.
    ///
    /// # Errors
    ///
    /// Whatever a stage fails with; [`RunError::Interrupted`] if the run was told to stop.
    pub fn all_stages(&mut self) -> Result<(), RunError> {
        for stage in Stage::ALL {
            if self.manifest.stages.contains_key(&stage) {
                eprintln!("{stage}: already done");
                continue;
            }
            eprintln!("{stage}: {}", stage.title());
            let start = Instant::now();
            let result = stages::run(self, stage);
            let seconds =
                start.elapsed().as_secs_f64() + self.manifest.spent.remove(&stage).unwrap_or(0.0);
            self.manifest.peak_memory_bytes =
                self.manifest.peak_memory_bytes.max(peak_memory_bytes());
            match result {
                Ok(facts) => {
                    eprintln!("{stage}: {seconds:.1} s{}", in_words(&facts));
                    self.manifest
                        .stages
                        .insert(stage, StageRecord { seconds, facts });
                    self.manifest.write(&self.options.out)?;
                }
                Err(error) => {
                    self.manifest.spent.insert(stage, seconds);
                    self.manifest.write(&self.options.out)?;
                    return Err(error);
                }
            }
        }
        println!("{}", self.path("report.html").display());
        Ok(())
    }

    /// The configuration.
    pub fn config(&self) -> &TwoStageConfig {
        &self.options.config
    }

    /// A path in the output folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.options.out.join(name)
    }

    /// Where a stage keeps its checkpoints and its log.
    pub fn work_dir(&self, stage: Stage) -> PathBuf {
        self.options.out.join("stages").join(stage.name())
    }

    /// How a trainer of this stage deals with files and interrupts. It always goes on from its own
    /// latest checkpoint: a stage that runs again is one that was cut off.
    pub fn trainer_options(&self, stage: Stage) -> TrainerOptions {
        TrainerOptions {
            output_dir: Some(self.work_dir(stage)),
            resume: true,
            progress: Progress::Bar,
            interrupt: Some(Arc::clone(&self.options.interrupt)),
            name: stage.name().into(),
            ..TrainerOptions::default()
        }
    }

    /// Fails if the run was told to stop.
    ///
    /// # Errors
    ///
    /// [`RunError::Interrupted`].
    pub fn check_interrupt(&self, stage: Stage) -> Result<(), RunError> {
        if self.options.interrupt.load(Ordering::SeqCst) {
            return Err(RunError::Interrupted {
                stage: format!("stage {stage}"),
            });
        }
        Ok(())
    }
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

/// A checkpoint folder's own name, once it is known to hold a model.
fn init_name(folder: Option<&Path>) -> Result<Option<String>, RunError> {
    let Some(folder) = folder else {
        return Ok(None);
    };
    for file in ["config.json", "tokenizer.json"] {
        let path = folder.join(file);
        if let Err(source) = fs::metadata(&path) {
            return Err(RunError::Io { path, source });
        }
    }
    Ok(folder
        .file_name()
        .map(|name| name.to_string_lossy().into_owned()))
}

/// Configuration, tokenizer and weights, in one file or in shards.
fn checkpoint_files(folder: &Path) -> Vec<PathBuf> {
    let mut weights: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "safetensors"))
        .collect();
    weights.sort();
    ["config.json", "tokenizer.json"]
        .map(|file| folder.join(file))
        .into_iter()
        .filter(|path| path.exists())
        .chain(weights)
        .collect()
}

/// Every file that decides what comes out: the data and the initial checkpoints.
fn hash_inputs(options: &RunOptions) -> Result<Vec<DataFile>, RunError> {
    let data = [
        "shopping_queries_dataset_examples.parquet",
        "shopping_queries_dataset_products.parquet",
    ]
    .map(|file| options.data.join(file));
    let checkpoints = [&options.teacher_init, &options.student_init]
        .into_iter()
        .flatten()
        .flat_map(|folder| checkpoint_files(folder));
    data.into_iter()
        .chain(checkpoints)
        .map(|path| hash_file(&path))
        .collect()
}
