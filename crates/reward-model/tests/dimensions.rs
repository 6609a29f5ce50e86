//! What each programmatic dimension scores, and how they make one reward.

use relevance_data::{
    Item, Label, LabelSchema, LabeledPair, Pair, Query, Rationale, RationaleWriter, Reply,
    ReplyFormat,
};
use reward_model::*;

fn pair() -> Pair {
    Pair {
        query: Query::new("q1", "red acme mug 350 ml"),
        item: Item {
            brand: "Acme".into(),
            color: "Blue".into(),
            ..Item::new("B1", "Acme Ceramic Mug, Blue, 350 ml")
        },
    }
}

fn label(name: &str) -> Label {
    LabelSchema::esci().parse(name).unwrap()
}

fn reply(rationale: &str, verdict: &str) -> Reply {
    Reply {
        rationale: Rationale::new(rationale),
        verdict: label(verdict),
    }
}

fn score(dimension: &dyn RewardDimension, reply: &Reply, gold: Option<&str>) -> Option<f64> {
    let (schema, pair) = (LabelSchema::esci(), pair());
    let gold = gold.map(label);
    dimension
        .score(
            reply,
            &RewardInput {
                prompt: "p",
                pair: &pair,
                gold,
                schema: &schema,
            },
        )
        .unwrap()
}

#[test]
fn correctness_is_ordinal_or_exact() {
    let right = |verdict, gold| score(&Correctness::Ordinal, &reply("r", verdict), gold);
    assert_eq!(right("E", Some("E")), Some(1.0));
    assert_eq!(right("S", Some("E")), Some(1.0 - 1.0 / 3.0));
    assert_eq!(right("I", Some("E")), Some(0.0));
    assert_eq!(right("I", None), None);
    let exact = |verdict| score(&Correctness::Exact, &reply("r", verdict), Some("E"));
    assert_eq!((exact("E"), exact("S")), (Some(1.0), Some(0.0)));
}

#[test]
fn grounding_counts_the_spans_that_are_there() {
    let grounded = |text| score(&Grounding, &reply(text, "E"), None).unwrap();
    assert_eq!(grounded("It has \"Mug\" and \"350  ML\"."), 1.0);
    assert_eq!(grounded("\"red\" is in the query, \"green\" nowhere."), 0.5);
    assert_eq!(grounded("\"cera\" is not a word of it."), 0.0);
    assert_eq!(grounded("It cites nothing."), 0.0);
}

#[test]
fn consistency_compares_verdict_and_reasoning() {
    let schema = LabelSchema::esci();
    let examples: Vec<(Rationale, Label)> = ["E", "I"]
        .iter()
        .flat_map(|name| {
            let word = if *name == "E" { "agrees" } else { "differs" };
            (0..5).map(move |i| {
                (
                    Rationale::new(format!("the colour {i} {word}")),
                    label(name),
                )
            })
        })
        .collect();
    let labeler = BagOfWordsLabeler::fit(&examples, &schema).unwrap();
    assert_eq!(labeler.accuracy(&examples), 1.0);
    let consistency = Consistency::new(labeler);
    assert_eq!(
        score(&consistency, &reply("the brand agrees", "E"), None),
        Some(1.0)
    );
    assert_eq!(
        score(&consistency, &reply("the brand agrees", "I"), None),
        Some(0.0)
    );
    assert_eq!(score(&consistency, &reply("未知", "I"), None), None);
    assert!(matches!(
        BagOfWordsLabeler::fit(&[], &schema),
        Err(RewardError::NoExamples { .. })
    ));
}

#[test]
fn the_rationale_writer_keeps_every_default_rule() {
    let schema = LabelSchema::esci();
    let labeled = LabeledPair {
        pair: pair(),
        label: label("S"),
    };
    let rationale = RationaleWriter::new(schema.clone()).write(&labeled);
    let input = RewardInput {
        prompt: "p",
        pair: &labeled.pair,
        gold: None,
        schema: &schema,
    };
    for (rule, holds) in RuleAdherence::default().outcomes(&rationale, &input) {
        assert!(holds, "{rule:?} in\n{rationale}");
    }
    let written = Reply {
        rationale,
        verdict: label("S"),
    };
    assert_eq!(score(&Grounding, &written, None), Some(1.0));
    assert_eq!(score(&Conciseness::default(), &written, None), Some(1.0));
}

