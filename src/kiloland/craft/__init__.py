"""Making the input files of a run; every command of ``kiloland craft`` is also a function on xarray objects.

The functions are loaded when they are first used, so that importing the package stays fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiloland.craft.dataset_products import make_elevation, make_landcover, make_landuse, make_points
    from kiloland.craft.datasets import (
        make_copies,
        make_domain,
        make_forcing,
        make_join,
        make_subset,
        make_surface,
        write,
    )
    from kiloland.craft.monthly_files import open_forcing

_PLACES = dict.fromkeys(
    ("make_copies", "make_domain", "make_forcing", "make_join", "make_subset", "make_surface", "write"),
    "kiloland.craft.datasets",
)
_PLACES |= dict.fromkeys(
    ("make_elevation", "make_landcover", "make_landuse", "make_points"), "kiloland.craft.dataset_products"
)
_PLACES |= {"open_forcing": "kiloland.craft.monthly_files"}

__all__ = [
    "make_copies",
    "make_domain",
    "make_elevation",
    "make_forcing",
    "make_join",
    "make_landcover",
    "make_landuse",
    "make_points",
    "make_subset",
    "make_surface",
    "open_forcing",
    "write",
]


def __getattr__(name: str) -> object:
    """A function of the list above, from its module."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_PLACES[name]), name)
