//! Where everything of a run lies.

use std::path::{Path, PathBuf};

use super::artifacts::{
    AnnotationsFile, CasesFile, MetricsFile, PreferencesFile, RewardHeadsFolder, StudentFolder,
    TeacherFolder,
};
use super::replies_file::RepliesFile;
use super::stage::Stage;

/// The folder of a run: what a user looks at lies on top, what stages keep for themselves and for each
/// other under `stages/NAME/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// The folder, whether it is there yet or not.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self(root.into())
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.0
    }

    /// What ran, with what, and which stages are finished.
    pub fn manifest(&self) -> PathBuf {
        self.0.join("manifest.json")
    }

    /// Where a stage keeps its checkpoints and its log.
    pub fn stage(&self, stage: Stage) -> PathBuf {
        self.0.join("stages").join(stage.name())
    }

    /// The teacher after pre-training.
    pub fn pretrained_teacher(&self) -> TeacherFolder {
        TeacherFolder(self.stage(Stage::Pretrain).join("model"))
    }

    /// The teacher after fine-tuning.
    pub fn tuned_teacher(&self) -> TeacherFolder {
        TeacherFolder(self.stage(Stage::Sft).join("model"))
    }

    /// The finished teacher.
    pub fn teacher(&self) -> TeacherFolder {
        TeacherFolder(self.0.join("teacher"))
    }

    /// The replies of the fine-tuned teacher.
    pub fn replies(&self) -> RepliesFile {
        RepliesFile(self.0.join("replies.jsonl"))
    }

    /// The reward head.
    pub fn reward_heads(&self) -> RewardHeadsFolder {
        RewardHeadsFolder(self.stage(Stage::RewardHeads).join("model"))
    }

    /// The preference pairs.
    pub fn preferences(&self) -> PreferencesFile {
        PreferencesFile(self.0.join("preferences.jsonl"))
    }

    /// The log pairs with labels and reasons.
    pub fn annotations(&self) -> AnnotationsFile {
        AnnotationsFile(self.0.join("annotations.jsonl"))
    }

    /// The student trained by cross entropy alone.
    pub fn student_ce(&self) -> StudentFolder {
        StudentFolder(self.0.join("student-ce"))
    }

    /// The student trained by CRSD.
    pub fn student(&self) -> StudentFolder {
        StudentFolder(self.0.join("student"))
    }

    /// The figures of every system.
    pub fn metrics(&self) -> MetricsFile {
        MetricsFile(self.0.join("metrics.json"))
    }

    /// Some test pairs with every system's answer.
    pub fn cases(&self) -> CasesFile {
        CasesFile(self.stage(Stage::Evaluate).join("cases.json"))
    }

    /// The page to look at.
    pub fn report(&self) -> PathBuf {
        self.0.join("report.html")
    }
}
