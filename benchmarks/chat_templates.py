"""Measures chat models with and without their chat template: accuracy, and drop under a shift.

Each checkpoint is asked for the sentiment of the same movie snippets (in distribution) and product
reviews (a domain shift) of ICWSM 2014, by an instruction alone and with four demonstrations, once
as messages (`chat = true`) and once as plain text (`chat = false`). Label words are scored.

    python benchmarks/chat_templates.py smollm2=asset:smollm2 qwen=FILE.gguf --write docs/prompts.md

Each checkpoint is a run of pytest, whose report stays in the folder of `--out`; a checkpoint with a
report is not measured again.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from _tables import put

SUITE = """labels = ["negative", "positive"]
max_examples = {examples}
in_distribution = {source}
shifts.domain.products = {shifted}
"""
MOVIES = '{ data = "asset:icwsm-2014/movies", split = "test" }'
PRODUCTS = '{ data = "asset:icwsm-2014/amazon" }'
INSTRUCTION = "Is the sentiment of the review positive or negative? Answer with one word."
PROMPT = f"{INSTRUCTION}\n---\nReview: {{text}}\nSentiment:"
DEMONSTRATIONS = (
    ("A warm, funny and moving film that stays with you.", "positive"),
    ("The plot is dull and the acting is worse.", "negative"),
    ("The cast is superb and every scene is a delight.", "positive"),
    ("Two hours of tired jokes that never come to life.", "negative"),
)
MODEL = """
[tool.pytest_ood.models.{name}]
prompted = {source}
prompt = {prompt}
demonstrations = [{demonstrations}]
chat = {chat}
dtype = "{dtype}"
batch_size = {batch_size}
"""


def variants(name: str) -> dict[str, tuple[int, bool]]:
    """Return the number of demonstrations and whether the template is used, by model."""
    return {
        f"{name}-{shots}-{'chat' if chat else 'text'}": (shots, chat)
        for shots in (0, len(DEMONSTRATIONS))
        for chat in (True, False)
    }


def project(options: argparse.Namespace) -> str:
    """Return the pyproject.toml of all models."""
    tables = []
    for name, source in map(parsed, options.models):
        for model, (shots, chat) in variants(name).items():
            shown = [
                f"{{ text = {json.dumps(text)}, label = {json.dumps(label)} }}"
                for text, label in DEMONSTRATIONS[:shots]
            ]
            tables.append(
                MODEL.format(
                    name=model,
                    source=json.dumps(source),
                    prompt=json.dumps(PROMPT),
                    demonstrations=", ".join(shown),
                    chat=str(chat).lower(),
                    dtype=options.dtype,
                    batch_size=options.batch_size,
                )
            )
    return '[tool.pytest_ood]\nsuites = ["reviews.toml"]\n' + "".join(tables)


def parsed(model: str) -> tuple[str, str]:
    """Return the name and the source of NAME=SOURCE; a file is named from anywhere."""
    name, _, source = model.partition("=")
    return name, str(Path(source).resolve()) if Path(source).exists() else source


def measured(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Return the report of a checkpoint under all prompts, measured unless it is there."""
    path = options.out / f"{name}.json"
    if not path.is_file():
        command = [sys.executable, "-m", "pytest", "--ood-suite", f"--ood-report={path.name}", "-q"]
        command += [f"--ood-model={model}" for model in variants(name)]
        command += [f"--ood-cache={options.cache.resolve()}"] if options.cache else []
        done = subprocess.run(  # noqa: S603 - the interpreter that runs this
            command, cwd=options.out, check=False, stdout=subprocess.PIPE, text=True
        )
        if not path.is_file():
            raise SystemExit(f"{name} was not measured:\n{done.stdout}")
    report: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if report["errors"]:
        path.unlink()
        raise SystemExit(f"{name} was not measured: {report['errors']}")
    return report


def main() -> int:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("models", nargs="+", metavar="NAME=SOURCE", help="checkpoints")
    parser.add_argument("--examples", type=int, default=200, help="of each set")
    parser.add_argument("--data", type=Path, nargs=2, metavar="FILE", help="other texts and labels")
    parser.add_argument("--dtype", default="float32")
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--out", type=Path, default=Path("chat-templates"))
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the table into this file")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "pyproject.toml").write_text(project(options), encoding="utf-8")
    own = [json.dumps(str(path.resolve())) for path in options.data or ()]
    source, shifted = [f"{{ data = {path} }}" for path in own] or (MOVIES, PRODUCTS)
    suite = SUITE.format(examples=options.examples, source=source, shifted=shifted)
    (options.out / "reviews.toml").write_text(suite, encoding="utf-8")
    reports = {name: measured(name, options) for name, _ in map(parsed, options.models)}
    text = "\n".join(table(reports, options))
    print(text)
    if options.write is not None:
        put(options.write, __file__, text)
    return 0


def table(reports: dict[str, dict[str, Any]], options: argparse.Namespace) -> list[str]:
    """Return the lines of the table of all reports, by checkpoint."""
    lines = [
        f"`{options.dtype}`; accuracy and drop in percent, with 90 % intervals",
        "",
        "| model | prompt | template | n | accuracy | answered positive | under the shift | drop |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, _ in map(parsed, options.models):
        for model, (shots, chat) in variants(name).items():
            before, drop = (
                next(row for row in reports[name][part] if row["model"] == model)
                for part in ("in_distribution", "evaluations")
            )
            cells = [
                name,
                f"instruction and {shots} demonstrations" if shots else "instruction",
                "yes" if chat else "no",
                f"{before['n']} and {drop['n']}",
                percent(before["score"], before["interval"]),
                f"{100 * said(drop['per_label']):.0f}",
                f"{100 * drop['score_under_shift']:.1f}",
                percent(drop["drop"], drop["interval"]),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def said(per_label: list[dict[str, Any]]) -> float:
    """Return the share of the inputs in distribution that the last label is the answer to."""
    *others, last = per_label
    wrong = sum(row["n_in_distribution"] - row["correct_in_distribution"] for row in others)
    whole = sum(row["n_in_distribution"] for row in per_label)
    return float((wrong + last["correct_in_distribution"]) / whole)


def percent(value: float, interval: list[float]) -> str:
    """Return a share and its interval in percent."""
    low, high = (f"{100 * bound:.1f}" for bound in interval)
    return f"{100 * value:.1f} [{low}, {high}]"


if __name__ == "__main__":
    sys.exit(main())
