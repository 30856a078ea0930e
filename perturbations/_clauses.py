"""Detects texts with a clear statement, for generators that reverse it.

There is no parser here. A text in which anything could lead a rule astray (a question, a quotation,
a condition, a contrast, hearsay, another language, code, emoji) is not clear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_ood.perturbations._english import is_english
from pytest_ood.perturbations._sentiment import evaluates, listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Token:
    """A word, the second half of a contraction ("n't", "'s"), or a mark.

    Attributes:
        word: In small letters, with straight apostrophes.
        start: The index of its first character in the text.
        end: The index after its last character.
        written: The word as the text writes it.
    """

    word: str
    start: int
    end: int
    written: str


_TOKEN = re.compile(r"[^\W_]+(?:[-'\u2019][^\W_]+)*|['\u2019][^\W_]+|[^\w\s]|_")
_CONTRACTION = re.compile(r"(.*?)(n't|'(?:s|re|m|ve|ll|d))", re.IGNORECASE)
_NEUTRAL = re.compile(r"(?<!\S)@\w+|(?:https?://|www\.)\S+")
"""Handles and web addresses, which say nothing."""

SENTENCE_ENDS = frozenset(".!;:")
MARKS = SENTENCE_ENDS | frozenset(",()/&-\u2013\u2014\u2026")

_ODD = re.compile(
    r"[^\w\s.,!;:'\u2019()\-\u2013\u2014/&%$\u00a3\u20ac\u2026+]|_|\w\(|[a-z]\.[a-z]{2}"
    r"|(?<!\S)/s(?!\S)|[:;=8xX]'?-?[)(DPpoO/|3](?!\w)|(?<!\w)[xX]D(?!\w)|:\s*\)|\(\s*:"
)
"""Question and quotation marks, marks of code, emoji and emoticons, and letters of no word."""

_ACCENTED = frozenset(("caf\u00e9", "clich\u00e9", "clich\u00e9s", "clich\u00e9d", "na\u00efve"))

_FOREIGN = listed(
    """
aber al als ao au auch auf aux av avec bardzo bei beim bir bu c'est ce cet cette che chi ci cok
com como czy dans das de degil del dem den der des det deze di dies diese dieser dit dla dos du
durch een efter ein eine einem einen einer ela ele ella elle eller ellos en er era eran eru est
esta este esto et etwas foi fra fue fuer gibi gli gut ha haben han har hay hebben heeft het hij
hvor ich ihr ik ikke il ils im inte io isso ist jag jak je jeg jest kein keine la las le les
leur lo los lui maar mais mit molto muy mycket naar nach nada nas ne nel nella nicht nie niet
noch nog nos nous nur och od oder og ons ook op oraz ou para pas pela pelo pero piu po por
porque pour przez qu'il que questa questo qui sa schlecht se sehr sem ses si sich sie sind som
sono sont su sur sus te todo tres uit uma un una und une uno var ve vi vil vom von voor vor vous
waren wat werd wie wij wir ya zeer zeker zij zijn zu zum zur
"""
)
"""Common words of other languages that are none of English, or in names alone."""

_INTERNATIONAL = listed(
    """
admirable banal brilliant competent convenient decent delicate deplorable elegant excellent
excellente fatal formidable genial horrible impeccable incompetent incoherent inconvenient
inferior insipid intelligent interminable memorable miserable original perfect plausible positive
profound robust sensible simple solid splendid sublime super superb superficial superior terrible
trivial vulgar
"""
)
"""Words that evaluate in other languages as well, where they are written alike."""

HEDGES = listed(
    """
