"""Tiny random decoders written by transformers, and what transformers and torch compute with them.

Versions: torch 2.9.0, transformers 5.23.0, tokenizers 0.23.3, safetensors 0.8.0; Python 3.11.
Run in this folder: OMP_NUM_THREADS=1 python generate.py
"""

import json
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LogitsProcessorList,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen3Config,
    Qwen3ForCausalLM,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

HERE = Path(__file__).parent
VOCAB = 128
SHAPE = dict(
    vocab_size=VOCAB,
    hidden_size=32,
    intermediate_size=48,
    num_hidden_layers=2,
    num_attention_heads=4,
    num_key_value_heads=2,
    max_position_embeddings=128,
    # Large enough that attention is not uniform and logits are not flat.
    initializer_range=0.25,
    bos_token_id=None,
    eos_token_id=1,
    pad_token_id=0,
)
MODELS = {
    # head_dim other than hidden / heads, tied head.
    "qwen3": (Qwen3ForCausalLM, Qwen3Config(**SHAPE, head_dim=10, tie_word_embeddings=True,
                                            rope_parameters={"rope_type": "default", "rope_theta": 1000000.0})),
    # Biases on q, k and v; own head.
    "qwen2": (Qwen2ForCausalLM, Qwen2Config(**SHAPE, tie_word_embeddings=False,
                                            rope_parameters={"rope_type": "default", "rope_theta": 10000.0})),
    # Biases everywhere, another epsilon.
    "llama": (LlamaForCausalLM, LlamaConfig(**SHAPE, tie_word_embeddings=False, attention_bias=True,
                                            mlp_bias=True, rms_norm_eps=1e-5,
                                            rope_parameters={"rope_type": "default", "rope_theta": 500.0})),
}
ROWS = [[5, 77, 3, 90, 14, 33, 2, 101, 64, 7, 7, 120], [9, 44, 127, 8, 61, 50, 3]]
# Which tokens of ROWS are targets.
LOSS = [[0, 0, 0, 0, 1, 1, 1, 0, 1, 1, 1, 1], [0, 1, 1, 1, 0, 1, 1]]
PROMPTS = [[5, 77, 3, 90], [9, 44, 127, 8, 61, 50, 3], [12]]
GRADIENTS = [
    "model.embed_tokens.weight",
    "model.layers.0.self_attn.q_proj.weight",
    "model.layers.0.self_attn.k_proj.weight",
    "model.layers.1.mlp.down_proj.weight",
    "model.layers.0.input_layernorm.weight",
    "model.norm.weight",
]


def flat(tensor):
    return [float(f"{x:.9g}") for x in tensor.detach().double().flatten().tolist()]


def scrambled(model):
    """Norms and biases are 1 and 0 at first: random values show which is which."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(0.3 * torch.randn_like(parameter))
    return model


def log_probs(logits, ids):
    log_p = torch.log_softmax(logits[:, :-1].float(), -1)
    return torch.gather(log_p, 2, ids[:, 1:, None])[..., 0]


for name, (cls, config) in MODELS.items():
    torch.manual_seed(7)
    model = scrambled(cls(config)).float().eval()
    model.save_pretrained(HERE / name)
    (HERE / name / "generation_config.json").unlink(missing_ok=True)

    longest = max(map(len, ROWS))
    ids = torch.tensor([row + [0] * (longest - len(row)) for row in ROWS])
    real = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ROWS])
    counted = torch.tensor([row + [0] * (longest - len(row)) for row in LOSS])[:, 1:].float()
    output = model(input_ids=ids, attention_mask=real)
    token_log_probs = log_probs(output.logits, ids) * counted
    loss = -token_log_probs.sum() / counted.sum()
    model.zero_grad()
    loss.backward()
    parameters = dict(model.named_parameters())
    gradients = {}
    for key in GRADIENTS:
        gradient = parameters[key].grad
        gradients[key] = {"shape": list(gradient.shape), "norm": gradient.norm().item(),
                          "head": flat(gradient.flatten()[:40])}

    greedy = []
    for prompt in PROMPTS:
        out = model.generate(torch.tensor([prompt]), attention_mask=torch.ones(1, len(prompt), dtype=torch.long),
                             max_new_tokens=24, do_sample=False)
        greedy.append(out[0, len(prompt):].tolist())

    golden = {
        "rows": ROWS,
        "loss_mask": LOSS,
        "logits": [flat(output.logits[i, : len(row)]) for i, row in enumerate(ROWS)],
        "sequence_log_probs": flat(token_log_probs.sum(1)),
        "loss": loss.item(),
        "gradients": gradients,
        "prompts": PROMPTS,
        "greedy": greedy,
    }
    (HERE / f"{name}.json").write_text(json.dumps(golden) + "\n")

# The order and meaning of the sampling rules.
torch.manual_seed(3)
cases = []
for temperature, top_k, top_p in [(0.7, 0, 1.0), (1.3, 5, 1.0), (1.0, 0, 0.6), (0.8, 6, 0.75), (1.0, 1, 1.0), (1.0, 0, 0.01)]:
    logits = torch.randn(1, 16) * 2
    rules = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    if top_k:
        rules.append(TopKLogitsWarper(top_k))
    if top_p < 1:
        rules.append(TopPLogitsWarper(top_p))
    probabilities = torch.softmax(rules(None, logits.clone()).double(), -1)
    cases.append({"temperature": temperature, "top_k": top_k, "top_p": top_p,
                  "logits": flat(logits), "probabilities": flat(probabilities)})
(HERE / "sampling.json").write_text(json.dumps(cases) + "\n")

# A byte-level tokenizer.
tokenizer = Tokenizer(models.BPE())
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=["<|endoftext|>", "<|pad|>"], show_progress=False,
                              initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
tokenizer.train_from_iterator(["dish towels for the kitchen", "the dish towel", "cotton kitchen towels"] * 3, trainer)
tokenizer.save(str(HERE / "tokenizer.json"), pretty=False)
texts = ["the dish towels", "crème brûlée <|endoftext|> 茶"]
tokenizer.encode_special_tokens = True
encoded = [{"text": text, "ids": tokenizer.encode(text, add_special_tokens=False).ids} for text in texts]
(HERE / "tokenizer_cases.json").write_text(json.dumps(encoded) + "\n")
