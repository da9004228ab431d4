"""Eight guided experiments: a question, a prepared Studio, something to do, what to notice.

Whatever a lesson claims is computed in tests/core/test_lessons.py, on the noises the page shows and
on noises that judge. No lesson has a number of a result in it: the page computes those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from ays_core.denoiser import bind
from ays_core.job import run
from ays_core.models import MODELS
from ays_core.optimizers import OPTIMIZERS
from ays_core.schedule import Origin, Schedule
from ays_core.schedules import SCHEDULES
from components.state import Studio, with_choices

AYS = ("Sabour et al. 2024, Align Your Steps", "https://arxiv.org/abs/2404.14507")
EDM = (
    "Karras et al. 2022, the design space of diffusion models",
    "https://arxiv.org/abs/2206.00364",
)
OSS = ("Pei et al. 2025, Optimal Stepsize", "https://arxiv.org/abs/2503.21774")
SCORE = ("Williams et al. 2024, Score-Optimal Schedules", "https://arxiv.org/abs/2412.07877")
DPM = ("Lu et al. 2022, DPM-Solver: steps even in log-SNR", "https://arxiv.org/abs/2206.00927")
A1111 = (
    "A1111, the pull request that added AYS",
    "https://github.com/AUTOMATIC1111/stable-diffusion-webui/pull/15751",
)
NOISE_LEFT = (
    "A user asks: why is there noise left in the picture?",
    "https://github.com/huggingface/diffusers/issues/6295",
)
SAMPLER = (
    "A user asks: what is a sampler, what is a scheduler?",
    "https://github.com/kijai/ComfyUI-WanVideoWrapper/issues/1631",
)
SURROGATE = (
    "A reader finds: the objective falls, the quality does not",
    "https://github.com/scxue/DM-NonUniform/issues/3",
)


@dataclass(frozen=True)
class Lesson:
    """`do`: one short paragraph a step. `prepare`: the Studio that it starts from."""

    key: str
    title: str
    question: str
    setting: str
    do: tuple[str, ...]
    notice: str
    why: str
    links: tuple[tuple[str, str], ...]
    prepare: Callable[[], Studio]

    @property
    def pages(self) -> tuple[tuple[str, str], ...]:
        """What is read one after the other: a heading and a paragraph each."""
        does = tuple(("Do", paragraph) for paragraph in self.do)
        return ((self.question, self.setting), *does, ("Notice", self.notice), ("Why", self.why))


def prepared(
    model: str,
    yours: Schedule,
    solver: str = "euler",
    choices: tuple[str, ...] = (),
    kept: Mapping[str, Schedule] | None = None,
) -> Studio:
    """A Studio with nothing in it but this; the other schedules in the order of `choices`."""
    studio = Studio(yours=yours, model=model, solver=solver, kept=tuple((kept or {}).items()))
    return with_choices(studio, choices)


def made(key: str, steps: int, model: str, **own: object) -> Schedule:
    return SCHEDULES[key].make(steps, MODELS[model].spec, **own)


# 1. What is a schedule?


def schedule_lesson() -> Studio:
    yours = made("karras", 6, "scenes")
    return prepared("scenes", yours, choices=("oss_scenes_euler_6", "kl_optimal"))


# 2. Why is its axis logarithmic?


def log_lesson() -> Studio:
    yours = made("sigma_linear", 8, "gaussians")
    return prepared("gaussians", yours, "dpmpp_2m", choices=("log_snr", "sigma_linear"))


# 3. The forgotten final 0


def final_zero_lesson() -> Studio:
    """Karras' six steps without the last two of its levels: the end of the list was lost."""
    lost = made("karras", 6, "scenes").sigmas[:-2]
    return prepared("scenes", Schedule(lost, Origin("pasted")))


# 4. What decides what is in the picture?


def composition_lesson() -> Studio:
    return prepared("scenes", made("kl_optimal", 8, "scenes"))


# 5. One name, two tables


def two_tables_lesson() -> Studio:
    yours = made("ays_sd15_zero", 10, "checkerboard")
    return prepared("checkerboard", yours, "dpmpp_2m", choices=("ays_sd15_a1111", "karras"))


# 6. Better by its own measure, worse to look at

STOPPED, CONVERGED = "KLUB, stopped early", "KLUB, converged"


def stop_early_lesson() -> Studio:
    return prepared(
        "grid",
        made("karras", 8, "grid"),
        choices=(STOPPED, CONVERGED, "karras"),
        kept=klub_schedules(),
    )


