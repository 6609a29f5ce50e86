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


def or_none(figure):
    """scikit-learn raises, or warns and gives NaN, where a figure is undefined: null."""
    try:
        value = float(figure())
    except (ValueError, ZeroDivisionError):
        return None
    return None if np.isnan(value) else value


def degenerate_case(name, gold, p):
    """Classes that are absent from the gold labels, from the predictions, or from both."""
    gold, p = np.array(gold), np.array(p, dtype=float)
    labels = list(range(p.shape[1]))
    predicted = p.argmax(axis=1)
    auc = lambda multi, average: or_none(
        lambda: roc_auc_score(gold, p, multi_class=multi, average=average, labels=labels)
        if len(labels) > 2
        else roc_auc_score(gold, p[:, 1])
    )
    return {
        "name": name,
        "gold": gold.tolist(),
        "probabilities": p.tolist(),
        "auc_per_class": [or_none(lambda: roc_auc_score(gold == k, p[:, k])) for k in labels],
        "ovr": [auc("ovr", "macro"), auc("ovr", "weighted")],
        "ovo": [auc("ovo", "macro"), auc("ovo", "weighted")],
        "kappa": [
            or_none(lambda: cohen_kappa_score(gold, predicted, labels=labels, weights=w))
            for w in [None, "linear", "quadratic"]
        ],
        "log_loss": or_none(lambda: log_loss(gold, p, labels=labels)),
        "brier": or_none(
            lambda: brier_score_loss(gold, p, labels=labels)
            if len(labels) > 2
            else brier_score_loss(gold, p[:, 1], labels=labels, pos_label=1)
        ),
    }


def degenerate():
    a, b, c = [0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]
    cases = [
        degenerate_case("absent from the gold labels", [0, 1, 1, 0], [a, b, c, a]),
        degenerate_case("absent from the predictions", [0, 1, 2, 0], [a, b, b, a]),
        degenerate_case("absent from both", [0, 1, 1, 0], [a, b, a, a]),
        degenerate_case("one gold class, others predicted", [1, 1, 1], [a, b, c]),
        degenerate_case("one class predicted", [0, 1, 2, 2], [a, a, a, a]),
        degenerate_case("one class on both sides", [0, 0], [a, a]),
        degenerate_case("another one on either side", [0, 0], [b, b]),
        degenerate_case("one class on both sides, of two", [1, 1, 1], [[0.4, 0.6], [0.1, 0.9], [0.3, 0.7]]),
        degenerate_case("one row, right", [2], [c]),
        degenerate_case("one row, wrong", [0], [c]),
    ]
    for number in range(30):
        rows, classes = int(rng.integers(1, 9)), int(rng.integers(2, 6))
        some = rng.integers(0, classes, int(rng.integers(1, classes + 1)))
        gold = rng.choice(some, rows)
        p = distributions(rows, classes, 0, gold, 0.3)
        cases.append(degenerate_case(f"random {number}", gold, p))
    return cases


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
    "degenerate": degenerate(),
}
with open("scores.json", "w", encoding="utf-8") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
