"""Keyboards: the layouts are those that people have, and slips write what a hand would."""

# Letters of other scripts stand alone here, where a linter takes them for Latin ones.
# ruff: noqa: RUF001

from __future__ import annotations

import re
import string
import sys
import time
import unicodedata
from functools import cache
from itertools import zip_longest
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.errors import ConfigurationError, MissingDependencyError
from pytest_ood.perturbations import _input_methods, find
from pytest_ood.perturbations._input_methods import Hangul, Kana, Pinyin
from pytest_ood.perturbations._keyboards import ACCENTS, LAYOUTS, TABLES, Keyboard, layout_of
from pytest_ood.perturbations._scripts import MARK

TEXTS = {
    "ar": "السلام عليكم، الفيلم رائع",
    "az": "Bu film çox gözəl idi, İstanbul",
    "bg": "Филмът беше прекрасен",
    "bn": "ছবিটা খুব ভালো ছিল, বড়লোক",
    "cs": "Příliš žluťoučký kůň úpěl",
    "da": "Filmen på biografen, rødgrød",
    "de": "Schöne Straße, ÜBERALL große Füße",
    "el": "Η ταινία ήταν υπέροχη",
    "en": "A wonderful and believable film",
    "es": "Mañana será una película pequeña",
    "fa": "این فیلم خیلی خوب بود",
    "fi": "Elokuva oli erittäin hyvä",
    "fr": "Déjà français, une âme naïve",
    "he": "שלום עולם",
    "hi": "यह फ़िल्म बहुत अच्छी थी",
    "hu": "Árvíztűrő tükörfúrógép",
    "it": "Perché la città è così",
    "ko": "안녕하세요, 이 영화 정말 좋다",
    "nb": "Filmen på kinoen, blåbær",
    "nl": "Een geweldige film, coördinatie",
    "pinyin": "这部电影非常好看，演员也很棒。",
    "pl": "Zażółć gęślą jaźń",
    "pt": "Não há coração, a ação é ótima",
    "ro": "Mâine și țară, încă frumoasă",
    "romaji": "この映画はとてもおもしろかった。カタカナ",
    "ru": "Этот фильм ужасен",
    "sv": "Räksmörgås på idén",
    "ta": "படம் மிகவும் நன்றாக இருந்தது",
    "th": "สวัสดี หนังเรื่องนี้ไม่ดีเลย",
    "tr": "Işık güzel İSTANBUL",
    "uk": "привіт, цей фільм чудовий",
    "vi": "Phim này rất tuyệt vời, không buồn",
}


def keyboard(layout: str) -> Keyboard:
    """Return a layout whose keys write letters."""
    found = layout_of(layout)
    assert isinstance(found, Keyboard)
    return found


def mistyped(layout: str, text: str, seed: int, characters: float = 0.1) -> str:
    """Return a text with a slip in every word."""
    change = find("keyboard").with_parameters(layout=layout, share=1.0, characters=characters)
    return change(text, Random(seed))


def test_there_are_many_layouts() -> None:
    """The parameter takes every layout, and each has a text here."""
    assert find("keyboard").choices["layout"] == LAYOUTS
    assert sorted(TEXTS) == sorted(LAYOUTS)
    assert len(LAYOUTS) >= 26


def test_an_unknown_layout_is_refused() -> None:
    """The message has the nearest one."""
    with pytest.raises(ConfigurationError, match=r"unknown layout 'hbe'.*'he'"):
        layout_of("hbe")


