"""Opens students' folders with `transformers` and compares their probabilities with ours.

torch==2.9.0, transformers==5.23.0

    STUDENT_DIR=/tmp/student cargo test -p student-model --features train --test saved
    STUDENT_DIR=/tmp/students cargo test -p student-model --features train --test roberta_student
    python check_saved.py /tmp/student /tmp/students/tiny-roberta /tmp/students/tiny-xlm-roberta
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer


def opened(folder):
    """The classifier, with nothing missing and nothing left over."""
    model, info = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
    unclean = {key: value for key, value in info.items() if value}
    assert not unclean, unclean
    return model.eval()


def segments(model, tokenizer, ids):
    """0 up to the first separator and 1 behind it, where there are two segments."""
    if model.config.type_vocab_size == 1:
        return torch.zeros_like(ids)
    second = ids[0].tolist().index(tokenizer.sep_token_id) + 1
    return (torch.arange(ids.shape[1]) >= second).long()[None]


def check_tokens(tokenizer, case, ids, types):
    if not case["item"]:  # `transformers` takes an empty second text for none
        return
    theirs = tokenizer(
        case["query"],
        case["item"],
        truncation="only_second",
        max_length=tokenizer.model_max_length,
        return_tensors="pt",
    )
    assert torch.equal(theirs.input_ids, ids), (case, theirs)
    if "token_type_ids" in theirs:
        assert torch.equal(theirs.token_type_ids, types), (case, theirs)


def check(folder):
    cases = json.loads((folder.parent / f"{folder.name}.logits.json").read_text())
    model, tokenizer = opened(folder), AutoTokenizer.from_pretrained(folder)
    half = folder.with_suffix(".bf16")
    half = opened(half).float() if half.exists() else None
    worst = worst_half = 0.0
    for case in cases:
        ids = torch.tensor([case["ids"]])
        types = segments(model, tokenizer, ids)
        check_tokens(tokenizer, case, ids, types)
        expected = torch.tensor(case["probabilities"]).double()
        with torch.no_grad():
            found = [m(input_ids=ids, token_type_ids=types).logits.softmax(-1)[0] for m in (model, half) if m]
        differences = [(p.double() - expected).abs().max().item() for p in found]
        worst, worst_half = max(worst, differences[0]), max(worst_half, differences[-1])
    assert worst < 1e-4, worst
    assert worst_half < 0.05, worst_half
    AutoModel.from_pretrained(folder)  # the encoder alone opens too
    labels = list(model.config.id2label.values())
    kind = type(model).__name__
    rounded = f", in bfloat16 {worst_half:.1e}" if half else ""
    print(f"{kind}: {len(cases)} pairs, labels {labels}, worst difference {worst:.1e}{rounded}")


for argument in sys.argv[1:]:
    check(Path(argument))