#[test]
fn each_rule_can_be_broken() {
    let schema = LabelSchema::esci();
    let pair = pair();
    let input = RewardInput {
        prompt: "p",
        pair: &pair,
        gold: None,
        schema: &schema,
    };
    let holds = |rule: Rule, text: &str| rule.holds(&Rationale::new(text), &input);
    let section = || Rule::Section {
        heading: "Intent".into(),
    };
    assert!(holds(section(), "x\nintent: a mug"));
    assert!(!holds(section(), "intent:  \nIntention: a mug"));
    let order = || Rule::SectionOrder {
        headings: vec!["A".into(), "B".into(), "C".into()],
    };
    assert!(holds(order(), "A: 1\nC: 2"));
    assert!(!holds(order(), "C: 1\nA: 2"));
    assert!(!holds(Rule::NoLabelWords, "It is an exact match."));
    assert!(holds(Rule::NoLabelWords, "It is a match."));
    assert!(holds(Rule::Citations { at_least: 2 }, "\"a\" \"b\""));
    assert!(!holds(Rule::Citations { at_least: 3 }, "\"a\" \"b\""));
    assert!(!holds(Rule::NoRepeatedLine, "Same.\nother\nsame."));

    let rules = vec![
        WeightedRule {
            rule: section(),
            weight: 1.0,
        },
        WeightedRule {
            rule: Rule::NoLabelWords,
            weight: 3.0,
        },
    ];
    let rubric = RuleAdherence::new(rules).unwrap();
    assert_eq!(score(&rubric, &reply("nothing", "E"), None), Some(0.75));
    assert_eq!(score(&rubric, &reply("exactly", "E"), None), Some(0.0));
    assert!(RuleAdherence::new(vec![]).is_err());
    let weight = vec![WeightedRule {
        rule: section(),
        weight: 0.0,
    }];
    assert!(
        RuleAdherence::new(weight)
            .unwrap_err()
            .to_string()
            .contains("rules[0].weight")
    );
}

#[test]
fn conciseness_has_a_band() {
    let band = Conciseness {
        min_length: 4,
        max_length: 8,
        slack: 4,
    };
    let of = |length: usize| score(&band, &reply(&"é".repeat(length), "E"), None).unwrap();
    assert_eq!(
        [of(2), of(4), of(8), of(9), of(12), of(50)],
        [0.5, 1.0, 1.0, 0.75, 0.0, 0.0]
    );
    assert!(
        Conciseness {
            min_length: 9,
            ..band
        }
        .validate()
        .is_err()
    );
    assert!(Conciseness { slack: 0, ..band }.validate().is_err());
}

