"""A trained network with all that its use needs, as one file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

import equinox as eqx
import jax
import numpy as np
from numpy.typing import NDArray

from kiloland.errors import InputError
from kiloland.spinup.learn import closures, direct
from kiloland.spinup.learn.direct import LogScale
from kiloland.spinup.learn.features import FeatureSet
from kiloland.spinup.learn.judge import Judge
from kiloland.spinup.learn.loss import Scales
from kiloland.spinup.learn.network import Network, Shape
from kiloland.spinup.learn.scalers import Scaler
from kiloland.spinup.learn.variables import LAYER_ORDER, PLANT_ORDER
from kiloland.spinup.learn.weights import read_arrays, write_arrays

KIND: Final = "spinup_weights"
VERSION: Final = 4


class Architecture(Enum):
    """How pools come from the network: closures that the solver turns into pools, or all in one shot."""

    CLOSURE = "closure"
    DIRECT = "direct"


@dataclass(frozen=True)
class Model:
    """A network, its scalers, its judgement of its own answers, and where it comes from (``notes``)."""

    architecture: Architecture
    shape: Shape
    network: Network
    features: FeatureSet
    scales: Scales
    logs: LogScale
    judge: Judge
    notes: Mapping[str, Any]


def network_shape(features: FeatureSet, architecture: Architecture, width: int, depth: int) -> Shape:
    """Sizes of a network for these inputs."""
    outputs = closures if architecture is Architecture.CLOSURE else direct
    return Shape(
        **features.widths,
        plant_out=outputs.PLANT_OUTPUTS,
        layer_out=outputs.LAYER_OUTPUTS,
        ground_out=outputs.GROUND_OUTPUTS,
        width=width,
        depth=depth,
    )


def write_model(path: Path, model: Model) -> None:
    """Write a model; the file appears whole or not at all."""
    features = model.features
    header = {
        "kind": KIND,
        "version": VERSION,
        "architecture": model.architecture.value,
        "shape": dataclasses.asdict(model.shape),
        "variables": {"plant": features.plant, "layer": features.layer, "ground": features.ground},
        "pools": {"plant": PLANT_ORDER, "layer": LAYER_ORDER},
        "notes": dict(model.notes),
    }
    arrays = {f"network/{name}": leaf for name, leaf in named_leaves(model.network).items()}
    for group in ("plant", "layer", "ground"):
        arrays |= record(f"scaler/{group}", getattr(features, f"{group}_scaler"))
    arrays |= record("scales", model.scales) | record("logs", model.logs) | record("judge", model.judge)
    write_arrays(path, header, arrays)


def read_model(path: Path) -> Model:
    """Read a model. Raises InputError where the file is damaged, no model, or of another list of pools."""
    header, arrays = read_arrays(path)
    if header.get("kind") != KIND:
        raise InputError(
            "is not a network", file=path, variable="kind", found=header.get("kind"), expected=KIND
        )
    if header.get("version") != VERSION:
        raise InputError(
            "weights of another version of the network",
            file=path,
            found=header.get("version"),
            expected=VERSION,
            hint="Train them again",
        )
    if header["pools"] != {"plant": list(PLANT_ORDER), "layer": list(LAYER_ORDER)}:
        raise InputError(
            "the network answers for another list of pools",
            file=path,
            variable="pools",
            hint="Train it again with this version",
        )
    shape = Shape(**header["shape"])
    groups = ("plant", "layer", "ground")
    names = [tuple(header["variables"][group]) for group in groups]
    scalers = [restored(f"scaler/{group}", Scaler, arrays) for group in groups]
    leaves = {name[8:]: array for name, array in arrays.items() if name.startswith("network/")}
    return Model(
        Architecture(header["architecture"]),
        shape,
        with_leaves(Network(shape, 0), leaves, path),
        FeatureSet(names[0], names[1], names[2], scalers[0], scalers[1], scalers[2]),
        restored("scales", Scales, arrays),
        restored("logs", LogScale, arrays),
        restored("judge", Judge, arrays),
        header["notes"],
    )


def record(prefix: str, value: Any) -> dict[str, NDArray[Any]]:
    """The arrays of a dataclass by name."""
    return {
        f"{prefix}/{field.name}": np.asarray(getattr(value, field.name))
        for field in dataclasses.fields(value)
    }


def restored(prefix: str, kind: type[Any], arrays: Mapping[str, NDArray[Any]]) -> Any:
    """A dataclass from its arrays."""
    return kind(**{field.name: arrays[f"{prefix}/{field.name}"] for field in dataclasses.fields(kind)})


def named_leaves(tree: Any) -> dict[str, NDArray[Any]]:
    """Arrays of a tree by their path in it."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(eqx.filter(tree, eqx.is_array))
    return {jax.tree_util.keystr(path): np.asarray(leaf) for path, leaf in leaves}


def with_leaves(tree: Any, leaves: Mapping[str, NDArray[Any]], file: Path) -> Any:
    """The tree with these arrays in the place of its own. Raises InputError where they do not fit."""
    flat, structure = jax.tree_util.tree_flatten_with_path(tree)
    made = []
    for path, leaf in flat:
        name = jax.tree_util.keystr(path)
        if not eqx.is_array(leaf):
            made.append(leaf)
            continue
        if name not in leaves or leaves[name].shape != leaf.shape:
            raise InputError("arrays of another network", file=file, variable=name, expected=leaf.shape)
        made.append(jax.numpy.asarray(leaves[name], leaf.dtype))
    return jax.tree_util.tree_unflatten(structure, made)
