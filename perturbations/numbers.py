"""Numbers: written as words, words as digits, and other numbers in their places.

English has its rules here, other languages theirs in `_local_numbers.py`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_ood.data.inputs import fields_of
from pytest_ood.languages import ENGLISH, Language, only
from pytest_ood.perturbations._articles import article
from pytest_ood.perturbations._cardinals import (
    digits,
    in_words,
    is_number_word,
    numbers_in,
    ordinal_in_words,
)
from pytest_ood.perturbations._english import (
    after,
    before,
    following,
    in_english,
    is_name,
    overlaps,
    with_sentence_capital,
    word_after,
    word_before,
)
from pytest_ood.perturbations._local_numbers import (
    counts_in_words,
    in_digits,
    numbers_to_spell,
    reads_words,
    spelled,
    words_to_count,
)
from pytest_ood.perturbations._word_problems import CHANGEABLE, answer_anew, unsolved_numbers
from pytest_ood.perturbations._words import number_word, word_set
from pytest_ood.perturbations.contracts import Derived
from pytest_ood.perturbations.protocol import site_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random
    from re import Match

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs

_MONTHS = word_set(
    "january february march april may june july august september october november december jan feb "
    "mar apr jun jul aug sep sept oct nov dec"
)
_FUNCTION_WORDS = word_set(
    "a about after again all also although always am among an and any are around as at be because "
    "been before being both but by can could did do does done down during each either else even "
    "ever every few for from had has have he her here hers him his how i if in instead into is it "
    "its just later long many may me might mine more most much must my neither never no nor not "
    "now of off on once only onto or other others our out over own per really same shall she "
    "should since so some soon still such than that the their theirs them then there these they "
    "this those though through till to together too towards under unless until up us was we well "
    "were what when where whereas whether which while who whom whose why will with within without "
    "would yet you your yours"
)
_SCALES = ("hundred", "thousand", "million", "billion", "trillion")

_DIGITS = re.compile(
    r"(?<![\w.,:/\\$\u20ac\u00a3\u00a5+#@~^*=<>|&%\u00b0'\u2019\u2212\u2013\u2014-])(?P<money>[$\u20ac\u00a3])?"
    r"(?P<whole>\d{1,3}(?:,\d{3})+|\d{1,3}(?:[\u00a0\u2009\u202f]\d{3})+|\d{1,3}(?: 000)+|\d{1,12})"
    r"(?P<decimals>\.\d{1,4})?(?P<ending>st|nd|rd|th|\s?%)?"
    r"(?P<scale>(?<=\d) (?:thousand|million|billion|trillion)\b)?"
    r"(?![\w%\u00b0$\u20ac\u00a3)\]'\u2019\u2212\u2013\u2014]|[.,:/]\d|-(?![a-z]{3})"
    r"|[ \u00a0]?[+*=\u00d7\u00f7^<>/])"
)
_UNITS = word_set(
    "kg g mg lb lbs oz km m cm mm mi ft yd nm kmh mph kph l ml cl s ms min hr hrs h gb mb kb tb hz "
    "khz mhz ghz w kw mw kwh v a mah db k c f px pt dpi fps am pm a.m p.m ad bc bce ce x"
)
"""Before these a number is written in digits."""

_NUMBERED = word_set(
    "page pages p pp chapter chapters section sections figure fig table tables part parts volume "
    "vol episode episodes season seasons series level levels grade grades room apartment apt suite "
    "floor line lines item items question questions step steps phase stage type class group "
    "version versions v edition no number numbers nr model route highway road interstate exit gate "
    "platform track bus flight channel area zone district ward precinct article rule act scene "
    "verse psalm day week option category rank ranked size age aged ages note lot lane terminal "
    "building block box bin code id pin zip release build windows ios android python java system "
    "mark mk vs score scored x take appendix exhibit division tier error player point"
)
"""What is numbered: after these a number is a name."""

_COUNTING = (
    word_set(
        "about almost another approximately around ate bake bakes baked bought "
        "bring brought buy buys "
        "exactly eat eats extra find found gave get gets give gives got have's "
        "least left made make "
        "makes most nearly next last first past need needs paid pay pays roughly saw see sees sell "
        "sells sold spend spends spent take takes took total use uses want wants additional "
        "there's between eats put puts read reads won win wins cut met kept hold holds held took "
        "lost drew wrote write writes ran run runs drove walked sleeps slept "
        "grew drink drinks drank "
        "hours'"
    )
    | _FUNCTION_WORDS
)
_MONEY = {"$": ("dollar", "cent"), "\u20ac": ("euro", "cent"), "\u00a3": ("pound", "")}
_AFTER_MONEY = _FUNCTION_WORDS - {"other", "own", "long", "few"} | {
    "each",
    "apiece",
    "worth",
    "less",
    "total",
    "altogether",
    "daily",
    "weekly",
    "monthly",
    "yearly",
    "today",
    "yesterday",
    "left",
    "back",
}
_DETERMINERS = word_set(
    "a an the this that these those his her its their our my your each every another any no "
    "extra additional"
)


def _spelled(number: Match[str]) -> str | None:
    """Return a number in digits in words; None where it is written in digits alone."""
    whole = re.sub(r"\D", "", number["whole"])
    if len(whole) > 1 and whole.startswith("0"):
        return None
    value = int(whole)
    ending = (number["ending"] or "").strip()
    decimals = (number["decimals"] or "")[1:]
    if number["money"]:
        return None if ending else _money(number, value, decimals)
    if ending and ending != "%":
        return None if decimals else ordinal_in_words(value)
    words = in_words(value)
    if decimals:
        words += " point " + " ".join(map(number_word, map(int, decimals)))
    return words + (number["scale"] or "") + (" percent" if ending else "")


def _money(number: Match[str], value: int, decimals: str) -> str | None:
    unit, part = _MONEY[number["money"]]
    if number["scale"]:
        point = " point " + " ".join(map(number_word, map(int, decimals))) if decimals else ""
        return f"{in_words(value)}{point}{number['scale']} {unit}s"
    if not decimals:
        return f"{in_words(value)} {unit}{'' if value == 1 else 's'}"
    if len(decimals) != len("00") or not part:
        return None
    cents = int(decimals)
    shown = []
    if value:
        shown.append(f"{in_words(value)} {unit}{'' if value == 1 else 's'}")
    if cents:
        shown.append(f"{number_word(cents)} {part}{'' if cents == 1 else 's'}")
    return " and ".join(shown) or None


_NUMERAL = re.compile(r"(?<![\w.,:/-])[$\u20ac\u00a3]?\d+(?:[.,:/]\d+)*\w{0,3}%?")
_LINK = re.compile(
    r"(?P<bare>,? ?(?:\b(?:or|and|to|of|out of|in|by|per|on|for|through|past|vs\.?|versus)\b)? "
    r"(?:the |every |about |another )?|\s?[-\u2013\u2014&/]\s?)"
    r"|(?: [a-z][a-z'\u2019-]*){1,2}(?:, | and |, and | or |, or )"
)
"""Separators of the numbers of a list, of a range or of two counts beside each other."""

_COUNTED_NEXT = re.compile(r" [a-z][a-z-]+")


def _quantities(text: str) -> Iterator[Match[str]]:
    """Yield the numbers that are written as words: of a list or a range, all of them or none."""
    sites = list(_DIGITS.finditer(text))
    covered = [site.span() for site in sites]
    others = (other for other in _NUMERAL.finditer(text) if not overlaps(covered, *other.span()))
    numbers = sorted([*sites, *others], key=lambda number: number.start())
    for group in _linked_groups(numbers, counts=True):
        if all(number.re is _DIGITS and _is_a_quantity(number) for number in group):
            yield from group


def _linked_groups(
    numbers: list[Match[str]], *, counts: bool = False
) -> Iterator[list[Match[str]]]:
    """Yield the numbers of a text list by list, and range by range.

    Args:
        numbers: In order.
        counts: Whether two counts beside each other are a list: 2 children and 3 cars.
    """
    group: list[Match[str]] = []
    for number in numbers:
        if group and not _are_linked(group[-1], number, counts=counts):
            yield group
            group = []
        group.append(number)
    if group:
        yield group


def _are_linked(number: Match[str], other: Match[str], *, counts: bool) -> bool:
    """Return whether two consecutive numbers are in one list or range."""
    text = number.string
    if other.start() - number.end() > _FARTHEST:
        return False
    link = _LINK.fullmatch(text, number.end(), other.start())
    if link is None:
        return False
    years = [_YEAR.fullmatch(one.group()) is not None for one in (number, other)]
    if link["bare"]:
        # "five in 2014", "in 2014, five"; but "1999 to 2014".
        return years[0] == years[1]
    return counts and not any(years) and _COUNTED_NEXT.match(text, other.end()) is not None


_YEAR = re.compile(r"[12]\d{3}")
_FARTHEST = 40
"""Characters between two numbers that still have to do with each other."""


def _is_a_quantity(number: Match[str]) -> bool:
    """Return whether a number says how many: no name, date, time, version or part of a formula."""
    words = _spelled(number)
    if words is None or _is_in_a_formula(number) or _is_in_a_name(number):
        return False
    previous, next_word = word_before(number), word_after(number)
    if number["money"]:
        fits = not next_word or not next_word[0].isalpha() or next_word in _AFTER_MONEY
        return fits and next_word != "-" and previous not in _DETERMINERS
    if (number["ending"] or "").strip() == "%":
        return not number.string.startswith("-", number.end())
    if number["ending"]:
        return _is_an_ordinal(number, previous)
    return len(words.split()) <= _LONGEST and _counts(number, previous, next_word, words)


def _is_in_a_formula(number: Match[str]) -> bool:
    """Return whether a number has another, or a sign, beside it: a sum, a list, marks, a time."""
    earlier, later = before(number, 3), after(number, 3)
    previous, next_word = (earlier or [""])[0], (later or [""])[0]
    if any(map(_is_numeric, (previous, next_word))) or {previous, next_word} & _SIGNS:
        return True
    listed = "," in (previous, next_word) and any(map(_is_numeric, (*earlier[:2], *later[:2])))
    marks = earlier[:2] == ["of", "out"] or later[:2] == ["out", "of"]
    time = next_word == ":" and any(map(_is_numeric, later))
    bracketed = previous in ("(", "[", "/", "-", "\u2013")
    if bracketed and previous == "(" and (number["ending"] or "").strip() == "%":
        bracketed = False
    heart = _HEART.search(number.string, max(0, number.start() - 5), number.start())
    return listed or marks or time or bracketed or heart is not None


_SIGNS = frozenset(("+", "*", "=", "x", "$", "\u00b0", "th", "st", "nd", "rd"))
_PLURALS = word_set("people children men women feet teeth mice")
_HEART = re.compile(r"(?:<|&lt;) ?\Z")


def _is_in_a_name(number: Match[str]) -> bool:
    """Return whether a number belongs to a name or a date, or is a word of a message: 2 for to."""
    previous, next_word = word_before(number), word_after(number)
    if previous in _MONTHS or next_word in _MONTHS:
        return True
    if _is_capitalized(_raw_before(number)) and previous not in _COUNTING:
        return True
    plain = not (number["money"] or number["ending"] or number["decimals"])
    return (
        plain
        and number["whole"] in ("2", "4")
        and not _PLURAL_SOON.match(number.string, number.end())
    )


_LONGEST = 6
"""Words of a number that are still written out."""

_PLURAL_SOON = re.compile(
    r"-[a-z]{3}|[.!?]?(?:\s*\Z)|[ ](?:of|more|fewer|and|or|to)\b"
    r"|(?:\s[a-z'\u2019-]+){0,3}?\s(?:(?!(?:is|was|has|this|his|its|as|us|does)\b)[a-z-]+s|people|men|women|children|feet|teeth|mice|dozen"
    r"|hundred"
    r"|thousand|million|billion|percent)(?!\w)"
)


def _is_an_ordinal(number: Match[str], previous: str) -> bool:
    rest = following(number, 12)
    if re.match(r"\s+[A-Z]|-[A-Z]| of [A-Z]", rest) or previous in _NUMBERED:
        return False
    return bool(re.match(r"[\s-][a-z]", rest)) or previous == "the"


def _counts(number: Match[str], previous: str, next_word: str, words: str) -> bool:
    """Return whether a bare number counts what follows it, or stands for what it counts."""
    whole = number["whole"]
    digits_alone = len(whole) if whole.isdigit() else 0
    is_year = digits_alone == len("1999") and "1000" <= whole <= "2999"
    if number.string.startswith("-", number.end()):
        return " " not in words and not number["decimals"] and previous not in _NUMBERED
    if previous in _NUMBERED or next_word in _UNITS or next_word == "o" or is_year:
        return False
    counted = re.match(r"\s[a-z][a-z'\u2019-]+", following(number, 40)) is not None
    is_content = counted and next_word not in _FUNCTION_WORDS
    if _is_a_code(number) or (not is_content and _is_numbered_plural(previous)):
        return False
    if digits_alone > len("1999") or number["decimals"]:
        # A code, or a version, unless there are so many of something.
        return is_content and (next_word.endswith("s") or next_word in {*_PLURALS, *_SCALES})
    if number["scale"]:
        return True
    verb = previous.endswith(("ed", "ing", "s", "n't")) and previous != "'s"
    fits = not previous[:1].isalnum() or previous in _COUNTING or verb
    alone = previous in _COUNTING - {"a", "an"} and (counted or not next_word[:1].isalnum())
    return fits and (is_content or alone)


_CODES = word_set(
    "pin code password passcode passphrase id username login zip postcode combination number key "
    "extension serial token channel room"
)


def _is_a_code(number: Match[str]) -> bool:
    """Return whether a number is what a code or a password is: the pin is 99."""
    verb, noun = (*before(number, 2), "", "")[:2]
    return verb in ("is", "was", "be", "'s", "becomes", "remains") and noun in _CODES


def _is_numbered_plural(word: str) -> bool:
    """Return whether a word is the plural of what is numbered: rooms 2 and 3."""
    return word.endswith("s") and word not in _COUNTING and word[:-1] in _NUMBERED


def _is_numeric(token: str) -> bool:
    return any(character.isnumeric() for character in token)


def _is_capitalized(token: str) -> bool:
    return token[:1].isupper()


def _raw_before(number: Match[str]) -> str:
    match = re.search(
        r"[\w'\u2019.-]+\s*\Z", number.string[max(0, number.start() - 60) : number.start()]
    )
    return match.group() if match else ""


@site_perturbation(
    LocalSites(in_english(_quantities), numbers_to_spell),
    source="Dhole et al. 2021 (NL-Augmenter), number to word",
    rewrites=("numbers",),
    example="I saw 2 films in 14 days, with 120 extras and 7 stars.",
    version=3,
    articles=True,
    languages=counts_in_words,
)
def digits_to_words(number: Match[str], rng: Random, *, language: Language = ENGLISH) -> str | None:
    """Write a number of things, a sum of money, a percentage or an ordinal as words."""
    del rng
    if language.code != ENGLISH.code:
        return spelled(number, language)
    words = _spelled(number)
    if words is None:
        return None
    # "a five-dollar bill" has been left alone; "20 000" is one number.
    return with_sentence_capital(number, words)


_FIXED = re.compile(
    r"(?<![\w'\u2019])(?:"
    r"at sixes and sevens|on all fours|cloud nine|forty winks|two cents(?: worth)?|two left feet"
    r"|put two and two together|two and two|six feet under|catch[ -]twenty[ -]two"
    r"|dressed to the nines"
    r"|nine times out of ten|ten times out of ten|(?:high|take|give me|gimme|hang|hi)[ -](?:five"
    r"|ten)"
    r"|nine[ -]to[ -]five|ten[ -]four|twenty[ -]twenty(?: vision| hindsight)"
    r"|twenty[ -]four[ -]seven"
    r"|two peas|two birds|two wrongs|two minds|two shakes|two of a kind|two(?:'s| is) company"
    r"|three(?:'s| is) a crowd|two by two|two[ -]by[ -]four|five o'clock shadow|deep six"
    r"|perfect ten"
    r"|a thousand words|(?:not )?in a (?:million|thousand|hundred) years|thanks a million"
    r"|one in a (?:million|thousand|hundred)|a million (?:bucks|times|years|miles|reasons|things"
    r"|ways|different)"
    r"|(?:by|in) twos and threes|seven(?: deadly sins|th heaven)|sixth sense|fifth column"
    r"|eleventh hour"
    r"|fourth wall|fifth wheel|fourth estate|fourth of july|third (?:world|party|parties|degree"
    r"|person|class"
    r"|reich|base|wheel|eye|age|rail)|(?:fifth|fourth|sixth) avenue|twelfth night|seven year itch"
    r"|(?:ocean ?'s|ocean\u2019s) eleven|twelve monkeys|seven samurai|hateful eight"
    r"|magnificent seven"
    r"|fantastic four|sweet sixteen|five easy pieces|four weddings|ten commandments|seven brides"
    r"|nine eleven|eight mile|four horsemen|seven wonders|seven dwarfs|twenty questions"
    r"|two and a half men"
    r"|six degrees|blink one eighty two|behind the eight ball|eight ball|four[ -]by[ -]four"
    r"|twelve[ -]step"
    r"|two[ -](?:faced|bit|timing|timer|timed|step|tone|ply|some|dollar)|ten[ -](?:gallon|penny)"
    r"|six[ -]pack"
    r"|four[ -]letter word|third[ -](?:rate|hand)|twelve o'clock high|five and dime"
    r"|(?:two|three|four|five|six|seven|eight|nine|ten)[ -]?score(?: and [a-z-]+)?"
    r")(?![\w'\u2019])",
    re.IGNORECASE,
)
"""Phrases and titles in which the number is no quantity."""

_NUMBERED_AFTER = re.compile(
    r"[ -](?:half|halves|thirds?|quarters?|fourths?|fifths?|sixths?|sevenths?|eighths?|ninths?"
    r"|tenths?"
    r"|hundredths?|thousandths?|score)(?!\w)"
    r"|[ -]and[ -](?:an?|one|two|three)[ -](?:half|quarter|thirds?|quarters?|fifths?"
    r"|eighths?)(?!\w)"
    r"|[ ]?[/%\d]|[ ]+\d|-(?![a-z]{3})|-and-|[ ]?['\u2019]s(?!\w)",
    re.IGNORECASE,
)


@lru_cache(maxsize=64)
def _fixed_spans(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(match.span() for match in _FIXED.finditer(text))


_GAP_OF_RANGE = re.compile(r",? (?:or|to|and) |, | ?[-\u2013] ?")
_SCALE = re.compile(rf"\b(?:{'|'.join(_SCALES)})\b", re.IGNORECASE)


@lru_cache(maxsize=64)
def _vague_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Return the positions of the numbers of ranges such as "two, three hundred" and "two, three".

    The first of two hundreds is two hundred, not two; and two numbers with nothing but a comma
    between them are a guess.
    """
    numbers = list(numbers_in(text))
    gaps = [text[a.end() : b.start()] for a, b in pairwise(numbers)]
    joined = [_GAP_OF_RANGE.fullmatch(gap) is not None for gap in gaps]
    vague: list[tuple[int, int]] = []
    for index, gap in enumerate(gaps):
        if not joined[index]:
            continue
        first, second = numbers[index : index + 2]
        elided = _SCALE.search(second.group()) and not _SCALE.search(first.group())
        pair = not any([*joined[max(0, index - 1) : index], *joined[index + 1 : index + 2]])
        if elided or (gap == ", " and pair):
            vague += (first.span(), second.span())
    return tuple(dict.fromkeys(vague))


