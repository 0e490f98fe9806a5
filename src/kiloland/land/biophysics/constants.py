"""Physical constants of the land model in SI units, with the values of ELM's `shr_const_mod`."""

from __future__ import annotations

GRAVITY = 9.80616
"""Acceleration of free fall, m s-2."""
STEFAN_BOLTZMANN = 5.670374419e-8
"""W m-2 K-4."""
VON_KARMAN = 0.4
GAS_CONSTANT = 6.02214e26 * 1.38065e-23
"""Universal gas constant, J K-1 kmol-1."""
GAS_CONSTANT_DRY_AIR = GAS_CONSTANT / 28.966
"""J kg-1 K-1."""
GAS_CONSTANT_WATER_VAPOUR = GAS_CONSTANT / 18.016
"""J kg-1 K-1."""
HEAT_CAPACITY_AIR = 1004.64
"""Specific heat of dry air at constant pressure, J kg-1 K-1."""

FREEZING_POINT = 273.15
"""Freezing point of fresh water, K."""
LATENT_HEAT_FUSION = 3.337e5
"""J kg-1."""
LATENT_HEAT_VAPORISATION = 2.501e6
"""J kg-1."""
LATENT_HEAT_SUBLIMATION = LATENT_HEAT_VAPORISATION + LATENT_HEAT_FUSION
"""J kg-1."""
HEAT_CAPACITY_LIQUID = 4188.0
"""Specific heat of liquid water, J kg-1 K-1."""
HEAT_CAPACITY_ICE = 2117.27
"""Specific heat of ice, J kg-1 K-1."""
DENSITY_LIQUID = 1000.0
"""kg m-3."""
DENSITY_ICE = 917.0
"""kg m-3."""
MAXIMUM_SNOW_DENSITY = 800.0
"""Bulk density that a pack is not allowed to exceed when a pond freezes onto it, kg m-3."""
DEFAULT_SNOW_DENSITY = 200.0
"""Bulk density where there is no pack to take it from, kg m-3."""

CONDUCTIVITY_AIR = 0.023
"""W m-1 K-1."""
CONDUCTIVITY_ICE = 2.29
"""W m-1 K-1."""
CONDUCTIVITY_LIQUID = 0.57
"""W m-1 K-1."""
CONDUCTIVITY_BEDROCK = 3.0
"""W m-1 K-1."""
HEAT_CAPACITY_BEDROCK = 2.0e6
"""Volumetric heat capacity of the solid part of bedrock, J m-3 K-1."""

THIN_LAYER = 1.0e-6
"""Depth (mm), fraction or heat capacity (J m-2 K-1) below which a surface layer counts as absent."""
MINIMUM_SOIL_POTENTIAL = -1.0e8
"""Lowest matric potential, mm."""
ROUGHNESS_SOIL = 0.01
"""Roughness length of bare soil, m."""
ROUGHNESS_SNOW = 0.0024
"""Roughness length of snow, m."""
EMISSIVITY_SOIL = 0.96
EMISSIVITY_SNOW = 0.97
