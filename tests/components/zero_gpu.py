"""What a ZeroGPU Space starts with: run by a test in a process of its own, whose torch pretends.

Networks are placed while the app starts, in the main thread; handlers run in others.
"""

import os
import sys
import threading
from dataclasses import replace

os.environ |= {
    "SPACES_ZERO_GPU": "true",
    "SPACES_ZERO_DEVICE_API_URL": "http://127.0.0.1:9",
    "AYS_PUBLIC": "1",
    "AYS_MODELS": "someone/tiny,someone/none",
}

import torch

torch.version.cuda = "12.8"
torch._C._cuda_init = lambda: None
torch._C._cuda_exchangeDevice = lambda device: device
torch.cuda._is_in_bad_fork = bool

import spaces  # noqa: E402, F401 - from here on there seems to be a GPU

from ays_core.job import run  # noqa: E402
from ays_core.models import MODELS, checkpoints, held, in_memory  # noqa: E402
from components import jobs, resident  # noqa: E402
from components.loading_panel import brought  # noqa: E402


def found(source: str):
    if source != "someone/tiny":
        raise ValueError("the Hub has no such thing")
    return replace(checkpoints.find(sys.argv[1]), source=source)


def handler() -> None:
    """A visitor chooses what the Space offers, and what it always has."""
    turn = jobs.Turn.take("someone", "load")
    model = run(brought(found("someone/tiny"), None, turn))
    assert in_memory("someone/tiny") is model is held.current()
    held.release()
    assert held.current() is None
    assert run(brought(found("someone/tiny"), None, turn)) is model, "it stays"
    assert MODELS["scenes_unet"].load().placed is not None
    print("all there")


resident.find = found
assert jobs.LENDS and torch.cuda.is_available()
resident.settle()
thread = threading.Thread(target=handler)
thread.start()
thread.join()
sys.stdout.flush()
os._exit(0)
