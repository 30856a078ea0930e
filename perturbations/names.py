"""Names: people and places are called otherwise, each by one name all through an example.

Only what is a whole name is changed: no part of a longer one (King James Bible, Paris Hilton), of
an address or a handle, and nothing that goes by a place without being from there (French fries).
A name that is a part of a longer one anywhere in the example stays everywhere.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.data.inputs import fields_of
from pytest_ood.languages import only
from pytest_ood.perturbations._english import (
    after,
    before,
    following,
    in_english,
    overlaps,
    word_after,
    word_before,
)
from pytest_ood.perturbations._words import Lexicon, word_set, word_tuple
from pytest_ood.perturbations.contracts import Derived
from pytest_ood.perturbations.protocol import ALL, batch_perturbation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random
    from re import Match

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs

# Names that are no words of English, so that a capital at the beginning of a sentence misleads
# nobody. Each becomes another of its group.
FIRST_NAMES = (
    word_tuple(
        "Michael James Robert David William Richard Thomas Daniel Matthew Anthony "
        "Steven Paul Andrew Kevin Brian George Edward Ronald Timothy Jason Jeffrey Ryan "
        "Jacob Gary Nicholas Eric Jonathan Stephen Larry Justin Scott Brandon Benjamin "
        "Samuel Adam Peter Martin Kenneth Joseph John Josh Tom Tim Jim Joe Ben Carl "
        "Dylan Ethan Fred Greg Henry Jake Jared Jeff Jerry Kyle Leo Luke Marcus Mike "
        "Noah Oliver Paco Ron Seth Simon Steve Toby Tommy Travis Tyler Wayne Zack Ahmed "
        "Mohammed Carlos Luis Hiroshi Ivan"
    ),
    word_tuple(
        "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Sarah Karen Lisa "
        "Nancy Betty Sandra Margaret Ashley Kimberly Emily Donna Michelle Carol Amanda "
        "Melissa Deborah Stephanie Rebecca Laura Helen Cynthia Amy Anna Kathleen Nicole "
        "Julia Maria Janet Jane Jill Alice Allison Angela Becky Carla Claire Cindy "
        "Diane Eliza Ella Emma Erica Gina Hannah Isabella Jenny Judy Kate Katie Kim "
        "Lucy Marcy Megan Melanie Mia Molly Natalie Olivia Paula Rachel Sally Samantha "
        "Sofia Sophia Tina Valerie Vicky Wendy Fatima Aisha Carmen Ingrid Yuki Olga"
    ),
)

_HONORIFICS = word_set(
    "king queen prince princess pope saint st st. sir lady lord mr mr. mrs mrs. ms ms. miss dr dr. "
    "professor prof prof. president senator governor mayor judge captain capt. "
    "colonel general major "
    "sergeant sgt. emperor duke duchess baron count father brother sister mother uncle aunt auntie "
    "hurricane tropical storm virgin bloody santa san lake mount fort port "
    "great the detective officer "
    "lt lt. lieutenant agent rev. reverend rabbi cardinal bishop archbishop"
)
"""Before these words' names stand: of kings and saints, of storms and lakes."""

_WHOLE_PHRASES = Lexicon(
    {
        phrase: (phrase,)
        for phrase in [
            "adam and eve",
            "adam & eve",
            "tom and jerry",
            "tom & jerry",
            "ben and jerry",
            "ben & jerry",
            "simon says",
            "alice in wonderland",
            "mary had a little lamb",
            "hail mary",
            "mary, queen of scots",
            "mary sue",
            "thomas the tank engine",
            "peter and the wolf",
            "peter, paul and mary",
            "romeo and juliet",
            "harry and sally",
            "jack and jill",
            "samson and delilah",
            "david and goliath",
            "antony and cleopatra",
            "hannah and her sisters",
            "being john malkovich",
            "saint joan",
            "ryan's daughter",
            "joe schmo",
            "rosemary's baby",
            "sophie's choice",
            "bridget jones",
            "sarah, plain and tall",
            "average joe",
            "sloppy joe",
            "dear john",
            "big ben",
            "doubting thomas",
            "peeping tom",
            "mary poppins",
            "betty crocker",
            "every tom, dick and harry",
            "tom, dick and harry",
            "tom, dick, and harry",
            "st james",
            "st thomas",
            "amy's kitchen",
            "jenny craig",
            "susan b",
            "wendy's",
            "trader joe's",
            "papa john's",
            "jimmy john's",
            "thomas's english muffins",
            "paul's boutique",
            "luke, i am your father",
            "adam's apple",
            "carol singers",
            "carol singing",
            "carol service",
            "carol concert",
            "carol of the bells",
        ]
    }
)
"""Phrases and titles that the names in them belong to."""


