"""Finds the sites of a perturbation in a text, chooses among them and edits the chosen ones."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from pytest_ood.data.edits import Edit, edits_between
from pytest_ood.errors import shown
from pytest_ood.languages import ENGLISH
from pytest_ood.perturbations._articles import with_articles

if TYPE_CHECKING:
    from random import Random

    from pytest_ood.languages import Language

T = TypeVar("T")
Span = tuple[int, int]


class WrongAnswerError(TypeError):
    """A perturbation's function returned a wrong value; the message says which are allowed."""


@dataclass(frozen=True)
class CharacterRuns:
    """Sites that are letters inside runs of letters, or the gaps between them; found run by run.

    Attributes:
        run: Matches a whole run.
        letter: Matches one letter, which is one character in ASCII text.
        margin: The number of letters at both ends of a run that are no sites; a gap has at least so
            many on both sides.
        gaps: Whether the sites are the empty gaps before letters.
        excluded: Matches spans without sites; None for no such spans.
    """

    run: re.Pattern[str]
    letter: re.Pattern[str]
    margin: int = 0
    gaps: bool = False
    excluded: re.Pattern[str] | None = None

    @property
    def site(self) -> re.Pattern[str]:
        """Matches a site, at the position where it begins."""
        return _NOTHING if self.gaps else self.letter

    def starts(self, text: str) -> list[int]:
        """Return the positions at which sites begin."""
        starts = self._all_starts(text)
        for excluded in self.excluded.finditer(text) if self.excluded else ():
            del starts[bisect_left(starts, excluded.start()) : bisect_left(starts, excluded.end())]
        return starts

    def _all_starts(self, text: str) -> list[int]:
        starts: list[int] = []
        head, tail = self.margin, self.margin - self.gaps
        # A letter of ASCII text is one character: positions follow from the run's span.
        if text.isascii():
            for match in self.run.finditer(text):
                starts += range(match.start() + head, match.end() - tail)
            return starts
        for match in self.run.finditer(text):
            letters = [letter.start() for letter in self.letter.finditer(text, *match.span())]
            starts += letters[head : len(letters) - tail]
        return starts


_NOTHING = re.compile("")

Sites = re.Pattern[str] | CharacterRuns | Callable[[str], Iterable[re.Match[str]]]


@dataclass(frozen=True)
class LocalSites:
    """Sites that depend on the language of the text.

    Attributes:
        english: Those of English.
        of: Returns those of another language.
    """

    english: Sites
    of: Callable[[Language], Sites]

    def in_language(self, language: Language) -> Sites:
        """Return the sites of a language."""
        return self.english if language.code == "en" else self.of(language)


def _sites_in(sites: Sites | LocalSites, language: Language) -> Sites:
    """Return the sites of a language; those that depend on none as they are."""
    return sites.in_language(language) if isinstance(sites, LocalSites) else sites


class EditMethod(Protocol):
    """Computes the edits of one text."""

    @property
    def function(self) -> Callable[..., Any]:
        """The function that changes a site; its keyword parameters are the perturbation's."""
        ...

    def edits(
        self,
        text: str,
        rng: Random,
        share: float,
        protected: Sequence[Span],
        parameters: Mapping[str, Any],
    ) -> tuple[Edit, ...]:
        """Return the edits, in order and without overlaps.

        Args:
            text: The text to perturb.
            rng: The source of all randomness.
            share: The share of the sites to change, in (0, 1].
            protected: Spans that stay unchanged, in order and without overlaps.
            parameters: The parameters of the function.
        """
        ...

    def in_language(self, language: Language) -> EditMethod:
        """Return the method for texts in a language."""
        ...


@dataclass(frozen=True)
class PerSite:
    """Changes the chosen sites one by one."""

    sites: Sites | LocalSites
    function: Callable[..., str | None]

    def in_language(self, language: Language) -> PerSite:
        """Return the method with the sites of a language."""
        return replace(self, sites=_sites_in(self.sites, language))

    def edits(
        self,
        text: str,
        rng: Random,
        share: float,
        protected: Sequence[Span],
        parameters: Mapping[str, Any],
    ) -> tuple[Edit, ...]:
        """Return the edits, in order and without overlaps."""
        sites, match_at = _free_sites(_sites_in(self.sites, ENGLISH), text, protected)
        remaining = len(sites) - how_many(len(sites), share, rng)
        edits: list[Edit] = []
        # A chosen site that the function leaves as it is counts, so that the share stays right on
        # average; but drawing goes on until the text has at least one edit.
        change, random = self.function, rng.random
        count = len(sites)
        while count > remaining or (count and not edits):
            # The same as `taken`, inlined: a call per letter took a tenth of the time.
            index = int(random() * count)
            count -= 1
            site, sites[index] = sites[index], sites[count]
            match = match_at(site)
            before = match[0]
            after = change(match, rng, **parameters)
            if after is not None and after != before:
                if not isinstance(after, str):
                    raise WrongAnswerError(_returned(after, f"the site {shown(before)}", _SITE))
                edits.append(Edit(*match.span(), before, after))
        return tuple(sorted(edits, key=_span_of))


