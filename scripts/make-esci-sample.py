#!/usr/bin/env python3
"""Makes the small ESCI sample carried in examples/data from a folder with the official files.

    python scripts/make-esci-sample.py --source ../shared/data/esci --out examples/data

Whole queries only: all test queries of the locale with all their products, then train queries in an
order that depends on the seed alone, as many as fit. Nothing in a row is changed. Both files are
written with snappy, LICENSE and NOTICE are copied. Needs pyarrow (the checked-in sample was made with 26.0.1).
"""

import argparse
import hashlib
import io
import shutil
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

EXAMPLES = "shopping_queries_dataset_examples.parquet"
PRODUCTS = "shopping_queries_dataset_products.parquet"
KEEP_EXAMPLES = ["example_id", "query", "query_id", "product_id", "product_locale", "esci_label",
                 "small_version", "large_version", "split"]
KEEP_PRODUCTS = ["product_id", "product_title", "product_description", "product_bullet_point",
                 "product_brand", "product_color", "product_locale"]


def parquet_bytes(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    # No pandas metadata: it describes another machine's index.
    pq.write_table(table.replace_schema_metadata(None), sink, compression="snappy")
    return sink.getvalue()


def select(examples: pa.Table, products: pa.Table, queries: set) -> tuple[pa.Table, pa.Table]:
    kept = examples.filter(pc.is_in(examples["query_id"], pa.array(sorted(queries))))
    ids = pc.unique(kept["product_id"])
    return kept, products.filter(pc.is_in(products["product_id"], ids))


def shuffled(queries: list, seed: int) -> list:
    return sorted(queries, key=lambda q: hashlib.sha256(f"{seed}:{q}".encode()).hexdigest())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--source", type=Path, required=True, help="folder with the two official files")
    parser.add_argument("--out", type=Path, default=Path("examples/data"))
    parser.add_argument("--max-bytes", type=int, default=2_900_000, help="of both parquet files together")
    parser.add_argument("--locale", default="us")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    examples = pq.read_table(args.source / EXAMPLES, columns=KEEP_EXAMPLES)
    products = pq.read_table(args.source / PRODUCTS, columns=KEEP_PRODUCTS)
    examples = examples.filter(pc.equal(examples["product_locale"], args.locale))
    products = products.filter(pc.equal(products["product_locale"], args.locale))

    def queries(split: str) -> list:
        rows = examples.filter(pc.equal(examples["split"], split))
        return pc.unique(rows["query_id"]).to_pylist()

    test, train = set(queries("test")), queries("train")
    train = shuffled([q for q in train if q not in test], args.seed)

    def sample(count: int) -> tuple[pa.Table, pa.Table, int]:
        kept, items = select(examples, products, test | set(train[:count]))
        size = len(parquet_bytes(kept)) + len(parquet_bytes(items))
        return kept, items, size

    low, high = 0, len(train)  # the largest number of train queries that fits
    if sample(0)[2] > args.max_bytes:
        raise SystemExit(f"the test queries alone exceed {args.max_bytes} bytes")
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if sample(middle)[2] <= args.max_bytes else (low, middle - 1)
    kept, items, size = sample(low)

    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / EXAMPLES).write_bytes(parquet_bytes(kept))
    (args.out / PRODUCTS).write_bytes(parquet_bytes(items))
    for name in ("LICENSE", "NOTICE"):
        shutil.copyfile(args.source / name, args.out / name)

    print(f"{size} bytes, {items.num_rows} products")
    for split in ("train", "test"):
        rows = kept.filter(pc.equal(kept["split"], split))
        labels = dict(sorted(Counter(rows["esci_label"].to_pylist()).items()))
        print(f"{split}: {len(pc.unique(rows['query_id']))} queries, {rows.num_rows} pairs, {labels}")


if __name__ == "__main__":
    main()