@pytest.mark.parametrize(
    ("layout", "letter", "slips"),
    [
        ("en", "g", "fhtyvb"),
        ("en", "T", "RYFG"),
        ("de", "z", "tugh"),
        ("de", "ü", "pßöä"),
        ("de", "P", "OÜLÖ"),
        ("de", "é", "eè"),
        ("de", "Ä", "ÖÜ"),
        ("fr", "a", "zéq"),
        ("fr", "é", "az"),
        ("fr", "É", "AZ"),
        ("fr", "ç", "àio"),
        ("fr", "ô", "oöî"),
        ("fr", "œ", "o"),
        ("fr", "m", "lùp"),
        ("es", "á", "aàä"),
        ("es", "Í", "IÌÏÚÓ"),
        ("es", "ñ", "lp"),
        ("it", "é", "èç"),
        ("it", "è", "pìòà"),
        ("it", "È", "PÌÒÀ"),
        ("pt", "ã", "aâá"),
        ("pt", "ç", "lp"),
        ("nl", "ë", "eé"),
        ("nl", "g", "fhtyvb"),
        ("sv", "å", "pöä"),
        ("sv", "é", "eèë"),
        ("da", "æ", "løpå"),
        ("nb", "ø", "læpå"),
        ("nb", "é", "eè"),
        ("fi", "ä", "öå"),
        ("pl", "ą", "aśż"),
        ("pl", "Ą", "AŚŻ"),
        ("pl", "ó", "oł"),
        ("pl", "a", "sqwz"),
        ("cs", "š", "ěčwe"),
        ("cs", "Š", "SĎĚ"),
        ("cs", "ů", "lpú"),
        ("cs", "ď", "dšěřč"),
        ("hu", "ű", "áú"),
        ("hu", "í", "ya"),
        ("hu", "Ő", "PÚÜÓÉÁ"),
        ("ro", "ț", "t"),
        ("ro", "ă", "așâ"),
        ("tr", "ı", "uojk"),
        ("tr", "I", "UOJK"),
        ("tr", "i", "şğü"),
        ("tr", "İ", "ŞĞÜ"),
        ("tr", "ş", "lipğç"),
        ("tr", "â", "a"),
        ("az", "ə", "ıöğ"),
        ("vi", "ế", "êễệấốé"),
        ("vi", "đ", "op"),
        ("el", "ό", "οί"),
        ("el", "Ά", "Α"),
        ("el", "ϊ", "ιί"),
        ("el", "Σ", "ΑΔΕΖΧ"),
        ("ru", "ж", "дэзхю"),
        ("ru", "Ё", ""),
        ("uk", "ї", "хґє"),
        ("uk", "Й", "ЦФ"),
        ("bg", "ь", "яую"),
        ("bg", "ѝ", "ьы"),
        ("ar", "ب", "يلقفؤر"),
        ("ar", "\u064e", "\u064b\u0650"),
        ("fa", "گ", "کجچ"),
        ("fa", "آ", "اأة"),
        ("he", "ש", "דז"),
        ("he", "ם", "ןפלך"),
        ("hi", "क", "रतगदस"),
        ("hi", "ख", "कऱथघधशष"),
        ("hi", "\u093f", "\u0941\u0940\u0942"),
        ("bn", "ক", "তজহসম"),
        ("ta", "க", "னபசவ"),
        ("th", "ด", "กพอ"),
        ("th", "\u0e35", "\u0e31\u0e36"),
        ("th", "ฏ", "กฆฎฑฉ"),
    ],
)
def test_slips_are_near(layout: str, letter: str, slips: str) -> None:
    """A slip writes the letter of a neighbouring key, or the letter without its modifier.

    The expected letters are those beside the key on pictures of the keyboards.
    """
    found = keyboard(layout).slips_of(letter)
    assert sorted(found) == sorted(slips)


def test_a_key_may_write_two_characters() -> None:
    """Lam and alef have a key together on the Arabic keyboard, and so has a letter with a dot."""
    assert sorted(keyboard("ar").slips_of("لا")) == sorted("رىلا")
    decomposed = unicodedata.normalize("NFC", "\u09dc")
    assert len(decomposed) == 2
    assert keyboard("bn").slips_of("\u09dc") == keyboard("bn").slips_of(decomposed) == ("গ", "দ")


