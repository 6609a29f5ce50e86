//! A whole grid: every cell with every seed, and the table.

use std::path::{Path, PathBuf};

use atomic_files::AtomicFile;
use indicatif::{ProgressBar, ProgressStyle};
use relevance_eval::EvaluationConfig;

use super::cell_run::{CellResult, CellRunner};
use super::config::AblationConfig;
use super::data::{AblationData, AblationPairs};
use super::grid::Cell;
use super::table::{Results, Table};
use crate::error::DistillError;
use crate::job::Job;
use crate::json_file::write_json;

/// Trains every cell of the grid with several seeds and compares them by query.
#[derive(Clone, Debug)]
pub struct Ablation {
    /// Folder of the two official ESCI parquet files: test pairs, and training pairs without
    /// `annotations`.
    pub data: PathBuf,
    /// Hugging Face folder of the encoder that every cell starts from.
    pub init: PathBuf,
    /// Annotations with gold labels to train on, instead of the deterministic writer's reasons; cells of
    /// a teacher need them.
    pub annotations: Option<PathBuf>,
    /// Where cells, `ablation.json`, `ablation.html` and `ablation.md` go.
    pub out: PathBuf,
}

impl Ablation {
    /// Runs what is not finished yet, writes the table and gives it.
    ///
    /// # Errors
    ///
    /// A setting out of range; data that cannot be read; a folder that holds another grid; whatever
    /// training reports; [`DistillError::Interrupted`].
    pub fn run(&self, config: &AblationConfig, job: &Job) -> Result<Table, DistillError> {
        config.validate()?;
        let cells = config.chosen_cells()?;
        if self.out.join("cells").exists() && !job.resume {
            let out = self.out.clone();
            return Err(DistillError::OutputExists { out });
        }
        let data = AblationData::read(&AblationPairs {
            data: &self.data,
            annotations: self.annotations.as_deref(),
            locales: &config.locales,
            max_train_pairs: config.max_train_pairs,
            seed: config.seed,
        })?;
        let results = self.all_cells(cells, &data, config, job)?;
        let evaluation = EvaluationConfig::new()
            .with_bootstrap_samples(config.bootstrap_samples)
            .with_seed(config.seed);
        let notes = notes(config, &data, &job.command_line);
        let table = Table::new(&results, &data.test, &data.schema, &evaluation, notes)?;
        write_table(&table, &self.out)?;
        Ok(table)
    }

    /// Seed by seed, so that a grid that is stopped has whole columns.
    fn all_cells(
        &self,
        cells: Vec<Cell>,
        data: &AblationData,
        config: &AblationConfig,
        job: &Job,
    ) -> Result<Results, DistillError> {
        let runner = CellRunner {
            init: &self.init,
            layers: &config.layers,
            classes: data.schema.names(),
            gains: data.schema.gains(),
            test: &data.test,
            budget: config.budget.clone(),
            data_hash: data.hash(),
            out: self.out.clone(),
            device: job.device.clone(),
            interrupt: job.interrupt.clone(),
        };
        let bar = bar(cells.len() as u64 * config.seeds);
        let mut results: Vec<(Cell, Option<Vec<CellResult>>)> =
            cells.into_iter().map(|cell| (cell, None)).collect();
        for seed in (0..config.seeds).map(|i| config.seed.wrapping_add(i)) {
            for (cell, done) in &mut results {
                bar.set_message(format!("{} seed {seed}", cell.id));
                if let Some(examples) = data.examples(cell, seed) {
                    let result = match runner.finished(cell, seed)? {
                        Some(result) => result,
                        None => bar.suspend(|| runner.run(cell, seed, &examples))?,
                    };
                    eprintln!("{} seed {seed}: {:.0} s", cell.id, result.seconds);
                    done.get_or_insert_default().push(result);
                }
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        Ok(results)
    }
}

fn bar(length: u64) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} cells [{elapsed}<{eta}] {msg}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

/// For programs, for the browser, for a document.
fn write_table(table: &Table, out: &Path) -> Result<(), DistillError> {
    write_json(&out.join("ablation.json"), table)?;
    AtomicFile::write(out.join("ablation.html"), table.html())?;
    AtomicFile::write(out.join("ablation.md"), table.markdown())?;
    Ok(())
}

/// What a reader needs to know to believe the table.
fn notes(config: &AblationConfig, data: &AblationData, command_line: &str) -> Vec<String> {
    let reasons = match &data.teacher {
        None => {
            "Reasons: the deterministic writer, which is given the gold label (label words are \
             taken out). There is no teacher, so the cells b and c are not run."
        }
        Some(_) => "Reasons: the annotations', label words taken out.",
    };
    let budget = &config.budget;
    vec![
        format!(
            "{} training pairs, {} test pairs; every cell: {} steps of {} pairs, learning rate \
             {:e}, {} seeds, {} and {} tokens, τ {}, λ {}.",
            data.gold.len(),
            data.test.len(),
            budget.max_steps,
            budget.train_batch_size,
            budget.learning_rate,
            config.seeds,
            budget.max_length,
            budget.max_reasoned_length,
            config.temperature,
            config.lambda,
        ),
        reasons.to_owned(),
        "Means over seeds; intervals and p values by resampling queries, paired with cell e; beside each p value \
         the one corrected for the number of cells (Holm). Only e above h, i and j together supports that the \
         content of reasons helps."
            .to_owned(),
        format!("Command: {command_line}"),
    ]
}
