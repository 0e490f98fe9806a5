"""Ranks: one process per core under MPI, or one process alone; same answers either way."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from kiloland.errors import ExitCode, InputError, KilolandError

_SIZE_VARIABLES = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MPI_LOCALNRANKS", "PMIX_SIZE")
_RANK_VARIABLES = ("PMI_RANK", "OMPI_COMM_WORLD_RANK", "MPI_LOCALRANKID", "PMIX_RANK")


@dataclass(frozen=True)
class Ranks:
    """This process among its peers; ``communicator`` is None in a single process."""

    communicator: Any
    rank: int
    size: int

    @property
    def is_root(self) -> bool:
        """True on the rank that logs and writes small files."""
        return self.rank == 0

    def barrier(self) -> None:
        """Wait for all ranks."""
        if self.communicator is not None:
            self.communicator.Barrier()

    def any(self, flag: bool) -> bool:
        """True on every rank if it is true on one."""
        if self.communicator is None:
            return flag
        mine, ours = np.array([int(flag)]), np.zeros(1, np.int64)
        self.communicator.Allreduce(mine, ours)
        return bool(ours[0])

    def gather(self, value: Any) -> list[Any]:
        """Values of all ranks on every rank, in rank order (small objects only)."""
        return [value] if self.communicator is None else list(self.communicator.allgather(value))

    def broadcast(self, value: Any) -> Any:
        """The root's value on every rank."""
        return value if self.communicator is None else self.communicator.bcast(value)

    def exchange(self, parts: list[Any]) -> list[Any]:
        """Give part r of the list to rank r; what comes back is what the ranks have for this one."""
        return parts if self.communicator is None else list(self.communicator.alltoall(parts))

    @contextmanager
    def agreement(self) -> Iterator[None]:
        """An error inside on one rank is raised on all of them, so that none waits for one that is gone.

        Nothing inside may wait for another rank. Where several ranks fail, the error of the lowest counts.
        """
        error: KilolandError | None = None
        try:
            yield
        except KilolandError as problem:
            error = problem
        first = next((found for found in self.gather(error) if found is not None), None)
        if first is not None:
            raise first

    @contextmanager
    def ending_together(self) -> Iterator[None]:
        """An exception that the ranks have not agreed on ends all of them at once, with its traceback."""
        known = False
        try:
            yield
            known = True
        except KilolandError:
            known = True
            raise
        finally:
            if not known and self.communicator is not None:
                traceback.print_exc()
                sys.stderr.flush()
                self.communicator.Abort(int(ExitCode.FINDINGS))


def launched_size() -> int:
    """Number of ranks that the launcher of this process says there are; 1 without a launcher."""
    return _first_number(_SIZE_VARIABLES, 1)


def launched_rank() -> int:
    """Number of this process among its peers, as its launcher says; 0 without a launcher."""
    return _first_number(_RANK_VARIABLES, 0)


def _first_number(names: tuple[str, ...], default: int) -> int:
    found = (os.environ.get(name, "") for name in names)
    return next((int(text) for text in found if text.isdigit()), default)


def join_ranks() -> Ranks:
    """Join the ranks that the launcher started.

    Raises:
        InputError: the launcher says N ranks but MPI is absent or sees another number: then every process
            would silently run the whole job alone.
    """
    expected = launched_size()
    if expected == 1:
        return Ranks(None, 0, 1)
    try:
        from mpi4py import MPI
    except ImportError as error:
        raise InputError(
            f"started as {expected} ranks, but MPI for Python cannot be loaded: {error}",
            hint="install it with: pip install 'kiloland[mpi]'",
        ) from None
    world = MPI.COMM_WORLD
    if world.Get_size() != expected:
        raise InputError(
            "mismatched mpiexec: the launcher and the MPI library of mpi4py do not belong together",
            found=f"{world.Get_size()} rank(s) in the communicator",
            expected=f"{expected} as launched",
            hint="use the mpiexec of the package mpich, in the environment's bin folder",
        )
    return Ranks(world, world.Get_rank(), world.Get_size())
