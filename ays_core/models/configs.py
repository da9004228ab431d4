"""The config files of a checkpoint: read, and refused in words where they are not what they say.

Whoever wrote them is not trusted to have written what diffusers expects.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ays_core.models.hub import INDEX
from ays_core.models.pipelines import family_of, first_line


def read_index(folder: Path) -> dict[str, Any]:
    """What a pipeline is made of, checked so far that it can be read as that."""
    file = folder / INDEX
    if not file.is_file():
        raise ValueError(f"{str(folder)!r} is no diffusers pipeline: it has no {INDEX}")
    index = read_config(file)
    name = index.get("_class_name")
    if not isinstance(name, str):
        raise ValueError(f"{file}: _class_name is {name!r}; it must name a pipeline of diffusers")
    family_of(name)
    return index


def read_config(file: Path) -> dict[str, Any]:
    """A config file's fields. Raises `ValueError`, naming the file, where it has none."""
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {first_line(error)}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{file} holds a {type(content).__name__}, not the fields of a config")
    return content


def config_of(folder: Path, part: str) -> dict[str, Any]:
    """The config of one part of a pipeline: in its folder, or beside the index; {} for none."""
    places = (folder / part / "config.json", folder / "config.json")
    return next((read_config(file) for file in places if file.is_file()), {})


def scheduler_in(folder: Path, index: Mapping[str, Any]) -> Any:
    """The checkpoint's own scheduler, one of diffusers' classes by name."""
    import diffusers
    from diffusers.schedulers.scheduling_utils import SchedulerMixin

    named = index.get("scheduler")
    if not (isinstance(named, list) and len(named) == 2):
        raise ValueError(f"{folder / INDEX}: scheduler is {named!r}; it must be [library, class]")
    library, name = named
    known = getattr(diffusers, str(name), None) if library == "diffusers" else None
    if not (isinstance(known, type) and issubclass(known, SchedulerMixin)):
        raise ValueError(f"its scheduler, {name}, is not one of diffusers'")
    places = (folder / "scheduler" / "scheduler_config.json", folder / "scheduler_config.json")
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise ValueError(f"{str(folder)!r} has no scheduler config")
    read_config(file)
    try:
        return known.from_pretrained(str(file.parent), local_files_only=True)
    except NotImplementedError:
        betas = read_config(file).get("beta_schedule")
        raise ValueError(f"{file}: beta_schedule is {betas!r}, which {name} has not") from None
    except (OSError, ValueError, TypeError) as error:
        raise ValueError(f"{file} cannot be used: {first_line(error)}") from None