@dataclass(frozen=True)
class BatchedSites:
    """Changes all chosen sites of a text in one call."""

    sites: Sites | LocalSites
    function: Callable[..., Sequence[str | None]]

    def in_language(self, language: Language) -> BatchedSites:
        """Return the method with the sites of a language."""
        return replace(self, sites=_sites_in(self.sites, language))

    def edits(
        self,
        text: str,
        rng: Random,
        share: float,
        protected: Sequence[Span],
        parameters: Mapping[str, Any],
    ) -> tuple[Edit, ...]:
        """Return the edits, in order and without overlaps."""
        sites, match_at = _free_sites(_sites_in(self.sites, ENGLISH), text, protected)
        chosen = [match_at(site) for site in sorted(_chosen(sites, share, rng))]
        changed = self.function(chosen, rng, **parameters) if chosen else []
        _check_batch(changed, len(chosen))
        return tuple(
            Edit(match.start(), match.end(), match.group(), after)
            for match, after in zip(chosen, changed, strict=True)
            if after is not None and after != match.group()
        )


@dataclass(frozen=True)
class WholeText:
    """Changes a whole text, or proposes edits to it, of which a share is made."""

    function: Callable[..., str | Iterable[Edit]]

    def in_language(self, language: Language) -> WholeText:
        """Return the method: its function searches the text itself."""
        del language
        return self

    def edits(
        self,
        text: str,
        rng: Random,
        share: float,
        protected: Sequence[Span],
        parameters: Mapping[str, Any],
    ) -> tuple[Edit, ...]:
        """Return the edits, in order and without overlaps."""
        changed = self.function(text, rng, **parameters)
        edits = [
            edit
            for edit in (
                edits_between(text, changed)
                if isinstance(changed, str)
                else checked_edits(text, changed)
            )
            if not protected or not _touches(edit.start, edit.end, protected)
        ]
        if share >= 1.0:
            return tuple(edits)
        return tuple(sorted(_chosen(edits, share, rng), key=_span_of))


@dataclass(frozen=True)
class WithArticles:
    """Makes the edits of another method, and adapts the articles before them.

    Attributes:
        method: The other method.
    """

    method: EditMethod

    def in_language(self, language: Language) -> EditMethod:
        """Return the other method for texts in a language; articles are those of English."""
        method = self.method.in_language(language)
        return replace(self, method=method) if language.code == "en" else method

    @property
    def function(self) -> Callable[..., Any]:
        """The function of the other method."""
        return self.method.function

    def edits(
        self,
        text: str,
        rng: Random,
        share: float,
        protected: Sequence[Span],
        parameters: Mapping[str, Any],
    ) -> tuple[Edit, ...]:
        """Return the edits; one whose article is protected is not made."""
        edits = self.method.edits(text, rng, share, protected, parameters)
        return tuple(
            agreed
            for edit, agreed in zip(edits, with_articles(text, edits), strict=True)
            if agreed == edit or not _touches(agreed.start, agreed.end, protected)
        )


@dataclass(frozen=True)
class Indivisible:
    """Makes all edits of another method or none, where a part of them would not change the label.

    Attributes:
        method: The other method.
    """

    method: EditMethod

    def in_language(self, language: Language) -> Indivisible:
        """Return the method for texts in a language."""
        return replace(self, method=self.method.in_language(language))

    @property
    def function(self) -> Callable[..., Any]:
        """The function of the other method."""
        return self.method.function

    def edits(
        self,
        text: str,
        rng: Random,
        share: float,
        protected: Sequence[Span],
        parameters: Mapping[str, Any],
    ) -> tuple[Edit, ...]:
        """Return the edits, whatever the share; none where one touches a protected span."""
        del share
        edits = self.method.edits(text, rng, 1.0, (), parameters)
        if protected and any(_touches(edit.start, edit.end, protected) for edit in edits):
            return ()
        return edits


_SITE = "a site becomes a text, or stays as it is for None"
_WHOLE = "it returns the changed text, or a list of the edits (pytest_ood.data.edits.Edit) to it"


def _returned(value: object, where: str, allowed: str) -> str:
    what = "None" if value is None else f"{shown(value)}, of type {type(value).__name__}"
    return f"returned {what}{f', for {where}' if where else ''}; {allowed}"


def checked_text(changed: object, allowed: str) -> str:
    """Return the text that a function returned.

    Raises:
        WrongAnswerError: it is no text; the message says what is allowed.
    """
    if not isinstance(changed, str):
        raise WrongAnswerError(_returned(changed, "", allowed))
    return changed


