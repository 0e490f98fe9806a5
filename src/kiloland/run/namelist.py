"""ELM's namelists: which files and settings a run of the Fortran model used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import f90nml

from kiloland.errors import InputError

DEFAULT_ORBITAL_YEAR = 1990
"""Orbital year of E3SM's driver where its namelist says nothing else."""


@dataclass(frozen=True)
class ElmSettings:
    """What ``lnd_in`` (and ``drv_in`` beside it) says; file names as written there."""

    namelist: Path
    timestep: int
    surface: str
    parameters: str
    domain: str
    site_forcing: str
    orbital_year: int
    initial: str
    spinup_state: int


def read_namelists(lnd_in: str | Path, drv_in: str | Path | None = None) -> ElmSettings:
    """Read ELM's namelist; the driver's is taken from beside it unless given.

    Raises:
        InputError: no such file, not a namelist, a key missing, a configuration that is not supported.
    """
    path = Path(lnd_in)
    groups = read_groups(path)
    group = groups.get("elm_inparm") or groups.get("clm_inparm")
    if group is None:
        raise InputError("no group elm_inparm", file=path, found=sorted(groups))
    _refuse_other_configurations(group, path)
    driver = Path(drv_in) if drv_in is not None else path.with_name("drv_in")
    return ElmSettings(
        namelist=path,
        timestep=_whole(_need(group, "dtime", path), "elm_inparm: dtime", path),
        surface=str(_need(group, "fsurdat", path)),
        parameters=str(_need(group, "paramfile", path)),
        domain=str(_need(group, "fatmlndfrc", path)),
        site_forcing=str(group.get("metdata_bypass", "")),
        orbital_year=_orbital_year(driver) if driver.exists() or drv_in is not None else DEFAULT_ORBITAL_YEAR,
        initial=str(group.get("finidat", "") or group.get("nrevsn", "")).strip(),
        spinup_state=_whole(group.get("spinup_state", 0), "elm_inparm: spinup_state", path),
    )


def read_groups(path: Path) -> dict[str, Any]:
    """The groups of a Fortran namelist.

    Raises:
        InputError: no such file, unreadable, not a namelist.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise InputError("no such file", file=path) from None
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read: {error}", file=path) from None
    try:
        groups = f90nml.reads(text)
    except (ValueError, AssertionError, StopIteration, KeyError, IndexError) as error:
        raise InputError(f"not a Fortran namelist: {error}", file=path) from None
    if not groups:
        raise InputError("not a Fortran namelist: no group in it", file=path)
    return dict(groups)


def _need(group: Any, key: str, path: Path) -> Any:
    if key not in group:
        raise InputError("key missing", file=path, where=f"elm_inparm: {key}")
    return group[key]


def _whole(value: Any, where: str, path: Path) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise InputError("not a whole number", file=path, where=where, found=repr(value))
    return value


def _refuse_other_configurations(group: Any, path: Path) -> None:
    unsupported = {"use_fates": True, "use_crop": True, "use_hydrstress": True, "create_crop_landunit": True}
    for key, value in unsupported.items():
        if group.get(key) is value:
            raise InputError(
                "configuration not supported",
                file=path,
                where=f"elm_inparm: {key}",
                found=value,
                expected=not value,
            )


def _orbital_year(path: Path) -> int:
    group = read_groups(path).get("seq_infodata_inparm", {})
    if group.get("orb_mode", "fixed_year") != "fixed_year":
        raise InputError(
            "only a fixed orbital year is supported", file=path, where="orb_mode", found=group["orb_mode"]
        )
    return _whole(group.get("orb_iyear", DEFAULT_ORBITAL_YEAR), "seq_infodata_inparm: orb_iyear", path)


def find_input(name: str, folders: Sequence[Path]) -> Path:
    """Find a file or folder that a namelist names, by its last part, in some folders; also gzipped.

    Raises:
        InputError: it is in none of them.
    """
    short = Path(name).name
    for folder in folders:
        for candidate in (folder / name, folder / short, folder / f"{short}.gz"):
            if candidate.exists():
                return candidate
    raise InputError("input not found", file=name, where=", ".join(str(folder) for folder in folders))
