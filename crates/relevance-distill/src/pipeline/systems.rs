//! The systems that a run compares.

use relevance_eval::{Evaluation, PairedComparison};
use serde::{Deserialize, Serialize};

/// What `metrics.json` holds: every system on the same test pairs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Systems {
    /// Always the most frequent label of the log pairs, with that label's distribution.
    pub majority: Evaluation,
    /// The teacher as a classifier.
    pub teacher: Evaluation,
    /// The student trained by cross entropy alone.
    pub student_ce: Evaluation,
    /// The student trained by CRSD.
    pub student_crsd: Evaluation,
    /// CRSD minus cross entropy alone: paired bootstrap over queries.
    pub crsd_minus_ce: PairedComparison,
    /// Macro F1 of the CRSD student over the teacher's.
    pub retention: f64,
}

impl Systems {
    /// The systems with their names, in the order of the tables.
    pub fn named(&self) -> [(&'static str, &Evaluation); 4] {
        [
            ("majority class", &self.majority),
            ("teacher", &self.teacher),
            ("student, cross entropy", &self.student_ce),
            ("student, CRSD", &self.student_crsd),
        ]
    }
}
