"""A rerank as it is usually written in PyTorch: batches of 32 in the order given, each tokenised and
padded to its longest; from texts to an order.

    python rerank.py --threads 2 --exchange DIR

Needs torch and transformers.
"""

import json

import torch
from transformers import AutoModelForSequenceClassification, PreTrainedTokenizerFast

from contest import Contest, arguments

BATCH = 32


def main():
    args = arguments(__doc__, ["torch"])
    torch.set_num_threads(args.threads)
    folder = args.exchange / "student"
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    gains = json.loads((folder / "relevance.json").read_text())["label_gains"]
    gains = torch.tensor([gains[model.config.id2label[k]] for k in range(len(gains))])
    contest = Contest(f"PyTorch {torch.__version__}, batches of {BATCH} padded to their longest")

    def batch_of(query, items, max_length):
        return tokenizer(
            [query] * len(items),
            items,
            truncation="only_second",
            max_length=max_length,
            padding=True,
            return_tensors="pt",
        )

    def rerank(query, items, max_length):
        rows = []
        with torch.inference_mode():
            for start in range(0, len(items), BATCH):
                batch = batch_of(query, items[start : start + BATCH], max_length)
                rows.append(model(**batch).logits)
            logits = torch.cat(rows)
            order = (logits.softmax(-1) @ gains).argsort(descending=True, stable=True)
            return logits, order.tolist()

    for case, ours in json.loads((args.exchange / "rerank.json").read_text()).items():
        inputs = ours["query"], ours["items"], ours["max_length"]
        tokens = batch_of(*inputs)
        real = tokens["attention_mask"].bool()
        for name in ("input_ids", "token_type_ids"):
            rows = [row[mask].tolist() for row, mask in zip(tokens[name], real)]
            if rows != ours["tokens"][name]:
                raise SystemExit(f"{case}: {name} are not ours")
        expected = torch.tensor(ours["log_probabilities"], dtype=torch.float64)
        logits = rerank(*inputs)[0].double()
        contest.differs("log_probabilities", (logits.log_softmax(-1) - expected).abs().max())
        contest.case(case, lambda inputs=inputs: rerank(*inputs))
    contest.run(args)


if __name__ == "__main__":
    main()
