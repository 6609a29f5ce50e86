"""Tokenises pairs with Python's `tokenizers`; the peer of the binary `tokenize_pairs`.

The texts are those that the binary wrote. Prints one JSON line a case: the fastest of several rounds and the
tokens, which must be as many as ours.
"""

import argparse
import json
import os
import time

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("tokenizer")
parser.add_argument("pairs")
parser.add_argument("--threads", type=int, default=os.cpu_count())
args = parser.parse_args()
os.environ["RAYON_NUM_THREADS"] = str(args.threads)
os.environ["TOKENIZERS_PARALLELISM"] = "true"

import tokenizers  # noqa: E402  (reads the number of threads)

from process import cpu_seconds  # noqa: E402

ROUNDS = 5

tokenizer = tokenizers.Tokenizer.from_file(args.tokenizer)
tokenizer.no_padding()
tokenizer.enable_truncation(128, strategy="only_second")
# A title that holds [SEP] is text, as in ours.
tokenizer.encode_special_tokens = True
with open(args.pairs) as lines:
    pairs = [tuple(json.loads(line)) for line in lines]
for case, encode in [("encode_batch", tokenizer.encode_batch), ("encode_batch_fast", tokenizer.encode_batch_fast)]:
    seconds, cpu = [], []
    for _ in range(ROUNDS):
        start, used = time.perf_counter(), cpu_seconds()
        encodings = encode(pairs)
        seconds.append(time.perf_counter() - start)
        cpu.append(cpu_seconds() - used)
        tokens = sum(len(encoding) for encoding in encodings)
        del encodings
    line = {"side": f"tokenizers {tokenizers.__version__}", "case": case, "seconds": min(seconds)}
    print(json.dumps(line | {"cpu": min(cpu), "pairs": len(pairs), "tokens": tokens}))
