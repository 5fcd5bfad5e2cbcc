"""No sequence of requests gives a failure, a token without consent, or another's mail."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

import graphsandbox

from .anybody import Anybody

UNHURRIED = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@pytest.fixture(scope="module")
def machine():
    with graphsandbox.running() as sandbox:
        Anybody.sandbox = sandbox
        yield Anybody


def test_no_sequence_of_requests_breaks_a_promise(machine):
    # Without shrinking, which may take minutes: the same run is found again by `make soak`.
    phases = {"phases": [Phase.generate], "derandomize": True}
    short = settings(max_examples=60, stateful_step_count=30, **phases, **UNHURRIED)
    run_state_machine_as_test(machine, settings=short)


@pytest.mark.soak
def test_no_long_sequence_of_requests_breaks_a_promise(machine):
    long = settings(max_examples=2000, stateful_step_count=60, database=None, **UNHURRIED)
    run_state_machine_as_test(machine, settings=long)
