"""How other tools read and write a schedule.

`write` gives the text a target accepts, after reading it back by the target's own rule. `parse`
takes a list from anywhere and answers with a diagnosis instead of a guess.
"""

from ays_core.interop.diagnosis import Offer, Parsed
from ays_core.interop.dialects import DIALECTS, Dialect, write
from ays_core.interop.reading import parse

__all__ = ["DIALECTS", "Dialect", "Offer", "Parsed", "parse", "write"]
