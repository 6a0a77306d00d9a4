"""Firefox' translation models: the metadata files of their repository → one family of cards and its results.

`python -m advisor.importers.firefox CHECKOUT --knowledge DIR` reads `models/*/*/metadata.json` of a checkout of
mozilla/firefox-translations-models and writes `models/firefox-translations.yaml` and `results/firefox.csv`: a card for
every model whose quality was measured. The same checkout gives the same files.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from advisor.errors import DataError, InputError
from advisor.importers.tables import write_files
from advisor.importers.write import csv_text, yaml_text

__all__ = ["card", "main", "read", "refresh", "result"]

CARDS, RESULTS = "models/firefox-translations.yaml", "results/firefox.csv"
SOURCE = "firefox-translations-models"
REPOSITORY = "https://github.com/mozilla/firefox-translations-models/tree/main"
LONGEST = 128
NAMES = {
    "ar": ("Arabic", "阿拉伯语"),
    "az": ("Azerbaijani", "阿塞拜疆语"),
    "be": ("Belarusian", "白俄罗斯语"),
    "bg": ("Bulgarian", "保加利亚语"),
    "bn": ("Bengali", "孟加拉语"),
    "bs": ("Bosnian", "波斯尼亚语"),
    "ca": ("Catalan", "加泰罗尼亚语"),
    "cs": ("Czech", "捷克语"),
    "da": ("Danish", "丹麦语"),
    "de": ("German", "德语"),
    "el": ("Greek", "希腊语"),
    "en": ("English", "英语"),
    "es": ("Spanish", "西班牙语"),
    "et": ("Estonian", "爱沙尼亚语"),
    "fa": ("Persian", "波斯语"),
    "fi": ("Finnish", "芬兰语"),
    "fr": ("French", "法语"),
    "gu": ("Gujarati", "古吉拉特语"),
    "he": ("Hebrew", "希伯来语"),
    "hi": ("Hindi", "印地语"),
    "hr": ("Croatian", "克罗地亚语"),
    "hu": ("Hungarian", "匈牙利语"),
    "id": ("Indonesian", "印尼语"),
    "is": ("Icelandic", "冰岛语"),
    "it": ("Italian", "意大利语"),
    "ja": ("Japanese", "日语"),
    "kn": ("Kannada", "卡纳达语"),
    "ko": ("Korean", "韩语"),
    "lt": ("Lithuanian", "立陶宛语"),
    "lv": ("Latvian", "拉脱维亚语"),
    "ml": ("Malayalam", "马拉雅拉姆语"),
    "ms": ("Malay", "马来语"),
    "mt": ("Maltese", "马耳他语"),
    "nb": ("Norwegian", "挪威语"),
    "nl": ("Dutch", "荷兰语"),
    "nn": ("Nynorsk", "新挪威语"),
    "pl": ("Polish", "波兰语"),
    "pt": ("Portuguese", "葡萄牙语"),
    "ro": ("Romanian", "罗马尼亚语"),
    "ru": ("Russian", "俄语"),
    "sk": ("Slovak", "斯洛伐克语"),
    "sl": ("Slovenian", "斯洛文尼亚语"),
    "sq": ("Albanian", "阿尔巴尼亚语"),
    "sr": ("Serbian", "塞尔维亚语"),
    "sv": ("Swedish", "瑞典语"),
    "ta": ("Tamil", "泰米尔语"),
    "te": ("Telugu", "泰卢固语"),
    "tr": ("Turkish", "土耳其语"),
    "uk": ("Ukrainian", "乌克兰语"),
    "vi": ("Vietnamese", "越南语"),
    "zh": ("Chinese", "中文"),
}
KINDS = {
    "tiny": ("the fastest kind, on any CPU and without a network", "最快的一档，任何 CPU 均可，且无需联网"),
    "base-memory": ("better than the tiny kind, in little memory", "优于 tiny 档，占用内存少"),
    "base": ("the best kind of its line, still on a CPU", "同系列质量最佳，仍可在 CPU 上运行"),
}


def read(checkout: Path) -> list[dict[str, Any]]:
    """Read the metadata of all models.

    :param checkout: a checkout of the repository.
    :return: the metadata with the model's `path` in the repository, sorted by it.
    :raises DataError: if there are none.
    """
    found = [
        json.loads(file.read_text(encoding="utf-8")) | {"path": file.parent.relative_to(checkout).as_posix()}
        for file in sorted(checkout.glob("models/*/*/metadata.json"))
    ]
    if not found:
        raise DataError(f"{checkout} holds no models/*/*/metadata.json", "a checkout of the repository")
    return found


def card(meta: Mapping[str, Any]) -> dict[str, Any]:
    """Make a model card from a model's metadata.

    :param meta: the metadata and `path`.
    :return: the card's keys.
    """
    source, target = meta["sourceLanguage"], meta["targetLanguage"]
    count = (meta.get("modelStatistics") or {}).get("parameters")
    (origin, origin_zh), (goal, goal_zh) = NAMES[source], NAMES[target]
    words, chinese = KINDS[meta["architecture"]]
    return {
        "id": _id(meta),
        "name": f"Firefox {source} → {target} ({meta['architecture']})",
        "architecture": f"Marian {meta['architecture']}",
        "where": [{"kind": "github", "ref": f"{REPOSITORY}/{meta['path']}"}],
        "input": {"tokens": LONGEST, "languages": [source, target]},
        "parameters": {"value": count, "unit": "parameters", "source": SOURCE} if count else None,
        "size_mb": {"value": meta["byteSize"] / 1e6, "unit": "MB", "source": SOURCE},
        "good_for": {
            "en": f"{origin} into {goal}: {words}.",
            "zh": f"{origin_zh}译{goal_zh}：{chinese}。",
        },
    }


def result(meta: Mapping[str, Any]) -> dict[str, Any] | None:
    """Read a model's quality on FLORES.

    :param meta: the metadata.
    :return: a row of a result table; None if it was not measured.
    """
    value = (meta.get("flores") or {}).get("comet")
    if value is None:
        return None
    direction = f"{meta['sourceLanguage']}-{meta['targetLanguage']}"
    return {"model": _id(meta), "benchmark": "flores-comet", "metric": "comet", "value": float(value)} | {
        "source": SOURCE,
        "protocol": direction,
    }


def refresh(metas: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Write the family's cards and results anew.

    :param metas: the metadata of all models.
    :return: name below the knowledge folder → text.
    """
    chosen = [meta for meta in metas if result(meta)]
    defaults = {
        "tasks": ["translation"],
        "authors": "Mozilla",
        "library": "other",
        "frameworks": ["other"],
        "licence": {
            "id": "mpl-2.0",
            "class": "copyleft",
            "trap": "Mozilla licence: changes to these files must be published, the product around them need not.",
            "source": SOURCE,
        },
        "tuning": ["zero-shot"],
        "maintained": {"value": "archived", "source": SOURCE},
        "documentation": {"value": "thin", "source": SOURCE},
        "cited": {"architecture": SOURCE, "input": SOURCE, "tasks": SOURCE},
        "weaknesses": {
            "en": "One direction only, sentence by sentence; terms and tone cannot be steered.",
            "zh": "仅单一方向，逐句翻译；无法控制术语与语气。",
        },
    }
    listed = [found for meta in chosen if (found := result(meta))]
    cards = [card(meta) for meta in chosen]
    return {CARDS: yaml_text("Firefox Translations", defaults, cards), RESULTS: csv_text(listed)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh the family in a knowledge folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m advisor.importers.firefox", description=__doc__)
    parser.add_argument("checkout", type=Path, help="checkout of mozilla/firefox-translations-models")
    parser.add_argument("--knowledge", type=Path, required=True, help="the knowledge folder to write into")
    options = parser.parse_args(arguments)
    try:
        files = refresh(read(options.checkout))
    except InputError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    write_files(options.knowledge, files)
    return 0


def _id(meta: Mapping[str, Any]) -> str:
    pair = f"{meta['sourceLanguage']}-{meta['targetLanguage']}"
    return f"mozilla/firefox-translations-{meta['architecture']}-{pair}"


if __name__ == "__main__":
    sys.exit(main())
