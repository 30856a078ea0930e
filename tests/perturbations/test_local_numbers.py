# Letters of other scripts look like Latin ones.
# ruff: noqa: RUF001
"""Numbers and dates in languages other than English, and thousands in English."""

from __future__ import annotations

import subprocess
import sys
import time
from datetime import date, timedelta
from random import Random

import pytest

from pytest_ood.errors import ConfigurationError
from pytest_ood.languages import find_language, languages
from pytest_ood.perturbations import catalogue, find
from pytest_ood.perturbations._local_numbers import in_words

SPELL, READ = "digits-to-words", "words-to-digits"
DATE, MARKS, DIGITS = "date-format", "number-format", "native-digits"

ROWS: list[tuple[str, str, str, str | None]] = [
    # Numbers that count, in words.
    ("ar", SPELL, "كان هناك 300 كتاب و5 كتب.", "كان هناك ثلاثمائة كتاب و5 كتب."),
    ("ar", SPELL, "هناك 3 كتب و25 سيارة.", None),
    ("az", SPELL, "Mən cəmi 25 gün gözlədim.", "Mən cəmi iyirmi beş gün gözlədim."),
    (
        "bn",
        SPELL,
        "আমার ৩টি বই ও ২৫ জন বন্ধু আছে।",
        "আমার তিনটি বই ও পঁচিশ জন বন্ধু আছে।",
    ),
    ("cs", SPELL, "Mám 5 psů za 25 minut.", "Mám pět psů za dvacet pět minut."),
    (
        "cs",
        SPELL,
        "Mám 3 kočky, byl na 5. místě a bez 5 psů.",
        "Mám tři kočky, byl na 5. místě a bez 5 psů.",
    ),
    ("da", SPELL, "Jeg har 3 katte og 55 bøger.", "Jeg har tre katte og femoghalvtreds bøger."),
    (
        "de",
        SPELL,
        "Ich habe 3 Filme und 25 Bücher.",
        "Ich habe drei Filme und fünfundzwanzig Bücher.",
    ),
    ("de", SPELL, "3 Kinder spielten.", "Drei Kinder spielten."),
    ("de", SPELL, "Kapitel 3 ist gut, Raum 101 auch, und Gleis 7.", None),
    ("de", SPELL, "Am 5. Mai dauert es 3 bis 5 Tage mit 2,5 kg und 5 kg.", None),
    ("de", SPELL, "In 80331 München steht es 3:2, Version 3.1, um 20 Uhr 15.", None),
    ("es", SPELL, "Tengo 3 hijos y 45 libros.", "Tengo tres hijos y cuarenta y cinco libros."),
    (
        "es",
        SPELL,
        "¿5 personas? ¡Con 21 gatos y 200 casas!",
        "¿Cinco personas? ¡Con 21 gatos y 200 casas!",
    ),
    ("es", SPELL, "De 3 a 5 años; y 5 de marzo; con 3 o 4 perros.", None),
    ("fa", SPELL, "من ۳ فیلم و 25 کتاب دیدم.", "من سه فیلم و بیست و پنج کتاب دیدم."),
    ("fi", SPELL, "Minulla on 3 kissaa.", "Minulla on kolme kissaa."),
    ("fi", SPELL, "Hän oli 3 talossa ja 5 miehen luona.", None),
    (
        "fr",
        SPELL,
        "J'ai vu 3 films et 80 chats en 5 jours.",
        "J'ai vu trois films et quatre-vingts chats en cinq jours.",
    ),
    ("fr", SPELL, "J'en ai 3.", "J'en ai trois."),
    ("fr", SPELL, "Page 5 du livre, le 3 mars, à 5 heures 30, et 21 chats.", None),
    ("fr", SPELL, "Il naquit en 800 et mourut.", None),
    ("he", SPELL, "יש לי 20 ספרים ויש 3 חתולים.", "יש לי עשרים ספרים ויש 3 חתולים."),
    ("hu", SPELL, "Van 3 macskám és 25 könyvem.", "Van három macskám és huszonöt könyvem."),
    ("hu", SPELL, "Van 2 macskám és 12 könyvem.", None),
    ("it", SPELL, "Ho 3 gatti e 23 libri.", "Ho tre gatti e ventitré libri."),
    ("ja", SPELL, "友達3人と本を25冊、買った。", "友達三人と本を二十五冊、買った。"),
    ("ja", SPELL, "第3回、3人組、2004年、午後3時、3.5個、4、5人", None),
    ("ko", SPELL, "나는 3개월 동안 5명과 살았다.", "나는 삼 개월 동안 5명과 살았다."),
    ("nb", SPELL, "Jeg har 3 katter og 25 hunder.", "Jeg har tre katter og tjuefem hunder."),
    ("nb", SPELL, "Jeg har 21 katter og 120 hunder.", None),
    ("nl", SPELL, "Ik heb 3 katten en 21 boeken.", "Ik heb drie katten en eenentwintig boeken."),
    ("pl", SPELL, "Mam 3 koty za 5 minut.", "Mam trzy koty za pięć minut."),
    ("pl", SPELL, "Nie mam 5 minut, tylko 5 studentów w 5 domach.", None),
    (
        "pt",
        SPELL,
        "Vi 3 filmes e 2 gatos com 16 amigos.",
        "Vi três filmes e 2 gatos com dezesseis amigos.",
    ),
    (
        "ro",
        SPELL,
        "Am 3 pisici și 25 de cărți.",
        "Am trei pisici și douăzeci și cinci de cărți.",
    ),
    ("ro", SPELL, "Pe 5 martie am 12 câini.", None),
    ("ru", SPELL, "Я посмотрел 5 фильмов за 3 дня.", "Я посмотрел пять фильмов за три дня."),
    ("ru", SPELL, "5 фильмов вышли.", "Пять фильмов вышли."),
    ("ru", SPELL, "В 5 фильмах не было 5 минут, за 5 класс, на 5 этаже.", None),
    ("ru", SPELL, "Было 21 письмо и 2 книги, около 5 минут.", None),
    ("sv", SPELL, "Jag har 3 katter i 6 år.", "Jag har tre katter i sex år."),
    (
        "th",
        SPELL,
        "ฉันดูหนัง 3 เรื่องกับเพื่อน 5 คน",
        "ฉันดูหนังสามเรื่องกับเพื่อนห้าคน",
    ),
    ("th", SPELL, "บทที่ 3 เรื่องแรก", None),
    ("tr", SPELL, "Son 25 yıl ve bu 3 film.", "Son yirmi beş yıl ve bu üç film."),
    ("tr", SPELL, "Saat 5'te, 5. bölüm, Bölüm 3.", None),
    ("uk", SPELL, "Я подивився 5 фільмів за 3 дні.", "Я подивився п'ять фільмів за три дні."),
    (
        "vi",
        SPELL,
        "Tôi có 3 con mèo và 25 cuốn sách.",
        "Tôi có ba con mèo và hai mươi lăm cuốn sách.",
    ),
    ("vi", SPELL, "Ngày 5 tháng 3, chương 3.", None),
    # Words that count, in digits.
    ("ar", READ, "كان هناك ثلاثة كتب مع خمسة وعشرون كتابا", "كان هناك 3 كتب مع 25 كتابا"),
    ("bn", READ, "আমার পঁচিশ জন বন্ধু আছে।", "আমার ২৫ জন বন্ধু আছে।"),
    ("cs", READ, "Mám tři kočky, ale pět psů.", "Mám 3 kočky, ale 5 psů."),
    (
        "de",
        READ,
        "Ich habe drei Filme und fünfundzwanzig Bücher.",
        "Ich habe 3 Filme und 25 Bücher.",
    ),
    ("de", READ, "Es gibt Drei Könige, und drei Viertel, für drei Millionen Leute.", None),
    (
        "es",
        READ,
        "Tengo tres hijos y cuarenta y cinco libros.",
        "Tengo 3 hijos y 45 libros.",
    ),
    ("es", READ, "Son tres mil libros con tres cuartos.", None),
    ("fa", READ, "من سه فیلم و بیست و پنج کتاب دیدم.", "من ۳ فیلم و ۲۵ کتاب دیدم."),
    ("fa", READ, "در بیست و پنجم فیلم", None),
    ("fi", READ, "Siellä on kuusi puuta.", None),
    ("fr", READ, "J'ai vu trois films et vingt-cinq chats.", "J'ai vu 3 films et 25 chats."),
    ("fr", READ, "Un livre neuf et neuf amis, les trois quarts, et trois mille voix.", None),
    ("he", READ, "יש לי עשרים ספרים.", "יש לי 20 ספרים."),
    ("he", READ, "יש עשרים ושלושה ספרים.", None),
    ("it", READ, "Ho tre gatti e sei bella.", "Ho 3 gatti e sei bella."),
    ("ja", READ, "友達三人と話した。", "友達3人と話した。"),
    ("ja", READ, "三人称、百人一首、数十人、一人で、三人組", None),
    ("nl", READ, "Ik heb eenentwintig boeken.", "Ik heb 21 boeken."),
    ("pl", READ, "Mam trzy koty.", "Mam 3 koty."),
    ("pt", READ, "Vi três filmes com dezassete cães.", "Vi 3 filmes com 17 cães."),
    (
        "ru",
        READ,
        "Я посмотрел пять фильмов за двадцать пять минут.",
        "Я посмотрел 5 фильмов за 25 минут.",
    ),
    ("ru", READ, "За двадцать пятый раз, за двадцать две минуты.", None),
    ("sv", READ, "Jag har sex katter och fem hundar.", "Jag har sex katter och 5 hundar."),
    ("tr", READ, "Bu üç film yirmi beş gün sürdü.", "Bu 3 film 25 gün sürdü."),
    ("tr", READ, "Bu yirmi beşinci gün, masanın altı ve yüz.", None),
    (
        "vi",
        READ,
        "Tôi có bốn con mèo và hai mươi tư con chó.",
        "Tôi có 4 con mèo và hai mươi tư con chó.",
    ),
    # Dates.
    ("ar", DATE, "في 5 مارس 2004 بدأ.", "في 05\u200f/03\u200f/2004 بدأ."),
    ("bg", DATE, "На 5.03.2004 г. започна.", "На 5 март 2004 г. започна."),
    ("cs", DATE, "Dne 5. března 2004 začal.", "Dne 5. 3. 2004 začal."),
    ("de", DATE, "Es begann am 5. März 2004.", "Es begann am 05.03.2004."),
    ("de", DATE, "Am 31.02.2004, dem 5. und 7. März 2004, Version 1.5.2004.3.", None),
    ("de", DATE, "Vom 5.–7. März 2004; 5. bis 7. März 2004; 05/03/2004.", None),
    ("de", DATE, "Freitag, 5. März 2004", "Freitag, 05.03.2004"),
    ("el", DATE, "Στις 5 Μαρτίου 2004.", "Στις 5 Μαρ 2004."),
    ("es", DATE, "El 05/03/2004 empezó.", "El 5 de marzo de 2004 empezó."),
    ("fa", DATE, "در 1383/12/15 بود.", None),
    ("fi", DATE, "Se alkoi 5.3.2004.", "Se alkoi 5. maaliskuuta 2004."),
    ("fr", DATE, "Le 5 mars 2004, il vint.", "Le 05/03/2004, il vint."),
    ("fr", DATE, "Le 1er mars 2004, du 3 au 5 mars 2004.", None),
    ("he", DATE, "ביום 5 במרץ 2004 זה קרה.", "ביום 5.3.2004 זה קרה."),
    ("hi", DATE, "5 मार्च 2004 को", "5/3/2004 को"),
    ("hu", DATE, "2004. március 5. volt.", "2004. márc. 5. volt."),
    ("hu", DATE, "2004. március 5-én volt.", None),
    ("it", DATE, "L'8 marzo 2004 e dell'8 marzo 2004.", None),
    ("ja", DATE, "2004年3月5日に始まった。", "2004/03/05に始まった。"),
    ("ko", DATE, "2004년 3월 5일에 시작했다.", "2004. 3. 5.에 시작했다."),
    ("nl", DATE, "Op 05-03-2004 begon het.", "Op 5 maart 2004 begon het."),
    ("pl", DATE, "Dnia 5 marca 2004 roku.", "Dnia 5 mar 2004 roku."),
    ("ru", DATE, "Это было 5 марта 2004 года.", "Это было 05.03.2004 года."),
    ("sv", DATE, "Den 2004-03-05 började det.", "Den 5 mars 2004 började det."),
    ("th", DATE, "วันที่ 5 มีนาคม 2547", "วันที่ 5/3/2547"),
    ("tr", DATE, "5 Mart 2004'te başladı.", None),
    ("vi", DATE, "Ngày 05/03/2004.", "Ngày 5 tháng 3 năm 2004."),
    ("zh", DATE, "他于2004年3月5日出生。", "他于2004/3/5出生。"),
    # Marks between thousands.
    (
        "en",
        MARKS,
        "There were 1,234 people and 12345 dogs.",
        "There were 1234 people and 12,345 dogs.",
    ),
    ("en", MARKS, "It cost $1,250,000.50, or 4,300 euros.", "It cost $1250000.50, or 4300 euros."),
    ("en", MARKS, "In 2004, 1,999 cats; id 12345, 90210 Beverly Hills, f(1,234), (1,234).", None),
    (
        "en",
        MARKS,
        "See https://a.org/1,234 and `x = 1,234`; 1,2,345 and 192.168.1.1, v1,234.",
        None,
    ),
    ("de", MARKS, "Es gibt 1.234.567 Menschen.", "Es gibt 1\u00a0234\u00a0567 Menschen."),
    ("de", MARKS, "Es sind 1,234 m in 80331 München, 192.168.100.200, Version 1.2.3.", None),
    ("es", MARKS, "Hay 12.345 perros con 3500 libros.", None),
    ("es", MARKS, "Hay 1.234.567 personas.", "Hay 1\u00a0234\u00a0567 personas."),
    ("fa", MARKS, "حدود ۱۲٬۳۴۵ نفر", "حدود ۱۲۳۴۵ نفر"),
    ("fr", MARKS, "Il y a 1\u202f234\u202f567 gens.", "Il y a 1 234 567 gens."),
    ("fr", MARKS, "Le 01 23 45 67 89, ou 123 456 789, en 2004 300 personnes.", None),
    ("hi", MARKS, "यहाँ 12,34,567 लोग हैं।", "यहाँ 1234567 लोग हैं।"),
    ("ko", MARKS, "총 1,234명이 왔다.", "총 1234명이 왔다."),
    ("tr", MARKS, "Toplam 1.234 kişi geldi.", "Toplam 1234 kişi geldi."),
    # The digits of a script.
    ("ar", DIGITS, "في 5/3/2004 الساعة 10:30 و ١٢٫٥", "في ٥/٣/٢٠٠٤ الساعة ١٠:٣٠ و 12.5"),
    ("ar", DIGITS, "iPhone 12 و ABC123 و +966555", None),
    ("bn", DIGITS, "৩টি ও 12 জন", "3টি ও ১২ জন"),
    ("fa", DIGITS, "سال 2004 و ۱۲ نفر", "سال ۲۰۰۴ و 12 نفر"),
    ("hi", DIGITS, "मेरे पास 12 किताबें हैं।", "मेरे पास १२ किताबें हैं।"),
    ("ja", DIGITS, "2004年3月5日に12人、1,234円", "２００４年３月５日に１２人、1,234円"),
    ("ta", DIGITS, "12 பேர்", "௧௨ பேர்"),
    ("th", DIGITS, "มี 12 คน", "มี ๑๒ คน"),
    ("zh", DIGITS, "共有12人和１３人", "共有１２人和13人"),
]


