"""How much less certain the evidence of a probe is than its resampling says; the values were fitted, not guessed."""

from dataclasses import dataclass

__all__ = ["DOUBT", "Doubt"]


@dataclass(frozen=True)
class Doubt:
    """What `benchmarks/selection/calibration.py --fit` finds from subsamples of the sets with a known outcome.

    :ivar resampling: factor on the variance that resampling the judged examples shows.
    :ivar learning: the variance of a model's score because of the examples that it happened to learn from, in units of
        score × (1 - score) / examples learnt from; it differs from model to model on the same examples.
    :ivar tuning: factor on the standard deviation by which full fine-tuning is expected to bring one model more than
        another (`advisor.prospects`).
    """

    resampling: float
    learning: float
    tuning: float = 1.0


DOUBT = Doubt(resampling=1.0, learning=4.0, tuning=1.0)
