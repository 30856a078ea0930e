"""Detects English prose in a text, and words that are neither names nor code.

Generators that rewrite English by rules take their sites through `in_english`, so that texts in
other languages, code, addresses and names stay as they are. Nothing here is certain; where the
rules cannot tell, the text is left alone.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pytest_ood.perturbations._vocabulary import is_english_word
from pytest_ood.perturbations._words import word_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

Span = tuple[int, int]

_FUNCTION_WORDS = {
    "en": (
        "a about after again all also am an and any are as at be because been before being between "
        "both but by can can't could did didn't do does doesn't doing don't down each ever every "
        "few for from get got had has have having he her here him his how i i'd i'll i'm i've if "
        "in into is isn't it it's its just like me more most much my n't never no not nothing "
        "now of off on once one only or other our out over own really she should so some such than "
        "that that's the their them then there these they they're this those through to too under "
        "until up us very was wasn't way we well were what when where which while who why will "
        "with won't would wouldn't you you're your"
    ),
    "de": (
        "aber als also am an auch auf aus bei bin bis da dann das dass dem den der des die dies "
        "diese dieser doch du durch ein eine einem einen einer eines er es etwas euch f\u00fcr "
        "gut habe haben hat hatte hier ich ihm ihn ihr ihre im in ist ja jetzt kann kein keine man "
        "mehr mein mich mir mit nach nicht nichts noch nur oder schon sehr sein seine sich sie "
        "sind so \u00fcber um und uns unter viel vom von vor war waren was weil wenn wer werden "
        "welche welchem welchen welcher wen wie wir wird wo wurde wann zu zum zur ach dein deine "
        "meine meinen meiner sei habt jetzt gibt kommt nie sagt ihm immer alles"
    ),
    "fr": (
        "a ai alors au aussi aux avec avoir bien c'est ce ces cette comme d'un d'une dans de des "
        "deux dit du elle en est et \u00e9tait \u00eatre fait il ils j'ai je "
        "l'on la le les leur lui "
        "ma mais me m\u00eame mes moi mon n'est ne nos notre nous on ont ou o\u00f9 par pas peut "
        "plus pour qu'il que qui sa sans se ses si son sont sur ta te toi ton tout tr\u00e8s tu "
        "un une va vos votre vous y avait sera suis sommes avez rien jamais chez"
    ),
    "es": (
        "a al algo como con cuando de del donde dos el ella ellos en era es esa ese eso esta "
        "est\u00e1 este esto fue ha hay la las le les lo los m\u00e1s me mi mis muy nada ni no nos "
        "o para pero por porque que qu\u00e9 se ser si s\u00ed sin sobre son su sus te tengo tiene "
        "tus estas estos estamos estoy eres has han todo tu un una usted y ya yo quiero gracias"
    ),
    "pt": (
        "a ao as at\u00e9 com como da das de do dos e ela ele em era est\u00e1 eu foi h\u00e1 isso "
        "isto j\u00e1 mais mas me meu minha muito n\u00e3o na nas nem no nos o os ou para pela "
        "pelo por quando que se sem ser seu s\u00e3o sua tem um uma voc\u00ea"
    ),
    "it": (
        "a al alla anche bene che chi ci come con cosa da dal de dei del della di dove e era "
        "essere fa fatto gli ha hai ho i il in io la le lei lo loro lui ma mi mia mio molto ne "
        "nel nella no noi non o per perch\u00e9 pi\u00f9 poi quando quello questa questo se sei "
        "senza si sono su sua suo ti tu tutto un una uno"
    ),
    "nl": (
        "aan al als bij dat de deze die dit door dus een en er ge geen haar had heb heeft hem het "
        "hij hoe ik in is je kan maar me meer men met mij mijn naar niet nog nu of om onze ook op "
        "over te toch tot uit van veel voor waar want was wat we wel wie wij worden wordt ze "
        "zich zij zijn zo"
    ),
    "sv": (
        "att av blir de den det dig du efter ej eller en ett f\u00f6r fr\u00e5n han har hon hur "
        "i inte jag kan man med men mig min mot mycket n\u00e4r ni nu och om p\u00e5 s\u00e5 ska "
        "som till upp ut vad var vara vi vill"
    ),
    "da": (
        "af at blev da de dem den der det dig din du efter eller en er et for fra ham han har hun "
        "hvad hvor i ikke ja jeg kan man med meget men mig min n\u00e5r nej nu og om op p\u00e5 "
        "s\u00e5 sig skal som til ud var ved vi vil"
    ),
    "tr": (
        "ama bana ben beni bile bir biri biz bu bunu \u00e7ok da daha de de\u011fil diye en evet "
        "gibi hem her hi\u00e7 i\u00e7in ile ise kadar ki kim m\u0131 mi ne neden o olan olarak "
        "oldu olduğu onu sadece sen seni siz sonra \u015fey \u015fu var ve ya yok"
    ),
    "pl": (
        "a ale bardzo by by\u0142 by\u0142a by\u0142o co czy dla do gdy i ich ja jak jest jestem "
        "jeszcze ju\u017c ma mam mi mnie na nie niech o od on ona po prosz\u0119 przez si\u0119 "
        "ta tak tam te tego ten to tu tutaj ty tylko w we wszystko z za \u017ce"
    ),
    "ro": (
        "a acest ai al am asta ar are au c\u0103 care ce cu da dar de din doar e ea este eu fi "
        "foarte fost i\u021bi la le lui m\u0103 mai mea meu nu o pe pentru s\u0103 sau se \u0219i "
        "si sunt te toate tot tu un una unde va vrea"
    ),
    "id": (
        "ada adalah akan aku anda apa atau bahwa banyak bisa dalam dan dari dengan di dia hanya "
        "harus ini itu jika juga kami karena ke kita lebih mereka oleh pada saya sangat sebuah "
        "seperti sudah tetapi tidak untuk yang"
    ),
    "hi": (
        "accha acchi aur bahut bhi ek hai hain hi ho hota ka kar ke ki ko koi kuch kya main mein "
        "mera mujhe nahi nahin par se tha thi toh tum yeh"
    ),
}
"""The commonest words of languages in Latin script, Hindi as it is typed in messages included."""

_ALSO_ENGLISH = word_set(
    "man men ben con par com son as sin die war hat was so her hem over door op den dig till "
    "for far bin fast gut am van von de la le el los las du da il dos sur plus pour dit "
    "is in an on of be me my at use use men ho hi ja se ha mi no non da pe "
    "te mai sa ki oh main "
    "par tu"
)
"""Words of other languages that English texts use too: one alone is no sign of the language."""

_LANGUAGES_OF = {
    word: tuple(code for code, words in _FUNCTION_WORDS.items() if word in words.split())
    for words in _FUNCTION_WORDS.values()
    for word in words.split()
}
_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|n['\u2019]t")
_SENTENCE = re.compile(
    r"[^.!?\n\u3002\u0964\u061f]+[.!?\u3002\u0964\u061f]*\n?|[.!?\n\u3002\u0964\u061f]+"
)
_ADDRESS = re.compile(r"(?:https?:/|www\.|[@#/]\w)\S*")
_OTHER_SCRIPT = re.compile(r"[^\W\d_A-Za-z\u00aa-\u024f\ufb00-\ufb06]{1,4}|[\u00bf\u00a1]")
_ELIDED = re.compile(r"(?:[jlmt]|n(?!'t)|qu)'[a-z]|c'e|d'(?!you|ya)[a-z]|s'[aeiou]")
_CERTAIN = 40
"""The largest number of words of a sentence that are read: more do not change the result."""


def english_spans(text: str) -> list[Span]:
    """Return the sentences of a text that are in English, in order, merged where they touch.

    The commonest words of English are counted against those of other languages, and against words
    with letters that English lacks. A sentence in which neither outweighs the other is judged by
    the whole text, and a text without any such word is taken for English. In a short text without
    a word that English alone has, words that are in no list of English count against it, too.
    """
    spans = [match.span() for match in _SENTENCE.finditer(text)]
    scores = _scores(text, spans)
    overall = sum(scores)
    merged: list[Span] = []
    for (start, end), score in zip(spans, scores, strict=True):
        if (score or overall) < 0:
            continue
        if merged and merged[-1][1] == start:
            merged[-1] = (merged[-1][0], end)
        else:
            merged.append((start, end))
    return merged


def is_english(text: str) -> bool:
    """Return whether a text as a whole is in English; see `english_spans`."""
    return sum(_scores(text, [match.span() for match in _SENTENCE.finditer(text)])) >= 0


def _scores(text: str, spans: Sequence[Span]) -> list[int]:
    """Return by how much English outweighs other languages in each sentence."""
    sentences = [_ADDRESS.sub(" ", text[start:end]) for start, end in spans]
    is_short = len(text) <= _SHORT_TEXT and not any(map(_has_certain_english, sentences))
    return [_short_score(s) if is_short else _english_score(s) for s in sentences]


_SHORT_TEXT = 80
"""The largest length of a text in which words that no English list has count as foreign."""


@lru_cache(maxsize=4096)
def _has_certain_english(sentence: str) -> bool:
    """Return whether a sentence has one of the commonest words that English alone has."""
    return not _FRAME.match(sentence) and any(
        _LANGUAGES_OF.get(plain) == ("en",) and plain not in _ALSO_ENGLISH
        for plain in (_straight(word).lower() for word in _WORD.findall(sentence)[:_CERTAIN])
    )


_NO_NAMES = (
    "people police men women children kids here there these those we you they who what how why "
    "when where and but if both all some most many none half"
)
_BEFORE_TO = (
    "good nice easy hard great love like want need try have happy sad ready due thanks welcome "
    "back next close fun joy time way able about as going got had has how it just lots lot more "
    "much not nothing something anything what when where who why one out used useful up worth "
    "afraid born best cool dead free glad bad impossible interesting key likely less slow quick "
    "simple sure too tough pleasant painful pleased pleasure proud excited difficult down go "
    "looking listen speak talk true on off in here there"
)
_FRAME = re.compile(
    # An article that is no word of English, or that is a verb of English: "De hond", "Die film is".
    r"\s*De [a-z]"
    r"|\s*Die [^\W\d_A-Z][^\W\d_]* (?:is|was|war|ist|hat|het|kan|kann|wird|ha)\b"
    # A name in the singular with "are", which is "has" in Romanian.
    rf"|\s*(?!(?i:{'|'.join(_NO_NAMES.split())})\b)[^\W\d_]+(?<!s) are (?:\d|un\b|o\b)"
    # Two nouns with the Polish copula "to".
    rf"|\s*(?!(?i:{'|'.join(_BEFORE_TO.split())})\b)[A-Z\u0141\u015a\u017b][^\W\d_]+ to"
    r" [^\W\d_A-Z]+[.!]?\s*\Z"
)
"""A sentence of another language, or its beginning, although all its words may be English."""


@lru_cache(maxsize=4096)
def _short_score(sentence: str) -> int:
    """Return by how much English outweighs other languages, each word of the sentence counted.

    A word that English shares with another language weighs for both. What is in no list of English
    weighs as much as one of the commonest words, and other words of English half as much.
    """
    counts = {"en": 0}
    english_weight = unlisted = 0
    words = _WORD.findall(sentence)[:_CERTAIN]
    for index, word in enumerate(words):
        plain = _straight(word).lower()
        codes = ("fr",) if _ELIDED.match(plain) else _LANGUAGES_OF.get(plain, ())
        for code in codes:
            counts[code] = counts.get(code, 0) + 1
        if "en" in codes or len(plain) == 1:
            continue
        if plain in _ALSO_ENGLISH and (index == 0 or len(words) <= _PHRASE):
            # "Men in Black", "boring man".
            english_weight += 2
        elif not word.islower():
            # It may be a name.
            continue
        elif plain in _ALSO_ENGLISH or is_english_word(plain):
            english_weight += 1
        elif not codes and len(words) > _PHRASE:
            unlisted += 1
    english = counts.pop("en")
    foreign = max(counts.values(), default=0) + (_FRAMED if _FRAME.match(sentence) else 0)
    if not sentence.isascii():
        # Inside a sentence a capital may begin the name of a place or a person.
        foreign += sum(
            not _straight(word).isascii() and (index == 0 or word[0].islower())
            for index, word in enumerate(words)
        )
        foreign += len(_OTHER_SCRIPT.findall(sentence))
    return 2 * (english - foreign - unlisted) + english_weight


_PHRASE = 2
"""The largest number of words of a phrase in which an unlisted word does not count."""

_FRAMED = 3
"""How many words a frame of another language counts for."""


@lru_cache(maxsize=4096)
def _english_score(sentence: str) -> int:
    """Return by how many words English outweighs the likeliest other language."""
    if sentence.isascii():
        foreign = 0
        words = _WORD.findall(sentence)
    else:
        words = _WORD.findall(sentence)
        foreign = sum(not word.isascii() for word in map(_straight, words))
        foreign += len(_OTHER_SCRIPT.findall(sentence))
    counts: dict[str, int] = {}
    clear: set[str] = set()
    for word in words[:_CERTAIN]:
        plain = _straight(word).lower()
        codes = ("fr",) if _ELIDED.match(plain) else _LANGUAGES_OF.get(plain, ())
        for code in codes:
            counts[code] = counts.get(code, 0) + 1
        if plain not in _ALSO_ENGLISH:
            clear.update(codes)
    english = counts.pop("en", 0)
    others = (n for code, n in counts.items() if code in clear or (n > 1 and not english))
    return english - max(others, default=0) - foreign


def _straight(word: str) -> str:
    return word.replace("\u2019", "'")


_BLOCK = re.compile(
    r"```[\s\S]*?(?:```|\Z)"
    r"|`[^`\n]{1,400}`"
    r"|</?[A-Za-z][^<>\n]{0,400}>"
    r"|\{[^{}\n]{0,400}[:;=][^{}\n]{0,400}\}"
    r"|\b[a-z]{1,30}(?:-[a-z]{1,30}){1,6} ?: ?[^\s;]{1,40};"
    r"|\b\w{1,60} (?:[-+*/|&%]?=|==|!=|<=|>=|:=|=>|->) "
    r"|\b(?:def|class|import|const|var|let|function|return|SELECT) [a-zA-Z_]\w{0,60}(?=[(:;={.])"
    r"|[\"'][\w-]{1,60}[\"'](?=\s?:)"
    r"|(?<![\w'\u2019])[a-z]{2,30}: ?(?:[#\w-]{1,30};|#\w{3,8})"
    r"|(?<![\w.])(?:CSS|css|HTML|html) [a-z-]{2,30}(?::|\b)"
)
"""Code between marks, tags, and lines that look like code."""

_CODE_TOKEN = re.compile(
    r"://|^www\.|^[\"'(\[\u201c]*(?:[@#]\w|\$[A-Za-z])|\w@\w|\w_\w|^_|__|\\|^[\"'(\[]*[~.]?/\w|/\w*[./]\w"
    r"|\w\.(?:[a-z]{2,}|[A-Z]{2,})|^\.[a-z]|\w\(|\w\[\w|[a-z]{2}[A-Z]|\w[=<>{}|;][\w\"']|^-{1,2}[a-zA-Z]|&#?\w{2,8};|\w::"
)
"""Addresses, e-mails, handles, tags, paths, file names, identifiers, calls, options, entities."""

_TOKEN = re.compile(r"\S+")
_ELISION = re.compile(r"^[A-Za-z']+\.{2,}[A-Za-z']+[.,!?]*$|^[A-Za-z]+\([a-z]{1,3}\)[.,!?]*$")


def code_spans(text: str) -> list[Span]:
    """Return what of a text is code, an address, a path, a handle or a tag: no prose.

    In order, merged where they overlap.
    """
    spans = [match.span() for match in _BLOCK.finditer(text)]
    spans += [
        match.span()
        for match in _TOKEN.finditer(text)
        if not (match.group().isalpha() and match.group()[1:].islower())
        and _CODE_TOKEN.search(match.group())
        and not _ELISION.match(match.group())
    ]
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def in_english(
    sites: re.Pattern[str] | Callable[[str], Iterable[re.Match[str]]],
    accepts: Callable[[re.Match[str]], Any] | None = None,
) -> Callable[[str], Iterator[re.Match[str]]]:
    """Return a function from a text to those of its sites that are in English prose.

    Args:
        sites: A regular expression, or a function from a text to its matches in order.
        accepts: Decides whether a site is one in its context; None for all sites.
    """
    find = sites.finditer if isinstance(sites, re.Pattern) else sites

    def english_sites(text: str) -> Iterator[re.Match[str]]:
        """Yield the sites in English text, outside of code."""
        matches = list(find(text))
        # Detecting the language is slow, and most texts have few sites or none.
        if not matches:
            return
        english, code = english_spans(text), code_spans(text)
        for match in matches:
            if (
                contains(english, match.start())
                and not overlaps(code, match.start(), match.end())
                and (accepts is None or accepts(match))
            ):
                yield match

    return english_sites


def contains(spans: Sequence[Span], position: int) -> bool:
    """Return whether one of some spans, which are in order, has a position in it."""
    index = bisect_right(spans, (position, float("inf"))) - 1
    return index >= 0 and position < spans[index][1]


def overlaps(spans: Sequence[Span], start: int, end: int) -> bool:
    """Return whether a stretch of text overlaps one of some spans, which are in order."""
    index = bisect_right(spans, (start, float("inf"))) - 1
    nearby = spans[max(0, index) : index + 2]
    return any(low < end and start < high for low, high in nearby)


_SIDE = 120
"""Characters on each side of a site that its context is read from."""

_AFTER = re.compile(r"[ \t\u00a0]*(?:(n['\u2019]t\b|['\u2019][a-z]+)|([\w'\u2019-]*\w)|([^\w\s]))?")
_LAST = re.compile(r"(?:([^\W_][\w'\u2019-]*|['\u2019][a-z]+|n['\u2019]t)|([^\w\s]))(\s*)\Z")
_STARTING = re.compile(
    r"(?:\A|[.!?\u2026:;][\"'\u201d\u2019)\]]*\s+|\n\s*|[\"\u201c(\[]|[-*\u2022]\s)[\"'\u201c\u2018(\[]*\Z"
)


def before(match: re.Match[str], count: int = 1) -> list[str]:
    """Return the last words or marks before a site, the nearest first, in small letters.

    Fewer where the text begins earlier. White space is skipped.
    """
    text, end = match.string, match.start()
    preceding: list[str] = []
    start = max(0, end - _SIDE)
    while len(preceding) < count:
        last = _LAST.search(text, start, end)
        if last is None:
            break
        preceding.append(_straight((last[1] or last[2]).lower()))
        end = last.start()
    return preceding


def following(match: re.Match[str], count: int) -> str:
    """Return the next characters after a site, `count` at most."""
    return match.string[match.end() : match.end() + count]


def word_before(match: re.Match[str]) -> str:
    """Return the word or mark before a site in small letters, or "" at the beginning."""
    return next(iter(before(match)), "")


def after(match: re.Match[str], count: int = 1) -> list[str]:
    """Return the next words or marks after a site in small letters; fewer where the text ends.

    A line break counts as an end.
    """
    text, position = match.string, match.end()
    following: list[str] = []
    while len(following) < count:
        word = _AFTER.match(text, position, min(len(text), position + _SIDE))
        token = word and (word[1] or word[2] or word[3])
        if not word or not token:
            break
        following.append(_straight(token.lower()))
        position = word.end()
    return following


def word_after(match: re.Match[str]) -> str:
    """Return the word or mark after a site in small letters, or "" at the end."""
    return next(iter(after(match)), "")


def begins_sentence(match: re.Match[str]) -> bool:
    """Return whether a site is the first word of a sentence, a quotation or a line."""
    start = match.start()
    return _STARTING.search(match.string, max(0, start - 12), start) is not None if start else True


def is_name(match: re.Match[str]) -> bool:
    """Return whether a site may be a name or a part of one, by its capitals and its neighbours'.

    A capitalised word inside a sentence is one. So is the first word of a sentence before another
    capitalised one, and a word between two. A text in capitals says nothing.
    """
    written = match.group()
    letters = [c for c in written if c.isalpha()]
    if not letters or not letters[0].isupper():
        return False
    if len(letters) > 1 and all(c.isupper() for c in letters):
        return not is_shouted(match)
    if written[:2] in ("I ", "I'", "I\u2019"):
        return False
    return not begins_sentence(match) or _capital_follows(match)


def _capital_follows(match: re.Match[str]) -> bool:
    capital = _CAPITAL.match(match.string, match.end())
    return capital is not None and capital[1] not in ("I", "I'm", "I've", "I'll", "I'd")


_CAPITAL = re.compile(r"(?:['\u2019]s)?[ \t-]([A-Z][\w'\u2019]*)")


def is_shouted(match: re.Match[str]) -> bool:
    """Return whether the words around a site are in capitals."""
    text = match.string
    around = text[max(0, match.start() - 40) : match.start()] + " " + following(match, 40)
    words: list[str] = re.findall(r"[A-Za-z]{2,}", around)
    return bool(words) and 2 * sum(word.isupper() for word in words) > len(words)


def with_sentence_capital(match: re.Match[str], words: str) -> str:
    """Write what begins a sentence with a capital, unless the text does without."""
    if begins_sentence(match) and _has_sentence_capitals(match.string):
        return words[:1].upper() + words[1:]
    return words


@lru_cache(maxsize=64)
def _has_sentence_capitals(text: str) -> bool:
    return text != text.lower() or _SENTENCE_END.search(text) is not None


_SENTENCE_END = re.compile(r"\w[.!?]+[\"'\u201d\u2019)]*\s*\Z")


_QUOTATION = re.compile(r"\"[^\"\n]{1,2000}\"|\u201c[^\u201d\n]{1,2000}\u201d")


def is_quoted(match: re.Match[str]) -> bool:
    """Return whether a site is in a quotation that is not the whole text."""
    text = match.string
    if '"' not in text and "\u201c" not in text:
        return False
    return overlaps(_quotations(text), match.start(), match.end())


@lru_cache(maxsize=64)
def _quotations(text: str) -> tuple[Span, ...]:
    spans = (match.span() for match in _QUOTATION.finditer(text))
    return tuple((start, end) for start, end in spans if end - start < len(text.strip()) - 2)