def written(code: str, name: str, text: str, seed: int = 0) -> str:
    """Perturb a text in a language at the greatest severity."""
    return find(name).at(5).in_language(find_language(code))(text, Random(seed))


@pytest.mark.parametrize(("code", "name", "text", "expected"), ROWS)
def test_a_number_is_written_as_readers_accept_it(
    code: str, name: str, text: str, expected: str | None
) -> None:
    """A text comes out as in the table; for None it stays as it is."""
    assert written(code, name, text) == (text if expected is None else expected)


WORDS = {
    "az": {11: "on bir", 345: "üç yüz qırx beş"},
    "bn": {25: "পঁচিশ", 100: "একশত"},
    "cs": {25: "dvacet pět", 345: "třista čtyřicet pět"},
    "da": {55: "femoghalvtreds", 99: "nioghalvfems"},
    "de": {16: "sechzehn", 345: "dreihundertfünfundvierzig"},
    "es": {26: "veintiséis", 100: "cien"},
    "fa": {25: "بیست و پنج", 345: "سیصد و چهل و پنج"},
    "fi": {25: "kaksikymmentäviisi", 100: "sata"},
    "fr": {71: "soixante et onze", 80: "quatre-vingts", 345: "trois cent quarante-cinq"},
    "he": {20: "עשרים", 200: "מאתיים"},
    "hu": {25: "huszonöt", 345: "háromszáznegyvenöt"},
    "it": {28: "ventotto", 33: "trentatré", 180: "centottanta"},
    "ja": {25: "二十五", 345: "三百四十五"},
    "ko": {25: "이십오", 345: "삼백사십오"},
    "nb": {25: "tjuefem", 99: "nittini"},
    "nl": {22: "tweeëntwintig", 345: "driehonderdvijfenveertig"},
    "pl": {15: "piętnaście", 345: "trzysta czterdzieści pięć"},
    "pt": {16: "dezesseis", 145: "cento e quarenta e cinco"},
    "ro": {25: "douăzeci și cinci", 345: "trei sute patruzeci și cinci"},
    "ru": {15: "пятнадцать", 345: "триста сорок пять"},
    "sv": {18: "arton", 345: "trehundraförtiofem"},
    "th": {25: "ยี่สิบห้า", 345: "สามร้อยสี่สิบห้า"},
    "tr": {25: "yirmi beş", 100: "yüz", 345: "üç yüz kırk beş"},
    "uk": {19: "дев'ятнадцять", 345: "триста сорок п'ять"},
    "vi": {15: "mười lăm", 21: "hai mươi mốt"},
}


