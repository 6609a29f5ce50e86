#!/usr/bin/env python3
"""Writes roberta/, xlm-roberta/ and their views.json: python generate_roberta.py

Made with: transformers 5.23.0, tokenizers 0.23.3 (Python 3).

A byte-level BPE and a Unigram tokenizer, trained on a few texts in three languages, as
RobertaTokenizerFast and XLMRobertaTokenizerFast save them, and pairs as these two encode them. The
real XLM-RoBERTa also normalises by a table of 300 kB, which is left out.
"""

import json
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import RobertaTokenizerFast, XLMRobertaTokenizerFast

HERE = Path(__file__).parent
SPECIAL = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
PAIRS = [
    ("usb c cable", "Acme USB-C cable, 1 m\nAcme\nBlack\nBraided nylon, charges phones and tablets at 60 W"),
    ("red wireless mouse", "Wireless mouse with a silent click\nContoso\nRed\n2.4 GHz, 1600 dpi, works with laptops"),
    ("kitchen towels", "Set of 4 dish towels, 100% cotton, lemons all over"),
    ("cable usb c", "Cable USB-C trenzado de 1 metro\nAcme\nNegro\nCarga rápida para móviles y tabletas"),
    ("ratón inalámbrico rojo", "Ratón inalámbrico silencioso\nContoso\nRojo\nFunciona con ordenadores portátiles"),
    ("paños de cocina algodón", "Juego de 4 paños de cocina, 100 % algodón, con limones"),
    ("zapatillas niña talla 30", "Zapatillas de deporte para niña, suela blanda, talla 30"),
    ("usb c ケーブル", "USB-C ケーブル 1m ナイロン編み\nAcme\n黒\n急速充電、スマートフォンとタブレットに対応"),
    ("ワイヤレス マウス 赤", "静音ワイヤレスマウス\nContoso\n赤\n2.4GHz、1600dpi、ノートパソコンに対応"),
    ("キッチン タオル", "ふきん 4枚セット 綿100% レモン柄"),
    ("モバイルバッテリー 軽量", "軽量モバイルバッテリー 10000mAh 急速充電 スマートフォン対応"),
]
AWKWARD = [
    ("towel", " "),  # transformers takes "" as no second text at all
    ("  Café\tNOIR ", "crème\u00a0brûlée 北京 \u200bdish\u0000towel \ufffd"),
    ("12\" x 5.5' #1!!", "x" * 90 + " 🎁🎁 ok"),
    ("usb", "cable " * 60),
]
REASON = "Intent: a search. The item has it. Intención: una búsqueda. 検索の意図。 " * 2


def roberta(texts):
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator(
        texts,
        trainers.BpeTrainer(vocab_size=480, special_tokens=SPECIAL, initial_alphabet=alphabet, show_progress=False),
    )
    model = json.loads(bpe.to_str())["model"]
    return RobertaTokenizerFast(vocab=model["vocab"], merges=[tuple(m) for m in model["merges"]])


def xlm_roberta(texts):
    unigram = Tokenizer(models.Unigram())
    unigram.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    unigram.train_from_iterator(
        texts,
        trainers.UnigramTrainer(vocab_size=380, special_tokens=SPECIAL, unk_token="<unk>", show_progress=False),
    )
    vocab = [(piece, score) for piece, score in json.loads(unigram.to_str())["model"]["vocab"]]
    return XLMRobertaTokenizerFast(vocab=vocab)


def cut(tokenizer, query, item, length):
    """The reference call; not asked where the query alone is too long for it."""
    if len(tokenizer(query, add_special_tokens=False)["input_ids"]) > length - 8:
        return None
    return tokenizer(query, item, truncation="only_second", max_length=length)["input_ids"]


def write(name, tokenizer):
    folder = HERE / name
    tokenizer.save_pretrained(folder)
    views = []
    for query, item in PAIRS + AWKWARD:
        standard = cut(tokenizer, query, item, 64)
        # transformers has no view of three texts: the reason stands behind the pair as a second text
        # does behind a first.
        end = tokenizer.sep_token_id
        tail = [end, *tokenizer(REASON, add_special_tokens=False)["input_ids"]]
        reasoned = standard + tail[: 96 - len(standard) - 1] + [end]
        views.append(
            {
                "query": query,
                "item": item,
                "reason": REASON,
                "standard_64": standard,
                "narrow_32": cut(tokenizer, query, item, 32),
                "reasoned_96": reasoned,
            }
        )
    pair = tokenizer("a", "b", return_token_type_ids=True)
    assert set(pair["token_type_ids"]) == {0}, pair
    fixture = {"pad_id": tokenizer.pad_token_id, "vocab_size": len(tokenizer), "views": views}
    (folder / "views.json").write_text(json.dumps(fixture, ensure_ascii=False) + "\n")
    unknown = sum(v["standard_64"].count(tokenizer.unk_token_id) for v in views)
    print(name, len(tokenizer), [len(v["standard_64"]) for v in views], unknown, "unknown")


if __name__ == "__main__":
    texts = [text for pair in PAIRS for text in pair]
    write("roberta", roberta(texts))
    write("xlm-roberta", xlm_roberta(texts))
