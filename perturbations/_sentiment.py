"""Words of praise and blame.

The lists are meant for reviews: films, books, food, products, services. They serve caution rather
than analysis: a generator that changes a label deals with every word here that occurs in a text, or
leaves the text alone.
"""

from __future__ import annotations


def listed(words: str) -> frozenset[str]:
    """Return the words of a list that is written with spaces and line ends between them."""
    return frozenset(words.split())


PRAISE = listed(
    """
absorbing admirable amazing amusing appealing appetizing astonishing astounding attractive
awesome beautiful breathtaking brilliant buoyant captivating charismatic charming clever
comfortable comfy compelling competent convenient convincing courteous cozy creative credible
crisp cute dazzling decent delectable delicious delightful efficient elegant enchanting
endearing energetic engaging engrossing enjoyable enlightening entertaining enthralling
enthusiastic evocative excellent exceptional exciting exemplary exhilarating exquisite
extraordinary fab fabulous fantastic fascinating fast-paced feel-good first-class first-rate
flavorful foolproof formidable fresh friendly fulfilling fun funny genuine glad glorious good
good-hearted good-natured gorgeous graceful gracious gratifying great gripping handsome happy
harmonious heart-warming heartfelt heartwarming helpful high-quality hilarious honest humorous
hypnotic imaginative impressive incisive incredible informative ingenious innovative insightful
inspirational inspired inspiring intelligent interesting intoxicating intriguing invaluable
inventive invigorating inviting irresistible joyful joyous kind-hearted laudable likable
likeable lively lovable loveable lovely lucid magical magnificent majestic marvellous marvelous
masterful memorable mesmerizing mind-blowing moving neat nice nifty nuanced original outstanding
phenomenal plausible pleasant pleased pleasing pleasurable poignant polished polite powerful
praiseworthy profound proud refined refreshing reliable remarkable resourceful revelatory
rewarding riveting robust satisfactory satisfied satisfying scrumptious seamless sensational
skilful skillful smart sparkling spectacular spellbinding splendid spot-on stellar sterling
stirring striking stunning stylish sublime successful succulent superb superior suspenseful
talented tasteful tasty terrific thought-provoking thoughtful thrilled thrilling top-notch
top-quality touching tremendous trustworthy upbeat uplifting useful user-friendly vibrant
vivacious warm-hearted watchable well-acted well-balanced well-cast well-chosen well-conceived
well-constructed well-cooked well-crafted well-deserved well-designed well-developed
well-directed well-done well-earned well-edited well-executed well-kept well-made well-observed
well-paced well-packaged well-performed well-photographed well-played well-rounded well-shot
well-structured well-thought-out well-told well-written witty wonderful wondrous world-class
worthwhile yummy
"""
)
"""Adjectives that praise every noun."""

