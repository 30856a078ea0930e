from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.trackers import mlflow, wandb
from pytest_ood.trackers._runs import plain_names, prompt_hash, tracked_run, without_secrets

PROMPT = {"instruction": "Say it.", "template": "{text}", "label_words": {"no": "no", "yes": "yes"}}


def report() -> dict[str, Any]:
    """Return what is read of a report: one entry of each sort, and one of another metric."""
    at = {"suite": "s", "interval": [0.1, 0.3], "n": 50, "verdict": "fail"}
    shift = {**at, "kind": "noise", "shift": "swap@3"}
    scores = {"score_id": 0.9, "score_ood": 0.7, "drop": 0.2}
    models = [("m", {"dtype": "float32", **PROMPT}), ("b", {"seeds": 1})]
    return {
        "seed": 7,
        "alpha": 0.05,
        "correction": "holm",
        "gates": 4,
        "environment": {"pytest-ood": "0.1.0"},
        "models": [
            {"suite": "s", "name": name, "source": f"of {name}", "paradigm": "other",
             "parameters": parameters}
            for name, parameters in models
        ],
        "in_distribution": [{**at, "model": "m", "score": 0.9, "verdict": "pass"}],
        "evaluations": [
            {**shift, **scores, "model": "m", "metric": "accuracy"},
            {**shift, **scores, "model": "m", "metric": "pdr", "verdict": "measured"},
        ],
        "comparisons": [
            {**shift, "model": "m", "baseline": "b", "metric": "accuracy", "difference": 0.2,
             "drop": 0.4}
        ],
        "errors": [{"check": "c", "message": "m"}],
    }  # fmt: skip


def test_a_run_has_what_decides_its_figures() -> None:
    """Seed, rules, suites, sources and the hash of a prompt are parameters, all of them text."""
    run = tracked_run(report())
    assert run.parameters == {
        "seed": "7", "alpha": "0.05", "correction": "holm", "gates": "4", "suites": "s",
        "pytest-ood": "0.1.0", "s/m/source": "of m", "s/m/paradigm": "other",
        "s/m/prompt": prompt_hash(PROMPT), "s/b/source": "of b", "s/b/paradigm": "other",
    }  # fmt: skip


def test_a_run_has_every_figure_by_the_path_of_its_check() -> None:
    """Scores, drops and differences have their intervals; verdicts are told and counted."""
    run = tracked_run(report())
    of_drop = {"score_id": 0.9, "score_ood": 0.7, "drop": 0.2, "n": 50.0, "low": 0.1, "high": 0.3}
    of_floor = {"score": 0.9, "n": 50.0, "low": 0.1, "high": 0.3}
    of_comparison = {"difference": 0.2, "n": 50.0, "low": 0.1, "high": 0.3}
    paths = {
        "s/in-distribution/m": of_floor,
        "s/noise/swap@3/m": of_drop,
        "s/noise/swap@3/pdr/m": of_drop,
        "s/noise/swap@3/m-vs-b": of_comparison,
        "verdicts": {"pass": 1, "fail": 2, "inconclusive": 0, "invalid": 0, "measured": 1,
                     "error": 1},
    }  # fmt: skip
    assert run.metrics == {
        f"{path}/{name}": value for path, of in paths.items() for name, value in of.items()
    }
    assert all(type(value) is float for value in run.metrics.values())
    assert run.verdicts == {
        "s/in-distribution/m/verdict": "pass",
        "s/noise/swap@3/m/verdict": "fail",
        "s/noise/swap@3/pdr/m/verdict": "measured",
        "s/noise/swap@3/m-vs-b/verdict": "fail",
    }


def test_a_score_under_a_shift_has_the_path_of_its_check() -> None:
    """It is apart from the drop under the same shift; an earlier report has none."""
    made = report()
    score = {**made["in_distribution"][0], "kind": "domain", "shift": "pairs"}
    at = f"{score['suite']}/domain/pairs/score/{score['model']}"
    run = tracked_run({**made, "scores": [score]})
    assert run.metrics[f"{at}/score"] == score["score"]
    assert run.verdicts[f"{at}/verdict"] == score["verdict"]
    assert not any(path.startswith(at) for path in tracked_run(made).metrics)


def test_the_hash_of_a_prompt_is_of_the_prompt_alone() -> None:
    """What else a model has changes nothing; every part of the prompt does."""
    plain = prompt_hash(PROMPT)
    assert prompt_hash({**PROMPT, "device": "cuda"}) == plain
    changed = {prompt_hash({**PROMPT, key: "other"}) for key in PROMPT}
    assert len(changed | {plain}) == 1 + len(PROMPT)


@given(st.lists(st.text(alphabet="ab_@#\u00e9/-", min_size=1, max_size=12), max_size=12))
def test_names_that_a_tracker_takes_stay_apart(names: list[str]) -> None:
    """No two names become one, none holds what is forbidden or is too long, good ones stay."""
    for forbidden, longest in ((mlflow.FORBIDDEN, 250), (wandb.FORBIDDEN, 11)):
        found = plain_names(names, forbidden, longest)
        assert found.keys() == set(names)
        assert len(set(found.values())) == len(found)
        assert not any(forbidden.search(name) or len(name) > longest for name in found.values())
        assert all(
            found[name] == name
            for name in names
            if not forbidden.search(name) and len(name) <= longest
        )


def test_names_are_mapped_plainly() -> None:
    """What is forbidden becomes an underscore; only a name that is taken gets a hash."""
    assert plain_names(["noise/swap@3/m/drop"], mlflow.FORBIDDEN, 250) == {
        "noise/swap@3/m/drop": "noise/swap_3/m/drop"
    }
    found = plain_names(["a_b", "a@b", "a#b"], mlflow.FORBIDDEN, 250)
    assert found["a_b"] == "a_b"
    assert re.fullmatch("a_b_[0-9a-f]{8}", found["a@b"])


@pytest.mark.parametrize("name", ["WANDB_API_KEY", "MLFLOW_TRACKING_TOKEN", "SOME_PASSWORD"])
def test_secrets_are_taken_out(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """What a secret variable holds, and credentials in an address, are not shown."""
    monkeypatch.setenv(name, "hush-hush")
    text = "https://me:word@host/x?k=hush-hush and //token@host, me@home"
    assert without_secrets(text) == "https://***@host/x?k=*** and //***@host, me@home"
