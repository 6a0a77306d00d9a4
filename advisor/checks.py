"""What was looked at once the ladder was climbed: labels, where the model looked, compression, damage, pretraining."""

from typing import Literal

from pydantic import Field

from advisor.measurement import LatencyMeasured, Metric
from advisor.quantity import Frozen

__all__ = [
    "CHECKS",
    "Check",
    "CheckName",
    "Checks",
    "Compressed",
    "Compression",
    "Control",
    "Damaged",
    "LabelNoise",
    "Looked",
    "Robustness",
    "Saliency",
    "Suspect",
    "Word",
]

CheckName = Literal["label-noise", "saliency", "compression", "robustness", "control"]
CHECKS: tuple[CheckName, ...] = ("label-noise", "saliency", "compression", "robustness", "control")
MOST_PICTURE = 60_000


class Check(Frozen):
    """What became of one check; `because` says why it was not done, or could not be."""

    name: CheckName
    status: Literal["done", "skipped", "failed"]
    because: str = ""
    seconds: float = 0.0


class Suspect(Frozen):
    """An example whose label the other examples speak against.

    :ivar given, likely: the label it has, and the one that a model which never saw it gives.
    :ivar given_probability, likely_probability: what that model gives to both.
    """

    id: str
    given: str
    likely: str
    given_probability: float
    likely_probability: float
    text: str | None = None


class LabelNoise(Frozen):
    """Labels that look wrong, worst first.

    :ivar model: whose features the labels were judged by.
    :ivar checked: examples with features, each judged by a head that had not seen it.
    :ivar found: how many look wrong; `suspects` holds the first of them.
    """

    model: str
    method: str
    checked: int
    found: int
    suspects: tuple[Suspect, ...] = ()


class Word(Frozen):
    """A word of a text.

    :ivar weight: what it adds to the score of the class that the model named; below 0 what it takes away.
    :ivar gap: what stands between it and the next word.
    """

    text: str
    weight: float
    gap: str = ""


class Looked(Frozen):
    """What in one example of the report split raised the score of the class that the model named.

    :ivar truth, predicted: the label it has, and the one that the model gave it.
    :ivar probability: what the model gave to the latter.
    :ivar heat: rows from the top, 0 to 1 where most; all 0 where nothing raised the score; images only.
    :ivar picture: what the model was fed, small, as a JPEG in base64; images only.
    :ivar words: the text as far as the model read it; texts only.
    :ivar score, blank_score: of the text, and of the same with every word masked; the weights of the words add up to
        about the difference.
    """

    id: str
    truth: str
    predicted: str
    probability: float
    heat: tuple[tuple[float, ...], ...] = ()
    picture: str = Field(default="", max_length=MOST_PICTURE, pattern=r"^[A-Za-z0-9+/]*={0,2}$")
    words: tuple[Word, ...] = ()
    score: float | None = None
    blank_score: float | None = None


class Saliency(Frozen):
    """Where a model looked, in some examples of the report split that it got wrong and some that it got right.

    The score is the logit of the class that the model named, less the mean logit of all classes.

    :ivar method: how it was found.
    :ivar layer: the layer of the body that it was read from.
    """

    model: str
    rung: str
    method: str
    layer: str
    examples: tuple[Looked, ...]


class Compressed(Frozen):
    """One compressed form beside the model as it is.

    :ivar what: what was done, in words.
    :ivar metric, before: the brief's metric on the same examples of the report split.
    :ivar latency_ms, latency_before_ms: single requests to both in turn.
    :ivar size_mb, size_before_mb: the weights as a file, 10^6 bytes.
    :ivar packed_mb, packed_before_mb: the body's weights deflated, which is what pruning saves; pruned forms only.
    :ivar because: why there are no figures; empty where there are.
    """

    form: str
    what: str
    because: str = ""
    metric: Metric | None = None
    before: Metric | None = None
    latency_ms: LatencyMeasured | None = None
    latency_before_ms: LatencyMeasured | None = None
    size_mb: float | None = None
    size_before_mb: float | None = None
    packed_mb: float | None = None
    packed_before_mb: float | None = None


class Compression(Frozen):
    """What compressing a model costs and saves, measured here."""

    model: str
    rung: str
    forms: tuple[Compressed, ...]


class Damaged(Frozen):
    """The brief's metric on lightly damaged examples of the report split, and on the same ones as they are.

    :ivar because: why there are no figures; empty where there are.
    """

    kind: str
    what: str
    because: str = ""
    metric: Metric | None = None
    before: Metric | None = None


class Robustness(Frozen):
    """How a model takes damaged inputs."""

    model: str
    rung: str
    kinds: tuple[Damaged, ...]


class Control(Frozen):
    """The same architecture from random weights, on the same examples.

    :ivar seconds, pretrained_seconds: how long each learnt.
    :ivar metric, pretrained: the brief's metric of both on the report split.
    :ivar gain, low, high: pretrained less control, with its 95 % interval.
    :ivar negative_transfer: pretrained models of this probe that ended below the control.
    """

    model: str
    examples: int
    seconds: float
    pretrained_seconds: float
    metric: Metric
    pretrained: Metric
    gain: float
    low: float
    high: float
    negative_transfer: tuple[str, ...] = ()


class Checks(Frozen):
    """All checks of a run. A part that was not done is None, and its row in `rows` says why."""

    rows: tuple[Check, ...] = ()
    label_noise: LabelNoise | None = None
    saliency: Saliency | None = None
    compression: Compression | None = None
    robustness: Robustness | None = None
    control: Control | None = None
