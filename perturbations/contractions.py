"""Contractions: written out, or short."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.languages import ENGLISH, having
from pytest_ood.perturbations._english import (
    after,
    before,
    begins_sentence,
    in_english,
    is_shouted,
    word_after,
    word_before,
)
from pytest_ood.perturbations._local_lexicons import lexicon, local_lexicon, reversed_lexicon
from pytest_ood.perturbations._words import like, word_set, word_tuple
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

    from pytest_ood.languages import Language

_SUBJECTS = {
    "am": ("i",),
    "are": ("you", "we", "they"),
    "have": ("i", "you", "we", "they"),
    "will": ("i", "you", "he", "she", "it", "we", "they", "that", "there"),
    "would": ("i", "you", "he", "she", "we", "they"),
    "is": ("he", "she", "it", "that", "there", "what", "who", "where", "here"),
}
_SHORT_VERB = {"am": "m", "are": "re", "have": "ve", "will": "ll", "would": "d", "is": "s"}
_WITH_NOT = word_tuple("are could did do does had has have is must need should was were would will")

# They won't, they haven't, they wouldn't, but they're not.
_PAIRS = "|".join(
    rf"(?:{'|'.join(subjects)})\s+{verb}"
    + (r"(?!\s+not\b)" if verb in ("have", "will", "would") else "")
    for verb, subjects in _SUBJECTS.items()
)
_CONTRACTIBLE = re.compile(
    rf"(?<![\w'\u2019.@#/-])(?:(?P<pair>{_PAIRS})|(?P<negated>(?:{'|'.join(_WITH_NOT)})\s+not)"
    r"|(?P<cannot>can(?:\s+)?not)|(?P<let>let\s+us))(?![\w'\u2019]|-\w)",
    re.IGNORECASE,
)

_CLAUSE_OPENERS = word_set(
    "and but or so because if when while since though although whether unless until once before "
    "after that think thinks thought know knew known say says said believe believed hope hoped "
    "guess suppose supposed feel felt wish wished sure see now then maybe perhaps yes no well oh "
    "yet still also honestly clearly obviously hopefully sadly unfortunately luckily today "
    "tomorrow whenever wherever mean means imagine assume remember realize realized afraid glad "
    "happy sorry told heard understand bet claim claims notice noticed found anyway again why "
    "hear realise realised certain probably especially admit agree"
)
"""After these a clause may begin with "it", "you", "that" or "there"."""

_GAP_OPENERS = word_set(
    "than as what who whom whose where how which whatever whoever whichever wherever however "
    "here there neither nor all everything anything nothing like"
)
"""After these the verb often ends its clause, and is not contracted: better than I am now."""

_CONJUNCTIONS = word_set(
    "and but or nor if when because though although while since until unless than as too either "
    "yet whether that which who before after where"
)
_CLOSING = word_set(
    "indeed too either so also really certainly now today already still always never definitely "
    "probably surely truly usually sometimes often not again then yet maybe ever both all "
    "supposedly actually"
)
"""Adverbs that often follow on a verb which ends its clause: indeed it is now."""

_PRONOUNS = word_set("i you he she it we they him her them me us this that these those one")
_ADVERBS = word_set(
    "not never always just already also ever only still really actually recently finally all both "
    "long often since even rarely hardly barely truly completely simply certainly probably "
    "definitely n't now usually personally honestly surely almost nearly sometimes often "
    "absolutely seldom clearly obviously kindly gladly"
)
_IRREGULAR = word_set(
    "arisen awoken beaten become begun bent bet bitten bled blown born borne "
    "bought bound bred broken "
    "brought built burnt caught chosen clung come cost crept cut dealt done drawn dreamt driven "
    "drunk dug eaten fallen fed felt fled flown forbidden forgiven forgotten fought found frozen "
    "given gone got gotten ground grown had heard held hidden hit hung hurt kept known laid lain "
    "led left lent let lit lost made meant met mistaken paid proven put quit read ridden risen run "
    "rung said sat seen sent set shaken shed shone shot shown shrunk shut slept slid sold sought "
    "sown spent spoken sprung spun stolen stood struck stuck stung sung sunk "
    "swept sworn swum swung "
    "taken taught thought thrown told torn understood upset woken won worn "
    "wound woven written been "
    "watched"
)
_SAME_AS_BASE = word_set(
    "become come cost cut hit hurt let put quit read run set shed shut bet upset wound found felt "
    "left lay saw bound ground spread burst cast split"
)
_BASE_VERBS = word_set(
    "accept add admit advise agree allow answer appear argue ask avoid be bear beat become begin "
    "believe bet break bring build buy call care carry catch change check "
    "choose come consider cost "
    "cry cut dare deal describe die do drink drive drop eat enjoy expect "
    "explain fall feel fight find "
    "fit follow forget get give go grow guess hang happen hate have hear help "
    "hit hold hope imagine "
    "join keep kill know laugh learn leave let lie like listen live look lose love make marry mean "
    "meet mind miss move need never offer open order pass pay pick play prefer pull push put rate "
    "read recommend remember rent return run save say see seem sell send shoot show sing sit sleep "
    "sound speak spend stand stay start stop suggest support suppose swear "
    "take talk teach tell think "
    "throw travel trust try turn understand use visit wait walk want warn "
    "watch wear win wish wonder "
    "work worry write probably rather"
)


def _is_free(match: Match[str]) -> bool:
    """Return whether two words may be written as their contraction."""
    words = match.group().lower().split()
    following = after(match, 2)
    is_contracted = following[:1] == ["n"] or "".join(following[:1]).startswith(("n't", "'"))
    if is_contracted or _has_capitals_of_its_own(match):
        return False
    if match["let"]:
        return _is_invitation(match, following)
    if match["cannot"]:
        hyphenated = match.string.startswith("-", match.end())
        return following[:1] not in (["but"], ["only"], ["help"]) and not hyphenated
    if match["negated"]:
        return following[:1] != ["only"] and _is_plain_negation(match, words[0])
    return _is_plain_pair(match, words[0], words[1], following)


def _has_capitals_of_its_own(match: Match[str]) -> bool:
    """Return whether capitals stress the last word (I AM, I do NOT), or make a title (It Is)."""
    first, last = match.group().split()[0], match.group().split()[-1]
    # IT is the noun, and WE is stressed.
    if len(first) > 1 and first.isupper() and not is_shouted(match):
        return True
    if last.isupper():
        return not (first.isupper() and is_shouted(match))
    return last[:1].isupper() and last != first


def _is_invitation(match: Match[str], following: list[str]) -> bool:
    """Return whether "let us" is an invitation: it begins its sentence, and is no request."""
    opens = begins_sentence(match) or word_before(match) in _BEFORE_INVITATIONS
    if before(match, 2) == [",", "please"]:
        return False
    verb = "".join(following[:1])
    return opens and verb.isalpha() and verb not in _LEAVE


_BEFORE_INVITATIONS = word_set(", so now then but")


_LEAVE = word_set(
    "know in out off through down by pass alone help have do both all live the a our your"
)


def _is_plain_negation(match: Match[str], verb: str) -> bool:
    previous = word_before(match)
    # "It'll not", "I'd not": the pronoun's contraction is left for "won't" and "wouldn't".
    if previous in ("whether", "if", "or") and verb in ("do", "is", "are"):
        return False
    return not (verb == "need" and previous in ("the", "a", "no", "in"))


def _is_plain_pair(match: Match[str], subject: str, verb: str, following: list[str]) -> bool:
    """Return whether a pronoun is the subject of a verb that does not end its clause."""
    follows_a_space = match.string[match.end() : match.end() + 1].isspace()
    if not follows_a_space or not following or not following[0][0].isalnum():
        return False
    first, second = following[0], (following[1:] or [""])[0]
    if first == "not":
        return True
    if first in _CONJUNCTIONS or (first in _CLOSING and not second[:1].isalnum()):
        return False
    if _ends_in_a_gap(match, verb, first):
        return False
    if subject in ("what", "who", "where"):
        return first not in _PRONOUNS - {"this", "that", "these", "those", "one"}
    participle = next((word for word in following if word not in _ADVERBS), "")
    perfect = verb != "have" or (first not in ("to", "had") and _is_participle(participle))
    return perfect and (subject, first) != ("that", "to") and _opens_clause(match, subject, verb)


_FINITE = word_set(
    "is are was were am has had will would can could shall should may might must does did do"
)
_SUBJECTS_ALONE = word_set("i he she we they")
_LAST_ADVERBIAL = (
    r"\s+(?:of course|after all|for sure|in the end|at last|at least|at once|at some point"
    r"|as well|in fact|for now|for good|once more{dates})"
    r"\s*(?:[^\w\s'\u2019-]|\Z|(?:and|but|or|if|when|because)\b)"
)
_ENDS_SO = re.compile(_LAST_ADVERBIAL.format(dates=""), re.IGNORECASE)
_ENDS_SO_OR_THEN = re.compile(
    _LAST_ADVERBIAL.format(
        dates=r"|tomorrow|tonight|soon|someday|sometime|later|forever|immediately|eventually|anyway"
        r"|yesterday|instead|(?:very |pretty )?soon|(?:some|any|every|each|this|that|next|last|one)"
        r" (?:day|time|week|month|year|morning|night|evening|afternoon|weekend|summer|winter)"
    ),
    re.IGNORECASE,
)


def _ends_in_a_gap(match: Match[str], verb: str, first: str) -> bool:
    """Return whether a verb is the last word of its clause, adverbials aside.

    I know I will one day; the boy they say I am is here; I am I. A time is what "it is" says of
    itself ("it is next week"), and "it will" does not.
    """
    if first in _FINITE or (first in _SUBJECTS_ALONE and verb in ("am", "is", "are")):
        return True
    ends = _ENDS_SO if verb in ("am", "is", "are") else _ENDS_SO_OR_THEN
    return ends.match(match.string, match.end()) is not None


def is_contractible(match: Match[str], subject: str, verb: str) -> bool:
    """Return whether a pronoun is the subject of a verb that does not end its clause.

    Args:
        match: The match of both words.
        subject: The pronoun, or one that is used like it.
        verb: The verb, or one that is used like it.
    """
    return _is_plain_pair(match, subject, verb, after(match, 2))


def _opens_clause(match: Match[str], subject: str, verb: str) -> bool:
    previous = before(match, 7)
    nearest = previous[0] if previous else ""
    if not nearest or (not nearest[0].isalnum() and nearest[0] != "'"):
        return nearest not in ("-", "/")
    if nearest in _GAP_OPENERS:
        return False
    if nearest in ("and", "or", "nor", "&") and (
        subject == "you" or verb in ("have", "will", "would")
    ):
        # "Mary and I will": the pronoun is half of the subject, unless a comma tells otherwise.
        return previous[1:2] == [","]
    for word in previous:
        if not word[0].isalnum():
            break
        if word in _GAP_OPENERS - {"all", "everything", "anything", "nothing", "like"}:
            return False
    if subject in ("it", "you", "that", "there", "here"):
        return nearest in _CLAUSE_OPENERS
    return True


def _is_participle(word: str) -> bool:
    return word in _IRREGULAR or (word.endswith("ed") and word not in _NO_PARTICIPLES)


_NO_PARTICIPLES = word_set(
    "need feed indeed speed red bed seed weed greed breed creed hundred sacred naked wicked ragged"
)


def is_perfect(match: Match[str]) -> bool:
    """Return whether a participle follows a phrase that ends in "have", adverbs aside."""
    ahead = after(match, 3)
    return _is_participle(next((word for word in ahead if word not in _ADVERBS), ""))


@site_perturbation(
    local_lexicon(in_english(_CONTRACTIBLE, _is_free), "contractions"),
    languages=having("contractions"),
    source="Ribeiro et al. 2020 (CheckList), contractions",
    example="I do not think it is good, but they are wonderful and we will not leave.",
    version=3,
)
def contract(phrase: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Write two words as their contraction."""
    if language.code != ENGLISH.code:
        return rng.choice(lexicon(language, "contractions").options(phrase.group()))
    words = phrase.group().lower().split()
    if phrase["let"]:
        short = "let's"
    elif phrase["cannot"]:
        short = "can't"
    elif phrase["negated"]:
        short = "won't" if words[0] == "will" else f"{words[0]}n't"
    else:
        short = f"{words[0]}'{_SHORT_VERB[words[1]]}"
    if words[0] == "i" and not is_shouted(phrase):
        return phrase.group()[0] + short[1:]
    return like(phrase.group(), short)


