"""Runs every script of this folder, one after the other: `make bench`.

A script prints its own figures beside their targets; machine and date are printed here, once.
"""

from __future__ import annotations

import datetime
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def processor() -> str:
    """The processor's name, where the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


if __name__ == "__main__":
    print(
        f"{datetime.date.today()} · {processor()} · {os.cpu_count()} threads · "
        f"{platform.system()} · Python {platform.python_version()}",
        flush=True,
    )
    failed = []
    for script in sorted(HERE.glob("[!_]*.py")):
        print(f"\n{script.stem}", flush=True)
        if subprocess.run([sys.executable, "-m", f"tests.benchmarks.{script.stem}"]).returncode:
            failed.append(script.stem)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)
