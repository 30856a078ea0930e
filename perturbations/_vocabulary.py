"""Words of English: those of the dictionary that nlpaug brings, of this package's lists, and forms.

The list is short, and real English has words beside it: it serves to tell texts of a few words from
other languages, where each word that it lacks speaks against English.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.perturbations._sentiment import BLAME, PRAISE
from pytest_ood.perturbations._words import word_set, word_tuple

if TYPE_CHECKING:
    from collections.abc import Container


@cache
def spelling_rows() -> tuple[tuple[str, ...], ...]:
    """Return the rows of nlpaug's dictionary in small letters: a word and misspellings of it."""
    import nlpaug

    path = Path(nlpaug.__file__).parent / "res" / "word" / "spelling" / "spelling_en.txt"
    lines = path.read_text(encoding="utf-8").splitlines()
    return tuple(tuple(line.lower().split()) for line in lines if line.strip())


@cache
def english_words() -> frozenset[str]:
    """Return the words of nlpaug's dictionary, and those that it has no line for."""
    return frozenset((*_OTHER_WORDS.split(), *(row[0] for row in spelling_rows())))


@cache
def is_english_word(word: str) -> bool:
    """Return whether a word in small letters is listed, inflected or formed as English is."""
    word = _DRAWN_OUT.sub(r"\1", word.removesuffix("n't").removesuffix("'s"))
    if _is_listed(word):
        return True
    if word.endswith(_FORMED) and len(word) > _FORMED_LENGTH:
        return True
    for ending in _INFLECTED:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < _SHORT:
            continue
        single = stem[:-1] if stem[-1:] == stem[-2:-1] else stem
        bases = [stem, single] if ending == "s" else [stem, stem + "e", single]
        if stem[-1] == "i":
            bases.append(stem[:-1] + "y")
        if any(map(_is_listed, bases)):
            return True
    return False


def _is_listed(word: str) -> bool:
    return any(word in words for words in (_OF_REVIEWS, _TYPED, PRAISE, BLAME, english_words()))


_SHORT = 3
"""Letters of a stem at least: a plural of two letters may be anything, such as French "ans"."""

_INFLECTED = ("s", "es", "ed", "d", "ing", "er", "ers", "r", "rs", "ly", "y", "est")
_FORMED = word_tuple(
    "able ably acy edly ful fully hood iest ingly ings ing ished ized ised less "
    "lessly like ness ously ous ship some tion tions ward wise ically worthy"
)
_FORMED_LENGTH = 6
"""Words of more letters than this with one of these endings are English by their form."""

_DRAWN_OUT = re.compile(r"(\w)\1{2,}")
_TYPED = word_set(
    "lol omg wtf plz pls thx ppl u ur r cuz coz imo imho tbh btw idk smth smb gud gr8 luv dont "
    "cant wont didnt doesnt isnt wasnt im ive gonna wanna gotta kinda sorta dunno lemme gimme "
    "ok okay yeah yep nope haha hehe wow meh yay ugh movie movies film films lmao rofl asap fyi "
    "nvm bro dude"
)
"""Words of short messages."""

