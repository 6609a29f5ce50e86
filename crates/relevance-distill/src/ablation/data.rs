//! What every cell learns from and is scored on.

use std::path::Path;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use relevance_data::{
    EsciFilter, LabelSchema, LabeledPair, RationaleWriter, normalize_query, read_annotations,
};
use sha2::{Digest, Sha256};
use student_model::{StudentExample, StudentReason};

use super::grid::{Cell, Reason};
use crate::error::DistillError;
use crate::esci_folder::open_esci;
use crate::student_examples::{StudentLabels, student_examples};
use crate::whole_queries::{limit, queries};

/// Training pairs with reasons, and test pairs. No normalised query stands in both.
#[derive(Clone, Debug)]
pub(super) struct AblationData {
    /// The label schema of all of them.
    pub(super) schema: LabelSchema,
    /// Pairs with gold labels.
    pub(super) gold: Vec<StudentExample>,
    /// The same pairs with the teacher's labels and distributions; none if the reasons come from the
    /// deterministic writer.
    pub(super) teacher: Option<Vec<StudentExample>>,
    /// Pairs that only the evaluation sees.
    pub(super) test: Vec<LabeledPair>,
}

/// Which pairs are read.
#[derive(Clone, Debug)]
pub(super) struct AblationPairs<'a> {
    /// Folder of the two official ESCI files: test pairs, and training pairs without `annotations`.
    pub(super) data: &'a Path,
    /// Annotations to train on; they must carry gold labels.
    pub(super) annotations: Option<&'a Path>,
    /// Locales to keep; all if empty.
    pub(super) locales: &'a [String],
    /// At most this many training pairs, in whole queries.
    pub(super) max_train_pairs: Option<usize>,
    /// Which queries stay under the limit.
    pub(super) seed: u64,
}

impl AblationData {
    /// Reads the pairs.
    ///
    /// # Errors
    ///
    /// A file cannot be read; a part is empty.
    pub(super) fn read(pairs: &AblationPairs<'_>) -> Result<Self, DistillError> {
        let schema = LabelSchema::esci();
        let filter = |split: &str| match pairs.locales {
            [] => EsciFilter::split(split),
            locales => EsciFilter::split(split).with_locales(locales),
        };
        let dataset = open_esci(pairs.data)?;
        let test = dataset.pairs(&filter("test"))?;
        let test_queries = queries(&test);
        let unseen = |text: &str| !test_queries.contains(&normalize_query(text));
        let (gold, teacher) = match pairs.annotations {
            None => {
                let train = dataset.pairs(&filter("train"))?.into_iter();
                let train = train.filter(|pair| unseen(&pair.pair.query.text)).collect();
                let train = limit(train, pairs.max_train_pairs, pairs.seed);
                (written(&train, &schema), None)
            }
            Some(path) => {
                let rows = read_annotations(path, &schema)?.into_iter();
                let rows: Vec<_> = rows
                    .filter(|row| row.gold.is_some() && unseen(&row.pair.query.text))
                    .take(pairs.max_train_pairs.unwrap_or(usize::MAX))
                    .collect();
                let teacher = student_examples(rows.clone(), &schema, StudentLabels::Teacher);
                let gold = student_examples(rows, &schema, StudentLabels::Gold);
                (gold, Some(teacher))
            }
        };
        if gold.is_empty() {
            return Err(DistillError::EmptyPart {
                part: "training",
                hint: "no pair has a gold label, a reason and a query that is not a test query"
                    .into(),
            });
        }
        Ok(Self {
            schema,
            gold,
            teacher,
            test,
        })
    }

