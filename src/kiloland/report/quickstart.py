"""The quickstart: make a case, check it, run it, draw it, and write a page with pictures and facts."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from kiloland import __version__
from kiloland.errors import InputError
from kiloland.land.ledger import BARS, UNITS
from kiloland.report.fields import Choice
from kiloland.report.page import Table, write_page
from kiloland.report.run_timing import write_run_timing
from kiloland.run.case import Case, SurfaceFlux, read_case
from kiloland.run.clock import date_label
from kiloland.run.driver import RunResult, run_case, set_up_jax
from kiloland.run.plan import has_errors, make_plan
from kiloland.run.timers import Timer

PAGE = "index.html"
PICTURES = "pictures"
COMPUTED = {
    SurfaceFlux.FULL: (
        "Water and energy of canopies, snow and soil from a cold start: soil of 1 C, moist and without snow. "
        "Vegetation follows the months of the surface file; carbon and nutrients are not computed."
    ),
    SurfaceFlux.BARE_GROUND: (
        "Radiation, turbulent fluxes of bare ground below a canopy that only intercepts radiation, and soil "
        "temperature. Soil water and snow stay as in the initial state."
    ),
}
"""What the run computes, in words."""


@dataclass(frozen=True)
class Quickstart:
    """What to run: a title, what the data are, and a maker that fills a folder and returns the case file."""

    title: str
    data: str
    make: Callable[[Path], Path]


@dataclass(frozen=True)
class QuickstartResult:
    """Where everything is."""

    page: Path
    case: Path
    run: Path
    pictures: tuple[Path, ...]
    seconds: float


def quickstart(wanted: Quickstart, folder: Path, say: Callable[[str], None]) -> QuickstartResult:
    """Run the whole job in an empty or new folder; ``say`` gets one line before each part.

    Raises:
        InputError: the folder is not empty; faults in the forcing that the case does not ask to fill.
        KilolandError: see :func:`~kiloland.run.driver.run_case`.
    """
    started = time.perf_counter()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError("exists and is not empty", file=folder, hint="Remove it or choose another with -o")
    say(f"1/4 making the inputs: {wanted.data}")
    case_file = wanted.make(folder)
    case = read_case(case_file)
    say(f"2/4 checking {case_file}")
    check(case, say)
    say(f"3/4 running {date_label(case.start)[:10]} to {date_label(case.stop)[:10]}")
    if case.case.surface_flux is SurfaceFlux.FULL:
        say("    the first run on a machine compiles the model, which takes a few minutes; later ones do not")
    result = run_case(case_file)
    write_run_timing(result)
    say("4/4 drawing")
    pictures = draw(result, case, folder / PICTURES)
    seconds = time.perf_counter() - started
    page = write_page(
        folder / PAGE,
        wanted.title,
        f"{wanted.data}\n\n{COMPUTED[case.case.surface_flux]}",
        facts(result, case, seconds),
        pictures,
        [balance_table(result), timer_table(result)],
    )
    return QuickstartResult(
        page, case_file, result.directory, tuple(picture for picture, _ in pictures), seconds
    )


def check(case: Case, say: Callable[[str], None]) -> None:
    """Read and check every input as ``kiloland check`` does, and say what was found in the forcing."""
    set_up_jax()
    _, findings = make_plan(case)
    for finding in findings:
        say(str(finding))
    if has_errors(findings) and not case.atmosphere.fill:
        raise InputError("the forcing has faults; see above", file=case.atmosphere.path)


def draw(result: RunResult, case: Case, folder: Path) -> list[tuple[Path, str]]:
    """Draw the pictures of the first tape; returns them with their captions."""
    # Matplotlib takes a second to load; nothing else here needs it.
    from kiloland.report.maps import map_file
    from kiloland.report.profiles import profile_file
    from kiloland.report.series import plot_files

    folder.mkdir(exist_ok=True)
    tape = next(path for path in result.history if ".elm.h0." in path.name)
    domain, span = case.input.domain, case.history[0].every
    return [
        (
            map_file(tape, "TSOI", folder / "map_soil_surface.png", Choice(levels=(0,)), domain),
            f"Temperature of the uppermost soil layer, mean of the last interval ({span}).",
        ),
        (
            map_file(tape, "TSOI", folder / "map_soil_deep.png", Choice(levels=(5,)), domain),
            "Temperature of the sixth soil layer, which lags behind and differs with the soil.",
        ),
        (
            map_file(tape, "FSA", folder / "map_absorbed_radiation.png", domain=domain),
            "Absorbed solar radiation: what soil colour, leaves and stems make of the same sun.",
        ),
        (
            plot_files([tape], ["TBOT", "TG"], folder / "series_temperature.png"),
            "Air and ground temperature.",
        ),
        (
            plot_files([tape], ["TSOI"], folder / "series_soil.png", Choice(levels=(4,))),
            "Soil temperature of the fifth layer.",
        ),
        (
            plot_files([tape], ["FSDS", "FSA", "FGR"], folder / "series_radiation.png"),
            "Incoming and absorbed solar radiation, and the heat flux into the ground.",
        ),
        *_more_pictures(tape, case, folder),
        (
            profile_file(tape, "TSOI", folder / "profile_soil_temperature.png"),
            "Soil temperature over depth at several times.",
        ),
    ]


def _more_pictures(tape: Path, case: Case, folder: Path) -> list[tuple[Path, str]]:
    """Pictures of what a run of all processes computes."""
    from kiloland.report.maps import map_file
    from kiloland.report.series import plot_files

    if case.case.surface_flux is not SurfaceFlux.FULL:
        return []
    return [
        (
            map_file(
                tape, "H2OSOI", folder / "map_soil_moisture.png", Choice(levels=(2,)), case.input.domain
            ),
            "Moisture of the third soil layer, mean of the last interval.",
        ),
        (
            plot_files([tape], ["FSH", "EFLX_LH_TOT"], folder / "series_turbulence.png"),
            "Sensible and latent heat.",
        ),
        (
            plot_files([tape], ["QVEGT", "QSOIL", "QRUNOFF"], folder / "series_water.png"),
            "Transpiration, evaporation of the ground and runoff.",
        ),
    ]


def facts(result: RunResult, case: Case, seconds: float) -> dict[str, object]:
    """The facts of the page."""
    loop = result.timers[0].children["RUN_LOOP"].total
    first, last = date_label(case.start)[:10], date_label(case.stop)[:10]
    return {
        "Case": case.case.name,
        "Period": f"{first} to {last} ({result.simulated_days:g} days)",
        "Steps": f"{result.steps:,} of {case.case.step_seconds} s",
        "Cells": f"{result.cells:,}, with {result.columns:,} columns and {result.patches:,} patches",
        "Time of the run": f"{loop:.1f} s, compilation included",
        "Column-steps per second": f"{result.steps * result.columns / loop:,.0f}",
        "Time of everything": f"{seconds:.1f} s",
        "Processes": len(result.timers),
        "Machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "Software": f"kiloland {__version__}, Python {platform.python_version()}",
        "Files": f"{result.directory.name}/ (history, restart set, balances, timing), {PICTURES}/",
    }


def balance_table(result: RunResult) -> Table:
    """Largest errors of the balances with their bars."""
    rows = [(name, f"{result.balance[name]:.2g}", f"{bar:g}", UNITS[name]) for name, bar in BARS.items()]
    return Table(
        "Largest balance error in any step and column", ("balance", "error", "allowed", "units"), rows
    )


def timer_table(result: RunResult) -> Table:
    """Where the time went, on the first rank."""
    rows: list[tuple[str, int, str]] = []

    def add(timer: Timer, depth: int) -> None:
        rows.append(("\N{NO-BREAK SPACE}" * 4 * depth + timer.name, timer.calls, f"{timer.total:.2f}"))
        for child in timer.children.values():
            add(child, depth + 1)

    add(result.timers[0], 0)
    return Table("Timers", ("part", "calls", "seconds"), rows)
