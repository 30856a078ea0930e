"""Markup: tags, entities, addresses and commands in a text, which are read as they are written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._literals import URL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

TAG = re.compile(r"</?[A-Za-z][^<>\n]{0,400}>")
"""A tag of HTML or XML, its attributes included."""

MARKUP = re.compile(
    rf"{TAG.pattern}|{URL}"
    r"|&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});"
    # A command of LaTeX, with the argument that is a name; a path of Windows looks like several.
    r"|\\(?:begin|end|ref|label|cite[a-z]{0,10}|usepackage|documentclass)\{[^{}\n]{0,100}\}"
    r"|\\[A-Za-z]+"
)
"""Tags, entities, addresses and commands of LaTeX."""


def outside(
    markup: re.Pattern[str], sites: re.Pattern[str] | Callable[[str], Iterable[re.Match[str]]]
) -> Callable[[str], Iterator[re.Match[str]]]:
    """Return a function from a text to those of its sites that overlap no markup."""
    find = sites.finditer if isinstance(sites, re.Pattern) else sites

    def sites_outside(text: str) -> Iterator[re.Match[str]]:
        """Yield the sites outside of markup."""
        spans = (match.span() for match in markup.finditer(text))
        start, end = next(spans, (len(text) + 1, len(text) + 1))
        for match in find(text):
            while end <= match.start():
                start, end = next(spans, (len(text) + 1, len(text) + 1))
            if match.end() <= start:
                yield match

    return sites_outside