@pytest.mark.parametrize("code", WORDS)
def test_the_words_are_those_of_the_language(code: str) -> None:
    """Numbers with a form of their own are spelled right by the installed num2words."""
    assert {value: in_words(value, find_language(code)) for value in WORDS[code]} == WORDS[code]


FRAMES = {
    "de": "Ich habe {} Katzen.",
    "fr": "Ils ont {} chats.",
    "hu": "Van {} macskám.",
    "it": "Ho {} gatti.",
    "nl": "Ik heb {} katten.",
    "pl": "Mam {} minut.",
    "ru": "Было {} минут.",
    "sv": "Jag har {} katter.",
    "tr": "Bu {} film.",
    "fa": "فقط {} نفر آمدند.",
}


@pytest.mark.slow
@pytest.mark.parametrize("code", FRAMES)
def test_both_ways_give_the_number_back(code: str) -> None:
    """What is spelled is read as the same number, or left alone where the word has two meanings."""
    changed = 0
    for value in range(3, 1000):
        text = FRAMES[code].format(value)
        there = written(code, SPELL, text)
        back = written(code, READ, there)
        changed += there not in {text, back}
        native = str.maketrans("۰۱۲۳۴۵۶۷۸۹", "0123456789")
        assert back.translate(native) in (text, there)
    assert changed > 500


