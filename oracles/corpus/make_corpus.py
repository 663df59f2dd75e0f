"""Files of texts in the formats that data sets on the Hugging Face Hub have, and what `datasets` reads from them.

    python make_corpus.py OUTDIR

Repeatable byte for byte with the versions in README.md. `expected.json`: `lists` of texts, null where there is none, and for each file and column of `files` the index of its list.
"""
import csv
import gzip
import json
import os
import random
import shutil
import struct
import sys

os.environ["HF_DATASETS_OFFLINE"] = "1"
import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import zstandard

out = sys.argv[1]
os.makedirs(out, exist_ok=True)
rng = random.Random(7)
words = "the a of model layer residual stream feature naïve café 日本語 мир שלום 😀 𝔘nicode — … \"quoted\" it's tab\there NA null 42".split(" ")


def sentence(n):
    return " ".join(rng.choice(words) for _ in range(n))


texts = [sentence(rng.randint(1, 40)) for _ in range(57)]
texts[3] = "two\nlines"
texts[4] = "  outer spaces  "
texts[5] = ""
texts[6] = None
texts[7] = "line separator \u2028 and \u2029, next line \u0085, nul-free control \u001f"
texts[8] = "\ufeff a mark inside"
texts[9] = "carriage\r\nreturn"
texts[20] = sentence(900)  # longer than others
texts[30] = None
texts[31] = "NA"
texts[32] = "null"
names = ["Pile-CC", "ArXiv", "Github"]
rows = [{"text": text, "meta": {"pile_set_name": names[i % 3], "text": None if i % 11 == 5 else f"inner {i} {words[i % len(words)]}"}, "id": i} for i, text in enumerate(texts)]


def path(name):
    return os.path.join(out, name)


def write(name, data):
    with open(path(name), "wb") as f:
        f.write(data)


def lines(chosen, **options):
    return "".join(json.dumps(row, **options) + "\n" for row in chosen).encode()


# JSON
write("plain.jsonl", lines(rows, ensure_ascii=False))
write("escaped.ndjson", lines(rows).replace(b"\n", b"\r\n"))
write("lines.json", lines(rows))
write("array.json", json.dumps(rows, ensure_ascii=False, indent=1).encode())

