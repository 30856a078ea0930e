"""Negation: what a text praises or blames is denied, or what it denies is said.

Both generators look for clauses that say of something that it is good or bad ("the film is a dull
mess", "I enjoyed it", "it was not very funny") and turn them, if they have found all that the text
has to say: every word that praises or blames and every negation has to belong to such a clause.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_ood.data.edits import Edit
from pytest_ood.languages import only
from pytest_ood.perturbations._clauses import (
    MARKS,
    NEGATIONS,
    SENTENCE_ENDS,
    evaluating,
    is_clear,
    is_joined_to_unknown,
    tokens,
    word_at,
)
from pytest_ood.perturbations._reservations import (
    has_complement,
    has_reservations,
    is_asserted,
    is_clear_liking,
    is_corrected,
)
from pytest_ood.perturbations._sentiment import (
    BLAME,
    FAULTS,
    PRAISE,
    QUALITIES,
    evaluates,
    listed,
)
from pytest_ood.perturbations._verdicts import (
    ALONE,
    AUXILIARIES,
    BE,
    BETWEEN,
    CAN,
    DEGREES,
    DENIALS,
    DETERMINERS,
    DO,
    PEOPLE,
    WEAK_DENIALS,
    WILL,
    denials_of,
    ends_phrase,
    has_subject,
    is_at_all,
    is_fragment,
    is_neutral,
    stated,
    verdict_at,
)
from pytest_ood.perturbations._words import like
from pytest_ood.perturbations.contracts import Changing, other_label
from pytest_ood.perturbations.protocol import ALL, perturbation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random

    from pytest_ood.perturbations._clauses import Token

_LIKING = {
    "love": ("love", "loved"),
    "like": ("like", "liked"),
    "enjoy": ("enjoy", "enjoyed"),
    "adore": ("adore", "adored"),
    "recommend": ("recommend", "recommended"),
    "hate": ("hate", "hated"),
    "dislike": ("dislike", "disliked"),
    "regret": ("regret", "regretted"),
    "loathe": ("loathe", "loathed"),
    "detest": ("detest", "detested"),
}
"""What people do with things: in the present after I, you, we and they, and in the past."""

_FARING = {
    "work": ("works", "worked"),
    "succeed": ("succeeds", "succeeded"),
    "fail": ("fails", "failed"),
    "disappoint": ("disappoints", "disappointed"),
    "bore": ("bores", "bored"),
    "suck": ("sucks", "sucked"),
    "impress": ("impresses", "impressed"),
    "satisfy": ("satisfies", "satisfied"),
    "entertain": ("entertains", "entertained"),
    "deliver": ("delivers", "delivered"),
    "convince": ("convinces", "convinced"),
    "engage": ("engages", "engaged"),
    "amuse": ("amuses", "amused"),
    "drag": ("drags", "dragged"),
    "make sense": ("makes sense", "made sense"),
    "add up": ("adds up", "added up"),
    "come together": ("comes together", "came together"),
    "pay off": ("pays off", "paid off"),
    "come alive": ("comes alive", "came alive"),
    "catch fire": ("catches fire", "caught fire"),
    "come to life": ("comes to life", "came to life"),
    "hold up": ("holds up", "held up"),
    "hold together": ("holds together", "held together"),
    "ring true": ("rings true", "rang true"),
    "live up to": ("lives up to", "lived up to"),
    "measure up": ("measures up", "measured up"),
    "take off": ("takes off", "took off"),
    "cut it": ("cuts it", "cut it"),
    "gel": ("gels", "gelled"),
    "jell": ("jells", "jelled"),
    "cohere": ("coheres", "cohered"),
    "resonate": ("resonates", "resonated"),
    "soar": ("soars", "soared"),
    "sparkle": ("sparkles", "sparkled"),
    "shine": ("shines", "shone"),
    "thrill": ("thrills", "thrilled"),
    "surprise": ("surprises", "surprised"),
    "fascinate": ("fascinates", "fascinated"),
    "recover": ("recovers", "recovered"),
    "transcend": ("transcends", "transcended"),
    "improve": ("improves", "improved"),
    "click": ("clicks", "clicked"),
    "annoy": ("annoys", "annoyed"),
    "irritate": ("irritates", "irritated"),
    "offend": ("offends", "offended"),
    "pander": ("panders", "pandered"),
    "condescend": ("condescends", "condescended"),
    "amaze": ("amazes", "amazed"),
    "please": ("pleases", "pleased"),
    "do the trick": ("does the trick", "did the trick"),
    "pass muster": ("passes muster", "passed muster"),
    "hit the mark": ("hits the mark", "hit the mark"),
    "stand out": ("stands out", "stood out"),
    "do justice": ("does justice", "did justice"),
    "get off the ground": ("gets off the ground", "got off the ground"),
    "hang together": ("hangs together", "hung together"),
}
"""What things do, for better or worse: in the present and in the past."""

_BREAKS = MARKS | {"and", "or"}
_OBJECTS = listed("the this it that my these those his her its their our him them")
_BLAMING = listed(
    """
