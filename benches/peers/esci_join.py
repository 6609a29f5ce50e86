"""Reads the two ESCI files and joins them with polars; the peer of the binary `esci_join`.

Prints one JSON line: seconds of reading and joining on the wall and of processor time, rows, the bytes of each column of the join (so that
every value is touched, and both sides can be seen to have found the same), and the peak memory.
"""

import argparse
import json
import os
import pathlib
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("dir", type=pathlib.Path)
parser.add_argument("--threads", type=int, default=os.cpu_count())
parser.add_argument("--engine", default="in-memory", choices=["in-memory", "streaming"])
parser.add_argument("--keep", action="store_true", help="materialise the joined frame before summing")
args = parser.parse_args()
os.environ["POLARS_MAX_THREADS"] = str(args.threads)

import polars as pl  # noqa: E402  (reads the number of threads when imported)

from process import cpu_seconds, peak_bytes  # noqa: E402

QUERY = ["query", "query_id", "product_locale", "product_id", "esci_label"]
TEXTS = ["product_title", "product_description", "product_bullet_point", "product_brand", "product_color"]

start, cpu = time.perf_counter(), cpu_seconds()
examples = pl.scan_parquet(args.dir / "shopping_queries_dataset_examples.parquet").select(QUERY)
products = pl.scan_parquet(args.dir / "shopping_queries_dataset_products.parquet").select(
    ["product_id", "product_locale", *TEXTS]
)
joined = examples.join(products, on=["product_id", "product_locale"], how="inner")
if args.keep:
    joined = joined.collect(engine=args.engine).lazy()
length = lambda column: column.cast(pl.String).str.len_bytes().cast(pl.Int64).sum()  # noqa: E731
sums = [length(pl.col(name)).alias(name) for name in QUERY + TEXTS if name != "esci_label"]
labels = [(pl.col("esci_label") == label).sum().cast(pl.Int64).alias(label) for label in "ESCI"]
found = joined.select(pl.len().cast(pl.Int64).alias("rows"), *sums, *labels).collect(engine=args.engine)
seconds, cpu = time.perf_counter() - start, cpu_seconds() - cpu
row = {key: int(value or 0) for key, value in found.row(0, named=True).items()}
name = f"polars {pl.__version__} {args.engine}{' kept' if args.keep else ''}"
print(json.dumps({"side": name, "seconds": seconds, "cpu": cpu, "peak": peak_bytes(), "found": row}))
