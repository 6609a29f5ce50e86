"""The student's forward pass over the batches that our side measured, in PyTorch (eager, the default
attention) and in ONNX Runtime. Each batch is padded to its longest, before the clock runs.

    python student_esci.py --threads 2 --exchange DIR --runtime torch

Needs torch and transformers; for ONNX Runtime also onnx and onnxruntime.
"""

import json

import numpy
import torch
from transformers import BertForSequenceClassification

from contest import Contest, arguments


class LogitsAndCls(torch.nn.Module):
    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, token_type_ids):
        hidden = self.model.bert(input_ids, attention_mask, token_type_ids)
        return self.model.classifier(hidden.pooler_output), hidden.last_hidden_state[:, 0]


def padded(tokens):
    """`[b, t]` each; the pad token of BERT is 0."""
    ids, segments = tokens["input_ids"], tokens["token_type_ids"]
    width = max(map(len, ids))
    fill = lambda rows: numpy.array([row + [0] * (width - len(row)) for row in rows], numpy.int64)
    return {
        "input_ids": fill(ids),
        "attention_mask": fill([[1] * len(row) for row in ids]),
        "token_type_ids": fill(segments),
    }


def torch_side(args):
    model = BertForSequenceClassification.from_pretrained(args.exchange / "student").eval()
    module = LogitsAndCls(model)

    def forward(batch):
        with torch.inference_mode():
            return module(**batch)

    to_torch = lambda batch: {name: torch.from_numpy(array) for name, array in batch.items()}
    return f"PyTorch {torch.__version__}, eager", to_torch, forward


def onnxruntime_side(args):
    import onnxruntime

    # Only to trace it: ONNX Runtime fuses this form of attention into its own.
    model = BertForSequenceClassification.from_pretrained(
        args.exchange / "student", attn_implementation="eager"
    ).eval()
    batch = padded({"input_ids": [[101, 7592, 102]] * 2, "token_type_ids": [[0, 0, 0]] * 2})
    path = args.exchange / "student.onnx"
    names = list(batch)
    torch.onnx.export(
        LogitsAndCls(model).eval(),
        tuple(torch.from_numpy(array) for array in batch.values()),
        str(path),
        input_names=names,
        output_names=["logits", "cls"],
        dynamic_axes={name: {0: "b", 1: "t"} for name in names},
        opset_version=17,
        dynamo=False,
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = args.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(
        str(path), options, providers=["CPUExecutionProvider"]
    )
    forward = lambda batch: session.run(None, batch)
    return f"ONNX Runtime {onnxruntime.__version__}", lambda batch: batch, forward


def main():
    args = arguments(__doc__, ["torch", "onnxruntime"])
    torch.set_num_threads(args.threads)
    name, prepare, forward = {"torch": torch_side, "onnxruntime": onnxruntime_side}[args.runtime](args)
    contest = Contest(name)
    for case, ours in json.loads((args.exchange / "student_esci.json").read_text()).items():
        batches = [prepare(padded(tokens)) for tokens in ours["batches"]]
        logits, cls = map(list, zip(*map(forward, batches)))
        logits = torch.cat([torch.as_tensor(rows) for rows in logits]).double()
        cls = torch.cat([torch.as_tensor(rows) for rows in cls]).double()
        expected = torch.tensor(ours["log_probabilities"], dtype=torch.float64)
        contest.differs("log_probabilities", (logits.log_softmax(-1) - expected).abs().max())
        contest.differs("cls", (cls - torch.tensor(ours["cls"], dtype=torch.float64)).abs().max())

        def run(batches=batches):
            for batch in batches:
                forward(batch)

        contest.case(case, run)
    contest.run(args)


if __name__ == "__main__":
    main()