def _whole_people(text: str) -> Iterator[Match[str]]:
    """Yield the first names of a text that are whole names, possessives included."""
    names = list(_NAME_SITES.finditer(text))
    if not names:
        return
    phrases = [match.span() for match in _WHOLE_PHRASES(text)]
    lists = [match.span() for match in _LIST.finditer(text) if not _all_renamed(match)]
    excluded: set[str] = set()
    sites = []
    for match in names:
        inside = overlaps(phrases, *match.span()) or overlaps(lists, *match.span())
        if inside or not _is_whole(match) or not _is_person(match) or _is_of_other_sex(match):
            excluded.add(match["name"])
        else:
            sites.append(match)
    yield from (match for match in sites if match["name"] not in excluded)


_NAME_SITES = re.compile(
    r"(?<![\w'\u2019.@#/&-])(?P<name>"
    + "|".join(sorted((name for group in FIRST_NAMES for name in group), key=len, reverse=True))
    + r")(?P<owns>['\u2019]s?)?(?![\w/@-]|\.\w)"
)
_LIST = re.compile(r"[A-Z]\w+(?:, [A-Z]\w+){1,20},? (?:and|or|&) [A-Z]\w+")
"""Three capitalised words or more in a row."""


def _all_renamed(names: Match[str]) -> bool:
    """Return whether all names of a list are known: one alone would not leave its company."""
    return all(_A_FIRST_NAME.fullmatch(name) for name in re.findall(r"[A-Z]\w+", names.group()))


_A_FIRST_NAME = re.compile("|".join(name for group in FIRST_NAMES for name in group))
_PARTICLES = (
    "de van von da bin di do dos das del della der den des du le la les el al ibn bint ben ter ten "
    "zu zum zur af av"
)
_PART_OF_NAME = re.compile(
    rf"[ \t]+(?:[A-Z]\.|[A-Z][a-z]|[A-Z]['\u2019][A-Z]|[A-Z]{{2,}}|of [A-Z]|\d|[IVX]+\b"
    rf"|(?:(?:{'|'.join(_PARTICLES.split())}) ){{1,3}}[A-Z]|d['\u2019][A-Z]|al-"
    # Nicknames, and what kings and heroes are called.
    r"|[\"\u201c'\u2018(][A-Z][\w .-]{0,30}[\"\u201d'\u2019)] [A-Z]|(?:and|&) the [A-Z])"
    r"|,? the [A-Z]|, [A-Z]\w+ of [A-Z]"
)


def _is_whole(match: Match[str]) -> bool:
    """Return whether a first name is a whole name: without surname, title or verse."""
    rest = following(match, 60)
    surname = _PART_OF_NAME.match(rest) is not None and not _starts_a_clause(rest)
    if surname or re.match(r"[ ]?[&/]|,? (?:Jr|Sr)\b", rest):
        return False
    if _INITIALS.search(match.string, max(0, match.start() - 20), match.start()):
        return False
    head = match.string[max(0, match.start() - 40) : match.start()]
    raw = re.search(r"([\w.'\u2019&-]+)[ \t]+\Z", head)
    word = raw[1] if raw else ""
    if word in ("&", "de", "van", "von") or before(match, 2) == [".", "st"]:
        return False
    if word[:1].isupper() and word.lower() in _HONORIFICS:
        return False
    # A capital begins a sentence, or is a part of the name: "When Sarah", but "Jack Paul".
    is_capital = word[:1].isupper() and word not in ("I", "A") and word[-1] not in ".,"
    if not is_capital:
        return True
    # Inside a sentence other words have a capital in titles alone: "I Love Lucy".
    inside = raw is not None and re.search(r"(?<![.!?])\b[A-Z]\w* \Z", head[: raw.start()])
    return word.lower() in _OPENERS and (not inside or word in _NO_SURNAMES)


_INITIALS = re.compile(r"(?<![A-Za-z])(?:[A-Z]\.){1,4}[ \t]+\Z")


