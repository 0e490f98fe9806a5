"""Writing CDF-5 files: data first, each slab at its offset, then the header, then the final name."""

from __future__ import annotations

import mmap
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from kiloland.errors import InputError, OutputError
from kiloland.files.atomic import (
    create_temporary,
    discard,
    final_path,
    output_error,
    publish,
    write_fully,
)
from kiloland.files.blocks import BlockWriter
from kiloland.files.checksum import Run, joined
from kiloland.files.classic import open_classic
from kiloland.files.encoding import planned
from kiloland.files.ranks import Ranks
from kiloland.files.schema import FileSchema
from kiloland.files.slabs import fitted, stretches


class DatasetWriter:
    """A CDF-5 file that becomes visible only when its ``with`` block ends without an error.

    Parameters
    ----------
    path
        Final name. Until the end the data lie in a temporary of the same folder.
    schema
        What the file holds. Every entry of every variable must be put exactly once.
    communicator
        None, or an mpi4py communicator: then all ranks create and leave the writer together, and each puts
        slabs of its own.
    verify
        Read the file again before it gets its name.

    Raises ``InputError`` for a schema or an array that does not fit, ``OutputError`` (on all ranks) where the
    file cannot be written; an earlier file of the same name then is as it was.

    Examples
    --------
    >>> schema = FileSchema({"cell": 3}, None, (VariableSchema("T", "f8", ("cell",), {"units": "K"}),))
    >>> with DatasetWriter("temperature.nc", schema) as writer:
    ...     writer.put("T", [270.0, 271.0], start=(0,))
    ...     writer.put("T", [272.0], start=(2,))
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        schema: FileSchema,
        communicator: Any = None,
        *,
        verify: bool = True,
    ) -> None:
        self.path, self.schema, self.verify = final_path(path), schema, verify
        schema.check(self.path)
        self.plan, self.ranks = planned(schema), Ranks(communicator)
        self.runs: dict[str, list[Run]] = {variable.name: [] for variable in schema.variables}
        self.temporary, self.descriptor = self.opened()
        self.blocks = BlockWriter(self.descriptor, schema.checksums)
        self.closed = False

    def opened(self) -> tuple[Path, int]:
        """The temporary, created by rank 0 and opened by all."""
        temporary, descriptor, error = self.path, -1, None
        try:
            if self.ranks.rank == 0:
                temporary, descriptor = create_temporary(self.path, self.plan.size)
        except OutputError as problem:
            error = problem
        self.ranks.agree(error)
        temporary = self.ranks.broadcast(temporary)
        try:
            if self.ranks.rank != 0:
                descriptor = os.open(temporary, os.O_RDWR)
        except OSError as problem:
            error = output_error(self.path, problem, self.plan.size)
        try:
            self.ranks.agree(error)
        except OutputError:
            if descriptor >= 0:
                os.close(descriptor)
            if self.ranks.rank == 0:
                discard(temporary)
            raise
        return temporary, descriptor

    def put(self, name: str, array: Any, start: tuple[int, ...] | None = None) -> None:
        """Write a slab of a variable that starts at ``start`` along its leading dimensions.

        Without ``start`` the array is the whole variable; among ranks that of rank 0 counts. Raises
        ``InputError`` where the array does not fit, ``OutputError`` where the disk refuses.
        """
        if self.closed:
            raise ValueError("the writer is closed")
        if name not in self.plan.places:
            raise InputError("the schema has no such variable", file=self.path, variable=name)
        place = self.plan.places[name]
        values, origin = fitted(array, place, start, str(self.path), name)
        if start is None and self.ranks.rank != 0:
            return
        runs = self.runs[name]
        try:
            for position, offset, part in stretches(values, origin, place):
                size = part.size * place.dtype.itemsize
                begin, crc = position, 0
                if runs and runs[-1].end == position:
                    begin, crc = runs[-1].begin, runs.pop().crc
                crc = self.blocks.write(part, place.dtype, offset, crc)
                runs.append(Run(begin, position + size, crc))
        except OSError as error:
            raise output_error(self.path, error, self.plan.size) from None

    def finish(self) -> None:
        """Sync, write the header, verify, and give the file its name. All ranks together."""
        self.attempt(lambda: os.fsync(self.descriptor) if self.ranks.rank else None)
        gathered = self.ranks.gather(self.runs)
        checksums: dict[str, int] = {}
        self.attempt(lambda: checksums.update(self.complete(gathered)))
        self.attempt(lambda: self.write_header(checksums) if self.ranks.rank == 0 else None)
        if self.verify:
            self.attempt(self.verify_share)
        self.attempt(lambda: publish(self.temporary, self.path) if self.ranks.rank == 0 else None)

    def attempt(self, step: Callable[[], object]) -> None:
        """Do one step on every rank; all fail where one does."""
        error: Exception | None = None
        try:
            step()
        except OSError as problem:
            error = output_error(self.path, problem, self.plan.size)
        except (InputError, OutputError) as problem:
            error = OutputError(str(problem).replace(str(self.temporary), str(self.path)))
        self.ranks.agree(error)

    def complete(self, gathered: list[dict[str, list[Run]]]) -> dict[str, int]:
        """CRC-32 of every variable; an error where an entry is missing or was written twice."""
        checksums = {}
        for name, place in self.plan.places.items():
            end, crc, misfit = joined([run for runs in gathered for run in runs[name]])
            if misfit is None and end == place.total:
                checksums[name] = crc
                continue
            entry = (
                misfit.begin if misfit is not None and misfit.begin < end else end
            ) // place.dtype.itemsize
            what = "was written twice" if misfit is not None and misfit.begin < end else "was never written"
            raise OutputError(f"{self.path}: {name}: entry {entry} (in file order) {what}")
        return checksums

    def write_header(self, checksums: Mapping[str, int]) -> None:
        """The header, the final length, and all of it on the disk."""
        write_fully(self.descriptor, memoryview(self.plan.header(checksums)), 0)
        os.ftruncate(self.descriptor, self.plan.size)
        os.fsync(self.descriptor)

    def verify_share(self) -> None:
        """Parse the file as a reader would and compare the checksums of this rank's share of variables."""
        content = memoryview(mmap.mmap(self.descriptor, self.plan.size, access=mmap.ACCESS_READ))
        with open_classic(self.temporary, content, lambda: None) as dataset:
            if list(dataset.variables) != [variable.name for variable in self.schema.variables]:
                raise OutputError(f"{self.path}: the header that was written cannot be read back")
            dataset.verify_header()
            for name in list(dataset.variables)[self.ranks.rank :: self.ranks.size]:
                dataset[name].verify()

    def close(self, error: BaseException | None = None) -> None:
        """Finish the file, or remove it where an error happened on any rank."""
        if self.closed:
            return
        self.closed = True
        try:
            self.blocks.close()
            self.ranks.agree(error)
            self.finish()
        finally:
            os.close(self.descriptor)
            if self.ranks.rank == 0:
                discard(self.temporary)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close(error)


def write_dataset(
    path: str | os.PathLike[str], schema: FileSchema, arrays: Mapping[str, Any], *, verify: bool = True
) -> None:
    """Write a whole file atomically: temporary, sync, verification, final name.

    Raises ``InputError`` where arrays and schema do not agree, ``OutputError`` where the disk refuses.
    """
    names = {variable.name for variable in schema.variables}
    if names != set(arrays):
        odd = sorted(names ^ set(arrays))
        raise InputError(
            "the arrays are not those of the schema",
            file=path if isinstance(path, str) else Path(path),
            variable=odd[0],
        )
    with DatasetWriter(path, schema, verify=verify) as writer:
        for variable in schema.variables:
            writer.put(variable.name, arrays[variable.name])
