"""The work that a run has for each model: inputs, cached answers, tokens, time, cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, cast

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
"""Inputs whose tokens are counted, where there are more; the others are taken to be like them."""

PROBE_SIZE, PROBE_SECONDS = 1024, 0.2
"""Rows of the matrices that are multiplied to see how fast this machine is, and for how long."""


@dataclass
class _Wanted:
    """What one model is asked in one suite.

    Attributes:
        model: Who.
        shifts: The shifts it is measured under, by name; None for in distribution.
        first: Whether it is the model itself, or the first of its seeds: asked again.
        made_against: Shifts whose adversarial examples are made against it, by name.
    """

    model: Model | RecordedModel
    shifts: dict[str, Shift | None] = field(default_factory=dict)
    first: bool = False
    made_against: dict[str, Shift] = field(default_factory=dict)


def workloads(gate: Gate) -> tuple[Workload, ...]:
    """Return what the chosen checks ask of each model at most, a model of several suites once.

    Raises:
        OodError: the data cannot be read.
    """
    wanted: dict[tuple[str, str], _Wanted] = {}
    for check in gate.checks:
        _want(wanted, gate, check)
    machine = _Machine()
    found: dict[str, Workload] = {}
    for (suite, name), asked in wanted.items():
        work = _workload(gate, gate.evaluators[suite], asked, machine)
        found[name] = found[name] + work if name in found else work
    return tuple(found.values())


def _want(wanted: dict[tuple[str, str], _Wanted], gate: Gate, check: Check) -> None:
    """Note what one check needs of whom."""
    evaluator, models = gate.evaluators[check.suite], gate.models[check.suite]

    def of(model: Model | RecordedModel) -> _Wanted:
        return wanted.setdefault((check.suite, model.name), _Wanted(model))

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
        of(evaluator.texts.surrogates[shift.surrogate_name]).made_against[shift.name] = shift
    if shift is not None and shift.name in evaluator.trials.references:
        of(evaluator.trials.references[shift.name]).shifts[shift.name] = shift


def _parts(evaluator: SuiteEvaluator, shift: Shift | None) -> Iterator[Shift | None]:
    if shift is None:
        yield None
    else:
        yield from shift.parts(evaluator.suite.shifts)


def _workload(gate: Gate, evaluator: SuiteEvaluator, asked: _Wanted, machine: _Machine) -> Workload:
    """Return what one model is asked in one suite."""
    model = asked.model
    originals = [example.inputs for example in evaluator.data.in_distribution()]
    texts: dict[int, dict[str, Inputs]] = {0: {}, SECOND_DRAW: {}}

    def add(inputs: Iterable[Inputs], draw: int = 0) -> None:
        texts[draw].update((canonical(value), value) for value in inputs)

    # Only the reference that was trained on a target is not asked about the originals.
    if asked.first or asked.made_against:
        add(originals)
    if asked.first:
        add(originals[:REASKED], SECOND_DRAW)
    unseen = sum(
        shift.most_queries(evaluator.data.horizon(shift)) for shift in asked.made_against.values()
    )
    for shift in asked.shifts.values():
        if shift is not None and (inputs := evaluator.texts.model_inputs(shift)) is not None:
            add(inputs)
        elif shift is not None:
            unseen += shift.max_unknown_inputs(evaluator.data.horizon(shift))
    count = unseen + sum(map(len, texts.values()))
    if is_recorded(model):
        return Workload(model=model.name, inputs=0, note="replayed, never asked")
    # What is no recording is a model; a type guard narrows where it says yes.
    answering = cast("Model", model)
    if not is_at_hand(answering):
        return Workload(model=model.name, inputs=count, note="to be fetched or trained first")
    engine, labels = gate.engine, evaluator.suite.task.labels
    store = engine.store_of(answering)
    cached = {
        draw: store.get(engine.cache_key(answering, labels, draw), list(values.values()))
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
    return _expected(gate, answering, work, sample, machine)


def _expected(
    gate: Gate, model: Model, work: Workload, sample: Sequence[Inputs], machine: _Machine
) -> Workload:
    """Return a workload with what it would take, going by a sample of its inputs."""
    count = work.inputs - work.cached
    if not count:
        return replace(work, used=Usage(), seconds=0.0)
    share = count / len(sample)
    if is_estimable(model):
        work = replace(work, used=model.estimate(sample).times(share))
    rate = gate.engine.store_of(model).get_rate(model.fingerprint or "")
    if rate is not None:
        characters = round(sum(map(size_of, sample)) * share)
        return replace(work, seconds=rate.seconds_for(count, characters))
    if work.used is not None and work.used.operations:
        return replace(work, seconds=work.used.operations / machine.operations, bound=True)
    return work


class _Machine:
    """This machine's speed, measured when it is first asked for."""

    @cached_property
    def operations(self) -> float:
        """Floating-point operations a second of a product of two matrices, in single precision."""
        matrix = np.ones((PROBE_SIZE, PROBE_SIZE), dtype=np.float32)
        matrix @ matrix  # Threads start with the first product.
        started, done = time.perf_counter(), 0
        while time.perf_counter() - started < PROBE_SECONDS:
            matrix @ matrix
            done += 1
        return done * 2.0 * PROBE_SIZE**3 / (time.perf_counter() - started)
