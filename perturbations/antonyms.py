"""Antonyms: words of praise become words of blame, and the other way round.

A text is changed if every word that praises or blames has an antonym here and can only be that word
in its context: "like", "right", "kind" and "works" mean too many things for a rule.
"""

from __future__ import annotations

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
    is_named_first,
    is_of_the_speaker,
)
from pytest_ood.perturbations._sentiment import BLAME, PARTICIPLES, PRAISE, evaluates, listed
from pytest_ood.perturbations._words import like, word_tuple
from pytest_ood.perturbations.contracts import Changing, other_label
from pytest_ood.perturbations.protocol import ALL, perturbation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

    from pytest_ood.perturbations._clauses import Token

_ADJECTIVES = (
    (("good", "decent"), ("bad", "lousy")),
    (
        word_tuple(
            "great wonderful marvelous superb brilliant excellent fantastic terrific "
            "splendid magnificent marvellous outstanding fabulous"
        ),
        word_tuple("terrible horrible dreadful abysmal awful atrocious appalling horrendous"),
    ),
    (("amazing", "awesome", "phenomenal", "exceptional"), ("pathetic", "terrible", "lousy")),
    (("funny", "hilarious", "witty", "humorous"), ("unfunny", "humorless", "witless")),
    (
        word_tuple(
            "interesting fascinating engaging compelling gripping riveting engrossing "
            "absorbing captivating intriguing exciting thrilling enthralling"
        ),
        word_tuple(
            "boring tedious dull dreary lifeless uninteresting unengaging monotonous "
            "tiresome drab bland insipid lackluster plodding"
        ),
    ),
    (
        ("fun", "entertaining", "enjoyable", "amusing"),
        ("boring", "tedious", "unenjoyable", "tiresome"),
    ),
    (
        ("inventive", "imaginative", "original", "ingenious", "innovative", "creative"),
        word_tuple(
            "derivative hackneyed unoriginal unimaginative formulaic trite contrived "
            "uninspired predictable"
        ),
    ),
    (
        ("clever", "intelligent", "insightful", "thoughtful", "thought-provoking", "smart"),
        word_tuple(
            "stupid dumb idiotic mindless inane brainless moronic shallow superficial simplistic"
        ),
    ),
    (
        ("charming", "delightful", "lovely", "pleasant", "appealing", "endearing", "enchanting"),
        word_tuple(
            "charmless unpleasant irritating annoying unappealing obnoxious disagreeable grating"
        ),
    ),
    (("beautiful", "gorgeous", "stunning", "handsome"), ("ugly", "hideous")),
    (
        ("moving", "touching", "heartfelt", "poignant", "stirring", "heartwarming"),
        ("unmoving", "hollow", "soulless", "maudlin", "mawkish", "sappy", "vapid"),
    ),
    (
        ("convincing", "believable", "credible", "plausible"),
        ("unconvincing", "implausible", "contrived"),
    ),
    (("memorable",), ("forgettable", "unmemorable")),
    (
        ("satisfying", "rewarding", "fulfilling", "gratifying"),
        ("unsatisfying", "frustrating", "disappointing", "unrewarding"),
    ),
    (
        ("impressive", "remarkable", "inspired"),
        ("unimpressive", "mediocre", "unremarkable", "pedestrian", "amateurish"),
    ),
    (("uplifting", "inspiring"), ("depressing", "uninspiring")),
    (("happy", "pleased", "glad"), ("unhappy", "displeased")),
    (("satisfied", "impressed"), ("unsatisfied", "dissatisfied", "unimpressed", "disappointed")),
    (("useful", "helpful"), ("useless", "unhelpful")),
    (("perfect", "flawless", "impeccable"), ("flawed", "imperfect", "botched")),
    (("incredible", "extraordinary", "breathtaking"), ("terrible", "underwhelming", "lousy")),
    (("talented", "gifted"), ("untalented", "incompetent")),
    (("masterful", "skillful", "accomplished"), ("inept", "amateurish", "incompetent")),
    (("exhilarating", "invigorating"), ("tedious", "tiresome")),
    (("refreshing", "fresh"), ("stale", "hackneyed")),
    (("informative", "enlightening"), ("uninformative", "unenlightening")),
    (("top-notch", "first-rate"), ("third-rate", "second-rate")),
    (("unpretentious",), ("pretentious", "pompous")),
    (("graceful",), ("awkward", "clumsy")),
    (("sincere", "earnest"), ("insincere",)),
    (("admirable",), ("deplorable", "regrettable")),
    (("good-natured", "warm-hearted"), ("mean-spirited",)),
    (("well-done",), ("botched",)),
    (("strong", "solid", "powerful"), ("weak", "feeble", "poor", "flimsy")),
    (("reliable", "trustworthy"), ("unreliable",)),
    (("nice",), ("unpleasant", "nasty")),
    (("friendly", "courteous", "polite"), ("unfriendly", "rude")),
    (
        ("delicious", "tasty", "yummy", "flavorful", "scrumptious"),
        ("tasteless", "disgusting", "bland", "inedible", "flavorless", "unappetizing"),
    ),
    (("likable", "likeable", "lovable"), ("unlikable", "obnoxious", "unlikeable")),
    (("stylish", "elegant", "polished"), ("clumsy", "sloppy", "slapdash", "clunky", "shoddy")),
    (("watchable",), ("unwatchable",)),
    (("coherent", "lucid"), ("incoherent", "muddled")),
    (("well-acted",), ("badly-acted",)),
    (("well-made", "well-crafted"), ("badly-made", "poorly-made")),
    (("well-written",), ("badly-written", "poorly-written")),
    (("comfortable", "comfy"), ("uncomfortable",)),
    (("vibrant", "lively", "energetic", "spirited"), ("lifeless", "lethargic", "dull", "listless")),
    (("successful",), ("unsuccessful",)),
    (("worthwhile",), ("pointless", "worthless")),
    (("attractive",), ("unattractive",)),
)
"""Adjectives for the same nouns: praise, and blame of the same thing."""

