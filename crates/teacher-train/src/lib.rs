//! Stage 1 of the distillation: domain-adaptive pre-training, supervised fine-tuning and annotation.
