"""Golden figures for relevance-eval.

Pinned: Python 3.11, numpy 2.4.6, scikit-learn 1.9.1, ir_measures 0.4.3, pytrec_eval-terrier 0.5.11.
Run in this folder: python generate.py
"""

import json
import math
import warnings

import ir_measures
import numpy as np
from ir_measures import nDCG
from sklearn.calibration import calibration_curve
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

warnings.filterwarnings("ignore")
rng = np.random.default_rng(20240607)


def number(value):
    """NaN has no JSON form: null."""
    value = float(value)
    return None if math.isnan(value) else value


def prf(gold, predicted, labels, average, zero_division):
    p, r, f, _ = precision_recall_fscore_support(
        gold, predicted, labels=labels, average=average, zero_division=zero_division
    )
    if average is None:
        return [[number(a), number(b), number(c)] for a, b, c in zip(p, r, f)]
    return [number(p), number(r), number(f)]


def classification_case(name, gold, predicted, classes):
    every = list(range(classes))
    figures = []
    for zero_name, zero in [("zero", 0.0), ("one", 1.0), ("nan", np.nan)]:
        figures.append({
            "zero_division": zero_name,
            "per_class": prf(gold, predicted, every, None, zero),
            "averages": [
                {
                    "average": average,
                    "classes": set_name,
                    "scores": prf(gold, predicted, labels, average, zero),
                }
                for average in ["macro", "micro", "weighted"]
                for set_name, labels in [("present", None), ("all", every)]
            ],
        })
    return {
        "name": name,
        "classes": classes,
        "gold": [int(x) for x in gold],
        "predicted": [int(x) for x in predicted],
        "accuracy": float(accuracy_score(gold, predicted)),
        "confusion_matrix": confusion_matrix(gold, predicted, labels=every).tolist(),
        "figures": figures,
    }


def classification():
    noisy = lambda gold, k, share: np.where(rng.random(len(gold)) < share, rng.integers(0, k, len(gold)), gold)
    esci = rng.choice(4, 300, p=[0.65, 0.2, 0.03, 0.12])
    seven = rng.integers(0, 7, 150)
    return [
        classification_case("esci_like", esci, noisy(esci, 4, 0.4), 4),
        classification_case("seven_classes", seven, noisy(seven, 7, 0.6), 7),
        classification_case("majority_class", esci, np.zeros(300, int), 4),
        classification_case("class_absent_on_both_sides", [0, 1, 1, 0, 3], [0, 1, 0, 0, 3], 4),
        classification_case("class_never_predicted", [0, 1, 2, 2, 0], [0, 1, 0, 1, 0], 3),
        classification_case("class_without_gold_row", [0, 1, 1, 0], [2, 1, 1, 0], 3),
        classification_case("nothing_right", [0, 0, 1], [1, 1, 2], 4),
        classification_case("perfect", [0, 1, 2, 2], [0, 1, 2, 2], 3),
        classification_case("one_row_right", [2], [2], 4),
        classification_case("one_row_wrong", [2], [0], 4),
        classification_case("only_class_never_predicted", [1, 1], [0, 0], 2),
    ]


def calibration():
    cases = []
    for name, bins, confidences in [
        ("random", 15, rng.beta(5, 2, 400)),
        ("on_the_edges", 10, np.round(rng.random(200), 1)),
        ("on_fifteen_edges", 15, rng.integers(0, 16, 200) / 15),
        ("one_bin", 1, rng.random(50)),
    ]:
        correct = rng.random(len(confidences)) < confidences
        accuracy, confidence = calibration_curve(correct, confidences, n_bins=bins, strategy="uniform")
        # calibration_curve gives no counts: its own line, for the weights of the ECE.
        which = np.searchsorted(np.linspace(0.0, 1.0, bins + 1)[1:-1], confidences)
        counts = np.bincount(which, minlength=bins)
        weights = counts[counts > 0] / len(confidences)
        cases.append({
            "name": name,
            "bins": bins,
            "confidences": [float(x) for x in confidences],
            "correct": [bool(x) for x in correct],
            "counts": counts.tolist(),
            "accuracy": accuracy.tolist(),
            "mean_confidence": confidence.tolist(),
            "ece": float(np.sum(weights * np.abs(accuracy - confidence))),
        })
    return cases


# trec_eval's relevance levels are integers; nDCG does not change when all gains get one factor.
GAINS = [1.0, 0.1, 0.01, 0.0]
LEVELS = [100, 10, 1, 0]
CUTOFFS = [1, 3, 5, 10, 20]


