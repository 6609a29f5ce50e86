//! Annotation: a label, a reason and a confidence for unlabelled pairs (METHOD, stage 1.4).

use std::path::Path;

use causal_lm::GenerationConfig;
use indicatif::{ProgressBar, ProgressStyle};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use relevance_data::{AnnotatedPair, Label, Pair, Provenance, write_annotations};
use serde::{Deserialize, Serialize};
use training_loop::Interrupt;

use crate::error::TeacherError;
use crate::partial_file::{Header, PartialFile};
use crate::teacher::Teacher;
use crate::vote::Vote;

/// How pairs are annotated.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct AnnotateConfig {
    /// The teacher's name, for the annotations' provenance.
    pub teacher: String,
    /// How replies are generated; `num_return_sequences` of them vote. Its seed is the run's.
    pub generation: GenerationConfig,
    /// Whether each annotation carries the teacher's distribution over the labels, as
    /// [`Teacher::label_probabilities`] gives it: what logit distillation needs. Default no.
    pub label_probabilities: bool,
    /// Pairs between two writes to disk. Default 64.
    pub chunk_size: usize,
}

impl Default for AnnotateConfig {
    fn default() -> Self {
        Self {
            teacher: "teacher".into(),
            generation: GenerationConfig {
                do_sample: true,
                temperature: 0.7,
                num_return_sequences: 5,
                ..GenerationConfig::default()
            },
            label_probabilities: false,
            chunk_size: 64,
        }
    }
}

impl AnnotateConfig {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    training_loop::setters! {
        with_teacher: teacher = into String;
        with_generation: generation = GenerationConfig;
        with_label_probabilities: label_probabilities = bool;
        with_chunk_size: chunk_size = usize;
    }

    /// Checks every field.
    ///
    /// # Errors
    /// [`TeacherError::InvalidConfig`] (or, for `generation`, [`TeacherError::Lm`]) names the first
    /// field that is out of range.
    pub fn validate(&self) -> Result<(), TeacherError> {
        TeacherError::positive("chunk_size", self.chunk_size)?;
        Ok(self.generation.validate()?)
    }
}

/// A pair that no reply could be parsed for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AnnotationFailure {
    /// The pair's position, from 0.
    pub row: usize,
    /// The query's identifier.
    pub query_id: String,
    /// The item's identifier.
    pub item_id: String,
    /// Why the first reply could not be parsed.
    pub reason: String,
}

/// What came of an annotation run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct AnnotationReport {
    /// Pairs that were to be annotated.
    pub pairs: usize,
    /// Pairs that are in the file.
    pub annotated: usize,
    /// Pairs that no reply could be parsed for; they are not in the file.
    pub failures: Vec<AnnotationFailure>,
    /// Replies that were sampled.
    pub replies: usize,
    /// Replies that could not be parsed.
    pub parse_failures: usize,
    /// Mean confidence of the annotated pairs, in [0, 1].
    pub mean_confidence: f64,
    /// Whether the run was stopped; there is no file yet, and the same call goes on from here.
    pub interrupted: bool,
}

