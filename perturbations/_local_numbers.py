"""Numbers in languages other than English: their words, what they count, the marks in them.

Words are num2words', marks and digits those of the Unicode CLDR that Babel ships; both libraries
are loaded when the first text of another language is read.

A number is written as a word, or a word as a number, only where it counts something for certain: a
word that numbers of things follow on stands before it, and a counted thing behind it. What follows
shows the case, too: Russian has one word for five films, and another one for what is said in five
films. A number whose word depends on the gender of the thing is not written as a word.
"""

# Letters of other scripts look like Latin ones.
# ruff: noqa: RUF001

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import regex

from pytest_ood.languages import ENGLISH, Fits
from pytest_ood.perturbations._english import code_spans, overlaps
from pytest_ood.perturbations._local_lexicons import LocalLexicon
from pytest_ood.perturbations._markup import MARKUP, outside
from pytest_ood.perturbations.case import capitalised, has_dotted_capital
from pytest_ood.utils.normalization import normalized

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from re import Match

    from pytest_ood.languages import Language

LARGEST = 999
"""The largest number that is written in words."""

ASCII_DIGITS = "0123456789"


@cache
def locale_of(language: Language) -> Any:
    """Return the locale of CLDR for a language, a `babel.Locale`; None where it has none."""
    from babel import Locale, UnknownLocaleError

    try:
        return Locale.parse(language.code, sep="-")
    except (ValueError, UnknownLocaleError):
        return None


in_cldr = Fits(
    "languages of the Unicode CLDR",
    lambda language: language.code == ENGLISH.code or locale_of(language) is not None,
)

_ZEROS = {
    "arab": "\u0660",
    "arabext": "\u06f0",
    "beng": "\u09e6",
    "deva": "\u0966",
    "gujr": "\u0ae6",
    "guru": "\u0a66",
    "khmr": "\u17e0",
    "knda": "\u0ce6",
    "laoo": "\u0ed0",
    "mlym": "\u0d66",
    "mymr": "\u1040",
    "orya": "\u0b66",
    "tamldec": "\u0be6",
    "telu": "\u0c66",
    "thai": "\u0e50",
}
"""The digit zero by the numbering system of CLDR; the other nine follow it in Unicode."""


@cache
def native_numbering(language: Language) -> str:
    """Return the numbering system of CLDR of a language's own digits; "" for ASCII's alone."""
    locale = locale_of(language)
    native = str(locale.other_numbering_systems.get("native", "")) if locale else ""
    return native if native in _ZEROS else ""


@cache
def own_digits(language: Language) -> str:
    """Return the ten digits of a language's own, from zero on; "" for ASCII's alone."""
    zero = _ZEROS.get(native_numbering(language))
    return "".join(chr(ord(zero) + value) for value in range(10)) if zero else ""


@cache
def usual_digits(language: Language) -> str:
    """Return the ten digits that texts in a language are usually written with, from zero on."""
    native = native_numbering(language)
    usual = native and locale_of(language).default_numbering_system == native
    return own_digits(language) if usual else ASCII_DIGITS


def outside_code(
    sites: Callable[[str], Iterable[Match[str]]],
) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to those of its sites that are in no code and no address."""
    find = outside(MARKUP, sites)

    def found(text: str) -> Iterator[Match[str]]:
        """Yield the sites outside of code."""
        matches = list(find(text))
        code = (
            [span for span in code_spans(text) if _IN_CODE.search(text, *span)] if matches else []
        )
        yield from (match for match in matches if not overlaps(code, *match.span()))

    return found


_IN_CODE = regex.compile(r"[A-Za-z_=<>{}|\\@#`]")
"""Without any of these what looks like a path is a date: 05/03/2004."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _from_two(value: int) -> bool:
    return value > 1


def _one_apart(value: int) -> bool:
    """Return whether no part of a number in words is one, whose form is that of the thing."""
    return value > 1 and (value % 10 != 1 or value % 100 == 11)  # noqa: PLR2004 - eleven


def _two_apart(value: int) -> bool:
    """Return whether no part of a number in words is one or two."""
    return _one_apart(value) and (value % 10 != 2 or value % 100 == 12)  # noqa: PLR2004 - twelve


def _is_spanish(value: int) -> bool:
    # From 200 on the hundreds have a gender.
    return _one_apart(value) and value < 200  # noqa: PLR2004


def _is_portuguese(value: int) -> bool:
    return _two_apart(value) and value < 200  # noqa: PLR2004 - as in Spanish


def _is_romanian(value: int) -> bool:
    # 12 has a gender, too.
    return (value > 1 and value % 10 not in (1, 2)) or value % 100 == 11  # noqa: PLR2004


