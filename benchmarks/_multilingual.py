"""Texts in many languages: sentences written for the scripts, and the public data sets beside them.

`languages/sentences.jsonl` has sentences with names, numbers, dates, quotation marks and letters
that each language has of its own, and three options of a question. XED (Oehman et al. 2020) and
XQuAD (Artetxe et al. 2020) are read where they are.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import regex

from pytest_ood.languages import Language, languages

_SENTENCES = Path(__file__).parent / "languages" / "sentences.jsonl"
_MAPPINGS = ("contractions", "abbreviations", "messages", "homophones", "code_mixed")
_LISTS = ("fillers", "interjections", "sentences")
_AT_ONCE = 8
_MARK = regex.compile(r"\p{M}")


@cache
def _own() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in _SENTENCES.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found.setdefault(row["language"], []).append(row["text"])
    return found


def sentences(language: Language) -> list[str]:
    """Return the sentences written for a language; else those that its facts have."""
    return _own().get(language.code) or list(language.sentences)


def entries(language: Language) -> list[str]:
    """Return the words, phrases and sentences that are listed of a language."""
    found: list[str] = []
    for fact in _MAPPINGS:
        for key, values in getattr(language, fact).items():
            found += (key, *values)
    for fact in _LISTS:
        found += getattr(language, fact)
    # A mark alone is no text.
    return [one for one in dict.fromkeys(found) if not _MARK.match(one)]


def listed(language: Language) -> list[str]:
    """Return texts of everything that is listed of a language, also with capitals."""
    found = entries(language)
    if language.script.cased:
        found += [one.upper() for one in found] + [one[:1].upper() + one[1:] for one in found]
    return [" - ".join(found[n : n + _AT_ONCE]) for n in range(0, len(found), _AT_ONCE)]


def xed(folder: Path, code: str) -> list[tuple[str, frozenset[int]]]:
    """Return the sentences of XED in a language, each with its emotions; none if it has none.

    Args:
        folder: Has `de-projections.tsv` and so on.
        code: The language's tag.
    """
    lines = [
        line
        for path in folder.glob(f"{code}-*.tsv")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    rows = [line.rpartition("\t") for line in lines]
    return [
        (text, frozenset(map(int, emotions.split(","))))
        for text, _, emotions in rows
        if emotions.replace(",", "").replace(" ", "").isdigit()
    ]


def xquad(folder: Path, code: str) -> list[tuple[str, str]]:
    """Return the questions of XQuAD in a language, each with its article; none if it has none.

    Args:
        folder: Has `xquad.ar.json` and so on.
        code: The language's tag.
    """
    path = folder / f"xquad.{code}.json"
    if not path.is_file():
        return []
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    return [
        (asked["question"], str(number))
        for number, article in enumerate(articles)
        for paragraph in article["paragraphs"]
        for asked in paragraph["qas"]
    ]


def real(data: Path, code: str, count: int) -> list[str]:
    """Return texts of XED or XQuAD in a language, evenly from the whole set; none without a set."""
    texts = [text for text, _ in xed(data / "xed", code) or xquad(data / "xquad", code)]
    return texts[:: max(1, len(texts) // count)][:count] if count else []


def chosen_languages(codes: list[str]) -> list[Language]:
    """Return the languages of these tags; all for none."""
    return [language for code, language in languages().items() if not codes or code in codes]
