"""Runs every perturbation in every language: what fits, what it changes, and what it breaks.

On sentences of each language, on everything that its file lists, and on texts of XED and XQuAD
where the folder with these sets is named, every perturbation that fits the language and needs no
model is run at severity 5. The rules that its outputs keep are those of `_damage.py`.

    python benchmarks/languages.py --data ../shared/data --before --write docs/languages.md
    python benchmarks/languages.py --examples --write docs/languages.md

Ends with status 1 where fewer perturbations fit a language than its script is promised, where one
that fits changes nothing, where one that does not fit can be run, or where a rule is broken. Takes
about five minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from _damage import KEPT, PROTECTED, broken_rules, has_kept
from _multilingual import chosen_languages, listed, real, sentences
from _tables import cell, conclude, put

from pytest_ood.errors import ConfigurationError
from pytest_ood.languages import find_language
from pytest_ood.perturbations import catalogue, fitting
from pytest_ood.perturbations.protocol import MAX_SEVERITY
from pytest_ood.utils.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_ood.languages import Language
    from pytest_ood.perturbations import Generator

PROMISED = {"Latn": 0.65, "Hans": 0.3, "Jpan": 0.3}
OTHERWISE = 0.45
"""The share of the catalogue that fits a language, by the code of its script."""

BEFORE = {
    "Latn": "33-34 (50 %)",
    "Cyrl": "8-9 (13 %)",
    "Grek": "8-9 (13 %)",
    "Arab": "8-9 (13 %)",
    "Hebr": "8-9 (13 %)",
    "Deva": "8-9 (13 %)",
    "Thai": "8-9 (13 %)",
    "Kore": "8-9 (13 %)",
    "Hans": "3 (5 %)",
    "Jpan": "3 (5 %)",
}
MEASURED_BEFORE = {
    "de", "fr", "es", "tr", "pl", "ru", "el", "ar", "he", "hi", "th", "ko", "zh", "ja",
}  # fmt: skip
"""Of the 66 perturbations that there were when all were of English, those that fitted a language
and changed its texts, as counted then: this script cannot run them any more."""

SEEDS = 3

EXAMPLES = {
    "de": ("keyboard", "letter-variants", "contract", "code-mixing"),
    "fr": ("strip-diacritics", "social-media", "homophones", "upper-case"),
    "es": ("insert-character", "write-out", "fillers"),
    "pl": ("swap", "abbreviate"),
    "tr": ("upper-case", "substitute-character", "social-media"),
    "vi": ("letter-variants", "transliterate"),
    "ru": ("keyboard", "transcript", "transliterate", "homoglyphs"),
    "el": ("homophones", "add-diacritics"),
    "ar": ("letter-variants", "delete-character", "transliterate"),
    "fa": ("keyboard", "merge-words"),
    "he": ("keyboard", "insert-character"),
    "hi": ("substitute-character", "letter-variants", "transliterate"),
    "bn": ("swap",),
    "ta": ("delete-character",),
    "th": ("keyboard", "fillers"),
    "ko": ("drop-particles", "substitute-character", "merge-words"),
    "zh": ("homophones", "letter-variants"),
    "ja": ("full-width", "drop-particles"),
}
"""What is shown, at severity 3."""


@dataclass
class Found:
    """What the perturbations did to the texts of a language.

    Attributes:
        language: The language.
        fits: How many fit it.
        asks: Those of them that ask a model, and were not run.
        changed: Those that changed a text.
        idle: Those that changed none.
        damage: What they broke, by perturbation and rule.
    """

    language: Language
    fits: int
    asks: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    idle: list[str] = field(default_factory=list)
    damage: dict[tuple[str, str], str] = field(default_factory=dict)

    @property
    def share(self) -> float:
        """The share of the catalogue that fits."""
        return self.fits / len(catalogue())

    def missed(self) -> Iterator[str]:
        """Yield what the language was promised, and has not."""
        code = self.language.code
        promised = PROMISED.get(self.language.script.code, OTHERWISE)
        if self.share < promised:
            yield f"{code}: {self.share:.0%} fit, not {promised:.0%}"
        if self.idle:
            yield f"{code}: fit, and change nothing: {', '.join(self.idle)}"
        for name, change in catalogue().items():
            if not change.languages.accepts(self.language) and can_run(change, self.language):
                yield f"{code}: {name} does not fit, and can be run"
        for (name, rule), what in self.damage.items():
            yield f"{code}: {name} breaks {rule}: {what}"

    def row(self, *, before: bool) -> str:
        """Return the language's line of the table."""
        script = self.language.script
        cells = [f"{self.language.name} (`{self.language.code}`)", script.name]
        if before:
            known = BEFORE[script.code] if self.language.code in MEASURED_BEFORE else ""
            cells.append("52 (79 %)" if self.language.code == "en" else known)
        run = len(self.changed) + len(self.idle)
        damaged = len({name for name, _ in self.damage})
        cells += [
            f"{self.fits} ({self.share:.0%})".replace("%", " %"),
            f"{len(self.changed)} of {run}",
            str(damaged),
        ]
        return f"| {' | '.join(cells)} |"