hate dislike regret loathe detest fail disappoint bore suck drag annoy irritate offend pander
condescend
"""
)
_FARED = {form: base for base, forms in _FARING.items() for form in forms}
_HOW_WELL = frozenset(("well", "great", "fine", "perfectly"))

_UNDECIDED = listed(
    """
both each every everything always often usually mostly entirely completely totally absolutely
even ever already anything anyone anybody anywhere so where when because since too more most
much many quite rather pretty if yet either long anywhere else such best worst better worse same
"""
)
"""Words with which a negation says something else than the contrary: "not always", "not only"."""


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The reversal of one statement of a text.

    Attributes:
        edits: The edits, whose `before` is filled in later.
        indices: The indices of the words of the statement.
        good: Whether the denied statement is praise.
    """

    edits: list[Edit]
    indices: set[int]
    good: bool


@perturbation(
    source="Ribeiro et al. 2020 (CheckList), table 1 (negation); Gardner et al. 2020 (contrast "
    "sets)",
    kind="label-changing",
    contract=Changing(other_label),
    scale=ALL,
    version=4,
    indivisible=True,
    example="The film is a wonderful surprise from beginning to end.",
    languages=only("en"),
)
def negate(text: str, rng: Random) -> Sequence[Edit]:
    """Deny what a text praises or blames."""
    words = tokens(text)
    left = set(evaluating(text, words))
    left |= {index + 1 for index in range(len(words)) if is_at_all(words, index)}
    if not left or not _can_be_reversed(text, words) or any(t.word in NEGATIONS for t in words):
        return ()
    return _edits_of_all(text, words, left, list(_denials(words, rng)))


@perturbation(
    source="Ribeiro et al. 2020 (CheckList), remove negation; Dhole et al. 2021 (NL-Augmenter)",
    kind="label-changing",
    contract=Changing(other_label),
    scale=ALL,
    version=4,
    articles=True,
    indivisible=True,
    example="The film isn't very good from beginning to end.",
    languages=only("en"),
)
def affirm(text: str, rng: Random, *, emphasis: float = 0.5) -> Sequence[Edit]:
    """Say what a text denies of good or bad."""
    words = tokens(text)
    left = set(evaluating(text, words))
    left |= {index for index, token in enumerate(words) if token.word in NEGATIONS}
    left |= {index + 1 for index in range(len(words)) if is_at_all(words, index)}
    if not left or not _can_be_reversed(text, words):
        return ()
    turns = list(_affirmations(words, rng, emphasis))
    denied = set().union(*(turn.indices for turn in turns))
    if any(is_corrected(words, turn.indices, denied) for turn in turns):
        return ()
    return _edits_of_all(text, words, left, turns)