BLAME = listed(
    """
abhorrent abominable abrasive absurd abysmal amateurish anemic annoyed annoying appalling
arrogant artificial atrocious awful awkward bad banal barbaric belabored below-average blah
bland bloated bored boring botched brainless callous charmless cheap-looking cheesy choppy
cliche-ridden cliched clichéd cloying clueless clumsy clunky condescending confusing contrived
convoluted corny cowardly crappy cringe-worthy cringeworthy crummy crushing cumbersome dated
dead-end defective deficient deplorable depressing derivative despicable detestable dim-witted
disagreeable disappointed disappointing disastrous disconcerting discouraging disgraceful
disgusted disgusting dishonest disingenuous disjointed dismal dismissive disorganized disposable
disrespectful dissatisfied dissatisfying distasteful distracting distressing dopey drab dreadful
dreary dubious dull dumb dumbed-down embarrassed embarrassing empty exasperating excruciating
exhausting exploitative exploitive faulty feeble fetid filthy flaccid flat flavorless flawed
flimsy foolish forgettable formulaic fractured frigid frustrated frustrating futile garbled
garish ghastly glitchy god-awful graceless grating hackneyed ham-fisted hamfisted haphazard
hideous hollow hopeless horrendous horrible horrid humdrum humiliating humorless humourless
hypocritical idiotic ill-advised ill-conceived ill-fitting illogical imbecilic immature
implausible inane incoherent incompetent incomprehensible inconclusive inconsequential
inconsistent inconvenient indigestible inedible ineffective ineffectual inefficient inept inert
inexcusable inflated infuriating insipid insufferable insufficient insulting intolerable irksome
irrelevant irresponsible irritated irritating jarring joyless juvenile labored laborious
lackadaisical lackluster lacklustre lame lame-brained laughable lazy leaden lethargic lifeless
limp listless loathsome lousy low-quality maddening malicious malodorous manipulative maudlin
mawkish mean-spirited meandering meaningless mediocre meh merciless messy middling mind-numbing
mindless misbegotten miserable misleading monotonous moronic muddled mundane narcissistic nasty
nauseating nondescript nonsensical obnoxious offensive oppressive overblown overlong overpriced
overproduced overrated overstuffed overwrought paltry paper-thin pathetic pedestrian pitiful
plodding pointless pompous ponderous poor poorly-made preachy predictable preposterous
pretentious puerile ragged rambling rancid regrettable repellent repetitive reprehensible
repugnant repulsive revolting ridiculous risible routine rude sappy schlocky schmaltzy
second-rate self-absorbed self-conscious self-important self-indulgent self-righteous shabby
shallow shapeless shoddy sickening simple-minded simplistic slapdash sloppy sluggish smug
sophomoric soppy soulless stale stilted stupid subpar substandard superficial surly syrupy tacky
tasteless tawdry tedious tepid terrible third-rate tiresome tiring toothless trite trivial
tuneless turgid ugly unacceptable unappealing unappetizing unattractive unbearable uncompelling
unconvincing uncool underdeveloped underwhelmed underwhelming undisciplined undistinguished
unendurable unengaging unenjoyable unentertaining uneven uneventful unfocused unforgivable
unfortunate unfriendly unfulfilled unfulfilling unfunny unhappy unhealthy unhelpful
unimaginative unimpressed unimpressive uninspired uninspiring unintelligent unintelligible
uninteresting uninvolving unkind unlikable unlikeable unmemorable unmoving unnecessary
unoriginal unpalatable unpersuasive unpleasant unpolished unprofessional unreliable unremarkable
unresponsive unrewarding unsatisfactory unsatisfied unsatisfying unsavory unsubtle unsuccessful
unsuitable unsympathetic untalented untidy unusable unwatchable unwelcome unwieldy unworthy
upsetting useless vacuous vapid vicious vulgar warmed-over watered-down weak whiny wimpy witless
woeful wooden worn-out worthless wretched wrong-headed yucky
"""
)
"""Adjectives that blame every noun."""

PRAISE_NOUNS = listed("beauty blast delight hit joy pleasure success treat winner")
BLAME_NOUNS = listed(
    """
bore bummer chore clunker disappointment disaster disgrace dud failure fiasco flop joke letdown
mess mistake nightmare rip-off ripoff snoozer stinker waste
"""
)
"""What a thing may be called after "a"; of praise only what is still praise in weak words."""