def _is_french(value: int) -> bool:
    # What ends in eleven: soixante et onze, quatre-vingt-onze.
    return value > 1 and (value % 10 != 1 or value % 100 in (11, 71, 91))


def _is_italian(value: int) -> bool:
    # num2words writes "centoventitre" without its accent.
    return _one_apart(value) and (value < 100 or value % 10 != 3 or value % 100 in (3, 13))  # noqa: PLR2004


def _is_norwegian(value: int) -> bool:
    # num2words writes "en hundre", which should be "ett hundre".
    return _one_apart(value) and value // 100 != 1


def _is_danish(value: int) -> bool:
    # num2words writes "ethundrede", which should be two words.
    return 1 < value < 100  # noqa: PLR2004


def _is_dutch_or_german(value: int) -> bool:
    # No thing is counted by "einhunderteins".
    return value > 1 and value % 100 != 1


def _is_hungarian(value: int) -> bool:
    # Before a thing two is another word than in counting.
    return value > 1 and value % 10 != 2  # noqa: PLR2004


def _is_hebrew(value: int) -> bool:
    # All others have a gender.
    return value in (*range(20, 101, 10), *range(200, 1000, 100))


def _is_arabic(value: int) -> bool:
    # All others have a gender, or change with the case.
    return value in (100, *range(300, 1000, 100))


_END = r"(?![\p{L}\p{M}\p{N}_])"
_SMALL = rf"[ \u00a0](?P<thing>\p{{Ll}}[\p{{Ll}}\p{{M}}]+){_END}"
_LETTERS = rf"[ \u00a0](?P<thing>\p{{Lo}}[\p{{L}}\p{{M}}\u200c]+){_END}"
_NOUN = rf"[ \u00a0](?:\p{{Ll}}+(?:e|en|er|em|es) )?(?P<thing>\p{{Lu}}\p{{Ll}}{{2,}}){_END}"
_OPENED = r"(?<![^\s\"\u201c\u201e\u00ab\u00bf\u00a1])"


@dataclass(frozen=True, kw_only=True, repr=False)
class Counting:
    """How numbers count in a language.

    Attributes:
        codes: Names of the language in num2words; words of all of them are read, and those of the
            first one are written.
        before: Words on which a number of things follows, in small letters.
        periods: Those of them after which a number of three digits may be a year.
        after: Matches a thing that is counted by the number before it, as the group `thing`, in a
            form that asks for no other form of the number.
        few: The same for numbers that end in 2, 3 or 4, where things have another form behind them;
            "" for the same.
        counters: Matches what shows that the number before it counts, whatever word is before that;
            "" for nothing.
        alone: Whether a number at the end of a sentence has the same form, too.
        denials: Words before `before` that change the case of what is counted.
        fits: Whether a number in words is the same for all things.
        homographs: Words for numbers that are other words as well.
        parts: Beginnings of other words that go on with a number in words, such as ordinals.
        lead: Matches the place where a number in digits may begin.
        glue: What stands between the number in words and the thing; None for what is there.
        writes_digits: Whether numbers in words are written in digits.
    """

    codes: tuple[str, ...]
    before: frozenset[str] = frozenset()
    periods: frozenset[str] = frozenset()
    after: str = _SMALL
    few: str = ""
    counters: str = ""
    alone: bool = False
    denials: frozenset[str] = frozenset()
    fits: Callable[[int], bool] = _from_two
    homographs: frozenset[str] = frozenset()
    parts: tuple[str, ...] = ()
    lead: str = _OPENED
    glue: str | None = None
    writes_digits: bool = True


_RUSSIAN_MANY = (
    r"\p{Ll}+(?:ов|ев|ёв|ей)|лет|раз|минут|секунд|недель|человек|книг|страниц|звезд|звёзд|штук|серий"
    "|комнат|песен|машин|стран|слов|писем|девушек|девочек|бутылок|ошибок|попыток|кошек|собак|тысяч"
)
_UKRAINIAN_MANY = (
    r"\p{Ll}+(?:ів|їв|ей)|хвилин|секунд|осіб|книг|сторінок|годин|зірок|кімнат|пісень|машин|країн"
    "|серій|дівчат|помилок|спроб|собак|тисяч"
)
"""Plurals of the genitive; other words without an ending may be singular: за 5 класс."""

