"""Golden values for preference-opt.

Pinned: torch 2.9.0, trl 1.16.0, transformers 5.23.0.
Run: OMP_NUM_THREADS=1 python generate.py   (writes the JSON files beside this script)
"""

import json
import tempfile
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace

import torch
import torch.nn.functional as F
import trl
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM
from trl import DPOConfig, DPOTrainer

HERE = Path(__file__).parent
assert torch.__version__.startswith("2.9.0"), torch.__version__
assert trl.__version__ == "1.16.0", trl.__version__

LENGTH = 6


def trl_loss(log_probs, mask, ref_chosen, ref_rejected, beta, loss_type, loss_weights):
    """TRL's own DPOTrainer._compute_loss, on token log-probs instead of a model.

    log_probs, mask: [2b, LENGTH], the chosen half first.
    """
    b = len(ref_chosen)
    metrics = defaultdict(lambda: defaultdict(list))
    same = lambda x: x
    trainer = SimpleNamespace(
        model=SimpleNamespace(training=True),
        accelerator=SimpleNamespace(device="cpu", gather=same, gather_for_metrics=same),
        aux_loss_enabled=False, ld_alpha=None, precompute_ref_logps=True,
        f_divergence_type="reverse_kl", loss_types=loss_type, loss_weights=loss_weights,
        beta=beta, label_smoothing=0.0, use_weighting=False,
        _metrics=metrics, _total_train_tokens=0, _tp_size=1,
    )
    zeros = torch.zeros(2 * b, LENGTH)
    outputs = SimpleNamespace(
        log_probs=log_probs * mask, entropy=zeros, mean_logits=zeros, is_top1=zeros.bool()
    )
    full = torch.cat([torch.zeros(2 * b, 1), mask], dim=1)  # the prompt's token, then the reply's
    inputs = {
        "input_ids": torch.zeros(2 * b, LENGTH + 1, dtype=torch.long),
        "attention_mask": torch.ones(2 * b, LENGTH + 1),
        "completion_mask": full,
        "ref_chosen_logps": ref_chosen, "ref_rejected_logps": ref_rejected,
    }
    loss = DPOTrainer._compute_loss(trainer, lambda **_: outputs, inputs, False)
    return loss, {k: v[0] for k, v in metrics["train"].items() if k.startswith(("rewards/", "logps/"))}


def example(seed, b):
    torch.manual_seed(seed)
    log_probs = (-torch.rand(2 * b, LENGTH) * 4).requires_grad_()
    lengths = torch.randint(1, LENGTH + 1, (2 * b,))
    mask = (torch.arange(LENGTH) < lengths[:, None]).float()
    sums = (log_probs * mask).sum(1).detach()
    reference = sums + torch.randn(2 * b) * 2
    return log_probs, mask, lengths, reference


def case(seed, b, beta, label_smoothing=0.0, nll_weight=0.0):
    log_probs, mask, lengths, reference = example(seed, b)
    ref_chosen, ref_rejected = reference.chunk(2)
    # What Rust sees: the sums, as leaves of the graph.
    sums = (log_probs * mask).sum(1).detach().requires_grad_()
    chosen, rejected = sums.chunk(2)
    chosen_ratio, rejected_ratio = chosen - ref_chosen, rejected - ref_rejected
    delta = beta * (chosen_ratio - rejected_ratio)
    per_example = (
        -F.logsigmoid(delta) * (1 - label_smoothing) - F.logsigmoid(-delta) * label_smoothing
    )
    if nll_weight > 0:
        per_example = per_example - nll_weight * chosen / lengths[:b]
    per_example.mean().backward()
    golden = {
        "beta": beta, "label_smoothing": label_smoothing, "nll_weight": nll_weight,
        "chosen": chosen.tolist(), "rejected": rejected.tolist(),
        "chosen_tokens": lengths[:b].tolist(), "rejected_tokens": lengths[b:].tolist(),
        "ref_chosen": ref_chosen.tolist(), "ref_rejected": ref_rejected.tolist(),
        "per_example": per_example.tolist(),
        "grad_chosen": sums.grad[:b].tolist(), "grad_rejected": sums.grad[b:].tolist(),
    }
    # TRL 1.16 smooths no labels in its `sigmoid` loss (the term is cDPO's, 2305.18290's authors'
    # note), and its `sft` term averages over the tokens of the batch: equal to ours for one pair.
    if label_smoothing == 0.0 and (nll_weight == 0 or b == 1):
        types = ["sigmoid"] if nll_weight == 0 else ["sigmoid", "sft"]
        weights = [1.0] if nll_weight == 0 else [1.0, nll_weight]
        loss, metrics = trl_loss(log_probs, mask, ref_chosen, ref_rejected, beta, types, weights)
        loss.backward()
        assert torch.allclose(loss, per_example.mean(), atol=1e-6)
        # The gradient of a sum reaches each of its tokens.
        assert torch.allclose(log_probs.grad[:, 0], sums.grad, atol=1e-6)
        golden["trl_loss"], golden["trl_metrics"] = loss.item(), metrics
    return golden