@pytest.mark.parametrize("code", sorted(languages()))
def test_a_date_keeps_its_day(code: str) -> None:
    """Written in other formats again and again, every day of a year comes back as that of ISO."""
    if code == "en":
        pytest.skip("its dates have a table of their own")
    first = date(2004, 1, 1)
    for offset in range(0, 366, 7):
        iso = f"{first + timedelta(days=offset)} x"
        there = written(code, DATE, iso, offset)
        back = {written(code, DATE, there, seed) for seed in range(30)}
        assert there != iso
        assert iso in back, (there, back)


def test_languages_that_they_fit() -> None:
    """What a language lacks is a usage error; English has no other digits than ASCII's."""
    for name, code in ((SPELL, "zh"), (READ, "th"), (DIGITS, "en"), (DIGITS, "de")):
        with pytest.raises(ConfigurationError, match=f"{name} does not fit"):
            find(name).in_language(find_language(code))
    for language in languages().values():
        assert find(DATE).languages.accepts(language)
        assert find(MARKS).languages.accepts(language)
    assert [
        c for c, one in languages().items() if find("change-numbers").languages.accepts(one)
    ] == ["en"]


def test_marks_between_thousands_leave_the_value() -> None:
    """In no language another number comes out, whatever its marks."""
    for code, language in languages().items():
        if not find(MARKS).languages.accepts(language):
            continue
        for text in ("1,234,567", "1.234.567", "1\u00a0234\u00a0567", "12,34,567", "1.234.567,25"):
            for seed in range(8):
                changed = written(code, MARKS, text, seed)
                kept = text[-3:] if text.endswith(",25") else ""
                assert changed.endswith(kept)
                digits = "".join(filter(str.isdigit, changed.removesuffix(kept)))
                assert digits == "1234567", (code, text, changed)


@pytest.mark.slow
def test_nothing_is_loaded_before_a_text_is() -> None:
    """Reading the catalogue imports neither Babel nor num2words."""
    program = (
        "import sys; from pytest_ood.perturbations import catalogue; catalogue();"
        "print([name for name in ('babel', 'num2words') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


PIECES = (
    "1",
    "1,",
    "1.",
    "1 2",
    "5 ",
    "1,234 ",
    "3 Filme ",
    "drei ",
    "2004-03-05 ",
    "三人",
    "३, ",
    "مع 3 ",
)


@pytest.mark.slow
@pytest.mark.parametrize("name", [SPELL, READ, DATE, MARKS, DIGITS])
def test_the_time_grows_with_the_length(name: str) -> None:
    """Long texts of one kind take no more time than others, in every language."""
    change = catalogue()[name].at(5)
    for language in languages().values():
        if not change.languages.accepts(language):
            continue
        local = change.in_language(language)
        local("3", Random(0))
        for piece in PIECES:
            start = time.process_time()
            local(piece * (10_000 // len(piece)), Random(0))
            assert time.process_time() - start < 1.0, (language.code, piece)