_AUXILIARIES = {
    "ca": "can",
    "could": "could",
    "did": "did",
    "does": "does",
    "do": "do",
    "had": "had",
    "has": "has",
    "have": "have",
    "is": "is",
    "are": "are",
    "was": "was",
    "were": "were",
    "would": "would",
    "wo": "will",
    "sha": "shall",
    "should": "should",
    "must": "must",
    "need": "need",
    "might": "might",
    "dare": "dare",
}
_VERB_OF = {"m": "am", "re": "are", "ve": "have", "ll": "will"}
_HOSTS = {
    "m": "i",
    "re": "you|we|they|who|what|there",
    "ve": "i|you|we|they|who|there|would|could|should|might|must",
    "ll": "i|you|he|she|it|we|they|that|there|this|who|what",
    "d": "i|you|he|she|it|we|they|who|that|there",
    "s": "he|she|it|that|there|what|who|where|here|how|let",
}
_CONTRACTED = re.compile(
    r"(?<![\w'\u2019@#/-])(?:"
    rf"(?P<verb>{'|'.join(_AUXILIARIES)})\s?n['\u2019]t"
    + "".join(rf"|(?P<{ending}>{hosts})\s?['\u2019]{ending}" for ending, hosts in _HOSTS.items())
    + r")(?![\w'\u2019]|-\w)",
    re.IGNORECASE,
)
_SUBJECT_PRONOUNS = word_set("i you he she it we they")
_DEMONSTRATIVES = word_set("this that there")
_BEFORE_INVERSION = word_set(
    "why how when where what which who and but so or then because well yes no"
)


