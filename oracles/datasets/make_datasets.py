"""Which files Hugging Face `datasets` takes for which split, recorded from the library itself.

    python make_datasets.py OUT_DIR

Writes OUT_DIR/cases.json: for each folder of empty files (and its README.md) the configurations that
`load_dataset_builder` finds, the one it takes by default, and the files of every split. Needs `datasets`.
"""
import json, os, pathlib, sys, tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
import datasets

datasets.disable_progress_bars()


def card(body):
    return f"---\n{body.strip()}\n---\n# A data set\n"


PILE = [f"train/{i:02d}.jsonl.zst" for i in range(3)] + ["README.md", "test.jsonl.zst", "val.jsonl.zst"]
CASES = {
    "the Pile's layout": (PILE, None),
    "the Pile's layout, named in its card": (PILE, card("""
configs:
- config_name: default
  data_files:
  - split: train
    path: train/*.jsonl.zst
  - split: validation
    path: val.jsonl.zst
  - split: test
    path: test.jsonl.zst
""")),
    "numbered shards": ([f"data/{s}-{i:05d}-of-00002.parquet" for s in ("train", "test") for i in range(2)], None),
    "numbered shards with a hash": ([f"data/train-{i:05d}-of-00002-0123456789abcdef.parquet" for i in range(2)], None),
    "numbered shards of splits of one's own": ([f"data/{s}-00000-of-00001.parquet" for s in ("train", "zeta", "alpha", "validation")], None),
    "numbered shards outside of data/": ([f"{s}-00000-of-00001.parquet" for s in ("train", "alpha")], None),
    "splits in file names": (["train.csv", "dev.csv", "my-eval.csv", "README.md"], None),
    "splits in file names of a folder": (["data/train_0.csv", "data/train_1.csv", "data/test_0.csv"], None),
    "every word for a split": ([f"{w}.txt" for w in ("train", "training", "validation", "valid", "dev", "val", "test", "testing", "eval", "evaluation")], None),
    "words inside of words": (["trainer.txt", "mytest.txt", "a-train-b.txt", "x.test.txt", "contest.txt"], None),
    "splits as folders": (["data/train/a.jsonl", "data/train/deep/b.jsonl", "data/test/c.jsonl", "notes.txt"], None),
    "splits as parts of folder names": (["my-train/a.jsonl", "train_2/b.jsonl", "x.test/c.jsonl", "constraint/d.jsonl"], None),
    "folders win over file names": (["train/a.csv", "other/test.csv", "test/b.csv", "train-x.csv"], None),
    "no split anywhere": (["b.jsonl", "a.jsonl", "deep/c.jsonl"], None),
    "hidden files and folders": (["a.txt", ".b.txt", ".git/c.txt", "__pycache__/d.txt", "__f.txt", "x/.y/e.txt"], None),
    "files that are no data": (["README.md", "config.json", "dataset_infos.json", "dataset_info.json", "a.json", "b.json", ".gitattributes", "LICENSE"], None),
    "the most common kind": (["a.csv", "b.csv", "c.jsonl"], None),
    "a draw of kinds": (["a.csv", "b.parquet", "c.txt"], None),
    "jsonl and json are one kind": (["a.jsonl", "b.json", "c.jsonl"], None),
    "compressed files": (["a.csv.gz", "b.csv", "c.txt.zst"], None),
    "a card without configurations": (["train.csv", "test.csv"], card("license: mit")),
    "one path": (["a/x.txt", "a/y.txt", "b/z.txt"], card("configs:\n- config_name: only\n  data_files: a/*.txt")),
    "a list of paths": (["a/x.txt", "a/y.txt", "b/z.txt"], card("configs:\n- config_name: only\n  data_files:\n  - b/z.txt\n  - a/x.txt")),
    "splits with lists of paths": (["a/x.txt", "a/y.txt", "b/z.txt"], card("""
configs:
- config_name: only
  data_files:
  - split: train
    path: ["b/*", "a/y.txt"]
  - split: heldout
    path: a/x*
""")),
    "overlapping paths": (["a/x.txt", "a/y.txt"], card("configs:\n- config_name: only\n  data_files:\n  - a/*.txt\n  - a/x.txt")),
    "several configurations, none by default": (["en/a.jsonl", "fr/b.jsonl"], card("""
configs:
- config_name: fr
  data_files: fr/*
- config_name: en
  data_files: en/*
""")),
    "several configurations, one called default": (["en/a.jsonl", "fr/b.jsonl"], card("""
configs:
- config_name: fr
  data_files: fr/*
- config_name: default
  data_files: en/*
""")),
    "several configurations, one marked": (["en/a.jsonl", "fr/b.jsonl"], card("""
configs:
- config_name: fr
  data_files: fr/*
  default: true
- config_name: en
  data_files: en/*
""")),
    "configurations by folder": (["en/train.csv", "en/test.csv", "fr/train.csv"], card("""
configs:
- config_name: en
  data_dir: en
- config_name: fr
  data_dir: fr
""")),
    "paths with sets of characters": (["a0.csv", "a1.csv", "a2.csv", "b0.csv"], card("configs:\n- config_name: only\n  data_files: a[01].csv")),
    "paths with what is not": (["a0.csv", "a1.csv", "a2.csv", "b0.csv"], card("configs:\n- config_name: only\n  data_files: 'a[!01].csv'")),
    "paths at any depth": (["x.csv", "a/x.csv", "a/b/x.csv", "a/b/y.csv"], card("configs:\n- config_name: only\n  data_files: '**/x.csv'")),
    "a question mark": (["x1.csv", "x12.csv"], card("configs:\n- config_name: only\n  data_files: 'x?.csv'")),
    "a hidden file that is asked for": ([".x.csv", "y.csv"], card("configs:\n- config_name: only\n  data_files: .x.csv")),
}


def record(files, readme):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryDirectory() as cache:
        root = pathlib.Path(folder)
        for name in files:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text("{}" if name.endswith(".json") else "")
        if readme:
            (root / "README.md").write_text(readme)
        result = {"configs": {}}
        module = datasets.load.dataset_module_factory(folder)
        names = [c.name for c in module.builder_configs_parameters.builder_configs or []] or [None]
        try:
            chosen = datasets.load_dataset_builder(folder, cache_dir=cache)
            result["default"] = chosen.config.name if names != [None] else None
        except ValueError as error:
            assert "Config name is missing" in str(error), error
        for name in names:
            try:
                builder = datasets.load_dataset_builder(folder, name, cache_dir=cache)
            except Exception as error:
                result["configs"][name or ""] = {"error": type(error).__name__}
                continue
            result["configs"][name or ""] = {
                "module": type(builder).__module__.split(".")[-1],
                "splits": {str(split): [os.path.relpath(os.path.realpath(f), os.path.realpath(folder)) for f in paths] for split, paths in builder.config.data_files.items()},
            }
        return result


out = []
for name, (files, readme) in CASES.items():
    try:
        expected = record(files, readme)
    except Exception as error:
        expected = {"error": f"{type(error).__name__}: {error}".replace("\n", " ")[:200]}
    out.append({"name": name, "files": sorted(files), "readme": readme, "expected": expected})
    print(name, json.dumps(expected), flush=True)
import fsspec, huggingface_hub
versions = {"datasets": datasets.__version__, "fsspec": fsspec.__version__, "huggingface_hub": huggingface_hub.__version__, "python": sys.version.split()[0]}
pathlib.Path(sys.argv[1], "cases.json").write_text(json.dumps({"versions": versions, "cases": out}, indent=1) + "\n")
