"""Measures what docs/findings.md tells: `python benchmarks/findings.py DATA [PART ...] --out DIR`.

DATA is a folder with the public data sets that benchmarks/findings/pyproject.toml names. Each part
is a suite of that file; its report is written as DIR/PART.json, and DIR/study.html sets the models
of the part `sentiment` side by side. Other options are handed on to pytest.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent / "findings"
PARTS = ("sentiment", "orders", "sst2", "nli", "reliability", "reasoning", "checklist")
MNLI = "hans/mnli_development_set_number_of_correct_responses.txt"


def main() -> int:
    """Lay out the project, and run each part."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--out", type=Path, default=Path("findings"))
    given, options = parser.parse_known_args()
    parts = given.parts or PARTS
    for part in parts:
        if part not in PARTS:
            parser.error(f"{part!r} is none of {', '.join(PARTS)}")
    lay_out(given.data.resolve(), given.out)
    for part in parts:
        command = ["-m", "pytest", "--ood-suite", f"--ood-only={part}", f"--ood-report={part}.json"]
        told = subprocess.run(  # noqa: S603 - the interpreter that runs this
            [sys.executable, *command, *options], cwd=given.out, check=False
        )
        if told.returncode > 1:
            return told.returncode
    if "sentiment" in parts:
        command = ["-m", "pytest_ood", "study", "sentiment.json", "--html", "study.html"]
        subprocess.run([sys.executable, *command], cwd=given.out, check=True)  # noqa: S603 - as above
    return 0


def lay_out(data: Path, out: Path) -> None:
    """Copy the project, link the data, and cut MNLI's development set in two."""
    shutil.copytree(HERE, out, dirs_exist_ok=True)
    link = out / "data"
    if not link.exists():
        link.symlink_to(data, target_is_directory=True)
    made = out / "made"
    made.mkdir(exist_ok=True)
    with (data / MNLI).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    for name, trains in (("train", True), ("test", False)):
        lines = [
            json.dumps(
                {"id": row["index"], "premise": row["premise"], "hypothesis": row["hypothesis"],
                 "label": row["gold_label"]}
            )
            for row in rows
            if is_for_training(row["index"]) == trains
        ]  # fmt: skip
        (made / f"mnli-{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def is_for_training(index: str) -> bool:
    """Tell whether a row is one of the four fifths that are trained on, by its number alone."""
    return int(hashlib.sha256(index.encode()).hexdigest(), 16) % 10 < 8  # noqa: PLR2004 - of ten


if __name__ == "__main__":
    sys.exit(main())
