"""Functions over arrays that are compiled when they are first called, and kept for later processes."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import numba

logger = logging.getLogger(__name__)

Inputs = ParamSpec("Inputs")
Result = TypeVar("Result")


def cache_folder() -> Path:
    """Where programs are kept: below ``KILOLAND_CACHE`` or ``~/.cache/kiloland``, one folder for each version
    of the sources, since a program holds those of other files that it calls."""
    sources = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
    base = os.environ.get("KILOLAND_CACHE")
    root = Path(base) if base else Path.home() / ".cache" / "kiloland"
    return root / "numba" / hashlib.sha256(sources).hexdigest()[:16]


def compiled(function: Callable[Inputs, Result]) -> Callable[Inputs, Result]:
    """The function as a program that does the operations of its source in their order, rounded one by one.

    Where no folder can be written, every process compiles for itself.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    settings: Any = numba.config
    before, settings.CACHE_DIR = settings.CACHE_DIR, str(_FOLDER)
    try:
        program: Callable[Inputs, Result] = numba.njit(cache=True, **options)(function)
    except RuntimeError as error:
        logger.warning("compiled programs are not kept: %s", error)
        program = numba.njit(**options)(function)
    finally:
        settings.CACHE_DIR = before
    return program


_FOLDER = cache_folder()
