"""How well the budget of ELM's own pools closes, per pool and layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kiloland.spinup.cascade import LITR1, POOLS, SECONDS_PER_YEAR, layers
from kiloland.spinup.operator.fields import TRANSPORT
from kiloland.spinup.operator.read import Block
from kiloland.spinup.operator.source import Quality, Source

Float = NDArray[np.float64]

_SOIL = slice(4, 8)
_LITTER = slice(LITR1, 4)


@dataclass(frozen=True)
class Closure:
    """Sums over columns by pool and layer, gC m-2 s-1 times the weight of columns; ``weight`` is its sum.

    Soil pools: ``residual`` (absolute) of change + losses - arrivals - mixing, over ``gross`` loss. Litter
    and wood have the input as residual: ``negative`` part of it and ``input``. ``mixing_error``: difference
    of ELM's own vertical transport and that of the operator, over ``mixing_gross``; NaN where ELM's is not
    on file. ``respired`` and ``measured_respiration`` by layer.
    """

    residual: Float
    gross: Float
    negative: Float
    input: Float
    mixing_error: Float
    mixing_gross: Float
    respired: Float
    measured_respiration: Float
    weight: Float

    def table(self) -> dict[str, Any]:
        """Relative closures, for people and JSON."""
        made: dict[str, Any] = {"pools": {}}
        yearly = SECONDS_PER_YEAR / float(self.weight)
        for number, pool in enumerate(POOLS):
            entry: dict[str, Any] = {"loss_gC_m2_yr": float(self.gross[number].sum() * yearly)}
            if number >= 4:
                entry["residual"] = relative(self.residual[number].sum(), self.gross[number].sum())
                entry["residual_by_layer"] = [
                    relative(r, g) for r, g in zip(self.residual[number], self.gross[number], strict=True)
                ]
            else:
                entry["input_gC_m2_yr"] = float(self.input[number].sum() * yearly)
                entry["negative_input"] = relative(self.negative[number].sum(), self.gross[number].sum())
                entry["negative_input_by_layer"] = [
                    relative(r, g) for r, g in zip(self.negative[number], self.gross[number], strict=True)
                ]
            made["pools"][pool] = entry
        made["mixing"] = relative(self.mixing_error.sum(), self.mixing_gross.sum())
        made["respiration"] = relative(
            np.abs(self.respired - self.measured_respiration).sum(), self.measured_respiration.sum()
        )
        return made


def relative(part: float, whole: float) -> float | None:
    """A share; None where there is no whole or nothing is known."""
    share = float(part) / float(whole) if whole > 0.0 else np.nan
    return share if np.isfinite(share) else None


def block_closure(source: Source, block: slice, read: Block) -> Closure:
    """The closure of a block."""
    thickness = layers().thickness
    weight = source.subgrid.column_weight[block]

    def total(values: Float) -> Float:
        return np.asarray((values * thickness[:, None]) @ weight, np.float64)

    yearly = read.yearly
    gross = yearly.loss.mean(axis=0)
    mixing_error, mixing_gross = mixing_difference(source, block, read)
    share = np.asarray(read.operator.respired * read.operator.path)
    donors = [0, 1, 2, 4, 5, 6, 7, 3, 3]
    respired = sum((share[n] * gross[d] for n, d in enumerate(donors)), np.zeros_like(gross[0]))
    measured = np.full_like(respired, np.nan)
    if source.records.holds("HR_vr"):
        measured = source.amount("HR_vr", block, source.window.years).mean(axis=0)
    return Closure(
        residual=total(np.abs(read.residual)),
        gross=total(gross),
        negative=total(np.maximum(-read.residual, 0.0)),
        input=total(np.maximum(read.residual, 0.0)),
        mixing_error=total(mixing_error),
        mixing_gross=total(mixing_gross),
        respired=total(respired),
        measured_respiration=total(measured),
        weight=np.asarray(weight.sum()),
    )


def mixing_difference(source: Source, block: slice, read: Block) -> tuple[Float, Float]:
    """ELM's own vertical transport less the operator's, absolute, and its size: [pool, layer, column]."""
    error, size = np.full_like(read.mixing, np.nan), np.full_like(read.mixing, np.nan)
    if source.quality is not Quality.FULL:
        return error, size
    for number, name in enumerate(TRANSPORT):
        if name:
            own = source.amount(name, block, source.window.years).mean(axis=0)
            error[number], size[number] = np.abs(own - read.mixing[number]), np.abs(own)
        else:
            error[number], size[number] = 0.0, 0.0
    return error, size


def joined(parts: Sequence[Closure]) -> Closure:
    """The sum of the closures of blocks."""
    names = Closure.__dataclass_fields__
    return Closure(
        **{name: sum((getattr(part, name) for part in parts[1:]), getattr(parts[0], name)) for name in names}
    )