_AGE = re.compile(
    r"(?<![\w'\u2019])([a-z]+)-(?:year|month|week|day|hour|minute)s?-olds?(?!\w)", re.IGNORECASE
)


@lru_cache(maxsize=64)
def _has_odd_ages(text: str) -> bool:
    """Return whether one of the ages of a text has to stay in words: two ten-year-old sons."""
    ages = {age.end(1) for age in _AGE.finditer(text) if is_number_word(age[1])}
    if not ages:
        return False
    fitting = (number.end() for number in numbers_in(text) if _is_worth_digits_alone(number))
    return not ages <= {*fitting}


_JOINS = word_set("or and to in of by per on for , through out")


def _is_worth_digits(number: Match[str]) -> bool:
    """Return whether a number in words may be written in digits, and all ages of a text may be."""
    is_age = _AGE_BEHIND.match(number.string, number.end())
    return _is_worth_digits_alone(number) and not (is_age and _has_odd_ages(number.string))


_AGE_BEHIND = re.compile(r"-[a-z]+-olds?(?!\w)", re.IGNORECASE)


def _is_worth_digits_alone(number: Match[str]) -> bool:
    """Return whether a number in words may be written in digits, other numbers aside."""
    value = digits(number.group())
    text, end = number.string, number.end()
    if value in (None, "0", "1") or is_name(number) or _NUMBERED_AFTER.match(text, end):
        return False
    if overlaps(_fixed_spans(text), number.start(), end) or _is_unclear(number):
        return False
    if _is_exaggerated(number) or overlaps(_vague_spans(text), number.start(), end):
        return False
    if value is not None and not value[-1].isdigit():
        return _is_clear_ordinal(number)
    return not _is_listed_with_one(number) and not _stands_for_things(number)


