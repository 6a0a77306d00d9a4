"""Text embedding models: tables of MTEB scores and of mteb's metadata → one family of cards and its results.

`python -m advisor.importers.mteb MERGED META --knowledge DIR [--add ID,ID]` refreshes the models that the
family's file already holds, and those to add. Hand-written cards of other files are left alone, but get their
results. The same tables give the same files, so a refresh is a diff to review.
"""

import argparse
import csv
import datetime as dt
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from advisor.errors import DataError, InputError
from advisor.importers.write import csv_text, yaml_text

__all__ = ["card", "languages", "licence", "main", "refresh", "results"]

Row = Mapping[str, str]

FAMILY = "MTEB embedding models"
CARDS = Path("models") / "embeddings-mteb.yaml"
RESULTS = Path("results") / "mteb.csv"
MIB_TO_MB = 2**20 / 10**6
ALL_BUT_TWO = 129

BENCHMARKS = {
    "eng_v1_classification": ("mteb-eng-v1-classification", "accuracy"),
    "eng_v2_classification": ("mteb-eng-v2-classification", "accuracy"),
    "cmn_classification": ("mteb-cmn-classification", "accuracy"),
    "multilingual_v2_classification": ("mteb-multilingual-classification", "accuracy"),
    "eng_v1_mean": ("mteb-eng-v1", "mean_task"),
    "eng_v2_mean": ("mteb-eng-v2", "mean_task"),
    "cmn_mean": ("mteb-cmn", "mean_task"),
}
PARTIAL = ("multilingual_v2_mean_partial", "mteb-multilingual", "mean_task")

TWO_LETTERS = dict(
    pair.split("-")
    for pair in """
    afr-af aka-ak als-sq amh-am ara-ar arb-ar asm-as aze-az azj-az bam-bm bel-be ben-bn bod-bo bos-bs
    bre-br bul-bg cat-ca ces-cs cmn-zh cos-co cym-cy dan-da deu-de dzo-dz ekk-et ell-el eng-en epo-eo
    est-et eus-eu ewe-ee fao-fo fas-fa fij-fj fin-fi fra-fr fry-fy gaz-om gla-gd gle-ga glg-gl grn-gn
    guj-gu hat-ht hau-ha heb-he hin-hi hrv-hr hun-hu hye-hy ibo-ig ind-id isl-is ita-it jav-jv jpn-ja
    kan-kn kas-ks kat-ka kaz-kk khk-mn khm-km kik-ki kin-rw kir-ky kor-ko kur-ku kmr-ku lao-lo lat-la
    lav-lv lvs-lv lim-li lin-ln lit-lt ltz-lb lug-lg mal-ml mar-mr mkd-mk mlg-mg plt-mg mlt-mt mon-mn
    mri-mi msa-ms zsm-ms mya-my nep-ne npi-ne nld-nl nno-nn nob-nb nor-no nya-ny oci-oc ori-or ory-or
    orm-om pan-pa pes-fa prs-fa pol-pl por-pt pus-ps pbt-ps que-qu quy-qu ron-ro run-rn rus-ru sag-sg
    san-sa sin-si slk-sk slv-sl smo-sm sna-sn snd-sd som-so sot-st spa-es sqi-sq srd-sc srp-sr ssw-ss
    sun-su swa-sw swh-sw swe-sv tam-ta tat-tt tel-te tgk-tg tgl-tl tha-th tir-ti tsn-tn tso-ts tuk-tk
    tur-tr twi-tw uig-ug ukr-uk urd-ur uzb-uz uzn-uz vie-vi wol-wo xho-xh ydd-yi yid-yi yor-yo zho-zh
    zul-zu
    """.split()  # noqa: SIM905
)

CLASSES = {
    "apache-2.0": "permissive",
    "mit": "permissive",
    "bsd-3-clause": "permissive",
    "cc-by-4.0": "permissive",
    "cc0-1.0": "permissive",
    "mpl-2.0": "copyleft",
    "gpl-3.0": "copyleft",
    "agpl-3.0": "copyleft",
    "cc-by-sa-4.0": "copyleft",
    "gemma": "custom",
}
TRAPS = {
    "non-commercial": "Non-commercial use only.",
    "custom": "The owner's own terms, which bind every product built on the model; read them before use.",
}


