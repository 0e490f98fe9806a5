"""Which attributes make two files different.

Attributes of a variable say what its numbers mean (units, fill value), so every one counts. Global numbers
(codes of landunits and vegetation types) count as well; global text says where a file came from (history,
case, user, names of input files) and is reported without making the files different, unless asked for.
Checksums of the data themselves repeat what is compared anyway and are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from kiloland.files import CHECKSUM_ATTRIBUTE, HEADER_CHECKSUM_ATTRIBUTE
from kiloland.verify.elements import bits
from kiloland.verify.result import AttributeDifference

CHECKSUMS = (CHECKSUM_ATTRIBUTE, HEADER_CHECKSUM_ATTRIBUTE)
LONGEST_TEXT = 60


def differences(a: Mapping[str, Any], b: Mapping[str, Any]) -> tuple[AttributeDifference, ...]:
    """Attributes that only one side has, or whose type or bits differ; in the order of A, then of B."""
    names = [name for name in dict.fromkeys([*a, *b]) if name not in CHECKSUMS]
    return tuple(
        AttributeDifference(
            name, shown(a[name]) if name in a else None, shown(b[name]) if name in b else None
        )
        for name in names
        if name not in a or name not in b or not same(a[name], b[name])
    )


def same(a: Any, b: Any) -> bool:
    """Whether two attribute values have the same type and the same bits."""
    if isinstance(a, str) or isinstance(b, str):
        return isinstance(a, str) and isinstance(b, str) and a == b
    left, right = np.atleast_1d(np.asarray(a)), np.atleast_1d(np.asarray(b))
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    if left.dtype.kind in "OU":
        return bool((left == right).all())
    return bool((bits(left) == bits(right)).all())


def shown(value: Any) -> str:
    """An attribute value as ``ncdump`` would show it, shortened; the type of numbers is said."""
    if isinstance(value, str):
        return repr(value if len(value) <= LONGEST_TEXT else value[: LONGEST_TEXT - 3] + "...")
    numbers = np.atleast_1d(np.asarray(value))
    text = " ".join(str(number) for number in numbers[:8]) + (" ..." if numbers.size > 8 else "")
    return f"{text} ({numbers.dtype})"


def is_text(value: Any) -> bool:
    return isinstance(value, str) or np.asarray(value).dtype.kind in "OUS"


def split_global(
    a: Mapping[str, Any], b: Mapping[str, Any], strict: bool
) -> tuple[tuple[AttributeDifference, ...], tuple[AttributeDifference, ...]]:
    """Differing global attributes as (decisive, provenance only)."""
    found = differences(a, b)
    decisive = tuple(item for item in found if strict or not is_text(a.get(item.name, b.get(item.name, ""))))
    return decisive, tuple(item for item in found if item not in decisive)


def sentence(item: AttributeDifference) -> str:
    """One attribute difference in words."""
    if item.a is None:
        return f"{item.name} only in B: {item.b}"
    if item.b is None:
        return f"{item.name} only in A: {item.a}"
    return f"{item.name} {item.a} in A, {item.b} in B"
