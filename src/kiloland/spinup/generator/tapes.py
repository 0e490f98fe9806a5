"""Which fields the tapes of a member hold, and how they follow from the sums of the blocks.

Names, units and meaning are ELM's. Losses that are a constant share of a pool (mortality) follow from the
pool's mean exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from kiloland.spinup.generator.constants import (
    ACCELERATION,
    CWD,
    DAYS,
    LITTERS,
    MORTALITY_FACTOR,
    POOLS,
    RATES,
    SECONDS,
    SOIL3,
    SOIL4,
    SOIL_CN,
    SOIL_CP,
    TISSUES,
)
from kiloland.spinup.generator.history_file import Array, Fields, depth_sum, per_second
from kiloland.spinup.generator.state import Plants, Soil
from kiloland.spinup.generator.store import BlockStore

LAST_RECORD_SCALED = -1


class TapeMaker:
    """Fields of one run (``accelerated`` or ``final``) of a member."""

    def __init__(
        self, store: BlockStore, label: str, soil: Soil, plants: Plants, average: Array | None
    ) -> None:
        self.store, self.label, self.soil, self.plants = store, label, soil, plants
        self.average = average
        self.accelerated = average is not None
        self.fields: Fields = {}

    def column(self, name: str) -> Array:
        """Mean of a layer field, ``record layer cell``."""
        return self.store.read(f"{self.label}.column.{name}")

    def cell(self, name: str) -> Array:
        """Mean of a column field, ``record cell``."""
        return self.store.read(f"{self.label}.cell.{name}")

    def patch(self, name: str) -> Array:
        """Mean of a patch field, ``record slot cell``."""
        return self.store.read(f"{self.label}.patch.{name}")

    def over_patches(self, name: str) -> Array:
        """Mean over the patches of a column, ``record cell``."""
        weight = np.asarray(self.plants.weight, np.float32)
        values = self.patch(name)
        return np.asarray(sum(values[:, slot] * weight[slot] for slot in range(len(weight))))

    def add(self, name: str, units: str, text: str, make: Callable[[], Array]) -> None:
        """One field more."""
        self.fields[name] = (units, text, make)

    def decay(self, pool: int) -> Array:
        """K of a pool, s-1, with the factor of accelerated spinup as ELM's history has it."""
        rate = (1.0 - np.exp(-RATES[pool])) / SECONDS * (ACCELERATION[pool] if self.accelerated else 1.0)
        values = self.column("K").astype(np.float64) * rate
        if self.average is not None and pool in (CWD, SOIL3, SOIL4):
            # Only the last record is of year 40, where ELM divides by the averaged scalar.
            values[LAST_RECORD_SCALED] /= np.where(self.average < 1e-3, 1.0, self.average)
        return np.asarray(values)

    def columns(self) -> Fields:
        """The gridded annual tape."""
        self.fields = {}
        self.pools()
        self.fluxes_of_pools()
        self.minerals()
        self.totals()
        return self.fields

    def pools(self) -> None:
        """Pools, rates and scalars."""
        for name, text in (
            ("T_SCALAR", "temperature inhibition of decomposition"),
            ("W_SCALAR", "Moisture (dryness) inhibition of decomposition"),
            ("O_SCALAR", "fraction by which decomposition is reduced due to anoxia"),
        ):
            self.add(name, "1", text, lambda name=name: self.column(name))  # type: ignore[misc]
        for name, text in (
            ("FPI_vr", "fraction of potential immobilization of nitrogen"),
            ("FPI_P_vr", "fraction of potential immobilization of phosphorus"),
        ):
            self.add(name, "proportion", text, lambda name=name: self.column(name))  # type: ignore[misc]
        for number, pool in enumerate(POOLS):
            upper = pool.upper()
            text = f"{upper} {{}} (vertically resolved)"
            self.add(
                f"K_{upper}", "1/s", f"{pool} potential loss coefficient", self.bound(self.decay, number)
            )
            self.add(f"{upper}C_vr", "gC/m^3", text.format("C"), self.bound(self.column, f"{upper}C_vr"))
            for element, ratio in (("N", SOIL_CN), ("P", SOIL_CP)):
                make = (
                    self.bound(self.column, f"{upper}{element}_vr")
                    if number < LITTERS
                    else self.bound(self.ratio, f"{upper}C_vr", ratio[number - LITTERS])
                )
                self.add(f"{upper}{element}_vr", f"g{element}/m^3", text.format(element), make)
        for name, units, text in (
            ("SMIN_NH4_vr", "gN/m^3", "soil mineral NH4 (vert. res.)"),
            ("SMIN_NO3_vr", "gN/m^3", "soil mineral NO3 (vert. res.)"),
            ("SOLUTIONP_vr", "gp/m^3", "soil solution P (vert. res.)"),
            ("LABILEP_vr", "gp/m^3", "soil labile P (vert. res.)"),
            ("SECONDP_vr", "gp/m^3", "soil secondary P (vert. res.)"),
            ("OCCLP_vr", "gp/m^3", "soil occluded P (vert. res.)"),
            ("PRIMP_vr", "gp/m^3", "soil primary P (vert. res.)"),
        ):
            self.add(name, units, text, self.bound(self.column, name))
        self.add(
            "SMINN_vr",
            "gN/m^3",
            "soil mineral N",
            lambda: self.column("SMIN_NH4_vr") + self.column("SMIN_NO3_vr"),
        )

    @staticmethod
    def bound(function: Callable[..., Array], *arguments: object) -> Callable[[], Array]:
        """A call to be made later."""
        return lambda: function(*arguments)

    def ratio(self, name: str, ratio: float) -> Array:
        """A layer field divided by a constant."""
        return self.column(name) / np.float32(ratio)

    def rate(self, name: str) -> Array:
        """A layer flux, per second."""
        return per_second(self.column(name))

    def total(self, name: str) -> Array:
        """A layer flux, per m2 and second."""
        return per_second(depth_sum(self.column(name)))

    def fluxes_of_pools(self) -> None:
        """Respiration, transfers, fire and mixing of the carbon pools, by layer and in total."""
        for number, pool in enumerate(POOLS):
            upper = pool.upper()
            if pool != "cwd":
                name = f"{upper}_HR_vr"
                self.add(name, "gC/m^3/s", f"Het. Resp. from {pool}", self.bound(self.rate, name))
                self.add(f"{upper}_HR", "gC/m^2/s", f"Het. Resp. from {pool}", self.bound(self.total, name))
                self.add(
                    f"{upper}C_TNDNCY_VERT_TRANS",
                    "gC/m^3/s",
                    f"{pool} C tendency due to vertical transport",
                    self.bound(self.mixing, number),
                )
            if number < LITTERS:
                name = f"M_{upper}C_TO_FIRE_vr"
                self.add(name, "gC/m^3/s", f"{pool} C fire loss", self.bound(self.rate, name))
        for name in self.store.names(f"{self.label}.column."):
            if "C_TO_" in name and not name.startswith("M_"):
                text = f"decomposition flux {name[:-3]}"
                self.add(name, "gC/m^3/s", text, self.bound(self.rate, name))
                self.add(name[:-3], "gC/m^2/s", text, self.bound(self.total, name))
        self.add("HR_vr", "gC/m^3/s", "total vertically resolved heterotrophic respiration", self.respiration)

    def mixing(self, pool: int) -> Array:
        """Tendency of a pool by vertical mixing, gC m-3 s-1."""
        return per_second(self.store.read(f"{self.label}.mixing")[:, pool])

    def respiration(self) -> Array:
        """All heterotrophic respiration, gC m-3 s-1."""
        return np.asarray(sum(self.rate(f"{pool.upper()}_HR_vr") for pool in POOLS if pool != "cwd"))

    def minerals(self) -> None:
        """Fluxes of mineral N and P."""
        for name, units in (
            ("POTENTIAL_IMMOB_vr", "gN/m^3/s"),
            ("ACTUAL_IMMOB_vr", "gN/m^3/s"),
            ("GROSS_NMIN_vr", "gN/m^3/s"),
            ("SMINN_TO_PLANT_vr", "gN/m^3/s"),
            ("SMINP_TO_PLANT_vr", "gP/m^3/s"),
            ("F_NIT_vr", "gN/m^3/s"),
            ("F_DENIT_vr", "gN/m^3/s"),
        ):
            self.add(name, units, name, self.bound(self.rate, name))
        records = len(self.cell("DENIT"))
        for name, units in (
            ("NFIX_TO_SMINN", "gN/m^2/s"),
            ("DENIT", "gN/m^2/s"),
            ("SMIN_NO3_LEACHED", "gN/m^2/s"),
            ("SMINP_LEACHED", "gP/m^2/s"),
            ("PRIMP_TO_LABILEP", "gP/m^2/s"),
            ("SECONDP_TO_OCCLP", "gP/m^2/s"),
            ("SUPPLEMENT_TO_SMINN", "gN/m^2/s"),
            ("SUPPLEMENT_TO_SMINP", "gP/m^2/s"),
            ("DECOMP_FIRE_CLOSS", "gC/m^2/s"),
            ("QVEGT", "mm/s"),
            ("QSOIL", "mm/s"),
            ("QRUNOFF", "mm/s"),
            ("FAREA_BURNED", "proportion"),
        ):
            self.add(name, units, name, self.bound(self.cell_rate, name))
        for name, source, units in (
            ("NDEP_TO_SMINN", self.soil.deposition_n, "gN/m^2/s"),
            ("PDEP_TO_SMINP", self.soil.deposition_p, "gP/m^2/s"),
        ):
            values = np.asarray(source) / SECONDS
            self.add(name, units, name, self.bound(np.tile, values, (records, 1)))
        self.add("SMIN_NO3_RUNOFF", "gN/m^2/s", "SMIN_NO3_RUNOFF", lambda: 0.0 * self.cell_rate("DENIT"))
        self.add(
            "FPI", "proportion", "fraction of potential immobilization of nitrogen", self.met_immobilisation
        )
        self.add(
            "FPI_P", "proportion", "mean supply of phosphorus", lambda: self.column("FPI_P_vr").mean(axis=1)
        )
        self.add(
            "FPG", "proportion", "fraction of potential gpp due to N limitation", self.bound(self.met, "N")
        )
        self.add(
            "FPG_P", "proportion", "fraction of potential gpp due to P limitation", self.bound(self.met, "P")
        )
        diffusivity = np.asarray(self.soil.diffusivity) / SECONDS
        self.add(
            "SOM_DIFFUS_COEF",
            "m^2/s",
            "diffusion coefficient for vertical SOM translocation",
            self.bound(np.tile, diffusivity, (records, 1, 1)),
        )

    def cell_rate(self, name: str) -> Array:
        """A column flux, per second."""
        return per_second(self.cell(name))

    def met_immobilisation(self) -> Array:
        """Actual over potential immobilisation; 1 where there is none."""
        potential = depth_sum(self.column("POTENTIAL_IMMOB_vr"))
        actual = depth_sum(self.column("ACTUAL_IMMOB_vr"))
        return np.where(potential > 0.0, actual / np.maximum(potential, 1e-30), 1.0)

    def met(self, element: str) -> Array:
        """Uptake over demand of the plants; 1 where there is none."""
        demand = self.over_patches(f"PLANT_{element}DEMAND")
        uptake = depth_sum(self.column(f"SMIN{element}_TO_PLANT_vr"))
        return np.where(demand > 0.0, uptake / np.maximum(demand, 1e-30), 1.0)

    def totals(self) -> None:
        """Ecosystem fluxes and totals."""
        for name, parts in (
            ("GPP", ("GPP",)),
            ("NPP", ("NPP",)),
            ("AR", ("MR", "GR", "XR")),
            ("LITFALL", ("LEAFC_TO_LITTER", "FROOTC_TO_LITTER")),
            ("LEAFC_TO_LITTER", ("LEAFC_TO_LITTER",)),
            ("FROOTC_TO_LITTER", ("FROOTC_TO_LITTER",)),
        ):
            self.add(name, "gC/m^2/s", name, self.bound(self.patch_flux, parts))
        self.add("TLAI", "1", "total projected leaf area index", self.bound(self.over_patches, "TLAI"))
        self.add("HR", "gC/m^2/s", "total heterotrophic respiration", lambda: depth_sum(self.respiration()))
        self.add("COL_FIRE_CLOSS", "gC/m^2/s", "total column-level fire C loss", self.fire)
        self.add("NEE", "gC/m^2/s", "net ecosystem exchange of carbon", self.exchange)
        self.add("NBP", "gC/m^2/s", "net biome production", lambda: -self.exchange())
        self.add("VEGC_TO_CWDC", "gC/m^2/s", "carbon of wood to coarse woody debris", self.wood_litter)
        for name, pools in (
            ("CWDC", ("CWD",)),
            ("TOTLITC", ("LITR1", "LITR2", "LITR3")),
            ("TOTSOMC", ("SOIL1", "SOIL2", "SOIL3", "SOIL4")),
        ):
            self.add(name, "gC/m^2", name, self.bound(self.stock, tuple(f"{pool}C_vr" for pool in pools)))
        self.add("TOTVEGC", "gC/m^2", "total vegetation carbon, excluding cpool", self.vegetation)
        self.add("TOTECOSYSC", "gC/m^2", "total ecosystem carbon, incl veg but excl cpool", self.ecosystem)
        self.add("TSOI", "K", "soil temperature", lambda: self.store.read("climate.TSOI"))
        self.add("H2OSOI", "mm3/mm3", "volumetric soil water", self.water)
        self.add("TBOT", "K", "atmospheric air temperature", lambda: self.store.read("climate.TBOT"))

    def patch_flux(self, parts: Sequence[str]) -> Array:
        """Sum of patch fluxes over the column, per second."""
        return per_second(np.asarray(sum(self.over_patches(part) for part in parts)))

    def fire(self) -> Array:
        """Carbon that burns, gC m-2 s-1."""
        return per_second(self.cell("DECOMP_FIRE_CLOSS") + self.cell("PFT_FIRE_CLOSS_COL"))

    def exchange(self) -> Array:
        """Net flux of carbon to the air: respiration and fire less NPP."""
        return np.asarray(depth_sum(self.respiration()) + self.fire() - self.patch_flux(("NPP",)))

    def stock(self, names: Sequence[str]) -> Array:
        """Pools per m2."""
        return np.asarray(sum(depth_sum(self.column(name)) for name in names))

    def vegetation(self) -> Array:
        """Carbon of the tissues with storage."""
        names = (*(f"{tissue.upper()}C" for tissue in TISSUES), "LEAFC_STORAGE", "FROOTC_STORAGE")
        return np.asarray(sum(self.over_patches(name) for name in names))

    def ecosystem(self) -> Array:
        """Carbon of soil and vegetation."""
        return np.asarray(self.stock([f"{pool.upper()}C_vr" for pool in POOLS]) + self.vegetation())

    def wood_litter(self) -> Array:
        """Wood to coarse debris by mortality and fire, gC m-2 s-1."""
        lost = [self.mortality(tissue) + self.fire_litter(tissue) for tissue in TISSUES[2:]]
        weight = np.asarray(self.plants.weight, np.float32)
        values = np.asarray(sum(lost))
        return np.asarray(sum(values[:, slot] * weight[slot] for slot in range(len(weight))))

    def factor(self, tissue: str) -> float:
        """Factor of accelerated spinup on the loss of dead wood."""
        return MORTALITY_FACTOR if self.accelerated and tissue.startswith("dead") else 1.0

    def mortality(self, tissue: str) -> Array:
        """Carbon of a tissue that dies, gC m-2 s-1 of the patch."""
        rate = np.asarray(self.plants.mortality) * self.factor(tissue) / SECONDS
        return np.asarray(self.patch(f"{tissue.upper()}C") * rate, np.float32)

    def fire_litter(self, tissue: str) -> Array:
        """Carbon of a tissue that fire kills and does not burn."""
        part = TISSUES.index(tissue)
        kill = np.asarray(self.plants.fire_mortality[part]) * (1.0 - np.asarray(self.plants.combustion[part]))
        rate = kill * self.factor(tissue) / SECONDS
        return np.asarray(self.patch(f"BURNED_{tissue.upper()}C") * rate, np.float32)

    def water(self) -> Array:
        """Volumetric water of the layers."""
        upper, lower = self.cell("WATER_UPPER"), self.cell("WATER_LOWER")
        return np.stack([upper] * 5 + [lower] * 5, axis=1)

    def patches(self) -> Fields:
        """The annual tape by patch."""
        self.fields = {}
        for name in ("GPP", "NPP", "MR", "GR", "XR", "LEAFC_TO_LITTER", "FROOTC_TO_LITTER", "PFT_FIRE_CLOSS"):
            self.add(name, "gC/m^2/s", name, self.bound(self.patch_rate, (name,)))
        self.add(
            "INIT_GPP", "gC/m^2/s", "GPP flux before downregulation", self.bound(self.patch_rate, ("GPP",))
        )
        self.add("AR", "gC/m^2/s", "autotrophic respiration", self.bound(self.patch_rate, ("MR", "GR", "XR")))
        self.add(
            "LITFALL",
            "gC/m^2/s",
            "litterfall",
            self.bound(self.patch_rate, ("LEAFC_TO_LITTER", "FROOTC_TO_LITTER")),
        )
        for name, units in (("PLANT_NDEMAND", "gN/m^2/s"), ("PLANT_PDEMAND", "gP/m^2/s")):
            self.add(name, units, name, self.bound(self.patch_rate, (name,)))
        pools = [f"{tissue.upper()}C" for tissue in TISSUES]
        for name in (*pools, "LEAFC_STORAGE", "FROOTC_STORAGE", "CPOOL", "XSMRPOOL"):
            self.add(name, "gC/m^2", name, self.bound(self.patch, name))
        for name, units in (
            ("NPOOL", "gN/m^2"),
            ("PPOOL", "gP/m^2"),
            ("RETRANSN", "gN/m^2"),
            ("RETRANSP", "gP/m^2"),
        ):
            self.add(name, units, name, self.bound(self.patch, name))
        for name, units in (("TLAI", "1"), ("BTRAN", "1"), ("nlim_m", ""), ("plim_m", ""), ("wlim_m", "")):
            self.add(name, units, name, self.bound(self.patch, name))
        self.add(
            "DOWNREG", "proportion", "fractional reduction in GPP due to N limitation", self.downregulation
        )
        for tissue in TISSUES:
            upper = tissue.upper()
            fire = {"LIVECROOT": "LIVEROOT", "DEADCROOT": "DEADROOT"}.get(upper, upper)
            self.add(
                f"M_{upper}C_TO_LITTER",
                "gC/m^2/s",
                f"{tissue} C mortality",
                self.bound(self.mortality, tissue),
            )
            self.add(
                f"M_{fire}C_TO_LITTER_FIRE",
                "gC/m^2/s",
                f"{tissue} C fire mortality to litter",
                self.bound(self.fire_litter, tissue),
            )
        for name in ("LEAFC_STORAGE", "FROOTC_STORAGE", "CPOOL"):
            self.add(
                f"M_{name}_TO_LITTER",
                "gC/m^2/s",
                f"{name} mortality",
                self.bound(self.reserve_mortality, name),
            )
        self.add("TOTVEGC", "gC/m^2", "total vegetation carbon, excluding cpool", self.patch_carbon)
        self.add("ANNSUM_NPP", "gC/m^2/yr", "annual sum of NPP", lambda: self.patch("NPP") * np.float32(DAYS))
        return self.fields

    def patch_rate(self, parts: Sequence[str]) -> Array:
        """Patch fluxes, per second."""
        return per_second(np.asarray(sum(self.patch(part) for part in parts)))

    def reserve_mortality(self, name: str) -> Array:
        """Reserves that die, gC m-2 s-1."""
        return np.asarray(self.patch(name) * (np.asarray(self.plants.mortality) / SECONDS), np.float32)

    def downregulation(self) -> Array:
        """Loss of productivity to nutrients."""
        return np.asarray(0.7 * (1.0 - np.minimum(self.patch("nlim_m"), self.patch("plim_m"))))

    def patch_carbon(self) -> Array:
        """Carbon of the tissues with storage."""
        names = (*(f"{tissue.upper()}C" for tissue in TISSUES), "LEAFC_STORAGE", "FROOTC_STORAGE")
        return np.asarray(sum(self.patch(name) for name in names))
