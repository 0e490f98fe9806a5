"""Which cells train, which stop training early, which are the test; fixed by a seed, told by a hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import write_text

Float = NDArray[np.float64]
Int = NDArray[np.int64]

TEST_SHARE: Final = 0.2
VALIDATION_SHARE: Final = 0.1
BLOCK_DEGREES: Final = 15.0
PARTS: Final = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Positions of the cells of a data set, sorted; the three parts share no cell."""

    name: str
    seed: int
    cells: int
    train: Int
    validation: Int
    test: Int

    @property
    def sha256(self) -> str:
        """Hash of the three parts: the same cells give the same hash."""
        content = json.dumps([self.cells, *(getattr(self, part).tolist() for part in PARTS)])
        return hashlib.sha256(content.encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """The content of the file of a split."""
        parts = {part: getattr(self, part).tolist() for part in PARTS}
        return {
            "name": self.name,
            "seed": self.seed,
            "cells": self.cells,
            "sha256": self.sha256,
            **parts,
        }


def random_split(cells: int, seed: int) -> Split:
    """A fifth of the cells for the test and a tenth for validation, drawn evenly."""
    order = np.random.default_rng([seed, cells]).permutation(cells)
    test, validation = round(TEST_SHARE * cells), round(VALIDATION_SHARE * cells)
    return _split("random", seed, cells, order[test + validation :], order[test : test + validation])


def block_split(latitude: Float, longitude: Float, seed: int) -> Split:
    """Whole blocks of 15 degrees are held out, so that no test cell has a neighbour among the others.

    Blocks are drawn until a fifth of the cells is in the test, then until a tenth is in validation.
    """
    cells = latitude.size
    block = block_numbers(latitude, longitude)
    numbers, counts = np.unique(block, return_counts=True)
    order = np.random.default_rng([seed, 15]).permutation(numbers.size)
    before = np.cumsum(counts[order]) - counts[order]
    in_test = before < TEST_SHARE * cells
    in_validation = ~in_test & (before < (TEST_SHARE + VALIDATION_SHARE) * cells)
    test = np.isin(block, numbers[order[in_test]])
    validation = np.isin(block, numbers[order[in_validation]])
    return _split("blocks", seed, cells, np.flatnonzero(~test & ~validation), np.flatnonzero(validation))


def block_numbers(latitude: Float, longitude: Float, degrees: float = BLOCK_DEGREES) -> Int:
    """The number of the block that holds each place.

    >>> block_numbers(np.array([-90.0, 1.0, 2.0]), np.array([0.0, 14.0, 16.0])).tolist()
    [0, 144, 145]
    """
    across = round(360.0 / degrees)
    row = np.clip(np.floor((latitude + 90.0) / degrees), 0, round(180.0 / degrees) - 1)
    column = np.floor(np.mod(longitude, 360.0) / degrees)
    return (row * across + column).astype(np.int64)


def coldest_split(temperature: Float, seed: int) -> Split:
    """The coldest fifth is held out: every test cell is colder than all that was seen in training.

    ``temperature``: annual mean of each cell (K). Validation is drawn evenly from the warmer cells.
    """
    cells = temperature.size
    order = np.argsort(temperature, kind="stable")
    warmer = np.random.default_rng([seed, 20]).permutation(order[round(TEST_SHARE * cells) :])
    validation = round(VALIDATION_SHARE * cells)
    return _split("coldest", seed, cells, warmer[validation:], warmer[:validation])


def _split(name: str, seed: int, cells: int, train: Int, validation: Int) -> Split:
    """What is neither training nor validation is the test."""
    test = np.setdiff1d(np.arange(cells), np.concatenate([train, validation]))
    return Split(name, seed, cells, np.sort(train), np.sort(validation), test)


def few_shot(split: Split, share: float) -> Split:
    """The same test with only a share of the cells to train on, drawn evenly; at least two of each part."""
    draw = np.random.default_rng([split.seed, 5])

    def some(positions: Int) -> Int:
        number = min(positions.size, max(2, round(share * positions.size)))
        return np.sort(draw.choice(positions, number, replace=False))

    return Split(
        f"{split.name}, {100 * share:g} %",
        split.seed,
        split.cells,
        some(split.train),
        some(split.validation),
        split.test,
    )


def write_split(path: Path, split: Split) -> None:
    """Write the split as JSON."""
    write_text(path, json.dumps(split.as_json()) + "\n")


def read_split(path: Path) -> Split:
    """Read a split. Raises ``InputError`` where the file is none or its hash does not fit its cells."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError("the split cannot be read", file=path, found=str(error)) from None
    missing = [key for key in ("name", "seed", "cells", "sha256", *PARTS) if key not in content]
    if missing:
        raise InputError("is not a split", file=path, expected=f"the keys {', '.join(missing)}")
    split = from_json(content)
    if split.sha256 != content["sha256"]:
        raise InputError("its cells do not fit its hash", file=path, found=split.sha256[:12])
    return split


def from_json(content: Mapping[str, Any]) -> Split:
    """The split in the content of its file."""
    parts = {part: np.asarray(content[part], dtype=np.int64) for part in PARTS}
    return Split(content["name"], int(content["seed"]), int(content["cells"]), **parts)
