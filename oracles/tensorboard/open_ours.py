# usage: python open_ours.py OUT > opened.json      (pip install tensorboard==2.21.0)
# What the real TensorBoard makes of the files of events that write_ours.ts wrote into OUT.
import hashlib, json, os, re, shutil, subprocess, sys, tempfile, urllib.request
from importlib.metadata import version
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2

out = sys.argv[1]
FOLDER = "resid_post_layer_3/trainer_0"
everything = {"scalars": 0, "histograms": 0, "tensors": 0}


def files(name):
    folder = os.path.join(out, name, FOLDER)
    return {file: hashlib.sha256(open(os.path.join(folder, file), "rb").read()).hexdigest() for file in sorted(os.listdir(folder))}


def told(accumulator):
    tags = accumulator.Tags()
    start = plugin_data_pb2.HParamsPluginData.FromString(accumulator.SummaryMetadata("_hparams_/session_start_info").plugin_data.content).session_start_info
    hparams = {key: getattr(value, value.WhichOneof("kind")) for key, value in sorted(start.hparams.items())}
    histograms = {tag: [[event.step, vars(event.histogram_value)] for event in accumulator.Histograms(tag)] for tag in tags["histograms"]}
    return {
        "scalars": {tag: [[event.step, event.value] for event in accumulator.Scalars(tag)] for tag in sorted(tags["scalars"])},
        "histograms": histograms,
        "text": accumulator.Tensors("config")[0].tensor_proto.string_val[0].decode(),
        "hparams": hparams,
    }


def opened(folder):
    accumulator = EventAccumulator(folder, size_guidance=everything)
    accumulator.Reload()
    return accumulator


def live():
    """A TensorBoard that is open while the run is killed and goes on."""
    with tempfile.TemporaryDirectory() as here:
        folder = shutil.copytree(os.path.join(out, "killed", FOLDER), os.path.join(here, "run"))
        accumulator = opened(folder)
        before = [event.step for event in accumulator.Scalars("loss")]
        resumed = os.path.join(out, "resumed", FOLDER)
        for file in sorted(os.listdir(resumed)):
            shutil.copy(os.path.join(resumed, file), os.path.join(here, file))
            os.replace(os.path.join(here, file), os.path.join(folder, file))
        accumulator.Reload()
        assert before == [100, 200, 300, 400], before
        return told(accumulator)


def served():
    """What the program itself serves of all three, by its own data server."""
    process = subprocess.Popen([sys.executable, "-m", "tensorboard.main", "--logdir", out, "--port", "0", "--host", "127.0.0.1"], stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            found = re.search(r"http://127\.0\.0\.1:\d+", line)
            if found:
                break
        address = found.group(0)

        def ask(path, body=None):
            request = urllib.request.Request(f"{address}/data/plugin/{path}", body, {"content-type": "application/json"})
            return json.load(urllib.request.urlopen(request))

        import time

        for _ in range(60):
            runs = ask("scalars/tags")
            if len(runs) == 3:
                break
            time.sleep(0.5)
        time.sleep(1)
        losses = {run.split("/")[0]: [[step, value] for _, step, value in ask(f"scalars/scalars?tag=loss&run={urllib.request.quote(run, safe='')}")] for run in sorted(runs)}
        groups = ask("hparams/session_groups", json.dumps({"startIndex": 0, "sliceSize": 10, "allowedStatuses": ["STATUS_UNKNOWN"], "colParams": []}).encode())
        return {"loss": losses, "session_groups": groups["totalSize"]}
    finally:
        process.terminate()


whole = told(opened(os.path.join(out, "whole", FOLDER)))
resumed = told(opened(os.path.join(out, "resumed", FOLDER)))
assert resumed == whole, (resumed, whole)
assert live() == whole
print(json.dumps({"tensorboard": version("tensorboard"), "files": {name: files(name) for name in ("whole", "killed", "resumed")}, "whole": whole, "served": served()}, indent=1))
