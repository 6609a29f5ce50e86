//! From several replies to one verdict.

use relevance_data::{Label, LabelSchema, Rationale, ReplyError, ReplyFormat};
use serde::{Deserialize, Serialize};

/// What the replies to one prompt agree on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Vote {
    /// The verdict by name and the first reasoning that led to it; none if no reply could be parsed.
    pub(crate) winner: Option<Winner>,
    /// Replies that could not be parsed.
    pub(crate) parse_failures: u32,
    /// Why the first of them could not.
    pub(crate) first_failure: Option<String>,
    /// The teacher's distribution over the labels, where it was asked for.
    pub(crate) probabilities: Option<Vec<f32>>,
}

/// The verdict of most replies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Winner {
    pub(crate) label: String,
    pub(crate) rationale: Rationale,
    pub(crate) votes: u32,
}

impl Vote {
    /// Counts the verdicts of `replies`; of labels with equally many votes, the one that was voted
    /// for first wins.
    pub(crate) fn count(replies: &[String], format: &ReplyFormat, schema: &LabelSchema) -> Self {
        let mut failures: Vec<ReplyError> = Vec::new();
        let mut candidates: Vec<(Label, Rationale, u32)> = Vec::new();
        for reply in replies {
            match format.parse(reply, schema) {
                Err(error) => failures.push(error),
                Ok(reply) => {
                    match candidates
                        .iter_mut()
                        .find(|(label, ..)| *label == reply.verdict)
                    {
                        Some((.., votes)) => *votes += 1,
                        None => candidates.push((reply.verdict, reply.rationale, 1)),
                    }
                }
            }
        }
        let most = candidates.iter().map(|(.., votes)| *votes).max();
        let winner = candidates
            .into_iter()
            .find(|(.., votes)| Some(*votes) == most);
        Self {
            winner: winner.map(|(label, rationale, votes)| Winner {
                label: schema.name(label).to_owned(),
                rationale,
                votes,
            }),
            parse_failures: failures.len() as u32,
            first_failure: failures.first().map(ToString::to_string),
            probabilities: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vote(replies: &[&str]) -> Vote {
        let replies: Vec<String> = replies.iter().map(|reply| (*reply).to_owned()).collect();
        Vote::count(&replies, &ReplyFormat::default(), &LabelSchema::esci())
    }

    #[test]
    fn the_majority_wins_with_its_first_reason() {
        let vote = vote(&[
            "one\n<label>Irrelevant</label>",
            "two\n<label>Exact</label>",
            "three\n<label>Exact</label>",
            "no tag",
        ]);
        let winner = vote.winner.expect("there is one");
        assert_eq!((winner.label.as_str(), winner.votes), ("Exact", 2));
        assert_eq!(winner.rationale.as_str(), "two");
        assert_eq!(vote.parse_failures, 1);
    }

    #[test]
    fn a_tie_goes_to_the_first_and_nothing_to_nobody() {
        let tied = vote(&["a\n<label>Substitute</label>", "b\n<label>Exact</label>"]);
        assert_eq!(tied.winner.expect("there is one").label, "Substitute");
        let none = vote(&["", "nothing"]);
        assert_eq!((none.winner, none.parse_failures), (None, 2));
        assert!(none.first_failure.expect("told").contains("verdict tag"));
    }
}
