"""Several files of different cells as one, ordered by gridcell id."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.craft.cells import (
    BLOCK_BYTES,
    CellAxis,
    cell_axis,
    copy_variable,
    own_attributes,
    require_cells,
    require_other_file,
    schema_like,
    take_cells,
    variable_like,
)
from kiloland.craft.identify import cells_of, named
from kiloland.craft.subset import kept_variables, list_lengths, require_no_parts
from kiloland.craft.virtual import open_any
from kiloland.errors import InputError
from kiloland.files import Dataset, DatasetWriter, FileSchema, Variable
from kiloland.verify.attributes import same
from kiloland.verify.elements import native, unequal
from kiloland.verify.streams import Slices, Source, blocks, start_of

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class JoinRequest:
    """Files to join; ``source_domains``, one a file, say the ids where the files have no ``gridID``."""

    sources: Sequence[Path]
    output: Path
    source_domains: Sequence[Path] = ()


@dataclass(frozen=True)
class JoinSummary:
    """What was joined."""

    path: Path
    cells: tuple[int, ...]
    """Of each file."""
    seconds: float

    def lines(self) -> list[str]:
        """The summary as text."""
        parts = " + ".join(str(count) for count in self.cells)
        return [f"{self.path}: {parts} = {sum(self.cells)} cells", f"made in {self.seconds:.1f} s"]


@dataclass(frozen=True, eq=False)
class CellOrder:
    """For every cell of the joined file, the file it comes from and its place there."""

    file: IntArray
    place: IntArray


def join(request: JoinRequest) -> JoinSummary:
    """Write the joined file as CDF-5; memory stays near 16 MB, plus 64 bytes a cell.

    Raises InputError for fewer than two files, cells in more than one of them (their ids are named), other
    variables, dimensions, units or grids, and values without cells that differ; OutputError where the disk
    refuses.
    """
    started = time.perf_counter()
    if len(request.sources) < 2:
        raise InputError("nothing to join", found=f"{len(request.sources)} file", expected="2 files or more")
    if request.source_domains and len(request.source_domains) != len(request.sources):
        raise InputError(
            "domains and files do not pair",
            found=f"{len(request.source_domains)} domains",
            expected=f"{len(request.sources)}, one for each file in the same order",
        )
    domains: Sequence[Path | None] = request.source_domains or [None] * len(request.sources)
    with ExitStack() as stack:
        datasets = []
        for path in request.sources:
            require_other_file(path, request.output)
            datasets.append(stack.enter_context(open_any(path)))
            require_cells(datasets[-1])
            require_no_parts(datasets[-1])
        ids = [
            cells_of(dataset, domain).required_ids()
            for dataset, domain in zip(datasets, domains, strict=True)
        ]
        require_disjoint(datasets, ids)
        require_alike(datasets)
        write_joined(datasets, joined_order(ids), request.output)
    counts = tuple(int(one.size) for one in ids)
    return JoinSummary(request.output, counts, time.perf_counter() - started)


def require_disjoint(datasets: Sequence[Dataset], ids: Sequence[IntArray]) -> None:
    """Raise InputError naming the ids that two files share."""
    for first, second in combinations(range(len(ids)), 2):
        shared = np.intersect1d(ids[first], ids[second])
        if shared.size:
            raise InputError(
                f"has cells that {datasets[first].path} has too",
                file=datasets[second].path,
                found=f"{shared.size} ids in both: {named(shared)}",
                expected="different cells in each file",
            )


def joined_order(ids: Sequence[IntArray]) -> CellOrder:
    """The cells of all files in ascending order of id."""
    file = np.repeat(np.arange(len(ids)), [one.size for one in ids])
    place = np.concatenate([np.arange(one.size) for one in ids])
    order = np.argsort(np.concatenate(ids), kind="stable")
    return CellOrder(file[order], place[order])


def require_alike(datasets: Sequence[Dataset]) -> None:
    """Raise InputError where a file cannot continue the first one."""
    first = datasets[0]
    for other in datasets[1:]:
        grids = [str(dataset.attributes.get("grid", "")) for dataset in (first, other)]
        if grids[0] != grids[1]:
            raise InputError(
                "ids of another grid", file=other.path, found=grids[1], expected=f"{grids[0]} as {first.path}"
            )
        names = [{variable.name for variable in kept_variables(dataset)} for dataset in (first, other)]
        if odd := sorted(names[0] ^ names[1]):
            where = other.path if odd[0] in names[0] else first.path
            raise InputError("the variable is missing in one file", file=where, variable=odd[0])
        for variable in kept_variables(first):
            require_alike_variables(variable, other[variable.name])


def require_alike_variables(first: Variable, other: Variable) -> None:
    """Raise InputError where two variables differ in type, dimensions, attributes or shared values."""
    facts = [("type", first.dtype, other.dtype), ("dimensions", first.dims, other.dims)]
    axis = cell_axis(first)
    if first.dims == other.dims:
        facts.append(("lengths", lengths_beside(first, axis), lengths_beside(other, axis)))
    for what, expected, found in facts:
        if expected != found:
            raise differs(what, first, other, expected, found)
    mine, theirs = own_attributes(first.attributes), own_attributes(other.attributes)
    for name in sorted(mine.keys() | theirs.keys()):
        if name not in mine or name not in theirs or not same(mine[name], theirs[name]):
            raise differs(f"attribute {name}", first, other, mine.get(name), theirs.get(name))
    if axis is None:
        left, right = Source(first), Source(other)
        for index in blocks(first.shape, first.dtype.itemsize):
            pair = [native(np.asarray(source.block(index))) for source in (left, right)]
            if unequal(pair[0], pair[1]).any():
                raise differs("values", first, other, "the same values, bit for bit", "others")


def lengths_beside(variable: Variable, axis: CellAxis | None) -> tuple[int, ...]:
    """Lengths of the dimensions that are not those of cells."""
    if axis is None:
        return variable.shape
    return (*variable.shape[: axis.first], *variable.shape[axis.last + 1 :])


def differs(what: str, first: Variable, other: Variable, expected: object, found: object) -> InputError:
    """The error for two files that do not fit together."""
    return InputError(
        f"other {what} than in {first.file}",
        file=other.file,
        variable=other.name,
        found=found,
        expected=expected,
    )


def write_joined(datasets: Sequence[Dataset], order: CellOrder, output: Path) -> None:
    """Write the file; what all files say alike stays among the global attributes."""
    first, kept = datasets[0], kept_variables(datasets[0])
    said = {"joined_from": ", ".join(dataset.path.name for dataset in datasets)}
    whole = schema_like(
        first,
        list_lengths(first, order.file.size),
        tuple(variable_like(variable) for variable in kept),
        said,
    )
    schema = FileSchema(
        whole.dimensions,
        whole.unlimited,
        whole.variables,
        shared_attributes(datasets, whole.attributes, said),
    )
    with DatasetWriter(output, schema) as writer:
        for variable in kept:
            axis = cell_axis(variable)
            if axis is None:
                copy_variable(variable, writer)
                continue
            parts = [dataset[variable.name] for dataset in datasets]
            for index in blocks(schema.shape(variable_like(variable)), variable.dtype.itemsize, BLOCK_BYTES):
                writer.put(variable.name, joined_block(parts, axis, index, order), start=start_of(index))


def shared_attributes(datasets: Sequence[Dataset], whole: Any, said: dict[str, str]) -> dict[str, Any]:
    """The global attributes that all files have alike, and what the joined file says of itself."""
    return {
        name: value
        for name, value in whole.items()
        if name in said
        or all(name in dataset.attributes and same(dataset.attributes[name], value) for dataset in datasets)
    }


def joined_block(parts: Sequence[Variable], axis: CellAxis, index: Slices, order: CellOrder) -> NDArray[Any]:
    """One block of a variable of the joined file, its cells gathered from all files."""
    here = index[axis.last]
    files, places = order.file[here], order.place[here]
    others = (*index[: axis.first], *index[axis.last + 1 :])
    lengths = [part.stop - part.start for part in index]
    shape = (*lengths[: axis.first], files.size, *lengths[axis.last + 1 :])
    target = np.empty(shape, parts[0].dtype)
    before: tuple[Any, ...] = (slice(None),) * axis.first
    for number, part in enumerate(parts):
        mine = np.flatnonzero(files == number)
        if mine.size:
            target[(*before, mine)] = take_cells(part, axis, others, places[mine]).reshape(
                *shape[: axis.first], mine.size, *shape[axis.first + 1 :]
            )
    return target.reshape(lengths)
