"""One CRSD step in PyTorch, eager: two forward passes of `transformers`' BERT in MiniLM's shape with
dropout, both cross entropies, InfoNCE, backward, clipping and AdamW.

    python student_step.py --threads 2

Needs torch and transformers. Random weights; no row is padded, so no mask is passed.
"""

import torch
import torch.nn.functional as F
from transformers import BertConfig, BertForSequenceClassification

from shapes import NUM_CLASSES, STEP_SHAPES
from timing import arguments, measure

TEMPERATURE, LAMBDA = 0.05, 0.1


def main():
    args = arguments(__doc__)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=30522,
        hidden_size=384,
        num_hidden_layers=6,
        num_attention_heads=12,
        intermediate_size=1536,
        num_labels=NUM_CLASSES,
    )
    for b, t, r in STEP_SHAPES:
        model = BertForSequenceClassification(config).train().to(args.device)
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-5, weight_decay=0.01)
        views = [torch.randint(1000, 30000, (b, n)).to(args.device) for n in (t, r)]
        labels = (torch.arange(b) % NUM_CLASSES).to(args.device)

        def view(input_ids):
            hidden = model.bert(input_ids=input_ids, token_type_ids=torch.zeros_like(input_ids))
            logits = model.classifier(model.dropout(hidden.pooler_output))
            return logits, hidden.last_hidden_state[:, 0]

        def step():
            (logits, cls), (reasoned_logits, reasoned_cls) = map(view, views)
            similarity = F.normalize(cls) @ F.normalize(reasoned_cls).T / TEMPERATURE
            loss = F.cross_entropy(logits, labels) + F.cross_entropy(reasoned_logits, labels)
            loss = loss + LAMBDA * F.cross_entropy(similarity, torch.arange(b, device=args.device))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            return loss

        measure(args, "student_step", f"crsd/b{b}_t{t}_r{r}", step, 10.0)


if __name__ == "__main__":
    main()