_OTHERS = listed(
    """
a-plus abomination acceptable acclaim acclaimed accomplished accomplishment accurate ace aches
achieve achieved achievement achieves acumen acute admiration admire admired admires adolescent
adorable adore adored adores affecting affection afterthought agreeable aimless aimlessness
alarming alas amateur amaze amazed amazes ambitious amuse amused amuses angry annoy annoyance
annoyances annoyingly annoys aplomb apologies appeal appeals applaud applause appreciate
appreciated appreciates appreciation appropriate approve apt arbitrary arduous argh artful
ashamed assured astray atrocity authentic authenticity avoid avoided avoids award award-winning
awards awe backfires badly badly-acted badly-made badly-written baffled baffling baloney ban
banalities banality bargain-basement barren bastard beauty beguiling believable belly-laughs
bellyaching beloved benefit best-loved bitter bizarre blame bland blander blandly blatant bleak
blech bleh bliss blissful bloody blunder blunders bog bogged bogs bogus bollocks bombast
bombastic bonus boo bore bore-fest boredom bores borrowed borrows botch bother bothered bothers
bracing brash brave bravo bright brightly brilliance brisk briskly broken bs buggy bullshit
bumbling bummer bungle bungled bungles burnt butchered by-the-numbers callow calm calming canny
captivate captivated captivates cardboard careless caring carnage cartoonish cash-in celebrate
celebrates celebration chaotic charisma charm charmed charmer charms cheap-shot cheapo cheat
cheated cheats cheerful childish chore chuckle chuckles claptrap clarity classic classics classy
claustrophobic cleverness clich cliche cliches cliché clichéd clichés clunker clunkers clunkily
coarse cobbled cogent coherence coherent cold-hearted collapse collapses comfort comforting
commend compassion compassionate compelled compels complacency complain complained complaint
complaints complexity compliment condescension confidence confident confuse confused confuses
confusion congrats congratulations contrivance contrivances conventional conviction convictions
cool copycat costly courage courageous crackles craftsmanship crafty crap crap-fest crapola
crashes crass crazy creaky creativity credibility credulous creepy cringe cringed crock
crowd-pleaser crowd-pleasing crude cruel cutest cynical damage damaged damages dangerous dashing
dawdles dazzle dazzles dead deadening deadly deadweight deafening debilitating deceitful
deceptive deeply-felt defect defects deft degrading delicacy delicate delight delighted delights
deliver delivered delivers delusional demeaning demented denied dense dependable depressed depth
deserves deserving desperate despise despised detailed detest detested detracts detriment died
dies difficult dignity dim dire dirty disagreeable disappoint disappointingly disappointment
disappointments disappoints disaster disasters discomfort discomforting discourage disdain
disgrace disgust disgusts dishonorable dislikable dislike disliked dislikes dismay displeased
displeasure dissatisfaction disservice distinctive distinguished distract distraction
distractions disturb disturbing doltish doomed dour downbeat downer downfall downside doze drag
dragged dragging drags dread dream dreariest dreck drip drivel drown drowned drowning drowns dry
dud duds dull-witted dullard dullness dumbest dump durable dying dynamic eagerly earnest easily
easy easygoing economical effective egregious elegance eloquence eloquent embarrass
embarrassingly embarrassment embarrassments embrace embraces emptiness enchant enchanted
encouraging endear endless energy engage engaged engages enjoy enjoyed enjoying enjoyment enjoys
enlighten enliven enrich entertain entertained entertainment entertains enthrall enthusiasm
episodic erratic error errors ew eww excel excellence excels excessive excite excited excitement
excuse exhaust exhausted exhilaration expensive exploitation exploits exuberance exuberant
eye-opening facile fail failed failing fails failure failures faith faithful fake fakes false
falters fan fans fantastically farce farcical fart farts fatal fatuous fault faultless faults
favorable favorite favourite fear feast feral fetching fiasco filth finely finesse finest
fizzles flailing flair flavor flaw flawless flaws flop flops flounder floundering flounders
fluff fluid fond fool fooled fools forced foul fragmented frantic fraud fraudulent freshness
frightful frown frustrate frustrates frustration fuck fucked fucking funnier funniest fussy
fuzzy gah gaping garbage gaudy gem gems generic generous genial genius gentle gift gifted gifts
gimmick gimmicks gimmicky glacial glaring glee gloomy glory goddamn goo goodness goodwill goofy
grace grand grandeur grate grateful gratitude gratuitous greasy greedy grim grin grind grinding
grinds grins grip gripe gripes grips gross grotesque gruesome grumpy guaranteed gusto hack
hackwork half-baked half-hearted half-realized half-witted hampered handy happiness haranguing
harm harmful harrowing harsh hassle hate hated hateful hates hating hatred hats haunting
hazardous headache heart heartless hearts heaven heavy-handed hellish heroic highlight
highlights hindered histrionic histrionics hoax hokey hokum holes hollowness honesty honor hooey
hook hooks hooray hopeful hopelessly horribly horrific horrifying horror-show horrors hostile
humane humanity humor humour hurt hurts ick icky ideal idiocy idiot idiots ignorance ignorant
illuminates illuminating imagination imitation imitations imitative immaculate immersive
impeccable imperfect impersonal implodes impolite important impress impressed impresses
improbable improve improved improvement improves improving inability inaccurate inadequate
inappropriate inarticulate inauthentic incessant incoherence incompatible incompetence
incomplete incredulous indecent indelible indifference indifferent indulgent ineptitude
inexpressive inferior ingenuity inhuman innocuous innovation insane insensitive insight insights
insignificance insignificant insincere insomnia inspiration inspire inspires insubstantial
insult insulted insults integrity intellect intelligence intense interminable interminably
intricate intrigue intrigued involving irrational irritate irritates irritation jerk jewel joke
jolly joy joys jubilant juicy jumble junk junked junkie kickass kicks-ass knock-off knockoff
kudos lack lacklusterly lag laggard lags lame lamest lapse lashing laud laugh laugh-out-loud
laugher laughs laughter leaks leaky legendary let-down letdown liberating light-hearted
lighthearted liked likes limitations limited literate loathe loathed lol-worthy long-winded
longevity loser losers loses losing lost loved lovelier lovers loves loving low-budget low-grade
low-rent loyal luckily lucky ludicrous lukewarm lumbering luminescent luminous lurid luscious
lush luxurious lyrical lyricism mad magic malfunction mangled mannered manufactured mar marred
mars marvel marvels masterclass masterpiece masterwork masterworks mature meager meanders
meaningful mechanical mediocrity melodramatic mercenary merit merits mesmerized mess mess-up
messed messes meticulous mindlessness miracle miraculous miscast misery misfire misfires
misguided mishandled mishandles mishmash misogynistic miss missed misses missing misstep
missteps mistake mistaken mistakes mockery mocking moist moldy monotony monstrosity moralizing
morose moved muddle muddles muddy murky mush mushy must-have must-own must-see musty muted nag
naive narcissism naught nausea negative negligible nerve-racking noisy nonexistent nonsense
nonsensically not-so nuance nuances nuisance numb numbing numbness obligatory obscene obscure
observant obvious odorous off-putting offend offended offends one-dimensional one-joke one-note
oomph opaque openness oppressively optimistic ordeal oscar ouch outdated outrageous over-the-top
overacted overbearing overcooked overdone overkill overlook overly overpower overreaches
overstays overused pain painful pains paint-by-numbers panache panned pap paranoid passable
passion passionate pat pathos peeve pep perceptive perfect perfection perfectly perfunctory
perks perplexing pest pitfall pitfalls pithy pitiable pity plausibility playful pleasantly
please pleaser pleasers pleases pleasure pleasures plod plods plummets poetic poetry poignancy
poise poorly-written positive positively positives potent potential power powerfully powers
praise praised praises precious prefabricated pretend pretends pretension pretensions pristine
prize prizes problem problematic problems proficient promising provocative prowess puke pulpy
punchless punishing putrid puzzling quality quirky quit radiant ragtag rank rare rave raves
ravishing ravishingly realistic recommend recommendation recommended recommending recommends
recycled recycles recycling redundant refresh refund refuse regressive regret regrets regretted
regretting regurgitates rehash rehashed rejected relentless relief repetitious repulsed resent
resonance resonant respect respected respectful respects responsive restrained retread retreads
revealing revelation reverence reverent reward rewards rhapsodic richness ridicule
ridiculousness rip-off ripoff rollicking rote rotten rough rousing rubbery rubbish ruin ruined
ruins run-of-the-mill rushed sabotage sad sadly safe saggy sags salty sane satisfaction
satisfies satisfy satisfyingly savor savory savvy scam scattered scattershot schlock schmaltz
scratched screwed second-hand secondhand seduce seduces seductive seductively self-parody
sensationalism senseless sensible sensitive sentimentality serenity serviceable sexist sexy
shaky shallowness sham shambles shame shameful shameless sharp shine shines shit shitty shocking
shockingly shone short-lived shortage shortcoming shortcomings shrewd shrill sick silly
simplicity sincere sincerity sink sinking sinks skill skills skimpy slack sleek slick slight
slimy slip slog slogs slop slow slow-moving slump smells smelly smile smiles smooth smoothly
smutty snooze so-called soars soggy solid somber soothing sophisticated sophistication soporific
sordid sorrow sorry soul soulful sour sparkle sparkles spirit spirited spirits spiteful splendor
spoil spoiled spoils spontaneity spotless sprightly sputter sputters squander squandered
squanders stagnant stagnate stagy standout standouts star-power starving static stereotype
stereotypes stereotypical sterile stiff stifles stifling stink stinker stinks stodgy strained
strength strengths strong stuffy stumble stumbles stumbling stupidity stuttering suave subsided
substance substantial subtle subtlety succeed succeeded succeeds success suck sucked sucker
suckers sucks sucky suffer suffered suffering suffers suffocated suffocating suitable sumptuous
super superbly superfluous superlative supportive surefire surpass surpasses surprises
surprisingly suspect suspicious sweet swell swift sympathetic talent talents tame tardy tatters
taut tender tenderness terrible terribly terrifically terrifying terse thank thankful thankfully
thanks thorough threadbare threats thrill thrills thrive thwarted tidy tight tightly timeless
timelessly timely timid tinny tired tongue-in-cheek topical torment torpor torture tortured
torturous torturously toxic tragic transcend transcendent transcends trapped trash trashy
travesty treacly treasure treasures treat treats tribute trifle trifling tripe triumph
triumphant triumphantly triumphs trouble troubled troubles troubling tuneless twaddle twisted
two-dimensional typical ugh ugliness unaffecting unamusing unappetizing unassuming unbelievable
unbelievably unclear uncomfortable uncommonly unconvinced underachieves undercooked undercut
undercuts underdone undermine undermined undermines undeserved undone uneasy unenlightening
unexceptional unexciting unfair unfinished unfit unflagging unflattering unflinching unforced
unforgettable unfortunate unfortunately unfulfilled unfunnily unhappily unhurried unimpressively
uninformative unique unmentionable unmotivated unnatural unpopular unpredictable unpretentious
unravels unrealistic unrealized unrelenting unrelentingly unremittingly unsafe unsettling
unskilled unsophisticated unspeakable unthinkable unwanted unworkable uplift upset upsets
upstaged uptight vacant vague vain valuable verve victorious victory vigor vile violent virtues
visceral visionary vitality vivid wanders wannabe warm warmhearted warmth waste wasted wasteful
wastes wasting weakness weaknesses wearisome weary wearying weird welcome welcoming well-behaved
well-informed well-intentioned well-known well-meaning well-placed well-realized whimsical whine
whining wholesome wicked win winner winners winning wins wisdom wise wit wizardry woe woo woohoo
worrisome worse worsen worst worth worthy would-be wow wowed wows wreck wreckage wrecked wrecks
wrong wry xoxo yawn yawns yay youthful yuck yum zany zeal zero-dimensional zest zippy
"""
)
"""Other words that evaluate, or that may: of other parts of speech, or of either sign."""

