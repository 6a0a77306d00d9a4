"""A number that a person will see, with how it is known."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

__all__ = ["Basis", "Frozen", "Quantity"]

Basis = Literal["measured", "published", "scaled", "estimated", "unknown"]


class Frozen(BaseModel):
    """Base of every value that crosses a boundary: immutable, and strict about its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Quantity(Frozen):
    """A value with its unit, its 90 % interval and its basis.

    `measured` here on this machine, `published` by the named source, `scaled` from a published figure for other
    hardware or data, `estimated` by the named method, or `unknown`: then value, low and high are None.
    """

    value: float | None
    low: float | None
    high: float | None
    unit: str
    basis: Basis
    source: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        numbers = (self.low, self.value, self.high)
        if self.basis == "unknown":
            if any(number is not None for number in numbers):
                raise ValueError("an unknown quantity has no numbers")
        elif self.value is None:
            raise ValueError(f"a {self.basis} quantity needs a value")
        elif self.low is not None and self.high is not None and not self.low <= self.value <= self.high:
            raise ValueError(f"not low <= value <= high: {numbers}")
        return self

    @classmethod
    def unknown(cls, unit: str, source: str = "") -> Self:
        """Make the quantity that nobody knows; `source` may say why."""
        return cls(value=None, low=None, high=None, unit=unit, basis="unknown", source=source)

    @classmethod
    def exact(cls, value: float, unit: str, basis: Basis, source: str = "") -> Self:
        """Make a quantity whose interval is the value itself."""
        return cls(value=value, low=value, high=value, unit=unit, basis=basis, source=source)
