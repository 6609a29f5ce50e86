"""Reference values and gradients from the libraries that users know, for the losses they share with
crsd-loss, and from PyTorch for what learns.

    python generate_peers.py        # writes peers.json beside this file

Pinned: torch==2.9.0 (CPU), pytorch-metric-learning==2.9.0, sentence-transformers==6.2.0. Inputs are
f32 numbers; the references are computed from them in f64.
"""

import json
import pathlib

import torch
import torch.nn.functional as F
from pytorch_metric_learning.losses import NTXentLoss, SupConLoss
from pytorch_metric_learning.reducers import DoNothingReducer
from sentence_transformers.sentence_transformer.losses import (
    MultipleNegativesRankingLoss,
    MultipleNegativesSymmetricRankingLoss,
)

from generate import compact, rounded


def metric_learning(loss, *args, **kwargs):
    """One loss per anchor."""
    loss.reducer = DoNothingReducer()
    return loss(*args, **kwargs)["loss"]["losses"]


def nt_xent(case, standard, reasoned):
    rows = torch.arange(case["b"])
    loss = NTXentLoss(temperature=case["temperature"])
    return metric_learning(loss, standard, rows, ref_emb=reasoned, ref_labels=rows.clone())


def sup_con(case, standard, reasoned):
    labels = torch.tensor(case["labels"])

    def rows(anchor, other):
        # Labels of an object of their own: the library then takes the two sets for different ones
        # and keeps the diagonal.
        loss = SupConLoss(temperature=case["temperature"])
        return metric_learning(loss, anchor, labels, ref_emb=other, ref_labels=labels.clone())

    losses = rows(standard, reasoned)
    if case["direction"] == "symmetric":
        losses = (losses + rows(reasoned, standard)) / 2
    return losses


def sup_con_all_views(case, standard, reasoned):
    labels = torch.tensor(case["labels"]).repeat(2)
    loss = SupConLoss(temperature=case["temperature"])
    losses = metric_learning(loss, torch.cat([standard, reasoned]), labels)
    return losses.view(2, case["b"]).mean(0)


def ranking(case, standard, reasoned):
    kind = MultipleNegativesRankingLoss
    if case["direction"] == "symmetric":
        kind = MultipleNegativesSymmetricRankingLoss
    loss = kind(model=None, scale=1 / case["temperature"])
    embeddings = [standard, reasoned]
    if case["queue"] is not None:
        embeddings.append(torch.tensor(case["queue"], dtype=torch.float64).view(-1, case["h"]))
    return loss.compute_loss_from_embeddings(embeddings, labels=None)  # the mean


REFERENCES = {
    "nt_xent": ("info_nce", nt_xent),
    "sup_con": ("sup_con", sup_con),
    "sup_con_all_views": ("sup_con_all_views", sup_con_all_views),
    "multiple_negatives_ranking": ("info_nce", ranking),
}


def peer(generator, reference, b, temperature, symmetric=False, queue=0, h=8, k=3):
    align, function = REFERENCES[reference]
    labels = torch.arange(b) % k  # every label, so that each anchor has a negative
    case = {
        "name": f"{reference}, b = {b}, temperature = {temperature}, "
        f"symmetric = {symmetric}, queue = {queue}",
        "align": align,
        "b": b,
        "k": k,
        "h": h,
        "temperature": temperature,
        "direction": "symmetric" if symmetric else "standard_to_reasoned",
        "labels": labels[torch.randperm(b, generator=generator)].tolist(),
        "queue": None,
        "weights": rounded(torch.rand(b, generator=generator)).tolist(),
    }
    if queue:
        case["queue"] = rounded(torch.randn(queue, h, generator=generator)).flatten().tolist()
    views = [rounded(torch.randn(b, h, generator=generator) * 2) for _ in range(2)]
    standard, reasoned = (view.double().requires_grad_() for view in views)
    losses = function(case, standard, reasoned)
    case["losses"] = None
    if losses.dim() == 0:  # the library hands out the mean alone
        case["weights"] = [1 / b] * b
        total = losses
    else:
        case["losses"] = compact(losses)
        total = (losses * torch.tensor(case["weights"], dtype=torch.float64)).sum()
    total.backward()
    case["total"] = total.item()
    case["standard"], case["reasoned"] = (view.flatten().tolist() for view in views)
    case["standard_gradient"] = compact(standard.grad)
    case["reasoned_gradient"] = compact(reasoned.grad)
    return case


def peers():
    generator = torch.Generator().manual_seed(2004)
    for b in [4, 9]:
        for temperature in [0.05, 0.5]:
            for symmetric in [False, True]:
                for reference in ["sup_con", "multiple_negatives_ranking"]:
                    yield peer(generator, reference, b, temperature, symmetric)
            for reference in ["nt_xent", "sup_con_all_views"]:
                yield peer(generator, reference, b, temperature)
            yield peer(generator, "multiple_negatives_ranking", b, temperature, queue=11)


