"""Prompts of one language model side by side, from the configuration to the report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faulty_server import MODEL, FaultyServer, serving

SUITE = """
task = "numeric"
max_abstention = 1.0

[in_distribution]
data = "sums.jsonl"
id = "id"

[shifts.noise.swap]

[shifts.domain.more]
data = "more.jsonl"
id = "id"
"""

SHOWN = """
demonstrations = [
    { text = "2 + 3?", label = "5", rationale = "2 and 3 are 5." },
    { text = "4 + 4?", label = "8", rationale = "Two fours.\\n4 and 4 are 8." },
    { text = "1 + 6?", label = "7", rationale = "1 and 6 are 7." },
]
"""

STRATEGIES = {
    "direct": "max_new_tokens = 6",
    "few-shot": f"max_new_tokens = 6\nseeds = 3{SHOWN}",
    "thinking": f"max_new_tokens = 24\nchain_of_thought = true{SHOWN}",
    "aloud": "max_new_tokens = 24\nchain_of_thought = true",
    "consistent": f"max_new_tokens = 12\nsamples = 3\ntemperature = 0.8{SHOWN}",
    "complex": "max_new_tokens = 24\nchain_of_thought = true\nsamples = 3\ntemperature = 0.8\n"
    f'vote = "complexity"\nvote_top = 2\nselection = "complexity"\nshots = 2{SHOWN}',
}


@pytest.fixture
def sums(
    pytester: pytest.Pytester,
    user_cache: Path,  # noqa: ARG001
    causal_model: Path,
) -> pytest.Pytester:
    """Make a project of sums, and one model under several strategies."""
    for name, start in (("sums", 10), ("more", 40)):
        rows = [
            {"id": f"{name}{n}", "text": f"what is {n} and {n + 1} in all?", "label": 2 * n + 1}
            for n in range(start, start + 24)
        ]
        (pytester.path / f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (pytester.path / "sums.toml").write_text(SUITE)
    tables = [
        f"[tool.pytest_ood.models.{name}]\nprompted = {json.dumps(str(causal_model))}\n"
        f'prompt = "Q: {{text}}\\nA:"\ndevice = "cpu"\n{options}\n'
        for name, options in STRATEGIES.items()
    ]
    (pytester.path / "pyproject.toml").write_text(
        "\n".join(["[tool.pytest_ood]", "suites = ['sums.toml']", *tables])
    )
    return pytester


def run(project: pytest.Pytester, *more: str) -> tuple[pytest.RunResult, dict[str, Any]]:
    """Run the suite and return what came of it, and the report."""
    path = project.path / "report.json"
    path.unlink(missing_ok=True)
    result = project.runpytest_inprocess("--ood-suite", "--ood-report=report.json", *more)
    return result, json.loads(path.read_text()) if path.exists() else {}


def test_strategies_are_models_side_by_side(
    sums: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each prompt of one LLM is a column, its weights are loaded once, and it says what it is."""
    import transformers

    loads: list[Any] = []
    load = transformers.AutoModelForCausalLM.from_pretrained
    monkeypatch.setattr(
        transformers.AutoModelForCausalLM,
        "from_pretrained",
        lambda *given, **named: loads.append(given) or load(*given, **named),
    )
    result, report = run(sums)
    assert result.parseoutcomes().get("errors", 0) == 0
    assert len(loads) == 1
    told = {model["name"]: model["parameters"] for model in report["models"]}
    assert list(told) == list(STRATEGIES)
    assert {told[name]["task"] for name in told} == {"numeric"}
    assert told["few-shot"]["demonstrations"] == "the configuration"
    assert told["thinking"]["chain_of_thought"] is True
    assert (told["complex"]["vote"], told["complex"]["vote_top"], told["complex"]["shots"]) == (
        "complexity", 2, 2,
    )  # fmt: skip
    floors = {floor["model"]: floor for floor in report["in_distribution"]}
    assert {name: len(floor["seed_scores"]) for name, floor in floors.items()} == {
        name: 3 if name == "few-shot" else 1 for name in STRATEGIES
    }
    assert 0 < floors["thinking"]["abstained"] <= floors["thinking"]["n"] == 24
    assert floors["direct"]["abstained"] < 24, "some digits are read"
    result.stdout.fnmatch_lines(
        [
            "    (in distribution: range over 3 seeds: few-shot * to *",
            "noise",
            "*range over 3 seeds: few-shot * to *",
        ]
    )
    again, second = run(sums)
    assert second["in_distribution"] == report["in_distribution"]
    assert again.parseoutcomes() == result.parseoutcomes()
    assert len(loads) == 1, "what was answered is not asked again"
    _, alone = run(sums, "--ood-no-cache", "--ood-model=consistent")
    assert alone["in_distribution"] == [floors["consistent"]]


def test_a_leaking_demonstration_is_refused(sums: pytest.Pytester) -> None:
    """A demonstration that is a test item of another domain ends its model, before any answer."""
    path = sums.path / "pyproject.toml"
    path.write_text(path.read_text().replace("1 + 6?", "what is 43 and 44 in all?", 1))
    options = ("--ood-only=domain", "--ood-only=in-distribution")
    result, report = run(sums, "--ood-model=few-shot", "--ood-model=direct", *options)
    result.stdout.fnmatch_lines(
        ["*DataError: model 'few-shot': its demonstration '3' is the test item 'more43' of more;*"]
    )
    assert [floor["model"] for floor in report["in_distribution"]] == ["direct"]
    result.stdout.fnmatch_lines(["queried: direct * inputs (0 cached)"])


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    """Run a server whose model is wrong with every third seed."""
    with serving() as server:

        def answer(text: str, seed: int) -> str:
            right = ("positive", "negative")["terrible" in text]
            wrong = ("positive", "negative")[right == "positive"]
            said = wrong if (seed + sum(text.encode())) % 3 == 0 else right
            return f"Let me see.\nThe answer is {said}."

        server.sampled = answer
        yield server


def test_voting_behind_an_api(project: pytest.Pytester, server: FaultyServer) -> None:
    """The same server answers better where three samples vote, and every one of them is counted."""
    given = f'openai = "{MODEL}"\nbase_url = "{server.url}"\nprompt = "{{text}}"\n'
    path = project.path / "pyproject.toml"
    path.write_text(
        "[tool.pytest_ood]\nsuites = ['reviews.toml']\nmax_examples = 60\n"
        f"[tool.pytest_ood.models.once]\n{given}chain_of_thought = true\ntemperature = 0.7\n"
        f"[tool.pytest_ood.models.voting]\n{given}chain_of_thought = true\ntemperature = 0.7\n"
        "samples = 3\n"
    )
    _, report = run(project, "--ood-only=in-distribution", "--ood-no-cache")
    scores = {floor["model"]: floor["score"] for floor in report["in_distribution"]}
    assert scores["voting"] == 1.0
    assert 0.4 < scores["once"] < 0.95
    used = {row["model"]: row["requests"] for row in report["usage"]}
    assert used["voting"] == 3 * used["once"] > 0
