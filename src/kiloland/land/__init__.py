"""The land model: arrays in, arrays out; it knows nothing of files, ranks or clocks.

The physics needs float64 (the water balance is checked to 1e-9 mm), so importing this room switches
JAX to it.
"""

import jax

jax.config.update("jax_enable_x64", True)