def _edits_of_all(
    text: str, words: Sequence[Token], left: set[int], turns: Sequence[Turn]
) -> Sequence[Edit]:
    """Return the edits of all turns; none if a word is left, or some praise and others blame.

    Args:
        text: The text.
        words: The tokens of the text.
        left: The indices of the words that the turns have to cover.
        turns: The turns of the text.
    """
    if left.difference(*(turn.indices for turn in turns)) or len({t.good for t in turns}) != 1:
        return ()
    if any(_is_within(words, *pair) for pair in pairwise(sorted(turns, key=_first))):
        return ()
    edits = sorted(edit for turn in turns for edit in turn.edits)
    return [replace(edit, before=text[edit.start : edit.end]) for edit in edits]


def _first(turn: Turn) -> int:
    return min(turn.indices)


def _is_within(words: Sequence[Token], turn: Turn, later: Turn) -> bool:
    """Return whether a clause may be a part of another: turned twice, it says what it said.

    "The extent to which it succeeds is impressive", "a great film that works".
    """
    between = range(max(turn.indices) + 1, _first(later))
    return bool(between) and not any(words[index].word in _BREAKS for index in between)


def _can_be_reversed(text: str, words: Sequence[Token]) -> bool:
    """Return whether a negation, put in or taken out, turns what a text says into the contrary."""
    decided = all(_is_decided(words, n) for n in range(len(words)))
    return decided and is_clear(text, words) and not has_reservations(words)


def _is_decided(words: Sequence[Token], index: int) -> bool:
    """Return whether a word leaves it at what a negation says: not "not only", "not as good as"."""
    word, before, after = (word_at(words, n) for n in (index, index - 1, index + 1))
    if word in ("as", "that"):
        # "As a comedy it is great", "a film that is great"; not "as great as", "not that great".
        again = word == "as" and "as" in (word_at(words, index + 2), word_at(words, index - 2))
        beside = evaluates(after) or (word == "as" and evaluates(before))
        begins = not before or before in SENTENCE_ENDS
        return before not in DENIALS and not again and (begins or not beside)
    if word == "any":
        return before in _ABSENT
    if word == "all":
        return before == "at"
    if word == "enough":
        return before in PRAISE and ends_phrase(after)
    return word not in _UNDECIDED and not (word in ALONE and before in DENIALS)


def _denials(words: Sequence[Token], rng: Random) -> Iterator[Turn]:
    """Yield the edits that deny what a clause says, and the indices of the words that say it."""
    yield from _denied_fragment(words, rng)
    for index in range(len(words)):
        yield from _denied_state(words, index, rng)
    for index in range(1, len(words)):
        yield from _denied_liking(words, index, rng)
        yield from _denied_faring(words, index)


def _denied_state(words: Sequence[Token], index: int, rng: Random) -> Iterator[Turn]:
    """Deny "is good", "has been a mess", "will be disappointed"."""
    verdict = stated(words, index, index + 1)
    if verdict is None or not verdict.can_be_denied:
        return
    edits = [_inserted(words[index], rng.choice(denials_of(words, verdict)))]
    if verdict.joint is not None:
        edits.append(_replaced(words[verdict.joint], "or"))
    yield Turn(edits=edits, indices=set(verdict.evaluating), good=verdict.good)


def _denied_fragment(words: Sequence[Token], rng: Random) -> Iterator[Turn]:
    """Deny a text that is no sentence: "A great film.", "dull and boring"."""
    verdict = verdict_at(words, 0)
    if verdict is None or not verdict.can_be_denied or not is_fragment(words, verdict):
        return
    denial = rng.choice(denials_of(words, verdict))
    first = words[0]
    capital = (first.written[0].isupper() and not first.written.isupper()) or first.written == "A"
    after = f"{like(first.written, denial)} {first.word if capital else first.written}"
    edits = [Edit(first.start, first.end, "", after)]
    if verdict.joint is not None:
        edits.append(_replaced(words[verdict.joint], "or"))
    yield Turn(edits=edits, indices=set(verdict.evaluating), good=verdict.good)


