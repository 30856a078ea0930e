"""What of a JSON report is logged, and under which names."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from pytest_ood.redaction import SECRET_NAME, secrets_of_environment
from pytest_ood.trackers.protocol import TrackedRun

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROMPT_KEYS = ("instruction", "template", "label_words")
ACCURACY, SCORE = "accuracy", "score"
FIGURES = {
    "in_distribution": ("score", "n"),
    "scores": ("score", "n"),
    "evaluations": ("score_id", "score_ood", "drop", "n"),
    "comparisons": ("difference", "n"),
}
"""What is logged of the entries of a report; of each, `interval` as low and high, too."""

VERDICTS = ("pass", "fail", "inconclusive", "invalid", "measured")

_SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL", re.IGNORECASE)
_CREDENTIALS = re.compile(r"(?<=//)[^\s/@]*@")
_SHORTEST_SECRET = 4


def tracked_run(report: Mapping[str, Any]) -> TrackedRun:
    """Return what is logged of a report, `reports/json_report.py: as_json`."""
    parameters = {key: str(report[key]) for key in ("seed", "alpha", "correction", "gates")}
    parameters["suites"] = ", ".join(dict.fromkeys(m["suite"] for m in report["models"]))
    parameters["pytest-ood"] = report["environment"].get("pytest-ood", "unknown")
    for model in report["models"]:
        at = f"{model['suite']}/{model['name']}"
        parameters[f"{at}/source"] = model["source"]
        parameters[f"{at}/paradigm"] = model["paradigm"]
        if "template" in model["parameters"]:
            parameters[f"{at}/prompt"] = prompt_hash(model["parameters"])
    metrics: dict[str, float] = {}
    verdicts: dict[str, str] = {}
    for section, figures in FIGURES.items():
        for entry in report.get(section, ()):
            path = _path(entry)
            low, high = entry["interval"]
            found = {**{name: entry[name] for name in figures}, "low": low, "high": high}
            metrics |= {f"{path}/{name}": float(value) for name, value in found.items()}
            verdicts[f"{path}/verdict"] = entry["verdict"]
    counted = Counter(verdicts.values())
    metrics |= {f"verdicts/{verdict}": float(counted[verdict]) for verdict in VERDICTS}
    metrics["verdicts/error"] = float(len(report["errors"]))
    return TrackedRun(parameters, metrics, verdicts)


def _path(entry: Mapping[str, Any]) -> str:
    """Return the path of a result, which its check has as well."""
    if "shift" not in entry:
        return f"{entry['suite']}/in-distribution/{entry['model']}"
    # A score under a shift by itself is of no metric.
    measured = entry.get("metric", SCORE)
    metric = "" if measured == ACCURACY else f"/{measured}"
    against = f"-vs-{entry['baseline']}" if "baseline" in entry else ""
    who = f"{entry['model']}{against}"
    return f"{entry['suite']}/{entry['kind']}/{entry['shift']}{metric}/{who}"


def prompt_hash(parameters: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a model's instruction, template and label words."""
    written = {key: parameters[key] for key in PROMPT_KEYS if key in parameters}
    text = json.dumps(written, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def plain_names(names: Iterable[str], forbidden: re.Pattern[str], longest: int) -> dict[str, str]:
    """Return for each name the one that a tracker takes: what it forbids becomes `_`.

    A name that would be cut, or be another's, ends with the first eight digits of its SHA-256.

    Args:
        names: All that are used together.
        forbidden: Finds one character that may not stand in a name.
        longest: Characters that a name may have.
    """
    plain = {name: forbidden.sub("_", name) for name in names}
    counted = Counter(plain.values())

    def settled(name: str) -> str:
        text = plain[name]
        if len(text) <= longest and (text == name or counted[text] == 1):
            return text
        digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
        return f"{text[: longest - 9]}_{digest[:8]}"

    return {name: settled(name) for name in plain}


def without_secrets(text: str) -> str:
    """Return a text without credentials in addresses and without what secret variables hold."""
    text = secrets_of_environment(os.environ).redact(text)
    secrets = {
        value
        for name, value in os.environ.items()
        if (_SECRET_NAME.search(name) or SECRET_NAME.search(name))
        and len(value) >= _SHORTEST_SECRET
    }
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return _CREDENTIALS.sub("***@", text)
