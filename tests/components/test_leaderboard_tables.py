"""The leaderboard's tables: the best of a column stands out, and what did not run says why."""

from __future__ import annotations

from ays_core.leaderboard import Board, Contest, Score
from components.leaderboard_tables import details, place, summary, table

WON = Contest(
    "gaussians",
    "dpmpp_2m_sde",
    6,
    6,
    1024,
    "sliced_w2",
    0.0123,
    (
        Score("karras", (0.5, 0.6)),
        Score("oss*", (0.25, 0.25)),
        Score("ays_mc", error="takes <b>long</b>"),
        Score("oracle", (0.2, 0.2)),
    ),
)
OTHER = Contest(
    "gaussians",
    "euler",
    6,
    6,
    1024,
    "rmse",
    0.0,
    (Score("karras", (0.4, 0.4), distances=(0.3, 0.4)),),
)


def test_the_best_is_bold_and_a_missing_one_says_why():
    text = table([WON])
    assert text.count("<b>") == 1 and "<b>0.25</b> <small>± 0</small>" in text
    assert "0.55 <small>± 0.071</small>" in text
    assert 'title="takes &lt;b&gt;long&lt;/b&gt;">–' in text
    assert "6 calls<br>floor 0.0123" in text and "W2" not in text
    assert "<br><small>W2 0.35</small>" in table([OTHER])


def test_rows_stand_in_the_order_of_their_average_place():
    assert [place(key, [WON, OTHER]) for key in ("karras", "oss*", "ays_mc")] == [1.0, 1.0, 2.5]
    text = table([WON])
    assert text.index("OSS") < text.index("Karras") < text.index("takes")


def test_a_model_opens_with_the_verdict_in_words():
    text = details("gaussians", Board((WON,), {"date": "today", "machine": "<one>"}))
    assert text.startswith('<details class="saved board"><summary>')
    assert "In 1 of 1 columns the best optimised schedule beats every closed form" in text
    assert "Noises in a set: 1024. Computed on today (&lt;one&gt;)." in text
    assert "<td>1 won, 0 lost of 1</td>" in text  # of OSS; the other was refused


def test_the_summary_names_the_best_of_every_kind_and_what_is_left():
    text = summary([WON, OTHER])
    assert "<td>0.55<br><small>Karras</small></td><td>–</td><td>–</td>" in text  # nothing was tuned
    assert "<td>0.25<br><small>Optimal stepsize (OSS)*</small></td>" in text
    assert "<td>0.2</td><td>4.2</td><td>1.25</td>" in text  # oracle, gap, papers over oracle
    assert text.count("<td>–</td>") == 2 + 7  # OTHER has a closed form and nothing else