impl Teacher {
    /// Annotates pairs into the JSON Lines file `out`: for each, the label that most of the sampled
    /// replies give, the first reasoning that led to it, and `confidence`, the share of the replies
    /// that voted for it. Replies that cannot be parsed are counted and vote for nothing; a pair of
    /// which no reply could be parsed is reported.
    ///
    /// `gold` holds each pair's human label where it is known, only to be written along; the
    /// teacher never sees it.
    ///
    /// Pairs that are done are kept in `{out}.partial`; the same call goes on from there, and ends
    /// with the same file as a run that was not interrupted. The file appears whole or not at all.
    ///
    /// ```
    /// use burn::tensor::Device;
    /// use causal_lm::{CausalLmConfig, GenerationConfig};
    /// use relevance_data::{Item, LabelSchema, Pair, Query};
    /// use teacher_train::{AnnotateConfig, PromptTemplate, Teacher, train_bpe_tokenizer};
    /// use training_loop::Interrupt;
    ///
    /// let tokenizer = train_bpe_tokenizer(["usb cable", "garden hose"], 280)?;
    /// let decoder = CausalLmConfig {
    ///     vocab_size: tokenizer.vocab_size(),
    ///     hidden_size: 16, intermediate_size: 32, num_hidden_layers: 1,
    ///     num_attention_heads: 2, num_key_value_heads: 1, max_position_embeddings: 256,
    ///     eos_token_id: vec![tokenizer.eos_id()],
    ///     ..CausalLmConfig::default()
    /// };
    /// let schema = LabelSchema::esci();
    /// let teacher = Teacher {
    ///     model: decoder.init(1, &Device::flex())?,
    ///     tokenizer,
    ///     template: PromptTemplate::compact(&schema),
    ///     schema,
    ///     max_prompt_length: 200,
    /// };
    /// let pair = Pair { query: Query::new("1", "usb cable"), item: Item::new("B1", "USB-C cable") };
    /// let dir = tempfile::tempdir()?;
    /// let out = dir.path().join("annotations.jsonl");
    /// let config = AnnotateConfig::new()
    ///     .with_generation(GenerationConfig { max_new_tokens: 4, ..GenerationConfig::default() });
    ///
    /// let stopped = Interrupt::new();
    /// stopped.request();
    /// let report = teacher.annotate(&[pair.clone()], None, &out, &config, &stopped)?;
    /// assert!(report.interrupted && !out.exists());
    /// let report = teacher.annotate(&[pair], None, &out, &config, &Interrupt::new())?;
    /// // A decoder that has learnt nothing: its reply has no verdict, and the pair is reported.
    /// assert_eq!((report.pairs, report.annotated, report.failures.len()), (1, 0, 1));
    /// assert!(out.exists());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// A configuration out of range, a prompt that does not fit, a partial file of another run, a
    /// file that cannot be written, and whatever the decoder reports.
    pub fn annotate(
        &self,
        pairs: &[Pair],
        gold: Option<&[Label]>,
        out: &Path,
        config: &AnnotateConfig,
        interrupt: &Interrupt,
    ) -> Result<AnnotationReport, TeacherError> {
        config.validate()?;
        if let Some(gold) = gold.filter(|gold| gold.len() != pairs.len()) {
            let allowed = format!("one for each of the {} pairs", pairs.len());
            let found = format!("{} labels", gold.len());
            return Err(TeacherError::invalid("gold", found, allowed));
        }
        let header = Header {
            pairs: pairs.len(),
            fingerprint: self.fingerprint(pairs, config),
        };
        let mut partial = PartialFile::open(out, &header)?;
        let bar = progress_bar(pairs.len(), partial.votes.len());
        while partial.votes.len() < pairs.len() {
            if interrupt.is_requested() {
                bar.abandon();
                let mut report = report(pairs, &partial.votes, config);
                report.interrupted = true;
                return Ok(report);
            }
            let start = partial.votes.len();
            let end = (start + config.chunk_size).min(pairs.len());
            partial.append(self.votes(&pairs[start..end], start, config)?)?;
            bar.inc((end - start) as u64);
        }
        bar.finish_and_clear();
        let annotations = self.annotations(pairs, gold, &partial.votes, config)?;
        write_annotations(out, &annotations, &self.schema)?;
        let report = report(pairs, &partial.votes, config);
        partial.remove()?;
        Ok(report)
    }

