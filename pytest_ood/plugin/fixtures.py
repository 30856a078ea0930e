"""The fixtures `ood`, `ood_model`, `ood_shift` and `ood_baseline`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_ood.plugin.stash import GATE, OWN_NOTES, SKIP_REASON

if TYPE_CHECKING:
    from pytest_ood.assertions import Ood
    from pytest_ood.gate.gate import Gate
    from pytest_ood.models.protocol import Model, RecordedModel, SeededModel
    from pytest_ood.shifts import Shift


def _gate(config: pytest.Config) -> Gate:
    """Return the gate; a test that comes by its fixtures some other way skips like the others."""
    if GATE not in config.stash:
        pytest.skip(SKIP_REASON)
    return config.stash[GATE]


@pytest.fixture(scope="session")
def ood(pytestconfig: pytest.Config) -> Ood:
    """Robustness assertions: `ood.assert_drop(...)` and `ood.assert_no_less_robust(...)`."""
    from dataclasses import replace

    from pytest_ood.assertions import Ood
    from pytest_ood.plugin.items import shows_tracebacks

    gate = _gate(pytestconfig)
    return Ood(
        engine=gate.engine,
        reader=gate.reader,
        seed=gate.seed,
        rules=replace(gate.rules, sequential=gate.configuration.sequential),
        max_examples=gate.max_examples,
        on_inconclusive=None if gate.strict else _inconclusive,
        on_note=pytestconfig.stash.setdefault(OWN_NOTES, []).append,
        tracebacks=shows_tracebacks(pytestconfig),
    )


def _inconclusive(explanation: str) -> None:
    from pytest_ood.plugin.items import skipped

    raise skipped(explanation, at_item=False)


@pytest.fixture
def ood_model(request: pytest.FixtureRequest) -> Model | RecordedModel | SeededModel:
    """Each model under test in turn."""
    gate = _gate(request.config)
    suite, name = request.param
    return gate.models[suite][name]


@pytest.fixture
def ood_shift(request: pytest.FixtureRequest) -> Shift:
    """Each shift of the suites in turn."""
    gate = _gate(request.config)
    suite, name = request.param
    return gate.evaluators[suite].suite.shift(name)


@pytest.fixture
def ood_baseline(request: pytest.FixtureRequest) -> Model | RecordedModel | SeededModel:
    """The model marked `baseline = true`."""
    gate = _gate(request.config)
    callspec = getattr(request.node, "callspec", None)
    parameters = {} if callspec is None else callspec.params
    suite = next(
        (parameters[name][0] for name in ("ood_model", "ood_shift") if name in parameters),
        next(iter(gate.evaluators), None),
    )
    if suite is None:
        pytest.fail("ood_baseline: `suites = []` leaves no suite to take it from", pytrace=False)
    name = gate.baselines[suite]
    if name is None:
        pytest.fail(
            f"no model of suite {suite!r} is marked as the baseline; add `baseline = true` to one",
            pytrace=False,
        )
    return gate.models[suite][name]
