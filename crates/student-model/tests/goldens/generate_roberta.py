"""Writes the tiny RoBERTa and XLM-RoBERTa checkpoints and the deep one, with the numbers of their tests.

torch==2.9.0, transformers==5.23.0, safetensors==0.8.0

    python generate_roberta.py

tiny-roberta, tiny-xlm-roberta   classifiers with the tokenizers of relevance-data's goldens
tiny-roberta-encoder             a bare RobertaModel with its pooler
tiny-deep                        a BERT classifier of six layers, bfloat16, in shards
"""

import copy
from pathlib import Path

import torch
from generate import HERE, LABELS, batch, described, randomise, values, write
from transformers import (
    AutoTokenizer,
    BertConfig,
    BertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
    RobertaModel,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
)

TOKENIZERS = HERE.parents[2] / "relevance-data" / "tests" / "goldens"
PAD = 1
TINY = dict(
    hidden_size=24,
    num_attention_heads=4,
    intermediate_size=40,
    max_position_embeddings=66,  # 64 tokens: the first two rows belong to nothing and to padding
    type_vocab_size=1,
    pad_token_id=PAD,
    initializer_range=0.4,
)
NAMES = dict(id2label=dict(enumerate(LABELS)), label2id={n: i for i, n in enumerate(LABELS)})


def roberta_batch(rows, length, vocab, seed, left=False):
    """`batch` with ids that are no special tokens, RoBERTa's padding, on the left if asked, and one segment."""
    inputs = batch(rows, length, vocab - 5, seed)
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    ids = torch.where(mask == 1, ids + 4, torch.full_like(ids, PAD))
    if left:
        turned = [torch.roll(row, length - n) for row, n in zip(ids, rows)]
        ids = torch.stack(turned)
        mask = (ids != PAD).long()
    return dict(input_ids=ids, token_type_ids=torch.zeros_like(ids), attention_mask=mask)


def case(model, inputs):
    out = model(**inputs, output_hidden_states=True)
    found = described(inputs)
    last = out.hidden_states[-1]
    found["last_hidden_state"] = values(last)
    if "logits" in out:
        found["logits"] = values(out.logits)
    else:
        found["pooler_output"] = values(out.pooler_output)
    return found


def batches(vocab):
    return [
        roberta_batch([7, 11, 3, 11], 11, vocab, seed=1),
        roberta_batch([9, 9], 9, vocab, seed=2),
        roberta_batch([64], 64, vocab, seed=3),  # every position there is
        roberta_batch([7, 11, 3], 11, vocab, seed=4, left=True),
    ]


GRADIENTS = [
    "roberta.embeddings.position_embeddings.weight",
    "roberta.embeddings.token_type_embeddings.weight",
    "roberta.embeddings.LayerNorm.weight",
    "roberta.encoder.layer.0.attention.self.query.weight",
    "roberta.encoder.layer.1.output.LayerNorm.bias",
    "classifier.dense.weight",
    "classifier.out_proj.weight",
]


def gradients(model, inputs, labels):
    """As in `generate.py`: cross entropy plus the mean of cls²."""
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


def cut(model, base, layers):
    """The reference of `with_layers`: the chosen layers alone."""
    student = copy.deepcopy(model)
    encoder = getattr(student, base).encoder
    encoder.layer = torch.nn.ModuleList([encoder.layer[i] for i in layers])
    student.config.num_hidden_layers = len(layers)
    return student.eval()


def classifier(name, tokenizer, config_class, model_class, seed, layers):
    tokenizer = AutoTokenizer.from_pretrained(TOKENIZERS / tokenizer)
    torch.manual_seed(seed)
    config = config_class(**TINY, **NAMES, vocab_size=len(tokenizer), num_hidden_layers=layers)
    model = randomise(model_class(config))
    model.save_pretrained(HERE / name)
    tokenizer.save_pretrained(HERE / name)
    found = dict(cases=[case(model, inputs) for inputs in batches(len(tokenizer))])
    found["layers"] = [0, layers - 1]
    found["cut"] = case(cut(model, "roberta", found["layers"]), batches(len(tokenizer))[0])
    write(f"{name}.json", found)
    return model


def deep():
    torch.manual_seed(5)
    shape = dict(vocab_size=96, hidden_size=16, num_hidden_layers=6, num_attention_heads=2, intermediate_size=32)
    config = BertConfig(**shape, max_position_embeddings=24, initializer_range=0.4, **NAMES)
    model = randomise(BertForSequenceClassification(config)).to(torch.bfloat16)
    model.save_pretrained(HERE / "tiny-deep", max_shard_size="12KB")
    model = model.float()  # the rounded numbers, computed with in single precision
    inputs = batch([7, 11, 3, 11], 11, 96, seed=6)
    layers = [0, 2, 3, 5]
    write("tiny-deep.json", dict(whole=case(model, inputs), layers=layers, cut=case(cut(model, "bert", layers), inputs)))


if __name__ == "__main__":
    model = classifier("tiny-roberta", "roberta", RobertaConfig, RobertaForSequenceClassification, 2, 3)
    labels = torch.tensor([0, 3, 1, 2])
    write("tiny-roberta-gradients.json", gradients(model, batches(480)[0], labels))
    classifier("tiny-xlm-roberta", "xlm-roberta", XLMRobertaConfig, XLMRobertaForSequenceClassification, 3, 2)
    torch.manual_seed(4)
    encoder = randomise(RobertaModel(RobertaConfig(**TINY, vocab_size=64, num_hidden_layers=2)))
    encoder.save_pretrained(HERE / "tiny-roberta-encoder")
    write("tiny-roberta-encoder.json", [case(encoder, inputs) for inputs in batches(64)])
    deep()
