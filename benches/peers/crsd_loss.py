"""The CRSD loss in PyTorch, eager: forward, and forward + backward.

    python crsd_loss.py --threads 2

Needs torch (measured with 2.9.0).
"""

import torch
import torch.nn.functional as F

from shapes import LOSS_SHAPES, NUM_CLASSES
from timing import arguments, measure

TEMPERATURE = 0.05
LAMBDA = 0.1


def crsd(standard_logits, reasoned_logits, standard, reasoned, labels, target):
    z = F.normalize(standard, dim=-1)
    z_reasoned = F.normalize(reasoned, dim=-1)
    similarity = z @ z_reasoned.T / TEMPERATURE
    align = F.cross_entropy(similarity, target, reduction="none")
    standard_ce = F.cross_entropy(standard_logits, labels, reduction="none")
    reasoned_ce = F.cross_entropy(reasoned_logits, labels, reduction="none")
    return standard_ce + reasoned_ce + LAMBDA * align


def main():
    args = arguments(__doc__)
    generator = torch.Generator().manual_seed(0)
    for b, h in LOSS_SHAPES:
        widths = (NUM_CLASSES, NUM_CLASSES, h, h)
        views = [
            (torch.rand(b, width, generator=generator) * 2 - 1).to(args.device).requires_grad_()
            for width in widths
        ]
        labels = (torch.arange(b) % NUM_CLASSES).to(args.device)
        target = torch.arange(b).to(args.device)

        def forward():
            with torch.inference_mode():
                return crsd(*views, labels, target)

        def forward_backward():
            loss = crsd(*views, labels, target).mean()
            return torch.autograd.grad(loss, views)

        measure(args, "crsd_loss", f"forward/b{b}_h{h}", forward, 2.0)
        measure(args, "crsd_loss", f"forward_backward/b{b}_h{h}", forward_backward, 2.0)


if __name__ == "__main__":
    main()
