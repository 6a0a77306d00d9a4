"""How far a model's probabilities can be trusted, and how well they set its classes apart: the typed figures."""

from typing import Literal

from advisor.measurement import Metric
from advisor.quantity import Frozen

__all__ = ["Bin", "ClassSeparation", "Confidence", "Point", "Reliability", "Separation"]

Point = tuple[float, float]


class Bin(Frozen):
    """The examples whose most probable class got a probability in (low, high].

    :ivar mean: the mean of those probabilities.
    :ivar right: the share of them whose class is right.
    """

    low: float
    high: float
    mean: float
    right: Metric


class Reliability(Frozen):
    """Stated probabilities beside what came true, on the report split.

    :ivar method: the binning, in words.
    :ivar ece: expected calibration error, 0-1.
    :ivar by_chance: what that error stays below in 95 of 100 cases if every stated probability is exactly right.
    :ivar surplus: mean probability of the chosen class less the share that is right; above 0 is too sure.
    :ivar log_loss: mean negative logarithm of the probability of the true class.
    :ivar bins: those that hold examples.
    """

    method: str
    n: int
    ece: float
    by_chance: float
    surplus: float
    log_loss: float
    bins: tuple[Bin, ...]


class Confidence(Frozen):
    """Calibration as it is, and after dividing the logits by a temperature.

    :ivar fitted_on: whose predictions the temperature was fitted on; none of them is in the report split.
    :ivar because: why there is no temperature; empty where there is one.
    """

    before: Reliability
    temperature: float | None = None
    after: Reliability | None = None
    fitted_on: Literal["cross-validation", "select"] | None = None
    fitted_examples: int = 0
    because: str = ""


class ClassSeparation(Frozen):
    """How well one class is told from all others, whatever the threshold; n is how many examples it has."""

    roc_auc: float
    average_precision: float
    n: int


class Separation(Frozen):
    """Areas under the curves on the report split: of one of two classes, or the mean over more.

    :ivar positive: the class that is looked for, where there are two.
    :ivar prevalence: the average precision of guessing.
    :ivar roc: (false positive rate, true positive rate), with two classes.
    :ivar precision_recall: (recall, precision), with two classes.
    """

    positive: str | None = None
    roc_auc: Metric
    average_precision: float
    prevalence: float
    per_class: dict[str, ClassSeparation]
    roc: tuple[Point, ...] = ()
    precision_recall: tuple[Point, ...] = ()
