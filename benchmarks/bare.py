"""What a person would write by hand: import, decode, forward, backward, fit the heads; no line of the advisor.

`python benchmarks/bare.py JOB.json` does the work of a finished probe again and prints one JSON line with its seconds
and peak memory. The job names, per model, the weights and the rungs with their sizes, passes and tuned parameters, and
the baselines on words with their sizes; `speed.py` and `memory.py` write it from a run.
"""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

BATCH = 16
COMPARED = 1000
GRID = (0.001, 0.01, 0.1, 1.0)


def images(job: dict[str, Any], model: dict[str, Any]) -> tuple[Any, Any]:
    """Load a timm model and say how a batch is made from paths."""
    import timm
    import torch
    from PIL import Image, ImageOps
    from timm.data import create_transform, resolve_data_config

    body = timm.create_model(f"local-dir:{model['folder']}", pretrained=True)
    body.reset_classifier(0)
    body = body.eval().to(memory_format=torch.channels_last)
    transform = create_transform(**resolve_data_config({}, model=body), is_training=False)

    def batch(paths: list[str]) -> Any:
        opened = [
            ImageOps.exif_transpose(Image.open(Path(job["origin"]) / path)).convert("RGB") for path in paths
        ]
        return torch.stack([transform(image) for image in opened]).contiguous(
            memory_format=torch.channels_last
        )

    return body, lambda contents, every=False: body(batch(contents))


def texts(job: dict[str, Any], model: dict[str, Any]) -> tuple[Any, Any]:
    """Load a transformers encoder and average its last hidden states, or also those of all layers."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model["folder"])
    body = AutoModel.from_pretrained(model["folder"], dtype=torch.float32).eval()

    def features(contents: list[str], every: bool = False) -> Any:
        made = tokenizer(contents, padding=True, truncation=True, max_length=256, return_tensors="pt")
        mask = made["attention_mask"].unsqueeze(-1).float()

        def mean(hidden: Any) -> Any:
            return (hidden * mask).sum(dim=1) / mask.sum(dim=1)

        output = body(**made, output_hidden_states=every)
        if not every:
            return mean(output.last_hidden_state)
        layers = torch.stack([mean(hidden) for hidden in output.hidden_states[1:]])
        return torch.stack([mean(output.last_hidden_state), layers.mean(dim=0)], dim=1)

    return body, features


def embed(features: Any, contents: list[str], every: bool = False, batch: int = BATCH) -> Any:
    """The plain loop; longer texts go with their like, as everybody does it."""
    import numpy as np
    import torch

    order = sorted(range(len(contents)), key=lambda i: -len(contents[i]))
    rows = []
    with torch.inference_mode():
        for start in range(0, len(order), batch):
            rows.append(features([contents[i] for i in order[start : start + batch]], every).numpy())
    result = np.concatenate(rows)
    result[np.asarray(order)] = result.copy()
    return result


def fit_heads(features: Any, truth: Any, sizes: list[int], judged: Any) -> None:
    """Choose the kind of features and C by three folds over a grid, fit at each size, and answer what is judged.

    :param features: (n, d), or (n, kinds, d); judged likewise.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, "blas"):
        pipeline = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        kinds = range(features.shape[1]) if features.ndim == 3 else [...]
        searches = {}
        for kind in kinds:
            searches[kind] = GridSearchCV(
                pipeline, {"logisticregression__C": GRID}, scoring="neg_log_loss", cv=3, refit=False
            ).fit(features[:COMPARED, kind].reshape(min(COMPARED, len(features)), -1), truth[:COMPARED])
        best = max(searches, key=lambda kind: searches[kind].best_score_)
        pipeline.set_params(**searches[best].best_params_)
        for size in sizes:
            if len(np.unique(truth[:size])) > 1:
                pipeline.fit(features[:size, best].reshape(size, -1), truth[:size])
        pipeline.predict_proba(judged[:, best].reshape(len(judged), -1))


