//! What the benches share: the shapes they measure, the device they run on, and inputs that are
//! the same in every run. The same work in PyTorch lies in `peers/`; `compare` runs both sides and
//! prints their ratios. See `README.md`.
//!
//! ```
//! assert_eq!(benches::LossShape { batch: 64, hidden: 384 }.id(), "b64_h384");
//! ```

mod contest;
mod device;
mod esci;
mod exchange;
mod harness;
mod minilm;
mod process;
mod shapes;
mod student;
mod tensors;

pub use contest::Contest;
pub use device::bench_device;
pub use esci::{Fields, RerankList, pairs, rerank_lists};
pub use exchange::{ContestArgs, log_probabilities, token_lists};
pub use harness::run;
pub use minilm::minilm;
pub use process::{cpu_seconds, peak_memory};
pub use shapes::{
    LOSS_SHAPES, LossShape, NUM_CLASSES, STEP_SHAPES, STUDENT_SHAPES, StepShape, StudentShape,
};
pub use student::student;
pub use tensors::{labels, random_matrix, token_batch, token_ids};