def _is_unclear(number: Match[str]) -> bool:
    """Return whether a number in words is half of another, or could be read as several."""
    words = re.findall(r"[a-z]+", number.group().lower())
    previous = word_before(number)
    # "twenty two-hour films" are twenty; "two hundred-dollar bills" are two.
    hyphenated = number.string.startswith("-", number.end())
    if hyphenated and re.search(r"[ \t]", number.group()[2:]) and words[0] not in ("a", "an"):
        return True
    if previous == "between" and "and" in words:
        return True
    # "at seven hundred hours" is a time, and so is "oh seven hundred".
    if words[-1] == "hundred" and word_after(number) == "hours" and previous in _BEFORE_TIMES:
        return True
    return _is_numeric(previous) or previous in _BEFORE_PARTS


_BEFORE_PARTS = word_set("half quarter many quite $ point oh")
_BEFORE_TIMES = word_set("at by until till from to before after around")
_EXAGGERATED = word_set(
    "times thanks apologies pardons kisses hugs blessings welcomes greetings congratulations "
    "regrets sorries wishes smiles tears deaths cuts dreams excuses reasons ways things questions "
    "ideas thoughts stories lies faces different other"
)


def _is_exaggerated(number: Match[str]) -> bool:
    """Return whether "a thousand" only says very many: a thousand apologies, a million times."""
    words = re.findall(r"[a-z]+", number.group().lower())
    is_round = words[0] in ("a", "an", "ten") and {*words[1:]} and {*words[1:]} <= _LARGE
    return bool(is_round) and word_after(number) in _EXAGGERATED


