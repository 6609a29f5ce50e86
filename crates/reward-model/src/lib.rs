//! Reward dimensions for relevance rationales, learned reward heads, aggregation and preference pairs.
