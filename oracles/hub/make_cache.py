"""Records the cache that Python's huggingface_hub writes: `python oracles/hub/make_cache.py`, after `pnpm build`.

It fetches from the loopback Hub of the tests (serveFixture.mjs) into a temporary folder and lists that folder in cache.json.
"""
import hashlib
import json
import os
import pathlib
import subprocess
import tempfile

here = pathlib.Path(__file__).parent
server = subprocess.Popen(["node", here / "serveFixture.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
os.environ.update(HF_ENDPOINT=server.stdout.readline().strip(), HF_HUB_DISABLE_XET="1", HF_HUB_DISABLE_TELEMETRY="1", HF_TOKEN="hf_good")

import huggingface_hub  # noqa: E402  (reads the environment when imported)
from huggingface_hub.errors import EntryNotFoundError  # noqa: E402

fetched = [
    ["model", "owner/tiny", "main", "config.json"],
    ["model", "owner/tiny", "main", "model.safetensors"],
    ["model", "owner/tiny", "main", "sub/deep folder/übung.txt"],
    ["model", "owner/tiny", "main", "empty.txt"],
    ["model", "owner/tiny", "main", "missing.json"],
    ["model", "owner/tiny", "v1", "config.json"],
    ["model", "owner/tiny", "v1", "model.safetensors"],
    ["model", "owner/tiny", "refs/pr/1", "only-here.txt"],
    ["model", "owner/tiny", "3" * 40, "config.json"],
    ["dataset", "owner/texts", "main", "data/train.jsonl"],
    ["model", "owner/private", "main", "config.json"],
]


def describe(path: pathlib.Path) -> dict:
    if path.is_symlink():
        return {"link": os.readlink(path)}
    content = path.read_bytes()
    return {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


with tempfile.TemporaryDirectory() as cache:
    for kind, repo, revision, name in fetched:
        try:
            huggingface_hub.hf_hub_download(repo, name, repo_type=kind, revision=revision, cache_dir=cache)
        except EntryNotFoundError:
            assert name == "missing.json"
    root = pathlib.Path(cache)
    files = {
        path.relative_to(root).as_posix(): describe(path)
        for path in sorted(root.rglob("*"))
        if (path.is_symlink() or path.is_file()) and ".locks" not in path.parts
    }

server.stdin.close()
server.wait()
record = {"huggingface_hub": huggingface_hub.__version__, "fetched": fetched, "files": files}
(here / "cache.json").write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