def test_a_letter_that_the_layout_lacks_is_typed_without_its_mark() -> None:
    """An accent of another language is left out, whatever the normal form."""
    assert keyboard("en").slips_of("é") == keyboard("en").slips_of("e")
    assert keyboard("pl").slips_of("É") == keyboard("pl").slips_of("E\u0301")
    assert keyboard("es").slips_of("e\u0301") == keyboard("es").slips_of("é")
    assert keyboard("en").slips_of("ж") == ()
    assert keyboard("tr").slips_of("I\u0307") == keyboard("tr").slips_of("İ")


@pytest.mark.parametrize("layout", sorted(TABLES))
def test_a_slip_is_a_letter_of_the_layout(layout: str) -> None:
    """Capitals stay capitals, marks stay marks, and no other script is written."""
    keys = keyboard(layout) if layout != "ko" else Keyboard(TABLES["ko"])
    scripts = {unicodedata.name(letter).split()[0] for letter in keys.letters} - {"COMBINING"}
    assert len(scripts) == 1
    for letter, slips in keys.slips.items():
        assert letter not in slips
        for slip in slips:
            assert set(slip) <= keys.letters
            assert slip.isupper() == letter.isupper()
            assert bool(re.match(f"[{MARK}]", slip)) == bool(re.match(f"[{MARK}]", letter))


_SAMPLES = {layout: sorted(set(text) - {" "}) for layout, text in TEXTS.items()}


@settings(deadline=None, max_examples=60, derandomize=True)
@given(data=st.data(), layout=st.sampled_from(LAYOUTS), seed=st.integers(0, 2**32))
def test_slips_of_any_word_are_letters(data: st.DataObject, layout: str, seed: int) -> None:
    """Every character of a changed text was there before or can be typed, and no mark is alone."""
    text = data.draw(st.text(st.sampled_from([*_SAMPLES[layout], " ", "a", "1"]), max_size=40))
    keys = layout_of(layout)
    if isinstance(keys, Keyboard):
        typed = set(keys.letters)
    elif isinstance(keys, Hangul):
        typed = {*keys.keys, *map(chr, range(0xAC00, 0xD7A4)), *map(chr, range(0x3131, 0x3164))}
    elif isinstance(keys, Kana):
        typed = set(map(chr, [*range(0x3041, 0x3097), *range(0x30A1, 0x30FB)]))
    else:
        pytest.importorskip("pypinyin")
        assert isinstance(keys, Pinyin)
        typed = {character for slips in keys.slips.values() for character in slips}
    changed = mistyped(layout, text, seed, 0.5)
    assert set(changed) <= set(text) | typed
    orphan = re.compile(rf"(?:\A|\s)[{MARK}]")
    assert len(orphan.findall(changed)) == len(orphan.findall(text))
    assert changed.count(" ") == text.count(" ")


@pytest.mark.parametrize("layout", LAYOUTS)
def test_texts_of_every_language_change(layout: str) -> None:
    """A text in the language of the layout changes, in every normal form."""
    if layout == "pinyin":
        pytest.importorskip("pypinyin")
    for form in ("NFC", "NFD"):
        text = unicodedata.normalize(form, TEXTS[layout])
        assert {mistyped(layout, text, seed) for seed in range(5)} != {text}


@pytest.mark.parametrize(
    ("layout", "word"),
    [("uk", "привіт"), ("he", "שלום"), ("th", "สวัสดี"), ("ko", "안녕하세요"), ("ko", "영화")],
)
def test_a_word_changes(layout: str, word: str) -> None:
    """Each word of the scripts that were left alone once does change, at any seed."""
    assert all(mistyped(layout, word, seed) != word for seed in range(10))


@pytest.mark.parametrize("layout", sorted({"ar", "he", "th", "ru", "hi", "ko", "romaji"}))
def test_another_script_is_left_alone(layout: str) -> None:
    """A word in Latin letters was typed on another layout."""
    assert mistyped(layout, "the wonderful film", 0) == "the wonderful film"