def _check_batch(changed: object, count: int) -> None:
    """Check that a function returned a list of a text, or None, for each site.

    Raises:
        WrongAnswerError: it returned anything else; the message says what.
    """
    allowed = f"it returns a list of a text, or None, for each of {count} sites"
    if isinstance(changed, str) or not isinstance(changed, Sequence):
        raise WrongAnswerError(_returned(changed, "", allowed))
    if len(changed) != count:
        raise WrongAnswerError(f"returned a list of {len(changed)}; {allowed}")
    for after in changed:
        if not isinstance(after, str | None):
            raise WrongAnswerError(_returned(after, "a site", allowed))


def checked_edits(text: str, proposed: object) -> tuple[Edit, ...]:
    """Return the edits of a text that a function proposed.

    Raises:
        WrongAnswerError: they are none, not of this text, or not in order and without overlaps.
    """
    if isinstance(proposed, bytes | Mapping) or not isinstance(proposed, Iterable):
        raise WrongAnswerError(_returned(proposed, "", _WHOLE))
    position, edits = 0, []
    for edit in proposed:
        if not isinstance(edit, Edit):
            raise WrongAnswerError(_returned(edit, "an edit", _WHOLE))
        prefix = f"returned the edit {shown(edit)}"
        if not isinstance(edit.after, str):
            raise WrongAnswerError(f"{prefix}, whose `after` is no text")
        try:
            edit.after.encode()
        except UnicodeEncodeError:
            raise WrongAnswerError(
                f"{prefix}, which has a lone surrogate, and no encoding can write one"
            ) from None
        if not 0 <= edit.start <= edit.end <= len(text):
            raise WrongAnswerError(
                f"{prefix}, which is out of range: the text has {len(text):,} characters, and an "
                "edit lies inside it"
            )
        if text[edit.start : edit.end] != edit.before:
            raise WrongAnswerError(
                f"{prefix}, whose `before` differs from the text: "
                f"{shown(text[edit.start : edit.end])}"
            )
        if edit.start < position:
            raise WrongAnswerError(
                f"{prefix}, which begins before the end of the one before it ({position}); edits "
                "are in order and do not overlap"
            )
        position = edit.end
        edits.append(edit)
    return tuple(edits)


def _chosen(items: Sequence[T], share: float, rng: Random) -> list[T]:
    """Return the chosen share of items, in random order; see `how_many`."""
    wanted = how_many(len(items), share, rng)
    return [item for item, _ in zip(in_random_order(items, rng), range(wanted), strict=False)]


_span_of = attrgetter("start", "end")


def how_many(count: int, share: float, rng: Random) -> int:
    """Return how many of `count` sites are chosen: the share on average, but at least one.

    Rounding is random, so that short texts get the share on average too; for one `rng` the number
    does not fall as the share rises.
    """
    return min(count, max(1, int(share * count + rng.random()))) if count else 0


def in_random_order(items: Sequence[T], rng: Random) -> Iterator[T]:
    """Yield items in random order; a caller may draw from the generator between two of them."""
    remaining = list(items)
    while remaining:
        yield taken(remaining, rng)


def taken(items: list[T], rng: Random) -> T:
    """Remove a random item from a list and return it; the last item takes its index."""
    index = int(rng.random() * len(items))
    last = items.pop()
    if index == len(items):
        return last
    item, items[index] = items[index], last
    return item


def _free_sites(
    sites: Sites, text: str, protected: Sequence[Span]
) -> tuple[list[int], Callable[[int], re.Match[str]]]:
    """Find the sites of a text that touch no protected span.

    Returns:
        An integer for each site, in the order of the text, and a function from it to the match.
    """
    # Positions rather than matches: the garbage collector would walk through a hundred thousand
    # match objects again and again.
    if isinstance(sites, CharacterRuns):
        starts = sites.starts(text)
        match_at = cast("Callable[[int], re.Match[str]]", partial(sites.site.match, text))
        if protected:
            starts = [start for start in starts if not _touches(*match_at(start).span(), protected)]
        return starts, match_at
    if isinstance(sites, re.Pattern):
        all_matches = sites.finditer(text)
        if protected:
            starts = [m.start() for m in all_matches if not _touches(*m.span(), protected)]
        else:
            # 1.5 times as fast as a comprehension.
            starts = list(map(re.Match.start, all_matches))
        if len(set(starts)) == len(starts):
            return starts, cast("Callable[[int], re.Match[str]]", partial(sites.match, text))
    matches = [
        match
        for match in (sites.finditer(text) if isinstance(sites, re.Pattern) else sites(text))
        if not protected or not _touches(*match.span(), protected)
    ]
    return list(range(len(matches))), matches.__getitem__


def _touches(start: int, end: int, protected: Sequence[Span]) -> bool:
    """Return whether a span overlaps a protected one; an insertion also at its edge."""
    index = bisect_right(protected, (start, float("inf"))) - 1
    nearby = protected[max(0, index) : index + 2]
    if start == end:
        return any(low <= start <= high for low, high in nearby)
    # A span may reach over more than two protected ones, but then it overlaps the nearest too.
    return any(start < high and low < end for low, high in nearby)
