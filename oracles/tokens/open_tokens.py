"""Opens what `sparse-rep --per-token` wrote with pandas (pyarrow) and compares the three files. Prints what it found as JSON."""
import hashlib
import json
import sys

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet as pq

folder = sys.argv[1] if len(sys.argv) > 1 else "."
read = lambda name: open(f"{folder}/{name}", "rb").read()
parquet = pd.read_parquet(f"{folder}/tokens.parquet")
jsonl = pd.read_json(f"{folder}/tokens.jsonl", lines=True, dtype=False, precise_float=True)
csv = pd.read_csv(f"{folder}/tokens.csv", keep_default_na=False)

assert list(parquet.columns) == list(jsonl.columns) == ["site", "dictionary", "sentence", "position", "token_id", "token", "features", "values"]
for column in ["site", "dictionary", "sentence", "position", "token_id", "token"]:
    assert parquet[column].tolist() == jsonl[column].tolist() == csv[column].tolist(), column
pairs = lambda cell: [pair.split(":") for pair in cell.split()]
for i in range(len(parquet)):
    assert parquet["features"][i].dtype == np.int32 and parquet["values"][i].dtype == np.float32
    assert parquet["features"][i].tolist() == jsonl["features"][i] == [int(f) for f, _ in pairs(csv["features"][i])], i
    assert parquet["values"][i].tolist() == jsonl["values"][i] == [float(v) for _, v in pairs(csv["features"][i])], i
exploded = parquet.explode(["features", "values"]).dropna()

print(json.dumps({
    "pandas": pd.__version__,
    "pyarrow": pyarrow.__version__,
    "schema": str(pq.read_schema(f"{folder}/tokens.parquet")).split("\n"),
    "row_groups": pq.ParquetFile(f"{folder}/tokens.parquet").num_row_groups,
    "tokens": len(parquet),
    "features": len(exploded),
    "sum_of_values": float(exploded["values"].astype("float64").sum()),
    "sentences": ["".join(group) for _, group in parquet[parquet["site"] == parquet["site"][0]].groupby("sentence")["token"]],
    "sha256": {name: hashlib.sha256(read(name)).hexdigest() for name in ["tokens.parquet", "tokens.jsonl", "tokens.csv"]},
}, indent=1, ensure_ascii=False))
