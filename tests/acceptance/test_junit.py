from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

COMMON = {
    "ood_suite", "ood_kind", "ood_model", "ood_n", "ood_verdict", "ood_errors", "ood_alpha",
    "ood_correction", "ood_gates", "ood_seed",
}  # fmt: skip
GATED = {"ood_budget", "ood_p_fail"}
FIGURES = {
    "floor": {
        "ood_abstained", "ood_score", "ood_score_low", "ood_score_high", "ood_majority",
        "ood_data_hash",
    },
    "evaluation": {
        "ood_shift", "ood_metric", "ood_unchanged", "ood_abstained", "ood_score_in_distribution",
        "ood_score_under_shift", "ood_drop", "ood_drop_low", "ood_drop_high",
        "ood_shifted_set_hash",
    },
    "comparison": {
        "ood_shift", "ood_metric", "ood_baseline", "ood_difference", "ood_difference_low",
        "ood_difference_high",
    },
}  # fmt: skip

HOSTILE = "\x1b[31m\x00\x07 ]]> \u202e\u2066 <x>&amp;\ufffe\x9b5m\x7f\u2028"


def cases(path: Path) -> list[tuple[str, dict[str, str], list[str]]]:
    """Return name, properties and the tags of what else is told of each test case."""
    return [
        (
            case.attrib["name"],
            {p.attrib["name"]: p.attrib["value"] for p in case.iter("property")},
            [child.tag for child in case if child.tag != "properties"],
        )
        for case in ET.parse(path).iter("testcase")  # noqa: S314 - our own
    ]


def test_the_properties_are_complete_and_those_of_a_serial_run(project: pytest.Pytester) -> None:
    """Serial or with -n 2, every case has all figures of its kind, and they are the report's."""
    suite = project.path / "reviews.toml"
    noise = "noise = { max_drop = 0.10"
    suite.write_text(suite.read_text().replace(noise, f"{noise}, pdr = {{ max_drop = 0.9 }}"))
    options = ("--ood-suite", "--ood-seed=7")
    project.runpytest_inprocess(*options, "--junitxml=one.xml", "--ood-report=r.json")
    project.runpytest_inprocess(*options, "--junitxml=two.xml", "-n2", "--ood-cache=other")
    one, two = (cases(project.path / name) for name in ("one.xml", "two.xml"))
    assert sorted(one, key=str) == sorted(two, key=str)
    report: dict[str, Any] = json.loads(project.path.joinpath("r.json").read_text())
    entries = [*report["in_distribution"], *report["evaluations"], *report["comparisons"]]
    assert len(one) == len(entries) == 12
    for _, found, _ in one:
        kind = "comparison" if "ood_baseline" in found else "evaluation"
        kind = "floor" if found["ood_kind"] == "in-distribution" else kind
        assert found.keys() - GATED == COMMON | FIGURES[kind]
        assert found.keys() >= GATED
        assert found["ood_seed"] == "7"
        (entry,) = (
            e
            for e in entries
            if (e["kind"] or "in-distribution", e["shift"], e["model"], e.get("metric"),
                e.get("baseline"))
            == (found["ood_kind"], found.get("ood_shift"), found["ood_model"],
                found.get("ood_metric"), found.get("ood_baseline"))
        )  # fmt: skip
        (name,) = (n for n in ("difference", "drop", "score") if f"ood_{n}" in found)
        bounds = [float(found[f"ood_{name}_{end}"]) for end in ("low", "high")]
        assert float(found[f"ood_{name}"]) == pytest.approx(entry[name], abs=1e-6)
        assert bounds == pytest.approx(entry["interval"], abs=1e-6)
        assert float(found["ood_p_fail"]) == pytest.approx(entry["p_fail"], rel=1e-5, abs=1e-9)
        assert found["ood_verdict"] == entry["verdict"]


def test_hostile_text_leaves_valid_xml(project: pytest.Pytester) -> None:
    """Control characters, escape sequences, `]]>` and marks of direction come out as escapes.

    They stand in ids and texts of examples, in what a model answers, and in what one raises.
    """
    for name in ("reviews.jsonl", "lamps.jsonl"):
        path = project.path / name
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        rows = [{**r, "id": r["id"] + HOSTILE, "text": f"{HOSTILE} {r['text']}"} for r in rows]
        path.write_text("\n".join(map(json.dumps, rows)))
    project.path.joinpath("mine.py").write_text(
        f"HOSTILE = {HOSTILE!a}\n"
        "def answers(texts):\n"
        "    label = {True: 'positive', False: 'negative'}\n"
        "    return [label['wonderful' in t] if len(t) % 5 else HOSTILE for t in texts]\n"
        "def raises(texts):\n"
        "    raise ValueError(f'cannot do {texts[0]}')\n"
    )
    path = project.path / "pyproject.toml"
    models = "".join(
        f"[tool.pytest_ood.models.{name}]\ncallable = 'mine:{name}'\n"
        for name in ("answers", "raises")
    )
    path.write_text(path.read_text() + models)
    result = project.runpytest_inprocess("--ood-suite", "--junitxml=j.xml", "--ood-only=noise")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    text = project.path.joinpath("j.xml").read_text(encoding="utf-8")
    parsed = ET.fromstring(text)  # noqa: S314 - our own
    told = ["".join(case.itertext()) for case in parsed.iter("testcase")]
    assert sum("]]>" in text and r"\u202e" in text for text in told) >= 4
    for where in (text, result.stdout.str()):
        raw = {c for c in where if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
        assert raw <= {"\n", "\t"}