def _stands_for_things(number: Match[str]) -> bool:
    """Return whether a number is a pronoun ("the two of them"), or a year with a noun behind it."""
    words = re.findall(r"[a-z]+", number.group().lower())
    value = digits(number.group()) or ""
    next_word = word_after(number)
    alone = not next_word[:1].isalpha() or next_word in _FUNCTION_WORDS
    is_year = value.isdigit() and len(value) == len("1999")
    is_year = is_year and words[0] not in ("a", "an") and not {*words} & {*_SCALES}
    if is_year and not alone:
        return True
    hyphenated = number.string.startswith("-", number.end())
    return alone and not hyphenated and word_before(number) in _POINTING


_POINTING = word_set("the these those us you we they them other first last next ye both")
"""Before these a number without a noun is a pronoun: the two of them."""


def _is_clear_ordinal(number: Match[str]) -> bool:
    """Return whether an ordinal is neither a fraction nor a second nor a name."""
    words = re.findall(r"[a-z]+", number.group().lower())
    previous, next_word = word_before(number), word_after(number)
    if words[-1] == "second" or words == ["first"]:
        return False
    if previous in _FRACTIONS or is_number_word(previous):
        return False
    noun = re.match(r" [a-z]{3}", following(number, 4)) is not None
    fits = previous == "the" and noun and next_word not in _FUNCTION_WORDS | {"one", "ones"}
    return fits or len(words) > 1


