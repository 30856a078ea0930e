"""List perturbations and attacks: what each changes, what it promises and what it needs."""

from __future__ import annotations

import json
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING, Any, get_args

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.languages import find_language, languages
from pytest_ood.perturbations import catalogue, find
from pytest_ood.perturbations.adversarial import Recipe, attacks
from pytest_ood.perturbations.protocol import MAX_SEVERITY, Kind
from pytest_ood.utils.seeding import generator

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pytest_ood.languages import Fits, Language
    from pytest_ood.perturbations import Generator

EXAMPLE = "python -m pytest_ood perturbations --kind register"
WIDTH = 100
ADVERSARIAL = "adversarial"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument(
        "--kind", choices=(*get_args(Kind), ADVERSARIAL), help="only those of a kind"
    )
    parser.add_argument(
        "--language", metavar="TAG", type=str, help="only those that fit a language, such as de"
    )
    parser.add_argument("--json", action="store_true", help="write JSON")


def run(options: argparse.Namespace) -> int:
    """Write the list.

    Raises:
        ConfigurationError: there is no perturbation of a given name, or no such language.
    """
    language = None if options.language is None else find_language(options.language)
    listed = [
        entry for entry in _chosen(options.names, language) if options.kind in (None, entry["kind"])
    ]
    if options.json:
        sys.stdout.write(json.dumps(listed, indent=2) + "\n")
        return 0
    for entry in listed:
        sys.stdout.write("\n".join(_lines(entry)) + "\n\n")
    kinds = Counter(entry["kind"] for entry in listed)
    entries = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    sys.stdout.write(f"{len(listed)} perturbations and attacks: {entries}\n")
    return 0


def _chosen(wanted: Sequence[str], language: Language | None) -> list[dict[str, Any]]:
    """Describe what was named, or everything there is, if it fits a language."""
    recipes = {name: one for name, one in attacks().items() if isinstance(one, Recipe)}
    if not wanted:
        return [
            *(_described(one) for one in catalogue().values() if _fits(one, language)),
            *(_recipe(one) for one in recipes.values() if _fits(one, language)),
        ]
    names = [*catalogue(), *recipes]
    for name in wanted:
        if name not in names and ":" not in name:
            raise ConfigurationError(unknown_name("perturbation or attack", name, names))
    return [_recipe(recipes[n]) if n in recipes else _described(find(n)) for n in wanted]


def _recipe(recipe: Recipe) -> dict[str, Any]:
    """Return what there is to say of an attack, as plain values."""
    return {
        "name": recipe.name,
        "kind": ADVERSARIAL,
        "profile": recipe.profile,
        "does": recipe.does,
        "goal": recipe.goal.name,
        "transformation": recipe.transformation.name,
        "constraints": [
            *(rule.name for rule in recipe.rules),
            *(constraint.fingerprint for constraint in recipe.constraints),
        ],
        "search": recipe.search.name,
        "needs_scores": recipe.search.needs_scores,
        "parameters": recipe.parameters,
        "languages": _languages(recipe.languages),
        "needs": recipe.needs,
        "source": recipe.source,
        "deviations": recipe.deviations,
        "version": recipe.version,
    }


def _described(generator: Generator) -> dict[str, Any]:
    """Return the description of a perturbation as plain values."""
    filter_ = getattr(generator.contract, "filter", None)
    return {
        "name": generator.name,
        "kind": generator.kind,
        "contract": generator.contract.name,
        "filter": None if filter_ is None else filter_.fingerprint,
        "does": generator.doc,
        "severities": {str(n): generator.at(n).share for n in range(1, MAX_SEVERITY + 1)},
        "parameters": {k: v for k, v in generator.defaults.items() if k != "share"},
        "languages": _languages(generator.languages),
        "needs": generator.needs,
        "source": generator.source,
        "version": generator.version,
        "example": {"before": generator.example, "after": _example(generator)},
    }


def _fits(one: Generator | Recipe, language: Language | None) -> bool:
    """Return whether something fits a language; everything fits None."""
    return language is None or one.languages.accepts(language)


def _languages(fits: Fits) -> list[str]:
    """Return the tags of the languages that something fits."""
    return [code for code, language in languages().items() if fits.accepts(language)]


def _example(perturbation: Generator) -> str | None:
    """Return the perturbed example; None if the perturbation needs more than this package."""
    return (
        None
        if perturbation.needs
        else perturbation.in_example_language()(
            perturbation.example, generator(0, perturbation.name)
        )
    )


def _recipe_lines(entry: dict[str, Any]) -> list[str]:
    rows = [
        ("goal", entry["goal"]),
        ("transformation", entry["transformation"]),
        ("constraints", "; ".join(entry["constraints"]) or "none"),
        ("search", entry["search"] + ("; needs scores" if entry["needs_scores"] else "")),
        *((key, repr(value)) for key, value in entry["parameters"].items()),
        ("languages", _language_row(entry)),
        *([("needs", entry["needs"])] if entry["needs"] else []),
        ("source", entry["source"]),
        ("other than there", entry["deviations"]),
    ]
    return [
        f"{entry['name']}  [{ADVERSARIAL}, {entry['profile']}]",
        f"  {entry['does']}",
        *_rows(rows),
    ]


def _language_row(entry: dict[str, Any]) -> str:
    """Return the languages of an entry, as text."""
    return "any" if len(entry["languages"]) == len(languages()) else " ".join(entry["languages"])


def _rows(rows: Sequence[tuple[str, str]]) -> list[str]:
    return [
        line
        for key, value in rows
        for line in textwrap.wrap(
            f"{key}: {value}",
            WIDTH,
            initial_indent="  ",
            subsequent_indent="    ",
            break_on_hyphens=False,
        )
    ]


def _lines(entry: dict[str, Any]) -> list[str]:
    if entry["kind"] == ADVERSARIAL:
        return _recipe_lines(entry)
    contract = entry["contract"] + (f" ({entry['filter']})" if entry["filter"] else "")
    shares = " ".join(f"{share:g}" for share in entry["severities"].values())
    lines = [f"{entry['name']}  [{entry['kind']}, {contract}]", f"  {entry['does']}"]
    rows = [("shares of sites at severity 1-5", shares)]
    rows += [(key, repr(value)) for key, value in entry["parameters"].items()]
    rows.append(("languages", _language_row(entry)))
    rows += [("needs", entry["needs"])] if entry["needs"] else []
    rows.append(("source", entry["source"]))
    rows.append(("before", entry["example"]["before"]))
    if entry["example"]["after"] is not None:
        # Invisible characters are what some perturbations are about.
        after = "".join(
            c if c.isprintable() else f"\\u{ord(c):04x}" for c in entry["example"]["after"]
        )
        rows.append(("after", after))
    return lines + _rows(rows)
