//! Whether the reasoning keeps the house rules.

use std::collections::BTreeSet;

use relevance_data::{LabelWords, Rationale, Reply, normalize_query};
use serde::{Deserialize, Serialize};

use crate::dimension::{RewardDimension, RewardInput};
use crate::error::{RewardError, check};

/// A rule that a rationale keeps or breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Rule {
    /// A line begins with `heading:` and says something.
    Section {
        /// The heading, without the colon.
        heading: String,
    },
    /// The headings that occur stand in this order.
    SectionOrder {
        /// The headings.
        headings: Vec<String>,
    },
    /// No word names a label: the reasoning must not state its verdict.
    NoLabelWords,
    /// At least so many spans of query or item are cited.
    Citations {
        /// How many.
        at_least: usize,
    },
    /// No line says what another has said.
    NoRepeatedLine,
}

impl Rule {
    /// Whether the rationale keeps the rule.
    pub fn holds(&self, rationale: &Rationale, input: &RewardInput<'_>) -> bool {
        let text = rationale.as_str();
        let said = |heading: &str| {
            text.lines()
                .position(|line| section(line, heading).is_some())
        };
        match self {
            Self::Section { heading } => said(heading).is_some(),
            Self::SectionOrder { headings } => {
                let places: Vec<usize> = headings.iter().filter_map(|h| said(h)).collect();
                places.is_sorted()
            }
            Self::NoLabelWords => !LabelWords::new(input.schema).occur_in(text),
            Self::Citations { at_least } => rationale.citations().count() >= *at_least,
            Self::NoRepeatedLine => {
                let lines = text
                    .lines()
                    .map(normalize_query)
                    .filter(|line| !line.is_empty());
                let mut seen = BTreeSet::new();
                lines.into_iter().all(|line| seen.insert(line))
            }
        }
    }
}

/// What a line says under `heading:`, if it does.
fn section<'a>(line: &'a str, heading: &str) -> Option<&'a str> {
    let (head, body) = line.split_once(':')?;
    let same = head.trim().eq_ignore_ascii_case(heading.trim());
    (same && !body.trim().is_empty()).then_some(body)
}

/// A rule and how much it counts within the rubric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WeightedRule {
    /// The rule.
    pub rule: Rule,
    /// Its weight; above 0. Default 1.
    #[serde(default = "one")]
    pub weight: f64,
}

fn one() -> f64 {
    1.0
}

/// Rules, each judged by itself; the score is the weighted share of those kept.
///
/// ```
/// use relevance_data::{Item, LabelSchema, Pair, Query, Rationale, Reply};
/// use reward_model::{Rule, RuleAdherence, RewardDimension, RewardInput, WeightedRule};
///
/// let schema = LabelSchema::esci();
/// let pair = Pair { query: Query::new("q", "red mug"), item: Item::new("i", "Blue mug") };
/// let input = RewardInput { prompt: "", pair: &pair, gold: Some(schema.parse("E")?), schema: &schema };
/// let reply = |text| Reply { rationale: Rationale::new(text), verdict: schema.parse("Exact").unwrap() };
/// let rules = [(Rule::NoLabelWords, 3.0), (Rule::Citations { at_least: 1 }, 1.0)];
/// let rubric = RuleAdherence::new(rules.map(|(rule, weight)| WeightedRule { rule, weight }).to_vec())?;
/// assert_eq!(rubric.score(&reply("The colour differs."), &input)?, Some(0.75));
/// assert_eq!(rubric.score(&reply("Irrelevant, for \"red\" is missing."), &input)?, Some(0.25));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleAdherence {
    rules: Vec<WeightedRule>,
}

impl Default for RuleAdherence {
    /// The five sections of [`RationaleWriter`](relevance_data::RationaleWriter) (intent,
    /// category, attributes, conflicts, conclusion) in their order, no label word, at least one
    /// citation, no line twice; all of one weight.
    fn default() -> Self {
        let headings = [
            "Intent",
            "Category",
            "Attributes",
            "Conflicts",
            "Conclusion",
        ];
        let headings = headings.map(str::to_owned);
        let section = |heading: &String| Rule::Section {
            heading: heading.clone(),
        };
        let mut rules: Vec<Rule> = headings.iter().map(section).collect();
        rules.extend([
            Rule::SectionOrder {
                headings: headings.to_vec(),
            },
            Rule::NoLabelWords,
            Rule::Citations { at_least: 1 },
            Rule::NoRepeatedLine,
        ]);
        let weighted = |rule| WeightedRule { rule, weight: 1.0 };
        Self {
            rules: rules.into_iter().map(weighted).collect(),
        }
    }
}

impl RuleAdherence {
    /// A rubric of these rules.
    ///
    /// # Errors
    /// [`RewardError::InvalidConfig`] if there is no rule or a weight is not above 0.
    pub fn new(rules: Vec<WeightedRule>) -> Result<Self, RewardError> {
        check("rules", rules.len() as f64, |n| n >= 1.0, "at least 1")?;
        for (i, rule) in rules.iter().enumerate() {
            let above_0 = |w: f64| w.is_finite() && w > 0.0;
            check(
                format!("rules[{i}].weight"),
                rule.weight,
                above_0,
                "above 0",
            )?;
        }
        Ok(Self { rules })
    }

    /// Each rule, and whether the rationale keeps it.
    pub fn outcomes(&self, rationale: &Rationale, input: &RewardInput<'_>) -> Vec<(&Rule, bool)> {
        let judged = self
            .rules
            .iter()
            .map(|r| (&r.rule, r.rule.holds(rationale, input)));
        judged.collect()
    }
}

impl RewardDimension for RuleAdherence {
    fn name(&self) -> &str {
        "rule_adherence"
    }

    fn score(&self, reply: &Reply, input: &RewardInput<'_>) -> Result<Option<f64>, RewardError> {
        let total: f64 = self.rules.iter().map(|r| r.weight).sum();
        let outcomes = self.outcomes(&reply.rationale, input);
        let kept = self
            .rules
            .iter()
            .zip(outcomes)
            .filter(|(_, (_, holds))| *holds);
        // `+ 0.0` turns the empty sum's -0.0 into 0.0.
        Ok(Some(kept.map(|(r, _)| r.weight).sum::<f64>() / total + 0.0))
    }
}
