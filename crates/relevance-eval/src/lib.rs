//! Evaluation of relevance classifiers and rankers: F1, calibration, nDCG, bootstrap by query. Knows no model and no tensor.