def languages(codes: str) -> tuple[str, ...] | None:
    """Translate mteb's language codes to BCP-47.

    :param codes: three-letter language and script, as in `eng-Latn|zho-Hans`; program code is passed over.
    :return: sorted tags; None if nothing is stated.
    """
    stems = {code.split("-")[0] for code in codes.split("|") if code and not code.endswith("-Code")}
    return tuple(sorted({TWO_LETTERS.get(stem, stem) for stem in stems})) or None


def licence(stated: str, source: str) -> dict[str, Any]:
    """Name a licence and its class.

    :param stated: an SPDX id, a link to terms, or nothing.
    :param source: the source of the statement.
    :return: the licence as a card states it; one that is not stated is unknown, never permissive.
    """
    name = stated.lower()
    if name in ("", "not specified", "none"):
        return {"id": "unknown", "class": "unknown"}
    if name.startswith("https://"):
        name = "gemma" if "gemma" in name else name
        klass = "custom"
    else:
        klass = "non-commercial" if "-nc" in name else CLASSES.get(name, "unknown")
    return {"id": name, "class": klass, "trap": TRAPS.get(klass), "source": source}


def card(merged: Row, meta: Row, source: str) -> dict[str, Any]:
    """Make a model card from one model's rows.

    :param merged: the row of the table of scores.
    :param meta: the model's row of mteb's metadata.
    :param source: the id of the metadata's source.
    :return: the card's keys; what the tables do not state is None.
    """
    tongues = languages(meta["languages"])
    name = merged["name"].split("/")[-1]
    parameters = _fact(merged["n_parameters"], "parameters", source)
    embedding = _fact(merged["n_embedding_parameters"], "parameters", source)
    memory = merged["memory_usage_mb"]
    size = float(memory) * MIB_TO_MB if memory else None
    frameworks = meta["framework"].split("|")
    static = "NumPy" in frameworks and not {"PyTorch", "Transformers"} & set(frameworks)
    return {
        "id": merged["name"],
        "name": name,
        "tasks": ["text-classification", "sentence-embedding"],
        "released": dt.date.fromisoformat(merged["release_date"]) if merged["release_date"] else None,
        "revision": meta["revision"] if len(meta["revision"]) == 40 else None,
        "library": "sentence-transformers" if static else "transformers",
        "licence": licence(merged["license"], source),
        "where": [{"kind": "huggingface", "ref": merged["name"]}],
        "frameworks": ["pytorch", "onnx"] if "ONNX" in frameworks else ["pytorch"],
        "input": {
            "tokens": _tokens(merged["max_tokens"]),
            "languages": list(tongues) if tongues else None,
        },
        "parameters": parameters,
        "embedding_parameters": embedding,
        "size_mb": {"value": round(size, 1), "unit": "MB", "source": source} if size else None,
        "embedding_dim": max(map(int, merged["embed_dim"].split("|"))) if merged["embed_dim"] else None,
        "trained_on": sorted(meta["training_datasets"].split("|")) if meta["training_datasets"] else None,
        "good_for": _praise(merged, tongues),
        "weaknesses": _blame(tongues, parameters["value"] if parameters else None),
    } | ({"tuning": ["frozen", "head"]} if static else {})


def results(merged: Row, source: str) -> list[dict[str, Any]]:
    """List a model's MTEB scores as shares of one.

    :param merged: the row of the table of scores, in per cent; blank where a task is missing.
    :param source: the id of the scores' source.
    :return: rows of a result table.
    """
    protocol = "recomputed mean of the published task scores"
    rows = [
        {"model": merged["name"], "benchmark": benchmark, "metric": metric, "value": _share(merged[column])}
        | {"source": source, "protocol": protocol}
        for column, (benchmark, metric) in BENCHMARKS.items()
        if merged[column]
    ]
    column, benchmark, metric = PARTIAL
    count = int(merged["multilingual_v2_tasks"] or 0)
    if merged[column] and count >= ALL_BUT_TWO:
        rows.append(
            {"model": merged["name"], "benchmark": benchmark, "metric": metric}
            | {"value": _share(merged[column]), "source": source, "protocol": f"{protocol}, {count} tasks"}
        )
    return rows


