//! Preference pairs from sampled replies.

use proptest::prelude::*;
use relevance_data::{Label, LabelSchema, PreferencePair};
use reward_model::*;

fn label(index: usize) -> Label {
    LabelSchema::esci().label(index).unwrap()
}

fn reply(text: &str, verdict: Option<usize>, reward: f64) -> ScoredReply {
    let verdict = verdict.map(label);
    let score = RewardScore {
        reward,
        verdict,
        format_error: verdict.is_none().then(|| "no verdict tag".to_owned()),
        dimensions: Vec::new(),
        length: text.len(),
    };
    ScoredReply {
        text: text.to_owned(),
        score,
    }
}

fn prompt(name: &str, replies: Vec<ScoredReply>) -> ScoredPrompt {
    ScoredPrompt {
        prompt: name.to_owned(),
        gold: label(0),
        replies,
    }
}

/// Prompts that give one pair of each kind.
fn plenty(count: usize) -> Vec<ScoredPrompt> {
    (0..count)
        .map(|i| {
            let replies = vec![
                reply(&format!("best {i}"), Some(0), 0.9),
                reply(&format!("worse {i}"), Some(0), 0.6),
                reply(&format!("wrong {i}"), Some(2), 0.3),
            ];
            prompt(&format!("prompt {i}"), replies)
        })
        .collect()
}

#[test]
fn the_shares_are_seventy_and_thirty() {
    let (pairs, report) = build_pairs(&plenty(100), &PairBuilderConfig::default()).unwrap();
    assert_eq!(
        (
            report.wrong_label_candidates,
            report.both_correct_candidates
        ),
        (100, 100)
    );
    assert_eq!(
        (report.wrong_label_pairs, report.both_correct_pairs),
        (100, 43)
    );
    assert!((report.wrong_label_fraction - 0.7).abs() < 0.01);
    assert_eq!(pairs.len(), 143);
    let wrong = pairs
        .iter()
        .filter(|p| p.rejected.starts_with("wrong"))
        .count();
    assert_eq!(wrong, 100);
    assert!(pairs.iter().all(|p| p.chosen.starts_with("best")));
    let numbers = |p: &PreferencePair| p.prompt[7..].parse::<usize>().unwrap();
    assert!(
        pairs.iter().map(numbers).is_sorted(),
        "in the order of the prompts"
    );
    let all = PairBuilderConfig::new().with_enforce_fraction(false);
    assert_eq!(build_pairs(&plenty(100), &all).unwrap().0.len(), 200);
}

#[test]
fn the_seed_decides_which_are_kept() {
    let with = |seed| {
        let config = PairBuilderConfig::new().with_seed(seed);
        build_pairs(&plenty(50), &config).unwrap().0
    };
    assert_eq!(with(1), with(1));
    assert_ne!(with(1), with(2));
}

#[test]
fn a_prompt_gives_its_best_against_its_worst() {
    let replies = vec![
        reply("wrong but dear", Some(1), 0.8), // closer than the margin
        reply("right", Some(0), 0.7),
        reply("best", Some(0), 0.9),
        reply("broken", None, 0.0),
        reply("wrong", Some(3), 0.2),
        reply("wrong", Some(3), 0.2), // said twice
        reply("wronger", Some(3), 0.1),
        reply("as good", Some(0), 0.8),
    ];
    let all = PairBuilderConfig::new().with_enforce_fraction(false);
    let (pairs, report) = build_pairs(&[prompt("p", replies)], &all).unwrap();
    let rejected: Vec<&str> = pairs.iter().map(|p| p.rejected.as_str()).collect();
    assert_eq!(rejected, ["broken", "wronger", "right"]);
    assert_eq!((report.below_margin, report.malformed_pairs), (2, 1));
    assert_eq!(
        (
            report.replies,
            report.malformed_replies,
            report.correct_replies
        ),
        (8, 1, 3)
    );
    assert_eq!(
        (pairs[2].score_chosen, pairs[2].score_rejected),
        (Some(0.9), Some(0.7))
    );
    let mean = ((0.9 - 0.0) + (0.9 - 0.1) + (0.9 - 0.7)) / 3.0;
    assert!((report.mean_margin - mean).abs() < 1e-12);
}

#[test]
fn a_prompt_without_a_correct_reply_gives_nothing() {
    let prompts = [prompt(
        "p",
        vec![reply("a", Some(1), 0.9), reply("b", None, 0.0)],
    )];
    let (pairs, report) = build_pairs(&prompts, &PairBuilderConfig::default()).unwrap();
    assert!(pairs.is_empty());
    assert_eq!((report.prompts, report.prompts_without_correct), (1, 1));
    assert_eq!(
        (report.wrong_label_fraction, report.mean_margin),
        (0.0, 0.0)
    );
}

#[test]
fn one_kind_alone_is_kept() {
    let prompts = [prompt(
        "p",
        vec![reply("a", Some(0), 0.9), reply("b", Some(0), 0.5)],
    )];
    let (pairs, report) = build_pairs(&prompts, &PairBuilderConfig::default()).unwrap();
    assert_eq!((pairs.len(), report.both_correct_pairs), (1, 1));
}

#[test]
fn the_margin_is_inclusive() {
    let at = |rejected: f64| {
        let prompts = [prompt(
            "p",
            vec![reply("a", Some(0), 0.9), reply("b", Some(1), rejected)],
        )];
        build_pairs(&prompts, &PairBuilderConfig::default())
            .unwrap()
            .0
            .len()
    };
    assert_eq!((at(0.75), at(0.7501)), (1, 0));
}

#[test]
fn bad_settings_are_named() {
    let base = PairBuilderConfig::default;
    for (name, config) in [
        ("min_margin", base().with_min_margin(1.5)),
        (
            "wrong_label_fraction",
            base().with_wrong_label_fraction(-0.1),
        ),
        ("max_pairs_per_prompt", base().with_max_pairs_per_prompt(0)),
    ] {
        let message = build_pairs(&[], &config).unwrap_err().to_string();
        assert!(message.contains(name), "{message}");
    }
}

proptest! {
    #[test]
    fn every_pair_is_a_preference(
        prompts in prop::collection::vec(
            prop::collection::vec((prop::option::of(0usize..4), 0.0f64..1.0), 0..8), 0..20),
        fraction in 0.0f64..=1.0,
        seed: u64,
    ) {
        let prompts: Vec<ScoredPrompt> = prompts.into_iter().enumerate().map(|(p, replies)| {
            let replies = replies.into_iter().enumerate().map(|(r, (verdict, reward))| {
                let reward = if verdict.is_none() { 0.0 } else { reward };
                reply(&format!("{p}/{r}"), verdict, reward)
            });
            prompt(&p.to_string(), replies.collect())
        }).collect();
        let config = PairBuilderConfig::new().with_wrong_label_fraction(fraction).with_seed(seed);
        let (pairs, report) = build_pairs(&prompts, &config).unwrap();
        prop_assert_eq!(pairs.len(), report.wrong_label_pairs + report.both_correct_pairs);
        for pair in &pairs {
            let replies = &prompts[pair.prompt.parse::<usize>().unwrap()].replies;
            let chosen = replies.iter().find(|r| r.text == pair.chosen).unwrap();
            let rejected = replies.iter().find(|r| r.text == pair.rejected).unwrap();
            prop_assert_eq!(chosen.score.verdict, Some(label(0)));
            prop_assert!(chosen.score.reward - rejected.score.reward >= 0.15 - 1e-9);
        }
        prop_assert_eq!(build_pairs(&prompts, &config).unwrap().0, pairs);
    }
}