def test_marks_are_keys_of_their_own() -> None:
    """On a Thai keyboard the vowel alone slips, or the consonant alone, never both at once."""
    for seed in range(20):
        changed = mistyped("th", "สวัสดี", seed, 0.01)
        assert len(changed) == 6
        assert sum(a != b for a, b in zip("สวัสดี", changed, strict=True)) == 1


def test_runs_without_spaces_have_many_sites() -> None:
    """A Thai sentence is no single word: a small share of it changes in one place or two."""
    text = "หนังเรื่องนี้ไม่ดีเลยนักแสดงก็ไม่ดี"
    change = find("keyboard").with_parameters(layout="th", share=0.2, characters=0.01)
    for seed in range(10):
        edits = change.perturb(text, Random(seed)).edits
        assert 1 <= len(edits) <= 3
        assert all(len(edit.before) < len(text) / 2 for edit in edits)


def hangul() -> Hangul:
    """Return the layout of Korean."""
    found = layout_of("ko")
    assert isinstance(found, Hangul)
    return found


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("안녕", "ㅇㅏㄴㄴㅕㅇ"),
        ("닭이", "ㄷㅏㄹㄱㅇㅣ"),
        ("값싼", "ㄱㅏㅂㅅㅆㅏㄴ"),
        ("괜찮아", "ㄱㅗㅐㄴㅊㅏㄴㅎㅇㅏ"),
        ("의외", "ㅇㅡㅣㅇㅗㅣ"),
        ("각사", "ㄱㅏㄱㅅㅏ"),
        ("있다ㅋㅋ", "ㅇㅣㅆㄷㅏㅋㅋ"),
        ("ㅠㅠ3월", "ㅠㅠ3ㅇㅜㅓㄹ"),
    ],
)
def test_syllables_are_typed_by_their_letters(text: str, keys: str) -> None:
    """A syllable becomes the letters of its keys, and they become the syllable."""
    word = re.fullmatch(".*", text)
    assert word
    typed = [key for key, _ in hangul().typed(word)]
    assert "".join(typed) == keys
    assert hangul().written(typed) == text


@pytest.mark.parametrize(
    ("keys", "written"),
    [
        ("ㄷㅏㄹㄱㅣ", "달기"),
        ("ㄱㅏㅗ", "가ㅗ"),
        ("ㄱㄴㅏ", "ㄱ나"),
        ("ㅏㄴㄴㅕㅇ", "ㅏㄴ녕"),
        ("ㄱㅏㄸㅏ", "가따"),
        ("ㄱㅏㄸ", "가ㄸ"),
        ("ㅇㅏㅆㅣ", "아씨"),
    ],
)
def test_letters_of_korean_are_composed_where_they_can_be(keys: str, written: str) -> None:
    """What no syllable has is written alone, as an input method writes it."""
    assert hangul().written(keys) == written


@settings(deadline=None, derandomize=True)
@given(
    text=st.text(
        st.characters(min_codepoint=0xAC00, max_codepoint=0xD7A3)
        | st.characters(min_codepoint=0x3131, max_codepoint=0x3163)
        | st.sampled_from("3a"),
        max_size=8,
    )
)
def test_every_word_of_korean_can_be_typed(text: str) -> None:
    """Taken apart and put together again, a word of syllables and single letters is the same."""
    word = re.fullmatch(".*", text)
    assert word
    assert hangul().written([key for key, _ in hangul().typed(word)]) == text


def test_a_slip_of_korean_is_a_neighbouring_key() -> None:
    """The double consonants are under Shift, which may be missed."""
    keys = hangul().keys
    assert sorted(keys["ㅏ"]) == sorted("ㅓㅣㅑㅐㅡ")
    assert sorted(keys["ㅆ"]) == sorted("ㄲㅛㄹㅎㅅ")
    changed = {mistyped("ko", "안녕", seed, 0.01) for seed in range(100)}
    assert {"언녕", "안년", "안뎡"} & changed
    assert "안녕" not in changed