_LARGE = frozenset(_SCALES)
_FRACTIONS = frozenset(("a", "one", "per", "and"))


def _is_listed_with_one(number: Match[str]) -> bool:
    """Return whether a number is in a list with "one", which stays a word."""
    previous, next_word = before(number, 8), after(number, 8)
    return "one" in _linked(previous) or "one" in _linked(next_word)


def _linked(tokens: list[str]) -> Iterator[str]:
    """Yield the numbers of a list, as far as it has only numbers and their separators."""
    joined = False
    for index, token in enumerate(tokens):
        if token in _JOINS:
            joined = True
        elif joined and is_number_word(token.partition("-")[0]):
            # "one hundred" is no "one".
            if not {*tokens[index - 1 : index], *tokens[index + 1 : index + 2]} & _LARGE:
                yield token
        else:
            return


@site_perturbation(
    LocalSites(in_english(numbers_in, _is_worth_digits), words_to_count),
    source="Dhole et al. 2021 (NL-Augmenter), number to word, the other way round",
    rewrites=("numbers",),
    example="I saw two films in fourteen days, with twenty-five extras and seven stars.",
    version=3,
    languages=reads_words,
)
def words_to_digits(number: Match[str], rng: Random, *, language: Language = ENGLISH) -> str | None:
    """Write a number of two or more in digits, and ordinals such as twenty-first."""
    del rng
    if language.code != ENGLISH.code:
        return in_digits(number, language)
    written = digits(number.group())
    article = re.match(r"[Aa]n? ", number.group())
    # In "a hundred-year-old tree" the article is the tree's.
    if written and article and number.string.startswith("-", number.end()):
        return article.group() + written
    return written


