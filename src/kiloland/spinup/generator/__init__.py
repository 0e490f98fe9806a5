"""A model world whose equilibrium is known: data to train and judge spinup on.

Cells of the real climate with made-up soils, deposition and parameters carry ELM's cascade of carbon,
nitrogen and phosphorus on ten layers under plants that feel light, warmth, water and nutrients, stepped by
the day.
The equilibrium is reached by stepping and proven by stepping; nothing here knows the operator, the solver or
the network.
"""

import jax

jax.config.update("jax_enable_x64", True)