def kana() -> Kana:
    """Return the layout of Japanese."""
    found = layout_of("romaji")
    assert isinstance(found, Kana)
    return found


def test_a_slip_of_japanese_is_another_syllable() -> None:
    """The syllable is spelt in Latin letters, and one of them is a neighbouring key."""
    slips = kana().slips
    assert sorted(slips["か"]) == sorted(["じゃ", "ぁ", "いあ", "おあ", "ま"])
    assert {"す", "そ", "じ"} <= set(slips["し"])
    assert {"みゃ"} <= set(slips["きゃ"])
    assert "ん" not in slips
    assert slips["あ"] == ()


def test_katakana_stays_katakana() -> None:
    """A slip in katakana is written in katakana, one in hiragana in hiragana."""
    for seed in range(10):
        changed = mistyped("romaji", "カキクケ", seed, 1.0)
        assert all("\u30a1" <= letter <= "\u30fa" for letter in changed)
        assert changed != "カキクケ"
        assert all("\u3041" <= c <= "\u3096" for c in mistyped("romaji", "かきくけ", seed, 1.0))


def test_characters_of_japanese_stay() -> None:
    """The reading of a Chinese character is not known."""
    assert mistyped("romaji", "映画館前駅", 0, 1.0) == "映画館前駅"


def test_a_slip_of_chinese_is_another_sound() -> None:
    """A neighbouring key or a confused sound gives a syllable, written by a common character."""
    pytest.importorskip("pypinyin")
    found = layout_of("pinyin")
    assert isinstance(found, Pinyin)
    sounds = _input_methods._readings("".join(found.slips["zhong"]))  # noqa: SLF001 - what they read
    assert set(sounds) == {"zong"}
    around = "".join(found.slips["lin"])
    assert {"ling", "nin"} <= set(_input_methods._readings(around))  # noqa: SLF001 - as above
    for seed in range(10):
        changed = mistyped("pinyin", "电影很好", seed)
        assert len(changed) == 4
        assert 1 <= sum(a != b for a, b in zip("电影很好", changed, strict=True)) <= 2
        assert all("\u4e00" <= character <= "\u9fff" for character in changed)


def test_readings_go_by_the_phrase() -> None:
    """A character with two readings is typed by the one that it has in its phrase."""
    pytest.importorskip("pypinyin")
    found = layout_of("pinyin")
    assert isinstance(found, Pinyin)
    word = re.compile("行").search("我在银行工作")
    other = re.compile("行").search("自行车")
    assert word
    assert other
    assert set(found.typed(word)[0][1]) <= {*found.slips["hang"]}
    assert set(found.typed(other)[0][1]) <= {*found.slips["xing"]}


