//! What a reader must know before believing the figures.

use super::reward_heads::TrainedRewardHead;
use crate::pipeline::manifest::Manifest;
use crate::pipeline::stage::Stage;
use crate::pipeline::systems::Systems;

/// One sentence or two each.
pub(super) fn notes(manifest: &Manifest, systems: &Systems) -> Vec<String> {
    let config = &manifest.config;
    let mut notes = Vec::new();
    if config.teacher.init.is_none() {
        notes.push(
            "The teacher started from nothing: a decoder of a few million parameters. It learns the form of a \
             reply, not the world. With --teacher-init a real checkpoint takes its place."
                .to_owned(),
        );
    }
    notes.extend(manifest.output(Stage::RewardHeads).map(reward_head));
    let (labels, reasons) = (config.student.labels, config.student.reasons);
    notes.push(format!(
        "The students learn from {} labels; the reasons come from the {}. The teacher did not train on these \
         pairs, and label words were taken out of the reasons.",
        format!("{labels:?}").to_lowercase(),
        format!("{reasons:?}").to_lowercase()
    ));
    notes.push(
        "Both students took the same optimiser steps over the same batches; a CRSD step costs two forward passes."
            .to_owned(),
    );
    if let Some(difference) = systems.crsd_minus_ce.metric("macro_f1") {
        notes.push(format!(
            "CRSD minus cross entropy, macro F1: {:+.4} (95 % interval {:+.4} to {:+.4}, paired bootstrap over {} \
             queries, p = {:.3}). One seed: no claim rests on it.",
            difference.difference.value,
            difference.difference.lower,
            difference.difference.upper,
            systems.crsd_minus_ce.num_queries,
            difference.p_value
        ));
    }
    notes
}

/// Whether the reward head had a say.
fn reward_head(head: TrainedRewardHead) -> String {
    match (&head.held_out, head.warning) {
        (Some(accuracy), None) => format!(
            "The {accuracy}: the head is one dimension of the reward of the replies to those prompts."
        ),
        (_, warning) => format!(
            "Replies were paired by the programmatic dimensions alone: {}.",
            warning.unwrap_or_default()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reward_model::HeldOutAccuracy;

    #[test]
    fn the_report_says_whether_the_head_had_a_say() {
        let head = TrainedRewardHead {
            warning: Some("no pair was found".into()),
            ..TrainedRewardHead::default()
        };
        assert!(reward_head(head).ends_with("dimensions alone: no pair was found."));
        let head = TrainedRewardHead {
            held_out: HeldOutAccuracy::from_margins((0..8).map(|prompt| (prompt, 1.0))),
            ..TrainedRewardHead::default()
        };
        assert!(head.is_used());
        let note = reward_head(head);
        assert!(note.contains("8 of 8 held-out pairs"), "{note}");
        assert!(note.contains("one dimension of the reward"), "{note}");
    }
}
