//! The shapes that are measured; `peers/shapes.py` holds the same.

/// Classes of the classifier, as in ESCI.
pub const NUM_CLASSES: usize = 4;

/// One batch of the loss.
#[derive(Debug, Clone, Copy)]
pub struct LossShape {
    /// Examples, `b`.
    pub batch: usize,
    /// Width of a representation, `h`.
    pub hidden: usize,
}

impl LossShape {
    /// Name of the case, the same as the peers'.
    pub fn id(self) -> String {
        format!("b{}_h{}", self.batch, self.hidden)
    }
}

/// One batch of the student.
#[derive(Debug, Clone, Copy)]
pub struct StudentShape {
    /// Pairs, `b`.
    pub batch: usize,
    /// Tokens of each pair, `t`; none is padding.
    pub tokens: usize,
}

impl StudentShape {
    /// Name of the case, the same as the peers'.
    pub fn id(self) -> String {
        format!("b{}_t{}", self.batch, self.tokens)
    }
}

const fn loss(batch: usize, hidden: usize) -> LossShape {
    LossShape { batch, hidden }
}

const fn student(batch: usize, tokens: usize) -> StudentShape {
    StudentShape { batch, tokens }
}

/// Batches of the loss: small, the method's default, and what GradCache reaches; MiniLM's width
/// and BERT base's.
pub const LOSS_SHAPES: [LossShape; 6] = [
    loss(64, 384),
    loss(256, 384),
    loss(1024, 384),
    loss(64, 768),
    loss(256, 768),
    loss(1024, 768),
];

/// Batches of the student: one pair, a small list, a training batch, a rerank; short, usual and full
/// inputs.
pub const STUDENT_SHAPES: [StudentShape; 10] = [
    student(1, 32),
    student(1, 64),
    student(1, 128),
    student(8, 32),
    student(8, 64),
    student(8, 128),
    student(32, 32),
    student(32, 64),
    student(32, 128),
    student(128, 64),
];

/// Pairs, tokens of the plain and of the reasoned view of one CRSD step; none is padding.
#[derive(Debug, Clone, Copy)]
pub struct StepShape {
    /// Pairs, `b`.
    pub batch: usize,
    /// Tokens of each plain view.
    pub tokens: usize,
    /// Tokens of each reasoned view.
    pub reasoned_tokens: usize,
}

impl StepShape {
    /// Name of the case, the same as the peers'.
    pub fn id(self) -> String {
        format!("b{}_t{}_r{}", self.batch, self.tokens, self.reasoned_tokens)
    }
}

/// The training step: the usual lengths of a pair, and of a pair with its reason.
pub const STEP_SHAPES: [StepShape; 1] = [StepShape {
    batch: 32,
    tokens: 64,
    reasoned_tokens: 128,
}];