def trec(qrels, run):
    measures = [nDCG] + [nDCG @ k for k in CUTOFFS]
    per_query = {query: [None] * len(measures) for query in qrels}
    for row in ir_measures.iter_calc(measures, qrels, run):
        per_query[row.query_id][measures.index(row.measure)] = row.value
    mean = ir_measures.calc_aggregate(measures, qrels, run)
    return per_query, [mean[measure] for measure in measures]


def ranking():
    alphabet = list("ABCXYZabcxyz0123456789_-é漢")
    cases = []
    for name, levels in [("few_score_levels", 3), ("some_ties", 12), ("no_ties", None), ("all_equal", 1)]:
        queries, qrels, run = [], {}, {}
        for number_of_query in range(25):
            query = f"q{number_of_query}"
            size = int(rng.integers(1, 41))
            ids = set()
            while len(ids) < size:
                ids.add("".join(rng.choice(alphabet, int(rng.integers(1, 8)))))
            ids = [sorted(ids)[i] for i in rng.permutation(size)]
            labels = rng.choice(4, size, p=[0.3, 0.2, 0.1, 0.4])
            if number_of_query % 8 == 0:
                labels[:] = 3  # no gain at all
            scores = rng.random(size) if levels is None else rng.integers(0, levels, size) / levels
            if number_of_query == 1:
                scores = 0.5 + rng.random(size) * 1e-7  # ties in single precision only
            qrels[query] = {d: LEVELS[y] for d, y in zip(ids, labels)}
            run[query] = {d: float(s) for d, s in zip(ids, scores)}
            queries.append({
                "query": query,
                "ids": ids,
                "labels": [int(y) for y in labels],
                "scores": [float(s) for s in scores],
            })
        per_query, mean = trec(qrels, run)
        for row in queries:
            row["ndcg"] = per_query[row["query"]]
        cases.append({"name": name, "queries": queries, "mean": mean})
    return {"gains": GAINS, "cutoffs": CUTOFFS, "cases": cases}


def evaluation():
    """One table of predictions through everything at once."""
    queries, items, gold, probabilities = [], [], [], []
    qrels, run = {}, {}
    for number_of_query in range(30):
        query = f"query {number_of_query}"
        qrels[query], run[query] = {}, {}
        for number_of_item in range(int(rng.integers(2, 25))):
            item = f"B{int(rng.integers(10, 99))}{number_of_item}"
            label = int(rng.choice(4, p=[0.5, 0.2, 0.1, 0.2]))
            # Coarse logits, so that many rows are equal and argmax has ties.
            logits = np.round(rng.normal(0, 1, 4) + 1.5 * np.eye(4)[label])
            p = np.exp(logits) / np.exp(logits).sum()
            queries.append(query)
            items.append(item)
            gold.append(label)
            probabilities.append([float(x) for x in p])
            qrels[query][item] = LEVELS[label]
            # Left to right, as the crate sums: a last bit decides a tie between equal rows.
            run[query][item] = sum(float(x) * g for x, g in zip(p, GAINS))
    table = np.array(probabilities)
    predicted = table.argmax(axis=1)
    confidence = table.max(axis=1)
    correct = predicted == np.array(gold)
    accuracy, mean_confidence = calibration_curve(correct, confidence, n_bins=15, strategy="uniform")
    counts = np.bincount(np.searchsorted(np.linspace(0, 1, 16)[1:-1], confidence), minlength=15)
    weights = counts[counts > 0] / len(gold)
    _, mean = trec(qrels, run)
    scores = {a: prf(gold, predicted, None, a, 0.0)[2] for a in ["macro", "micro", "weighted"]}
    return {
        "query_ids": queries,
        "item_ids": items,
        "gold": gold,
        "probabilities": probabilities,
        "gains": GAINS,
        "accuracy": float(accuracy_score(gold, predicted)),
        "macro_f1": scores["macro"],
        "micro_f1": scores["micro"],
        "weighted_f1": scores["weighted"],
        "per_class": prf(gold, predicted, list(range(4)), None, 0.0),
        "confusion_matrix": confusion_matrix(gold, predicted, labels=list(range(4))).tolist(),
        "ece": float(np.sum(weights * np.abs(accuracy - mean_confidence))),
        "ndcg": mean[0],
        "ndcg@10": mean[1 + CUTOFFS.index(10)],
    }


for name, make in [
    ("classification", classification),
    ("calibration", calibration),
    ("ranking", ranking),
    ("evaluation", evaluation),
]:
    with open(f"{name}.json", "w", encoding="utf-8") as file:
        json.dump(make(), file, ensure_ascii=False, separators=(",", ":"))
        file.write("\n")