def _answer(example: Example, inputs: Inputs) -> str | None:
    """Return the answer under other numbers, by the example's solution."""
    before, after = ("\n".join(fields_of(value).values()) for value in (example.inputs, inputs))
    return answer_anew(before, after, example.rationale, example.label)


def _fixed(example: Example) -> list[str]:
    """Return the numbers of a question that its solution does not answer for."""
    text = "\n".join(fields_of(example.inputs).values())
    numbers = unsolved_numbers(text, example.rationale, example.label)
    return [rf"(?<![\w.,]){re.escape(number)}(?!\w|[.,]\d)" for number in sorted(set(numbers))]


_TIME_BEHIND = re.compile(
    r"\s?(?:o['\u2019]clock|[ap]\.m\b|[AaPp][Mm]\b|noon\b|hours\s+(?:sharp|GMT|UTC))"
)
_FEET_BEHIND = re.compile(
    r"['\u2019\u2032](?!s)|[\"\u2033](?=\s?tall)|\s?(?:ft|feet|foot)\.?,? \d{1,2}\b"
    r"|\s?(?:ft|feet|foot)\.?,? and \d{1,2}\s?in(?:ch|ches)?\b",
    re.IGNORECASE,
)
_FEET_BEFORE = re.compile(r"\d['\u2019\u2032] ?\Z|\d ?(?:ft|feet|foot)\.?,? \Z", re.IGNORECASE)
_FEET_AND = re.compile(r"\d ?(?:ft|feet|foot)\.?,? and \Z", re.IGNORECASE)
_INCHES_BEHIND = re.compile(r"\s?in(?:ch|ches)?\b", re.IGNORECASE)
_SCORE = re.compile(r" out of \Z| out of (?:the |every )?(?=\d)")
_SCORE_BEFORE = re.compile(r"\d out of (?:the |every )?\Z")
_SIGN_BEHIND = re.compile(r"\s?[\u00d7^]|\s?[x*]\s?10\b|[eE][+-]?\d| \d|\s?['\u2019]")
_SIGN_BEFORE = re.compile(r"[\u00d7^+]\s?\Z|\d \Z|\(\d+\) ?\Z")
_NAME_BEHIND = re.compile(r"(?:-| )[A-Z][a-z]")
_ACTS = word_set("take build release score scored no mark rank box line x age ages aged edition")
"""What is numbered, but done, counted or measured at least as often."""

