"""How much less certain the evidence of a probe is than its resampling says; the values were fitted, not guessed."""

from dataclasses import dataclass

__all__ = ["DOUBT", "Doubt"]


@dataclass(frozen=True)
class Doubt:
    """What `benchmarks/calibration.py --fit` finds from subsamples of real data sets.

    :ivar resampling: factor on the variance that resampling the judged examples shows.
    :ivar learning: the variance of a model's score because of the examples that it happened to learn from, in units of
        score × (1 - score) / examples learnt from; it differs from model to model on the same examples.
    """

    resampling: float
    learning: float


DOUBT = Doubt(resampling=1.0, learning=1.0)