unintentionally unintended but though although tho while whereas despite yet however
nevertheless nonetheless still except instead rather otherwise unlike notwithstanding albeit
only merely mere if unless until till whether lest provided assuming would could should might
may must ought 'd shall gonna wish wishes wished hope hopes hoped hoping hopefully suppose
supposed supposedly seem seems seemed seemingly appear appears appeared apparently allegedly
reportedly maybe perhaps probably possibly likely almost nearly virtually practically say says
said saying claim claims claimed tell tells told call calls called according people everyone
everybody nobody someone somebody critics reviewers others they'd believe believes heard hear
than less least unlike similar compared too somewhat mildly vaguely moderately occasionally
sometimes intermittently partly partially kinda sorta sort half try tries tried trying attempt
attempts attempted attempting want wants wanted wanting need needs needed needing aim aims
aspires strives struggles used once formerly previously before anymore longer promise promises
promised promising expect expects expected expecting expectation expectations yeah lol lmao rofl
haha hahaha jk btw omg please oh hmm um uh er ironically sarcasm how why what whatever whoever
first later eventually after instead originally initially ago some few little couple bit parts
part moments moment when whenever doubt doubts doubted doubting doubtful doubtfully
debatable debatably arguable arguably argue argues argued arguing unlikely forget forgets forgot
forgotten wonder wonders wondered wondering suspect suspects suspected suspecting assume assumes
assumed guess guesses guessed imagine imagines imagined pretended pretending dispute disputes
disputed disagree disagrees disagreed unsure uncertain skeptical sceptical question questions
questioned questionable lie lies lied lying myth rumor rumors rumored rumour rumours presume
presumes presumed presumably dreamt dreamed kidding kidded joking joked jest jesting sarcastic
sarcastically irony ironic guilty alleged hypothetical hypothetically
"""
)
"""Words of contrast, condition, doubt, hearsay, comparison, intention and irony."""

NEGATIONS = listed(
    """
not n't never no none nothing nobody nowhere nor neither hardly barely scarcely rarely seldom
without lack lacks lacked lacking devoid absent absence free minus missing ain't dont doesnt
didnt isnt arent wasnt werent wont cant couldnt wouldnt shouldnt aint hasnt havent hadnt cannot
non zero avoid avoids deny denies denied refuse prevent prevents stop stops stopped
"""
)

_ASKING = listed("is are was were am do does did has have had will can")
_QUESTION_SUBJECTS = listed("i you he she it we they this that these those there the")
_QUESTIONING = listed("who whom whose where when which why how")
_REQUESTS = listed(
    """
ask be buy catch check come consider do enjoy find follow forget get give go grab have imagine
keep let listen look make note order pick read remember rent run save see send skip spend stay
stick take think thank trust try use visit wait watch
"""
)
_BY_OTHERS = listed("think thinks thought know knows knew feel feels felt find finds found")
_OPINION = frozenset(("i", "we"))
_ADVERBS = listed(
    """
absolutely always consistently completely deeply even ever extremely fairly genuinely highly
hugely incredibly just particularly quite rather really remarkably simply so thoroughly totally
truly utterly very
"""
)
"""Adverbs that say how much."""

_FUNCTION_WORDS = listed(
    """
a an the this that these those it its it's he his she her they their we our i my you your there is
was are were has had have do does did will can be been being in of on at to for from with by then
now here one all both each every
"""
)
_ENGLISH = listed(
    """
