"""Golden token ids of 1,000 real pairs: `transformers`' BertTokenizerFast on the carried ESCI sample.

Pinned: Python 3.11, transformers 5.24.0, tokenizers 0.23.3, polars 2.1.0.
Run in this folder: python generate_pairs.py

Ids would be megabytes: kept are the number of tokens and the CRC-32 of the ids and segment ids of each
pair (little-endian u32 each), and the ids of the first ten pairs in full.
"""

import json
import struct
import zlib
from pathlib import Path

import polars as pl
from transformers import BertTokenizerFast

DATA = Path(__file__).parents[4] / "examples" / "data"
PAIRS, MAX_LENGTH = 1000, 96

tokenizer = BertTokenizerFast(tokenizer_file="tokenizer.json")
examples = pl.read_parquet(DATA / "shopping_queries_dataset_examples.parquet")
products = pl.read_parquet(DATA / "shopping_queries_dataset_products.parquet")
joined = examples.join(products, on=["product_id", "product_locale"], maintain_order="left")
fields = ["title", "brand", "color", "bullet_point", "description"]


def item_text(row):
    """`Item::text`: the fields on lines of their own, trimmed, empty ones left out."""
    texts = [(row[f"product_{field}"] or "").strip() for field in fields]
    return "\n".join(text for text in texts if text)


rows = []
for row in joined.head(PAIRS).iter_rows(named=True):
    encoded = tokenizer(
        row["query"], item_text(row), truncation="only_second", max_length=MAX_LENGTH
    )
    ids, types = encoded["input_ids"], encoded["token_type_ids"]
    packed = struct.pack(f"<{2 * len(ids)}I", *ids, *types)
    rows.append({"tokens": len(ids), "crc32": zlib.crc32(packed), "ids": ids})

golden = {
    "max_length": MAX_LENGTH,
    "tokens": [row["tokens"] for row in rows],
    "crc32": [row["crc32"] for row in rows],
    "first": [row["ids"] for row in rows[:10]],
}
with open("pairs.json", "w", encoding="utf-8") as file:
    json.dump(golden, file, separators=(",", ":"))
    file.write("\n")
