"""The three papers, a page each: the idea, the objective, a picture computed here, the numbers that
the shipped leaderboard has, links. Formulas are MathML, which browsers draw themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from itertools import chain
from typing import Any

import gradio as gr

from ays_core.compare import compare, reference_run
from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.leaderboard import Contest, Score, shipped
from ays_core.models import MODELS
from ays_core.optimizers import OPTIMIZERS
from ays_core.optimizers.align_your_steps import Priced
from ays_core.sampling import start_noise
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS
from ays_core.statistics import measure_model
from components import static
from components.events import PRIVATE
from components.leaderboard_tables import FOLDER
from components.plotly_view import PlotlyView
from components.state import ACCENT

STEPS, NOISES, JUDGING = 8, 256, 20_000
SHOWN = ("gaussians", "grid", "checkerboard", "scenes")  # on the leaderboard, with these solvers
SHOWN_SOLVERS, SHOWN_CALLS = ("euler", "dpmpp_2m"), (6, 10)
GREY, BLUE = "#767676", "#56B4E9"

# Parts of the formulas. x and D are vectors. The mean is a character of its own: browsers no longer
# read `mathvariant`, and an E would be one more variable.
SIGMA = "<mi>σ</mi>"
SIGMA_I = f"<msub>{SIGMA}<mi>i</mi></msub>"
SIGMA_J = f"<msub>{SIGMA}<mrow><mi>i</mi><mo>+</mo><mn>1</mn></mrow></msub>"
MEAN = "<mi>𝔼</mi>"


def norm(inside: str) -> str:
    bars = f'<mo fence="true">‖</mo>{inside}<mo fence="true">‖</mo>'
    return f"<msup><mrow>{bars}</mrow><mn>2</mn></msup>"


def estimate(at: str) -> str:
    x = f"<msub><mi>x</mi>{at}</msub>"
    return f'<mi>D</mi><mo stretchy="false">(</mo>{x}<mo>,</mo>{at}<mo stretchy="false">)</mo>'


def score(at: str) -> str:
    density = f"<msub><mi>p</mi>{at}</msub>"
    x = '<mo stretchy="false">(</mo><mi>x</mi><mo stretchy="false">)</mo>'
    return f"<mo>∇</mo><mi>ln</mi><mo>⁡</mo>{density}{x}"


def formula(words: str, body: str) -> str:
    """`words` is what a screen reader says. It can be focused, to be scrolled where it is wide."""
    named = f'display="block" tabindex="0" aria-label="{escape(words)}"'
    return f"<math {named}><mrow>{body}</mrow></math>"


SUM = '<munder><mo largeop="true">∑</mo><mi>i</mi></munder>'
KLUB = formula(
    "KLUB is the sum over all steps of the integral, from the lower to the higher level, of sigma "
    "to the minus 3 times the mean squared change of the estimate since the step began",
    f"<mtext>KLUB</mtext><mo>=</mo>{SUM}"
    f"<msubsup><mo>∫</mo>{SIGMA_J}{SIGMA_I}</msubsup><msup>{SIGMA}<mrow><mo>−</mo><mn>3</mn></mrow>"
    f"</msup>{MEAN}{norm(estimate(SIGMA) + '<mo>−</mo>' + estimate(SIGMA_I))}<mi>d</mi>{SIGMA}",
)
CORRECTOR = formula(
    "The cost of step i is the square of the lower level times the mean squared difference of the "
    "scores at both levels; the best schedule makes all costs equal",
    f"<msub><mi>L</mi><mi>i</mi></msub><mo>=</mo><msubsup>{SIGMA}"
    "<mrow><mi>i</mi><mo>+</mo><mn>1</mn></mrow><mn>2</mn></msubsup>"
    f"{MEAN}{norm(score(SIGMA_J) + '<mo>−</mo>' + score(SIGMA_I))}<mo>,</mo><mspace width='1em'/>"
    "<msub><mi>L</mi><mn>0</mn></msub><mo>=</mo><msub><mi>L</mi><mn>1</mn></msub><mo>=</mo><mo>…</mo>",
)
STUDENT = formula(
    "Minimise over the levels the mean squared distance between where the student and where the "
    "teacher end",
    f'<munder><mo movablelimits="false">min</mo><mrow><msub>{SIGMA}<mn>1</mn></msub><mo>&gt;</mo>'
    f"<mo>…</mo><mo>&gt;</mo><msub>{SIGMA}<mrow><mi>n</mi><mo>−</mo><mn>1</mn></mrow></msub></mrow>"
    f"</munder><mspace width='.3em'/>{MEAN}"
    + norm(
        "<msub><mi>x</mi><mtext>student</mtext></msub><mo>−</mo>"
        "<msub><mi>x</mi><mtext>teacher</mtext></msub>"
    ),
)


@dataclass(frozen=True)
class Paper:
    """`methods`: the optimizers that implement it here. `draw` gives the figure, `seen` says what
    to see in it."""

    key: str
    tab: str
    title: str
    url: str
    idea: str
    objective: str
    meaning: str
    methods: tuple[str, ...]
    draw: Callable[[], dict[str, Any]]
    seen: str


@cache
def klub_figure() -> dict[str, Any]:
    """Sweep by sweep: the objective, and the error of runs on judging noises."""
    denoise = bind(MODELS["grid"].load())
    start = SCHEDULES["karras"].make(STEPS, denoise.spec)
    found = list(Priced.by(run(measure_model(denoise)), start, power=3.0).sweeps())
    noise = start_noise(denoise.spec, NOISES, JUDGING)
    job = compare(
        denoise,
        [Schedule(sigmas) for _, sigmas in found],
        "euler",
        noise,
        ["rmse"],
        seed=JUDGING,
        reference=run(reference_run(denoise, noise)),
    )
    errors = [cell.metrics["rmse"] for cell in run(job).cells]
    objective = curve("objective", [cost / found[0][0] for cost, _ in found], GREY)
    error = curve("error of the solver", [e / errors[0] for e in errors], ACCENT)
    return figure([objective, error], "sweep of the search", "relative to the start")


@cache
def levels_figure(method: str, model: str) -> dict[str, Any]:
    """The levels that a method finds, and those that it begins with."""
    denoise = bind(MODELS[model].load())
    start = SCHEDULES["karras"].make(STEPS, denoise.spec)
    found = run(OPTIMIZERS[method].make(denoise, start, "euler"))
    lines = [
        curve("Karras, the start", start.positive, BLUE, "dash"),
        curve("found", found.positive, ACCENT),
    ]
    return figure(lines, "step", "noise level", "log")


def curve(name: str, y: Sequence[float], color: str, dash: str = "solid") -> dict[str, Any]:
    line = {"color": color, "dash": dash}
    return {"type": "scatter", "mode": "lines+markers", "name": name, "y": list(y), "line": line}


def figure(lines: list[dict[str, Any]], x: str, y: str, kind: str = "linear") -> dict[str, Any]:
    axes = {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}, "type": kind}}
    return {"data": lines, "layout": axes}


PAPERS = (
    Paper(
        "ays",
        "AYS",
        "Align Your Steps: Optimizing Sampling Schedules in Diffusion Models "
        "(Sabour, Fidler, Kreis 2024)",
        "https://arxiv.org/abs/2404.14507",
        "A few-step solver freezes the model's estimate of the clean picture during each step. The "
        "paper measures how far that frozen estimate is from the moving one, turns it into a bound "
        "on the distance between what comes out and what should, and lowers the bound.",
        KLUB,
        "D is the model's estimate, and σ with index i is the level at which step i begins. x with "
        "index σ is a picture with noise of that level. x with index σᵢ is the same noisy picture "
        "with more noise added, up to the level where the step began: not one with a noise of its "
        "own, which would make the change too large. 𝔼 is the mean over pictures and noise. The "
        "factor in front makes errors at low noise weigh most.",
        ("ays", "ays_mc", "ays_density"),
        klub_figure,
        "The objective falls with every sweep of the search. The error of the solver falls at "
        "first, then rises: the paper stops early. Here the weight is a parameter as well, chosen "
        "by running the solver.",
    ),
    Paper(
        "score_optimal",
        "Score-optimal",
        "Score-Optimal Diffusion Schedules (Williams, Campbell, Doucet, Syed 2024)",
        "https://arxiv.org/abs/2412.07877",
        "Going from one level to the next means moving samples from one distribution to another. "
        "The paper gives that move a cost, by how much the score (the direction towards likelier "
        "samples) changes, and places the levels so that every step costs the same. No solver is "
        "run, and nothing is trained.",
        CORRECTOR,
        "p with index σ is the distribution of noisy pictures at that level. The score at both "
        "levels is taken at the same x, a sample of the higher one, and 𝔼 is the mean over such "
        "samples. That is the cost for correctors; for predictors the paper has a second one, also "
        "implemented.",
        ("score_optimal",),
        lambda: levels_figure("score_optimal", "gaussians"),
        "The levels found stay higher for longer, and none is spent where the noise is too low to "
        "be seen. With DPM++ 2M and Heun the error of these points is then less than half of that "
        "of the start. Euler gains less: the cost knows nothing of the solver. On the little "
        "scenes it loses: there the error of what it finds is larger than that of the start, with "
        "both solvers and both numbers of calls in the table.",
    ),
    Paper(
        "oss",
        "OSS",
        "Optimal Stepsize for Diffusion Sampling (Pei, Hu, Gu 2025)",
        "https://arxiv.org/abs/2503.21774",
        "A teacher walks the same way in very many steps. The student may use only a few of the "
        "teacher's levels, and has to end as close to the teacher as it can. Which levels is found "
        "step by step, by dynamic programming: the best way in n steps goes on from a best way in "
        "n - 1.",
        STUDENT,
        "Both begin at the same noise and end in 0; x is where they end, and 𝔼 is the mean over "
        "the noises that they begin at. Unlike a sum of costs, only the end counts, so "
        "the search is very good but not certain to be the best.",
        ("oss",),
        lambda: levels_figure("oss", "checkerboard"),
        "The large step comes first, where the model has nothing to say yet; the small ones where "
        "the points find their places.",
    ),
)


def build(tab: gr.Tab) -> None:
    """All papers, one page each."""
    with gr.Tabs():
        for paper in PAPERS:
            with gr.Tab(paper.tab) as own:
                view = build_page(paper)
            own.select(paper.draw, None, view, **PRIVATE)
            if paper is PAPERS[0]:  # it is open already when one comes here
                tab.select(paper.draw, None, view, **PRIVATE)


def build_page(paper: Paper) -> PlotlyView:
    """A page; its figure, returned, is computed when the page is first opened."""
    gr.HTML(
        page(paper),
        head=static.head("learn/papers.css", "library/saved.css"),
        apply_default_css=False,
        elem_classes="paper",
        elem_id=f"paper-{paper.key}",
    )
    view = PlotlyView(
        None,
        label=paper.tab,
        summary=paper.seen,
        empty="Computing the picture…",
        height=300,
        elem_id=f"figure-{paper.key}",
    )
    gr.HTML(
        f"<p>{escape(paper.seen)}</p>{numbers(paper)}",
        apply_default_css=False,
        elem_classes="paper",
        elem_id=f"numbers-{paper.key}",
    )
    return view


def page(paper: Paper) -> str:
    return (
        f'<h2>{escape(paper.title)}</h2><p><a href="{paper.url}">The paper</a></p>'
        f"<p>{escape(paper.idea)}</p>{paper.objective}<p>{escape(paper.meaning)}</p>"
    )


def numbers(paper: Paper) -> str:
    """What the paper's methods reach on the shipped leaderboard, beside the best closed form."""
    rows = list(standings(paper))
    if not rows:
        return "<p>The shipped leaderboard has no numbers of it yet.</p>"
    boards = [shipped(FOLDER)[key] for key in SHOWN]
    dates = sorted({str(board.made["date"]) for board in boards})
    machines = sorted({str(board.made["machine"]) for board in boards})
    caption = f"Error to the reference, {', '.join(dates)}, {', '.join(machines)}"
    heads = "".join(
        f'<th scope="col">{head}</th>' for head in ("This paper", "Best closed form", "Karras")
    )
    return (  # the table can be focused, to be scrolled where it is wide
        f"<p>{escape(losses(rows))}</p>"
        '<div class="saved" tabindex="0" role="region" aria-label="Numbers of this paper">'
        f"<table><caption>{escape(caption)}</caption><thead><tr><td></td>{heads}"
        f"</tr></thead><tbody>{''.join(map(table_row, rows))}</tbody></table></div>"
        f"<p>{escape(caption)}. This paper: its methods from "
        "Karras' levels, with Karras' range. Best closed form: the best of all, range-tuned ones "
        "too. All of them, with every solver, are in the About tab.</p>"
    )