_TITLES = _NUMBERED - _ACTS


def _changeable(text: str) -> Iterator[Match[str]]:
    """Yield the numbers of a text that count or measure: other ones make another question of it.

    Times, heights, marks, names, what is numbered, powers and telephone numbers are left alone.
    """
    for group in _linked_groups(list(CHANGEABLE.finditer(text))):
        if not any(_is_named(number) or _is_a_time_or_measure(number) for number in group):
            yield from group


def _is_a_time_or_measure(number: Match[str]) -> bool:
    """Return whether a number is one of a time, a height, marks, a power or a telephone number."""
    text, (start, end) = number.string, number.span()
    behind = (_TIME_BEHIND, _FEET_BEHIND, _SCORE, _SIGN_BEHIND)
    ahead = [_FEET_BEFORE, _SCORE_BEFORE, _SIGN_BEFORE]
    if _INCHES_BEHIND.match(text, end):
        ahead.append(_FEET_AND)
    return any(pattern.match(text, end) for pattern in behind) or any(
        pattern.search(text, max(0, start - _NEAR), start) for pattern in ahead
    )


_NEAR = 20


def _is_named(number: Match[str]) -> bool:
    """Return whether a number is a part of a name: rooms 2 and 3, World War 2, 12 Angry Men."""
    text, previous = number.string, word_before(number)
    if _NAME_BEHIND.match(text, number.end()):
        return True
    if previous in _TITLES or (_is_numbered_plural(previous) and not _has_noun(number)):
        return True
    return (
        _is_capitalized(_raw_before(number))
        and previous not in _COUNTING
        and (not _has_noun(number))
    )


