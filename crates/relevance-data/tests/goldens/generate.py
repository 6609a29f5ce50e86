#!/usr/bin/env python3
"""Writes the fixtures beside this file: python crates/relevance-data/tests/goldens/generate.py

Made with: pyarrow 26.0.1 (Python 3).

- esci-*/              tiny folders in the official ESCI schema, good and bad
"""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
EXAMPLES = "shopping_queries_dataset_examples.parquet"
PRODUCTS = "shopping_queries_dataset_products.parquet"


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
    write_esci()
