"""A folder of pictures with their captions, as the data that an optimizer learns from.

KLUB is a mean over pictures with their own captions. A captioned picture is `name.png` beside
`name.txt`, or a line of `metadata.jsonl` with `file_name` and `text`, as Hub data sets have it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ays_core.denoiser import Batch, Bound, Model, OwnData, bind
from ays_core.job import Job, Progress
from ays_core.models.pipelines import PipelineModel

KINDS = (".png", ".jpg", ".jpeg", ".webp")
MOST = 4096  # pictures


def bind_pictures(
    model: Model, folder: str | Path, guidance: float = 1.0, negative: str = ""
) -> Job[Bound]:
    """`model` with a folder's captions as conditions and its pictures as data: row i of either is
    picture i. A model that takes neither prompts nor classes has no captions. Yields after every
    picture that is encoded.

    Raises `ValueError` for a folder without pictures, a picture without caption, and a model whose
    pictures cannot be encoded, as one that has exact data of its own.
    """
    if not isinstance(model, PipelineModel):
        raise ValueError(f"{model.spec.label} has exact data of its own: pictures change nothing")
    files = pictures_in(Path(folder).expanduser())
    captions = captions_of(files) if model.spec.takes_prompt or model.spec.classes else []
    guidance = guidance if captions else 1.0
    bound = bind(model, captions, guidance, negative if guidance != 1 else "")
    rows = list[Batch]()
    for seed, file in enumerate(files):
        rows.append(model.clean(as_batch(file, model.side), seed))
        yield Progress("encoding pictures", seed + 1, len(files))
    words = f"{len(files)} pictures of {Path(folder).name}"
    return replace(
        bound, own=OwnData(torch.cat(rows), f"{words} with their captions" if captions else words)
    )


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, by name."""
    if not folder.is_dir():
        raise ValueError(f"{str(folder)!r} is not a folder")
    files = sorted(file for file in folder.iterdir() if file.suffix.lower() in KINDS)
    if not files:
        raise ValueError(f"{str(folder)!r} has no pictures ({', '.join(KINDS)})")
    return files[:MOST]


def captions_of(files: list[Path]) -> list[str]:
    """The caption of every picture, or a `ValueError` that names the first without."""
    listed = files[0].parent / "metadata.jsonl"
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else []
    known: dict[str, Any] = {}
    for line in filter(str.strip, lines):
        entry = json.loads(line)
        known[str(entry.get("file_name"))] = entry.get("text")
    found = []
    for file in files:
        beside = file.with_suffix(".txt")
        text = beside.read_text(encoding="utf-8") if beside.is_file() else known.get(file.name)
        if not str(text or "").strip():
            raise ValueError(f"{file.name} has no caption: write it into {beside.name}")
        found.append(" ".join(str(text).split()))
    return found


def as_batch(file: Path, side: tuple[int, int]) -> Batch:
    """One picture, its middle cut to the shape of `side` (height, width), in [-1, 1]: (1, 3, *)."""
    from PIL import Image, ImageOps

    with Image.open(file) as opened:
        height, width = side
        fitted = ImageOps.fit(
            opened.convert("RGB"), (width, height), method=Image.Resampling.LANCZOS
        )
    pixels = torch.from_numpy(np.asarray(fitted, dtype=np.float32) / 127.5 - 1)
    return pixels.permute(2, 0, 1)[None]