def refresh(
    merged: Iterable[Row],
    metas: Iterable[Row],
    wanted: Iterable[str],
    curated: Iterable[str],
    scores_source: str,
    meta_source: str,
) -> tuple[str, str]:
    """Write the family's cards and results anew.

    :param merged: the table of scores, one row per model.
    :param metas: mteb's model metadata.
    :param wanted: ids of the models that shall have a card here.
    :param curated: ids of cards in other files: they get results, but no card.
    :param scores_source: id of the scores' source.
    :param meta_source: id of the metadata's source.
    :return: the text of the family's YAML and of its table of results.
    :raises DataError: if a wanted model is not in the tables.
    """
    rows = {row["name"]: row for row in merged}
    details = {row["name"]: row for row in metas}
    wanted, curated = set(wanted), set(curated)
    if missing := sorted(wanted - (rows.keys() & details.keys())):
        raise DataError(f"Not in the tables: {', '.join(missing)}", "ids of the column `name`")
    cards = [card(rows[id], details[id], meta_source) for id in sorted(wanted - curated, key=str.lower)]
    listed = [
        result
        for id in sorted((wanted | curated) & rows.keys())
        for result in results(rows[id], scores_source)
    ]
    defaults = {
        "library": "transformers",
        "explain": ["occlusion", "nearest-neighbours"],
        "tuning": ["frozen", "head", "last-block", "lora", "full"],
    }
    own = [{key: value for key, value in item.items() if defaults.get(key) != value} for item in cards]
    return yaml_text(FAMILY, defaults, own), csv_text(listed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the family in a knowledge folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.mteb", description=__doc__)
    parser.add_argument("merged", type=Path, help="table of MTEB scores, one row per model")
    parser.add_argument("meta", type=Path, help="table of mteb's model metadata")
    parser.add_argument("--knowledge", type=Path, required=True, help="the knowledge folder to write into")
    parser.add_argument("--add", default="", help="ids to add, separated by commas")
    parser.add_argument("--scores-source", default="mteb-results-2026-08")
    parser.add_argument("--meta-source", default="mteb-2.26.24")
    options = parser.parse_args(arguments)
    target = options.knowledge / CARDS
    others = [path for path in sorted((options.knowledge / "models").glob("*.yaml")) if path != target]
    wanted = _ids([target]) | {id for id in options.add.split(",") if id}
    try:
        texts = refresh(
            _table(options.merged),
            _table(options.meta),
            wanted,
            _ids(others),
            options.scores_source,
            options.meta_source,
        )
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    for path, text in zip((target, options.knowledge / RESULTS), texts, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        print(path)
    return 0


def _ids(paths: Iterable[Path]) -> set[str]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    texts = [path.read_text(encoding="utf-8") for path in paths if path.exists()]
    families = [yaml.load(text, Loader=loader) for text in texts]
    return {item["id"] for family in families for item in family["models"]}


def _table(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        raise DataError(f"There is no table {path}", "a CSV file")
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def _fact(value: str, unit: str, source: str) -> dict[str, Any] | None:
    return {"value": int(value), "unit": unit, "source": source} if value and int(value) > 0 else None


def _tokens(limit: str) -> int | None:
    """Read the longest text; a static model has no limit, which is not a number of tokens."""
    return int(float(limit)) if limit and math.isfinite(float(limit)) else None


def _share(percent: str) -> float:
    return round(float(percent) / 100, 6)


def _praise(merged: Row, tongues: tuple[str, ...] | None) -> dict[str, str]:
    long_texts = float(merged["max_tokens"] or 0) >= 2048
    count = len(tongues or ())
    chinese = tongues is not None and "zh" in tongues
    if count > 2:
        en, zh = f"Texts in {count} languages", f"{count} 种语言的文本"
    elif chinese and count == 2:
        en, zh = "Chinese and English texts", "中英文文本"
    elif chinese:
        en, zh = "Chinese texts", "中文文本"
    elif tongues == ("en",):
        en, zh = "English texts", "英文文本"
    else:
        en, zh = "Texts in its languages", "其所支持语言的文本"
    tail = (", long ones too", "（含长文本）") if long_texts else ("", "")
    return {
        "en": f"{en}{tail[0]}: search, grouping and classification from frozen features.",
        "zh": f"{zh}{tail[1]}的检索、聚类，以及基于冻结特征的分类。",
    }


def _blame(tongues: tuple[str, ...] | None, parameters: float | None) -> dict[str, str] | None:
    if parameters is not None and parameters > 1e9:
        return {
            "en": "Heavy: without a GPU it is too slow for most uses.",
            "zh": "体量大：没有 GPU 时对多数用途来说太慢。",
        }
    if tongues == ("en",):
        return {"en": "English only.", "zh": "仅支持英文。"}
    if tongues == ("zh",):
        return {"en": "Chinese only.", "zh": "仅支持中文。"}
    return None


if __name__ == "__main__":
    sys.exit(main())
