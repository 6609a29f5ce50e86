"""Golden figures of TREC runs: trec_eval's measures through ir_measures.

Pinned: Python 3.11, numpy 2.4.6, ir_measures 0.4.3, pytrec_eval-terrier 0.5.11.
Run in this folder: python generate_trec.py
"""

import json

import ir_measures
import numpy as np
from ir_measures import AP, RR, Judged, P, R, nDCG

rng = np.random.default_rng(20261125)
EXPONENTIAL = {0: 0, 1: 1, 2: 3, 3: 7}
CUSTOM = {0: 0, 1: 1, 2: 10, 3: 100}
MEASURES = {
    "AP": AP,
    "RR": RR,
    "P@5": P @ 5,
    "P@20": P @ 20,
    "R@5": R @ 5,
    "R@20": R @ 20,
    "nDCG": nDCG,
    "nDCG@10": nDCG @ 10,
    "exponential": nDCG(gains=EXPONENTIAL) @ 10,
    "custom": nDCG(gains=CUSTOM) @ 10,
    "AP, level 2": AP(rel=2),
    "P@5, level 2": P(rel=2) @ 5,
}


def case(name, queries, digits, levels=(0, 1, 2, 3)):
    qrels, run = {}, {}
    for number in range(queries):
        query = f"q{number}"
        documents = [f"D{n}" for n in rng.permutation(60)[: int(rng.integers(1, 40))]]
        judged = [d for d in documents if rng.random() < 0.7]
        # Some judged documents are never retrieved, some retrieved ones never judged.
        qrels[query] = {d: levels[int(rng.choice(4, p=[0.5, 0.2, 0.2, 0.1]))] for d in judged + ["X1", "X2"]}
        run[query] = {
            d: float(np.round(rng.normal(0, 1), digits)) for d in documents if rng.random() < 0.8
        }
    qrels["judged, not answered"] = {"D1": 1}
    qrels["nothing relevant"] = {"D1": 0, "D2": 0}
    run["nothing relevant"] = {"D1": 0.3, "D2": 0.2}
    run["answered, not judged"] = {"D1": 1.0}
    run = {query: documents for query, documents in run.items() if documents}
    per_query, mean = {}, {}
    for label, measure in MEASURES.items():
        # One evaluator each: together, one measure's gains reach another's.
        evaluator = ir_measures.evaluator([measure], qrels)
        per_query[label] = {m.query_id: float(m.value) for m in evaluator.iter_calc(run)}
        (mean[label],) = evaluator.calc_aggregate(run).values()
    judged = {}
    if digits > 6:  # ir_measures breaks ties the other way round for Judged
        for metric in ir_measures.iter_calc([Judged @ 10], qrels, run):
            judged[metric.query_id] = float(metric.value)
    return {
        "name": name,
        "qrels": qrels,
        "run": run,
        "per_query": per_query,
        "mean": {label: float(value) for label, value in mean.items()},
        "judged": judged,
    }


with open("trec.json", "w", encoding="utf-8") as file:
    golden = {
        "gains": {"exponential": EXPONENTIAL, "custom": CUSTOM},
        "cases": [case("few ties", 12, 9), case("many ties", 12, 0), case("some ties", 6, 1), case("levels below 0", 12, 0, (0, -1, 1, 3))],
    }
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
