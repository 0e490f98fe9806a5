"""The registry knows every variable of ELM's restart as ELM writes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kiloland.errors import InputError
from kiloland.files import open_dataset
from kiloland.land.fields import FIELDS
from kiloland.variables import (
    SUBGRID_DIMENSIONS,
    error_scale,
    history_variable,
    history_variables,
    restart_variable,
    restart_variables,
    simulated_variables,
)

REAL = ("b4_4cells8yr/r.0009-01-01.nc.gz", "q5w_4cells_winter_steps/q5w.elm.r.0008-01-01-01800.nc.gz")


def test_the_restart_has_478_variables() -> None:
    assert len(restart_variables()) == 478


@pytest.mark.oracle
@pytest.mark.parametrize("file", REAL)
def test_variables_and_attributes_are_those_of_a_real_restart(shared: Path, file: str) -> None:
    with open_dataset(shared / "data/elm" / file) as dataset:
        assert list(dataset.variables) == list(restart_variables())
        wrong = []
        for name, variable in dataset.variables.items():
            known = restart_variables()[name]
            if (variable.dtype, variable.dims) != (known.dtype, known.dims):
                wrong.append(f"{name}: {variable.dtype} {variable.dims}, known {known.dtype} {known.dims}")
            elif not same_attributes(variable.attributes, known.attributes):
                wrong.append(f"{name}: {variable.attributes}, known {known.attributes}")
        assert not wrong, "\n".join(wrong)


def same_attributes(real: dict[str, object], known: object) -> bool:
    """Names, types and values are equal; ELM's order changes from variable to variable."""
    mine = dict(known)  # type: ignore[call-overload]
    if set(real) != set(mine):
        return False
    for key, value in real.items():
        a, b = np.asarray(value), np.asarray(mine[key])
        if a.dtype.kind != b.dtype.kind or (a.dtype.kind != "U" and a.dtype != b.dtype):
            return False
        if a.tolist() != b.tolist():
            return False
    return True


def test_every_state_field_belongs_to_one_variable() -> None:
    fields = [variable.state for variable in simulated_variables()]
    assert len(set(fields)) == len(fields)
    for variable in simulated_variables():
        part = variable.state.split(".")[0]
        assert part in ("column", "patch")
        assert variable.level == {"column": "column", "patch": "pft"}[part], variable.name


def test_levels_and_scales_make_sense() -> None:
    for variable in restart_variables().values():
        assert variable.level in ("", *SUBGRID_DIMENSIONS)
        assert variable.scale > 0.0, variable.name
    assert restart_variable("T_SOISNO").units == "K"
    assert restart_variable("T_SOISNO").dims == ("column", "levtot")
    assert error_scale("T_SOISNO") == restart_variable("T_SOISNO").scale
    assert error_scale("no such variable") == 1.0


def test_every_field_that_is_computed_is_a_history_field() -> None:
    for name in FIELDS:
        assert history_variable(name).units or history_variable(name).long_name


@pytest.mark.parametrize(
    ("averaging", "method"),
    [("mean", "mean"), ("instantaneous", "point"), ("maximum", "maximum"), ("minimum", "minimum")],
)
def test_history_attributes_say_how_a_field_is_averaged(averaging: str, method: str) -> None:
    variable = history_variables()["TSOI"].with_averaging(averaging)  # type: ignore[arg-type]
    assert variable.attributes()["cell_methods"] == f"time: {method}"
    assert variable.attributes()["units"] == "K"


@pytest.mark.parametrize(
    ("look_up", "name", "near"),
    [(restart_variable, "T_SOISN", "T_SOISNO"), (history_variable, "TSOIL", "TSOI")],
)
def test_an_unknown_name_is_told_with_the_nearest(look_up: object, name: str, near: str) -> None:
    with pytest.raises(InputError, match=rf"{name}: .*did you mean .*{near}"):
        look_up(name)  # type: ignore[operator]
    with pytest.raises(InputError, match="the page Variables"):
        look_up("zzzzzz")  # type: ignore[operator]
