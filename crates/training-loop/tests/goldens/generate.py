"""Golden values for training-loop.

Pinned: torch 2.9.0, transformers 5.23.0, accelerate (any that transformers asks for).
Run: OMP_NUM_THREADS=1 python generate.py   (writes the JSON files beside this script)
"""

import json
import tempfile
from pathlib import Path

import torch
import transformers
from torch import nn
from transformers import (
    Trainer,
    TrainingArguments,
    get_constant_schedule,
    get_constant_schedule_with_warmup,
    get_cosine_schedule_with_warmup,
    get_linear_schedule_with_warmup,
)

HERE = Path(__file__).parent
assert torch.__version__.startswith("2.9.0"), torch.__version__
assert transformers.__version__ == "5.23.0", transformers.__version__


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1) + "\n")


def adamw():
    """torch.optim.AdamW, two groups, gradients and learning rates given."""
    torch.manual_seed(0)
    weight, bias = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(4))
    start = [weight.tolist(), bias.tolist()]
    optimizer = torch.optim.AdamW(
        [{"params": [weight], "weight_decay": 0.1}, {"params": [bias], "weight_decay": 0.0}],
        lr=1.0, betas=(0.9, 0.999), eps=1e-8,
    )
    steps = []
    for step in range(12):
        # Small gradients are where epsilon 1e-8 and burn's 1e-5 part ways.
        scale = [1.0, 1e-3, 1e-6][step % 3]
        weight.grad, bias.grad = torch.randn(3, 4) * scale, torch.randn(4) * scale
        lr = 0.05 / (step + 1)
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.step()
        steps.append({
            "lr": lr,
            "grads": [weight.grad.tolist(), bias.grad.tolist()],
            "params": [weight.tolist(), bias.tolist()],
        })
    write("adamw.json", {"start": start, "weight_decay": 0.1, "steps": steps})


def schedules():
    """The learning rates that torch's LambdaLR gives the optimizer, step by step."""
    makers = {
        "linear": lambda o, w, t: get_linear_schedule_with_warmup(o, w, t),
        "cosine": lambda o, w, t: get_cosine_schedule_with_warmup(o, w, t),
        "constant": lambda o, w, t: get_constant_schedule(o),
        "constant_with_warmup": lambda o, w, t: get_constant_schedule_with_warmup(o, w),
    }
    cases = []
    for kind, make in makers.items():
        for warmup, total in [(0, 7), (3, 20), (1, 1), (5, 5), (10, 100)]:
            optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=3e-5)
            scheduler = make(optimizer, warmup, total)
            rates = []
            for _ in range(total):
                rates.append(scheduler.get_last_lr()[0])
                optimizer.step()
                scheduler.step()
            cases.append({"kind": kind, "warmup_steps": warmup, "max_steps": total, "rates": rates})
    write("schedules.json", {"learning_rate": 3e-5, "cases": cases})


def clipping():
    """torch.nn.utils.clip_grad_norm_ over two parameters."""
    cases = []
    for seed, max_norm in [(0, 1.0), (1, 0.1), (2, 100.0)]:
        torch.manual_seed(seed)
        weight, bias = nn.Parameter(torch.zeros(3, 4)), nn.Parameter(torch.zeros(4))
        weight.grad, bias.grad = torch.randn(3, 4), torch.randn(4) * 3
        grads = [weight.grad.tolist(), bias.grad.tolist()]
        norm = torch.nn.utils.clip_grad_norm_([weight, bias], max_norm)
        cases.append({
            "max_norm": max_norm,
            "grads": grads,
            "norm": norm.item(),
            "clipped": [weight.grad.tolist(), bias.grad.tolist()],
        })
    write("clipping.json", cases)


class Regressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.up, self.norm, self.down = nn.Linear(4, 8), nn.LayerNorm(8), nn.Linear(8, 1)

    def forward(self, x, labels):
        y = self.down(torch.tanh(self.norm(self.up(x))))
        return {"loss": ((y.squeeze(-1) - labels) ** 2).mean()}


class InOrder(Trainer):
    def _get_train_sampler(self, *args, **kwargs):
        return torch.utils.data.SequentialSampler(self.train_dataset)


def loop():
    """transformers.Trainer itself: accumulation with a short last group, clipping, warm-up."""
    torch.manual_seed(0)
    model = Regressor()
    start = {k: v.tolist() for k, v in model.state_dict().items()}
    x = torch.randn(15, 4)
    y = torch.sin(x.sum(-1)) * 3
    runs = []
    for kind in ["linear", "cosine"]:
        model.load_state_dict({k: torch.tensor(v) for k, v in start.items()})
        with tempfile.TemporaryDirectory() as out:
            args = TrainingArguments(
                output_dir=out, use_cpu=True, report_to="none", save_strategy="no", disable_tqdm=True,
                per_device_train_batch_size=3, gradient_accumulation_steps=2, num_train_epochs=3,
                learning_rate=0.05, weight_decay=0.1, adam_beta1=0.9, adam_beta2=0.999,
                adam_epsilon=1e-8, optim="adamw_torch", lr_scheduler_type=kind, warmup_steps=2,
                max_grad_norm=0.5, logging_steps=1, seed=0,
            )
            dataset = [{"x": a, "labels": b} for a, b in zip(x, y)]
            trainer = InOrder(model=model, args=args, train_dataset=dataset)
            trainer.train()
        history = [h for h in trainer.state.log_history if "loss" in h]
        runs.append({
            "lr_scheduler_type": kind,
            "losses": [h["loss"] for h in history],
            "grad_norms": [h["grad_norm"] for h in history],
            "learning_rates": [h["learning_rate"] for h in history],
            "epochs": [h["epoch"] for h in history],
            "final": {k: v.tolist() for k, v in model.state_dict().items()},
        })
    write("loop.json", {"start": start, "x": x.tolist(), "y": y.tolist(), "runs": runs})


if __name__ == "__main__":
    adamw()
    schedules()
    clipping()
    loop()
