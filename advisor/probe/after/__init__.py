"""What is looked at after the climb, as far as the budget has room."""

from advisor.probe.after.examine import examine

__all__ = ["examine"]
