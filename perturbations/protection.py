"""Protected spans: pieces of a text that no perturbation touches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = {
    "urls": r"(?:https?://|www\.)[^\s<>]*[^\s<>.,;:!?)\]'\"]|[\w.+-]+@[\w-]+(?:\.[\w-]+)+",
    "numbers": r"[+-]?\d[\d.,:/\u00a0%-]*\d%?|\d%?",
    "code": r"```[\s\S]*?```|`[^`\n]+`",
    # Without a tagger: capitalised words that do not begin a sentence, and what follows on them.
    "entities": r"(?<![.!?:]\s)(?<!^)(?<!\n)\b[A-Z][\w'\u2019-]*(?: [A-Z][\w'\u2019-]*)*",
}
"""What can be named, and the regular expression behind it."""

LABELS = "labels"
"""Names the words of the task's labels, which the suite puts in the place of the name."""


@dataclass(frozen=True)
class Protection:
    """Some kinds of spans.

    Attributes:
        kinds: Names out of `KINDS`.
        patterns: Regular expressions of one's own.
        words: Words that are protected wherever they stand alone, in any case.
    """

    kinds: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    words: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check the names and the regular expressions.

        Raises:
            ConfigurationError: an unknown name, or no regular expression.
        """
        for kind in self.kinds:
            if kind not in KINDS:
                raise ConfigurationError(
                    "protect: "
                    + unknown_name("kind of span", kind, [*KINDS, LABELS])
                    + " A regular expression stands between slashes: '/.../'."
                )
        for pattern in self.patterns:
            try:
                re.compile(pattern)
            except re.error as error:
                raise ConfigurationError(
                    f"protect: /{pattern}/ is no regular expression: {error}"
                ) from None

    @property
    def fingerprint(self) -> str:
        """Everything that is protected."""
        patterns = (f"/{pattern}/" for pattern in sorted(self.patterns))
        return ", ".join([*sorted(self.kinds), *patterns, *map(repr, sorted(self.words))])

    def spans(self, text: str) -> list[tuple[int, int]]:
        """Return the protected spans of a text, in order, merged where they touch or overlap."""
        parts = [KINDS[kind] for kind in self.kinds] + list(self.patterns)
        if self.words:
            listed = "|".join(re.escape(word) for word in sorted(self.words, key=len, reverse=True))
            parts.append(rf"(?i:\b(?:{listed})\b)")
        found = sorted(
            match.span() for part in parts for match in re.finditer(part, text) if match.group()
        )
        merged: list[tuple[int, int]] = []
        for start, end in found:
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
            else:
                merged.append((start, end))
        return merged


def parse_protection(given: Sequence[str], labels: Sequence[str]) -> Protection | None:
    """Read a configuration's list: names of `KINDS`, `labels`, and `/regular expressions/`.

    Raises:
        ConfigurationError: names what is not known.
    """
    patterns = [g[1:-1] for g in given if len(g) > 2 and g[0] == g[-1] == "/"]  # noqa: PLR2004 - //
    kinds = [g for g in given if g != LABELS and not (g.startswith("/") and g.endswith("/"))]
    words = tuple(labels) if LABELS in given else ()
    if not given:
        return None
    return Protection(tuple(kinds), tuple(patterns), words)