def _subject_after(match: Match[str]) -> re.Match[str] | None:
    return _SUBJECT.match(match.string, match.end())


_SUBJECT = re.compile(
    r"(\s+)(i|you|he|she|it|we|they|this|that|there)(?![\w'\u2019])", re.IGNORECASE
)
_ASKS = re.compile(r"[^.!?\n]{0,300}\?")
_BY_ITSELF = re.compile(r"\s*\?")


def _is_inverted(match: Match[str]) -> bool:
    """Return whether a negated verb precedes its subject: isn't it, why don't they."""
    previous = word_before(match)
    subject = _subject_after(match)
    if subject is None:
        return False
    opens = begins_sentence(match) or not previous[:1].isalnum() or previous in _BEFORE_INVERSION
    if opens:
        return True
    return subject[2].lower() in _SUBJECT_PRONOUNS and bool(
        _BY_ITSELF.match(match.string, subject.end())
    )


def _negated(match: Match[str]) -> str | None:
    """Return a verb with "not" written out, behind its subject where that follows."""
    verb = _AUXILIARIES[match["verb"].lower()]
    subject = _subject_after(match)
    if _is_inverted(match) and subject is not None:
        if verb == "are" and subject[2].lower() == "i":
            verb = "am"
        asks = _ASKS.match(match.string, match.end()) is not None
        if not asks and verb == "do" and subject[2].lower() == "you":
            return None  # "Don't you dare": an order
        return f"{verb}{subject[1]}{subject[2]} not"
    return "cannot" if verb == "can" else f"{verb} not"


