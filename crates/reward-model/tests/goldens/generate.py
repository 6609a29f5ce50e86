"""Golden values for reward-model.

Pinned: torch 2.9.0, transformers 5.23.0.
Run: OMP_NUM_THREADS=1 python generate.py   (writes the files beside this script)
"""

import json
from pathlib import Path

import torch
import torch.nn.functional as F
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

HERE = Path(__file__).parent
assert torch.__version__.startswith("2.9.0"), torch.__version__
assert transformers.__version__ == "5.23.0", transformers.__version__

WORDS = ["<unk>", "<|pad|>", "<|endoftext|>"] + (
    "query item red blue green shoe boot sock same other colour size brand the is not a "
    "match label exact irrelevant good bad large small"
).split()


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1) + "\n")


def bradley_terry():
    cases = []
    for seed, margin, scale in [(0, 0.0, 1.0), (1, 0.5, 2.0), (2, 1.0, 60.0)]:
        torch.manual_seed(seed)
        chosen = (torch.randn(5) * scale).requires_grad_()
        rejected = (torch.randn(5) * scale).requires_grad_()
        loss = -F.logsigmoid(chosen - rejected - margin)
        loss.mean().backward()
        cases.append({
            "margin": margin, "chosen": chosen.tolist(), "rejected": rejected.tolist(),
            "loss": loss.tolist(), "grad_chosen": chosen.grad.tolist(),
            "grad_rejected": rejected.grad.tolist(),
        })
    write("bradley_terry.json", cases)


def masked_regression():
    cases = []
    for seed, b, d, keep in [(0, 4, 5, 0.6), (1, 6, 3, 1.0), (2, 3, 2, 0.0), (3, 8, 1, 0.5)]:
        torch.manual_seed(seed)
        predictions = torch.randn(b, d, requires_grad=True)
        targets = torch.rand(b, d)
        present = torch.rand(b, d) < keep
        if present.any():
            loss = F.mse_loss(predictions[present], targets[present])
        else:
            loss = (predictions * 0.0).sum()
        loss.backward()
        cases.append({
            "shape": [b, d], "predictions": predictions.tolist(), "targets": targets.tolist(),
            "present": present.tolist(), "loss": loss.item(), "grad": predictions.grad.tolist(),
        })
    write("masked_regression.json", cases)


def heads():
    tiny = HERE / "tiny"
    backend = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, unk_token="<unk>", pad_token="<|pad|>", eos_token="<|endoftext|>"
    )
    config = Qwen3Config(
        vocab_size=len(WORDS), hidden_size=16, intermediate_size=32, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=8, max_position_embeddings=64,
        tie_word_embeddings=True, initializer_range=0.2, bos_token_id=None, eos_token_id=2,
        pad_token_id=1,
    )
    torch.manual_seed(0)
    model = Qwen3ForCausalLM(config).eval()
    model.save_pretrained(tiny)
    tokenizer.save_pretrained(tiny)
    (tiny / "model.safetensors").chmod(0o644)
    head = torch.nn.Linear(16, 3)
    rows = [
        ("query red shoe item red shoe", "same colour exact"),
        ("query blue boot", "irrelevant"),
        ("query item", "the size is not the same size bad match"),
    ]
    scores = []
    for prompt, reply in rows:  # one by one: no padding
        ids = tokenizer(prompt + " " + reply).input_ids + [tokenizer.eos_token_id]
        with torch.no_grad():
            hidden = model.model(torch.tensor([ids])).last_hidden_state
            scores.append(head(hidden[0, -1]).tolist())
    write("heads.json", {
        "rows": rows, "weight": head.weight.tolist(), "bias": head.bias.tolist(), "scores": scores,
    })


if __name__ == "__main__":
    bradley_terry()
    masked_regression()
    heads()
