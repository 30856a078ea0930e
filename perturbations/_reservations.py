"""Detects words beside a verdict that take it back, or show that it is none.

A main clause that does not assert it ("I doubt it is good"), a complement after it that says what
is good about it ("a great film to sleep through", "great that it ended"), a subject
that is bad whatever is said of it ("the war was horrible").
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.perturbations._clauses import MARKS, NEGATIONS, SENTENCE_ENDS, sentences, word_at
from pytest_ood.perturbations._sentiment import evaluates, listed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from collections.abc import Set as AbstractSet

    from pytest_ood.perturbations._clauses import Token

_BREAKS = MARKS | {"and", "or", "but"}
_ALWAYS_SUBJECTS = frozenset(("i", "we", "he", "she", "they"))
_SUBJECTS = _ALWAYS_SUBJECTS | {"you", "it"}
_POSSESSIVES = listed("my your his her its our their")
_DETERMINERS = _POSSESSIVES | listed("the a an this that these those")
_STARTS = _SUBJECTS | _DETERMINERS | listed("there people")
"""Words with which a clause may begin, as its subject."""

_BE = listed("is are was were am be been 's 're 'm")
_AUXILIARIES = _BE | listed("has have had do does did will can wo ca 've 'll")
_AFFIRMING = listed(
    """
think thought know knew known swear swore find found feel felt see saw seen realize realized realise
realised notice noticed discover discovered learn learned agree agreed confirm confirmed guarantee
guaranteed admit admitted confess sure certain true clear obvious evident fact
"""
)
"""Words above a clause that say that it is so."""

_LINKS = listed(
    """
about above across after along although among around as at because behind beneath beside between by
during for from here in inside into like near now of off on once onto out outside over overall plus
since so then through throughout thru to today toward towards under until up upon while with
yet again both all
"""
)
"""Words before a noun phrase that no clause depends on."""

_CONSUMING = listed(
    "watch see read eat use hear own drive wear play experience behold listen look visit stay"
)
_OBJECTS = frozenset(("me", "us", "him", "them", "other", "others", "all", "any"))
_SUPERLATIVES = frozenset(("best", "worst", "finest"))
_ASPECTS = listed("thing things aspect aspects feature features point side news idea")
_FELT = frozenset(("glad", "happy", "unhappy", "proud"))

_BAD_THINGS = listed(
    """
abuse accident accidents addiction attack attacks bombing bombings cancer catastrophe corruption
covid crash crime crimes dictator dictatorship disease diseases divorce drought earthquake epidemic
explosion famine fire flood floods funeral genocide hell holocaust hunger hurricane illness injury
injustice loneliness loss massacre massacres murder murderer murders nazis pain pandemic plague
poverty racism rape slavery storm storms suicide terrorism tornado torture tragedies tragedy
tsunami violence virus war wars wildfire wildfires death deaths
"""
)
"""Words for things that are bad in any text."""

_PERSONS = listed(
    """