# compressed: several gzip members, cut inside lines; several zstd frames with a skippable one between
all_lines = lines(rows, ensure_ascii=False)
thirds = [all_lines[: len(all_lines) // 3], all_lines[len(all_lines) // 3 : 2 * len(all_lines) // 3], all_lines[2 * len(all_lines) // 3 :]]
write("members.jsonl.gz", b"".join(gzip.compress(part, mtime=0) for part in thirds))
write("one.json.gz", gzip.compress(all_lines, mtime=0))
skippable = struct.pack("<II", 0x184D2A53, 5) + b"index"
frames = [
    zstandard.ZstdCompressor(level=3, write_checksum=True).compress(thirds[0]),
    skippable,
    zstandard.ZstdCompressor(level=19, write_content_size=False).compress(thirds[1]),
    zstandard.ZstdCompressor(level=1, write_checksum=False).compress(thirds[2]),
]
write("frames.jsonl.zst", b"".join(frames))
write("pile.jsonl.zst", zstandard.ZstdCompressor(level=3, write_checksum=True).compress(lines([{"text": r["text"] or "", "meta": {"pile_set_name": r["meta"]["pile_set_name"]}} for r in rows])))

# CSV, TSV: as Python's csv writes them
for name, separator, ends in [("rows.csv", ",", "\r\n"), ("rows.tsv", "\t", "\n")]:
    with open(path(name), "w", newline="", encoding="utf-8") as f:
        writer = csv.writer(f, delimiter=separator, lineterminator=ends)
        writer.writerow(["id", "text", "meta text"])
        for row in rows:
            writer.writerow([row["id"], row["text"], row["meta"]["text"]])
with open(path("rows.csv"), "rb") as f:
    write("rows.csv.gz", gzip.compress(f.read(), mtime=0))

# plain text
plain = [(text or "").replace("\r\n", " ").replace("\n", " ") for text in texts]
write("lines.txt", ("\n".join(plain) + "\n\n  \nlast, without an end").encode())
write("lines.txt.zst", zstandard.ZstdCompressor().compress(("\r\n".join(plain)).encode()))

# Parquet
schema = pa.schema([("id", pa.int64()), ("text", pa.string()), ("meta", pa.struct([("pile_set_name", pa.string()), ("text", pa.string())])), ("tags", pa.list_(pa.string())), ("nothing", pa.null()), ("bytes", pa.binary())])
table = pa.Table.from_pylist([{**row, "tags": ["a", "b"][: row["id"] % 3], "nothing": None, "bytes": b"\xff\x00"} for row in rows], schema=schema)
large = table.set_column(1, "text", table["text"].cast(pa.large_string()))
variants = {
    "snappy": dict(compression="snappy", row_group_size=10),
    "zstd": dict(compression="zstd", row_group_size=25, use_dictionary=False, data_page_version="2.0"),
    "gzip": dict(compression="gzip", row_group_size=57, use_dictionary=False, write_page_index=True, data_page_size=512, write_batch_size=4),
    "brotli": dict(compression="brotli", row_group_size=20),
    "lz4": dict(compression="lz4", row_group_size=20),
    "plain": dict(compression="none", row_group_size=7, use_dictionary=False),
    "delta": dict(compression="snappy", row_group_size=30, use_dictionary=False, column_encoding={"text": "DELTA_BYTE_ARRAY", "meta.text": "DELTA_LENGTH_BYTE_ARRAY"}),
}
for name, options in variants.items():
    pq.write_table(large if name == "brotli" else table, path(f"{name}.parquet"), **options)
datasets.Dataset.from_list(rows).to_parquet(path("datasets.parquet"), batch_size=20)
pq.write_table(pa.table({"text": pa.array(["good", "bad", "good again"]).cast(pa.binary()).cast(pa.string())}), path("utf8.parquet"), compression="none", use_dictionary=False)
with open(path("utf8.parquet"), "rb") as f:
    content = f.read()
write("utf8.parquet", content.replace(b"bad", b"b\xe9d"))
pq.write_table(table.slice(0, 0), path("empty.parquet"))

# what `datasets` reads
lists = []
files = {}


def read(loader, name, columns, **options):
    loaded = datasets.load_dataset(loader, data_files=path(name), split="train", cache_dir=path(".cache"), **options)
    files[name] = {}
    for column in columns:
        head, *rest = column.split(".")
        values = loaded[:][head]
        for member in rest:
            values = [None if value is None else value[member] for value in values]
        if values not in lists:
            lists.append(values)
        files[name][column] = lists.index(values)


for name in ["plain.jsonl", "escaped.ndjson", "lines.json", "array.json", "members.jsonl.gz", "one.json.gz", "frames.jsonl.zst"]:
    read("json", name, ["text", "meta.text"])
read("json", "pile.jsonl.zst", ["text", "meta.pile_set_name"])
for name, options in [("rows.csv", {}), ("rows.tsv", {"sep": "\t"}), ("rows.csv.gz", {})]:
    read("csv", name, ["text", "meta text"], keep_default_na=False, na_values=[""], **options)
for name in ["lines.txt", "lines.txt.zst"]:
    read("text", name, ["text"])
for name in [*variants, "datasets"]:
    read("parquet", f"{name}.parquet", ["text", "meta.text"])

shutil.rmtree(path(".cache"))
with open(path("expected.json"), "w", encoding="utf-8") as f:
    json.dump({"files": files, "lists": lists}, f, ensure_ascii=True, indent=None, separators=(",", ":"))
    f.write("\n")