def _denied_liking(words: Sequence[Token], index: int, rng: Random) -> Iterator[Turn]:
    """Deny "I loved it", "we really enjoy the food", "you will regret it"."""
    subject = words[index - 1].word
    if words[index].word in WILL and _is_object(words, index + 2):
        clear = is_clear_liking(words, index + 1)
        if words[index + 1].word in _LIKING and subject in PEOPLE and clear:
            edits = [_inserted(words[index], rng.choice(("not", "never")))]
            yield Turn(edits=edits, indices={index + 1}, good=words[index + 1].word not in _BLAMING)
        return
    verb = index + (words[index].word == "really")
    begins = index == 1 or words[index - 2].word in _BREAKS
    if subject not in PEOPLE or not begins or not _is_object(words, verb + 1):
        return
    if not is_clear_liking(words, verb):
        return
    for base, (present, past) in _LIKING.items():
        if words[verb].word == present:
            yield Turn(
                edits=[_inserted(words[index - 1], "do not")],
                indices={verb},
                good=base not in _BLAMING,
            )
        elif words[verb].word == past:
            edits = [_inserted(words[index - 1], "did not"), _replaced(words[verb], base)]
            yield Turn(edits=edits, indices={verb}, good=base not in _BLAMING)


def _denied_faring(words: Sequence[Token], index: int) -> Iterator[Turn]:
    """Deny "it works well", "the film fails"."""
    size = _size_of_verb(words, index, _FARED)
    if not size:
        return
    form = " ".join(token.word for token in words[index : index + size])
    base = _FARED[form]
    past = form == _FARING[base][1]
    if _has_one_subject(words, index, bare=past) and not has_complement(words, index + size - 1):
        first = _replaced(words[index], f"{'did' if past else 'does'} not {base.split()[0]}")
        how = word_at(words, index + size) in _HOW_WELL
        yield Turn(
            edits=[first], indices=set(range(index, index + size + how)), good=base not in _BLAMING
        )


def _affirmations(words: Sequence[Token], rng: Random, emphasis: float) -> Iterator[Turn]:
    """Yield the edits that say what a clause denies, and the indices of the words that deny it."""
    denied: set[int] = set()
    for index in range(len(words)):
        if words[index].word in DENIALS or words[index].word in WEAK_DENIALS:
            affirmed = [
                *_affirmed_state(words, index, rng, emphasis),
                *_affirmed_verb(words, index, rng, emphasis),
            ]
            denied = denied.union(*(turn.indices for turn in affirmed))
            yield from affirmed
        elif index not in denied:
            yield from _affirmed_quality(words, index)
            yield from _affirmed_word(words, index)
            yield from _affirmed_failure(words, index)
            yield from _affirmed_pair(words, index)


def _affirmed_state(
    words: Sequence[Token], denial: int, rng: Random, emphasis: float
) -> Iterator[Turn]:
    """Affirm "is not good", "hasn't been a mess", "won't be disappointed", and "Not a bad film"."""
    begins = denial == 0 or words[denial - 1].word in _BREAKS
    at_all = is_at_all(words, denial + 1)
    after = denial + 3 if at_all else denial + 1
    auxiliary = denial - 1 - (word_at(words, denial - 1) in BETWEEN)
    verdict = verdict_at(words, after) if begins else stated(words, auxiliary, after)
    if verdict is None or (begins and not is_fragment(words, verdict)):
        return
    if begins:
        following = words[denial + 1]
        edits = [
            Edit(
                words[denial].start,
                following.end,
                "",
                like(words[denial].written, following.written),
            )
        ]
    else:
        edits = [_without_denial(words, denial, after - 1, rng, emphasis)]
    if verdict.joint is not None:
        edits.append(_replaced(words[verdict.joint], "and"))
    indices = {denial, *verdict.evaluating}
    if at_all:
        indices.add(denial + 2)
    if is_at_all(words, verdict.last + 1):
        edits.append(Edit(words[verdict.last].end, words[verdict.last + 2].end, "", ""))
        indices.add(verdict.last + 2)
    yield Turn(edits=edits, indices=indices, good=verdict.good)


