"""Golden figures of scores and probabilities: AUC, kappa, log loss, Brier score, average precision.

Pinned: Python 3.11, numpy 2.4.6, scikit-learn 1.9.1. Run in this folder: python generate_scores.py
"""

import json
import warnings

import numpy as np
from sklearn.metrics import (
    average_precision_score,
    brier_score_loss,
    cohen_kappa_score,
    log_loss,
    precision_recall_curve,
    roc_auc_score,
)

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20261124)


def distributions(rows, classes, digits, gold, skill):
    """Coarse distributions, so that there are many ties."""
    logits = np.round(rng.normal(0, 1, (rows, classes)) + skill * np.eye(classes)[gold], digits)
    p = np.exp(logits)
    # Six places: every JSON reader gives back the same bits, so that ties stay ties.
    return np.round(p / p.sum(axis=1, keepdims=True), 6)


def multiclass_case(name, rows, classes, digits, skill, sure=False):
    gold = rng.integers(0, classes, rows)
    gold[:classes] = np.arange(classes)
    p = distributions(rows, classes, digits, gold, skill)
    if sure:
        p = np.eye(classes)[p.argmax(axis=1)]
    labels = list(range(classes))
    predicted = p.argmax(axis=1)
    auc = lambda multi, average: float(
        roc_auc_score(gold, p, multi_class=multi, average=average, labels=labels)
        if classes > 2
        else roc_auc_score(gold, p[:, 1])
    )
    return {
        "name": name,
        "gold": gold.tolist(),
        "probabilities": p.tolist(),
        "auc_per_class": [float(roc_auc_score(gold == k, p[:, k])) for k in labels],
        "ovr": [auc("ovr", "macro"), auc("ovr", "weighted")],
        "ovo": [auc("ovo", "macro"), auc("ovo", "weighted")],
        "kappa": [
            float(cohen_kappa_score(gold, predicted, labels=labels, weights=w))
            for w in [None, "linear", "quadratic"]
        ],
        "log_loss": float(log_loss(gold, p, labels=labels)),
        "brier": float(
            brier_score_loss(gold, p, labels=labels)
            if classes > 2
            else brier_score_loss(gold, p[:, 1])
        ),
    }


def binary_case(name, rows, digits):
    positive = rng.random(rows) < 0.3
    positive[:2] = [True, False]
    scores = np.round(rng.normal(0, 1, rows) + positive, digits)
    precision, recall, thresholds = precision_recall_curve(positive, scores)
    return {
        "name": name,
        "positive": positive.tolist(),
        "scores": scores.tolist(),
        "auc": float(roc_auc_score(positive, scores)),
        "average_precision": float(average_precision_score(positive, scores)),
        # Highest threshold first; scikit-learn adds a last point at precision 1.
        "precision": precision[:-1][::-1].tolist(),
        "recall": recall[:-1][::-1].tolist(),
        "thresholds": thresholds[::-1].tolist(),
    }


golden = {
    "multiclass": [
        multiclass_case("four classes", 200, 4, 3, 1.0),
        multiclass_case("many ties", 150, 4, 0, 0.5),
        multiclass_case("two classes", 80, 2, 2, 1.0),
        multiclass_case("three rows", 3, 3, 1, 0.0),
        multiclass_case("sure and often wrong", 60, 3, 1, 0.7, sure=True),
    ],
    "binary": [
        binary_case("fine", 100, 6),
        binary_case("coarse", 100, 0),
        binary_case("two rows", 2, 1),
    ],
}
with open("scores.json", "w", encoding="utf-8") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
