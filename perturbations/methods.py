"""How a perturbation finds its sites in a text, chooses among them and changes the chosen ones."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

from pytest_ood.edits import Edit, edits_between
from pytest_ood.errors import shown
from pytest_ood.perturbations._articles import with_articles

if TYPE_CHECKING:
    from random import Random

T = TypeVar("T")
Span = tuple[int, int]


class WrongAnswerError(TypeError):
    """A function of a perturbation returned what it must not; says what, and what is allowed."""


@dataclass(frozen=True)
class Inside:
    """Letters inside runs of them, or the gaps between these: fast, because found run by run.

    Attributes:
        run: Matches a whole run.
        letter: Matches any of its letters; of ASCII text that is one character.
        margin: Letters at both ends of a run that are no sites; of gaps, at least so many stand on
            both sides.
        gaps: Whether the sites are the gaps before letters: nothing stands there.
        kept: Matches what has no sites in it; None for nothing.
    """

    run: re.Pattern[str]
    letter: re.Pattern[str]
    margin: int = 0
    gaps: bool = False
    kept: re.Pattern[str] | None = None

    @property
    def site(self) -> re.Pattern[str]:
        """Matches at a place where a site begins."""
        return _NOTHING if self.gaps else self.letter

    def places(self, text: str) -> list[int]:
        """Return where the sites begin."""
        found = self._all_places(text)
        for kept in self.kept.finditer(text) if self.kept else ():
            del found[bisect_left(found, kept.start()) : bisect_left(found, kept.end())]
        return found

    def _all_places(self, text: str) -> list[int]:
        found: list[int] = []
        head, tail = self.margin, self.margin - self.gaps
        if text.isascii():
            for match in self.run.finditer(text):
                found += range(match.start() + head, match.end() - tail)
            return found
        for match in self.run.finditer(text):
            starts = [letter.start() for letter in self.letter.finditer(text, *match.span())]
            found += starts[head : len(starts) - tail]
        return found


_NOTHING = re.compile("")

Sites = re.Pattern[str] | Inside | Callable[[str], Iterable[re.Match[str]]]


class Method(Protocol):
    """Makes the edits of one text."""

    @property
    def function(self) -> Callable[..., Any]:
        """What changes a site; its keyword parameters are the perturbation's."""
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
            text: What is perturbed.
            rng: Decides.
            share: Of the sites that are changed, in (0, 1].
            protected: Spans that are left alone, in order and without overlaps.
            parameters: Of the function.
        """
        ...


@dataclass(frozen=True)
class Each:
    """Changes one chosen site after the other."""

    sites: Sites
    function: Callable[..., str | None]

    def edits(
        self,
        text: str,
        rng: Random,
        share: float,
        protected: Sequence[Span],
        parameters: Mapping[str, Any],
    ) -> tuple[Edit, ...]:
        """Return the edits, in order and without overlaps."""
        places, match_at = _free_sites(self.sites, text, protected)
        least = len(places) - how_many(len(places), share, rng)
        made: list[Edit] = []
        # A site where nothing comes of it counts as chosen, but the first change is looked for
        # until there is one.
        change, random = self.function, rng.random
        left = len(places)
        while left > least or (left and not made):
            # As `taken` does; a call for each letter would be a tenth of the time.
            number = int(random() * left)
            left -= 1
            place, places[number] = places[number], places[left]
            match = match_at(place)
            before = match[0]
            after = change(match, rng, **parameters)
            if after is not None and after != before:
                if not isinstance(after, str):
                    raise WrongAnswerError(_returned(after, f"the site {shown(before)}", _SITE))
                made.append(Edit(*match.span(), before, after))
        return tuple(sorted(made, key=_place))


@dataclass(frozen=True)
class Together:
    """Changes all chosen sites of a text at once."""

    sites: Sites
    function: Callable[..., Sequence[str | None]]

    def edits(
        self,
        text: str,
        rng: Random,
        share: float,
        protected: Sequence[Span],
        parameters: Mapping[str, Any],
    ) -> tuple[Edit, ...]:
        """Return the edits, in order and without overlaps."""
        places, match_at = _free_sites(self.sites, text, protected)
        chosen = [match_at(place) for place in sorted(_chosen(places, share, rng))]
        changed = self.function(chosen, rng, **parameters) if chosen else []
        _check_batch(changed, len(chosen))
        return tuple(
            Edit(match.start(), match.end(), match.group(), after)
            for match, after in zip(chosen, changed, strict=True)
            if after is not None and after != match.group()
        )


@dataclass(frozen=True)
class Whole:
    """Changes a whole text, or proposes edits to it, and makes a share of the edits."""

    function: Callable[..., str | Iterable[Edit]]

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
        found = [
            edit
            for edit in (
                edits_between(text, changed)
                if isinstance(changed, str)
                else checked_edits(text, changed)
            )
            if not protected or not _touches(edit.start, edit.end, protected)
        ]
        if share >= 1.0:
            return tuple(found)
        return tuple(sorted(_chosen(found, share, rng), key=_place))


@dataclass(frozen=True)
class WithArticles:
    """Changes what another method changes, and the articles before it.

    Attributes:
        method: Makes the edits.
    """

    method: Method

    @property
    def function(self) -> Callable[..., Any]:
        """What the other method calls."""
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
    """Makes all edits of another method or none: half of them would not change the label.

    Attributes:
        method: Makes the edits.
    """

    method: Method

    @property
    def function(self) -> Callable[..., Any]:
        """What the other method calls."""
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
_WHOLE = "it returns the changed text, or a list of the edits (pytest_ood.edits.Edit) to it"


def _returned(value: object, where: str, allowed: str) -> str:
    what = "None" if value is None else f"{shown(value)}, of type {type(value).__name__}"
    return f"returned {what}{f', for {where}' if where else ''}; {allowed}"


def checked_text(changed: object, allowed: str) -> str:
    """Return a text that a function returned.

    Raises:
        WrongAnswerError: it is none; the message says what is allowed.
    """
    if not isinstance(changed, str):
        raise WrongAnswerError(_returned(changed, "", allowed))
    return changed


def _check_batch(changed: object, count: int) -> None:
    """Refuse what is no list of a text, or None, for each site.

    Raises:
        WrongAnswerError: says what it is.
    """
    allowed = f"it returns a list of a text, or None, for each of {count} sites"
    if isinstance(changed, str) or not isinstance(changed, Sequence):
        raise WrongAnswerError(_returned(changed, "", allowed))
    if len(changed) != count:
        raise WrongAnswerError(f"returned a list of {len(changed)}; {allowed}")
    for after in changed:
        if not isinstance(after, str | None):
            raise WrongAnswerError(_returned(after, "a site", allowed))


def checked_edits(text: str, given: object) -> tuple[Edit, ...]:
    """Return the edits of a text that a function gives.

    Raises:
        WrongAnswerError: they are none, not of this text, or not in order and without overlaps.
    """
    if isinstance(given, bytes | Mapping) or not isinstance(given, Iterable):
        raise WrongAnswerError(_returned(given, "", _WHOLE))
    position, edits = 0, []
    for edit in given:
        if not isinstance(edit, Edit):
            raise WrongAnswerError(_returned(edit, "an edit", _WHOLE))
        at = f"returned the edit {shown(edit)}"
        if not isinstance(edit.after, str):
            raise WrongAnswerError(f"{at}, whose `after` is no text")
        try:
            edit.after.encode()
        except UnicodeEncodeError:
            raise WrongAnswerError(
                f"{at}, which has a lone surrogate, and no encoding can write one"
            ) from None
        if not 0 <= edit.start <= edit.end <= len(text):
            raise WrongAnswerError(
                f"{at}, which is out of range: the text has {len(text):,} characters, and an edit "
                "lies in it"
            )
        if text[edit.start : edit.end] != edit.before:
            raise WrongAnswerError(
                f"{at}, whose `before` is not what stands there: "
                f"{shown(text[edit.start : edit.end])}"
            )
        if edit.start < position:
            raise WrongAnswerError(
                f"{at}, which begins before the end of the one before it ({position}); edits stand "
                "in order and do not overlap"
            )
        position = edit.end
        edits.append(edit)
    return tuple(edits)


def _chosen(items: Sequence[T], share: float, rng: Random) -> list[T]:
    """Return the share of items that is changed, in random order; see `how_many`."""
    wanted = how_many(len(items), share, rng)
    return [item for item, _ in zip(in_random_order(items, rng), range(wanted), strict=False)]


_place = attrgetter("start", "end")


def how_many(count: int, share: float, rng: Random) -> int:
    """Return how many of `count` sites are chosen: the share on average, but at least one.

    Rounding is random, so that short texts get the share on average too; for one `rng` the number
    does not fall as the share rises.
    """
    return min(count, max(1, int(share * count + rng.random()))) if count else 0


def in_random_order(items: Sequence[T], rng: Random) -> Iterator[T]:
    """Yield items in random order; what is drawn between two of them is the caller's."""
    left = list(items)
    while left:
        yield taken(left, rng)