def _is_person(match: Match[str]) -> bool:
    """Return whether a first name calls a person: no place, no kind of people, no title or line."""
    text, start, end = match.string, match.start(), match.end()
    if not text[:start].strip() and not text[end:].strip(".!?\"' "):
        # A text that is nothing but a name may be anything.
        return not text[end:].strip()
    head = text[max(0, start - 40) : start]
    if _NO_PERSON_BEFORE.search(head) or _NO_PERSON_AFTER.match(text, end):
        return False
    named = _NAMED_AFTER.search(head)
    if named is not None and named[1].lower() not in _MEASURES and not match["owns"]:
        return False
    kind = _KIND.search(head)
    if kind is not None and (kind[1] is None or not following(match, 2).strip(" .,;:!?\"'")):
        return False
    where = _PLACED.search(head)
    if where is not None and not match["owns"]:
        return where[1].lower() == "from" and match["name"] not in _ALSO_PLACES
    return True


_TITLES = (
    "opera film movie novel book song play musical series show album game comedy drama sitcom poem "
    "ballet band city town county hurricane storm magazine restaurant brand ship painting"
)
_STATES = word_set(
    "Alabama Alaska Arizona Arkansas California Colorado Connecticut Delaware Florida Georgia "
    "Hawaii Idaho Illinois Indiana Iowa Kansas Kentucky Louisiana Maine Maryland Massachusetts "
    "Michigan Minnesota Mississippi Missouri Montana Nebraska Nevada Ohio Oklahoma Oregon "
    "Pennsylvania Tennessee Texas Utah Vermont Virginia Washington Wisconsin Wyoming Ontario "
    "Quebec Alberta Manitoba Queensland Victoria Bulgaria Romania Serbia Greece Turkey Ukraine "
    "Hungary Portugal Norway Finland Denmark Belgium Switzerland Argentina Chile Colombia Peru "
    "Cuba France Germany Italy Spain England Ireland Scotland Wales Russia China Japan India "
    "Canada Australia Mexico Brazil Egypt Poland Sweden Austria Iran USA US UK"
)
"""Where towns lie, beside those of two words."""

_IS_A_TITLE = rf" (?:is|was) (?:an?|the) (?:[\w-]+ ){{0,2}}(?:{'|'.join(_TITLES.split())})\b"
_NO_PERSON_AFTER = re.compile(
    rf",[ \t]+(?:(?:New|North|South|West|Rhode) [A-Z]|(?:{'|'.join(sorted(_STATES))})\b)"
    rf"|{_IS_A_TITLE}"
    # A title, and who wrote it; "Lucy in the Sky".
    r"| by [A-Z]\w+ [A-Z]\w+| (?:in|on) the [A-Z]"
)
_NO_PERSON_BEFORE = re.compile(
    r"\b(?:[Tt]he|[Gg]ospel according to|[Gg]ospel of|[Bb]ook of|prophet|apostle|archangel|saint"
    r"|pope|king|queen|emperor|hurricane|storm|cyclone) \Z"
)
_NAMED_AFTER = re.compile(r"\b([A-Z]\w*) of \Z")
_MEASURES = word_set(
    "all any because both each either enough few fewer half how instead least less lots many "
    "more most much neither none one two three four five six seven eight nine ten out part "
    "plenty several some speaking thinking two-thirds afraid ahead fond inside outside proud "
    "sick tired think friends what which who dream dreaming"
)
"""Words that begin a sentence before "of" and a person: "Half of Emma's"."""

_KIND = re.compile(r"\b(?:[Aa]n?|[Aa]nother)( (?!(?:\w+ly|few|little|lot|bit|while) )[a-z]+)? \Z")
_PLACED = re.compile(
    r"(?<!believe )(?<!believes )(?<!believed )(?<!faith )(?<!trust )(?<!confidence )(?<!interest )"
    r"(?<!interested )(?<!confide )(?<!confided )(?<!disappointed )(?<!love )"
    r"\b([Ii]n|[Nn]ear|[Ff]rom|lives at|lived at|live at) \Z"
)
_ALSO_PLACES = frozenset(("Sofia", "Tyler", "Elizabeth", "Henry", "Carmen", "Eugene", "Wayne"))
"""Names of towns, too."""

