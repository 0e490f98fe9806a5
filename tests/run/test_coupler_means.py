"""What goes to the coupler is made of the right history fields, each of them once and with its sign."""

from __future__ import annotations

import numpy as np
import pytest

from kiloland.run.coupler_file import received_names, sent_names
from kiloland.run.coupler_means import (
    HISTORY_FIELDS,
    PARTICLE_NAMES,
    received_fields,
    sent_fields,
)

CELLS = 2
LEVELS = {"ALBD": 2, "ALBI": 2, "H2OSOI": 15, "TSOI": 15}
SENT = {
    # name in the coupler: history field, its level, factor
    "Sl_snowh": ("H2OSNO", None, 1e-3),
    "Sl_avsdr": ("ALBD", 0, 1.0),
    "Sl_anidr": ("ALBD", 1, 1.0),
    "Sl_avsdf": ("ALBI", 0, 1.0),
    "Sl_anidf": ("ALBI", 1, 1.0),
    "Sl_tref": ("TSA", None, 1.0),
    "Sl_qref": ("Q2M", None, 1.0),
    "Sl_ram1": ("RAM1", None, 1.0),
    "Sl_fv": ("FV", None, 1.0),
    "Sl_soilw": ("H2OSOI", 0, 1.0),
    "Fall_taux": ("TAUX", None, -1.0),
    "Fall_tauy": ("TAUY", None, -1.0),
    "Fall_lat": ("EFLX_LH_TOT", None, -1.0),
    "Fall_sen": ("FSH", None, -1.0),
    "Fall_lwup": ("FIRE", None, -1.0),
    "Fall_evap": ("QFLX_EVAP_TOT", None, -1.0),
    "Fall_swnet": ("FSA", None, 1.0),
    "Flrl_rofgwl": ("QRGWL", None, 1.0),
    "Flrl_rofi": ("QSNWCPICE", None, 1.0),
}
RECEIVED = {
    "Sa_z": "ZBOT",
    "Sa_u": "WIND",
    "Sa_ptem": "THBOT",
    "Sa_tbot": "TBOT",
    "Sa_shum": "QBOT",
    "Sa_pbot": "PBOT",
    "Faxa_lwdn": "FLDS",
    "Faxa_swndr": "FSDSND",
    "Faxa_swvdr": "FSDSVD",
    "Faxa_swndf": "FSDSNI",
    "Faxa_swvdf": "FSDSVI",
}
PARTICLES = (
    *("bcphiwet", "bcphodry", "bcphidry", "ocphiwet", "ocphodry", "ocphidry"),
    *(f"dstdry{size}" for size in range(1, 5)),
    *(f"dstwet{size}" for size in range(1, 5)),
)
"""In the order of the variables of a sample of the deposition file."""


@pytest.fixture
def means() -> dict[str, np.ndarray]:
    """Every history field of the exchange with values of its own in each cell and level."""
    rng = np.random.default_rng(3)
    return {
        name: 1.0 + rng.random((LEVELS[name], CELLS) if name in LEVELS else CELLS) for name in HISTORY_FIELDS
    }


def test_what_the_land_sends_is_made_of_the_right_fields(means: dict[str, np.ndarray]) -> None:
    sent = sent_fields(means)
    assert list(sent) == sent_names()
    for name, (field, level, factor) in SENT.items():
        values = means[field] if level is None else means[field][level]
        np.testing.assert_allclose(sent[name], factor * values, rtol=1e-14, err_msg=name)
    np.testing.assert_allclose(sent["Flrl_rofsur"], means["QOVER"] + means["QH2OSFC"], rtol=1e-14)
    np.testing.assert_allclose(sent["Flrl_rofsub"], means["QDRAI"] + means["QDRAI_PERCH"], rtol=1e-14)
    assert set(sent) - set(SENT) == {
        *("Sl_t", "Flrl_rofsur", "Flrl_rofsub", "Flrl_demand", "Flrl_Tqsur", "Flrl_Tqsub")
    }


def test_what_the_land_receives_is_the_weather_of_the_run(means: dict[str, np.ndarray]) -> None:
    particles = np.arange(1.0, 29.0).reshape(len(PARTICLE_NAMES), CELLS)
    received = received_fields(means, 367.0, particles)
    assert set(received) == set(received_names())
    for name, field in RECEIVED.items():
        assert np.array_equal(received[name], means[field]), name
    for kind, field in (("rain", "RAIN"), ("snow", "SNOW")):
        np.testing.assert_allclose(received[f"Faxa_{kind}c"], 0.1 * means[field], rtol=1e-14)
        np.testing.assert_allclose(received[f"Faxa_{kind}l"], 0.9 * means[field], rtol=1e-14)
    for row, name in enumerate(PARTICLES):
        assert np.array_equal(received[f"Faxa_{name}"], particles[row]), name
    assert np.array_equal(received["Sa_co2prog"], [367.0, 367.0])
    assert not received["Sa_v"].any()


def test_no_particles_fall_without_their_file(means: dict[str, np.ndarray]) -> None:
    received = received_fields(means, 367.0, None)
    assert not any(received[f"Faxa_{name}"].any() for name in PARTICLES)