Standing = tuple[Contest, Score, Score, Score]


def standings(paper: Paper) -> Iterator[Standing]:
    """Contests shown, each with the best of the paper, the best closed form, and Karras."""
    boards = shipped(FOLDER)
    for contest in chain.from_iterable(boards[key].contests for key in SHOWN if key in boards):
        if contest.solver not in SHOWN_SOLVERS or contest.nfe not in SHOWN_CALLS:
            continue
        mine = contest.best(lambda s: s.key in paper.methods)  # with Karras' range, not a tuned one
        other = contest.best(lambda s: s.closed or s.tuned)
        plain = contest.best(lambda s: s.key == "karras")
        if mine is not None and other is not None and plain is not None:
            yield contest, mine, other, plain


def losses(rows: Sequence[Standing]) -> str:
    """Where the paper's methods end farther from the reference than where they began, model by
    model, and how often a closed form does as well."""
    worse = Counter(contest.model for contest, mine, _, plain in rows if mine.mean > plain.mean)
    of = Counter(contest.model for contest, *_ in rows)
    where = ", ".join(f"{MODELS[key].label} ({n} of {of[key]})" for key, n in worse.items())
    behind = sum(mine.mean > other.mean for _, mine, other, _ in rows)
    against = f"The best closed form is ahead of it in {behind} of the {len(rows)} rows."
    if not worse:
        return f"Better than Karras in all {len(rows)} rows. {against}"
    return f"Worse than Karras in {worse.total()} of the {len(rows)} rows: {where}. {against}"


def table_row(standing: Standing) -> str:
    contest, *scores = standing
    cells = "".join(f"<td>{s.mean:.3g} <small>± {s.spread:.2g}</small></td>" for s in scores)
    where = f"{MODELS[contest.model].label}, {SOLVERS[contest.solver].label}, {contest.nfe} calls"
    return f'<tr><th scope="row">{escape(where)}</th>{cells}</tr>'