UNCLEAR = listed(
    """
acceptable adequate alright average bearable best better cheap dark deep fair fine hard hot
interest kind like love mean mixed odd ok okay pretty raw rich right simple so-so tolerable
tough well working works
"""
)
"""Words that evaluate in one of their senses, and in others not at all."""

QUALITIES = listed(
    """
appeal atmosphere authenticity balance beauty bite brio charisma charm chemistry cleverness
coherence conviction creativity credibility depth dignity drive dynamism elegance empathy energy
entertainment excitement finesse flair focus freshness fun grace heart humor humour ideas
imagination ingenuity insight insights inspiration intelligence joy laughs logic meaning merit
momentum nuance nuances oomph originality panache passion personality plausibility poetry polish
punch purpose resonance rhythm sincerity sophistication soul spark sparkle spirit spontaneity
style substance subtlety surprises suspense taste tension thrills urgency verve vitality warmth
wisdom wit zest zing zip
"""
)
FAULTS = listed(
    """
bugs cliches clich\u00e9s complaints condescension contrivance contrivances defects errors
faults flaws issues mistakes pretension pretensions problems sentimentality weaknesses
"""
)
"""What is good or bad to have."""

PARTICIPLES = listed(
    """
acted built cast constructed cooked crafted designed developed directed done edited executed
filmed made organized paced performed photographed played prepared priced produced scripted shot
staged structured told written
"""
)
"""What is done well or badly."""

