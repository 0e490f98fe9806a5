"""Typed, strict configuration: TOML tables become frozen dataclasses, or one clear message.

An unknown key is an error that names the nearest known one; a value of the wrong type says what was
found and what was expected; nothing is allocated before all of it is right.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import types
import typing
from enum import Enum
from pathlib import Path
from typing import Any, TypeVar, Union, get_args, get_origin

from kiloland.errors import InputError

_Config = TypeVar("_Config")


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        InputError: the file is missing, unreadable or not TOML; the line is named.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("no such file", file=path) from None
    except OSError as error:
        raise InputError("cannot be read", file=path, found=error.strerror) from None
    except UnicodeDecodeError:
        raise InputError("is not a text file", file=path, expected="TOML in UTF-8") from None
    return parse_toml(text, path)


def parse_toml(text: str, path: Path) -> dict[str, Any]:
    """The tables of a TOML text; ``path`` is named in messages.

    Raises:
        InputError: it is not TOML; the line is named.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"not valid TOML: {error}", file=path) from None


def decode(cls: type[_Config], table: Any, file: Path, key: str = "") -> _Config:
    """Build a frozen dataclass from a table of the file.

    Args:
        cls: the dataclass; its annotations are the expected types.
        table: what the file has at this key.
        file: named in messages; relative paths are taken from its folder.
        key: dotted key of the table.

    Raises:
        InputError: unknown or missing key, wrong type, value outside an enumeration.
    """
    if not isinstance(table, dict):
        raise InputError("not a table", file=file, where=key or "top level", found=type(table).__name__)
    hints = typing.get_type_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for name in table:
        if name not in fields:
            near = difflib.get_close_matches(name, fields, n=1, cutoff=0.5)
            hint = f"did you mean {_join(key, near[0])}?" if near else f"known here: {', '.join(fields)}"
            raise InputError("unknown key", file=file, where=_join(key, name), hint=hint)
    values = {}
    for name, field in fields.items():
        if name in table:
            values[name] = _convert(hints[name], table[name], file, _join(key, name))
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(
                "key missing", file=file, where=_join(key, name), expected=_describe(hints[name])
            )
    try:
        return cls(**values)
    except ValueError as error:
        raise InputError(str(error), file=file, where=key or None) from None


def _join(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name


def _describe(hint: Any) -> str:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of " + ", ".join(str(member.value) for member in hint)
    return getattr(hint, "__name__", str(hint))


def _convert(hint: Any, value: Any, file: Path, key: str) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        choices = [choice for choice in get_args(hint) if choice is not type(None)]
        return _convert(choices[0], value, file, key)
    if origin is tuple:
        if not isinstance(value, list):
            raise InputError("wrong type", file=file, where=key, found=repr(value), expected="a list")
        return tuple(_convert(get_args(hint)[0], item, file, f"{key}[{n}]") for n, item in enumerate(value))
    if dataclasses.is_dataclass(hint):
        return decode(hint, value, file, key)  # type: ignore[arg-type]
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(value)
        except ValueError:
            raise InputError(
                "unknown value", file=file, where=key, found=repr(value), expected=_describe(hint)
            ) from None
    if hint is Path and isinstance(value, str):
        return (file.parent / value).resolve()
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise InputError("wrong type", file=file, where=key, found=repr(value), expected=_describe(hint))