_NOUNS = (
    (("joy", "delight", "pleasure", "treat"), ("chore", "bore", "ordeal", "disappointment")),
    (
        ("masterpiece", "triumph", "gem", "success", "winner"),
        ("mess", "disaster", "failure", "fiasco", "flop", "dud", "stinker"),
    ),
)
_SUPERLATIVES = ((("best", "finest"), ("worst",)), (("funniest",), ("dullest",)))
_MANNERS = (
    (
        ("well", "beautifully", "brilliantly", "superbly", "wonderfully"),
        ("badly", "poorly", "terribly"),
    ),
)
_PRONOUNS = frozenset(("it", "that", "this", "he", "she"))
_FEELINGS = (
    (("love", "like", "adore", "enjoy"), ("hate", "dislike", "loathe", "detest")),
    (("loved", "liked", "adored", "enjoyed"), ("hated", "disliked", "loathed", "detested")),
)


def _opposites(groups: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]) -> dict[str, list[str]]:
    """Return the opposites of each word."""
    opposites: dict[str, list[str]] = {}
    for praise, blame in groups:
        for words, contrary in ((praise, blame), (blame, praise)):
            for word in words:
                opposites.setdefault(word, []).extend(contrary)
    return opposites


def _praising(*tables: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]) -> frozenset[str]:
    return frozenset(word for groups in tables for praise, _ in groups for word in praise)


_ADJECTIVE = _opposites(_ADJECTIVES)
_NOUN = _opposites(_NOUNS)
_SUPERLATIVE = _opposites(_SUPERLATIVES)
_MANNER = _opposites(_MANNERS)
_FEELING = _opposites(_FEELINGS)
_PRAISE = _praising(_ADJECTIVES, _NOUNS, _SUPERLATIVES, _MANNERS, _FEELINGS)

_DETERMINERS = listed("a an the this that these those my his her its our your such 's '")
_BE = listed("is are was were am be been being 's 're 'm")
_DEGREES = listed(
    """
very really truly so absolutely incredibly extremely highly utterly completely totally simply
deeply remarkably unusually exceedingly thoroughly consistently pretty quite fairly just
downright genuinely particularly especially most how always ever immensely hugely enormously
infinitely insanely plain
"""
)
_BEFORE = (
    _DETERMINERS
    | _BE
    | _DEGREES
    | listed("and or with of by in for from have has had more looks looked feels felt")
    | frozenset((",", "--", "-", "\u2013", "\u2014", "(", "/"))
)
"""Words that an adjective may follow."""

_AFTER_A_VERB = listed(
    "the a an me us him her them his my your their to into away out on it itself you"
)
_SHORT_PHRASE = 4
_LONGEST_LIST = 12
_LONGEST_TAIL = 8
_JUDGING = listed(
    """
has have had having offers offered offering provides provided gives gave makes made remains remained
becomes became features featured includes included received serves served got getting what
"""
)
"""Verbs behind which a review says what it thinks."""

