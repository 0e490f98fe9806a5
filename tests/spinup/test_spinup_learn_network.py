"""The network starts at the solver's answer, knows no place and no order, and keeps signs and ratios."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learn_cells import learn_table

from kiloland.errors import InputError
from kiloland.spinup.cascade import LAYERS, layers
from kiloland.spinup.dataset.table import CellTable
from kiloland.spinup.learn.answers import BATCH, evaluated, pools_by_name, raw_answer
from kiloland.spinup.learn.climate import CLIMATE_FEATURES, climate_features
from kiloland.spinup.learn.closures import Answer, Base, leaf_area
from kiloland.spinup.learn.features import FeatureSet
from kiloland.spinup.learn.model import Model, read_model, write_model
from kiloland.spinup.learn.network import Network, TokenBatch
from kiloland.spinup.learn.problem import base_batch, make_problem, token_batch
from kiloland.spinup.learn.training import Settings, new_model
from kiloland.spinup.learn.variables import CARBON, LAYER_ORDER, NITROGEN, PLANT_ORDER
from kiloland.spinup.learn.weights import read_arrays, write_arrays

CELLS = 24


@pytest.fixture(scope="module")
def table() -> CellTable:
    return learn_table(CELLS)


@pytest.fixture(scope="module")
def fresh(table: CellTable) -> Model:
    return new_model(table, Settings(width=8))


@pytest.fixture(scope="module")
def stirred(fresh: Model) -> Model:
    """A model whose heads answer something else than zero."""
    draw = np.random.default_rng(0)

    def heads(network: Network) -> list[object]:
        return [h.weight for h in (network.plant_head, network.layer_head, network.ground_head)]

    noise = [jnp.asarray(0.2 * draw.normal(size=w.shape), jnp.float32) for w in heads(fresh.network)]
    return replace(fresh, network=eqx.tree_at(heads, fresh.network, noise))


def test_a_new_network_answers_exactly_what_the_solver_does(table: CellTable, fresh: Model) -> None:
    problem = make_problem(table, fresh.features)
    answer = raw_answer(fresh, problem)
    np.testing.assert_array_equal(answer.layer, problem.layer)
    np.testing.assert_array_equal(answer.layer[..., :8], problem.steady.transpose(2, 1, 0))
    np.testing.assert_allclose(answer.plant, problem.plant, rtol=1e-7)
    assert answer.drift.max() < 1e-6


PLACES = np.resize(np.arange(CELLS), BATCH)
"""Batches of the size that predictions have, so that one program serves all."""


def outputs(model: Model, tokens: TokenBatch, base: Base) -> Answer:
    return evaluated(model.network, tokens, base, jax.tree.map(jnp.asarray, model.logs), False)[0]


def test_permuted_plant_types_permute_the_answer(table: CellTable, stirred: Model) -> None:
    problem = make_problem(table, stirred.features)
    tokens, slots = token_batch(problem, PLACES, 4)
    base = base_batch(problem, PLACES, slots)
    order = np.array([2, 3, 1, 0])
    turned = tokens._replace(plant=tokens.plant[:, order], present=tokens.present[:, order])
    other = base._replace(plant=base.plant[:, order], litter=base.litter[:, order], wood=base.wood[:, order])
    first, second = outputs(stirred, tokens, base), outputs(stirred, turned, other)
    np.testing.assert_allclose(second.plant, first.plant[:, order], atol=2e-5)
    np.testing.assert_allclose(second.layer, first.layer, atol=2e-5)


def test_absent_plant_types_have_no_influence(table: CellTable, stirred: Model) -> None:
    problem = make_problem(table, stirred.features)
    tokens, slots = token_batch(problem, PLACES, 4)
    base = base_batch(problem, PLACES, slots)
    noise = jnp.where(tokens.present[..., None], 0.0, 100.0)
    assert float(noise.max()) > 0.0
    first = outputs(stirred, tokens, base)
    second = outputs(stirred, tokens._replace(plant=tokens.plant + noise), base)
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)


def test_the_number_of_packed_places_does_not_matter(table: CellTable, stirred: Model) -> None:
    problem = make_problem(table, stirred.features)
    answer = eqx.filter_jit(stirred.network)
    narrow, wide = (answer(token_batch(problem, PLACES[:8], width)[0]) for width in (4, 8))
    np.testing.assert_allclose(narrow.layer, wide.layer, atol=2e-5)


def test_the_place_of_a_cell_is_not_seen(table: CellTable, stirred: Model) -> None:
    moved = {**table.values, "latitude": -table["latitude"], "longitude": table["longitude"] + 90.0}
    moved |= {"area": 2.0 * table["area"], "gridcell": table["gridcell"][::-1], "biome": 0 * table["biome"]}
    here, there = stirred.features.inputs(table), stirred.features.inputs(replace(table, values=moved))
    for name in ("plant", "layer", "climate", "ground"):
        np.testing.assert_array_equal(getattr(here, name), getattr(there, name))


def test_both_hemispheres_have_the_same_climate(table: CellTable) -> None:
    names = ("TBOT", "FSDS", "RAIN", "SNOW", "QBOT", "PBOT", "FLDS")
    here = {name: table[f"forcing_{name}"] for name in names}
    other = {name: np.roll(values, 6, axis=1) for name, values in here.items()}
    assert climate_features(here).shape == (CELLS, CLIMATE_FEATURES)
    np.testing.assert_allclose(climate_features(here), climate_features(other), atol=1e-9)


def test_signs_zeros_ratios_and_sums_hold_whatever_the_network_says(table: CellTable, stirred: Model) -> None:
    problem = make_problem(table, stirred.features)
    answer = raw_answer(stirred, problem)
    pools = pools_by_name(problem, answer.plant, answer.layer)
    absent = table["pft_cover"] <= 0.0
    assert (pools["xsmrpool"] <= 0.0).all()
    assert all((pools[name] >= 0.0).all() for name in pools if name != "xsmrpool")
    assert all((pools[name][absent] == 0.0).all() for name in PLANT_ORDER)
    assert (pools["deadstemc"][:, 15:] == 0.0).all()
    for carbon, nitrogen in zip(CARBON[4:], NITROGEN[4:], strict=True):
        np.testing.assert_allclose(pools[carbon] / pools[nitrogen], 12.0, rtol=1e-5)
    np.testing.assert_allclose(pools["sminn_vr"], pools["smin_nh4_vr"] + pools["smin_no3_vr"])
    dissolved = pools["solutionp_vr"]
    np.testing.assert_allclose(pools["labilep_vr"], 100.0 * dissolved / (0.5 + dissolved), rtol=1e-6)


def test_primary_phosphorus_starts_where_deposition_and_weathering_balance(
    table: CellTable, fresh: Model
) -> None:
    deposition, weathering = table["operator_deposition"].copy(), table["operator_weathering"].copy()
    deposition[:, 0] *= 5.0
    weathering[:4], deposition[4:8] = 0.0, 0.0
    rates = {"operator_deposition": deposition, "operator_weathering": weathering}
    changed = replace(table, values={**table.values, **rates})
    primary = make_problem(changed, fresh.features).layer[..., LAYER_ORDER.index("primp_vr")]
    thickness = layers().thickness
    # At rest the column weathers what it is given; what the surface file has counts where a rate is unknown.
    known = weathering[8:, None] * primary[8:] @ thickness
    np.testing.assert_allclose(known, deposition[8:] @ thickness, rtol=1e-12)
    np.testing.assert_array_equal(primary, np.repeat(primary[:, :1], LAYERS, axis=1))
    np.testing.assert_allclose(primary[:8, 0], table["surface_APATITE_P"][:8] / 0.5, rtol=1e-12)


def test_leaf_area_follows_the_canopy_integral() -> None:
    carbon, top = np.array([0.0, 100.0]), np.array([0.03, 0.03])
    np.testing.assert_allclose(leaf_area(carbon, top, np.zeros(2)), [0.0, 3.0])
    slope = np.full(2, 1e-3)
    np.testing.assert_allclose(leaf_area(carbon, top, slope), [0.0, 30.0 * np.expm1(0.1)])


def test_scaling_sees_the_training_cells_only(table: CellTable, fresh: Model) -> None:
    part = table.take(np.arange(12))
    features = FeatureSet.fitted(part)
    with_others = features.inputs(table)
    alone = features.inputs(part)
    np.testing.assert_array_equal(with_others.layer[:12], alone.layer)
    assert abs(float(alone.layer.mean())) < 0.05


def test_a_missing_variable_is_named(table: CellTable, fresh: Model) -> None:
    values = {name: array for name, array in table.values.items() if name != "flux_T_SCALAR"}
    with pytest.raises(InputError, match="hist_fincl1") as error:
        fresh.features.inputs(replace(table, values=values))
    assert error.value.variable == "T_SCALAR"


def test_weights_are_read_as_they_were_written(tmp_path: Path, table: CellTable, stirred: Model) -> None:
    write_model(tmp_path / "w", stirred)
    found = read_model(tmp_path / "w")
    problem = make_problem(table, found.features)
    first, second = (raw_answer(model, problem) for model in (stirred, found))
    np.testing.assert_array_equal(first.layer, second.layer)
    write_model(tmp_path / "again", found)
    assert (tmp_path / "w").read_bytes() == (tmp_path / "again").read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: content[:-8], "damaged or truncated"),
        (lambda content: b"\x80\x04" + content, "is not a file of weights"),
        (lambda content: content.replace(b'"kind"', b'"mind"'), "is not a network"),
    ],
)
def test_damaged_weights_are_refused(tmp_path: Path, fresh: Model, change: object, message: str) -> None:
    write_model(tmp_path / "w", fresh)
    (tmp_path / "w").write_bytes(change((tmp_path / "w").read_bytes()))  # type: ignore[operator]
    with pytest.raises(InputError, match=message):
        read_model(tmp_path / "w")


def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, fresh: Model) -> None:
    write_model(tmp_path / "w", fresh)
    header, arrays = read_arrays(tmp_path / "w")
    name = next(iter(arrays))
    bad = {**arrays, name: np.full_like(arrays[name], np.nan)}
    write_arrays(tmp_path / "w", {k: v for k, v in header.items() if k not in ("arrays", "sha256")}, bad)
    with pytest.raises(InputError, match="no number") as error:
        read_model(tmp_path / "w")
    assert error.value.variable == name