acting action adaptation and book cast comedy direction director dialogue documentary ending ever
feature film films food history idea job look movie movies noir phone picture piece plot product
performance performances price quality script service screenplay show staff story stuff style tale
thing thriller very way work writing
"""
)
"""Words that show that a text is English, besides the function words."""

_QUOTED = listed("'tis 'twas 'em 'cause 'til 'n")

_IDIOMS = re.compile(
    r"\b(?:(?P<neutral>kinds? of|as well|right now|right away|all right|love (?:story|stories"
    r"|triangle|affair|affairs|interest|interests|life|song|songs|letter|letters|scene|scenes)"
    r"|(?:in|of) love|works? of|the works|working (?:class|girl|title)|hot dogs?)"
    r"|a (?:good|great) deal|(?:good|great) credit|up short|fall(?:s|ing)? short|great britain"
    r"|an awful lot|long and short|good (?:riddance|grief|lord|heavens|gracious|luck|old(?!-))"
    r"|(?<!\ba )good (?:morning|evening|afternoon|night|day)|bad (?:enough|luck)|scratch that"
    r"|(?:nice|good|great|pleasure|delight) to (?:meet|see|hear)(?= you| him| her| them| from)"
    r"|(?:guilty|dubious) pleasures?)\b",
    re.IGNORECASE,
)


def tokens(text: str) -> list[Token]:
    """Return the words and marks of a text, contractions in two: "isn't", "is n't", "cannot"."""
    text = _NEUTRAL.sub(lambda match: "0" * len(match[0]), text)
    split: list[Token] = []
    for match in _TOKEN.finditer(text):
        written, start = match[0], match.start()
        word = written.lower().replace("\u2019", "'")
        cut = _cut(word)
        if cut and len(word) == len(written):
            split.append(Token(word[:cut], start, start + cut, written[:cut]))
            word, written, start = word[cut:], written[cut:], start + cut
        split.append(Token(word, start, match.end(), written))
    return split


def _cut(word: str) -> int:
    """Return where a contraction is taken apart, or 0."""
    if word == "cannot":
        return len("can")
    match = _CONTRACTION.fullmatch(word)
    return len(match[1]) if match else 0


def evaluating(text: str, words: Sequence[Token]) -> list[int]:
    """Return the indices of the words that praise or blame, or may do so."""
    neutral = {
        index
        for match in _IDIOMS.finditer(text)
        if match["neutral"]
        for index in range(*match.span())
    }
    return [
        number
        for number, token in enumerate(words)
        if token.start not in neutral and evaluates(token.word)
    ]


def is_clear(text: str, words: Sequence[Token]) -> bool:
    """Return whether nothing in a text speaks against taking its words literally.

    Args:
        text: The text.
        words: Its tokens.
    """
    return not (
        _ODD.search(_NEUTRAL.sub("", text))
        or _may_be_foreign(words)
        or not is_english(text)
        or any(match["neutral"] is None for match in _IDIOMS.finditer(text))
        or any(_misleads(words, index) for index in range(len(words)))
        or any(map(_begins_a_question, sentences(words)))
        or any(_is_hearsay(one.word, two.word) for one, two in pairwise(words))
        or _has_names_that_evaluate(text, words)
    )


def is_joined_to_unknown(words: Sequence[Token], index: int) -> bool:
    """Return whether "and" or "or" joins a word to one that may or may not evaluate.

    Args:
        words: The tokens of a text.
        index: The index of the word.
    """
    for step in (-1, 1):
        if word_at(words, index + step) in ("and", "or"):
            beyond = index + 2 * step
            while word_at(words, beyond) in _ADVERBS:
                beyond += step
            word = word_at(words, beyond)
            if word.isalpha() and word not in _FUNCTION_WORDS and not evaluates(word):
                return True
    return False


def _may_be_foreign(words: Sequence[Token]) -> bool:
    """Return whether nothing shows that a text is English: "Terrible service", "Terrible cena"."""
    own = {token.word for token in words if token.word.isalpha()}
    return bool(own & _INTERNATIONAL) and not own & (_FUNCTION_WORDS | _ENGLISH) and len(own) > 1


def sentences(words: Iterable[Token]) -> list[list[Token]]:
    """Split tokens into sentences, without the marks that end them."""
    split: list[list[Token]] = [[]]
    for token in words:
        if token.word in SENTENCE_ENDS:
            split.append([])
        else:
            split[-1].append(token)
    return [sentence for sentence in split if sentence]


def _misleads(words: Sequence[Token], index: int) -> bool:
    """Return whether a word hedges, is none of English, or begins a quotation."""
    word = words[index].word
    if word == "what" and index + 1 < len(words) and words[index + 1].word in ("a", "an"):
        return index > 0  # "What a film!"
    foreign = word in _FOREIGN or (not word.isascii() and word not in _ACCENTED and word.isalpha())
    quoted = word[0] == "'" and word not in _QUOTED and not _CONTRACTION.fullmatch(word)
    return foreign or (quoted and len(word) > 1) or word in HEDGES


def _begins_a_question(sentence: Sequence[Token]) -> bool:
    """Return whether a sentence begins as a question or a request does."""
    first = sentence[0].word
    following = sentence[1].word if len(sentence) > 1 else ""
    if following in ("n't", "not") and len(sentence) > 2:  # noqa: PLR2004 - the third word
        following = sentence[2].word
    inverted = first in _ASKING and following in _QUESTION_SUBJECTS
    inverted = inverted or (first == "do" and len(sentence) > 1)
    return inverted or first in _REQUESTS or first in _QUESTIONING


def _is_hearsay(word: str, following: str) -> bool:
    """Return whether somebody else than the writer thinks, knows or feels."""
    return following in _BY_OTHERS and word not in _OPINION


def _has_names_that_evaluate(text: str, words: Sequence[Token]) -> bool:
    """Return whether a word that evaluates has a capital which no sentence asks for: a title."""
    if text.upper() == text or text.lower() == text:
        return False
    begins = True
    for index, token in enumerate(words):
        if token.written[0].isupper() and evaluates(token.word):
            following = words[index + 1].written if index + 1 < len(words) else ""
            shouted = token.written.isupper() and len(token.written) > 1
            named = following[:1].isupper() and not following.isupper()
            if not shouted and (not begins or named):
                return True
        begins = token.word in SENTENCE_ENDS or (begins and not token.word[0].isalnum())
    return False


def word_at(words: Sequence[Token], index: int) -> str:
    """Return a word, or "" before the first and after the last."""
    return words[index].word if 0 <= index < len(words) else ""
