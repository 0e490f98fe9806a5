"""What a user asks of the solver; imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from kiloland.errors import InputError


class Method(Enum):
    """How pools are found."""

    DIRECT = "direct"
    """Solution of the linear system, or of its finite time."""
    ANDERSON = "anderson"
    """Fixed point of a hundred years of the operator with its productivity, by Anderson acceleration."""
    SCALING = "scaling"
    """The accelerated pools times their factors: what leaving acceleration alone gives."""


@dataclass(frozen=True)
class Request:
    """What is asked for.

    ``year``: model year of the normal run, None for the equilibrium; ``accelerated_until``: model year in
    which accelerated spinup ends; ``mortality_factor``: of dead wood in the accelerated run;
    ``wood_at_exit``: by what ELM multiplies dead wood when acceleration ends; ``limitation``: whether
    productivity follows the nitrogen balance (else it is that of the history).
    """

    year: int | None = None
    method: Method = Method.DIRECT
    accelerated_until: int = 100
    mortality_factor: float = 10.0
    wood_at_exit: float = 1.0
    limitation: bool = True


def check_correction(since: object, year: int | None, method: str) -> None:
    """Raise InputError for a correction that makes no sense."""
    if since is None:
        raise InputError("--run-years and --previous belong to --since", expected="--since START.nc")
    if year is not None or method != Method.DIRECT.value:
        raise InputError(
            "a correction goes from a short run towards the equilibrium",
            variable="--since",
            found=f"--year {year}" if year is not None else f"--method {method}",
            expected="neither --year nor --method",
        )


def check_request(request: Request) -> None:
    """Raise InputError for a request that makes no sense."""
    if request.year is not None and request.year < 1:
        raise InputError("the year of the normal run", found=request.year, expected="1 or later")
    if request.method is not Method.DIRECT and request.year is not None:
        raise InputError(
            "only the direct method knows a finite time",
            variable="--year",
            found=request.method.value,
            expected="direct",
        )
    if not request.mortality_factor >= 1.0 or not request.wood_at_exit >= 1.0:
        raise InputError("a mortality factor", found=request.mortality_factor, expected="1 or more")