@cache
def klub_schedules() -> Mapping[str, Schedule]:
    """The paper's objective, its weight sigma^-3, minimised to the end, and stopped in time."""
    denoise = bind(MODELS["grid"].load())
    start, make = made("karras", 8, "grid"), OPTIMIZERS["ays"].make
    return {
        name: run(make(denoise, start, "euler", power="3", stop=stop))
        for name, stop in ((STOPPED, "sampler"), (CONVERGED, "converged"))
    }


# 7. The best for one solver


def other_solver_lesson() -> Studio:
    yours = made("karras", 12, "checkerboard")
    found = {"OSS for Euler": oss_schedule()}
    studio = prepared("checkerboard", yours, choices=(*found, "karras", "log_snr"), kept=found)
    return replace(studio, optimizer="direct")


@cache
def oss_schedule() -> Schedule:
    denoise = bind(MODELS["checkerboard"].load())
    return run(OPTIMIZERS["oss"].make(denoise, made("karras", 12, "checkerboard"), "euler"))


# 8. When does optimising stop paying?


def enough_lesson() -> Studio:
    yours = made("oss_scenes_euler_6", 6, "scenes")
    return prepared("scenes", yours, choices=("karras", "linear_t"))


LESSONS = {
    lesson.key: lesson
    for lesson in (
        Lesson(
            "schedule",
            "What is a schedule?",
            "Does it matter where the noise levels are?",
            "A diffusion model starts from noise and removes it in a few steps. The list of noise "
            "levels on the way is the schedule. All rows below have the same model, the same start "
            "noise and the same number of steps. Only the levels differ.",
            (
                "Compare every row with the reference above it. The reference is a run with very "
                "many steps: what the model really wants to draw from this noise.",
                "Take one of the middle points of the curve, the noise levels of your row, and "
                "drag it up or down. Your row is computed again when you let go.",
                "Choose another beginning under “Start from”, below the curve.",
            ),
            "Nothing but the levels changes, and yet the pictures do: colours, contrast, and "
            "sometimes what is in them. The last row here is more than twice as far from the "
            "reference as the first one below yours, for the same work.",
            "A model knows in which direction the clean picture lies, but only from where it "
            "stands. Every step goes straight on until the next level. With few steps it matters "
            "a great deal where one stops to look again.",
            (EDM, AYS),
            schedule_lesson,
        ),
        Lesson(
            "log",
            "Why a logarithmic axis?",
            "Why not space the levels evenly?",
            "Eight clusters of points, and eight steps. The levels of your row are even: the same "
            "distance from each to the next. The other row divides the noise by the same factor "
            "at every step.",
            (
                "Look at the curve: its axis is logarithmic, so that dividing by a factor is the "
                "same distance everywhere. Yours stays high for nearly all steps, then falls.",
                "Open “Numbers” and read your levels. Compare them with the size of what is drawn: "
                "the ring is two units wide, each cluster about a tenth of one.",
                "Choose “Uniform in log-SNR” under “Start from”. The even levels stay, in a row of "
                "their own.",
            ),
            "Even levels spend all steps but the last at noise far greater than the ring, where "
            "there is nothing to see yet. The step that has to find the clusters is a single "
            "jump. Even factors bring the points much closer to the reference.",
            "What a noise level hides is what is smaller than it. Ten less than 80 is 70: what can "
            "be made out becomes an eighth finer, no more. Ten less than 10.1 is 0.1: a hundred "
            "times finer, and everything here comes to light at once. So ratios count, and ratios "
            "are distances on a logarithmic axis.",
            (DPM, EDM),
            log_lesson,
        ),
        Lesson(
            "final-zero",
            "The forgotten final 0",
            "Why are the pictures grainy?",
            "This list of levels was copied from somewhere, and its end was lost on the way. It "
            "happens often: some tools add the last level by themselves, others do not.",
            (
                "Look at your row: everything is where it should be, under a layer of grain.",
                "Open “Change the curve” and press “Append a final 0”.",
                "Press “Drop the final 0”, and see the grain come back.",
            ),
            "The grain is gone at once, for a single call more. What was under it stays.",
            "A run ends at its last level, with just as much noise as that level says. Only a last "
            "level of 0 means a clean picture. The step into 0 costs a call like any other, so a "
            "list of numbers without its 0 is one step shorter than it looks.",
            (NOISE_LEFT, AYS),
            final_zero_lesson,
        ),
        Lesson(
            "composition",
            "What decides the picture?",
            "Which step decides what is in a picture?",
            "This schedule jumps in its first step from pure noise to a level at which only soft "
            "shapes are hidden, and then goes on in small steps.",
            (
                "Remember some of the pictures in your row. Then drag the second point of the "
                "curve up, to about three times its level.",
                "Undo that (the arrow above the curve). Now drag any other point, as far as there "
                "is room.",
            ),
            "Moving the second point puts other things into some of the pictures, and brings more "
            "of them back to what the reference shows. Moving a later point changes what is in "
            "hardly any picture.",
            "At high noise the model's estimate is a blend of everything that is still possible. "
            "What becomes of it is decided while the noise falls through a certain range, and "
            "what comes later only works out the details. A schedule that crosses that range in "
            "one step takes the decision half blind.",
            (EDM, SCORE),
            composition_lesson,
        ),
        Lesson(
            "two-tables",
            "One name, two tables",
            "Is AYS with ten steps the same everywhere?",
            "Align Your Steps was published as eleven levels. ComfyUI and diffusers put a 0 in the "
            "place of the last one. A1111 and Forge squeeze all eleven into ten, then append a 0. "
            "Both call it AYS with ten steps. Yours is the first, the row below is the second.",
            (
                "Point at the curves: the two share their first level and the 0, and no level in "
                "between.",
                "Compare the two rows, and both with Karras, which is not tuned to anything.",
                "Open “Paste and copy”. Under “Copy as” you find the same levels as each tool "
                "writes them.",
            ),
            "The first table is near the reference. The second leaves more than twice its error, "
            "and crowds the points at the outer corners. Whoever tried only that one would have "
            "found AYS hardly better than Karras here.",
            "A name is not a schedule: the numbers are. When two programs give different pictures "
            "for the same settings, compare their levels first. (This table was made for Stable "
            "Diffusion 1.5, not for these points: which of the two is better depends on the "
            "model. That they are different does not.)",
            (A1111, AYS),
            two_tables_lesson,
        ),
        Lesson(
            "stop-early",
            "Why stop early?",
            "Can a schedule be optimised too much?",
            "Align Your Steps lowers a number, called KLUB: a bound on how far the result can be "
            "from the data. One row lowered it as far as it goes. The other began at Karras' "
            "levels, as yours, and stopped when the result was at its best.",
            (
                "Compare the three rows with the reference.",
                "In the menu of the row “KLUB, converged”, choose “Edit this”. Look at its curve: "
                "where does it spend its steps? Karras' levels stay, in a row of their own.",
                "Choose another solver, “DPM++ 2M”, and compare again.",
            ),
            "Stopped early beats both. Lowered to the end, the schedule is worse than Karras' "
            "levels, with which the search began: it leaps over the high levels and gathers at "
            "noise too low to be seen.",
            "The bound counts an error the more, the lower the noise at which it is made. That is "
            "right for the probability of the data, and not for what one looks at. The paper "
            "stops early for this reason. A number that is being lowered is no proof: judge by "
            "runs of the solver, on noises that were not used for the search.",
            (AYS, SURROGATE),
            stop_early_lesson,
        ),
        Lesson(
            "other-solver",
            "The best for one solver",
            "Does the best schedule stay the best with another solver?",
            "The solver is the rule for one step; the schedule says where the steps end. One row "
            "was optimised for the solver chosen here: Euler, which is the same as DDIM.",
            (
                "Compare the rows: the optimised one is far ahead.",
                "Now choose “Heun” as the solver. It looks ahead before every step, for twice the "
                "calls.",
                "“Optimize with” is set to “Direct search”: it tries schedules with the solver "
                "itself. Press “Optimize”, and your row is searched for anew, for Heun.",
            ),
            "With Heun the same schedule falls from the first place to the last: the untuned ones "
            "are closer to the reference. What is found for Heun is far ahead again.",
            "A schedule is fitted to the errors that its solver makes. A simple solver wants small "
            "steps where the way bends. Heun follows a bend by itself, and its errors are made "
            "elsewhere. (OSS would find the same levels for Heun as for Euler: it knows only "
            "simple steps.) So a schedule without the name of its solver is half a result.",
            (OSS, SAMPLER),
            other_solver_lesson,
        ),
        Lesson(
            "enough",
            "When does it stop paying?",
            "With how many steps is the schedule no longer important?",
            "Your row was optimised for six steps, and is stretched to any other number. The "
            "others are the usual formulas.",
            (
                "Compare the rows at six steps.",
                "Set “Steps” to 10, then 15, then 20, and compare again each time.",
                "Press “New seed” a few times at 20 steps, and a few times at six.",
            ),
            "At six and at ten steps your row is far ahead. From 15 on it no longer wins: Karras "
            "is closer, and at 20 both formulas are twice as close. With another seed the order "
            "at 20 may be another; at six your row is first. And every row at 20 is better than "
            "any at six.",
            "With many steps every schedule has levels wherever they are needed; and one that was "
            "made for six stays where six had to stop, above the noise that more steps could still "
            "remove. A good schedule buys the quality of more steps, so it is worth most where "
            "steps are few. How soon it stops paying depends on the model.",
            (AYS, OSS),
            enough_lesson,
        ),
    )
}