def _affirmed_verb(
    words: Sequence[Token], denial: int, rng: Random, emphasis: float
) -> Iterator[Turn]:
    """Affirm "did not like it", "doesn't work well", "can't recommend it", "never disappoints"."""
    auxiliary = word_at(words, denial - 1)
    verb = denial + 1 + (word_at(words, denial + 1) in DEGREES)
    liked = word_at(words, verb) in _LIKING and _is_object(words, verb + 1)
    liked = liked and is_clear_liking(words, verb)
    size = 1 if liked else _size_of_verb(words, verb, _FARING)
    if words[denial].word == "never" and auxiliary not in AUXILIARIES:
        size = _size_of_verb(words, verb, _FARED)
        if size and verb == denial + 1:
            end = words[verb]
            indeed = "indeed " if rng.random() < emphasis else ""
            after = like(words[denial].written, indeed + end.written)
            base = _FARED[" ".join(token.word for token in words[verb : verb + size])]
            edits = [Edit(words[denial].start, end.end, "", after)]
            indices = {denial, *range(verb, verb + size)}
            yield Turn(edits=edits, indices=indices, good=base not in _BLAMING)
        return
    able = auxiliary in CAN and word_at(words, verb) == "recommend"
    if (
        not size
        or not has_subject(words, denial - 1)
        or not (auxiliary in DO or auxiliary in WILL or able)
    ):
        return
    how = not liked and word_at(words, verb + size) in _HOW_WELL
    indices = {denial, *range(verb, verb + size + how)}
    good = words[verb].word not in _BLAMING
    yield Turn(
        edits=[_without_denial(words, denial, denial, rng, emphasis)], indices=indices, good=good
    )


def _size_of_verb(words: Sequence[Token], index: int, verbs: Mapping[str, object]) -> int:
    """Return how many words a verb of a table has that begins at an index; 0 for none."""
    for size in (4, 3, 2, 1):
        if " ".join(word_at(words, n) for n in range(index, index + size)) in verbs:
            return size
    return 0


def _affirmed_failure(words: Sequence[Token], index: int) -> Iterator[Turn]:
    """Affirm "fails to entertain"."""
    denied = word_at(words, index - 1) in NEGATIONS
    if words[index].word in _FAILING and word_at(words, index + 1) == "to" and not denied:
        indices = {index}
        if word_at(words, index + 2) in _FARING:
            indices.add(index + 2)
        edits = [_replaced(words[index], _FAILING[words[index].word])]
        yield Turn(edits=edits, indices=indices, good=word_at(words, index + 2) not in _BLAMING)


def _affirmed_pair(words: Sequence[Token], index: int) -> Iterator[Turn]:
    """Affirm "neither original nor funny"."""
    first = index + 1 + (word_at(words, index + 1) in DEGREES)
    nor = first + 1
    second = nor + 1 + (word_at(words, nor + 1) in DEGREES)
    if words[index].word != "neither" or word_at(words, nor) != "nor":
        return
    both = {word_at(words, first), word_at(words, second)}
    if (both <= PRAISE or both <= BLAME) and ends_phrase(word_at(words, second + 1)):
        edits = [_replaced(words[index], "both"), _replaced(words[nor], "and")]
        yield Turn(edits=edits, indices={index, first, nor, second}, good=both <= PRAISE)


def _affirmed_word(words: Sequence[Token], index: int) -> Iterator[Turn]:
    """Affirm "unfunny", "humorless"."""
    word = words[index]
    denied = word_at(words, index - 1) in NEGATIONS or word_at(words, index - 1) in DEGREES
    if word.word not in _AFFIXED or is_joined_to_unknown(words, index):
        return
    if not denied and word_at(words, index + 1) not in ("enough", "the", "a"):
        yield Turn(edits=[_replaced(word, _AFFIXED[word.word])], indices={index}, good=True)