/// A dimension with a fixed score.
struct Fixed(&'static str, Option<f64>);

impl RewardDimension for Fixed {
    fn name(&self) -> &str {
        self.0
    }
    fn score(&self, _: &Reply, _: &RewardInput<'_>) -> Result<Option<f64>, RewardError> {
        Ok(self.1)
    }
}

fn fixed(scores: &[(&'static str, Option<f64>)]) -> Result<RewardScore, RewardError> {
    let dimensions = scores
        .iter()
        .map(|&(n, s)| Box::new(Fixed(n, s)) as Box<dyn RewardDimension>);
    let weights = DimensionWeights::default();
    let reward = CompositeReward::weighted(ReplyFormat::default(), dimensions, &weights)?;
    let (schema, pair) = (LabelSchema::esci(), pair());
    let input = RewardInput {
        prompt: "p",
        pair: &pair,
        gold: None,
        schema: &schema,
    };
    reward.score("because\n<label>E</label>", &input)
}

#[test]
fn the_reward_is_the_weighted_sum() {
    let mut scores = [
        ("correctness", Some(1.0)),
        ("consistency", Some(0.0)),
        ("grounding", Some(0.5)),
        ("rule_adherence", Some(1.0)),
        ("conciseness", Some(0.2)),
    ];
    let expected = 0.40 + 0.5 * 0.15 + 0.15 + 0.2 * 0.10;
    let score = fixed(&scores).unwrap();
    assert!((score.reward - expected).abs() < 1e-12);
    assert_eq!(score.dimension("grounding"), Some(0.5));

    // A missing dimension leaves the ratio of the others.
    scores[0].1 = None;
    let rest = (0.5 * 0.15 + 0.15 + 0.2 * 0.10) / 0.60;
    assert!((fixed(&scores).unwrap().reward - rest).abs() < 1e-12);
    let none = scores.map(|(name, _)| (name, None));
    assert_eq!(fixed(&none).unwrap().reward, 0.0);

    scores[2].1 = Some(1.5);
    assert!(matches!(
        fixed(&scores),
        Err(RewardError::ScoreRange { .. })
    ));
    let unknown = fixed(&scores[..4]).unwrap_err().to_string();
    assert!(
        unknown.contains("`conciseness`; allowed: correctness"),
        "{unknown}"
    );
    scores[1].0 = "correctness";
    assert!(fixed(&scores).is_err());
}

#[test]
fn the_gate_is_multiplicative() {
    let schema = LabelSchema::esci();
    let examples = [(Rationale::new("fits well"), label("E"))];
    let labeler = BagOfWordsLabeler::fit(&examples, &schema).unwrap();
    let format = ReplyFormat::default();
    let weights = DimensionWeights::default();
    let reward = CompositeReward::programmatic(format, labeler, &weights).unwrap();
    let pair = pair();
    let gold = Some(label("S"));
    let input = RewardInput {
        prompt: "p",
        pair: &pair,
        gold,
        schema: &schema,
    };
    let rationale = RationaleWriter::new(schema.clone()).write(&LabeledPair {
        pair: pair.clone(),
        label: label("S"),
    });
    let good = Reply {
        rationale,
        verdict: label("S"),
    };
    let text = format.render(&good, &schema);
    let score = reward.score(&text, &input).unwrap();
    // Everything but consistency, of which the labeler knows one word or none.
    assert!(score.reward >= 0.8 - 1e-12, "{score:?}");
    let cut = reward.score(&text[..text.len() - 4], &input).unwrap();
    assert_eq!((cut.reward, cut.verdict), (0.0, None));
    assert!(cut.format_error.unwrap().contains("not closed"));
    assert!(cut.dimensions.is_empty());
}

#[test]
fn weights_are_checked() {
    let weights = |w: f64| DimensionWeights::new([("correctness".to_owned(), w)]);
    for bad in [-0.1, f64::NAN, 0.0] {
        assert!(weights(bad).is_err(), "{bad}");
    }
    assert_eq!(weights(2.0).unwrap().get("correctness"), Some(2.0));
    let total: f64 = DimensionWeights::default().iter().map(|(_, w)| w).sum();
    assert!((total - 1.0).abs() < 1e-12);
}

#[test]
fn correlation_with_length_is_reported() {
    let scores: Vec<RewardScore> = (1..=6)
        .map(|i| RewardScore {
            reward: 0.1 * f64::from(i),
            verdict: Some(label("E")),
            format_error: None,
            dimensions: vec![
                DimensionScore {
                    name: "up".into(),
                    score: Some(0.1 * f64::from(i)),
                    weight: 1.0,
                },
                DimensionScore {
                    name: "flat".into(),
                    score: Some(0.5),
                    weight: 1.0,
                },
                DimensionScore {
                    name: "gone".into(),
                    score: None,
                    weight: 1.0,
                },
            ],
            length: 10 * i as usize,
        })
        .collect();
    let report = length_correlations(&scores);
    let names: Vec<&str> = report.iter().map(|c| c.dimension.as_str()).collect();
    assert_eq!(names, ["up", "flat", "gone", "reward"]);
    assert!((report[0].pearson.unwrap() - 1.0).abs() < 1e-12);
    assert_eq!(
        (report[1].pearson, report[1].spearman, report[1].count),
        (None, None, 6)
    );
    assert_eq!(report[2].count, 0);
    assert!(report[3].spearman.unwrap() > 0.999);
}