_SUBJECTS = frozenset(("i", "we", "you"))
_PREPOSITIONS = frozenset(("of", "by", "in", "for", "from", "with"))
_AFTER_AN_ADJECTIVE = listed("and or in for from at with throughout , . ! ; : ) -- -")

_RATHER_NOUNS = listed("good great original fresh fun right poor")
"""Adjectives that are nouns, too: "the good of the many", "the original"."""

_FIXED = {
    "good": listed(
        """
luck old deal bye morning evening night afternoon day friday samaritan will faith cop guy guys
bit many riddance grief god lord heavens gracious thing looking measure use chance side part
news idea question reason sense name man woman boy girl people friend friends while hour amount
number enough time times vs versus life student
"""
    ),
    "bad": listed(
        """
guy guys boy boys girl girls luck cop blood habit habits news weather day santa lieutenant mood
mouth thing idea company hair breath man men ass
"""
    ),
    "great": listed(
        """
britain deal dane lakes wall white depression war aunt uncle grandfather grandmother big many
number dictator escape gatsby expectations lengths pains length extent majority amount distance
many gods
"""
    ),
    "smart": listed("phone phones card cards tv tvs watch watches people"),
    "funny": listed("bone business"),
    "nice": listed("guy guys"),
    "happy": listed("ending endings birthday meal hour new holidays gilmore"),
    "wonderful": listed("life world"),
    "beautiful": listed("mind people woman women girl girls"),
    "fun": listed("of house fair"),
    "original": listed(
        """
version film movie series cast book novel idea text one title sin source soundtrack
"""
    ),
    "dumb": listed("luck"),
    "ugly": listed("duckling"),
    "terrible": listed("two"),
    "awful": listed("lot"),
    "moving": listed("picture pictures image images parts target company"),
    "superficial": listed("level"),
}
"""Words after which an adjective is part of a name, or says something else."""

_FIRM = frozenset(("strong", "solid", "powerful", "weak", "feeble", "poor", "flimsy"))
_WORK = listed(
    """
acting cast characters characterizations cinema cinematography comedy connection dialogue
direction documentary drama ending execution film films filmmaking flick movie movies narrative
performance performances picture piece plot plotting premise quality reception script screenplay
service signal storytelling story thriller work writing
"""
)
"""What is made, which makes adjectives of strength evaluate it: not "a strong drink"."""

_THINGS = listed(
    """
accent accents accommodation achievement acting action actor actors actress actresses adaptation
adventure album allegory ambience animation app appetizer appetizers approach art artist artists
artwork atmosphere attitude audio ballad band bartender bartenders battery beer biography biopic
blend blockbuster book books breakfast buffet burger burgers buy cable camera camerawork cast
casting chapter character characterization characterizations characters charger chicken choice
choices choreography cinema cinematography clip cocktail cocktails coffee comedies comedy
companion compilation component composition concept conclusion connection construction cooking
costumes course craft crew cuisine debut decor delivery design dessert desserts device dialog
dialogue diner dining dinner direction director directors dish dishes display documentaries
documentary drama dramas dramedy drawing drink drinks earpiece editing effects effort ending
endings ensemble entertainment entree entrees entry environment epic episode episodes evening
examination example execution exercise experience experiment exploration fable family-film
fantasy farce feature features feeling film filmmaker filmmakers filmmaking films finale finish
fish fit flavor flavors flick flicks food footage formula fries game games genre gift headphones
headset hotel humor idea image imagery images installment instrument interface interpretation
item job joke jokes journey keyboard kitchen lead leads lesson look lunch lyrics management
manager material meal meals meat melodrama menu message metaphor mix mood motion movie
moviemaking movies music musical mystery narration narrative noir novel opening opera pace
pacing painting parody pasta performance performances performer performers phone phones photo
photography picture pictures piece pizza place places plot plots plotting poem poetry
point-of-view portrait portrayal premise presentation price prices produce producer product
production products program project prose protagonist protagonists purchase quality range
reading reception recipe remake reproduction restaurant restaurants retelling review reviews
ride role roles romance room rooms salad salsa sandwich satire sauce scenario scene scenery
scenes score screenplay screenwriting script scripting seafood seller sequel sequels sequence
sequences series server servers service set sets setting settings setup shop show shows signal
sketch skit slapstick song songs sound soundtrack soup special special-effects spot staff
staging steak steakhouse store stories story storyline storytelling structure study stuff style
subject subplot subplots sushi suspense tacos tale tales taste technique thriller thrillers tone
tool touch track transfer treatment trip twist twists value vehicle version vibe video view
vision visit visual visuals vocals voice waiter waiters waitress waitresses way website wine
work works writer writers writing yarn
"""
)
"""What reviews are about, which makes an adjective before it the review's judgement."""