def _affirmed_quality(words: Sequence[Token], index: int) -> Iterator[Turn]:
    """Affirm "lacks wit", "without charm or style", "devoid of humor", "no flaws"."""
    word, follows = words[index].word, word_at(words, index + 1)
    if (word, follows) in _ABSENT_OF:
        size, present = 2, _ABSENT_OF[word, follows]
    elif word in _ABSENT and not (word == "without" and word_at(words, index - 1) in BE):
        size, present = 1, _ABSENT[word]
    elif word == "nothing" and (follows in PRAISE or follows in BLAME):
        yield Turn(
            edits=[_replaced(words[index], "something")],
            indices={index, index + 1},
            good=follows in PRAISE,
        )
        return
    else:
        return
    size += word_at(words, index + size) == "any"
    first = index + size
    for _ in range(2):
        first += is_neutral(words, first)
    joints: list[int] = []
    indices: set[int] = set()
    last = first
    while word_at(words, last) in _POSSESSED:
        indices.add(last)
        last += 1
        if word_at(words, last) in ("and", "or") and word_at(words, last + 1) in _POSSESSED:
            joints.append(last)
            last += 1
    if not indices or not ends_phrase(word_at(words, last)):
        return
    start, end = words[index], words[index + size - 1]
    if present:
        edits = [Edit(start.start, end.end, "", like(start.written, present))]
    else:
        edits = [
            Edit(
                start.start, words[index + 1].end, "", like(start.written, words[index + 1].written)
            )
        ]
    edits += [_replaced(words[joint], "and") for joint in joints if words[joint].word == "or"]
    yield Turn(edits=edits, indices={index, *indices}, good=words[last - 1].word in QUALITIES)


_POSSESSED = QUALITIES | FAULTS
_FAILING = {"fails": "manages", "failed": "managed", "fail": "manage", "failing": "managing"}
_AFFIXED = {
    "charmless": "charming",
    "disagreeable": "agreeable",
    "discouraging": "encouraging",
    "dishonest": "honest",
    "disorganized": "organized",
    "disrespectful": "respectful",
    "dissatisfied": "satisfied",
    "distasteful": "tasteful",
    "flavorless": "flavorful",
    "graceless": "graceful",
    "humorless": "humorous",
    "humourless": "humorous",
    "illogical": "logical",
    "implausible": "plausible",
    "impolite": "polite",
    "inaccurate": "accurate",
    "inadequate": "adequate",
    "inappropriate": "appropriate",
    "incoherent": "coherent",
    "incompetent": "competent",
    "incomprehensible": "comprehensible",
    "inconsistent": "consistent",
    "inconvenient": "convenient",
    "inedible": "edible",
    "ineffective": "effective",
    "ineffectual": "effective",
    "inefficient": "efficient",
    "insensitive": "sensitive",
    "insincere": "sincere",
    "irrational": "rational",
    "irrelevant": "relevant",
    "irresponsible": "responsible",
    "joyless": "joyful",
    "meaningless": "meaningful",
    "senseless": "sensible",
    "soulless": "soulful",
    "tasteless": "tasteful",
    "unacceptable": "acceptable",
    "unaffecting": "affecting",
    "unamusing": "amusing",
    "unappealing": "appealing",
    "unappetizing": "appetizing",
    "unattractive": "attractive",
    "uncomfortable": "comfortable",
    "uncompelling": "compelling",
    "unconvinced": "convinced",
    "unconvincing": "convincing",
    "uncool": "cool",
    "undistinguished": "distinguished",
    "unengaging": "engaging",
    "unenjoyable": "enjoyable",
    "unentertaining": "entertaining",
    "uneventful": "eventful",
    "unexceptional": "exceptional",
    "unexciting": "exciting",
    "unfair": "fair",
    "unfocused": "focused",
    "unfortunate": "fortunate",
    "unfriendly": "friendly",
    "unfulfilled": "fulfilled",
    "unfulfilling": "fulfilling",
    "unfunny": "funny",
    "unhappy": "happy",
    "unhealthy": "healthy",
    "unhelpful": "helpful",
    "unimaginative": "imaginative",
    "unimpressed": "impressed",
    "unimpressive": "impressive",
    "uninformative": "informative",
    "uninspired": "inspired",
    "uninspiring": "inspiring",
    "unintelligent": "intelligent",
    "unintelligible": "intelligible",
    "uninteresting": "interesting",
    "uninvolving": "involving",
    "unkind": "kind",
    "unlikable": "likable",
    "unlikeable": "likeable",
    "unmemorable": "memorable",
    "unmoving": "moving",
    "unoriginal": "original",
    "unpalatable": "palatable",
    "unpersuasive": "persuasive",
    "unpleasant": "pleasant",
    "unpolished": "polished",
    "unprofessional": "professional",
    "unrealistic": "realistic",
    "unreliable": "reliable",
    "unremarkable": "remarkable",
    "unrewarding": "rewarding",
    "unsafe": "safe",
    "unsatisfactory": "satisfactory",
    "unsatisfied": "satisfied",
    "unsatisfying": "satisfying",
    "unsavory": "savory",
    "unskilled": "skilled",
    "unsophisticated": "sophisticated",
    "unsubtle": "subtle",
    "unsuccessful": "successful",
    "unsuitable": "suitable",
    "unsympathetic": "sympathetic",
    "untalented": "talented",
    "untidy": "tidy",
    "unwatchable": "watchable",
    "unwelcome": "welcome",
    "useless": "useful",
    "witless": "witty",
}
"""What is denied with a syllable, and what it denies."""

