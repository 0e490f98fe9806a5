"""The machine that a benchmark ran on, in words that do not name it, and the place of the results."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

from kiloland.files import write_text

RESULTS = Path(__file__).parent / "results"


def machine(**versions: str) -> dict[str, Any]:
    """Processor, cores, memory, system, versions and the load when asked."""
    source = Path("/proc/cpuinfo")
    lines = source.read_text().splitlines() if source.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        **versions,
        "load_at_start": round(os.getloadavg()[0], 1),
    }


def described(facts: dict[str, Any]) -> str:
    """The facts in one line."""
    return ", ".join(f"{key} {value}" for key, value in facts.items())


def save_results(name: str, results: dict[str, Any], page: str) -> None:
    """Write ``results/NAME.json`` and ``results/NAME.md``."""
    RESULTS.mkdir(exist_ok=True)
    write_text(RESULTS / f"{name}.json", json.dumps(results, indent=2) + "\n")
    write_text(RESULTS / f"{name}.md", page)
