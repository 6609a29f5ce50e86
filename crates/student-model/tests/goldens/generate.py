"""Writes the tiny random checkpoints and the expected numbers of the tests beside this file.

torch==2.9.0, transformers==5.23.0, safetensors==0.8.0

    python generate.py                 # tiny checkpoints and their goldens
    python generate.py --minilm DIR    # minilm.json from a real all-MiniLM-L6-v2 folder
"""

import argparse
import json
import os
from pathlib import Path

import torch
from transformers import BertConfig, BertForSequenceClassification, BertModel

HERE = Path(__file__).parent
os.environ["OMP_NUM_THREADS"] = "1"

TINY = dict(
    vocab_size=96,
    hidden_size=32,
    num_hidden_layers=2,
    num_attention_heads=4,
    intermediate_size=48,
    max_position_embeddings=24,
    type_vocab_size=2,
    hidden_dropout_prob=0.1,
    attention_probs_dropout_prob=0.1,
    # Far from HF's 0.02, so that attention is not uniform and a wrong mask shows.
    initializer_range=0.4,
)
LABELS = ["Exact", "Substitute", "Complement", "Irrelevant"]


def randomise(model):
    """Biases and norms start at 0 and 1: move them, or a swapped pair would not show."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim == 1:
                parameter.add_(torch.randn_like(parameter) * 0.2)
    return model.eval()


def batch(rows, length, vocab, seed):
    """`rows` are the real lengths; ids, type ids and mask are padded to `length`."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.zeros(len(rows), length, dtype=torch.long)
    types = torch.zeros_like(ids)
    mask = torch.zeros_like(ids)
    for i, n in enumerate(rows):
        ids[i, :n] = torch.randint(1, vocab, (n,), generator=generator)
        types[i, n // 3 : n] = 1
        mask[i, :n] = 1
    return dict(input_ids=ids, token_type_ids=types, attention_mask=mask)


def values(tensor):
    return [round(v, 8) for v in tensor.detach().double().flatten().tolist()]


def described(batch):
    return {key: value.tolist() for key, value in batch.items()}


def encoder_case(model, inputs):
    out = model(**inputs)
    case = described(inputs)
    case["last_hidden_state"] = values(out.last_hidden_state)
    case["pooler_output"] = None if out.pooler_output is None else values(out.pooler_output)
    return case


def classifier_case(model, inputs):
    out = model(**inputs, output_hidden_states=True)
    case = described(inputs)
    case["logits"] = values(out.logits)
    case["cls"] = values(out.hidden_states[-1][:, 0])
    return case


GRADIENTS = [
    "bert.embeddings.position_embeddings.weight",
    "bert.embeddings.LayerNorm.weight",
    "bert.encoder.layer.0.attention.self.query.weight",
    "bert.encoder.layer.0.attention.self.key.bias",
    "bert.encoder.layer.0.intermediate.dense.bias",
    "bert.encoder.layer.1.attention.self.value.weight",
    "bert.encoder.layer.1.attention.output.dense.weight",
    "bert.encoder.layer.1.output.LayerNorm.bias",
    "bert.pooler.dense.weight",
    "classifier.weight",
]


def gradients(model, inputs, labels):
    """Cross entropy of the logits plus the mean of cls², so that both outputs are differentiated."""
    model.zero_grad()
    out = model(**inputs, output_hidden_states=True)
    cls = out.hidden_states[-1][:, 0]
    loss = torch.nn.functional.cross_entropy(out.logits, labels) + cls.pow(2).mean()
    loss.backward()
    named = dict(model.named_parameters())
    return dict(
        **described(inputs),
        labels=labels.tolist(),
        loss=loss.item(),
        gradients={name: values(named[name].grad) for name in GRADIENTS},
    )


def write(name, value):
    (HERE / name).write_text(json.dumps(value, separators=(",", ":")) + "\n")


def tiny():
    padded = batch([7, 11, 3, 11], 11, TINY["vocab_size"], seed=1)
    full = batch([9, 9], 9, TINY["vocab_size"], seed=2)
    longest = batch([24, 20], 24, TINY["vocab_size"], seed=3)

    torch.manual_seed(0)
    encoder = randomise(BertModel(BertConfig(**TINY)))
    encoder.save_pretrained(HERE / "tiny-bert")
    write("tiny-bert.json", [encoder_case(encoder, b) for b in (padded, full, longest)])

    torch.manual_seed(1)
    names = dict(id2label=dict(enumerate(LABELS)), label2id={n: i for i, n in enumerate(LABELS)})
    config = BertConfig(**TINY, **names)
    classifier = randomise(BertForSequenceClassification(config))
    classifier.save_pretrained(HERE / "tiny-classifier")
    cases = {}
    for activation in ("gelu", "relu", "gelu_new"):
        config = BertConfig(**TINY, **names, hidden_act=activation)
        model = BertForSequenceClassification(config).eval()
        model.load_state_dict(classifier.state_dict())
        cases[activation] = [classifier_case(model, b) for b in (padded, full, longest)]
    write("tiny-classifier.json", cases)
    labels = torch.tensor([0, 3, 1, 2])
    write("tiny-gradients.json", gradients(classifier, padded, labels))


def minilm(folder):
    """A few numbers of each row: the whole hidden state would be 400 kB."""
    model = BertModel.from_pretrained(folder).eval()
    inputs = batch([12, 31, 5], 31, 30522, seed=4)
    inputs["input_ids"][:, 0] = 101
    out = model(**inputs)
    case = described(inputs)
    case["cls"] = values(out.last_hidden_state[:, 0, :48])
    case["position_4"] = values(out.last_hidden_state[:, 4, :48])
    case["pooler_output"] = values(out.pooler_output[:, :48])
    write("minilm.json", case)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--minilm")
    arguments = parser.parse_args()
    with torch.no_grad() if arguments.minilm else torch.enable_grad():
        minilm(arguments.minilm) if arguments.minilm else tiny()
