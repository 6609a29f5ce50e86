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
    let (Some(accuracy), Some(p_value)) = (head.held_out_accuracy, head.held_out_p_value) else {
        return format!(
            "Replies were paired by the programmatic dimensions alone: {}.",
            head.warning.unwrap_or_default()
        );
    };
    let outcome = match head.above_chance {
        true => "it is a dimension of the reward of the replies to those queries",
        false => "replies were paired by the programmatic dimensions alone",
    };
    format!(
        "The reward head orders {:.1} % of {} preference pairs of queries that it did not learn from as the \
         programmatic dimensions do (a coin would with probability {p_value:.3}): {outcome}.",
        100.0 * accuracy,
        head.held_out_pairs
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_says_whether_the_head_had_a_say() {
        let mut head = TrainedRewardHead {
            warning: Some("no pair was found".into()),
            ..TrainedRewardHead::default()
        };
        assert!(reward_head(head.clone()).ends_with("dimensions alone: no pair was found."));
        head.held_out_pairs = 40;
        head.held_out_accuracy = Some(0.55);
        head.held_out_p_value = Some(0.25);
        let note = reward_head(head.clone());
        assert!(note.contains("55.0 % of 40") && note.contains("programmatic dimensions alone"));
        head.above_chance = true;
        assert!(reward_head(head).contains("a dimension of the reward"));
    }
}
