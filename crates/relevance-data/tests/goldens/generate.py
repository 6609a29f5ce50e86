#!/usr/bin/env python3
"""Writes the fixtures beside this file: python crates/relevance-data/tests/goldens/generate.py

Made with: transformers 5.23.0, tokenizers 0.23.3, pyarrow 26.0.1 (Python 3).

- tokenizer.json       WordPiece of 3,000 tokens, trained on the sample in examples/data
- views.json           pairs of that sample, and awkward ones, as BertTokenizerFast encodes them
- esci-*/              tiny folders in the official ESCI schema, good and bad
"""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import BertTokenizerFast

HERE = Path(__file__).parent
SAMPLE = HERE.parents[3] / "examples" / "data"
EXAMPLES = "shopping_queries_dataset_examples.parquet"
PRODUCTS = "shopping_queries_dataset_products.parquet"


# ---- Tokenisation -----------------------------------------------------------------------------

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


# ---- ESCI files -------------------------------------------------------------------------------

def examples(**changes) -> dict:
    table = {
        "example_id": pa.array([0, 1, 2, 3, 4], pa.int64()),
        "query": pa.array(["dish towel", "dish towel", "usb cable", "usb cable", "toalla"], pa.string()),
        "query_id": pa.array([10, 10, 11, 11, 12], pa.int64()),
        # B1 exists in two locales: the join needs both columns.
        "product_id": pa.array(["B1", "B2", "B3", "B1", "B1"], pa.string()),
        "product_locale": pa.array(["us", "us", "us", "us", "es"], pa.string()),
        "esci_label": pa.array(["E", "S", "Exact", "I", "C"], pa.string()),
        "small_version": pa.array([1, 0, 1, 1, 0], pa.int64()),
        "large_version": pa.array([1, 1, 1, 1, 1], pa.int64()),
        "split": pa.array(["train", "train", "test", "test", "train"], pa.string()),
    }
    table.update(changes)
    return {name: column for name, column in table.items() if column is not None}


def products(**changes) -> dict:
    table = {
        "product_id": pa.array(["B1", "B2", "B3", "B1", "B2"], pa.string()),
        "product_title": pa.array(["Towel", "Sponge", "USB Cable", "Toalla", "Second Sponge"], pa.string()),
        "product_description": pa.array([None, "Soft.", None, None, None], pa.string()),
        "product_bullet_point": pa.array(["100% cotton\nset of 4", None, None, None, None], pa.string()),
        "product_brand": pa.array(["KAF", None, "Acme", "KAF", None], pa.string()),
        "product_color": pa.array(["Red", None, None, None, None], pa.string()),
        # The second row of (us, B2) does not count.
        "product_locale": pa.array(["us", "us", "us", "es", "us"], pa.string()),
    }
    table.update(changes)
    return {name: column for name, column in table.items() if column is not None}


def folder(name: str, examples: dict, products: dict, **options) -> None:
    path = HERE / f"esci-{name}"
    path.mkdir(exist_ok=True)
    for file, columns in ((EXAMPLES, examples), (PRODUCTS, products)):
        pq.write_table(pa.table(columns), path / file, compression="snappy", **options)


def as_type(columns: dict, cast) -> dict:
    return {name: cast(column) if pa.types.is_string(column.type) else column for name, column in columns.items()}


def write_esci() -> None:
    def dictionary(column):
        return column.dictionary_encode()

    def large(column):
        return column.cast(pa.large_string())

    def view(column):
        return column.cast(pa.string_view())

    folder("plain", examples(), products(), row_group_size=2)
    folder("large", as_type(examples(), large), as_type(products(), large))
    folder("dictionary", as_type(examples(), dictionary), as_type(products(), dictionary))
    folder("view", as_type(examples(), view), as_type(products(), view))
    folder("extra-column", examples(note=pa.array([1.5] * 5)), products())
    folder("no-split-column", examples(split=None), products())
    folder("no-brand-column", examples(), products(product_brand=None))
    folder("number-for-query", examples(query=pa.array([1, 2, 3, 4, 5])), products())
    folder("unknown-product", examples(product_id=pa.array(["B1", "B2", "B3", "B9", "B1"])), products())
    folder("unknown-label", examples(esci_label=pa.array(["E", "S", "Q", "I", "C"])), products())
    folder("null-query", examples(query=pa.array(["a", None, "b", "b", "c"])), products())
    folder("no-rows", {k: v.slice(0, 0) for k, v in examples().items()}, products())


if __name__ == "__main__":
    write_views()
    write_esci()