_NEUTRAL_LESS = listed(
    """
ageless breathless countless effortless endless fearless flawless homeless less nevertheless
nonetheless painless priceless regardless relentless restless seamless selfless tireless
timeless unless wireless worldless
"""
)
_NOT_DERIVED = listed(
    """
comforter dimes dynamics erring falsify goods greater grinder grinders hits irwin number numbers
originally paper papers sinkers slightly suspects thriller thrillers treatment treatments winery
witness witnesses
"""
)
"""Words that are derived from none of those they look like, or not in that sense."""

_PRAISING_LESS = frozenset(("effortless", "flawless", "priceless", "seamless", "timeless"))
_NEGATIVE_PREFIXES = (
    "un",
    "in",
    "im",
    "il",
    "ir",
    "dis",
    "mis",
    "non",
    "non-",
    "anti-",
    "over",
    "under",
)
_SHORTEST = 3


def evaluates(word: str) -> bool:
    """Return whether a word may praise or blame: listed, derived from one, or compounded of one."""
    return (
        _is_listed(word)
        or word in UNCLEAR
        or ("-" in word and any(_is_listed(p) or p in UNCLEAR for p in word.split("-")))
        or (word.endswith("less") and word not in _NEUTRAL_LESS)
        or (word not in _NOT_DERIVED and any(map(_is_listed, _bases(word))))
    )


