"""The student's forward pass in PyTorch, eager: `transformers`' BERT in MiniLM's shape.

    python student_forward.py --threads 2

Needs torch and transformers (measured with 2.9.0 and 5.23.0). Random weights; its default
attention is `scaled_dot_product_attention`. No row is padded, so no mask is passed.
"""

import torch
from transformers import BertConfig, BertForSequenceClassification

from shapes import NUM_CLASSES, STUDENT_SHAPES
from timing import arguments, measure


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
    model = BertForSequenceClassification(config).eval().to(args.device)
    for b, t in STUDENT_SHAPES:
        input_ids = torch.randint(1000, 30000, (b, t)).to(args.device)
        token_type_ids = torch.zeros_like(input_ids)

        def forward():
            with torch.inference_mode():
                return model(input_ids=input_ids, token_type_ids=token_type_ids).logits

        measure(args, "student_forward", f"forward/b{b}_t{t}", forward, 3.0)


if __name__ == "__main__":
    main()
