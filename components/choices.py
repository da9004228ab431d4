"""What can be compared with the edited curve: the menu, what fits what is chosen, and its names."""

from __future__ import annotations

from typing import Any

from ays_core.catalogue import Catalogue
from ays_core.models import MODELS
from ays_core.optimizers import OPTIMIZERS
from ays_core.optimizers.record import found_for
from ays_core.schedule import Schedule
from ays_core.schedules import SCHEDULES
from ays_core.solvers import SOLVERS
from components.state import CHANGED, TUNED, Choice, Studio, chosen_keys


def menu(studio: Studio) -> list[tuple[str, str]]:
    """Kept results, then the catalogue, each closed form followed by its range-tuned twin."""
    entries = [(name, name) for name, _ in studio.kept]
    for key, entry in SCHEDULES.items():
        if not fits(key, studio):
            continue
        entries.append((entry.label, key))
        if entry.kind == "formula" and studio.instant:
            entries.append((choice_name(key + TUNED), key + TUNED))
    return entries


def shown_keys(studio: Studio) -> list[str]:
    """Of those chosen, the ones on the menu now."""
    offered = {key for _, key in menu(studio)}
    return [key for key in chosen_keys(studio) if key in offered]


def fitting_choices(studio: Studio) -> tuple[Choice, ...]:
    """The chosen schedules that are offered for what is chosen now.

    A table made for another model, solver or step count is left out rather than shown unfairly.
    """
    return tuple(choice for choice in studio.choices if fits(choice.key, studio))


def fits(key: str, studio: Studio) -> bool:
    """Whether a schedule is offered for what is chosen now.

    A learned table is, for the model, solver and step count it was made for. A published table is
    for a loaded model that it was made for; the embedded models show all of them, with a warning,
    as long as the noise path is the same. Range-tuned twins are searches of their own: they
    are for models that answer at once.
    """
    if key in dict(studio.kept):
        return True
    if key.endswith(TUNED) and not studio.instant:
        return False
    made_for = SCHEDULES[key.removesuffix(TUNED)].made_for
    if made_for is None:
        return True
    if made_for.model in MODELS:
        return not made_for.warnings(studio.spec, studio.solver, studio.num_steps)
    if studio.instant:
        return True
    return not made_for.warnings(studio.spec, "", made_for.steps)


def chosen_schedule(studio: Studio, key: str) -> Schedule:
    """A chosen schedule at the Studio's step count and end, over its own range."""
    kept = dict(studio.kept)
    if key in kept:
        return kept[key].with_steps(studio.num_steps)
    entry = SCHEDULES[key]
    return entry.make(studio.num_steps, studio.spec, final_zero=studio.yours.final_zero)


def choice_name(key: str) -> str:
    """What a schedule is called: by its catalogue label, its optimizer's, or the name it has."""
    base = key.removesuffix(TUNED)
    for catalogue in (SCHEDULES, OPTIMIZERS):
        if base in catalogue:
            return catalogue[base].label + (", range tuned" if key != base else "")
    return key


def yours_name(studio: Studio) -> str:
    """Where the edited schedule comes from, in words."""
    origin = studio.yours.origin
    made = choice_name(origin.method)
    return (
        f"Yours: {choice_name(origin.parent)}, {made}"
        if made in CHANGED and origin.parent and origin.parent not in CHANGED
        else f"Yours: {made}"
    )


def curves(studio: Studio) -> list[dict[str, Any]]:
    """The compared schedules as curves behind the edited one, the same one too: the first edit must
    not add a line to the legend.

    Range-tuned twins are left out: they are known only after a search.
    """
    shown = []
    for choice in fitting_choices(studio):
        if choice.key.endswith(TUNED):
            continue
        try:
            schedule = chosen_schedule(studio, choice.key)
        except ValueError:
            continue  # its row says why
        curve = {"name": choice_name(choice.key), "color": choice.colour, "dash": choice.dash}
        shown.append({**curve, "sigmas": list(schedule.sigmas), "source": source_of(schedule)})
    return shown


def source_of(schedule: Schedule) -> str:
    """Where levels come from: who found them and for what, or who published them."""
    method, made = schedule.origin.method, schedule.origin.params
    if method in CHANGED and schedule.origin.parent:
        return f"{method}, from {choice_name(schedule.origin.parent)}"
    if "evaluations" not in made:
        return schedule.origin.reference
    where = [
        label_of(MODELS, made.get("model")),
        label_of(SOLVERS, made.get("solver")),
        f"{made.get('steps', schedule.num_steps)} steps",
    ]
    return f"found by {choice_name(method)} for {', '.join(filter(None, where))}"


def label_of(catalogue: Catalogue[Any], key: object) -> str:
    """A catalogue's name for a key, the key itself where it is from elsewhere, or nothing."""
    if isinstance(key, str) and key in catalogue:
        return catalogue[key].label
    return str(key or "")


def misfits(studio: Studio, schedule: Schedule, listed: Schedule | None = None) -> str:
    """How the use at hand differs from what a schedule was made or searched for, or "".

    A schedule for a first-order solver can be far off with Heun: said on its row. `listed`: what it
    was before it was resampled for the use at hand.
    """
    origin = (listed or schedule).origin
    for method in (origin.method, origin.parent):
        entry = SCHEDULES.get(method or "")
        if entry is not None and entry.made_for is not None and entry.made_for.model not in MODELS:
            return "; ".join(entry.made_for.warnings(studio.spec, studio.solver, studio.num_steps))
    others = searched_for(studio, listed or schedule, schedule)
    return f"found for {others}" if others else ""


def searched_for(studio: Studio, listed: Schedule, used: Schedule) -> str:
    """What `listed` was searched for, as far as the Studio uses it, as `used`, for something else;
    in words, or ""."""
    return found_for(
        listed.origin.params,
        used,
        model=studio.spec.key,
        solver=studio.solver,
        conditions=studio.conditions,
        guidance=studio.bound_guidance,
        negative=studio.bound_negative,
    )