def _is_listed(word: str) -> bool:
    return (
        word in PRAISE
        or word in BLAME
        or word in PRAISE_NOUNS
        or word in BLAME_NOUNS
        or word in _OTHERS
        or word in _PRAISING_LESS
    )


def _bases(word: str) -> set[str]:
    """Return what a word may be derived from."""
    bases = set()
    for ending, base in _ENDINGS:
        if word.endswith(ending):
            stem = word.removesuffix(ending)
            bases.add(stem + base)
            if base == "" and stem[-1:] == stem[-2:-1]:
                bases.add(stem[:-1])
    for prefix in _NEGATIVE_PREFIXES:
        if word.startswith(prefix):
            bases.add(word.removeprefix(prefix))
    return {base for base in bases if len(base) >= _SHORTEST}


_ENDINGS = (
    ("ly", ""),
    ("ly", "le"),
    ("ily", "y"),
    ("er", ""),
    ("er", "e"),
    ("ier", "y"),
    ("est", ""),
    ("est", "e"),
    ("iest", "y"),
    ("ness", ""),
    ("iness", "y"),
    ("s", ""),
    ("es", ""),
    ("ies", "y"),
    ("ing", ""),
    ("ing", "e"),
    ("ed", ""),
    ("ed", "e"),
    ("ied", "y"),
    ("ful", ""),
    ("ment", ""),
    ("ish", ""),
    ("ability", "able"),
    ("ity", ""),
    ("ity", "e"),
)
