"""The rules of docs/architecture.md. Imports are read with `ast`: nothing has to run for them."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import gradio as gr
import pytest

from ays_core.catalogue import Catalogue
from components.following import Following

ROOT = Path(__file__).parents[1]
CORE = sorted(ROOT.glob("ays_core/**/*.py"))
COMPONENTS = sorted(ROOT.glob("components/**/*.py"))
APP = ROOT / "app.py"
MEGABYTE = 1_000_000
LARGE = {  # and why it may be
    "assets/models/scenes.safetensors": "the embedded picture model",
    "assets/models/scenes_unet/unet/diffusion_pytorch_model.safetensors": "the embedded network",
}
TO_COME = "(to come)"


class Import(NamedTuple):
    module: str
    lazy: bool  # inside a function, or for type checkers only: costs nothing at start-up


def dotted(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in (*CORE, *COMPONENTS)}


def imports(path: Path) -> Iterator[Import]:
    """Every import of a file, absolute; `from package import module` counts as that module."""

    def visit(node: ast.AST, lazy: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, lazy) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = dotted(path).split(".")
            above = len(package) - node.level + (path.name == "__init__.py")
            base = ".".join(filter(None, (*(package[:above] if node.level else ()), node.module)))
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield Import(full if full in MODULES else base, lazy)
        lazy = lazy or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        lazy = lazy or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
        for child in ast.iter_child_nodes(node):
            yield from visit(child, lazy)

    yield from visit(ast.parse(path.read_text()), False)


def top(module: str) -> str:
    return module.partition(".")[0]


class Line(NamedTuple):
    path: str
    to_come: bool


def read_map() -> list[Line]:
    """The files and folders of the map, in its order, as paths below the repository."""
    text = (ROOT / "docs/architecture.md").read_text()
    block = re.search(r"```map\n(.*?)```", text, re.DOTALL)
    assert block, "docs/architecture.md has lost its map"
    lines, folders = [], []
    for line in filter(str.strip, block[1].splitlines()):
        depth = (len(line) - len(line.lstrip())) // 2
        name = line.split()[0]
        folders[depth:] = [name] if name.endswith("/") else []
        path = "".join((*folders[:depth], name))
        lines.append(Line(path, line.rstrip().endswith(TO_COME)))
    return lines


MAP = read_map()
READING_ORDER = [
    line.path.removesuffix("/").removesuffix(".py").replace("/", ".")
    for line in MAP
    if line.path.startswith("ays_core/")
]
# Modules that can be imported: while the map has lines to come, others may wait for them.
COMING = {line.path.removesuffix(".py").replace("/", ".") for line in MAP if line.to_come}
LOADABLE = [
    name
    for name, path in MODULES.items()
    if not name.endswith("__main__")
    and not {used.module for used in imports(path)} & (COMING - set(MODULES))
]


# Rule 1


@pytest.mark.parametrize("path", CORE, ids=dotted)
def test_core_is_headless(path: Path):
    for used in imports(path):
        assert top(used.module) not in {"gradio", "components", "app", "spaces"}


@pytest.mark.parametrize("path", COMPONENTS, ids=dotted)
def test_components_have_no_mathematics_and_do_not_know_each_other(path: Path):
    for used in imports(path):
        assert top(used.module) not in {"torch", "diffusers", "transformers", "app"}
        assert not re.fullmatch(r"components\..*_panel", used.module), f"{path} knows {used.module}"


# Rule 2


@pytest.mark.parametrize("path", [*CORE, *COMPONENTS, *ROOT.glob("app.py")], ids=dotted)
def test_diffusers_is_imported_late_and_in_one_place(path: Path):
    heavy = [used for used in imports(path) if top(used.module) in {"diffusers", "transformers"}]
    allowed = dotted(path).startswith(("ays_core.solvers", "ays_core.models"))
    assert not heavy or (allowed and all(used.lazy for used in heavy))


def test_starting_does_not_import_diffusers():
    script = (
        "import importlib, sys\n"
        f"for name in {LOADABLE + ['app'] * APP.exists()}: importlib.import_module(name)\n"
        "sys.exit(', '.join({'diffusers', 'transformers'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


# Rule 3


def place(module: str) -> int:
    """Position in the reading order; that of its package for a module that is not listed."""
    while module not in READING_ORDER:
        assert "." in module, f"{module} is not in the map"
        module = module.rpartition(".")[0]
    return READING_ORDER.index(module)


@pytest.mark.parametrize("path", CORE, ids=dotted)
def test_reading_order(path: Path):
    module = dotted(path)
    for used in imports(path):
        if top(used.module) != "ays_core" or used.module == module:
            continue
        inside_package = path.name == "__init__.py" and used.module.startswith(module + ".")
        assert inside_package or place(used.module) < place(module), (
            f"{module} imports {used.module}, which stands below it in the map"
        )


# Rule 4


def catalogues() -> dict[str, Catalogue]:
    found = {}
    for name in LOADABLE:
        if top(name) == "ays_core":
            for value in vars(importlib.import_module(name)).values():
                if isinstance(value, Catalogue):
                    found[value.kind] = value
    return found


def test_every_catalogue_entry_has_a_label_and_a_reference():
    for kind, catalogue in catalogues().items():
        assert len(catalogue), f"the catalogue of {kind}s is empty"
        for key, entry in catalogue.items():
            assert entry.label.strip() and entry.reference.strip(), f"{kind} {key}"
            assert re.fullmatch(r"[a-z0-9_]+", key), f"{kind} {key} is not a stable key"


# Rule 5


def test_map_equals_folder():
    listed = {line.path for line in MAP}
    present = {
        str(path.relative_to(ROOT)) + "/" * path.is_dir()
        for path in (*CORE, *COMPONENTS, *APP.parent.glob("app.py"))
        if path.name != "__init__.py"
    }
    present |= {str(path.parent.relative_to(ROOT)) + "/" for path in (*CORE, *COMPONENTS)}
    assert present - listed == set(), "in the folder, but not in the map of docs/architecture.md"
    missing = {line.path for line in MAP if not line.to_come} - present
    assert missing == set(), "in the map of docs/architecture.md, but not in the folder"


def test_app_only_lays_out():
    assert not APP.exists() or len(APP.read_text().splitlines()) <= 200


def test_handlers_have_at_most_three_outputs():
    if not APP.exists():
        return
    demo = importlib.import_module("app").demo
    wide = {}
    for fn in demo.fns.values():
        following = getattr(fn.fn, "__self__", None)  # parts of a page, in one event
        parts = following.parts if isinstance(following, Following) else [fn]
        wide.update((fn.name, part) for part in parts if len(part.outputs) > 3)
    assert wide == {}


def test_a_page_that_opens_is_sent_nothing_for_what_is_folded():
    """It would come when one unfolds it, and set back what is typed there. But for what is made
    there only then (`gr.render`)."""
    if not APP.exists():
        return
    demo = importlib.import_module("app").demo
    told = {fn._id for fn in demo.fns.values() if any(event == "load" for _, event in fn.targets)}
    while after := {fn._id for fn in demo.fns.values() if fn.trigger_after in told} - told:
        told |= after

    def folded(block) -> bool:
        shut = isinstance(block, gr.Accordion) and not block.open
        return shut or (block.parent is not None and folded(block.parent))

    at_once = [fn for fn in demo.fns.values() if fn._id in told and not fn.renderable]
    sent = [(fn.name, out) for fn in at_once for out in fn.outputs]
    assert "rows" in {block.elem_id for _, block in sent}
    assert [(name, block.elem_id) for name, block in sent if folded(block)] == []


def test_no_change_of_a_value_is_dropped_while_an_earlier_one_is_answered():
    """Gradio's own mode for two triggers of one handler is "once": what comes in between is lost,
    and the page shows what was before it."""
    if not APP.exists():
        return
    demo = importlib.import_module("app").demo
    events = ("change", "input", "release")
    deaf = {
        fn.name
        for fn in demo.fns.values()
        if fn.trigger_mode == "once" and any(event in events for _, event in fn.targets)
    }
    assert deaf == set()


def test_what_a_visitor_does_has_one_handler():
    """Of two, Gradio asks the second when the first has answered, and with what stands in the
    fields by then. What follows a change of a value, or a tab that opens, may wait."""
    if not APP.exists():
        return
    demo = importlib.import_module("app").demo
    handlers = Counter(target for fn in demo.fns.values() for target in fn.targets)
    twice = {event for (_, event), count in handlers.items() if count > 1}
    assert twice <= {"load", "change", "select", "success"}


def test_files_are_small():
    folders = (ROOT / "assets", ROOT / "tests")
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
    large = {str(path.relative_to(ROOT)) for path in files if path.stat().st_size > MEGABYTE}
    assert large == set(LARGE), "a file of more than 1 MB needs its reason in LARGE, and only that"


def test_nothing_is_called_utils():
    empty_words = {"utils", "util", "helpers", "helper", "common", "manager"}
    for path in (*CORE, *COMPONENTS, *ROOT.glob("tests/**/*.py")):
        assert not empty_words & set(re.split(r"[_.]", path.stem.lower())), path
