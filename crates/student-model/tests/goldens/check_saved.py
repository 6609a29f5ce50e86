"""Opens a student's folder with `transformers` and compares its logits with ours.

torch==2.9.0, transformers==5.23.0

    STUDENT_DIR=/tmp/student cargo test -p student-model --test saved
    python check_saved.py /tmp/student
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoTokenizer, BertForSequenceClassification, BertModel

folder = Path(sys.argv[1])
cases = json.loads((folder.parent / f"{folder.name}.logits.json").read_text())
model, info = BertForSequenceClassification.from_pretrained(folder, output_loading_info=True)
unclean = {key: value for key, value in info.items() if value}
assert not unclean, unclean
model.eval()
tokenizer = AutoTokenizer.from_pretrained(folder)
worst = 0.0
for case in cases:
    ids = torch.tensor([case["ids"]])
    first_segment = case["ids"].index(tokenizer.sep_token_id) + 1
    types = (torch.arange(ids.shape[1]) >= first_segment).long()[None]
    if case["item"]:  # `transformers` takes an empty second text for none
        theirs = tokenizer(
            case["query"],
            case["item"],
            truncation="only_second",
            max_length=tokenizer.model_max_length,
            return_tensors="pt",
        )
        assert torch.equal(theirs.input_ids, ids) and torch.equal(theirs.token_type_ids, types), (case, theirs)
    with torch.no_grad():
        probabilities = model(input_ids=ids, token_type_ids=types).logits.softmax(-1)[0]
    difference = (probabilities.double() - torch.tensor(case["probabilities"]).double()).abs().max().item()
    worst = max(worst, difference)
assert worst < 1e-4, worst
BertModel.from_pretrained(folder)  # the encoder alone opens too
print(f"{len(cases)} pairs, labels {list(model.config.id2label.values())}, worst difference {worst:.1e}")