def test_without_pypinyin_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package is needed for Chinese alone, and the error says how to install it."""
    monkeypatch.setitem(sys.modules, "pypinyin", None)
    monkeypatch.setitem(sys.modules, "pypinyin.phrases_dict", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "pytest-ood\[languages\]"'):
        mistyped("pinyin", "电影很好", 0)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_time_grows_with_the_length(layout: str) -> None:
    """A word of 20,000 characters takes no time that grows with the square of its length."""
    if layout == "pinyin":
        pytest.importorskip("pypinyin")
    word = max(TEXTS[layout].split(), key=len)
    text = word * (20_000 // len(word))
    start = time.process_time()
    assert mistyped(layout, text, 0) != text
    assert time.process_time() - start < 2.0


SYMBOLS = Path("/usr/share/X11/xkb/symbols")
_BLOCK = re.compile(r'([\w\s]*?)xkb_symbols\s*"([^"]+)"\s*\{')
_STATEMENT = re.compile(
    r'(?:include|augment|override|replace)\s*"([^"]+)"|key\s*<(\w+)>\s*\{(.*?)\}\s*;', re.DOTALL
)
_NAMES = {
    "Cyrillic": (
        "yu a be tse de ie ef ghe ha i shorti ka el em en o pe ya er es te u zhe ve softsign yeru "
        "ze sha e shcha che hardsign io",
        "юабцдефгхийклмнопярстужвьызшэщчъё",
    ),
    "Greek": (
        "alpha beta gamma delta epsilon zeta eta theta iota kappa lamda mu nu xi omicron pi rho "
        "finalsmallsigma sigma tau upsilon phi chi psi omega",
        "αβγδεζηθικλμνξοπρςστυφχψω",
    ),
    "hebrew": (
        "aleph bet gimel dalet he waw zain chet tet yod finalkaph kaph lamed finalmem mem finalnun "
        "nun samech ayin finalpe pe finalzade zade qoph resh shin taw",
        "אבגדהוזחטיךכלםמןנסעףפץצקרשת",
    ),
    "Arabic": (
        "hamza maddaonalef hamzaonalef hamzaonwaw hamzaunderalef hamzaonyeh alef beh tehmarbuta "
        "teh theh jeem hah khah dal thal ra zain seen sheen sad dad tah zah ain ghain feh qaf kaf "
        "lam meem noon ha heh waw alefmaksura yeh fathatan dammatan kasratan fatha damma kasra "
        "shadda sukun madda_above hamza_above superscript_alef peh tcheh jeh keheh gaf",
        "ءآأؤإئابةتثجحخدذرزسشصضطظعغفقكلمنههوىي"
        "\u064b\u064c\u064d\u064e\u064f\u0650\u0651\u0652\u0653\u0654\u0670پچژکگ",
    ),
    "Thai": (
        "kokai khokhai khokhuat khokhwai khokhon khorakhang ngongu chochan choching chochang soso "
        "chochoe yoying dochada topatak thothan thonangmontho thophuthao nonen dodek totao "
        "thothung thothahan thothong nonu bobaimai popla phophung fofa phophan fofan phosamphao "
        "moma yoyak rorua ru loling lu wowaen sosala sorusi sosua hohip lochula oang honokhuk "
        "paiyannoi saraa maihanakat saraaa saraam sarai saraii saraue sarauee sarau sarauu "
        "phinthu sarae saraae sarao saraaimaimuan saraaimaimalai lakkhangyao maiyamok maitaikhu "
        "maiek maitho maitri maichattawa thanthakhat nikhahit",
        "".join(map(chr, [*range(0xE01, 0xE3B), *range(0xE40, 0xE4E)])),
    ),
}
"""The names of letters in the header keysymdef.h of X.Org, by their prefix, in small letters."""

_SINGLE = {
    "ssharp": "ß", "ae": "æ", "AE": "Æ", "oe": "œ", "OE": "Œ", "oslash": "ø", "Ooblique": "Ø",
    "aring": "å", "Aring": "Å", "uring": "ů", "lstroke": "ł", "Lstroke": "Ł", "dstroke": "đ",
    "Dstroke": "Đ", "idotless": "ı", "schwa": "ə", "SCHWA": "Ə", "Farsi_yeh": "ی",
    "Ukrainian_i": "і", "Ukrainian_I": "І", "Ukrainian_yi": "ї", "Ukrainian_YI": "Ї",
    "Ukrainian_ie": "є", "Ukrainian_IE": "Є", "Ukrainian_ghe_with_upturn": "ґ",
    "Ukrainian_GHE_WITH_UPTURN": "Ґ",
}  # fmt: skip
_ACCENTS = {
    "grave": "`", "acute": "´", "circumflex": "^", "tilde": "~", "diaeresis": "¨", "hook": "ˀ",
    "abovering": "°", "caron": "ˇ", "belowdot": ".",
}  # fmt: skip
_DIACRITICS = {
    **{name: ACCENTS[accent] for name, accent in _ACCENTS.items()},
    "doubleacute": "\u030b", "breve": "\u0306", "abovedot": "\u0307", "cedilla": "\u0327",
    "ogonek": "\u0328", "horn": "\u031b",
}  # fmt: skip


@cache
def letters_by_name() -> dict[str, str]:
    """Return the letters, and the accents of dead keys, by X.Org's names."""
    found = dict(_SINGLE)
    for prefix, (names, characters) in _NAMES.items():
        for name, character in zip(names.split(), characters, strict=True):
            found[f"{prefix}_{name}"] = character
            found.setdefault(f"{prefix}_{name.upper()}", character.upper())
    for letter in string.ascii_letters:
        found[letter] = letter
        for name, mark in _DIACRITICS.items():
            found.setdefault(letter + name, unicodedata.normalize("NFC", letter + mark))
    return found | {f"dead_{name}": accent for name, accent in _ACCENTS.items()}