    fn votes(
        &self,
        pairs: &[Pair],
        first_row: usize,
        config: &AnnotateConfig,
    ) -> Result<Vec<Vote>, TeacherError> {
        let prompts = self.prompts(pairs)?;
        let seeds: Vec<u64> = (first_row..first_row + pairs.len())
            .map(|row| row_seed(config.generation.seed, row))
            .collect();
        let replies = self.seeded_replies(&prompts, &seeds, &config.generation)?;
        let count =
            |replies: Vec<String>| Vote::count(&replies, &self.template.format, &self.schema);
        let mut votes: Vec<Vote> = replies.into_iter().map(count).collect();
        if config.label_probabilities {
            let GenerationConfig {
                max_new_tokens,
                batch_size,
                ..
            } = config.generation;
            let rows = self.label_probabilities(pairs, max_new_tokens, batch_size)?;
            for (vote, row) in votes.iter_mut().zip(rows) {
                vote.probabilities = Some(row.into_iter().map(|p| p as f32).collect());
            }
        }
        Ok(votes)
    }

    fn annotations(
        &self,
        pairs: &[Pair],
        gold: Option<&[Label]>,
        votes: &[Vote],
        config: &AnnotateConfig,
    ) -> Result<Vec<AnnotatedPair>, TeacherError> {
        let samples = config.generation.num_return_sequences as u32;
        let mut annotations = Vec::new();
        for (row, (pair, vote)) in pairs.iter().zip(votes).enumerate() {
            let Some(winner) = &vote.winner else { continue };
            annotations.push(AnnotatedPair {
                pair: pair.clone(),
                label: self.schema.parse(&winner.label)?,
                rationale: winner.rationale.clone(),
                confidence: winner.votes as f32 / samples as f32,
                gold: gold.map(|gold| gold[row]),
                probabilities: vote.probabilities.clone(),
                provenance: Provenance {
                    teacher: config.teacher.clone(),
                    samples,
                    votes: winner.votes,
                    parse_failures: vote.parse_failures,
                    seed: config.generation.seed,
                },
            });
        }
        Ok(annotations)
    }

    /// A hash of everything that decides the votes, apart from the decoder's weights.
    fn fingerprint(&self, pairs: &[Pair], config: &AnnotateConfig) -> String {
        use std::hash::{DefaultHasher, Hash, Hasher};
        let mut hasher = DefaultHasher::new();
        pairs.hash(&mut hasher);
        // Debug output holds every field; rows that run together do not change the votes.
        let generation = GenerationConfig {
            batch_size: 1,
            ..config.generation.clone()
        };
        format!(
            "{generation:?} {:?} {:?} {} {} {}",
            self.template,
            self.schema,
            self.max_prompt_length,
            config.teacher,
            config.label_probabilities
        )
        .hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

/// A pair's own seed.
fn row_seed(seed: u64, row: usize) -> u64 {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(row as u64);
    rng.next_u64()
}

fn progress_bar(pairs: usize, done: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("annotate {wide_bar} {pos}/{len} pairs, {eta} left")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(pairs as u64)
        .with_style(style)
        .with_position(done as u64)
}

fn report(pairs: &[Pair], votes: &[Vote], config: &AnnotateConfig) -> AnnotationReport {
    let samples = config.generation.num_return_sequences;
    let won: Vec<f64> = votes
        .iter()
        .filter_map(|vote| vote.winner.as_ref())
        .map(|winner| f64::from(winner.votes) / samples as f64)
        .collect();
    let failure = |(row, (pair, vote)): (usize, (&Pair, &Vote))| AnnotationFailure {
        row,
        query_id: pair.query.id.clone(),
        item_id: pair.item.id.clone(),
        reason: vote.first_failure.clone().unwrap_or_default(),
    };
    AnnotationReport {
        pairs: pairs.len(),
        annotated: won.len(),
        failures: pairs
            .iter()
            .zip(votes)
            .enumerate()
            .filter(|(_, (_, vote))| vote.winner.is_none())
            .map(failure)
            .collect(),
        replies: votes.len() * samples,
        parse_failures: votes.iter().map(|vote| vote.parse_failures as usize).sum(),
        mean_confidence: won.iter().fold(0.0, |sum, share| sum + share) / won.len().max(1) as f64,
        interrupted: false,
    }
}