_OF_REVIEWS = word_set("""
abstract absurdity abuse abyss acclaim accurate accuse actuary acute admire adolescent aftertaste
afterthought aisle album alienate alike alive allegory amateur ambiguity amuse anatomical angst
anguish animate anime anti antic anticipate anyone aplomb appeal arbitrary arrest artful
articulate artifice artistic artistry artwork aside asleep aspect aspire assemble assume astray
astute atop audacity austerity authority autobiographical awake backdrop baffle bake ballistic
ballot banality bang banter barbershop bare barn baroque barrel bartender bear beast behold
believability beloved beneath bilk bite blade blair blame blank blast blatant bleak blind bling
blip bliss blow bluetooth bluster boast bogus bolster bolt bomb bombastic bond bone boom border
bore boredom bouncy bound bout bowel brain brash brave bravery brawny brazen breadth breakthrough
breath brilliance brim brisk brit broad brow brutal buff bull bullet bump burn burr butt buzz
caliber calibrate callow cameo camp campus campy canon captivate caricature cartoon cast
cautionary cents cerebral chase chateau cheat cheer chick chill chomp choreograph chuckle churn
cinematic cinematography civic clad clarity clash clause cliche climactic climax clown clue
coherent cohesion cohesive collision coma combat comedian comedic comic communal compassion
compassionate complacency complexity compose conceit conceive concept conceptual concession
condense conjure conn conservative contest context contradictory contrivance controversy coop
costume counterpart cove cover crack crackle craft crafty cram cranky crap crass craven crawl
creator creature credibility creep creepy crime crossover crude cruel cult cupcakes curve cylinder
cynical damon dare dawn daydream daytime dazzle dean dearth debate debut decade deceptive decrepit
definitive deft degrade delusion demented demon denial denouement depict deprave desiccated
despair destructive devoid devolve dialog diesel dignity dime dimension dimensional directorial
discernible disguise disgust disorientate disregard distance distant distinguish diversion divine
doofus dough downbeat downright doze dozen drag dragon dragonfly dread dreck drench droll drown
drunken duck dude dullard dupe dust dysfunctional eager ease echo edge edgy edit educate eerie
eerily effort elaborate elbow element elevate elicit eloquent emerge empathy emperor encounter
endeavor endurance endure enigma enigmatic ennui ensemble entry epic episode episodic equilibrium
erotic escapism essence ethical eventual evident evolve exact existential explode exploit
explosion expose expression exterior extravagant extravaganza exuberant eyelid fable facile factor
fade fail faith fake familial familiarity fancy farce farcical fare fascinate fate favor fear
feast feat feces feisty fellow ferocity fierce finale fire fist flabby flair flame flaw flesh
flick flop flow fluff fluid fool footage formula foul fragment frailty frantic freak freeman
freight fumble fury fuse fuzzy gallons garner gasp gaze gear generate generic generosity genial
ghetto giant giddy giggle glib glimpse glorified glory glow glue glum goer goofy gory grandeur
grasp grave gravity grief grim grin grind grip gritty groan gross grotesque grownup guilt gunfight
gutter hack hallmark hamper hang harsh hastily hatred hawaiian headset heartache hedonistic
heighten heist hell heroic hide hilarity hill histrionic hokey hokum holocaust holographic homage
hook hoot horror host humane humanistic hybrid hysterics icon iconoclastic idealism idealistic
idiocy idiosyncratic idiot illustrate imagery imbue immense impact impart impersonal impress
impulse impulsive inadvertent inauthentic incessant inches incoherence incorporate indeed indie
indifference indulge indulgence indulgent inexperience infantile infidelity infomercial infuse
infusion inhabit inherent inject innuendo inoffensive inquisitive insane insensitivity insight
insignificance insistent insomnia insult intact integrity intellect intensity intermittent
intricate intrigue ironic irony jackass jagged jell jerk jolly jolt jumble jumbo justice justify
kill kilt kinda kinky knack laden lampoon lane lapse lavish layer leaky leap lecture legacy legged
lend lens levity librarian lifetime lighthearted literary literate load lobby lofty logic logical
loopy lord lull lump lunacy lunatic lurch lurid lush lust macabre machismo magic mainstream
malaise manic margarita margin marginal mart marvel masterpiece maternal matinee maturity mayhem
maze mediocrity meditative melancholy melodrama melodramatic mercy merit metaphor metaphorical
midway mild mile mill misery misfire misguide misogyny modest modesty molest momentum monster
monumental moral morality morph motion mount moviegoer muddle murky myth mythic nail naked
narcissism narrator nation natter naturalistic nerd nerve newcomer noir nonexistent nonjudgmental
notch note notion nowhere nuance nudity nurture obligatory obscure observant obsession occasional
odyssey offbeat offend onscreen onto opaque operative ordeal ordinary orient originality ounces
outcome outtake overexpose overladen overrun overt overwhelm pace pack page pain pale palette
panache pantheon paperback paranoia parent parody passe pastiche pathology pathos payoff peculiar
pedigree peek perceptive perfunctory persona pertinent pervasive perverse philosophical pile
pileup pinnacle piss pitch pitfall plague plain plea plight poem poetic poetry poignancy poke pond
populate porn porridge portray portrayal possess potent potshot praise pratfall precise precision
predecessor predicament predict predictability preemptive premise press pretension pride prime
probe problematic procedural proceed procession profane profanity proficient prop prospect
protagonist provocative pseudo psyche pull pulp pulpy pulse pungent pure push puzzle queen quirk
quirky race racial racist radar radiant radical ramble random rank rape rapt rarity raunch raunchy
reactionary realism recall recite redeem rediscover redolent redundant reef reek reel refugee
refusal refuse rehash reign reject relate relay relegate reliance relies reluctant remake
reminiscent render rerun resolute resonance resonant resonate rest restrictive revel reverent
revisionist rhapsodize rhetoric riddle rigor ring riot ripe rise rival rogue romp root rote rotten
rowdy rush sabotage saccharine sade saga sanctimony sane sardonic satire satirical savage savor
savory scale scare scatter scenario scenic schmaltz schmidt scope screenplay screenwriter script
scrooge seal seam secondhand seek semen semi sensibility sensitivity sensual sensuality sentiment
sentimental sentimentality septic sequel serenity sermon setup severe sexy shadow shadowy shame
shelf shenanigan showcase showtime shred shrew shrill shtick significance signpost silly
simplicity sinister sitcom sketch sketchy skewed skip slack slacker slam slant slap slapstick
slash slice slick slip slippery smack smash smear smirk snail sneak snip snore soggy solemn solid
somber somewhat sordid sorority sorrow sort soundtrack southern spade span spark spear spectacle
spice spider spik spike spin spiral spirituality splash spontaneity spoof spooky sporadic spot
spotlight sprightly squad squander squeeze stab stack static steer stereotype stereotypical stiff
sting stink stitch stoke stoop storyline strain strand stray strip stroke strung stunt stupidity
stylistic subculture submarine subordinate substance substantial substitute subtitle subtle
subtlety subtly subversive successor succumb suck sudsy summertime superficiality supernatural
surface surfeit surreal surrender suspect suspend sustain swallow swan sway swear sword symbolic
tackle tailor talent tank tart tatter tech telegraph tense tension terror terrorist testament
texture theme thick threadbare thrill tick timid tissue tolerance tool torture toss toward trace
trademark tragic transcend transcendence transcendent transparent trap trenchant tribute trick
tripe triumph triumphant trope tuck turd turf twist twisty ultra unabashed unapologetic uncanny
uncertain uncommon unconditional unconventional underbelly undercurrent underdone underneath
underscore understate undone uneasy unfold unforced unintentional universal unleash unlike
unsentimental upscale urban urine vague vain valiant vanity veer vein venture verbal version verve
vibe vignette violent virulent visceral vital vitality vivid wallop wand wander wannabe warfare
warn warrior wattage wave weave weep weepy whale whatsoever whimper whimsical whimsy whodunit wick
wilde willis wound woven wreck wrought yards yiddish zing zombie zone
""")
"""Words of reviews and word problems that the dictionary lacks, by their base forms."""

