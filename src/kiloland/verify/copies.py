"""Prove that B is exactly N copies of A along the dimensions of cells.

With ``n`` members of a dimension in A, copy ``c`` (from 0) fills the members ``c*n ... (c+1)*n - 1`` in B, in
every dimension of cells at once, so that subgrid vectors stay grouped by cell. Then

* data equal A's in every copy, bit for bit (or within the tolerance);
* index vectors point to the same copy, ``B = A + c * n(of the dimension pointed to)``, or repeat A's;
* identifiers of cells are unique in B, whatever they are;
* coordinates may move, but none is missing that A has;
* variables without a dimension of cells equal A's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum

import numpy as np

from kiloland.errors import InputError
from kiloland.files import Dataset, Variable, open_dataset
from kiloland.verify.attributes import differences, sentence, split_global
from kiloland.verify.compare import (
    Options,
    Path,
    common_names,
    compare_variable,
    dimension_faults,
    element_rules,
    missing_names,
    places_of,
    structure_faults,
)
from kiloland.verify.elements import Block, ElementDifferences, compare_block, is_nan
from kiloland.verify.result import FileComparison, VariableComparison
from kiloland.verify.streams import BLOCK_BYTES, Slices, Source, paired_blocks, start_of

CELL_DIMENSIONS = (
    *("gridcell", "lndgrid", "lsmlon", "ni", "n"),
    *("topounit", "landunit", "column", "pft", "cohort"),
)
"""Dimensions along which copies are laid one after the other."""

LAYERS = "topounit"
"""A dimension of cells' parts in restarts; beside one of cells, as in surface data, it counts layers."""

IDENTIFIERS = frozenset({"gridID", "gridcell_id"})
COORDINATES = re.compile(
    r"(grid1d|topo1d|land1d|cols1d|pfts1d)_(lon|lat)|lon|lat|xc|yc|xv|yv|x|y|LONGXY|LATIXY|gridXID|gridYID"
    r"|[xy]c_(LCC|lcc)"
)
INDEX = re.compile(
    r"(grid1d|topo1d|land1d|cols1d|pfts1d)_"
    r"((?P<level>gridcell|topounit|landunit|column)(_index)?|(?P<plane>ixy|jxy))"
)


class Role(Enum):
    """How the copies of one variable are compared."""

    DATA = "data"
    INDEX = "index vector"
    IDENTIFIER = "identifier"
    COORDINATE = "coordinate"
    SHARED = "without cells"


def cell_places(dims: tuple[str, ...]) -> list[int]:
    """Positions of the dimensions along which copies of a variable are laid."""
    places = [place for place, dim in enumerate(dims) if dim in CELL_DIMENSIONS]
    return [place for place in places if dims[place] != LAYERS] if len(places) > 1 else places


def copied_dimensions(dataset: Dataset) -> tuple[str, ...]:
    """Dimensions of a file that grow with its copies."""
    cells = set(CELL_DIMENSIONS)
    layers = any(LAYERS in one.dims and len(cells & set(one.dims)) > 1 for one in dataset.variables.values())
    return tuple(dim for dim in dataset.dimensions if dim in cells and not (layers and dim == LAYERS))


def role_of(variable: Variable) -> Role:
    """The role of a variable, from its name and dimensions."""
    if not set(variable.dims) & set(CELL_DIMENSIONS):
        return Role.SHARED
    if variable.name in IDENTIFIERS:
        return Role.IDENTIFIER
    if INDEX.fullmatch(variable.name):
        return Role.INDEX
    return Role.COORDINATE if COORDINATES.fullmatch(variable.name) else Role.DATA


def compare_copies(a: Path, b: Path, copies: int, options: Options | None = None) -> FileComparison:
    """Compare ``b`` with ``copies`` copies of ``a``.

    Raises ``InputError`` where a file cannot be read, ``copies`` is below 1, no variable is in both or A has
    no dimension of cells.
    """
    options = options or Options()
    if copies < 1:
        raise InputError("the number of copies must be 1 or more", found=copies)
    with open_dataset(a) as first, open_dataset(b) as second:
        if not set(first.dimensions) & set(CELL_DIMENSIONS):
            raise InputError(
                "has no dimension of cells to copy along",
                file=first.path,
                found=", ".join(first.dimensions),
                expected=f"one of {', '.join(CELL_DIMENSIONS)}",
            )
        names, ignored = common_names(first, second, options.ignore)
        scale = dict.fromkeys(copied_dimensions(first), copies)
        faults = list(dimension_faults(first.dimensions, second.dimensions, scale))
        decisive, provenance = split_global(first.attributes, second.attributes, options.strict)
        notes = [f"global attribute {sentence(item)}" for item in provenance]
        (notes if options.ignore_attributes else faults).extend(
            f"global attribute {sentence(item)}" for item in decisive
        )
        return FileComparison(
            a=str(a),
            b=str(b),
            tolerance=options.tolerance,
            variables=tuple(compare_one(first, second, name, copies, options) for name in names),
            only_a=missing_names(first, second, ignored),
            only_b=missing_names(second, first, ignored),
            faults=tuple(faults),
            notes=tuple(notes),
            ignored=ignored,
            copies=copies,
        )