def taken(left: list[T], rng: Random) -> T:
    """Take a random item out of a list, in whose place the last one moves."""
    place = int(rng.random() * len(left))
    last = left.pop()
    if place == len(left):
        return last
    item, left[place] = left[place], last
    return item


def _free_sites(
    sites: Sites, text: str, protected: Sequence[Span]
) -> tuple[list[int], Callable[[int], re.Match[str]]]:
    """Find the sites of a text that touch no protected span.

    Returns:
        A number for each, rising with its place, and what gives the match of a number. A hundred
        thousand matches at once would have the garbage collector go through them again and again.
    """
    if isinstance(sites, Inside):
        places = sites.places(text)
        match_at = cast("Callable[[int], re.Match[str]]", partial(sites.site.match, text))
        if protected:
            places = [place for place in places if not _touches(*match_at(place).span(), protected)]
        return places, match_at
    if isinstance(sites, re.Pattern):
        matches = sites.finditer(text)
        if protected:
            places = [m.start() for m in matches if not _touches(*m.span(), protected)]
        else:
            # Half again as fast as a comprehension, and most texts are full of sites.
            places = list(map(re.Match.start, matches))
        if len(set(places)) == len(places):
            return places, cast("Callable[[int], re.Match[str]]", partial(sites.match, text))
    found = [
        match
        for match in (sites.finditer(text) if isinstance(sites, re.Pattern) else sites(text))
        if not protected or not _touches(*match.span(), protected)
    ]
    return list(range(len(found))), found.__getitem__


def _touches(start: int, end: int, protected: Sequence[Span]) -> bool:
    """Tell whether a span overlaps a protected one; an insertion may not stand at its edge."""
    place = bisect_right(protected, (start, float("inf"))) - 1
    nearby = protected[max(0, place) : place + 2]
    if start == end:
        return any(low <= start <= high for low, high in nearby)
    # A span may reach over more than two protected ones, but then it overlaps the nearest too.
    return any(start < high and low < end for low, high in nearby)