    /// The examples of a cell; none if it needs a teacher and there is none.
    pub(super) fn examples(&self, cell: &Cell, seed: u64) -> Option<Vec<StudentExample>> {
        let mut examples = match (cell.needs_teacher(), cell.labels) {
            (false, _) => self.gold.clone(),
            (true, StudentLabels::Teacher) => self.teacher.clone()?,
            (true, StudentLabels::Gold) => {
                self.teacher.as_ref()?;
                self.gold.clone()
            }
        };
        let distributed = |e: &StudentExample| e.teacher_probabilities.is_some();
        if cell.objective.needs_teacher_probabilities() && !examples.iter().all(distributed) {
            return None;
        }
        match cell.reason {
            Reason::Own => {}
            Reason::Shuffled => shuffle_within_labels(&mut examples, seed),
            Reason::BareLabel => {
                let names = self.schema.names();
                for example in &mut examples {
                    example.reason = StudentReason::leaking_the_label(&names[example.label]);
                }
            }
        }
        Some(examples)
    }

    /// Identifies the pairs, their labels and reasons.
    pub(super) fn hash(&self) -> String {
        let mut hasher = Sha256::new();
        for example in self.gold.iter().chain(self.teacher.iter().flatten()) {
            hasher.update(format!("{example:?}\n"));
        }
        for pair in &self.test {
            hasher.update(format!("{pair:?}\n"));
        }
        let digest = hasher.finalize();
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The pairs with the reasons of the deterministic writer, which is given the gold label.
fn written(pairs: &[LabeledPair], schema: &LabelSchema) -> Vec<StudentExample> {
    let writer = RationaleWriter::new(schema.clone());
    let example = |pair: &LabeledPair| {
        let reason = StudentReason::new(&writer.write(pair), schema)?;
        Some(StudentExample::from_labeled(pair).with_reason(reason))
    };
    pairs.iter().filter_map(example).collect()
}

/// Gives each pair the reason of a random pair with the same label.
fn shuffle_within_labels(examples: &mut [StudentExample], seed: u64) {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let classes = examples.iter().map(|e| e.label + 1).max().unwrap_or(0);
    for class in 0..classes {
        let members: Vec<usize> = (0..examples.len())
            .filter(|&i| examples[i].label == class)
            .collect();
        let mut reasons: Vec<Option<StudentReason>> =
            members.iter().map(|&i| examples[i].reason.take()).collect();
        reasons.shuffle(&mut random);
        for (&i, reason) in members.iter().zip(reasons) {
            examples[i].reason = reason;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::grid::grid;
    use super::*;

    fn data(teacher: bool) -> AblationData {
        let example = |i: usize| {
            let reason = StudentReason::leaking_the_label(format!("reason {i}"));
            StudentExample::new(format!("query {i}"), format!("item {i}"), i % 2)
                .with_reason(reason)
        };
        let gold: Vec<_> = (0..40).map(example).collect();
        AblationData {
            schema: LabelSchema::esci(),
            teacher: teacher.then(|| gold.clone()),
            gold,
            test: Vec::new(),
        }
    }

    fn cell(id: &str) -> Cell {
        let mut cells = grid(0.05, 0.1).into_iter();
        cells.find(|cell| cell.id == id).expect("in the grid")
    }

    #[test]
    fn shuffled_reasons_keep_their_label() {
        let data = data(false);
        let shuffled = data.examples(&cell("i"), 1).expect("no teacher needed");
        let reasons = |examples: &[StudentExample], class| {
            let mut reasons: Vec<_> = examples
                .iter()
                .filter(|e| e.label == class)
                .map(|e| e.reason.clone())
                .collect();
            reasons.sort();
            reasons
        };
        for class in 0..2 {
            assert_eq!(reasons(&shuffled, class), reasons(&data.gold, class));
        }
        assert_ne!(shuffled, data.gold);
        assert_eq!(data.examples(&cell("i"), 1), Some(shuffled));
    }

    #[test]
    fn the_bare_label_is_its_name() {
        let examples = data(false).examples(&cell("j"), 1).expect("examples");
        let reason = examples[1].reason.as_ref().map(StudentReason::as_str);
        assert_eq!(reason, Some("Substitute"));
    }

    #[test]
    fn cells_of_a_teacher_need_one() {
        assert!(data(false).examples(&cell("b"), 1).is_none());
        assert!(data(true).examples(&cell("b"), 1).is_some());
        assert!(
            data(true).examples(&cell("c"), 1).is_none(),
            "no distribution"
        );
    }
}