def compare_one(
    first: Dataset, second: Dataset, name: str, copies: int, options: Options
) -> VariableComparison:
    """The copies of one variable."""
    a, b = first[name], second[name]
    role = role_of(a)
    if role is Role.SHARED:
        return replace(compare_variable(first, second, name, options), role=role.value)
    attributes = () if options.ignore_attributes else differences(a.attributes, b.attributes)
    found = VariableComparison(name, faults=structure_faults(a, b), attributes=attributes, role=role.value)
    axes = cell_places(a.dims)
    expected = tuple(length * (copies if axis in axes else 1) for axis, length in enumerate(a.shape))
    if len(axes) > 1:
        return replace(
            found, faults=(*found.faults, "more than one dimension of cells: copies are not defined")
        )
    if b.shape != expected:
        return replace(found, faults=(*found.faults, f"shape {b.shape} in B, {expected} expected"))
    if role is Role.DATA:
        return compare_data(found, first, a, b, axes[0], copies, options)
    check = {Role.INDEX: index_fault, Role.IDENTIFIER: identifier_fault, Role.COORDINATE: coordinate_fault}[
        role
    ]
    fault = check(a, b, axes[0], copies, first.dimensions)
    return replace(found, faults=(*found.faults, fault) if fault else found.faults)


def shifted(index: Slices, axis: int, offset: int) -> Slices:
    """The same block in a later copy."""
    part = slice(index[axis].start + offset, index[axis].stop + offset)
    return (*index[:axis], part, *index[axis + 1 :])


def compare_data(
    found: VariableComparison,
    first: Dataset,
    a: Variable,
    b: Variable,
    axis: int,
    copies: int,
    options: Options,
) -> VariableComparison:
    """Every copy of a data variable against A; a block of A is read once for all copies."""
    rules = element_rules(a, b, options.tolerance)
    left, right = Source(a), Source(b)
    per_copy = [ElementDifferences()] * copies
    for index in paired_blocks(left, right, options.block_bytes):
        mine, start = left.block(index), start_of(index)
        for copy in range(copies):
            theirs = right.block(shifted(index, axis, copy * a.shape[axis]))
            per_copy[copy] = per_copy[copy].merged(compare_block(mine, theirs, start, rules))
    elements = ElementDifferences()
    for one in per_copy:
        elements = elements.merged(one)
    different = tuple(copy for copy, one in enumerate(per_copy) if one.different)
    return replace(
        found, elements=elements, copies_different=different, places=places_of(first, a.dims, elements)
    )


def copy_pairs(a: Variable, b: Variable, axis: int, copies: int) -> Iterator[tuple[int, Block, Block]]:
    """(copy, block of A, the same block of B) for all blocks and copies."""
    left, right = Source(a), Source(b)
    for index in paired_blocks(left, right, BLOCK_BYTES):
        mine = left.block(index)
        for copy in range(copies):
            yield copy, mine, right.block(shifted(index, axis, copy * a.shape[axis]))


def index_fault(a: Variable, b: Variable, axis: int, copies: int, dimensions: dict[str, int]) -> str | None:
    """Why an index vector does not point into the right copy; None where it does.

    The vectors of longitude and latitude indices move by the number of cells of a copy, or do not move.
    """
    match = INDEX.fullmatch(a.name)
    level = match["level"] if match and match["level"] else "gridcell"
    length = dimensions.get(level, dimensions.get("lndgrid", 0))
    follows = repeats = True
    for copy, mine, theirs in copy_pairs(a, b, axis, copies):
        before, after = mine.astype(np.int64), theirs.astype(np.int64)
        moved = np.where(before > 0, before + copy * length, before)
        follows = follows and bool((moved == after).all())
        repeats = repeats and bool((before == after).all())
        if not follows and not repeats:
            return f"neither repeats A nor moves by {length} a copy (first seen in copy {copy})"
    return None


def identifier_fault(
    a: Variable, b: Variable, axis: int, copies: int, dimensions: dict[str, int]
) -> str | None:
    """Why the identifiers do not tell the cells of all copies apart."""
    values = b.read()
    unique, counts = np.unique(values, return_counts=True)
    if unique.size == values.size:
        return None
    twice = unique[np.argmax(counts > 1)]
    return f"{values.size - unique.size} identifiers occur again in B, the first is {twice}"


def coordinate_fault(
    a: Variable, b: Variable, axis: int, copies: int, dimensions: dict[str, int]
) -> str | None:
    """Whether a copy has no coordinate where A has one."""
    for copy, mine, theirs in copy_pairs(a, b, axis, copies):
        missing = int(np.count_nonzero(is_nan(theirs) & ~is_nan(mine)))
        if missing:
            return f"{missing} coordinates of copy {copy} are missing"
    return None
