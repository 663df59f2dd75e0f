"""Writes the zips of the tests with Python's zipfile: `python oracles/hub/make_zips.py`."""
import hashlib
import io
import json
import pathlib
import random
import tempfile
import zipfile

here = pathlib.Path(__file__).parent / "zips"
here.mkdir(exist_ok=True)
noise = random.Random(1).randbytes(40_000)
text = b"Peace begins at home.\n" * 4_000
entries = {
    "dictionaries/a/ae.pt": (zipfile.ZIP_STORED, noise),
    "dictionaries/a/config.json": (zipfile.ZIP_DEFLATED, text),
    "dictionaries/b/ae.pt": (zipfile.ZIP_DEFLATED, noise[::-1] + text),
    "empty.txt": (zipfile.ZIP_STORED, b""),
    "übung.txt": (zipfile.ZIP_DEFLATED, b"letters\n"),
}


def write(target, force_zip64=False):
    with zipfile.ZipFile(target, "w") as archive:
        for name, (method, content) in entries.items():
            info = zipfile.ZipInfo(name, date_time=(2024, 1, 1, 0, 0, 0))
            info.compress_type = method
            with archive.open(info, "w", force_zip64=force_zip64) as entry:
                entry.write(content)


class Unseekable(io.RawIOBase):
    """Makes zipfile write data descriptors, as to a pipe."""

    def __init__(self):
        self.content = bytearray()

    def writable(self):
        return True

    def write(self, data):
        self.content += bytes(data)
        return len(data)


write(here / "plain.zip")
write(here / "zip64.zip", force_zip64=True)
streamed = Unseekable()
write(streamed)
(here / "streamed.zip").write_bytes(streamed.content)

# An archive whose entries and directory lie beyond 4 GiB: a sparse file, of which the end is kept.
beyond = 5 * 2**30
with tempfile.TemporaryFile() as file:
    file.seek(beyond)
    write(file)
    file.seek(beyond)
    (here / "beyond4g.tail").write_bytes(file.read())

expected = {name: {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()} for name, (_, content) in entries.items()}
(here / "expected.json").write_text(json.dumps({"beyond4gTailAt": beyond, "entries": expected}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
