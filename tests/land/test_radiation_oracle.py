"""Radiation against ELM: every restart of four runs, every step of their tapes, and the climate zoo."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kiloland.files import Dataset, open_dataset
from kiloland.land.parameters import Parameters
from kiloland.run.parameters import read_parameters
from kiloland.run.restart import Restart, read_restart
from kiloland.verify.radiation import (
    Difference,
    albedo_differences,
    flux_differences,
    mean_flux_differences,
    merge,
)

ALBEDO_BAR, FLUX_BAR = 1e-12, 1e-10
RESTARTS_AND_TAPES = [
    ("s6_summer_restart_each_step", "s5_summer5day_perstep"),
    ("w6_winter_restart_each_step", "w5_winter5day_perstep"),
    ("q5d_4cells_summer_steps", "q5d_4cells_summer_steps"),
    ("q5w_4cells_winter_steps", "q5w_4cells_winter_steps"),
]
ZOO = [
    f"zoo/{climate}/{run}"
    for climate in ("tundra", "temperate", "tropics_wet")
    for run in ("zjan", "zjul", "vjan", "vjul")
]
STEPS_OF_DAY = 48
ALBEDO_SET = {
    *("albd", "albi", "albgrd", "albgri", "albsod", "albsoi", "ftdd", "ftid", "ftii"),
    *("fabd", "fabi", "fabd_sun", "fabd_sha", "fabi_sun", "fabi_sha", "fsun_z"),
    *("fabd_sun_z", "fabd_sha_z", "fabi_sun_z", "fabi_sha_z", "vcmaxcintsun", "vcmaxcintsha"),
}
FLUXES = {
    *("SABV", "SABG", "SABG_PEN", "FSA", "FSR", "FSRVD", "FSRND", "FSRVI", "FSRNI"),
    *("LAISUN", "LAISHA", "FSUN", "PARVEGLN", "balance"),
}

pytestmark = pytest.mark.oracle


class Run:
    """One run of the reference data: its restarts, soil colours and parameters."""

    def __init__(self, shared: Path, name: str) -> None:
        self.root = shared / "data" / "elm"
        index = json.loads((self.root / "oracle.json").read_text())
        self.name = name
        self.entry: dict[str, Any] = next(run for run in index["runs"] if run["id"] == name)

    def input(self, name: str) -> Path:
        for folder in self.entry["inputs"]:
            for suffix in ("", ".gz"):
                if (path := self.root / folder / (name + suffix)).exists():
                    return path
        raise FileNotFoundError(name)

    def colour(self) -> Any:
        with open_dataset(self.input(self.entry["surface"])) as surface:
            return surface["SOIL_COLOR"].read().ravel()

    def parameters(self) -> Parameters:
        return read_parameters(self.input("clm_params.nc"))

    def restarts(self) -> Iterator[tuple[int, Restart]]:
        """Restarts with the number of the step that starts there, counted from midnight of the first."""
        first = self.entry["restarts"][0]
        for entry in self.entry["restarts"]:
            day = entry["ymd"] - first["ymd"]
            yield (
                day * STEPS_OF_DAY + entry["tod"] // self.entry["dtime"],
                read_restart(self.root / self.name / entry["file"]),
            )

    def tape(self, kind: str) -> Dataset:
        file = next(tape["file"] for tape in self.entry["tapes"] if tape["file"].startswith(kind))
        return open_dataset(self.root / self.name / file)


def assert_within(found: dict[str, Difference], bar: float) -> None:
    missed = [entry for entry in found.values() if not entry.largest_relative <= bar]
    assert not missed, "\n".join(map(str, missed))


@pytest.mark.parametrize("name", [name for name, _ in RESTARTS_AND_TAPES])
def test_albedo_set_of_every_restart_is_reproduced(shared: Path, name: str) -> None:
    run = Run(shared, name)
    colour, parameters = run.colour(), run.parameters()
    found = merge(
        entry for _, restart in run.restarts() for entry in albedo_differences(restart, colour, parameters)
    )
    assert set(found) == ALBEDO_SET
    columns, patches = (1, 9) if name[0] in "sw" else (4, 24)
    assert found["albgrd"].compared == 49 * columns * 2
    assert found["fabd"].compared == 49 * patches * 2
    assert_within(found, ALBEDO_BAR)


@pytest.mark.parametrize(("name", "tapes"), RESTARTS_AND_TAPES)
def test_radiation_of_every_step_is_that_of_the_tapes(shared: Path, name: str, tapes: str) -> None:
    run, source = Run(shared, name), Run(shared, tapes)
    patch, mean = [], []
    with source.tape("h1") as vectors, source.tape("h0") as means:
        for step, restart in run.restarts():
            if step < STEPS_OF_DAY:
                patch += flux_differences(restart, vectors, step)
                mean += mean_flux_differences(restart, vectors, means, step)
    found = merge(patch)
    assert set(found) >= FLUXES
    assert found["SABV"].compared == STEPS_OF_DAY * (9 if name[0] in "sw" else 24)
    assert found["PARVEGLN"].compared > 0
    assert (found["SNO_ABS"].compared > 0) == ("winter" in name)
    assert_within(found, FLUX_BAR)
    assert_within(merge(mean), FLUX_BAR)


@pytest.mark.slow
@pytest.mark.parametrize("name", ZOO)
def test_other_climates_and_plants_are_reproduced(shared: Path, name: str) -> None:
    run = Run(shared, name)
    colour, parameters = run.colour(), run.parameters()
    albedo, flux = [], []
    with run.tape("h1") as vectors:
        for step, restart in run.restarts():
            albedo += albedo_differences(restart, colour, parameters)
            if step < STEPS_OF_DAY:
                flux += flux_differences(restart, vectors, step)
    assert_within(merge(albedo), ALBEDO_BAR)
    assert_within(merge(flux), FLUX_BAR)


def test_a_wrong_leaf_area_is_found(shared: Path) -> None:
    run = Run(shared, "s6_summer_restart_each_step")
    restart = next(restart for _, restart in run.restarts())
    restart.values["elai"][1] *= 1.0 + 1e-9
    found = merge(albedo_differences(restart, run.colour(), run.parameters()))
    assert found["fabd"].largest_relative > ALBEDO_BAR
