//! The BERT student: Hugging Face checkpoints, CRSD training, and the ranker a service embeds.
