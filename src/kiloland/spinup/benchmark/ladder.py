"""The ladder on ELM's own spinups as an exhibit: what each method makes of a short run."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from kiloland.spinup.benchmark.bars import Bar, Exhibit
from kiloland.spinup.solve.ladder import QUANTITIES, Case, Rung, cases, climb, percent

TOTAL: Final = "total soil C"
SOIL_CARBON: Final = 0.05
BEST: Final = "finite time"


def ladder_exhibit(elm: Path) -> Exhibit:
    """Relative error of every amount, a row for each spinup and method; columns one after the other."""
    rows, bars = [], []
    for case in cases(elm):
        for rung in climb(case):
            errors = (", ".join(percent(error) for error in row) for row in rung.error)
            rows.append((case.name, rung.name, *errors))
            if rung.name == BEST:
                bars.append(soil_bar(case, rung))
    return Exhibit(
        "ELM's own spinups",
        "Error of the amount in each column in per cent, against the last restart of ELM's normal run (year "
        "100 and year 140). Nothing after year 41 (36) of the accelerated run is read.",
        ("spinup", "method", *QUANTITIES),
        tuple(rows),
        tuple(bars),
    )


def soil_bar(case: Case, rung: Rung) -> Bar:
    """Total soil carbon of every column within 5 %."""
    errors = rung.error[QUANTITIES.index(TOTAL)]
    found = ", ".join(f"{percent(error)} %" for error in errors)
    met = bool((np.abs(errors) <= SOIL_CARBON).all())
    return Bar(f"ELM's own spinup, {case.name}: {TOTAL} of every column", "within 5 %", found, met)
