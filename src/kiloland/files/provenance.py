"""Which software wrote a file."""

from __future__ import annotations

import subprocess
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("kiloland", "jax", "numpy", "netCDF4")


def software_versions() -> dict[str, str]:
    """Versions of this package and of those that decide about its numbers."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


@lru_cache(maxsize=1)
def git_commit() -> str | None:
    """Commit of the source tree that this package runs from, ``-dirty`` with changes; None outside of git."""
    source = Path(__file__).resolve().parents[1]
    if not any((folder / ".git").exists() for folder in source.parents):
        return None
    commands = (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no", "--", str(source)])
    answers = []
    for command in commands:
        try:
            answer = subprocess.run(
                ["git", "-C", str(source), *command], capture_output=True, text=True, timeout=10, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        answers.append(answer.stdout.strip())
    return answers[0] + ("-dirty" if answers[1] else "")