_SITE_WITH_SUBJECT = re.compile(_CONTRACTED.pattern + rf"(?:{_SUBJECT.pattern})?", re.IGNORECASE)


def _expandable(text: str) -> list[Match[str]]:
    """Return the contractions of a text, a negated verb together with a subject behind it."""
    sites = []
    end = 0
    for short in _CONTRACTED.finditer(text):
        if short.start() < end:
            continue
        site: Match[str] = short
        if short["verb"] and _is_inverted(short):
            longer = _SITE_WITH_SUBJECT.match(text, short.start())
            site = longer or short
        sites.append(site)
        end = site.end()
    return sites


def _is_clear(match: Match[str]) -> bool:
    """Return whether the expansion of a contraction is clear."""
    return _written_out(match) is not None


def _written_out(match: Match[str]) -> str | None:
    """Return the expansion of a contraction in small letters; None if it is not clear."""
    return None if _is_titled(match) else _meaning(match)


def _meaning(match: Match[str]) -> str | None:
    if match["verb"]:
        return _negation_written_out(match)
    for ending, verb in _VERB_OF.items():
        if match[ending]:
            host = match[ending].lower()
            if (
                ending == "re"
                and host in ("what", "there", "who")
                and not word_after(match).isalpha()
            ):
                return None
            return f"{host} {verb}"
    if match["d"]:
        meant = _had_or_would(match)
        return meant and f"{match['d'].lower()} {meant}"
    host = match["s"].lower()
    if host == "let":
        return "let us" if word_after(match)[:1].isalpha() else None
    meant = _is_or_has(match, host)
    return meant and f"{host} {meant}"