aunt baby boyfriend boys brother brothers cat cats child children colleagues cousin cousins dad
daughter daughters dog dogs family father fiance fiancee friend friends girlfriend girls grandma
grandmother grandpa grandfather husband kid kids mom mommy mother mum nephew niece parents partner
pet pets sister sisters sister-in-law son sons spouse uncle wife
"""
)
_CALLS = frozenset(
    (
        ("well", "done"),
        ("nice", "one"),
        ("good", "one"),
        ("great", "one"),
        ("nice", "try"),
        ("good", "try"),
        ("my", "bad"),
        ("good", "call"),
        ("good", "show"),
        ("good", "going"),
        ("good", "man"),
        ("good", "boy"),
        ("good", "girl"),
        ("good", "point"),
    )
)
"""Exclamations to a person, which do not evaluate anything."""


def has_reservations(words: Sequence[Token]) -> bool:
    """Return whether something in a text speaks against taking its verdicts literally."""
    return (
        any(map(_is_call, sentences(words)))
        or any(map(_is_concession, sentences(words)))
        or any(_is_clause_behind_that(words, index) for index in range(len(words)))
        or any(_is_bad_anyway(words, index) for index in range(len(words)))
    )


def _is_call(sentence: Sequence[Token]) -> bool:
    spoken = tuple(token.word for token in sentence if token.word[0].isalnum())
    return spoken in _CALLS


def _is_concession(sentence: Sequence[Token]) -> bool:
    """Return whether a sentence begins as one that is about to be taken back, or is irony."""
    first, second = sentence[0].word, word_at(sentence, 1)
    return first in ("sure", "surely", "wow") or (first, second) in (
        ("of", "course"),
        ("far", "from"),
    )


def _is_clause_behind_that(words: Sequence[Token], index: int) -> bool:
    """Return whether "that" begins a clause which is not simply said: "I doubt that it is good"."""
    if words[index].word != "that" or word_at(words, index + 1) not in _STARTS:
        return False
    before = {token.word for token in words[:index]}
    ranked = any(word in _SUPERLATIVES or word.endswith("est") for word in before)
    seen = word_at(words, index + 2) in ("have", "has", "had", "'ve", "ever")
    if word_at(words, index + 1) in _SUBJECTS and word_at(words, index + 3) in _AUXILIARIES:
        return False  # "the food that we ordered was"
    return word_at(words, index - 1) not in _AFFIRMING and not (ranked and seen)


def _is_bad_anyway(words: Sequence[Token], index: int) -> bool:
    """Return whether a bad thing is what a verdict is about: "the war was", "a horrible war"."""
    follows = word_at(words, index + 1)
    is_head = not follows or follows in _BREAKS | _AUXILIARIES | _LINKS | {"of", "that", "which"}
    if words[index].word not in _BAD_THINGS or not is_head:
        return False
    if evaluates(word_at(words, index - 1)):
        return True
    return any(word in _AUXILIARIES for word in _rest(words, index + 1))


def _rest(words: Sequence[Token], index: int) -> Iterator[str]:
    """Yield the words of a clause from an index on, as far as anything is looked for."""
    for token in words[index : index + _REACH]:
        if token.word in _BREAKS:
            return
        yield token.word


_REACH = 60
"""The largest number of words of a clause that are read: longer ones are never clear, and slow."""


def is_asserted(words: Sequence[Token], index: int) -> bool:
    """Return whether the clause of a verb is asserted: not "I forgot it was good".

    Args:
        words: The tokens of the text.
        index: The index of the first verb of the clause.
    """
    start, between = index - 1, list[str]()
    while start >= 0 and words[start].word not in _BREAKS:
        if index - start > _REACH:
            return False
        word, before = words[start].word, word_at(words, start - 1)
        if start + 1 < index and not _is_adverb(words[start + 1].word):
            between.insert(0, words[start + 1].word)
        if word in _SUBJECTS and between:
            is_relative = len(between) == 1 and before not in _BREAKS and before not in _LINKS
            if not (is_relative and before):
                return words[start + 1].word in _AFFIRMING
        elif word == "that" and between and _is_relative(words, start, between):
            pass  # "The food that we had was great."
        elif word == "that" and not between:
            # "A film that is good", but not "I doubt that is good".
            return word_at(words, start - 2) not in _SUBJECTS or before in _AFFIRMING
        elif word in _STARTS and before not in _LINKS and not _had(words, start, index):
            break
        start -= 1
    return _is_asserted_above(words, start, index)


def _is_asserted_above(words: Sequence[Token], start: int, index: int) -> bool:
    """Return whether the main clause of a clause, whose subject begins at `start`, asserts it."""
    above = word_at(words, start - 1)
    if above == "that" and words[start].word in _STARTS:
        above = word_at(words, start - 2)
    is_first = start < 0 or words[start].word in _BREAKS or not above or above in _BREAKS
    if not is_first and words[start].word in ("this", "that", *_SUBJECTS):
        is_first = not list(_rest(words, index + 1))  # "What a film this is!"
    return (
        is_first
        or above in _AFFIRMING
        or above.isdigit()
        or _is_adverb(above)
        or _begins_with_a_circumstance(words, start)
    )


def _is_relative(words: Sequence[Token], that: int, between: Sequence[str]) -> bool:
    """Return whether "that" begins a relative clause: "the food that came was"."""
    follows = word_at(words, that + 1)
    return follows not in _STARTS or (follows in _SUBJECTS and len(between) > 1)


def _had(words: Sequence[Token], start: int, index: int) -> bool:
    """Return whether a subject and its verb are a relative clause: "the food we had was"."""
    had = start + 1 < index and words[start + 1].word in ("had", "have", "has")
    return had and words[start].word in _SUBJECTS and word_at(words, start - 1).isalpha()


def _begins_with_a_circumstance(words: Sequence[Token], start: int) -> bool:
    """Return whether a clause has but a time or a place before its subject: "on Monday it was"."""
    first = start
    while first > 0 and words[first - 1].word not in _BREAKS:
        if start - first > _REACH:
            return False
        first -= 1
    before = [token.word for token in words[first:start]]
    begins = before[0] in _LINKS or before[0] in _DAYS
    return begins and not any(word in _SUBJECTS or word in _AUXILIARIES for word in before)


_DAYS = frozenset(
    ("last", "next", "yesterday", "tonight", "tomorrow", "every", "each", "here", "there")
)


def _is_adverb(word: str) -> bool:
    return word.endswith("ly") or word in _ADVERBS or word in _AUXILIARIES


_ADVERBS = listed("just really also still always even all both never n't not so indeed yes well")


def has_complement(words: Sequence[Token], last: int, *, directed: bool = False) -> bool:
    """Return whether a complement follows a verdict, which may reverse it.

    Args:
        words: The tokens of the text.
        last: The index of the last word of the verdict.
        directed: Whether "to" and "for" name a receiver: "recommend it to friends".
    """
    came_from = False
    ranked = any(token.word in _SUPERLATIVES or token.word == "most" for token in words[: last + 1])
    for index, word in enumerate(_rest(words, last + 1), start=last + 1):
        came_from = came_from or word == "from"
        if word == "to":
            is_complement = not (came_from or directed or _is_harmless_to(words, index))
        elif word == "for":
            is_complement = not (directed or _is_harmless_for(words, index))
        else:
            is_complement = _begins_a_clause(words, index, last, ranked=ranked)
        if is_complement:
            return True
    return False


def _begins_a_clause(words: Sequence[Token], index: int, last: int, *, ranked: bool) -> bool:
    """Return whether a clause begins after a verdict: "a good thing it did".

    Args:
        words: The tokens of the text.
        index: The index of the possible first word of the clause.
        last: The index of the last word of the verdict.
        ranked: Whether the clause may name a set: "the best film I have seen".
    """
    word, before, after = (word_at(words, n) for n in (index, index - 1, index + 1))
    if word in ("since", "because", "so", "that") and after in _STARTS:
        return True
    if word in ("it", "him", "them") and before.endswith("ing") and index == last + 2:
        return after.isalpha() and after not in _BREAKS | _LINKS  # "great watching it burn"
    if word in _ALWAYS_SUBJECTS:
        return not ranked
    nominal = before not in _LINKS | _AUXILIARIES and not before.endswith("ing")
    is_next = index == last + 1 or (index == last + 2 and nominal)
    return word in ("it", "you", "there") and is_next and not ranked


def _is_harmless_for(words: Sequence[Token], index: int) -> bool:
    """Return whether "for" leads to what every verdict holds for: "for me", "for the price"."""
    after, beyond = word_at(words, index + 1), word_at(words, index + 2)
    return after in ("me", "us") or (after == "the" and beyond in ("price", "money"))


def _is_harmless_to(words: Sequence[Token], index: int) -> bool:
    """Return whether "to" leads to a thing, or to what one does with it: "a joy to watch"."""
    after, beyond = word_at(words, index + 1), word_at(words, index + 2)
    ends = not beyond or beyond in _BREAKS or beyond in ("from", "at")
    named = index + 1 < len(words) and words[index + 1].written[:1].isupper()
    whom = after in _DETERMINERS or after in _OBJECTS or after.isdigit()
    return whom or named or (after in _CONSUMING and ends)


def is_clear_liking(words: Sequence[Token], verb: int) -> bool:
    """Return whether the object of liking is a thing, rather than an event or a person.

    Args:
        words: The tokens of the text.
        verb: The index of the verb.
    """
    first, second = word_at(words, verb + 1), word_at(words, verb + 2)
    rest = list(_rest(words, verb + 1))
    if any(word in _PERSONS for word in rest[:3]) or first == "him":
        return False
    ends = not second or second in _BREAKS
    if first == "her" and ends:
        return False
    if first in ("it", "them") or (first in ("this", "that", "these", "those") and ends):
        adverb = second in _LINKS or second in _ADVERBS or second.endswith("ly")
        if not (ends or adverb or second in ("very", "a", "there", "too", "the")):
            return False
    elif first == "that" and (
        (second.endswith("s") and not second.endswith("ss"))
        or second == "people"
        or any(word in _AUXILIARIES for word in rest)
    ):
        return False
    directed = words[verb].word.startswith("recommend")
    return not has_complement(words, verb + 1, directed=directed)


def is_of_the_speaker(words: Sequence[Token], subject: int, named: Collection[str]) -> bool:
    """Return whether a verdict is on a person's state or kindness: "I'm good", "You're great".

    Args:
        words: The tokens of the text.
        subject: The index of the subject.
        named: The words of the verdict.
    """
    if word_at(words, subject) not in ("i", "you", "we"):
        return False
    return not all(word.endswith("ed") or word in _FELT for word in named)


def is_named_first(words: Sequence[Token], index: int) -> bool:
    """Return whether a clause explains a verdict: "the best thing is the end".

    Args:
        words: The tokens of the text.
        index: The index of the evaluating word.
    """
    follows = word_at(words, index + 1)
    if words[index].word not in _SUPERLATIVES and follows not in _ASPECTS:
        return False
    for token in reversed(words[max(0, index - _REACH) : index]):
        if token.word in SENTENCE_ENDS or token.word == ",":
            break
        if token.word in _AUXILIARIES:
            return False
    clause = ["", "", *_rest(words, index + 1)]
    return any(
        word in _BE and before not in _ALWAYS_SUBJECTS | {"that"} and not _is_subject(before, link)
        for link, before, word in zip(clause, clause[1:], clause[2:], strict=False)
    )


def _is_subject(word: str, before: str) -> bool:
    """Return whether a pronoun is no object of a preposition: not "about it"."""
    return word in _SUBJECTS and before not in _LINKS


def is_corrected(
    words: Sequence[Token], denial: Collection[int], denials: AbstractSet[int]
) -> bool:
    """Return whether a denial is followed by a correction: "It's not bad, it's a riot".

    Args:
        words: The tokens of the text.
        denial: The indices of the words that deny, and of those that they deny.
        denials: The indices for all denials of the text.
    """
    if not any(words[index].word in NEGATIONS for index in denial):
        return False  # "uninspired scripts, acting"
    mark = max(denial) + 1
    while mark < len(words) and words[mark].word not in MARKS:
        if mark > max(denial) + _REACH:
            return True
        mark += 1
    while word_at(words, mark) in MARKS:
        mark += 1
    clause = list(_rest(words, mark))
    if not clause or not denials.isdisjoint(range(mark, mark + len(clause))):
        return False
    is_again = clause[0] in _SUBJECTS or clause[0] in ("this", "that")
    stated = any(word in _BE for word in clause[1:3])
    if is_again and stated:
        return True
    is_short = len(clause) <= 2 or clause[0] in ("a", "an")  # noqa: PLR2004 - "ecstatic", "a riot"
    return is_short and not any(word in _AUXILIARIES for word in clause)
