"""Which schedule wins where: every solver and budget, judged on noises nobody optimised on."""

from ays_core.leaderboard.board import (
    Board,
    Contest,
    Lead,
    Score,
    records,
    shipped,
    verdict,
)
from ays_core.leaderboard.report import report
from ays_core.leaderboard.work import columns, leaderboard

__all__ = [
    "Board",
    "Contest",
    "Lead",
    "Score",
    "columns",
    "leaderboard",
    "records",
    "report",
    "shipped",
    "verdict",
]
