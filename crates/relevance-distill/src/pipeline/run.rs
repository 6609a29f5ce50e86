//! A run: opened, taken up again, brought to its end stage by stage.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use burn::tensor::Device;

use super::input_files::{InputFile, checkpoint_name};
use super::manifest::{Facts, Manifest, StageRecord};
use super::options::PipelineOptions;
use super::order::Order;
use super::parts::Parts;
use super::peak_memory::peak_memory_bytes;
use super::preflight::check_checkpoints;
use super::run_folder::RunFolder;
use super::stage::Stage;
use crate::error::DistillError;

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
        let order = Order {
            options: &self.options,
            device: &self.device,
            parts: &self.parts,
            folder: &self.folder,
            manifest: &self.manifest,
        };
        let result = order.run(stage);
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