def fit_baseline(texts: list[str], truth: Any, sizes: list[int], judged: list[str], trees: int) -> None:
    """Fit a classifier on words and characters at each size: a forest, or logistic regression for no trees."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline, make_union

    words = make_union(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, max_features=40_000),
        TfidfVectorizer(analyzer="char", ngram_range=(1, 4), sublinear_tf=True, max_features=40_000),
    )
    kind = RandomForestClassifier(trees, n_jobs=-1) if trees else LogisticRegression(C=30.0, max_iter=300)
    for size in sizes:
        fitted = make_pipeline(words, kind).fit(texts[:size], truth[:size])
    fitted.predict_proba(judged)


def tune(
    body: Any,
    features: Any,
    contents: list[str],
    truth: Any,
    names: set[str],
    width: int,
    epochs: int,
    held: int,
    adapters: dict[str, Any] | None,
) -> None:
    """Train a part of the body, or adapters beside it, and a linear head.

    The last examples are kept aside and looked at after each pass.
    """
    import numpy as np
    import torch

    if adapters:
        from peft import LoraConfig, get_peft_model

        wrapped = get_peft_model(body, LoraConfig(**adapters))
    else:
        for name, parameter in body.named_parameters():
            parameter.requires_grad_(name in names)
    head = torch.nn.Linear(width, int(truth.max()) + 1)
    tuned = [p for p in body.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW([*tuned, *head.parameters()], lr=3e-4)
    shuffle = np.random.default_rng(0)
    for _ in range(epochs):
        order = shuffle.permutation(len(contents) - held)
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            loss = torch.nn.functional.cross_entropy(
                head(features([contents[i] for i in chosen])), torch.from_numpy(truth[chosen])
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if held:
            embed(features, contents[-held:])
    if adapters:
        wrapped.merge_and_unload()
    for parameter in body.parameters():
        parameter.requires_grad_(False)


def main() -> int:
    begun = time.monotonic()
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    import numpy as np
    import sklearn.linear_model  # noqa: F401
    import torch

    if job["task"] == "image-classification":
        import timm  # noqa: F401
    else:
        import transformers  # noqa: F401
    if any(rung.get("adapters") for model in job["models"] for rung in model["rungs"]):
        import peft  # noqa: F401
    torch.set_num_threads(job["threads"])
    imported = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    load = images if job["task"] == "image-classification" else texts
    contents, truth = job["contents"], np.asarray(job["truth"])
    for baseline in job["baselines"]:
        learnt = job["train"][: max(baseline["sizes"])]
        shown, judged = [contents[i] for i in learnt], [contents[i] for i in job["judged"]]
        fit_baseline(shown, truth[learnt], baseline["sizes"], judged, baseline["trees"])
    for model in job["models"]:
        known: dict[str, Any] = {}
        for rung in model["rungs"]:
            body, features = load(job, model)
            learnt, judged = job["train"][: rung["examples"]], job["judged"]
            if rung["epochs"] is None:
                missing = [i for i in [*judged, *learnt] if contents[i] not in known]
                rows = embed(features, [contents[i] for i in missing], rung["every"])
                known |= {contents[i]: row for i, row in zip(missing, rows, strict=True)}
                values = np.stack([known[contents[i]] for i in learnt])
                fit_heads(
                    values, truth[learnt], rung["sizes"], np.stack([known[contents[i]] for i in judged])
                )
            else:
                width = next(iter(known.values())).shape[-1]
                names, passes, held = set(rung["tuned"]), rung["epochs"], rung["held"]
                shown = [contents[i] for i in learnt]
                if rung["views"]:
                    embed(features, shown[: rung["views"]])
                tune(body, features, shown, truth[learnt], names, width, passes, held, rung["adapters"])
                embed(features, [contents[i] for i in judged])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    times = resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "seconds": time.monotonic() - begun,
                "cpu_seconds": times.ru_utime + times.ru_stime,
                "peak_mb": peak - imported,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
