"""Golden probabilities of naive Bayes on words: scikit-learn's MultinomialNB.

Pinned: Python 3.11, numpy 2.4.6, scikit-learn 1.9.1. Run in this folder: python generate_naive_bayes.py

Four classes, one of them without a text. scikit-learn leaves that one out of its classes: null.
"""

import json

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.naive_bayes import MultinomialNB

CLASSES = 4
TEXTS = [
    ("The brand and the size agree: the towel is red.", 0),
    ("Brand, colour and size agree.", 0),
    ("Every attribute that was asked for is there, the size too", 0),
    ("Another brand is offered; size and colour agree.", 1),
    ("It would do: another colour, the same use", 1),
    ("Nothing asked for is offered. Nothing agrees, nothing at all.", 3),
    ("café crème, 12 pieces; not a towel", 3),
]
ASKED = [
    "The size agrees, the brand is another.",
    "nothing nothing nothing",
    "CAFÉ with 12 towels",
    "unheard of words",
    "",
    *[text for text, _ in TEXTS],
]

# Runs of letters and digits in lower case, each word once a text.
vectorizer = CountVectorizer(binary=True, lowercase=True, token_pattern=r"[^\W_]+")
counts = vectorizer.fit_transform([text for text, _ in TEXTS])
labels = np.array([label for _, label in TEXTS])


def log_probabilities(model):
    """The reference call; null for a class that was not in the fit."""
    model.fit(counts, labels)
    rows = model.predict_log_proba(vectorizer.transform(ASKED))
    named = [dict(zip(model.classes_.tolist(), row.tolist())) for row in rows]
    return [[row.get(label) for label in range(CLASSES)] for row in named]


golden = {
    "texts": TEXTS,
    "asked": ASKED,
    "share": log_probabilities(MultinomialNB(alpha=1.0)),
}
with open("naive_bayes.json", "w", encoding="utf-8") as file:
    json.dump(golden, file, ensure_ascii=False, indent=1)
    file.write("\n")