def can_run(change: Generator, language: Language) -> bool:
    """Return whether a perturbation takes texts of a language."""
    try:
        change.in_language(language)
    except ConfigurationError:
        return False
    return True


def measure(language: Language, names: list[str], data: Path | None, size: int) -> Found:
    """Run what fits a language on its texts."""
    found = Found(language, len(fitting(language)))
    own = sentences(language)
    others = [*listed(language), *(real(data, language.code, size) if data else ())]
    for name, change in fitting(language).items():
        if names and name not in names:
            continue
        if change.models:
            found.asks.append(name)
            continue
        local = change.in_language(language).at(MAX_SEVERITY)
        # All are looked at, also behind the first that is changed.
        changed = [look(local, text, seed, found) for text in own for seed in range(SEEDS)]
        changed += [look(local, text, 0, found) for text in others]
        (found.changed if any(changed) else found.idle).append(name)
        for text in own:
            after = local.keeping(KEPT)(text, generator(0, name, text))
            if not has_kept(text, after):
                found.damage.setdefault((name, PROTECTED), repr(text))
    return found


def look(change: Generator, text: str, seed: int, found: Found) -> bool:
    """Perturb a text, note what is broken, and return whether it was changed."""
    edits = change.edits(text, generator(seed, change.name, text))
    for rule, what in broken_rules(change.name, found.language, text, edits):
        found.damage.setdefault((change.name, rule), what)
    return bool(edits)


def table(all_found: list[Found], *, before: bool, note: str) -> str:
    """Return the table of all languages, and what is behind its figures."""
    heads = ["language", "script", *(["before"] if before else []), "fits", "changed", "damaged"]
    asks = sorted({f"`{name}`" for found in all_found for name in found.asks})
    damage = [
        f"* `{found.language.code}`, `{name}`: {rule}"
        for found in all_found
        for name, rule in found.damage
    ]
    return "\n".join(
        [
            f"{len(catalogue())} perturbations, severity {MAX_SEVERITY}; {note}.",
            "",
            f"| {' | '.join(heads)} |",
            "|---" * len(heads) + "|",
            *(found.row(before=before) for found in all_found),
            "",
            "Not run, as they ask a model: " + (", ".join(asks) or "none") + ".",
            *(["", *damage] if damage else []),
        ]
    )


def examples() -> str:
    """Return the table of examples: the first sentence of a language that each changes."""
    lines = ["| language | perturbation | text | severity 3 |", "|---|---|---|---|"]
    for code, names in EXAMPLES.items():
        language = find_language(code)
        for name in names:
            change = catalogue()[name].in_language(language)
            pairs = ((text, change(text, generator(0, name, text))) for text in sentences(language))
            text, after = next((pair for pair in pairs if pair[0] != pair[1]), ("", ""))
            lines.append(f"| {language.name} | `{name}` | {cell(text)} | {cell(after)} |")
    return "\n".join(lines)


def main() -> int:
    """Run everything, and print or write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("languages", nargs="*", help="only these, by their tags")
    parser.add_argument("--only", nargs="*", default=[], help="only these perturbations")
    parser.add_argument("--data", type=Path, help="a folder with the data sets xed and xquad")
    parser.add_argument("--texts", type=int, default=200, help="of a data set, in each language")
    parser.add_argument("--before", action="store_true", help="with the figures of before")
    parser.add_argument("--examples", action="store_true", help="the examples instead")
    parser.add_argument("--write", type=Path, help="put it between the marks of this file")
    options = parser.parse_args()
    if options.examples:
        text, missed, mark = examples(), [], f"{Path(__file__).name} --examples"
    else:
        all_found = []
        for language in chosen_languages(options.languages):
            all_found.append(measure(language, options.only, options.data, options.texts))
            sys.stderr.write(all_found[-1].row(before=False) + "\n")
        sets = f", {options.texts} texts of XED or XQuAD where these have the language"
        note = f"sentences of each language, what its file lists{sets if options.data else ''}"
        text = table(all_found, before=options.before, note=note)
        missed = [claim for found in all_found for claim in found.missed()]
        mark = Path(__file__).name
    if options.write is None:
        print(text)
    else:
        put(options.write, mark, text)
    return conclude(missed)


if __name__ == "__main__":
    sys.exit(main())
