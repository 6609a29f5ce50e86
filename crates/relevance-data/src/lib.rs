//! Typed search-relevance data: queries, items, labels, rationales, preference pairs, and their files, splits and tokenised batches.
