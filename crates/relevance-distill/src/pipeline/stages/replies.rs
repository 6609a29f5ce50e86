//! Stage 1.3, to begin with: what the teacher replies when it may choose its words.

use causal_lm::GenerationConfig;
use relevance_data::LabeledPair;
use serde::Serialize;

use crate::error::DistillError;
use crate::pipeline::artifacts::TeacherFolder;
use crate::pipeline::replies_file::{RepliesFile, SampledReplies};
use crate::pipeline::stage_context::StageContext;
use crate::pipeline::teacher_config::TeacherConfig;

/// Samples several replies to each of some prompts.
#[derive(Clone, Debug)]
pub struct SampleReplies<'a> {
    /// The fine-tuned teacher.
    pub teacher: TeacherFolder,
    /// What it is asked about: some of them, spread evenly.
    pub pairs: &'a [LabeledPair],
    /// Where the replies go.
    pub out: RepliesFile,
}

/// What it found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sampled {
    /// Prompts.
    pub prompts: usize,
    /// Replies in all.
    pub replies: usize,
}

impl SampleReplies<'_> {
    /// Runs the stage.
    ///
    /// # Errors
    ///
    /// The teacher cannot be read; a query alone is longer than a prompt may be; whatever generation
    /// reports; [`DistillError::Interrupted`].
    pub fn run(
        &self,
        config: &TeacherConfig,
        context: &StageContext,
    ) -> Result<Sampled, DistillError> {
        let teacher = self.teacher.load(&context.device)?;
        let asked = spread(self.pairs, config.preference_prompts);
        let prompts = teacher.prompts(asked.iter().map(|pair| &pair.pair))?;
        let generation = GenerationConfig {
            do_sample: true,
            ..config.generation(config.replies_per_prompt, context.seed)
        };
        let replies = teacher.replies(&prompts, &generation)?;
        context.check_interrupt()?;
        let rows = asked.into_iter().zip(prompts).zip(replies);
        let rows: Vec<SampledReplies> = rows
            .map(|((pair, prompt), replies)| SampledReplies {
                pair: pair.clone(),
                prompt,
                replies,
            })
            .collect();
        self.out.write(&rows, &teacher.schema)?;
        Ok(Sampled {
            prompts: rows.len(),
            replies: rows.iter().map(|row| row.replies.len()).sum(),
        })
    }
}

/// At most `count` pairs, spread evenly, so that many queries are among them.
fn spread(pairs: &[LabeledPair], count: usize) -> Vec<&LabeledPair> {
    let count = count.min(pairs.len());
    (0..count)
        .map(|i| &pairs[i * pairs.len() / count])
        .collect()
}