WORDS = ["<unk>", "<|pad|>", "<|endoftext|>"] + (
    "query item red blue green shoe boot sock same other colour size brand the is not a "
    "match label exact irrelevant good bad large small"
).split()

PAIRS = [
    ("query red shoe item red shoe label", "same colour exact", "other colour irrelevant"),
    ("query blue boot item blue sock label", "not the same irrelevant", "the same match exact good"),
    ("query green sock item green sock label", "exact", "bad"),
    ("query small shoe item large shoe label", "other size irrelevant", "same size is a match exact"),
]


class InOrder(DPOTrainer):
    def _get_train_sampler(self, *args, **kwargs):
        return torch.utils.data.SequentialSampler(self.train_dataset)


def training():
    """TRL's DPOTrainer on a tiny random Qwen3: losses and metrics of each step."""
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
    model = Qwen3ForCausalLM(config)
    model.save_pretrained(tiny)
    tokenizer.save_pretrained(tiny)
    dataset = Dataset.from_list(
        [{"prompt": p, "chosen": " " + c, "rejected": " " + r} for p, c, r in PAIRS]
    )
    with tempfile.TemporaryDirectory() as out:
        args = DPOConfig(
            output_dir=out, use_cpu=True, bf16=False, report_to="none", save_strategy="no",
            disable_tqdm=True, per_device_train_batch_size=2, num_train_epochs=4, learning_rate=5e-3,
            weight_decay=0.0, lr_scheduler_type="linear", warmup_steps=1, max_grad_norm=1.0,
            logging_steps=1, beta=0.1, max_length=64, precompute_ref_log_probs=True, seed=0,
            gradient_checkpointing=False,
        )
        trainer = InOrder(model=model, args=args, train_dataset=dataset, processing_class=tokenizer)
        trainer.train()
    keys = ["loss", "grad_norm", "learning_rate"] + [
        f"{kind}/{of}" for kind, of in [
            ("rewards", "chosen"), ("rewards", "rejected"), ("rewards", "accuracies"),
            ("rewards", "margins"), ("logps", "chosen"), ("logps", "rejected"),
        ]
    ]
    history = [{k: h[k] for k in keys} for h in trainer.state.log_history if "loss" in h]
    pairs = [{"prompt": p, "chosen": c, "rejected": r} for p, c, r in PAIRS]
    (HERE / "training.json").write_text(json.dumps({"pairs": pairs, "log": history}, indent=1) + "\n")


if __name__ == "__main__":
    cases = [
        case(0, 4, 0.1),
        case(1, 8, 0.5),
        case(2, 1, 2.0),
        case(3, 5, 50.0),  # saturated: log-sigmoid must not overflow
        case(4, 4, 0.1, label_smoothing=0.1),
        case(5, 4, 0.3, label_smoothing=0.4, nll_weight=0.5),
        case(6, 1, 0.1, nll_weight=1.0),
        case(7, 6, 0.1, nll_weight=0.2),
    ]
    (HERE / "dpo.json").write_text(json.dumps(cases, indent=1) + "\n")
    training()
