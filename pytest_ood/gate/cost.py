"""The work that a run has for each model: inputs, cached answers, tokens, time, cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.analysis.plan import Workload
from pytest_ood.data.inputs import canonical, size_of
from pytest_ood.evaluation.floors import REASKED
from pytest_ood.models.protocol import (
    SeededModel,
    Usage,
    is_at_hand,
    is_estimable,
    is_recorded,
)
from pytest_ood.trials.predictor import SECOND_DRAW

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.evaluation import SuiteEvaluator
    from pytest_ood.gate.gate import Check, Gate
    from pytest_ood.models.protocol import Model, RecordedModel
    from pytest_ood.shifts import Shift

SAMPLED = 256
"""The largest number of inputs whose tokens are counted; the others are extrapolated."""

PROBE_SIZE, PROBE_SECONDS = 1024, 0.2
"""The size of the matrices that are multiplied to measure the machine's speed, and the time."""


@dataclass(kw_only=True)
class _Queries:
    """The queries of one model in one suite.

    Attributes:
        model: The model.
        shifts: The shifts that it is measured under, by name; None for in distribution.
        first: Whether it is the model itself, or its first seed, which gets repeated queries.
        attacks: The transfer attacks that it is the surrogate of, by name.
    """

    model: Model | RecordedModel
    shifts: dict[str, Shift | None] = field(default_factory=dict)
    first: bool = False
    attacks: dict[str, Shift] = field(default_factory=dict)


def workloads(gate: Gate) -> tuple[Workload, ...]:
    """Return the largest possible work of the selected checks for each model, over all suites.

    Raises:
        OodError: the data cannot be read.
    """
    queries: dict[tuple[str, str], _Queries] = {}
    for check in gate.checks:
        _add_queries(queries, gate, check)
    machine = _Machine()
    by_model: dict[str, Workload] = {}
    for (suite, name), model_queries in queries.items():
        work = _workload(gate, gate.evaluators[suite], model_queries, machine)
        by_model[name] = by_model[name] + work if name in by_model else work
    return tuple(by_model.values())


def _add_queries(queries: dict[tuple[str, str], _Queries], gate: Gate, check: Check) -> None:
    """Add the queries of one check, to its models and to the surrogate."""
    evaluator, models = gate.evaluators[check.suite], gate.models[check.suite]

    def of(model: Model | RecordedModel) -> _Queries:
        """Return the queries of a model so far."""
        return queries.setdefault((check.suite, model.name), _Queries(model=model))

    for name in (check.model, check.baseline):
        tested = None if name is None else models[name]
        if tested is None:
            continue
        members = tested.members if isinstance(tested, SeededModel) else (tested,)
        of(members[0]).first = True
        for member in members:
            for shift in _parts(evaluator, check.shift):
                of(member).shifts["" if shift is None else shift.name] = shift
    shift = check.shift
    if shift is not None and shift.surrogate_name in evaluator.texts.surrogates:
        of(evaluator.texts.surrogates[shift.surrogate_name]).attacks[shift.name] = shift
    if shift is not None and shift.name in evaluator.trials.references:
        of(evaluator.trials.references[shift.name]).shifts[shift.name] = shift


def _parts(evaluator: SuiteEvaluator, shift: Shift | None) -> Iterator[Shift | None]:
    if shift is None:
        yield None
    else:
        yield from shift.parts(evaluator.suite.shifts)


def _workload(
    gate: Gate, evaluator: SuiteEvaluator, queries: _Queries, machine: _Machine
) -> Workload:
    """Return the work of one model in one suite."""
    model = queries.model
    originals = [example.inputs for example in evaluator.data.in_distribution()]
    texts: dict[int, dict[str, Inputs]] = {0: {}, SECOND_DRAW: {}}

    def add(inputs: Iterable[Inputs], draw: int = 0) -> None:
        """Add inputs of which the model has to answer each different one once."""
        texts[draw].update((canonical(value), value) for value in inputs)

    # A reference that was trained on a target domain needs no answers in distribution.
    if queries.first or queries.attacks:
        add(originals)
    if queries.first:
        add(originals[:REASKED], SECOND_DRAW)
    unseen = sum(
        shift.most_queries(evaluator.data.horizon(shift)) for shift in queries.attacks.values()
    )
    for shift in queries.shifts.values():
        if shift is not None and (inputs := evaluator.texts.model_inputs(shift)) is not None:
            add(inputs)
        elif shift is not None:
            unseen += shift.max_unknown_inputs(evaluator.data.horizon(shift))
    count = unseen + sum(map(len, texts.values()))
    if is_recorded(model):
        return Workload(model=model.name, inputs=0, note="replayed, never asked")
    if not is_at_hand(model):
        return Workload(model=model.name, inputs=count, note="to be fetched or trained first")
    engine, labels = gate.engine, evaluator.suite.task.labels
    store = engine.store_of(model)
    cached = {
        draw: store.get(engine.cache_key(model, labels, draw), list(values.values()))
        for draw, values in texts.items()
    }
    missing = [
        value
        for draw, values in texts.items()
        for text, value in values.items()
        if text not in cached[draw]
    ]
    sample = [*missing, *originals][:: max(1, len(missing) // SAMPLED)][:SAMPLED]
    work = Workload(
        model=model.name, inputs=count, cached=sum(map(len, cached.values())), queries=unseen
    )
    return _expected(gate, model, work, sample, machine)


def _expected(
    gate: Gate, model: Model, work: Workload, sample: Sequence[Inputs], machine: _Machine
) -> Workload:
    """Return a workload with its expected usage and time, extrapolated from a sample of inputs."""
    count = work.inputs - work.cached
    if not count:
        return replace(work, used=Usage(), seconds=0.0)
    share = count / len(sample)
    if is_estimable(model):
        work = replace(work, used=model.estimate(sample).times(share))
    # A measured rate counts everything, such as tokenizing; operations give a lower bound only.
    rate = gate.engine.store_of(model).get_rate(model.fingerprint or "")
    if rate is not None:
        characters = round(sum(map(size_of, sample)) * share)
        return replace(work, seconds=rate.seconds_for(count, characters))
    if work.used is not None and work.used.operations:
        return replace(work, seconds=work.used.operations / machine.operations, bound=True)
    return work


class _Machine:
    """This machine's speed, measured at first use."""

    @cached_property
    def operations(self) -> float:
        """Floating-point operations per second in products of single-precision matrices."""
        matrix = np.ones((PROBE_SIZE, PROBE_SIZE), dtype=np.float32)
        matrix @ matrix  # The first product starts the threads, and is not timed.
        started, done = time.perf_counter(), 0
        while time.perf_counter() - started < PROBE_SECONDS:
            matrix @ matrix
            done += 1
        return done * 2.0 * PROBE_SIZE**3 / (time.perf_counter() - started)