def heads(generator, symmetric, temperature, log_scale, b=6, h=8, d=5):
    """A projection head and a logit scale, as in SimCLR and CLIP, under InfoNCE."""
    parameters = [
        rounded(torch.randn(*shape, generator=generator))
        for shape in [(h, h), (h,), (h, d)]  # [in, out], as burn keeps them
    ]
    parameters.append(torch.tensor([log_scale]))
    views = [rounded(torch.randn(b, h, generator=generator)) for _ in range(2)]
    weights = rounded(torch.rand(b, generator=generator))
    leaves = [tensor.double().requires_grad_() for tensor in [*views, *parameters]]
    standard, reasoned, w1, b1, w2, scale = leaves

    def project(x):
        return F.normalize(F.relu(x @ w1 + b1) @ w2, dim=-1)

    z, z_reasoned = project(standard), project(reasoned)
    similarity = scale.exp() * z @ z_reasoned.T
    losses = F.cross_entropy(similarity, torch.arange(b), reduction="none")
    if symmetric:
        back = F.cross_entropy(similarity.T, torch.arange(b), reduction="none")
        losses = (losses + back) / 2
    (losses * weights.double()).sum().backward()
    return {
        "name": f"symmetric = {symmetric}, log scale = {log_scale}",
        "b": b,
        "h": h,
        "d": d,
        "temperature": temperature,
        "direction": "symmetric" if symmetric else "standard_to_reasoned",
        "weights": weights.tolist(),
        "views": [view.flatten().tolist() for view in views],
        "parameters": [parameter.flatten().tolist() for parameter in parameters],
        "losses": compact(losses),
        "gradients": [compact(leaf.grad) for leaf in leaves],
    }


def weightings(generator, b=7, k=4, h=6):
    """Both policies on MSE align, whose gradient shows the weights plainly."""
    for policy in ["student_difficulty", "teacher_confidence"]:
        logits = rounded(torch.randn(b, k, generator=generator) * 2)
        teacher = torch.softmax(torch.randn(b, k, generator=generator) * 3, -1)
        teacher[0] = torch.eye(k)[1]  # certain: p ln p at p = 0
        views = [rounded(torch.randn(b, h, generator=generator)) for _ in range(2)]
        labels = torch.randint(0, k, (b,), generator=generator)
        leaves = [tensor.double().requires_grad_() for tensor in [logits, *views]]
        of_logits, standard, reasoned = leaves
        if policy == "student_difficulty":
            weights = 1 - of_logits.detach().softmax(-1).gather(1, labels[:, None])[:, 0]
        else:
            entropy = torch.distributions.Categorical(probs=teacher.double()).entropy()
            weights = 1 - entropy / torch.log(torch.tensor(float(k), dtype=torch.float64))
        weights = weights / weights.mean()
        align = (standard - reasoned).square().mean(-1)
        losses = 2 * F.cross_entropy(of_logits, labels, reduction="none") + 0.3 * weights * align
        losses.sum().backward()
        yield {
            "policy": policy,
            "b": b,
            "k": k,
            "h": h,
            "labels": labels.tolist(),
            "teacher": teacher.flatten().tolist(),
            "logits": logits.flatten().tolist(),
            "views": [view.flatten().tolist() for view in views],
            "weights": compact(weights),
            "losses": compact(losses),
            "gradients": [compact(leaf.grad) for leaf in leaves],
        }


def r_drop(generator, b, k, alpha):
    """The formula of R-Drop (2106.14448), equations 1 to 3, with the mean of the cross entropies."""
    logits = [rounded(torch.randn(b, k, generator=generator) * 2) for _ in range(2)]
    labels = torch.randint(0, k, (b,), generator=generator)
    first, second = (tensor.double().requires_grad_() for tensor in logits)
    p, q = first.softmax(-1), second.softmax(-1)
    divergence = ((p * (p / q).log()).sum(-1) + (q * (q / p).log()).sum(-1)) / 2
    nll = -(p.gather(1, labels[:, None]).log() + q.gather(1, labels[:, None]).log())[:, 0]
    losses = nll / 2 + alpha * divergence
    weights = rounded(torch.rand(b, generator=generator))
    (losses * weights.double()).sum().backward()
    return {
        "b": b,
        "k": k,
        "alpha": alpha,
        "labels": labels.tolist(),
        "weights": weights.tolist(),
        "logits": [tensor.flatten().tolist() for tensor in logits],
        "cross_entropy": compact(nll / 2),
        "divergence": compact(divergence),
        "losses": compact(losses),
        "gradients": [compact(first.grad), compact(second.grad)],
    }


def effective_rank(generator, b, h, rank):
    """RankMe (2210.02885), equation 1, of rows on the unit sphere."""
    rows = torch.randn(b, rank, generator=generator) @ torch.randn(rank, h, generator=generator)
    rows = rounded(rows)
    values = torch.linalg.svdvals(F.normalize(rows.double(), dim=-1))
    p = values / values.sum() + 1e-7
    return {
        "b": b,
        "h": h,
        "rows": rows.flatten().tolist(),
        "value": torch.exp(-(p * p.log()).sum()).item(),
    }


def main():
    path = pathlib.Path(__file__).with_name("peers.json")
    generator = torch.Generator().manual_seed(2210)
    written = {
        "torch": torch.__version__,
        "peers": list(peers()),
        "heads": [
            heads(generator, False, 0.05, 2.9957323),
            heads(generator, True, 0.2, 1.5),
        ],
        "weightings": list(weightings(generator)),
        "r_drop": [r_drop(generator, b, k, a) for b, k, a in [(1, 2, 1.0), (5, 4, 0.5), (5, 4, 5.0)]],
        "effective_rank": [
            effective_rank(generator, b, h, r) for b, h, r in [(12, 7, 7), (6, 20, 20), (16, 9, 3), (5, 4, 1)]
        ],
    }
    path.write_text(json.dumps(written, separators=(",", ":")) + "\n")
    print(f"{path}: {len(written['peers'])} peers, {path.stat().st_size} bytes")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
