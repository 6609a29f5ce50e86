#!/usr/bin/env python3
"""Repeats ESCI files until they are as large as the whole public data set.

    python benches/peers/repeat_esci.py --source DIR --out DIR [--examples 2621440] [--products 1815240]

The public files have 2.6 million judgments of 1.8 million products, 1.4 judgments a product. Copies of the
examples get query ids of their own, and copies of the products get product ids of their own (a number is put
in front), so that nothing joins across copies and every key is distinct. Since a small sample has about as
many products as judgments, copy `c` of the judgments refers to copy `c mod n` of the `n` copies of the
products: as many judgments and as many products as the public files have. Texts are unchanged, so each
repeats `n` times: within one page of a parquet file that helps no encoder, for a page holds less than a copy.

Row groups have 1,048,576 rows, pyarrow's default, and pages are zstd as in the source.
"""

import argparse
import pathlib

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

EXAMPLES = "shopping_queries_dataset_examples.parquet"
PRODUCTS = "shopping_queries_dataset_products.parquet"
ROW_GROUP = 1 << 20


def prefixed(column, number):
    text = column.cast(pa.string())
    return pc.binary_join_element_wise(str(number), text, "-").cast(column.type)


def replaced(table, name, column):
    return table.set_column(table.schema.get_field_index(name), name, column)


def write(path, copies):
    """Writes row groups of ROW_GROUP rows from tables that are smaller."""
    writer, waiting, rows = None, [], 0
    for table in copies:
        writer = writer or pq.ParquetWriter(path, table.schema, compression="zstd")
        waiting.append(table)
        rows += table.num_rows
        while rows >= ROW_GROUP:
            whole = pa.concat_tables(waiting)
            writer.write_table(whole.slice(0, ROW_GROUP), row_group_size=ROW_GROUP)
            waiting, rows = [whole.slice(ROW_GROUP)], rows - ROW_GROUP
    if rows:
        writer.write_table(pa.concat_tables(waiting), row_group_size=ROW_GROUP)
    writer.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--examples", type=int, default=2_621_440)
    parser.add_argument("--products", type=int, default=1_815_240)
    args = parser.parse_args()
    examples = pq.read_table(args.source / EXAMPLES).replace_schema_metadata()
    products = pq.read_table(args.source / PRODUCTS).replace_schema_metadata()
    example_copies = -(-args.examples // examples.num_rows)
    product_copies = -(-args.products // products.num_rows)
    args.out.mkdir(parents=True, exist_ok=True)

    def copies_of_examples():
        for copy in range(example_copies):
            table = examples
            for name in ("example_id", "query_id"):
                shifted = pc.add(table[name], pa.scalar(copy * 1_000_000_000, table[name].type))
                table = replaced(table, name, shifted)
            ids = prefixed(table["product_id"], copy % product_copies)
            yield replaced(table, "product_id", ids)

    def copies_of_products():
        for copy in range(product_copies):
            yield replaced(products, "product_id", prefixed(products["product_id"], copy))

    write(args.out / EXAMPLES, copies_of_examples())
    write(args.out / PRODUCTS, copies_of_products())
    print(f"{example_copies * examples.num_rows} examples, {product_copies * products.num_rows} products")


if __name__ == "__main__":
    main()
