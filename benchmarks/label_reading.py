"""Prints sentences that a label-changing perturbation has changed, to be read by eye.

Whether the other label is right for a text is a question for a reader. This script draws the
sentences, the same ones for everybody: from labelled files of a sentence, a tab and 0 or 1 (such as
SST-2's), under a fixed seed, none a part of another that is drawn. For each it prints the label
that follows and the text, and on the next line the original.

    python benchmarks/label_reading.py negate sst2/dev.tsv sst2/test.tsv

docs/perturbations.md says what came of reading 200 for each of the three perturbations.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from pytest_ood.perturbations import find
from pytest_ood.perturbations.contracts import Changing
from pytest_ood.utils.seeding import generator

NAMES = ("affirm", "antonyms", "negate")
LABELS = {"0": "negative", "1": "positive"}


def rows(paths: list[Path]) -> dict[str, str]:
    """Return the labels of files by sentence, each sentence once."""
    found: dict[str, str] = {}
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            text, _, label = line.rpartition("\t")
            if label.strip() in LABELS:
                found.setdefault(text.strip(), LABELS[label.strip()])
    return found


def drawn(texts: list[str], size: int, seed: int) -> list[str]:
    """Draw texts of which none is a part of another."""
    left = list(texts)
    generator(seed, "reading").shuffle(left)
    chosen: list[str] = []
    for text in left:
        if len(chosen) < size and not any(text in other or other in text for other in chosen):
            chosen.append(text)
    return chosen


def main() -> int:
    """Print the sentences, and how many there were to draw from."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--sample", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--half", type=int, choices=(0, 1), help="only every other row")
    options = parser.parse_args()
    change = find(options.name)
    labels = rows(options.files)
    if options.half is not None:
        labels = dict(list(labels.items())[options.half :: 2])
    changed = {text: change(text, generator(options.seed, text)) for text in labels}
    changed = {text: after for text, after in changed.items() if after != text}
    contract = change.contract
    assert isinstance(contract, Changing)  # noqa: S101 - of the three perturbations above
    for number, text in enumerate(drawn(list(changed), options.sample, options.seed), start=1):
        label = contract.relabel(labels[text], list(LABELS.values()))
        print(f"{number:3} {label}: {changed[text]}\n    before: {text}")
    share = len(changed) / max(1, len(labels))
    sys.stderr.write(f"{change.name}: {len(changed)} of {len(labels)} changed, {share:.1%}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