_SUPERLATIVE_OF = listed(
    """
film films movie movies picture comedy comedies thriller drama documentary show series episode
place restaurant thing things food service phone product coffee pizza burger breakfast
performance performances script book album song purchase experience headset battery meal acting
special
"""
)
_AFTER_LIKING = listed("the this it these those my his her their your that")


@perturbation(
    source="Wang et al. 2021 (TextFlint), SwapAnt; Kaushik et al. 2020 (counterfactual revision)",
    kind="label-changing",
    contract=Changing(other_label),
    scale=ALL,
    version=3,
    articles=True,
    indivisible=True,
    example="An awful film from beginning to end.",
    languages=only("en"),
)
def antonyms(text: str, rng: Random) -> Sequence[Edit]:
    """Turn every word that praises or blames into one of the opposite sense."""
    words = tokens(text)
    indices = evaluating(text, words)
    if not indices or any(t.word in NEGATIONS for t in words) or not is_clear(text, words):
        return ()
    if has_reservations(words) or not all(_is_asserted_clause(words, n) for n in range(len(words))):
        return ()
    edits: list[Edit] = []
    used: set[str] = set()
    for index in indices:
        options = _options(words, index)
        if not options or is_joined_to_unknown(words, index):
            return ()
        if not _is_judgement(words, index, after_another=bool(edits)):
            return ()
        token = words[index]
        word = rng.choice([option for option in options if option not in used] or options)
        used.add(word)
        edits.append(Edit(token.start, token.end, token.written, like(token.written, word)))
    signs = {words[index].word in _PRAISE for index in indices}
    return edits if len(signs) == 1 else ()


def _options(words: Sequence[Token], index: int) -> Sequence[str]:
    """Return the antonyms of a word in its context; none if it may be another word."""
    word = words[index].word
    if word in _ADJECTIVE:
        return _adjectives_for(words, index) if _is_adjective(words, index) else ()
    before, after = word_at(words, index - 1), word_at(words, index + 1)
    if word in _NOUN:
        adjective = before in PRAISE or before in BLAME
        adjective = adjective or before in _GREAT
        named = before in _ARTICLES or (adjective and word_at(words, index - 2) in _ARTICLES)
        return _NOUN[word] if named and after != "-" and not has_complement(words, index) else ()
    if word in _SUPERLATIVE:
        is_the = before in ("the", "'s", "its", "his", "her")
        alone = not after or after in MARKS or after == "ever"
        is_claim = before == "the" and word_at(words, index - 2) in _BE and alone
        is_claim = is_claim or (is_the and after in _SUPERLATIVE_OF)
        is_claim = is_claim and not (has_complement(words, index) or is_named_first(words, index))
        return _SUPERLATIVE[word] if is_claim else ()
    if word in _MANNER:
        plain = after in PARTICIPLES and before != "as" and not has_complement(words, index + 1)
        return _MANNER[word] if plain else ()
    if word in _FEELING:
        subject = index - 1 - (before in ("really", "absolutely", "truly", "just"))
        felt = word_at(words, subject) in ("i", "we") and after in _AFTER_LIKING
        return _FEELING[word] if felt and is_clear_liking(words, index) else ()
    return ()


def _adjectives_for(words: Sequence[Token], index: int) -> Sequence[str]:
    """Return the antonyms of an adjective that go with the words beside it."""
    after = word_at(words, index + 1)
    ends = not after or after in _AFTER_AN_ADJECTIVE or after in MARKS
    unfit = _RARE if ends else _RARE | _PREDICATIVE
    if after in ("with", "by", "in", "from"):
        unfit |= {"glad"}
    return [option for option in _ADJECTIVE[words[index].word] if option not in unfit]


_RARE = frozenset(("comfy",))
"""What fits few things, such as seats: it is turned, and never put in."""