_POLISH_MANY = (
    "minut|godzin|dni|tygodni|miesięcy|lat|razy|filmów|książek|stron|sekund|pokoi|pokojów|gwiazdek"
    "|kotów|psów|domów|samochodów|odcinków|sezonów|rozdziałów|pytań|scen|piosenek|płyt|tematów"
    "|plików|zdjęć|sklepów|miast|kilometrów|metrów|rzeczy|słów|jabłek|biletów|stolików|procent"
)
_POLISH_FEW = (
    "minuty|godziny|dni|tygodnie|miesiące|lata|razy|filmy|książki|strony|sekundy|pokoje|gwiazdki"
    "|koty|psy|domy|samochody|odcinki|sezony|rozdziały|pytania|sceny|piosenki|płyty|tematy|pliki"
    "|zdjęcia|sklepy|miasta|kilometry|metry|rzeczy|słowa|jabłka|bilety|stoliki|procent"
)
"""What is no person: numbers of men have other words, and the ending of many is the same."""

_COUNTING = {
    "ar": Counting(
        codes=("ar",),
        before=_words(
            "مع هناك لدي لديه لديها لدينا عندي عنده عندنا حوالي نحو كل خلال منذ في بعد قبل"
        ),
        periods=_words("في منذ بعد قبل"),
        after=_LETTERS,
        fits=_is_arabic,
        parts=("ثلاث", "أربع", "خمس", "ست", "سبع", "ثمان", "تسع", "عشر", "مئ", "مائ", "ألف", "نصف"),
    ),
    "az": Counting(
        codes=("az",),
        before=_words("və amma bu o cəmi yalnız təxminən son ilk hər"),
        counters=rf"[ ](?:dəfə|gün|il|ay|həftə|saat|dəqiqə|saniyə|nəfər){_END}",
        homographs=_words("altı yüz"),
        parts=("dördüncü", "yarım"),
    ),
    "bn": Counting(
        codes=("bn",),
        before=_words("ও এবং কিন্তু প্রায় মাত্র আরও এই সেই গত"),
        after=_LETTERS,
        counters=rf"(?:(?:টি|টা|খানা)|[ ](?:জন|দিন|বছর|মাস|সপ্তাহ|ঘণ্টা|মিনিট|বার)){_END}",
        homographs=_words("নয়"),
        parts=("একশ", "শ", "হাজার", "লক্ষ", "কোটি", "সাড়ে"),
    ),
    "cs": Counting(
        codes=("cs",),
        before=_words(
            "ale jen asi téměř skoro ještě už celkem má mám máme mají měl měla měli je jsou bylo "
            "byly viděl viděla viděli koupil koupila koupili za přes pro ty tyto všechny poslední "
            "další"
        ),
        after=rf"[ ](?P<thing>\p{{Ll}}+[bcčdďfghjklmnňpqrřsštťvwxzžíů]){_END}(?<!ech|ách|ích|ům)",
        few=rf"[ ](?:\p{{Ll}}+[éí] )??(?P<thing>\p{{Ll}}+[yieaě]){_END}(?<!ami|emi|ími|[áo]ma)",
        fits=_two_apart,
        parts=("prvn", "druh", "třet", "čtvrt", "pát", "sedm", "devát", "desát", "půl"),
    ),
    "da": Counting(
        codes=("da",),
        before=_words(
            "de disse mine dine sine vores alle og eller men med af for i efter før på cirka "
            "omkring næsten kun mindst højst over har havde er var så købte læste fik tager tog "
            "andre sidste første om"
        ),
        periods=_words("i før efter af"),
        alone=True,
        fits=_is_danish,
        homographs=_words("ti"),
    ),
    "de": Counting(
        codes=("de",),
        before=_words(
            "die diese alle meine deine seine ihre unsere eure keine und oder aber mit von für in "
            "nach vor seit bis über unter um etwa rund fast circa ungefähr nur noch schon "
            "mindestens höchstens insgesamt weitere ich wir sie es habe haben hat hatte hatten "
            "hast gibt gab sind waren wurden kamen kaufte kauften sah sahen brauche brauchen "
            "braucht dauert dauerte als wie aus bei durch gegen ohne pro"
        ),
        periods=_words("in nach vor seit bis um von"),
        after=_NOUN,
        fits=_is_dutch_or_german,
    ),
    "en": Counting(
        codes=("en",),
        before=_words(
            "a about all almost and another any are around as between bought but by every for "
            "found gave get got had has have into least made makes most nearly of only or other "
            "over paid read roughly saw see sold some spent than the their these they those under "
            "up was watched we were with won wrote you i"
        ),
        parts=(),
    ),
    "es": Counting(
        codes=("es",),
        before=_words(
            "los las estos estas esos esas mis tus sus nuestros nuestras unos unas y o pero con de "
            "para en por sin tras hace durante desde hasta casi solo sólo apenas tengo tienes "
            "tiene tenemos tienen tenía hay había hubo son eran fueron vi vimos compré compró comí "
            "leí como cada otros otras todos todas últimos últimas primeros primeras"
        ),
        periods=_words("en de desde hasta tras"),
        alone=True,
        fits=_is_spanish,
    ),
    "fa": Counting(
        codes=("fa",),
        before=_words("و با از در برای هر این آن حدود تقریبا تقریباً فقط"),
        periods=_words("در از"),
        after=_LETTERS,
        counters=rf"[ ](?:نفر|بار|روز|سال|ماه|هفته|ساعت|دقیقه|ثانیه|عدد|فیلم|کتاب){_END}",
        homographs=_words("نه ده سی"),
        parts=("یکم", "دوم", "سوم", "چهارم", "نیم"),
    ),
    "fi": Counting(
        codes=("fi",),
        before=_words(
            "on oli ovat olivat vain noin lähes melkein yli jo vielä näin näimme katsoin katsoimme "
            "luin ostin ostimme söin sain kestää kesti nämä mutta"
        ),
        after=rf"[ ](?:\p{{Ll}}+[aä] )??(?P<thing>\p{{Ll}}+[aä]){_END}(?<!ssa|ssä|sta|stä|lla|llä"
        r"|lta|ltä|na|nä)",
        fits=_one_apart,
        homographs=_words("kuusi"),
    ),
    "fr": Counting(
        codes=("fr",),
        before=_words(
            "les ces mes tes ses nos vos leurs et ou mais avec de pour en dans par sur sans après "
            "avant depuis pendant durant environ presque encore seulement déjà ai as a avons avez "
            "ont avait avaient sont étaient vu lu mangé acheté pris trouvé que comme contre parmi "
            "tous toutes autres"
        ),
        periods=_words("en de dans avant après depuis"),
        alone=True,
        fits=_is_french,
        homographs=_words("neuf"),
    ),
    "he": Counting(
        codes=("he",),
        before=_words(
            "עם יש היו לי לו לה לנו להם רק עוד כמעט בערך של כל אחרי לפני במשך תוך ראיתי קניתי קראתי"
        ),
        periods=_words("של אחרי לפני"),
        after=_LETTERS,
        fits=_is_hebrew,
        homographs=_words("שבע מאה"),
        parts=("שני", "שתי", "אלפ", "חצי"),
    ),
    "hu": Counting(
        codes=("hu",),
        before=_words(
            "és vagy de a az ezek van volt vannak voltak csak még már majdnem körülbelül legalább "
            "legfeljebb összesen láttam láttunk vettem vettünk olvastam kaptam kaptunk minden másik"
        ),
        fits=_is_hungarian,
        homographs=_words("hat hét"),
    ),
    "it": Counting(
        codes=("it",),
        before=_words(
            "i gli le questi queste quei quelle quegli miei mie tuoi tue suoi sue nostri nostre e "
            "o ma con di per in da su senza dopo circa quasi solo soltanto ancora ho hai ha "
            "abbiamo avete hanno aveva avevano sono erano visto letto comprato mangiato dei delle "
            "degli nei nelle dai dalle tra fra ogni altri altre ultimi ultime primi prime"
        ),
        periods=_words("in da di dopo"),
        alone=True,
        fits=_is_italian,
        homographs=_words("sei venti sette"),
    ),
    "ja": Counting(
        codes=("ja",),
        # A kanji behind the counter makes another word of it.
        counters=r"(?:人|冊|本|匹|枚|台|回|個|軒|頭|羽|曲|社|巻|杯|週間|時間|年間|分間|日間|か月|ヶ月)"
        r"(?![\p{Han}\u3005])",
        fits=lambda value: value > 0,
        lead=r"(?<![\p{N}\p{Latin}.,:/\u30fb\u301c~第数何幾一二三四五六七八九十百千万億-]|\p{N}\u3001"
        r"|[一二三四五六七八九十]\u3001)",
    ),
    "ko": Counting(
        codes=("ko",),
        # Other counters go with the other numerals of Korean.
        counters=r"(?:개월|주일|주간|주 동안|년간|년 동안|년 만에|년 전|년 후|초 동안|초간)",
        glue=" ",
    ),
    "nb": Counting(
        codes=("no",),
        before=_words(
            "de disse mine dine sine våre alle og eller men med av for i etter før på cirka "
            "omtrent nesten bare kun minst over har hadde er var så kjøpte leste fikk tar tok "
            "andre siste første om"
        ),
        periods=_words("i før etter av"),
        alone=True,
        fits=_is_norwegian,
        homographs=_words("tre fire ni ti"),
    ),
    "nl": Counting(
        codes=("nl",),
        before=_words(
            "de deze die mijn jouw zijn haar onze jullie hun en of maar met van voor in na sinds "
            "over bijna ongeveer circa slechts maar nog al alle heb hebt heeft hebben had hadden "
            "waren was zag zagen kocht kochten las lazen er minstens hooguit ruim om door zonder "
            "tegen per elke andere laatste eerste"
        ),
        periods=_words("in na sinds van voor"),
        alone=True,
        fits=_is_dutch_or_german,
        homographs=_words("elf acht"),
    ),
    "pl": Counting(
        codes=("pl",),
        before=_words(
            "ale tylko prawie jeszcze już razem ma mam mamy mają miał miała mieli jest są było "
            "były widziałem widziałam kupiłem kupiłam na za przez te wszystkie ostatnie trwa trwał "
            "trwała co"
        ),
        after=rf"[ ](?P<thing>{_POLISH_MANY}){_END}",
        few=rf"[ ](?P<thing>{_POLISH_FEW}){_END}",
        denials=_words("nie"),
        fits=_two_apart,
        parts=("pierwsz", "drug", "trzeci", "czwart", "siódm", "ósm", "pół"),
    ),
    "pt": Counting(
        codes=("pt_BR", "pt"),
        before=_words(
            "os as estes estas esses essas meus minhas seus suas nossos nossas uns umas e ou mas "
            "com de para em por sem há durante desde quase só apenas tenho tem temos têm tinha "
            "havia houve são eram foram vi vimos comprei comprou li como cada outros outras todos "
            "todas últimos últimas dos das nos nas"
        ),
        periods=_words("em de desde"),
        alone=True,
        fits=_is_portuguese,
    ),
    "ro": Counting(
        codes=("ro",),
        before=_words(
            "cele cei și sau dar pe în de la acum aproape circa doar numai încă am ai are avem au "
            "avea aveau sunt erau văzut citit cumpărat peste pentru ultimele ultimii alte alți "
            "toate aceste acești"
        ),
        periods=_words("în de la"),
        after=rf"[ ](?:de )?(?P<thing>(?!de )\p{{Ll}}{{2,}}){_END}",
        fits=_is_romanian,
        homographs=_words("nouă"),
        parts=("jumătate",),
    ),
    "ru": Counting(
        codes=("ru",),
        before=_words(
            "но ещё еще уже только всего лишь почти примерно было были есть имеет имеют за "
            "через мне ему ей нам вам им тебе посмотрел посмотрела посмотрели видел видела купил "
            "купила купили прочитал прочитала все эти те последние прошло длится длился каждые"
        ),
        after=rf"[ ](?:\p{{Ll}}+(?:их|ых) )?(?P<thing>{_RUSSIAN_MANY}){_END}",
        few=rf"[ ](?:\p{{Ll}}+(?:их|ых|ие|ые) )??(?P<thing>\p{{Ll}}+[аяыи]){_END}"
        r"(?<!ами|ями|ими|ыми)",
        denials=_words("не нет"),
        fits=_two_apart,
        parts=("перв", "втор", "трет", "четв", "седьм", "восьм", "сорок", "сот", "полов", "тыс"),
    ),
    "sv": Counting(
        codes=("sv",),
        before=_words(
            "de dessa mina dina sina våra era alla och eller men med av för i efter före sedan "
            "under på cirka ungefär nästan bara endast minst högst över har hade är var såg köpte "
            "läste finns fanns fick tar tog andra sista första om"
        ),
        periods=_words("i före efter av sedan"),
        alone=True,
        fits=_one_apart,
        homographs=_words("sex"),
    ),
    "th": Counting(
        codes=("th",),
        counters=r"(?:เรื่อง|คน|ตัว|วัน|เดือน|ชั่วโมง|นาที|ครั้ง|เล่ม|ชิ้น|คัน|ใบ|ขวด|แก้ว|สัปดาห์)",
        lead=r"(?<=\p{Thai})(?<!\u0e17\u0e35\u0e48)",
        glue="",
        # Words run into each other.
        writes_digits=False,
    ),
    "tr": Counting(
        codes=("tr",),
        before=_words(
            "ve veya ama ile bu şu o tam sadece yaklaşık yalnızca az son ilk her toplam kalan "
            "geçen diğer tüm bütün"
        ),
        counters=rf"[ ](?:kez|kere|defa|gün|yıl|ay|hafta|saat|dakika|saniye|kişi|tane|adet){_END}",
        homographs=_words("altı yedi yüz"),
        parts=("dördüncü", "buçuk", "yarım"),
    ),
    "uk": Counting(
        codes=("uk",),
        before=_words(
            "але ще вже тільки лише всього майже приблизно було були є має мають мав мала за через "
            "мені йому їй нам вам їм тобі подивився подивилася бачив бачила купив купила прочитав "
            "прочитала всі усі ці ті останні минуло триває тривав кожні"
        ),
        after=rf"[ ](?:\p{{Ll}}+их )?(?P<thing>{_UKRAINIAN_MANY}){_END}",
        few=rf"[ ](?:\p{{Ll}}+(?:і|их) )??(?P<thing>\p{{Ll}}+[иіїая]){_END}(?<!ами|ями|ими)",
        denials=_words("не нема немає"),
        fits=_two_apart,
        parts=("перш", "друг", "трет", "четв", "сьом", "восьм", "сорок", "сот", "полов", "тис"),
    ),
    "vi": Counting(
        codes=("vi",),
        before=_words(
            "và hoặc nhưng có với trong khoảng hơn gần chỉ cả những các đã còn được mua xem đọc "
            "mất sau trước cho"
        ),
        counters=rf"[ ](?:người|ngày|tuần|giờ|phút|giây|lần|con|cái|chiếc|cuốn|quyển|bộ){_END}",
        homographs=_words("năm ba chín"),
        parts=("tư", "mốt", "lăm", "nhăm", "linh", "lẻ", "rưỡi", "chục", "mươi", "ngàn", "vạn"),
    ),
}
"""How numbers count, by the language.

Where a reader would find the words of num2words wrong, `fits` leaves them out; Turkish words are
parted in `_cardinal`.
"""

