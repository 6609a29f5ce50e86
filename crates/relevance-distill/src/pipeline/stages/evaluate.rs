//! What the teacher and the students are worth on the test pairs.

use relevance_data::{LabelSchema, LabeledPair};
use relevance_eval::{EvaluationConfig, evaluate, paired_bootstrap};
use serde::Serialize;

use super::cases::cases;
use crate::error::DistillError;
use crate::evaluation::student_probabilities;
use crate::pipeline::artifacts::{CasesFile, MetricsFile, StudentFolder, TeacherFolder};
use crate::pipeline::stage_context::StageContext;
use crate::pipeline::systems::Systems;
use crate::pipeline::teacher_config::TeacherConfig;
use crate::query_rows::QueryRows;

/// Scores the majority class, the teacher and both students on the test pairs.
#[derive(Clone, Debug)]
pub struct Evaluate<'a> {
    /// The teacher.
    pub teacher: TeacherFolder,
    /// The student trained by cross entropy alone.
    pub student_ce: StudentFolder,
    /// The student trained by CRSD.
    pub student_crsd: StudentFolder,
    /// The pairs that the students learned from: whose most frequent label is the majority's.
    pub log: &'a [LabeledPair],
    /// The pairs that only this stage sees.
    pub test: &'a [LabeledPair],
    /// The labels.
    pub schema: &'a LabelSchema,
    /// Resamples of the bootstrap over queries.
    pub bootstrap_samples: usize,
    /// Where the figures go.
    pub metrics: MetricsFile,
    /// Where some pairs with all answers go.
    pub cases: CasesFile,
}

/// What it found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evaluated {
    /// Of the most frequent label.
    pub macro_f1_majority: f64,
    /// Of the teacher.
    pub macro_f1_teacher: f64,
    /// Of the student trained by cross entropy alone.
    pub macro_f1_student_ce: f64,
    /// Of the student trained by CRSD.
    pub macro_f1_student_crsd: f64,
}

impl Evaluate<'_> {
    /// Runs the stage.
    ///
    /// # Errors
    ///
    /// A model cannot be read or does not fit the pairs; [`DistillError::Interrupted`].
    pub fn run(
        &self,
        config: &TeacherConfig,
        context: &StageContext,
    ) -> Result<Evaluated, DistillError> {
        let (schema, test) = (self.schema, self.test);
        let evaluation = EvaluationConfig::new()
            .with_bootstrap_samples(self.bootstrap_samples)
            .with_seed(context.seed);
        let rows = QueryRows::new(test, schema);

        let teacher = self.teacher.load(&context.device)?;
        let pairs: Vec<_> = test.iter().map(|pair| pair.pair.clone()).collect();
        let of_teacher = teacher.label_probabilities(
            &pairs,
            config.max_new_tokens,
            config.generation_batch_size * schema.len(),
        )?;
        context.check_interrupt()?;
        let of_ce = student_probabilities(&self.student_ce.load(&context.device)?, test)?;
        let of_crsd = student_probabilities(&self.student_crsd.load(&context.device)?, test)?;
        let (ce, crsd) = (rows.predictions(&of_ce)?, rows.predictions(&of_crsd)?);
        let teacher_scores = evaluate(&rows.predictions(&of_teacher)?, &evaluation)?;
        let crsd_scores = evaluate(&crsd, &evaluation)?;
        let systems = Systems {
            majority: evaluate(&rows.predictions(&self.majority())?, &evaluation)?,
            student_ce: evaluate(&ce, &evaluation)?,
            crsd_minus_ce: paired_bootstrap(&ce, &crsd, &evaluation)?,
            retention: crsd_scores.macro_f1.value / teacher_scores.macro_f1.value,
            teacher: teacher_scores,
            student_crsd: crsd_scores,
        };

        let students = [("cross entropy", &of_ce), ("CRSD", &of_crsd)];
        let max_new_tokens = config.max_new_tokens;
        self.cases
            .write(&cases(test, schema, &teacher, max_new_tokens, students)?)?;
        self.metrics.write(&systems)?;
        Ok(Evaluated {
            macro_f1_majority: systems.majority.macro_f1.value,
            macro_f1_teacher: systems.teacher.macro_f1.value,
            macro_f1_student_ce: systems.student_ce.macro_f1.value,
            macro_f1_student_crsd: systems.student_crsd.macro_f1.value,
        })
    }

    /// The label distribution of the log, for every test pair: its most probable class is the majority's.
    fn majority(&self) -> Vec<Vec<f64>> {
        let mut counts = vec![0.0; self.schema.len()];
        for pair in self.log {
            counts[pair.label.index()] += 1.0;
        }
        let total: f64 = counts.iter().sum();
        let distribution: Vec<f64> = counts.into_iter().map(|count| count / total).collect();
        vec![distribution; self.test.len()]
    }
}
