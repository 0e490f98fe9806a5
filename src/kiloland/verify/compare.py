"""Compare two files variable by variable, streaming: memory does not grow with the files.

What counts, unless the caller says otherwise: the names of the variables on both sides, their types,
dimensions and attributes, the lengths of the dimensions, global numbers, and every bit of every element.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from os import PathLike
from typing import Any

import numpy as np

from kiloland.errors import InputError
from kiloland.files import Dataset, Variable, open_dataset
from kiloland.verify.attributes import differences, sentence, split_global
from kiloland.verify.elements import BITWISE, Element, ElementDifferences, Tolerance, compare_block
from kiloland.verify.places import describe
from kiloland.verify.result import FileComparison, VariableComparison
from kiloland.verify.streams import BLOCK_BYTES, Source, paired_blocks, start_of

FILL_ATTRIBUTES = ("_FillValue", "missing_value")


@dataclass(frozen=True)
class Options:
    """What to compare, and how.

    ``ignore``: names or shell patterns of variables left out; ``ignore_attributes``: no attribute counts;
    ``strict``: global text attributes count as well.
    """

    tolerance: Tolerance = field(default=BITWISE)
    ignore: tuple[str, ...] = ()
    ignore_attributes: bool = False
    strict: bool = False
    block_bytes: int = BLOCK_BYTES


Path = str | PathLike[str]


def compare_files(a: Path, b: Path, options: Options | None = None) -> FileComparison:
    """Compare the netCDF files ``a`` and ``b`` (any format, gzipped or not).

    Raises ``InputError`` where a file cannot be read or no variable is in both.

    Examples
    --------
    >>> compare_files("run.elm.r.nc", "again.elm.r.nc").identical  # doctest: +SKIP
    True
    """
    options = options or Options()
    with open_dataset(a) as first, open_dataset(b) as second:
        names, ignored = common_names(first, second, options.ignore)
        variables = tuple(compare_variable(first, second, name, options) for name in names)
        faults, notes = compare_headers(first, second, options)
        return FileComparison(
            a=str(a),
            b=str(b),
            tolerance=options.tolerance,
            variables=variables,
            only_a=missing_names(first, second, ignored),
            only_b=missing_names(second, first, ignored),
            faults=faults,
            notes=notes,
            ignored=ignored,
        )


def common_names(
    first: Dataset, second: Dataset, ignore: tuple[str, ...]
) -> tuple[list[str], tuple[str, ...]]:
    """Names in both files, in the order of the first, without the ignored ones; and the ignored ones.

    Raises ``InputError`` where none is left.
    """
    both = dict.fromkeys([*first, *second])
    ignored = tuple(name for name in both if any(fnmatchcase(name, pattern) for pattern in ignore))
    names = [name for name in first if name in second and name not in ignored]
    if not names:
        raise InputError(
            f"has no variable in common with {first.path}" + (" beside the ignored ones" if ignored else ""),
            file=second.path,
            found=f"{len(second.variables)} variables",
            hint="Compare two files of one kind, such as two restarts or two history files",
        )
    return names, ignored


def missing_names(here: Dataset, there: Dataset, ignored: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in here if name not in there and name not in set(ignored))


def compare_headers(
    first: Dataset, second: Dataset, options: Options
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Decisive differences of dimensions and global attributes, and those that are only notes, in words."""
    faults, notes = list(dimension_faults(first.dimensions, second.dimensions)), []
    if first.unlimited != second.unlimited:
        notes.append(f"unlimited dimension {first.unlimited} in A, {second.unlimited} in B")
    if first.format != second.format:
        notes.append(f"format {first.format} in A, {second.format} in B")
    decisive, provenance = split_global(first.attributes, second.attributes, options.strict)
    into = notes if options.ignore_attributes else faults
    into += [f"global attribute {sentence(item)}" for item in decisive]
    notes += [f"global attribute {sentence(item)}" for item in provenance]
    return tuple(faults), tuple(notes)


def dimension_faults(
    a: dict[str, int], b: dict[str, int], scale: dict[str, int] | None = None
) -> Iterable[str]:
    """Dimensions that one file lacks or whose length is not that of A times ``scale`` (1 where not given)."""
    for name in dict.fromkeys([*a, *b]):
        if name not in b:
            yield f"dimension {name} only in A"
        elif name not in a:
            yield f"dimension {name} only in B"
        elif b[name] != a[name] * (scale or {}).get(name, 1):
            times = (scale or {}).get(name)
            yield f"dimension {name} {a[name]} in A, {b[name]} in B" + (
                f", not {times} times" if times else ""
            )


def fills(variable: Variable) -> tuple[Any, ...]:
    """The values that stand for "no number" in a variable."""
    return tuple(
        np.asarray(variable.attributes[name]).reshape(-1)[0]
        for name in FILL_ATTRIBUTES
        if name in variable.attributes and not isinstance(variable.attributes[name], str)
    )


def element_rules(a: Variable, b: Variable, tolerance: Tolerance) -> Element:
    return Element(fills(a), fills(b), tolerance)


def structure_faults(a: Variable, b: Variable) -> tuple[str, ...]:
    """Type and names of dimensions that are not the same."""
    faults = []
    if a.dtype != b.dtype:
        faults.append(f"type {a.dtype} in A, {b.dtype} in B")
    if a.dims != b.dims:
        faults.append(f"dimensions ({', '.join(a.dims)}) in A, ({', '.join(b.dims)}) in B")
    return tuple(faults)


def compare_variable(first: Dataset, second: Dataset, name: str, options: Options) -> VariableComparison:
    """One variable of both files, all its elements."""
    a, b = first[name], second[name]
    faults = structure_faults(a, b)
    attributes = () if options.ignore_attributes else differences(a.attributes, b.attributes)
    found = VariableComparison(name, faults=faults, attributes=attributes)
    if a.shape != b.shape:
        lengths = f"shape {a.shape} in A, {b.shape} in B"
        return replace(found, faults=(*faults, lengths))
    elements = compare_elements(a, b, options)
    return replace(found, elements=elements, places=places_of(first, a.dims, elements))


def compare_elements(a: Variable, b: Variable, options: Options) -> ElementDifferences:
    """All elements of two variables of one shape, block by block."""
    rules = element_rules(a, b, options.tolerance)
    left, right = Source(a), Source(b)
    found = ElementDifferences()
    for index in paired_blocks(left, right, options.block_bytes):
        found = found.merged(compare_block(left.block(index), right.block(index), start_of(index), rules))
    return found


def places_of(dataset: Dataset, dims: tuple[str, ...], elements: ElementDifferences) -> dict[str, str]:
    """Where the first difference and each extreme lie, in words."""
    indices = {
        "first": elements.first,
        "absolute": elements.absolute.index if elements.absolute else None,
        "relative": elements.relative.index if elements.relative else None,
        "ulp": elements.ulp.index if elements.ulp else None,
    }
    return {kind: describe(dataset, dims, index) for kind, index in indices.items() if index is not None}
