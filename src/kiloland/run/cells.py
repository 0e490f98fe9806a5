"""Which cells a rank computes, found without anything of the size of the domain in memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from kiloland.errors import InputError
from kiloland.files import Dataset, open_dataset
from kiloland.grid.partition import Partition, partition
from kiloland.run.ranks import Ranks

_BLOCK = 1 << 22
_MASK, _FRACTION = ("LANDMASK", "mask"), ("LANDFRAC", "frac")


@dataclass(frozen=True)
class OwnCells:
    """``ordinals``: the rank's cells among the land cells; ``positions``: the same in the domain file."""

    ordinals: np.ndarray
    positions: np.ndarray
    land_cells: int
    file_cells: int


def own_cells(domain: Path, ranks: Ranks, scheme: Partition, segments: int) -> OwnCells:
    """The land cells of a domain file that belong to this rank.

    Cells off land (mask 0) are left out and not numbered, as in ELM.

    Raises:
        InputError: no mask, no land, or fewer land cells than ranks.
    """
    land = total = 0
    for mask in _mask_blocks(domain):
        land += int(np.count_nonzero(mask))
        total += len(mask)
    if land == 0:
        raise InputError("no land cell in the domain", file=domain, variable="mask")
    if land < ranks.size:
        raise InputError(
            "more ranks than land cells", file=domain, found=f"{ranks.size} ranks", expected=f"at most {land}"
        )
    ordinals = partition(land, ranks.size, ranks.rank, scheme, segments_per_rank=segments)
    positions = ordinals if land == total else _positions(domain, ordinals)
    return OwnCells(ordinals, positions, land, total)


def _mask_blocks(domain: Path) -> Iterator[np.ndarray]:
    with open_dataset(domain) as dataset:
        flat = _flat(dataset, *_MASK)
        for start in range(0, len(flat), _BLOCK):
            yield np.asarray(flat[start : start + _BLOCK]) == 1


def _flat(dataset: Dataset, *names: str) -> np.ndarray:
    """A variable as one vector over all cells, where possible without reading it; the first name counts."""
    variable = dataset[next((name for name in names if name in dataset), names[-1])]
    raw = variable.raw()
    return (variable.read() if raw is None else raw).reshape(-1)


def check_whole_domain(domain: Path, ranks: Ranks) -> None:
    """Check mask, fraction and ids of all cells of a domain file, of which each rank takes a stretch.

    Cells off land and pairs of cells that belong to different ranks are seen here alone.

    Raises:
        InputError: on all ranks: mask and fraction that disagree, the same id twice.
    """
    pairs = np.zeros((0, 2), np.int64)
    with ranks.agreement(), open_dataset(domain) as dataset:
        mask, fraction = _flat(dataset, *_MASK), _flat(dataset, *_FRACTION)
        if len(mask) != len(fraction):
            raise InputError(
                "mask and fraction lie on different cells",
                file=domain,
                found=len(fraction),
                expected=len(mask),
            )
        begin, end = (rank * len(mask) // ranks.size for rank in (ranks.rank, ranks.rank + 1))
        for start in range(begin, end, _BLOCK):
            part = slice(start, min(start + _BLOCK, end))
            _check_fraction(np.asarray(mask[part]), np.asarray(fraction[part]), start, domain)
        if "gridID" in dataset:
            first = max(begin - 1, 0)
            ids = np.asarray(_flat(dataset, "gridID")[first:end], np.int64)
            pairs = np.stack([ids, np.arange(first, end)], axis=1)
    ascending = bool((np.diff(pairs[:, 0]) > 0).all())
    if ranks.any(not ascending):
        own = pairs[pairs[:, 1] >= begin]
        met = np.concatenate(ranks.exchange([own[own[:, 0] % ranks.size == r] for r in range(ranks.size)]))
        with ranks.agreement():
            _refuse_repeated(met, domain)


def _check_fraction(mask: np.ndarray, fraction: np.ndarray, start: int, domain: Path) -> None:
    for name, bad, values, problem, expected in (
        ("mask", (mask != 0) & (mask != 1), mask, "mask is neither 0 nor 1", "0 or 1"),
        (
            "frac",
            (mask == 1) != (fraction > 0.0),
            fraction,
            "mask and frac disagree",
            "above 0 exactly where mask is 1",
        ),
    ):
        if bad.any():
            cell = int(np.argmax(bad))
            raise InputError(
                problem,
                file=domain,
                variable=name,
                where=f"cell {start + cell}",
                found=f"{values[cell]}, mask {mask[cell]}",
                expected=expected,
            )


def _refuse_repeated(pairs: np.ndarray, domain: Path) -> None:
    """Refuse the same id twice among pairs of id and cell."""
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    same = np.flatnonzero(np.diff(pairs[:, 0]) == 0)
    if len(same):
        (number, one), (_, other) = pairs[same[0]], pairs[same[0] + 1]
        raise InputError(
            "the same gridcell id twice",
            file=domain,
            variable="gridID",
            where=f"cells {one} and {other}",
            found=int(number),
            expected="different ids",
        )


def _positions(domain: Path, ordinals: np.ndarray) -> np.ndarray:
    """Where the land cells of these numbers stand in the file."""
    found, seen, start = [], 0, 0
    for mask in _mask_blocks(domain):
        here = np.flatnonzero(mask)
        low, high = np.searchsorted(ordinals, (seen, seen + len(here)))
        found.append(start + here[ordinals[low:high] - seen])
        seen += len(here)
        start += len(mask)
    return np.concatenate(found)
