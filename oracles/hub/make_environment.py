"""Records what huggingface_hub makes of environments: `python oracles/hub/make_environment.py`."""
import json
import pathlib
import subprocess
import sys

environments = [
    {},
    {"HF_HOME": "/data/hf"},
    {"HF_HOME": "~/hf"},
    {"HF_HOME": "$PLACE/hf", "PLACE": "/mnt"},
    {"HF_HOME": "${PLACE}/hf/$UNKNOWN", "PLACE": "/mnt"},
    {"XDG_CACHE_HOME": "/xdg"},
    {"XDG_CACHE_HOME": "/xdg", "HF_HOME": "/data/hf"},
    {"HUGGINGFACE_HUB_CACHE": "/old"},
    {"HUGGINGFACE_HUB_CACHE": "/old", "HF_HUB_CACHE": "~/new"},
    {"HF_ENDPOINT": "https://hub.example/"},
    {"HF_TOKEN": " hf_abc\n"},
    {"HF_TOKEN": "", "HUGGING_FACE_HUB_TOKEN": "hf_old"},
    {"HF_TOKEN": "hf_abc", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"},
    *({"HF_HUB_OFFLINE": value} for value in ["1", "ON", "on", "Yes", "true", "TRUE", "0", "", "y", "enabled", " 1"]),
    {"TRANSFORMERS_OFFLINE": "1"},
    {"HF_HUB_OFFLINE": "0", "TRANSFORMERS_OFFLINE": "1"},
    {"HF_HUB_OFFLINE": "", "TRANSFORMERS_OFFLINE": "1"},
    {"HF_HUB_DISABLE_SYMLINKS": "yes"},
]
program = """
import json
from huggingface_hub import constants, get_token
from huggingface_hub.utils._headers import get_token_to_send
print(json.dumps({"cache": constants.HF_HUB_CACHE, "home": constants.HF_HOME, "endpoint": constants.ENDPOINT,
                  "token": get_token_to_send(None), "offline": constants.HF_HUB_OFFLINE,
                  "symlinks": not constants.HF_HUB_DISABLE_SYMLINKS}))
"""
records = []
for environment in environments:
    result = subprocess.run([sys.executable, "-c", program], env={"HOME": "/home/ada", **environment}, capture_output=True, text=True, check=True)
    records.append({"env": environment, **json.loads(result.stdout)})
(pathlib.Path(__file__).parent / "environment.json").write_text(json.dumps(records, indent=1) + "\n")
