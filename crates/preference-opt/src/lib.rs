//! Direct preference optimisation and its relatives for causal language models.