_ABSENT = {"lacks": "has", "lacked": "had", "lack": "have", "without": "with", "no": ""}
_ABSENT_OF = {
    ("devoid", "of"): "full of",
    ("free", "of"): "full of",
    ("lacking", "in"): "rich in",
    ("lack", "of"): "wealth of",
    ("absence", "of"): "abundance of",
    ("none", "of"): "all of",
}
"""What says that something is not there, and what says that it is."""


def _has_one_subject(words: Sequence[Token], index: int, *, bare: bool) -> bool:
    """Return whether a verb follows on "it", or unless it may be a participle on "the phone"."""
    if not is_asserted(words, index):
        return False
    if words[index - 1].word == "it":
        return True
    return (
        not bare
        and index > 1
        and word_at(words, index - 2) in DETERMINERS
        and (words[index - 1].word.isalpha())
    )


def _is_object(words: Sequence[Token], index: int) -> bool:
    return word_at(words, index) in _OBJECTS


def _without_denial(
    words: Sequence[Token], denial: int, last: int, rng: Random, emphasis: float
) -> Edit:
    """Return the edit that deletes a negation, or replaces it by "indeed".

    Args:
        words: The tokens of the text.
        denial: The index of the negation, which follows its auxiliary.
        last: The index of its last word: "not at all".
        rng: The random generator.
        emphasis: The probability of an "indeed".
    """
    auxiliary = words[denial - 1]
    whole = {"ca": "can", "wo": "will"}.get(auxiliary.word, "")
    start = auxiliary.start if whole else auxiliary.end
    indeed = " indeed" if rng.random() < emphasis else ""
    after = (like(auxiliary.written, whole) if whole else "") + indeed
    return Edit(start, words[last].end, "", after)


def _inserted(token: Token, words: str) -> Edit:
    """Put words behind a token, in capitals where it is."""
    shouted = len(token.written) > 1 and token.written.isupper()
    return Edit(token.end, token.end, "", f" {words.upper() if shouted else words}")


def _replaced(token: Token, word: str) -> Edit:
    return Edit(token.start, token.end, token.written, like(token.written, word))