_MEN = (
    "husband boyfriend brother father dad son uncle grandfather grandpa nephew groom king prince "
    "man boy guy actor"
)
_WOMEN = (
    "wife girlfriend sister mother mom mum daughter aunt grandmother grandma niece bride queen "
    "princess woman girl lady actress"
)


def _of_sex(nouns: str, he: str, his: str, himself: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return what says before and after a name that a man, or a woman, has it."""
    listed = "|".join(nouns.split())
    return (
        re.compile(rf"(?i:\b(?:{listed}),? (?:named |called )?|\b{his} name (?:is|was) )\Z"),
        re.compile(
            rf",? (?:{he}|{himself})\b| and {his} (?:{'|'.join((_MEN + ' ' + _WOMEN).split())})\b"
            rf"| (?:is|was) {his} name\b| (?:is|was) an? (?:\w+ )?(?:{listed})\b"
        ),
    )


_OTHER_SEX = (
    _of_sex(_WOMEN, "she", "her", "herself"),
    _of_sex(_MEN, "he", "his", "himself"),
)
"""What says that a name of each group is another's: some names are given to both sexes."""


def _is_of_other_sex(match: Match[str]) -> bool:
    group = next(n for n, names in enumerate(FIRST_NAMES) if match["name"] in names)
    before_it, after_it = _OTHER_SEX[group]
    head = match.string[max(0, match.start() - 40) : match.start()]
    return bool(before_it.search(head) or after_it.match(match.string, match.end()))


def _starts_a_clause(rest: str) -> bool:
    """Return whether what follows a name is "I" or a capitalised day: no surname."""
    word = re.match(r"\s+([\w'\u2019]+)", rest)
    return word is not None and (word[1] in _NO_SURNAMES or word[1].startswith(("I'", "I\u2019")))


_NO_SURNAMES = word_set("I Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
_OPENERS = word_set(
    "a about after all also although and another are as at because before both "
    "but by can could did "
    "do does during each even every everyone first for from had has have he "
    "her here his how i if in "
    "is it later last like maybe meanwhile my next nobody not now of on once one only or our over "
    "perhaps poor she should since so some sometimes soon still suddenly that the their then there "
    "these they this though three today tomorrow tonight two unlike until was "
    "we well were what when "
    "where whether which while who whose why will with without would yesterday "
    "yet you your dear hi "
    "hello hey thanks tell ask let give see meet call help poor little young old monday tuesday "
    "wednesday thursday friday saturday sunday an any some each than to in "
    "initially finally eventually originally altogether "
    "together suppose if unfortunately luckily yes no oh ok okay thank love"
)


def _renamed(names: Sequence[Match[str]], rng: Random) -> list[str]:
    """Return another name for each, of its group: equal ones for equal, and none of the text's."""
    chosen: dict[str, str] = {}
    there = frozenset(re.findall(r"[A-Z]\w+", names[0].string))
    for name in dict.fromkeys(match["name"] for match in names):
        group = next(group for group in FIRST_NAMES if name in group)
        taken = {*chosen.values(), name}
        free = [other for other in group if other not in taken and other not in there]
        chosen[name] = rng.choice(free or [other for other in group if other != name])
    return [_owning(chosen[match["name"]], match) for match in names]


def _owning(name: str, match: Match[str]) -> str:
    """Write a name with the possessive of another: James' becomes Kevin's."""
    owns: str = match["owns"] or ""
    if owns in ("'", "\u2019") and match["name"].endswith("s") and not name.endswith("s"):
        # "James' book", but not the end of a quotation.
        return f"{name}{owns}s" if re.match(r"\s\w", following(match, 2)) else name + owns
    return name + owns


def _label_if_answers_stay(fixed: Callable[[Example], Sequence[str]]) -> Derived:
    """Return the contract of what renames: names in the right answers stay in the inputs.

    Args:
        fixed: Returns regular expressions for the names in an example's answers.
    """

    def label(example: Example, inputs: Inputs) -> str | None:
        """Return the label if the number of mentions is unchanged, otherwise None."""
        was, now = ("\n".join(fields_of(value).values()) for value in (example.inputs, inputs))
        same = all(len(re.findall(p, was)) == len(re.findall(p, now)) for p in fixed(example))
        return example.label if same else None

    return Derived(label, fixed, draws=1, name="preserving", joint=True)


def _people_in_answers(example: Example) -> list[str]:
    return [rf"\b{name}\b" for name in _names_in_answers(example, _A_PERSON)]


def _names_in_answers(example: Example, names: re.Pattern[str]) -> list[str]:
    matched = {m.group().title() for a in example.right_answers for m in names.finditer(a)}
    return sorted(matched)


_A_PERSON = re.compile(
    rf"\b(?:{'|'.join(name for group in FIRST_NAMES for name in group)})\b", re.IGNORECASE
)


@batch_perturbation(
    in_english(_whole_people),
    source="Ribeiro et al. 2020 (CheckList), table 1 (change names)",
    kind="semantic",
    contract=_label_if_answers_stay(_people_in_answers),
    version=5,
    # A share of the places where somebody is named would call one person by two names.
    scale=ALL,
    example="Michael and Sarah play Robert's parents, and Julia steals the show.",
    languages=only("en"),
)
def change_names(names: Sequence[Match[str]], rng: Random) -> list[str]:
    """Call people by other first names that are given to the same sex."""
    return _renamed(names, rng) if names else []


@dataclass(frozen=True)
class _Nation:
    """A country with what goes by its name: each becomes its counterpart of another nation.

    Attributes:
        country: The name of the country.
        adjective: The adjective of the country.
        city: Its best-known city, or "".
        mentions: Words that tie a text to the country, for which other countries have none.
    """

    country: str
    adjective: str
    city: str = ""
    mentions: tuple[str, ...] = ()


_NATIONS = (
    _Nation("France", "French", "Paris", ("Parisian", "Eiffel", "Louvre", "Seine")),
    _Nation("Germany", "German", "Berlin", ("Berliner", "Nazi", "Hitler")),
    _Nation("Italy", "Italian", "Rome", ("Roman", "Vatican", "Colosseum")),
    _Nation("Spain", "Spanish", "Madrid", ("Spaniard",)),
    _Nation("England", "", "London", ("British", "Britain", "English", "UK", "Thames", "Londoner")),
    _Nation("Ireland", "Irish", "Dublin", ("Northern",)),
    _Nation("Scotland", "Scottish", "Edinburgh", ("Scots", "British")),
    _Nation("Russia", "Russian", "Moscow", ("Soviet", "Kremlin", "Putin")),
    _Nation("China", "Chinese", "Beijing"),
    _Nation("Japan", "Japanese", "Tokyo", ("Olympics",)),
    _Nation("India", "Indian", "Mumbai", ("Bollywood", "Bombay")),
    _Nation("Canada", "Canadian", "Toronto", ("Ontario",)),
    _Nation("Australia", "Australian", "Sydney", ("Aboriginal", "Aussie")),
    _Nation("Mexico", "Mexican"),
    _Nation("Brazil", "Brazilian"),
    _Nation("Egypt", "Egyptian", "Cairo", ("Nile", "Pharaoh")),
    _Nation("Poland", "Polish", "Warsaw"),
    _Nation("Sweden", "Swedish", "Stockholm"),
    _Nation("Austria", "Austrian", "Vienna", ("Viennese",)),
    _Nation("Iran", "Iranian", "Tehran", ("Persian",)),
)
_CITIES = (
    "Chicago",
    "Boston",
    "Seattle",
    "Houston",
    "New York",
    "Los Angeles",
    "San Francisco",
    "Philadelphia",
    "Miami",
    "Denver",
    "Atlanta",
)
"""Cities of one country, each of which becomes another."""

_PLACE_NAMES = sorted(
    {
        *_CITIES,
        *(n for nation in _NATIONS for n in (nation.country, nation.adjective, nation.city) if n),
    },
    key=len,
    reverse=True,
)
_PLACE_SITES = re.compile(
    rf"(?<![\w'\u2019.@#/&-])(?:{'|'.join(_PLACE_NAMES)})(?![\w/@&-]|\.\w|['\u2019](?!s\b))"
)
_NATION_OF = {
    name: nation
    for nation in _NATIONS
    for name in (nation.country, nation.adjective, nation.city)
    if name
}
_ROLES = ("country", "adjective", "city")

_FROM_THERE = word_set(
    "film films movie movies director directors actor actors actress actresses cinema drama dramas "
    "comedy comedies thriller thrillers filmmaker filmmakers romance version "
    "family families man men "
    "woman women girl girls boy boys people couple couples soldier soldiers government president "
    "city cities town towns village villages company companies economy team teams player players "
    "artist artists singer singers writer writers author authors novel novels newspaper newspapers "
    "tourist tourists student students friend friends wife "
    "husband citizen citizens "
    "official officials police army troops officer officers politician politicians scientist "
    "scientists journalist journalists businessman lady gentleman child children kid kids guy guys "
    "woman's man's immigrant immigrants minister ministry coast countryside border market markets "
    "society culture production productions composer painter poet philosopher prime television tv "
    "heist import drug-smuggler band bands club clubs athlete athletes doctor doctors nurse chef "
    "neighbor neighbour neighbors restaurant-owner father mother brother sister girlfriend "
    "boyfriend colleague engineer lawyer prisoner prisoners visitors visitor"
)
"""What comes from a country, where fries, toast and doors are merely called so."""

_SAVED = Lexicon(
    {
        phrase: (phrase,)
        for phrase in [
            "midnight in paris",
            "last tango in paris",
            "an american in paris",
            "sleepless in seattle",
            "from russia with love",
            "passage to india",
            "made in china",
            "when in rome",
            "all roads lead to rome",
            "rome was not built in a day",
            "rome wasn't built in a day",
            "new york minute",
            "new york strip",
            "new york style",
            "new york accent",
            "philadelphia cream cheese",
            "boston cream pie",
            "boston terrier",
            "moscow mule",
            "once upon a time in mexico",
            "once upon a time in china",
            "good morning vietnam",
            "paris is burning",
            "china doll",
            "china cabinet",
            "india ink",
            "italian job",
            "the italian job",
            "english patient",
            "the bank of england",
            "church of england",
            "bank of japan",
            "people's republic of china",
            "republic of ireland",
            "gulf of mexico",
            "day the earth",
            "queen of scotland",
            "escape from new york",
            "gangs of new york",
            "king of new york",
            "the shanghai",
            "to live and die in los angeles",
            "rome, open city",
            "we'll always have paris",
            "paris of",
            "rome of",
            "the german shepherd",
            "french connection",
            "german chancellor",
            "french president",
            "japanese emperor",
            "russian front",
            "miami vice",
            "denver boot",
            "chicago school",
            "boston tea party",
            "boston accent",
            "london fog",
            "the fall of rome",
            "ancient rome",
            "ancient egypt",
            "ancient china",
            "imperial china",
            "feudal japan",
            "nazi germany",
            "east germany",
            "west germany",
            "south india",
            "west berlin",
            "east berlin",
            "upstate new york",
            "the new york",
            "the boston",
            "the chicago",
            "the london",
            "the paris",
            "the rome",
            "the miami",
            "the denver",
            "the seattle",
            "the atlanta",
        ]
    }
)
"""Phrases and titles that the places in them belong to."""

_WHERE = word_set(
    "in to from near at around outside through across via toward towards of for inside within into "
    "between and or visit visits visited visiting leave leaves left leaving reach reaches reached "
    "love loves loved like liked likes hate hates miss misses see sees saw over beyond about than "
    "throughout central downtown northern southern eastern western modern contemporary"
)
_PERSONS = frozenset(("Paris", "Sydney", "Chicago", "Boston", "India", "China"))
"""Names that people, bands, musicals and porcelain have, too."""


def _whole_places(text: str) -> Iterator[Match[str]]:
    """Yield the places of a text that are whole names and may be others."""
    matches = list(_PLACE_SITES.finditer(text))
    if not matches:
        return
    saved = [match.span() for match in _SAVED(text)]
    words = frozenset(re.findall(r"[A-Za-z]+", text))
    money = {nation for word in words for nation in _CURRENCIES.get(word.lower(), ())}
    excluded: set[str] = set()
    sites = []
    for match in matches:
        nation = _NATION_OF.get(match.group())
        inside = overlaps(saved, *match.span())
        tied = nation is not None and (
            nation.country in money
            or not words.isdisjoint(nation.mentions)
            or f"{nation.adjective}s" in words
        )
        if inside or tied or not _is_whole_place(match) or _is_in_a_name(match):
            # Whatever goes by the nation's name stays with it.
            excluded.update(
                (nation.country, nation.adjective, nation.city) if nation else (match.group(),)
            )
        else:
            sites.append(match)
    yield from (match for match in sites if match.group() not in excluded)


_CURRENCIES = {
    word: countries.split()
    for words, countries in (
        ("rupee rupees", "India"),
        ("yen", "Japan"),
        ("yuan renminbi", "China"),
        ("ruble rubles rouble roubles", "Russia"),
        ("peso pesos", "Mexico"),
        ("zloty zlotys", "Poland"),
        ("krona kronor", "Sweden"),
        ("rial rials", "Iran"),
        ("euro euros", "France Germany Italy Spain Ireland Austria"),
        ("sterling", "England Scotland"),
        ("franc francs", "France"),
        ("mark marks deutschmark deutschmarks", "Germany"),
        ("lira lire", "Italy"),
        ("peseta pesetas", "Spain"),
    )
    for word in words.split()
}
"""Money, and the countries that pay in it."""

_LANDMARKS = word_set(
    "wall gulf sea bay bank treaty battle siege sack kingdom empire republic king queen emperor "
    "tsar czar museum university tower lights merchant hunchback sound isle strait duke "
    "congress barber bridges bishop archbishop king's"
)
"""What has the name of a place with "of"."""

_AFTER_A_PLACE = word_set(
    "a about after again ago all alone also although always am among an and any are around as "
    "at away back be because been before being between both but by came can could did do does "
    "done down due during each early earlier either else even ever every finally first for from "
    "gets goes had has have he her here him his how however i if in instead into is it its just "
    "last late later like made makes may me might more most much must my near nearly never next "
    "no nor not now of off often on once one only or our out over per rather really said says "
    "seems she should since so some soon still such tends than that the their them then there "
    "these they this those though through to today together tomorrow tonight too toward towards "
    "twice two under unless until up very via was we went were what when where whether which "
    "while who whom whose why will with within without would yesterday yet you your"
)
"""Words before which a place is a whole name; before another one it says which: "Brazil nuts"."""

_BEFORE_A_SUBJECT = word_set("did do does can could will would should")
_FOREIGN_BEFORE = word_set("de la le du des del di el das die der den vive viva il lo")
_DIRECTIONS = word_set("western eastern northern southern central")
_JOINED_BEFORE = re.compile(r"\b([A-Z][a-z]+) (?:and|&) \Z")
_JOINED_AFTER = re.compile(r" (?:and|&) ([A-Z][a-z]+)")
_PLACE_IN_TITLE = re.compile(rf"{_IS_A_TITLE}| on the [A-Z]|: [A-Z]|, (?:we|you|I) ")


def _is_in_a_name(match: Match[str]) -> bool:
    """Return whether a place belongs to what is called after it, or to another place."""
    text, name = match.string, match.group()
    head = text[max(0, match.start() - 40) : match.start()]
    previous = [*before(match, 2), "", ""]
    direction = _BEFORE_CAPITAL.search(head)
    if (
        previous[0] in _FOREIGN_BEFORE
        or (previous[0] == "of" and previous[1] in _LANDMARKS)
        or (direction is not None and direction[1].lower() in _DIRECTIONS)
    ):
        return True
    return name not in _ADJECTIVES and (
        _PLACE_IN_TITLE.match(text, match.end()) is not None
        or _has_company(match, head)
        or _says_which(match)
    )


def _has_company(match: Match[str], head: str) -> bool:
    """Return whether a place is beside its own name, or a place without counterpart: Wales."""
    text, name, end = match.string, match.group(), match.end()
    if head.endswith(f"{name}, ") or text.startswith(f", {name}", end):
        return True
    return any(
        not any(known.startswith(other[1]) for known in _PLACE_NAMES)
        for other in (_JOINED_BEFORE.search(head), _JOINED_AFTER.match(text, end))
        if other
    )


def _says_which(match: Match[str]) -> bool:
    """Return whether a place precedes a thing that is named after it: "Brazil nuts"."""
    word = word_after(match)
    if not word[:1].isalpha() or following(match, 1) in ("'", "\u2019"):
        return False
    if word_before(match) in _BEFORE_A_SUBJECT:
        # "When did France begin": a verb follows.
        return False
    return word not in _AFTER_A_PLACE and not word.endswith(("ing", "ly"))


_ADJECTIVES = frozenset(nation.adjective for nation in _NATIONS)
_NEXT_CAPITAL = re.compile(r"(?:['\u2019]s)?[ \t]+(?:[A-Z]|\d)")
_NEXT_STATE = re.compile(r",[ \t]+([A-Z][A-Za-z]+)")
_OF_NAME = re.compile(r"([A-Z][\w'\u2019]*)[ \t]+(?:of|in)[ \t]+(?:the[ \t]+)?\Z")
_BEFORE_CAPITAL = re.compile(r"([A-Z][\w'\u2019.-]*)[ \t]+\Z")


def _is_whole_place(match: Match[str]) -> bool:
    text, name = match.string, match.group()
    if _NEXT_CAPITAL.match(text, match.end()) and following(match, 3).strip() not in (
        "I",
        "I'",
    ):
        return False
    state = _NEXT_STATE.match(text, match.end())
    if (
        state is not None
        and not any(other.startswith(state[1]) for other in _PLACE_NAMES)
        and name not in {n.country for n in _NATIONS}
    ):
        return False
    head = text[max(0, match.start() - 40) : match.start()]
    capital = _BEFORE_CAPITAL.search(head)
    if capital is not None and capital[1].lower() not in _OPENERS | _WHERE:
        return False
    named = _OF_NAME.search(head)
    if named is not None and named[1] not in _PLACE_NAMES and named[1].lower() not in _OPENERS:
        return False
    if name in _ADJECTIVES:
        return _is_from_there(match)
    return name not in _PERSONS or word_before(match) in _WHERE


def _is_from_there(match: Match[str]) -> bool:
    """Return whether an adjective says where something or somebody comes from."""
    words = after(match, 2)
    next_word = (words or [""])[0]
    if next_word in _FROM_THERE:
        return True
    # "He is French.", but not "the language is French and".
    ends = not next_word[:1].isalnum()
    previous = before(match, 2)
    return (
        ends
        and previous[:1] != []
        and previous[0] in ("is", "was", "are", "were")
        and (previous[1:] == [] or previous[1] in ("he", "she", "they", "we", "i", "you", "who"))
    )


def _moved(names: Sequence[Match[str]], rng: Random) -> list[str]:
    """Return another place for each: a country, its people and its city move together."""
    mentioned = frozenset(match.group() for match in _PLACE_SITES.finditer(names[0].string))
    roles: dict[_Nation, set[str]] = {}
    for name in dict.fromkeys(match.group() for match in names):
        nation = _NATION_OF.get(name)
        if nation is not None:
            roles.setdefault(nation, set()).add(_role(nation, name))
    chosen: dict[str, str] = {}
    taken = {_NATION_OF[name] for name in mentioned if name in _NATION_OF}
    for nation, needed in roles.items():
        free = [
            other
            for other in _NATIONS
            if other not in taken and all(getattr(other, role) for role in needed)
        ]
        if not free:
            continue
        other = rng.choice(free)
        taken.add(other)
        chosen.update({getattr(nation, role): getattr(other, role) for role in needed})
    for name in dict.fromkeys(match.group() for match in names):
        if name in _CITIES:
            others = [c for c in _CITIES if c not in mentioned and c not in chosen.values()]
            if others:
                chosen[name] = rng.choice(others)
    return [chosen.get(match.group(), match.group()) for match in names]


def _role(nation: _Nation, name: str) -> str:
    return next(role for role in _ROLES if getattr(nation, role) == name)


def _places_in_answers(example: Example) -> list[str]:
    """Return patterns of the places in an example's answers, with all names of their nations."""
    patterns: set[str] = set()
    for name in _names_in_answers(example, _A_PLACE):
        nation = _NATION_OF.get(name)
        names = (nation.country, nation.adjective, nation.city) if nation else (name,)
        patterns.update(rf"\b{one}\b" for one in names if one)
    return sorted(patterns)


_A_PLACE = re.compile(rf"\b(?:{'|'.join(_PLACE_NAMES)})\b", re.IGNORECASE)


@batch_perturbation(
    in_english(_whole_places),
    source="Ribeiro et al. 2020 (CheckList), table 1 (change locations)",
    kind="semantic",
    contract=_label_if_answers_stay(_places_in_answers),
    version=5,
    # A share of the places would put one city into two countries.
    scale=ALL,
    articles=True,
    example="A French film set in London and Chicago by a German director from New York.",
    languages=only("en"),
)
def change_places(names: Sequence[Match[str]], rng: Random) -> list[str]:
    """Name other cities, countries and nationalities; a country and its city move together."""
    return _moved(names, rng) if names else []
