"""Sizes in words."""

from __future__ import annotations


def size_text(size: float) -> str:
    """A number of bytes with a readable unit, such as ``1.5 GB``."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return f"{size / scale:.3g} {unit}"
    return f"{size:.0f} B"
