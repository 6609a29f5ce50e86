#!/usr/bin/env python3
"""Writes the fixtures beside this file: python crates/pair-tokenizer/tests/goldens/generate.py

Made with: transformers 5.23.0, tokenizers 0.23.3, pyarrow 26.0.1 (Python 3).

- tokenizer.json       WordPiece of 3,000 tokens, trained on the sample in examples/data
- views.json           pairs of that sample, and awkward ones, as BertTokenizerFast encodes them
"""

import json
from pathlib import Path

import pyarrow.parquet as pq
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertTokenizerFast

HERE = Path(__file__).parent
SAMPLE = HERE.parents[3] / "examples" / "data"
EXAMPLES = "shopping_queries_dataset_examples.parquet"
PRODUCTS = "shopping_queries_dataset_products.parquet"


def item_text(product: dict) -> str:
    """As `Item::text`: title, brand, color, bullet points, description, one a line."""
    fields = ["product_title", "product_brand", "product_color", "product_bullet_point", "product_description"]
    texts = [(product[field] or "").strip() for field in fields]
    return "\n".join(text for text in texts if text)


def sample_pairs() -> list[tuple[str, str]]:
    products = {p["product_id"]: p for p in pq.read_table(SAMPLE / PRODUCTS).to_pylist()}
    rows = pq.read_table(SAMPLE / EXAMPLES).to_pylist()
    return [(row["query"], item_text(products[row["product_id"]])) for row in rows]


def train_tokenizer(pairs: list[tuple[str, str]]) -> Path:
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=3000, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator((text for pair in pairs for text in pair), trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(t, tokenizer.token_to_id(t)) for t in ("[CLS]", "[SEP]")],
    )
    # Settings that a reader must set aside: `encode` truncates and pads by itself.
    tokenizer.enable_truncation(max_length=16)
    tokenizer.enable_padding(length=16)
    path = HERE / "tokenizer.json"
    tokenizer.save(str(path), pretty=False)
    return path


def write_views() -> None:
    pairs = sample_pairs()
    tokenizer = BertTokenizerFast(tokenizer_file=str(train_tokenizer(pairs)))
    short = [pair for pair in pairs if len(pair[1]) < 150]
    chosen = pairs[:: len(pairs) // 48] + short[:6]
    chosen += [
        # One space, for transformers takes "" as no second text at all.
        (" ", " "),
        ("towel", " "),
        ("", "towel"),
        ("  Café\tNOIR ", "crème\u00a0brûlée 北京 \u200bdish\u0000towel \ufffd"),
        ("モバイル バッテリー", "軽量 10000mAh モバイルバッテリー"),
        ("12\" x 5.5' #1!!", "x" * 150 + " 🎁🎁 ok"),
    ]
    views = []
    for index, (query, item) in enumerate(chosen):
        reason = f"Intent: a search. The item is number {index}. " + item[: 40 * (index % 40)]
        # The reference call. 128 is the default length; 24 cuts almost every item.
        standard, narrow = [
            tokenizer(query, item, truncation="only_second", max_length=length)
            if len(tokenizer(query)["input_ids"]) < length - 1 else None
            for length in (128, 24)
        ]
        # transformers has no view of three texts: ours adds the reason to the standard view.
        tail = tokenizer(reason, add_special_tokens=False)["input_ids"]
        tail = tail[: 160 - len(standard["input_ids"]) - 1] + [tokenizer.sep_token_id]
        views.append({
            "query": query, "item": item, "reason": reason,
            "standard": {k: standard[k] for k in ("input_ids", "token_type_ids")},
            "narrow": narrow and {k: narrow[k] for k in ("input_ids", "token_type_ids")},
            "reasoned_160": {
                "input_ids": standard["input_ids"] + tail,
                "token_type_ids": standard["token_type_ids"] + [1] * len(tail),
            },
        })
    fixture = {"pad_id": tokenizer.pad_token_id, "vocab_size": len(tokenizer), "views": views}
    (HERE / "views.json").write_text(json.dumps(fixture, ensure_ascii=False) + "\n")
    cut = sum(len(v["standard"]["input_ids"]) == 128 for v in views)
    print(f"{len(views)} pairs, {cut} of them cut at 128, vocabulary {len(tokenizer)}")


if __name__ == "__main__":
    write_views()
