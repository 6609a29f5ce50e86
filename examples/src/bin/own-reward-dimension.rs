//! A reward dimension of one's own. A reward is a weighted mean of dimensions in [0, 1] behind a format
//! gate; one more aspect of a good reply is a name and a score. Here: does the reasoning speak of what was
//! searched for? Four replies are scored by it and by their label, and paired for DPO.

use std::error::Error;

use relevance_distill::relevance_data::{
    Item, LabelSchema, LabeledPair, Pair, Query, Reply, ReplyFormat, normalize_query,
};
use relevance_distill::reward_model::{
    CompositeReward, Correctness, PairBuilderConfig, RewardDimension, RewardError, RewardInput,
    build_pairs,
};

/// Share of the query's words that occur in the reasoning.
struct QueryCoverage;

impl RewardDimension for QueryCoverage {
    fn name(&self) -> &str {
        "query_coverage"
    }

    fn score(&self, reply: &Reply, input: &RewardInput<'_>) -> Result<Option<f64>, RewardError> {
        let query = normalize_query(&input.pair.query.text);
        let reasoning = normalize_query(reply.rationale.as_str());
        let asked: Vec<&str> = query.split_whitespace().collect();
        if asked.is_empty() {
            return Ok(None); // missing: the other dimensions' weights are scaled up
        }
        let said = asked.iter().filter(|word| reasoning.contains(*word));
        Ok(Some(said.count() as f64 / asked.len() as f64))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let schema = LabelSchema::esci();
    let (query, item) = (
        Query::new("q1", "red usb mouse"),
        Item::new("i1", "Wireless red mouse"),
    );
    let (pair, label) = (Pair { query, item }, schema.parse("Substitute")?);
    let replies = [
        "A red mouse, but without the usb cable.\n<label>Substitute</label>",
        "It could serve.\n<label>Substitute</label>",
        "A red mouse with usb.\n<label>Exact</label>",
        "A red usb mouse it is not: Substitute.", // no verdict tag
    ];

    let reward = CompositeReward::gate(ReplyFormat::default())
        .with_dimension(Box::new(Correctness::default()), 0.6)?
        .with_dimension(Box::new(QueryCoverage), 0.4)?;
    let labeled = LabeledPair { pair, label };
    let scored = reward.score_replies("Query: red usb mouse", &labeled, &replies, &schema)?;
    for reply in &scored.replies {
        let coverage = reply.score.dimension("query_coverage");
        println!("{:.2} {coverage:.2?} {:?}", reply.score.reward, reply.text);
    }

    let config = PairBuilderConfig::new().with_enforce_fraction(false); // all pairs
    let (pairs, _) = build_pairs(&[scored], &config)?;
    for pair in &pairs {
        println!("{:?} rather than {:?}", pair.chosen, pair.rejected);
    }
    // Without our dimension the second reply would be as good as the first, and no pair.
    assert!(pairs.iter().all(|pair| pair.chosen == replies[0]));
    assert!(pairs.iter().any(|pair| pair.rejected == replies[1]));
    Ok(())
}