def letter_of(name: str) -> str:
    """Return the letter of a name of X.Org, or the accent of a dead key; "" for anything else."""
    code = re.fullmatch(r"(?:U|0x100)([0-9A-Fa-f]{4,5})", name)
    if code is None:
        return letters_by_name().get(name, "")
    character = unicodedata.normalize("NFKC", chr(int(code[1], 16)))
    return {mark: accent for accent, mark in ACCENTS.items()}.get(character, character)


@cache
def blocks(file: str) -> dict[str, str]:
    """Return the symbols of a file by name; the default ones also under ""."""
    text = (SYMBOLS / file).read_text(encoding="utf-8")
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    found: dict[str, str] = {}
    for match in _BLOCK.finditer(text):
        depth, end = 1, match.end()
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        found[match[2]] = text[match.end() : end - 1]
        if "default" in match[1].split():
            found.setdefault("", found[match[2]])
    return found


def symbols(name: str) -> dict[str, list[str]]:
    """Return the names of what each key writes, level by level, with what is included."""
    file, _, block = name.rstrip(")").partition("(")
    keys: dict[str, list[str]] = {}
    for included, key, body in _STATEMENT.findall(blocks(file)[block]):
        own = re.search(r"(?<!\w)\[([^\]\"]*)\]", re.sub(r"\w+\s*\[\w+\]\s*=", "", body))
        found = {key: [level.strip() for level in own[1].split(",")]} if own else {}
        for part in re.split(r"[+|]", included) if included else []:
            found |= symbols(re.sub(r":\d+$", "", part))
        for place, levels in found.items():
            old = keys.get(place, [])
            both = zip_longest(levels, old, fillvalue="NoSymbol")
            keys[place] = [before if new == "NoSymbol" else new for new, before in both]
    return keys


def key_name(row: int, column: int) -> str:
    """Return X.Org's name of a key."""
    special = {(0, 0): "TLDE", (3, 0): "LSGT", (1, 13): "BKSL", (2, 12): "BKSL"}
    return special.get((row, column), f"A{'EDCB'[row]}{column:02}")


@pytest.mark.skipif(not SYMBOLS.is_dir(), reason="xkb-data of X.Org is not installed")
@pytest.mark.parametrize("layout", [name for name, table in TABLES.items() if table.symbols])
def test_the_tables_are_those_of_xkeyboard_config(layout: str) -> None:
    """Every letter and accent of a table is on the same key, at the same level, as with X.Org."""
    keys = symbols(TABLES[layout].symbols)
    checked = 0
    for place, levels in TABLES[layout].keys.items():
        given = keys.get(key_name(*place), [])
        for level, letter in enumerate(levels):
            if letter:
                assert level < len(given), (place, letter)
                assert letter_of(given[level]) == letter, (place, level, given[level])
                checked += 1
    assert checked > 40
