"""Finished parts of a long work, kept beside its output until that is whole, so that it can be resumed."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError, OutputError
from kiloland.files import DatasetWriter, FileSchema, VariableSchema, open_dataset, remove_stale_temporaries

Arrays = Mapping[str, tuple[tuple[str, ...], NDArray[Any]]]
"""Name of a variable to its dimensions and values."""


def fingerprint(facts: Mapping[str, Any]) -> str:
    """What identifies a work: SHA-256 of the facts that its result depends on."""
    text = json.dumps({key: str(value) for key, value in facts.items()}, sort_keys=True)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def file_facts(path: Path) -> str:
    """Name, size and time of change of an input."""
    about = path.stat()
    return f"{path.resolve()} {about.st_size} {about.st_mtime_ns}"


def array_facts(values: NDArray[Any]) -> str:
    """A checksum of an array."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


@dataclass(frozen=True)
class Parts:
    """Parts in the folder ``<output>.parts``; those of another work (``mark``) do not count."""

    folder: Path
    mark: str

    @classmethod
    def beside(cls, output: Path, mark: str) -> Parts:
        """The parts of an output; the folder is made. Raises OutputError where it cannot be."""
        folder = output.with_name(f"{output.name}.parts")
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"{folder}: cannot be made ({error.strerror})") from None
        remove_stale_temporaries(folder)
        return cls(folder, mark)

    def path(self, name: str) -> Path:
        """Where a part lies."""
        return self.folder / f"{name}.nc"

    def has(self, name: str) -> bool:
        """Whether a part of this work is there, whole and undamaged."""
        if not self.path(name).is_file():
            return False
        try:
            with open_dataset(self.path(name), verify=True) as dataset:
                return dataset.attributes.get("work") == self.mark
        except InputError:
            return False

    def write(self, name: str, arrays: Arrays) -> None:
        """Write a part; it appears whole or not at all."""
        sizes = {
            dim: size
            for dims, values in arrays.values()
            for dim, size in zip(dims, values.shape, strict=True)
        }
        types = {
            variable: (dims, values.dtype.newbyteorder("=")) for variable, (dims, values) in arrays.items()
        }
        with self.writer(name, sizes, types) as writer:
            for variable, (_, values) in arrays.items():
                writer.put(variable, values)

    def writer(
        self, name: str, sizes: Mapping[str, int], variables: Mapping[str, tuple[tuple[str, ...], Any]]
    ) -> DatasetWriter:
        """A writer of a part, for parts that are written by stretches; ``variables`` have dims and type."""
        described = tuple(
            VariableSchema(variable, kind, dims) for variable, (dims, kind) in variables.items()
        )
        schema = FileSchema(sizes, None, described, {"work": self.mark})
        return DatasetWriter(self.path(name), schema, verify=False)

    def read(self, name: str) -> dict[str, NDArray[Any]]:
        """All arrays of a part."""
        with open_dataset(self.path(name)) as dataset:
            return {variable: dataset[variable].read() for variable in dataset}

    def clear(self) -> None:
        """Remove the folder, when the output is there or the input cannot be used."""
        shutil.rmtree(self.folder, ignore_errors=True)