counts_in_words = Fits(
    "languages whose numbers can be written in words", lambda language: language.code in _COUNTING
)
reads_words = Fits(
    "languages whose numbers in words can be told from other words",
    lambda language: language.code in _COUNTING and _COUNTING[language.code].writes_digits,
)


@cache
def _cardinal(value: int, code: str) -> str:
    """Return a number in words, in small letters."""
    from num2words import num2words

    if code == "tr" and value <= LARGEST:
        # num2words joins them, as cheques do.
        hundreds, rest = divmod(value, 100)
        parts = ([hundreds] if hundreds > 1 else []) + ([100] if hundreds else [])
        parts += [part for part in (rest // 10 * 10, rest % 10) if part]
        return " ".join(str(num2words(part, lang=code)) for part in parts or [0])
    return normalized("NFC", str(num2words(value, lang=code)))


def in_words(value: int, language: Language) -> str:
    """Return a number from 0 to 999 in words, in small letters."""
    return _cardinal(value, _COUNTING[language.code].codes[0])


_ABBREVIATED = _words(
    "kg km cm mm mg ml kb mb gb tb khz mhz ghz kw kwh db dpi kmh min sek sec std mio mrd mln mld "
    "tys zł gr kč eur usd px pct st sr кг км см мм мл гр мин хв сек ч час млн млрд тыс тис руб грн "
    "коп"
)
"""Units before which a number is in digits."""

_FRACTIONS = _words(
    "viertel drittel fünftel achtel zehntel hälften quarts quart tiers cuartos cuartas tercios "
    "quartos terços quarti terzi kwart derde vierde fjärdedelar tredjedelar fjerdedele tredjedele "
    "firedeler tredjedeler четверти трети чверті третини čtvrtiny třetiny ćwierci sferturi treimi "
    "neljäsosaa kolmasosaa"
)
"""With these a number is a fraction."""

_NO_THINGS = _ABBREVIATED | _FRACTIONS

_NEAR = 60
"""Characters before a number that its context is read from."""

_LAST_WORDS = regex.compile(
    r"(?:(?P<earlier>[^\s]+)[ \u00a0])?(?P<word>[\p{L}\p{M}\u200c'\u2019]+)[ \u00a0]"
    r"[\"\u201c\u201e\u00ab]?\Z"
)
_STARTING = regex.compile(
    r"(?:[\p{Ll}\p{Lo}\p{M}]{5}\.|[!?\u2026\u0964\u061f])[\"\u201d\u00bb\u2019)]?\s+"
    r"[\"\u201c\u201e\u00ab\u00bf\u00a1]*\Z"
)
"""What ends before a sentence begins; a point behind a short word may be that of "No."."""

_NO_LETTERS = ' \t\n"\u201c\u201e\u00ab\u00bf\u00a1'
_STOP = regex.compile(r"[!?\u2026]|\.?[\"\u201d\u00bb)]*\s*\Z")
_MORE_DIGITS = regex.compile(r"[ \u00a0]?[-\u2013]?\p{N}")
_TOKENS = regex.compile(r"[\p{L}\p{M}\u200c'\u2019]+")


def _starts_a_sentence(text: str, start: int) -> bool:
    """Return whether a sentence begins at a position."""
    if start <= len(_NO_LETTERS) and not text[:start].strip(_NO_LETTERS):
        return True
    return _STARTING.search(text[max(0, start - 20) : start]) is not None


@cache
def _pattern(source: str) -> Any:
    return regex.compile(source)


@cache
def _months(language: Language) -> frozenset[str]:
    """Return the names of the months of a language, long and short, in small letters."""
    locale = locale_of(language)
    names = [
        name
        for width in ("wide", "abbreviated")
        for context in ("format", "stand-alone")
        for name in locale.months[context][width].values()
    ]
    tokens = (regex.split(r"[\s'\u2019]", name.strip(".").lower())[-1] for name in names)
    # Where months are numbered, "month" alone is none.
    return frozenset(token for token in tokens if token.isalpha() and len(token) > 2)  # noqa: PLR2004


def is_counted(text: str, start: int, end: int, value: int, language: Language) -> bool:
    """Return whether a number counts what follows it, as far as a reader can tell for certain.

    Args:
        text: The text.
        start: The number's position in it.
        end: Its end.
        value: The number.
        language: The language of the text, one that numbers are written in words in.
    """
    counting = _COUNTING[language.code]
    counters = counting.counters and _pattern(counting.counters).match(text, end)
    if counting.lead != _OPENED:
        return bool(counters)
    last = _LAST_WORDS.search(text[max(0, start - _NEAR) : start])
    word = _counting_word(last, counting)
    if last is not None and _is_misleading(last, word, value, counting):
        return False
    starting = _starts_a_sentence(text, start)
    if counters:
        # Behind a capital it may be the number of a name.
        free = last is not None and (last["word"].islower() or not language.script.cased)
        return bool(word) or free or starting
    is_few = counting.few and value % 10 in (2, 3, 4) and value % 100 not in (12, 13, 14)
    thing = _pattern(counting.few if is_few else counting.after).match(text, end)
    if thing is None:
        return bool(counting.alone and word and _STOP.match(text, end))
    return bool(word or starting) and _is_a_thing(thing, language)


def _counting_word(last: Any, counting: Counting) -> str:
    """Return the word before a number, if a number of things follows on it; "" else."""
    word = last["word"].lower() if last is not None else ""
    return next((w for w in (word, _behind_apostrophe(word)) if w in counting.before), "")


def _is_misleading(last: Any, word: str, value: int, counting: Counting) -> bool:
    """Return whether a number is one of two, a year, or one that is denied."""
    earlier = (last["earlier"] or "").lower()
    # "3 or 4 films", "from 3 to 5 films"
    linked = earlier[-1:].isdecimal() and len(last["word"]) <= _SHORT
    is_year = value > LARGEST // 10 and word in counting.periods
    return linked or is_year or earlier in counting.denials


def _is_a_thing(thing: Any, language: Language) -> bool:
    """Return whether what is behind a number is no unit, fraction or month, nor another number."""
    counted = thing["thing"].lower()
    if counted in _NO_THINGS or _MORE_DIGITS.match(thing.string, thing.end()):
        return False
    # "the 5 of March" in Spanish
    behind = _TOKENS.match(thing.string, thing.end() + 1) if len(counted) <= _SHORT else None
    named = {counted, _behind_apostrophe(behind[0].lower()) if behind else ""}
    return not named & _months(language)


_SHORT = 4
"""Letters of a word that may join two numbers, or a day and its month."""


def _behind_apostrophe(word: str) -> str:
    """Return the part of a word behind its last apostrophe: "ai" of "j'ai"."""
    return regex.split("['\u2019]", word)[-1]


@cache
def numbers_to_spell(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to its numbers in digits that are also written as words.

    The group `number` of a match has the digits.
    """
    counting = _COUNTING[language.code]
    native = own_digits(language)
    digits = "[0-9]{1,3}" + (f"|[{native[0]}-{native[-1]}]{{1,3}}" if native else "")
    before = "[ ]?" if counting.glue == "" else ""
    behind = "[ ]?" if counting.glue is not None else ""
    numbers: Any = regex.compile(rf"{counting.lead}{before}(?P<number>{digits})(?!\p{{N}}){behind}")

    def found(text: str) -> Iterator[Match[str]]:
        """Yield the numbers of a text."""
        for match in numbers.finditer(text):
            value = int(match["number"])
            if (
                counting.fits(value)
                and str(value) == match["number"].translate(_to_ascii(language))
                and is_counted(text, match.start(), match.end(), value, language)
            ):
                yield match

    return outside_code(found)


@cache
def _to_ascii(language: Language) -> dict[int, str]:
    """Return the table that turns a language's own digits into those of ASCII."""
    return {ord(digit): str(value) for value, digit in enumerate(own_digits(language))}


def spelled(match: Match[str], language: Language) -> str:
    """Return a number that `numbers_to_spell` has found in words."""
    counting = _COUNTING[language.code]
    words = in_words(int(match["number"]), language)
    if language.script.cased and _starts_a_sentence(match.string, match.start()):
        words = capitalised(words, dotted=has_dotted_capital(language))
    return words + (counting.glue or "")


@cache
def _number_words(language: Language) -> LocalLexicon:
    """Return the words for the numbers from 3 on, with their digits."""
    counting = _COUNTING[language.code]
    to_usual = str.maketrans(ASCII_DIGITS, usual_digits(language))
    entries: dict[str, list[str]] = {}
    for code in counting.codes:
        for value in range(3, LARGEST + 1):
            words = _cardinal(value, code).lower()
            # Arabic joins "and" to the word behind it, num2words does not.
            for form in {words, words.replace(" \u0648 ", " \u0648")}:
                if form not in counting.homographs:
                    entries.setdefault(form, [str(value).translate(to_usual)])
    return LocalLexicon(language, entries)


_JOINS = _words("y e et og och en und și و i a ja és và lẻ")
_PREFIXES = {"he": "\u05d5", "ar": "\u0648"}
"""What is "and" as the first letter of a word."""


@cache
def _parts(language: Language) -> tuple[frozenset[str], tuple[str, ...]]:
    """Return short words of which numbers consist, and the beginnings of long ones."""
    counting = _COUNTING[language.code]
    scales = (1000, 2000, 5000, *(times * 10**power for power in (6, 9) for times in (1, 2, 5)))
    numbers = " ".join(_cardinal(n, c) for c in counting.codes for n in (*range(1000), *scales))
    tokens = {*regex.split(r"[\s-]+", numbers.lower().replace("\u2019", "'"))} - _JOINS
    # All but the last letter: that of an ordinal, or of another case, may be another one.
    stems = {token[: max(3, min(4, len(token) - 1))] for token in tokens if len(token) > 2}  # noqa: PLR2004
    short = {token for token in tokens if len(token) == 2}  # noqa: PLR2004
    return frozenset(short), (*sorted(stems), *counting.parts)


def _is_part(token: str, language: Language) -> bool:
    """Return whether a word may be a part of a number in words, a scale or an ordinal."""
    short, stems = _parts(language)
    token = token.lower().replace("\u2019", "'")
    prefix = _PREFIXES.get(language.code)
    bare = token[1:] if prefix and token.startswith(prefix) and len(token) > 3 else token  # noqa: PLR2004
    return bare in short or bare.startswith(stems) or token.startswith(stems)


def _goes_on(match: Match[str], language: Language) -> bool:
    """Return whether the word before or behind a number in words may belong to the number."""
    text = match.string
    if not language.script.spaced:
        return False
    near = text[max(0, match.start() - _NEAR) : match.start()]
    far = text[match.end() : match.end() + _NEAR]
    for words in (_TOKENS.findall(near)[::-1], _TOKENS.findall(far)):
        joined = words[:1] and words[0].lower() in _JOINS
        if any(_is_part(word, language) for word in (words[1:2] if joined else words[:1])):
            return True
    return False


@cache
def words_to_count(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to its numbers in words that are also written in digits."""
    counting = _COUNTING[language.code]
    lexicon = _number_words(language)
    lead = regex.compile(counting.lead)

    def fits(match: Match[str]) -> bool:
        """Return whether a number in words counts something, and is no part of another one."""
        text, (start, end) = match.string, match.span()
        if lead.match(text, start) is None:
            return False
        if match[0] != match[0].lower() and not _starts_a_sentence(text, start):
            return False
        value = int(lexicon.options(match[0])[0])
        if counting.glue is not None:
            end += text.startswith(" ", end)
        return is_counted(text, start, end, value, language) and not _goes_on(match, language)

    return outside_code(lambda text: filter(fits, lexicon(text)))


def in_digits(match: Match[str], language: Language) -> str:
    """Return a number that `words_to_count` has found in digits."""
    return _number_words(language).options(match[0])[0]
