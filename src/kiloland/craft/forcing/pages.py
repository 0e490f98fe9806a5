"""Pages of files that are mapped into memory: wanted early, given back early. Other files need neither."""

from __future__ import annotations

import mmap

import numpy as np
from numpy.typing import NDArray

from kiloland.files import Variable
from kiloland.files.classic import ClassicVariable

IntArray = NDArray[np.int64]


def want_pages(variable: Variable, samples: IntArray) -> None:
    """Ask the system to read samples in one go: page by page it would wait for the disk again and again."""
    _advise(variable, int(samples.min()), int(samples.max()) + 1, mmap.MADV_WILLNEED)


def release_pages(variable: Variable, sample: int) -> None:
    """Give the pages of a sample back to the system: a mapped file would otherwise count as memory in use."""
    _advise(variable, sample, sample + 1, mmap.MADV_DONTNEED)


def _advise(variable: Variable, first: int, end: int, advice: int) -> None:
    base = variable.data.obj if isinstance(variable, ClassicVariable) else None
    if isinstance(base, mmap.mmap) and isinstance(variable, ClassicVariable):
        place, page = variable.place, mmap.PAGESIZE
        step = place.stride if place.is_record else place.size // place.shape[0]
        begin = (place.begin + first * step) // page * page
        base.madvise(advice, begin, min((end - first) * step, len(base) - begin))
