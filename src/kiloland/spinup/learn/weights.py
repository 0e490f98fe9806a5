"""Named arrays with a JSON header in one file: no pickle, checked, whole or not at all.

Layout: the mark, the length of the header (8 bytes, little-endian), the header (JSON, UTF-8), the arrays one
after the other in the order of ``header["arrays"]`` (little-endian, C order). ``header["sha256"]`` is the
hash of the arrays' bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.files import write_bytes

MARK: Final = b"KILOLAND ARRAYS 1\n"
Arrays = Mapping[str, NDArray[Any]]


def write_arrays(path: Path, header: Mapping[str, Any], arrays: Arrays) -> None:
    """Write arrays with what is said about them."""
    parts = {name: little_endian(array) for name, array in arrays.items()}
    content = b"".join(part.tobytes() for part in parts.values())
    listing = [[name, part.dtype.str, list(part.shape)] for name, part in parts.items()]
    whole = {**header, "arrays": listing, "sha256": hashlib.sha256(content).hexdigest()}
    text = json.dumps(whole, sort_keys=True).encode()
    write_bytes(path, MARK + len(text).to_bytes(8, "little") + text + content)


def little_endian(array: NDArray[Any]) -> NDArray[Any]:
    """A C-ordered copy in little-endian byte order."""
    values = np.asarray(array)
    return np.ascontiguousarray(values, values.dtype.newbyteorder("<")).reshape(values.shape)


def read_arrays(path: Path) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Header and arrays of a file.

    Raises InputError where the file is none of this kind, truncated, damaged, or holds what is no number.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError("cannot be read", file=path, found=error.strerror) from None
    if not content.startswith(MARK):
        raise InputError(
            "is not a file of weights",
            file=path,
            found=repr(content[:12]),
            expected=repr(MARK),
            hint="kiloland spinup train writes one",
        )
    start = len(MARK) + 8
    end = start + int.from_bytes(content[len(MARK) : start], "little")
    try:
        header = json.loads(content[start:end].decode())
        listing, digest = header["arrays"], header["sha256"]
    except (ValueError, KeyError):
        raise InputError("the header of the weights is damaged", file=path) from None
    if hashlib.sha256(content[end:]).hexdigest() != digest:
        raise InputError("the arrays do not fit their hash: the file is damaged or truncated", file=path)
    arrays, offset = {}, end
    for name, kind, shape in listing:
        dtype, count = np.dtype(kind), int(np.prod(shape))
        values = np.frombuffer(content, dtype, count, offset).reshape(shape)
        if dtype.kind == "f" and not np.isfinite(values).all():
            raise InputError("the weights hold what is no number", file=path, variable=name, found="NaN")
        arrays[name] = values.astype(dtype.newbyteorder("="))
        offset += count * dtype.itemsize
    return header, arrays