def _is_titled(match: Match[str]) -> bool:
    """Return whether a contraction is of a title, by the capital behind its own: Don't Look Now."""
    following = _NEXT_WORD.match(match.string, match.end())
    if following is None or not match.group()[0].isupper() or is_shouted(match):
        return False
    word = following[1].lower()
    stressed = len(word) > 1 and following[1].isupper()
    if (
        not following[1][0].isupper()
        or stressed
        or word == "i"
        or word.startswith(("i'", "i\u2019"))
    ):
        return False
    # "It's Robert", "We're Americans": only a word that is no name shows a title.
    return bool(match["verb"]) or (
        word in _BASE_VERBS
        or word in _IRREGULAR
        or word in _ADVERBS
        or word in _OBJECT_STARTS
        or word.endswith("ing")
    )


_NEXT_WORD = re.compile(r"\s+([A-Za-z][\w'\u2019]*)")


def _negation_written_out(match: Match[str]) -> str | None:
    bare = _CONTRACTED.match(match.string, match.start())
    if bare is None:
        return None
    verb = _AUXILIARIES[bare["verb"].lower()]
    if _is_inverted(bare):
        return _negated(bare)
    # "Isn't the film good?": "not" belongs behind a subject of unknown length.
    previous = word_before(bare)
    opens = begins_sentence(bare) or previous in ("why", "how", "when", "where")
    asks = bool(_ASKS.match(bare.string, bare.end()))
    if (
        opens
        and (asks or not begins_sentence(bare))
        and not (verb == "do" and begins_sentence(bare))
    ):
        return None
    if previous == "," and asks and verb != "do":
        return None
    return "cannot" if verb == "can" else f"{verb} not"


def _had_or_would(match: Match[str]) -> str | None:
    """Return the expansion of 'd; None if the following words allow two."""
    word = next((w for w in after(match, 4) if w not in _ADVERBS or w == "rather"), "")
    if word in ("better", "been", "had") or (word in _IRREGULAR and word not in _SAME_AS_BASE):
        return "had"
    if word in _BASE_VERBS and word not in _SAME_AS_BASE - {"let", "bet"}:
        return "would"
    return "had" if word.endswith("ed") and _is_participle(word) else None


_HAS = word_set("been got had become gotten gotta")


def _is_or_has(match: Match[str], host: str) -> str | None:
    """Return the expansion of 's; None if it is a possessive, or the following words allow two."""
    following = after(match, 5)
    if not following or not following[0][0].isalnum():
        return None
    first = following[0]
    if host == "it" and (first == "own" or word_before(match) in _PREPOSITIONS):
        return None  # "it's own", "of it's": meant for "its"
    index = next((n for n, word in enumerate(following) if word not in _ADVERBS), len(following))
    main, *rest = following[index:] or [""]
    if main in _HAS or main in _PERFECT_ONLY or _has_been(host, following[:3]):
        return "has"
    if host in _ASKING and first in ("he", "she", "it", "that", "this"):
        return _in_question(following[1:])
    if _may_be_participle(main) and rest[:1] and rest[0] in _OBJECT_STARTS:
        return _with_object(main, rest)
    unclear = (
        (host == "there" and first in _PLURAL)
        or (host == "who" and first not in _AFTER_RELATIVE and not first.endswith("ing"))
        or (first in _SUBJECT_PRONOUNS and (_BASE_VERBS - {"like"}) & {*following[1:2]})
        or main in _EITHER
        or (main in _IRREGULAR and main not in _ADJECTIVAL)
    )
    return None if unclear else "is"


def _has_been(host: str, following: list[str]) -> bool:
    """Return whether "been" belongs to an auxiliary: "it's all been", not "he's who's been"."""
    if "been" not in following:
        return False
    between = following[: following.index("been")]
    is_question = host in _ASKING and between[:1] != ["who"]
    return all(word in _ADVERBS or (is_question and "'" not in word) for word in between)


def _in_question(following: list[str]) -> str | None:
    """Return the expansion of 's before a pronoun and the words after it: "what's he done?"."""
    verb, beyond = [*following, "", ""][:2]
    if verb in _HAS:
        return "has"
    if verb in _BASE_VERBS - _SAME_AS_BASE - {"like"}:
        return None  # "what's he want": does
    if verb in ("like", "called", "named", "made", "supposed", "known", "born", "meant", "used"):
        return "is"
    if verb in _IRREGULAR:
        is_perfect = verb not in _SAME_AS_BASE and beyond not in _PREPOSITIONS | {"for"}
        return "has" if is_perfect and verb not in _ADJECTIVAL else None
    return None if verb.endswith("ed") and beyond not in _PREPOSITIONS else "is"