def _has_noun(number: Match[str]) -> bool:
    """Return whether a plural follows a number, which counts it then."""
    following = word_after(number)
    return (following.endswith("s") and following not in _FUNCTION_WORDS) or following in _PLURALS


@site_perturbation(
    _changeable,
    version=2,
    source="Mirzadeh et al. 2024 (GSM-Symbolic), section 3.1; Patel et al. 2021 (SVAMP), table 2",
    kind="label-changing",
    contract=Derived(_answer, _fixed, tasks=("numeric",)),
    languages=only("en"),
    rewrites=("numbers",),
    example="A shop sold 48 apples on Monday, 15 on Tuesday for $2.50 each, and 1,200 pears.",
)
def change_numbers(number: Match[str], rng: Random) -> str | None:
    """Put another number of like size in the place of one; the answer is worked out anew."""
    digits = number.group().replace(",", "")
    whole, point, decimals = digits.partition(".")
    units = int(whole + decimals)
    step = 10 ** (len(str(units)) - len(str(units).rstrip("0"))) if units else 1
    count = units // step
    low, high = max(2, (count + 1) // 2), 2 * count + 1
    # One stays one: what follows it is in the singular.
    if not units or digits == "1":
        return None
    others = _numbers_of(number.string)
    written = _ARTICLE.search(number.string, max(0, number.start() - 4), number.start())
    for _ in range(_TRIES):
        value = str(rng.randint(low, high) * step).rjust(len(decimals) + 1, "0")
        changed = f"{value[: -len(decimals)]}.{value[-len(decimals) :]}" if decimals else value
        # What stands before it stays: "a 12" becomes no "a 18".
        if changed not in others and (not written or article(changed) == written[1].lower()):
            grouped = (
                f"{int(changed.partition('.')[0]):,}{point}{decimals and changed[-len(decimals) :]}"
            )
            return grouped if "," in number.group() else changed
    return None


@lru_cache(maxsize=64)
def _numbers_of(text: str) -> frozenset[str]:
    return frozenset(number.replace(",", "") for number in _DIGIT_RUNS.findall(text))


_TRIES = 20
_ARTICLE = re.compile(r"(?<![\w'\u2019])(an?)\s\Z", re.IGNORECASE)
_DIGIT_RUNS = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
