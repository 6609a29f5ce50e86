"""Reference values and gradients of the CRSD objective, computed by PyTorch.

    python generate.py        # writes crsd.json beside this file

Pinned: torch==2.9.0 (CPU), numpy not used. Inputs are f32 numbers; the reference is computed from
them in f64, so that the tests measure our error and not torch's.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

MASKED = -1e9


def info_nce(standard, reasoned, usable, temperature, symmetric):
    """InfoNCE between two views, per example; `usable` is None or [b, b], true = negative."""
    z = F.normalize(standard, dim=-1)
    z_reasoned = F.normalize(reasoned, dim=-1)
    similarity = z @ z_reasoned.T / temperature
    b = similarity.shape[0]
    if usable is not None:
        keep = usable | torch.eye(b, dtype=torch.bool)
        similarity = similarity.masked_fill(~keep, MASKED)
    target = torch.arange(b)
    rows = F.cross_entropy(similarity, target, reduction="none")
    if not symmetric:
        return rows
    columns = F.cross_entropy(similarity.T, target, reduction="none")
    return (rows + columns) / 2


def kl(p_logits, q_logits):
    """KL(p || q) of each row."""
    log_p, log_q = p_logits.log_softmax(-1), q_logits.log_softmax(-1)
    return F.kl_div(log_q, log_p, log_target=True, reduction="none").sum(-1)


def view_kl(standard_logits, reasoned_logits, symmetric):
    forth = kl(reasoned_logits, standard_logits)
    return (forth + kl(standard_logits, reasoned_logits)) / 2 if symmetric else forth


def logit_kd(student_logits, teacher_logits, temperature):
    return kl(teacher_logits / temperature, student_logits / temperature) * temperature**2


def crsd(case, standard_logits, reasoned_logits, standard, reasoned):
    labels = torch.tensor(case["labels"])
    usable = None
    if case["usable"] is not None:
        usable = torch.tensor(case["usable"], dtype=torch.bool)
    standard_ce = F.cross_entropy(standard_logits, labels, reduction="none")
    reasoned_ce = F.cross_entropy(reasoned_logits, labels, reduction="none")
    other = reasoned.detach() if case["detach_reasoned"] else reasoned
    symmetric = case["direction"] == "symmetric"
    if case["align"] == "info_nce":
        align = info_nce(standard, other, usable, case["temperature"], symmetric)
    elif case["align"] == "mse":
        align = F.mse_loss(standard, other, reduction="none").mean(-1)
    elif case["align"] == "cosine":
        align = 1 - F.cosine_similarity(standard, other)
    elif case["align"] == "view_kl":
        other_logits = reasoned_logits.detach() if case["detach_reasoned"] else reasoned_logits
        align = view_kl(standard_logits, other_logits, symmetric)
    return standard_ce, reasoned_ce, align, standard_ce + reasoned_ce + case["lambda"] * align


def rounded(tensor):
    """f32 inputs with few digits, so that the file stays small and exact."""
    return (tensor * 1024).round() / 1024


def inputs(generator, b, k, h):
    shapes = {"standard_logits": k, "reasoned_logits": k, "standard": h, "reasoned": h}
    return {
        name: rounded(torch.randn(b, n, generator=generator) * 2)
        for name, n in shapes.items()
    }


def compact(tensor):
    return [float(f"{x:.8g}") for x in tensor.flatten().tolist()]


def finish(case, tensors):
    """Runs the reference and writes inputs, values and gradients into the case."""
    leaves = [tensors[name].double().requires_grad_() for name in tensors]
    standard_ce, reasoned_ce, align, per_example = crsd(case, *leaves)
    weights = torch.tensor(case["weights"], dtype=torch.float64)
    (per_example * weights).sum().backward()
    case["inputs"] = {name: tensor.flatten().tolist() for name, tensor in tensors.items()}
    case["values"] = {
        "standard_ce": compact(standard_ce),
        "reasoned_ce": compact(reasoned_ce),
        "align": compact(align),
        "per_example": compact(per_example),
    }
    case["gradients"] = {
        name: compact(leaf.grad if leaf.grad is not None else torch.zeros_like(leaf))
        for name, leaf in zip(tensors, leaves)
    }
    return case


def make(name, generator, b, k, h, temperature, mask=False, symmetric=False, detach=False,
         weight=0.1, tensors=None, align="info_nce"):
    usable = None
    if mask:
        usable = (torch.rand(b, b, generator=generator) < 0.6).int().tolist()
    case = {
        "name": name,
        "b": b,
        "k": k,
        "h": h,
        "align": align,
        "temperature": temperature,
        "lambda": weight,
        "direction": "symmetric" if symmetric else "standard_to_reasoned",
        "detach_reasoned": detach,
        "labels": torch.randint(0, k, (b,), generator=generator).tolist(),
        "usable": usable,
        # Every example has a weight of its own: a mean would hide a gradient that lands in the
        # wrong row.
        "weights": rounded(torch.rand(b, generator=generator)).tolist(),
    }
    return finish(case, tensors or inputs(generator, b, k, h))


def cases():
    generator = torch.Generator().manual_seed(20251011)
    variants = [
        ("plain", {}),
        ("masked", {"mask": True}),
        ("symmetric", {"symmetric": True}),
        ("symmetric masked", {"symmetric": True, "mask": True}),
        ("detached", {"detach": True}),
        ("symmetric detached", {"symmetric": True, "detach": True}),
    ]
    for b, k, h in [(1, 3, 5), (2, 4, 8), (7, 4, 16)]:
        for temperature in [0.05, 0.01, 1.0]:
            for variant, options in variants:
                name = f"{variant}, b = {b}, temperature = {temperature}"
                yield make(name, generator, b, k, h, temperature, **options)
    for temperature in [0.05, 0.01, 1.0]:
        name = f"plain, b = 64, temperature = {temperature}"
        yield make(name, generator, 64, 4, 24, temperature, weight=1.0)
    yield make("symmetric masked, b = 64", generator, 64, 4, 24, 0.05, mask=True, symmetric=True)

    # Similarities of exactly 1 and -1, at the temperature where they hurt most.
    for sign in [1.0, -1.0]:
        tensors = inputs(generator, 6, 4, 8)
        tensors["reasoned"] = sign * 2.0 * tensors["standard"]
        yield make(f"all positives at {sign}", generator, 6, 4, 8, 0.01, tensors=tensors)
    tensors = inputs(generator, 6, 4, 8)
    tensors["standard"] = tensors["standard"][:1].repeat(6, 1)
    tensors["reasoned"] = tensors["standard"] * torch.tensor([[1.0], [-1.0]]).repeat(3, 1)
    yield make("every similarity at 1 or -1", generator, 6, 4, 8, 0.01, tensors=tensors)

    for align in ["mse", "cosine", "view_kl"]:
        for variant, options in [v for v in variants if "mask" not in v[1]]:
            yield make(f"{align} {variant}", generator, 7, 4, 16, 0.05, align=align, **options)


def distillation_cases():
    generator = torch.Generator().manual_seed(1503)
    for b, k, temperature in [(1, 3, 1.0), (7, 4, 2.0), (7, 4, 0.5), (16, 5, 4.0)]:
        student = rounded(torch.randn(b, k, generator=generator) * 4)
        teacher = rounded(torch.randn(b, k, generator=generator) * 4)
        leaf = student.double().requires_grad_()
        loss = logit_kd(leaf, teacher.double(), temperature)
        loss.sum().backward()
        yield {
            "name": f"b = {b}, temperature = {temperature}",
            "b": b,
            "k": k,
            "temperature": temperature,
            "student": student.flatten().tolist(),
            "teacher": teacher.flatten().tolist(),
            "value": compact(loss),
            "gradient": compact(leaf.grad),
        }


def main():
    path = pathlib.Path(__file__).with_name("crsd.json")
    written = {"torch": torch.__version__, "cases": list(cases())}
    written["distillation"] = list(distillation_cases())
    path.write_text(json.dumps(written, separators=(",", ":")) + "\n")
    print(f"{path}: {len(written['cases'])} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