def _with_object(main: str, rest: list[str]) -> str | None:
    """Return the expansion of 's before a participle that may have an object.

    "She's left the house", "it's put me off" have; "it's called the Palace" is; "he's given a book"
    and "it's closed the whole week" may be either.
    """
    if main in _NAMING:
        return "is"
    object_ = rest[0]
    alone = object_ in ("me", "him", "us", "them")
    if main in _GIVING and not alone:
        return None
    timed = object_ in _DETERMINERS and any(word in _TIMES for word in rest)
    if not alone and (main in _MOVED or timed):
        return None
    return "has"


def _may_be_participle(word: str) -> bool:
    return _is_participle(word) or word in ("put", "set", "let", "cut", "hit", "read", "hurt")


_ASKING = word_set("what where who how")
_OBJECT_STARTS = word_set(
    "me him us them you it her his my your our their its the a an this these those "
    "everyone everybody something someone everything nothing"
)
_DETERMINERS = word_set("a an the this these those")
_NAMING = word_set("called named considered deemed dubbed labelled labeled titled nicknamed")
_GIVING = word_set(
    "given shown told paid sent offered taught awarded asked granted denied voted elected thought "
    "made promised lent fed handed"
)
"""What is done to somebody with an object besides: "he's given a book" is, or has."""

_MOVED = word_set(
    "excited worried convinced surprised pleased annoyed amazed shocked disappointed thrilled "
    "scared concerned relieved delighted impressed persuaded determined frustrated satisfied "
    "amused astonished agreed ashamed tired bored interested embarrassed confused closed needed "
    "supposed limited used"
)
"""After these a clause, or a time, may follow on "is": "she's worried the film is bad"."""

_TIMES = word_set(
    "day days week weeks month months year years decade century time night morning afternoon "
    "evening summer winter spring autumn fall season weekend hour hours minute moment second "
    "monday tuesday wednesday thursday friday saturday sunday way"
)


_PREPOSITIONS = word_set(
    "of in at on to from with by for into about without within under over lost lose loses"
)
_PLURAL = word_set(
    "many two three four five six seven eight nine ten lots several some few plenty people loads "
    "tons"
)
_AFTER_RELATIVE = word_set(
    "a an the not in at on so very too your my our his her their been never "
    "always also just really "
    "this that with to from only ready afraid good bad"
)
_PERFECT_ONLY = word_set("happened arrived lasted occurred")
_EITHER = word_set(
    "finished started stopped changed moved turned improved developed ended passed returned failed "
    "worked played watched looked wanted tried loved liked used lived died learned managed decided "
    "come gone"
)
"""After "it's" these may follow on "is" as on "has"."""

_ADJECTIVAL = word_set("made born lost left meant found known set put hidden broken written set")
"""After "it's" these follow on "is"."""


@site_perturbation(
    local_lexicon(in_english(_expandable, _is_clear), "contractions", reverse=True),
    languages=having("contractions"),
    source="Ribeiro et al. 2020 (CheckList), contractions",
    example="I don't think they're good, we've seen it and won't go again.",
    version=3,
)
def expand(contraction: Match[str], rng: Random, *, language: Language = ENGLISH) -> str | None:
    """Write a contraction out."""
    if language.code != ENGLISH.code:
        return rng.choice(reversed_lexicon(language, "contractions").options(contraction.group()))
    return written_out(contraction)


def written_out(contraction: Match[str]) -> str | None:
    """Return the expansion of a contraction with its capitals; None if it is not clear."""
    words = _written_out(contraction)
    if words is None:
        return None
    written = contraction.group()
    letters = [c for c in written if c.isalpha()]
    if all(c.isupper() for c in letters) and (len(letters) > 2 or is_shouted(contraction)):  # noqa: PLR2004 - "I'm"
        return words.upper()
    if words.startswith("i "):
        return written[0] + words[1:]
    return like(written[:1] + written[1:].lower(), words)


contractions_in = in_english(_expandable, _is_clear)
"""The contractions of a text with a clear expansion."""

CONTRACTION_PATTERNS = (_CONTRACTED, _SITE_WITH_SUBJECT)
"""The patterns that these are matches of."""