_OTHER_WORDS = """
accessaries accessary actuality addendums advents adverbs afterwords altitude ambience
anaesthetized angelus angle animas appel appetitive aquiculture archeological archeologist
artefacts averts backboards bagdad bail bawling bellow bets billon biogas biomedicine blathering
bothers bots bowing braking burry busyness cactuses cameroun camomile capetown capitol cassino
cather catting centaury ceram chairmen chanel cheeper cheque chian chilli clientage cloches clod
cocking coliseum collage comping complements compony compote computes concent conduced confidant
constrains convection convertor copywriting costal coursers covert crashed curios currant curtin
deceases defense deferent definitively dependance deportment despatch dialogs dietician digitalize
diner dissert dose dumpings egocentrism enduing enterprisers erases eta exaggerative excessiveness
excises explication extendable factions fallowing fallows fee fellows fiends filet fillings
finnish fires flowing fluttered foosball franticly fromm furnished gemmology glamourous gradate
gradated gratings gte halo hannover hellen hightest hiphop hopping horus incitations incudes
insets intens intension internat ios irrecusable irrigational joinville judgments jugging kidnaped
knowhow landry langue latte leggins licence liveable loan loveable luxemburg madding makeup manged
manson marihuana marrakech mediation minium minuet molluscs montpellier mooning moore mots
mourning muts ned nether noddles noose odontology paining panning paradisiacal parley passible
persecutor pervious petter phenix phenology piking playlist policlinic prat prefect premisses
prevision prince procter queue racoon realty reconduct redaction reflation rent reorientate retied
reusable rewording romanic roumania rumanian salability sanding sargent sauted scarred scrips
seeling shacked shacking shield shinning shopwindow simulate slat slipping smartphone snorkelling
solidary somme sopping sorter soulmates spacial spilt stationary statures steep stela strait stroy
stuccos sunburnt sundas surprize swapping swearers tax temporally teth thickets tittle tornados
trilled trough trowing typhon veery vila violist virtualization visa wadding wandering weeding
widows woodard wrester writhing yoghurts
"""
"""Words that the dictionary has no line for, though somebody wrote them for another one."""

_ENDINGS = ("s", "es", "'s", "ed", "d", "ing", "er", "r", "ly", "y", "n", "en", "est")


def is_word(spelling: str, words: Container[str]) -> bool:
    """Return whether a spelling is a word, or one that an ending of English makes of a word."""
    if spelling in words:
        return True
    for ending in _ENDINGS:
        if spelling + ending in words or (spelling[-1] == "e" and spelling[:-1] + ending in words):
            return True
        stem = spelling.removesuffix(ending)
        if stem == spelling or not stem:
            continue
        single = stem[:-1] if stem[-1:] == stem[-2:-1] else stem
        if any(base in words for base in (stem, stem + "e", single)):
            return True
        if stem[-1] == "i" and stem[:-1] + "y" in words:
            return True
    return False
