"""The parts of a plan: a product with its files, sizes, memory and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from kiloland.files import FileSchema
from kiloland.files.encoding import planned

CLASSIC_LIMIT: Final = 2**32 - 4
"""Largest piece (a variable, or its part of one record) of the older classic formats [bytes]."""
CDF5_LIMIT: Final = 2**63 - 4


@dataclass(frozen=True)
class PlannedFile:
    """One file that a job will write."""

    name: str
    schema: FileSchema

    @cached_property
    def size(self) -> int:
        """Bytes of the whole file."""
        return planned(self.schema).size

    @cached_property
    def largest(self) -> tuple[int, str]:
        """Bytes and name of the largest variable, or of its part of one record."""
        return max((place.size, name) for name, place in planned(self.schema).places.items())


@dataclass(frozen=True)
class Product:
    """One product: what is read and written [bytes], memory of a process [bytes], seconds on all processes.

    ``extra_files``: number and bytes of small files beside those with a schema. ``rests_on`` says where the
    time comes from.
    """

    name: str
    cells: int
    files: Sequence[PlannedFile]
    read_bytes: int
    memory_per_rank: float
    seconds: float
    ranks: int
    rests_on: str
    extra_files: tuple[int, int] = (0, 0)

    @property
    def number_of_files(self) -> int:
        """How many files."""
        return len(self.files) + self.extra_files[0]

    @cached_property
    def written_bytes(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files) + self.extra_files[1]

    @cached_property
    def largest(self) -> tuple[int, str]:
        """Bytes and name of the largest variable, or of its part of one record."""
        return max((file.largest for file in self.files), default=(0, ""))


@dataclass(frozen=True)
class Machine:
    """Memory, processors and free disk [bytes] where the job would run; 0 where unknown."""

    memory: int
    processors: int
    free_disk: int


@dataclass(frozen=True)
class Finding:
    """A named source that is not there or cannot be used."""

    where: str
    problem: str

    def __str__(self) -> str:
        return f"{self.where}: {self.problem}"


@dataclass(frozen=True)
class CraftPlan:
    """The plan of a job."""

    name: str
    directory: str
    products: tuple[Product, ...]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    rates: str
    ranks: int
    machine: Machine

    @property
    def read_bytes(self) -> int:
        """Of all products."""
        return sum(one.read_bytes for one in self.products)

    @property
    def written_bytes(self) -> int:
        """Of all products."""
        return sum(one.written_bytes for one in self.products)

    @property
    def seconds(self) -> float:
        """Of all products, one after the other."""
        return sum(one.seconds for one in self.products)

    @property
    def largest(self) -> tuple[int, str]:
        """The largest piece of any file and whose it is."""
        size, name, product = max(((*one.largest, one.name) for one in self.products), default=(0, "", ""))
        return size, f"{product} {name}".strip()

    @property
    def format_holds(self) -> bool:
        """True where CDF-5 holds every variable."""
        return self.largest[0] <= CDF5_LIMIT

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not fit the machine."""
        found = []
        needed, machine = self.written_bytes, self.machine
        if needed > machine.free_disk > 0:
            found.append(
                f"the disk is too small: {needed / machine.free_disk:.1f} times its free space needed"
            )
        memory = max((one.memory_per_rank * one.ranks for one in self.products), default=0.0)
        if memory > machine.memory > 0:
            found.append(
                f"the memory is too small: {memory / machine.memory:.1f} times that of the machine needed"
            )
        if self.ranks > machine.processors > 0:
            found.append(f"more ranks than processors: {self.ranks} on {machine.processors}")
        return tuple(found)