_PREDICATIVE = frozenset(("glad", "pleased", "displeased"))
"""What one may be, but what stands before no noun."""


def _is_asserted_clause(words: Sequence[Token], index: int) -> bool:
    """Return whether a verb's clause is asserted; True for words that are no verb of being."""
    if words[index].word not in _BE or words[index].word in ("be", "been"):
        return True
    return is_asserted(words, index)


_ARTICLES = frozenset(("a", "an"))
_OWNING = listed("my his her its our your their the these those")
_GREAT = listed("big huge major real total complete absolute minor small true pure")


def _is_adjective(words: Sequence[Token], index: int) -> bool:
    """Return whether a word in its context can only be an evaluating adjective."""
    word = words[index].word
    before, after = word_at(words, index - 1), word_at(words, index + 1)
    if _is_fixed(word, before, after) or after in _BE:
        return False
    if has_complement(words, index) or is_named_first(words, index):
        return False
    begins_sentence = not before or before in SENTENCE_ENDS
    begins = begins_sentence or before in MARKS or before in _BEFORE or _is_degree(before)
    subject = index - 1
    while _is_degree(word_at(words, subject)):
        subject -= 1
    verb = word_at(words, subject)
    predicative = verb in _BE and (verb != "'s" or word_at(words, subject - 1) in _PRONOUNS)
    if verb in _BE and is_of_the_speaker(words, subject - 1, (word,)):
        return False
    ends = not after or after in _AFTER_AN_ADJECTIVE
    stands = begins or before in PRAISE or before in BLAME
    if before in _OWNING and (not after or after in SENTENCE_ENDS):
        return False  # "my bad", "the good"
    names = ends or predicative or _is_of_a_thing(words, index)
    if word in _RATHER_NOUNS and (ends or after == "of") and not predicative:
        names = before in ("and", ",") or _is_degree(before)
    if word.endswith("ing"):
        gerund = begins_sentence and any(word_at(words, index + n) in _BE for n in range(2, 6))
        takes_object = after in _AFTER_A_VERB or (verb in _BE and not ends)
        names = names and not (takes_object or before in _PREPOSITIONS or (gerund and not ends))
    return stands and names


def _is_fixed(word: str, before: str, after: str) -> bool:
    """Return whether the words beside an adjective make it mean something else: "a good deal"."""
    return (
        after in ("enough", "as")
        or before == "more"
        or (before == "so" and after == "that")
        or after in _FIXED.get(word, ())
        or (word in _FIRM and after not in _WORK)
    )


def _is_judgement(words: Sequence[Token], index: int, *, after_another: bool) -> bool:
    """Return whether a word is in what a text says, rather than in what it says that of.

    It is in "a great film", "is a great film", "has great actors", and after one of these in "with
    great actors", but not in "brought down by great actors".
    """
    first = index
    while index - first < _LONGEST_LIST:
        before, further = word_at(words, first - 1), word_at(words, first - 2)
        listed_on = before in (",", "and", "or") and evaluates(further)
        degree = before in _DETERMINERS or _is_degree(before)
        if before == "'s" and further in _PRONOUNS:
            return True  # "it's a great film"
        if not (listed_on or degree or before in PRAISE or before in BLAME):
            break
        first -= 1
    before, further = word_at(words, first - 1), word_at(words, first - 2)
    if not before or before in MARKS:
        tail = [word_at(words, n) for n in range(index + 1, index + 2 + _LONGEST_TAIL)]
        return any(not word or word in SENTENCE_ENDS for word in tail)
    if before in _PREPOSITIONS:
        return after_another or (before == "of" and further == "one")
    return (
        before in _BE
        or before in _JUDGING
        or before in _SUBJECTS
        or (after_another and before in ("and", "or"))
    )


def _is_of_a_thing(words: Sequence[Token], index: int) -> bool:
    """Return whether the noun behind an adjective is what a review is about.

    Of a phrase of a few words it is, whatever it is: "a fascinating species".
    """
    if len(words) <= _SHORT_PHRASE:
        return True
    for beyond in range(index + 1, index + 5):
        word = word_at(words, beyond)
        if word in _THINGS:
            return True
        if not word or (word in MARKS and word != ",") or word in _PREPOSITIONS or word in _BE:
            return False
    return False


def _is_degree(word: str) -> bool:
    """Return whether a word says how much, and nothing else."""
    return word in _DEGREES or (word.endswith("ly") and not evaluates(word))
