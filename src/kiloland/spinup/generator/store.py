"""Finished blocks on disk, one file each: kept by an interrupted run, and what the files are made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.files import FileSchema, VariableSchema, open_dataset, write_dataset
from kiloland.spinup.generator.simulate import BlockResult
from kiloland.spinup.generator.state import PlantState, SoilState, WorldState

Values = dict[str, NDArray[Any]]
EVIDENCE = ("drift", "drift_n", "drift_p", "churn", "cycles", "average")


def flattened(result: BlockResult) -> Values:
    """A block as arrays by name: states in double, tapes in single precision."""
    values: Values = {}
    for label, state in (("accelerated", result.accelerated), ("final", result.final)):
        for part_name, part in (("soil", state.soil), ("plants", state.plants)):
            for name in part.__dataclass_fields__:
                values[f"{label}.{part_name}.{name}"] = np.asarray(getattr(part, name))
    for label, tape in (("accelerated", result.accelerated_tape), ("final", result.final_tape)):
        for kind in ("column", "cell", "patch", "months"):
            for name, field in getattr(tape, kind).items():
                values[f"{label}.{kind}.{name}"] = np.asarray(field, np.float32)
        values[f"{label}.mixing"] = np.asarray(tape.mixing, np.float32)
    for name in EVIDENCE:
        values[f"evidence.{name}"] = np.asarray(getattr(result, name), np.float64)
    return {name: np.ascontiguousarray(array) for name, array in values.items()}


def write_block(path: Path, values: Values, attributes: dict[str, str]) -> None:
    """Write a block; it appears whole or not at all."""
    sizes = sorted({length for array in values.values() for length in array.shape})
    schema = FileSchema(
        dimensions={f"n{length}": length for length in sizes},
        variables=tuple(
            VariableSchema(name, array.dtype, tuple(f"n{length}" for length in array.shape))
            for name, array in values.items()
        ),
        attributes=attributes,
    )
    write_dataset(path, schema, values, verify=False)


class BlockStore:
    """The blocks of one member, read variable by variable."""

    def __init__(self, paths: list[Path]) -> None:
        self.files = [open_dataset(path) for path in paths]

    def names(self, prefix: str) -> list[str]:
        """Names below a prefix, without it."""
        return [name[len(prefix) :] for name in self.files[0] if name.startswith(prefix)]

    def read(self, name: str) -> NDArray[Any]:
        """One variable of all cells, ``... cell``."""
        return np.concatenate([file[name].read() for file in self.files], axis=-1)

    def state(self, label: str) -> WorldState:
        """A state of all cells."""
        soil: Any = {n: self.read(f"{label}.soil.{n}") for n in SoilState.__dataclass_fields__}
        plants: Any = {n: self.read(f"{label}.plants.{n}") for n in PlantState.__dataclass_fields__}
        return WorldState(SoilState(**soil), PlantState(**plants))

    def close(self) -> None:
        """Release the files."""
        for file in self.files:
            file.close()
