"""What holds for every perturbation; one added to the catalogue is picked up unnamed."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import pytest_ood.perturbations
from pytest_ood.data.edits import Perturbed, apply_edits, inverted
from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.perturbations import (
    Generator,
    Perturbation,
    catalogue,
    code_version,
    find,
    is_shipped,
    perturbation,
)
from pytest_ood.perturbations._scripts import MARK
from pytest_ood.perturbations.protection import Protection
from pytest_ood.shifts import NoiseShift

NAMES = sorted(catalogue())

ENGLISH = (
    "A wonderful and believable film, Century's best: their beginning is definitely interesting.",
    "Don't bother;\tI've   SEEN 1,000 better\nmovies -- \u2018tomorrow\u2019 or yesterday?!",
)
"""Long enough that every perturbation finds something to change."""

ODD = (
    "",
    " \n\t",
    "a",
    "don't",
    "rock\u2019n\u2019roll",
    "\U0001f9d1\u200d\U0001f680 \U0001f469\u200d\u2764\ufe0f\u200d\U0001f468 family",
    "cafe\u0301 cafe\u0301 Z\u0351\u036balgo\u0337\u0330",
    "\u05e9\u05dc\u05d5\u05dd \u202eabcd\u202c \u0645\u0631\u062d\u0628\u0627 word",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
    "\u4e2d\u6587\u5b57\u7b26 \u30ab\u30bf\u30ab\u30ca",
    "STRA\u00dfE \u0130stanbul \ufb01ne \u01c5ungla \u1e9e",
    "one\x1ftwo\x00three\x1f",
    "snake_case_word __dunder__",
    "\ufeffbom \u200bzero\u200bwidth\u00a0nbsp\u2028line",
)

LETTERS = st.characters(exclude_categories=["Cs"])
TEXTS = (
    st.text(LETTERS, max_size=60)
    | st.sampled_from([*ODD, *ENGLISH])
    | st.lists(
        st.sampled_from([*ODD, "the", "which", "beginning", "film", "'", "\u0301", "\u200d", " "])
        | st.text(LETTERS, max_size=5),
        max_size=12,
    ).map("".join)
)
SEEDS = st.integers(0, 2**64 - 1)
SEVERITIES = st.integers(1, 5)


@pytest.fixture(scope="module", params=NAMES)
def change(request: pytest.FixtureRequest, with_models: Callable[..., Generator]) -> Generator:
    """Return each perturbation of the catalogue; where it asks a language model, a small one."""
    return with_models(catalogue()[request.param])


property_test = settings(deadline=None, max_examples=10, derandomize=True)


LONG = 20_000
"""Characters of a text that takes seconds where the time grows with the square of the length."""


def run(change: Generator, text: str, seed: int) -> str:
    """Perturb a text under a fresh generator of this seed."""
    return change(text, random.Random(seed))


def run_at(change: Generator, text: str, seed: int, severity: int) -> Perturbed:
    """Perturb a text at a severity, and tell the edits."""
    return change.at(severity).perturb(text, random.Random(seed))


def test_the_catalogue_is_sorted_and_named() -> None:
    """There are perturbations, each under its own name, in order, with a source to look up."""
    assert NAMES
    assert list(catalogue()) == NAMES
    for name, generator in catalogue().items():
        assert generator.name == name
        assert generator.source
        assert generator.function.__doc__, f"{name} says what it does"
        assert isinstance(generator, Perturbation)


@pytest.mark.slow
def test_any_text_gives_a_text_and_its_edits(change: Generator) -> None:
    """A text comes out that can be encoded, with the edits that lead to it, the same every time.

    Nothing but the text, the severity and the given generator decides it: the global generators
    are neither read nor moved. Severity 0 and a share of no sites leave the text as it is.
    """

    @settings(deadline=None, max_examples=6 if change.models else 25, derandomize=True)
    @given(text=TEXTS, seed=SEEDS, severity=SEVERITIES)
    @example(text="  Century's end;\r\n\r\nnow... ", seed=0, severity=3)
    def check(text: str, seed: int, severity: int) -> None:
        before, numpy_before = random.getstate(), np.random.get_state()  # noqa: NPY002 - global
        result = run_at(change, text, seed, severity)
        assert random.getstate() == before
        after = np.random.get_state()  # noqa: NPY002 - the global one
        assert all(np.array_equal(old, new) for old, new in zip(numpy_before, after, strict=True))
        assert type(result.text) is str
        result.text.encode("utf-8")
        assert apply_edits(text, result.edits) == result.text
        assert apply_edits(result.text, inverted(result.edits)) == text
        assert all(edit.before == text[edit.start : edit.end] for edit in result.edits)
        assert all(edit.before != edit.after for edit in result.edits)
        random.random()
        np.random.random()  # noqa: NPY002 - the global one
        assert run_at(change, text, seed, severity) == result
        assert run_at(change, text, seed, 0) == Perturbed(text, ())
        assert change.with_parameters(share=0)(text, random.Random(seed)) == text

    check()


@pytest.mark.slow
def test_odd_texts_do_not_break(change: Generator) -> None:
    """Empty texts, joined emoji, combining marks, right-to-left scripts and controls pass."""
    for text in ODD:
        for seed in range(2 if change.models else 10):
            assert type(run(change, text, seed)) is str


@pytest.mark.slow
def test_the_example_is_changed(change: Generator) -> None:
    """What a perturbation gives as its example is changed at every severity."""
    text = change.example
    for severity in range(1, 6):
        assert run_at(change, text, 0, severity).text != text


def test_another_seed_gives_another_text(change: Generator) -> None:
    """The generator is used: over twenty seeds there is more than one result at some severity."""
    text = change.example
    results = {run_at(change, text, seed, severity) for seed in range(20) for severity in (1, 2, 3)}
    assert len(results) > 1


@pytest.mark.slow
@property_test
@given(text=TEXTS, seeds=st.lists(SEEDS, min_size=3, max_size=3))
def test_rising_severity_never_lowers_the_edit_share(
    change: Generator, text: str, seeds: list[int]
) -> None:
    """The number of edits does not fall from one severity to the next."""
    edits = [sum(len(run_at(change, text, seed, s).edits) for seed in seeds) for s in range(6)]
    assert edits == sorted(edits)


@pytest.mark.slow
@property_test
@given(before=TEXTS, after=TEXTS, seed=SEEDS, severity=SEVERITIES)
def test_protected_spans_stay(
    change: Generator, before: str, after: str, seed: int, severity: int
) -> None:
    """Web addresses, code, numbers, label words and one's own pattern are where they were."""
    spans = "https://Example.org/a?b=c `don't(do)` 1,000.5 Positive <<keep it>>"
    kept = Protection(kinds=("urls", "code", "numbers"), patterns=("<<.*?>>",), words=("positive",))
    text = f"{before} {spans} {after}"
    protected = [text[start:end] for start, end in kept.spans(text)]
    result = change.at(severity).keeping(kept).perturb(text, random.Random(seed))
    for start, end in kept.spans(text):
        assert not any(edit.start < end and start < edit.end for edit in result.edits)
    position = 0
    for span in protected:
        place = result.text.find(span, position)
        assert place >= 0
        position = place + len(span)


@pytest.mark.slow
def test_long_texts_pass(change: Generator) -> None:
    """A text of 20,000 characters is perturbed, at the least and the greatest severity."""
    text = (change.example + " ") * (LONG // len(change.example) + 1)
    for severity in (1, 5):
        result = run_at(change, text, 0, severity)
        assert result.edits
        assert apply_edits(result.text, inverted(result.edits)) == text


@pytest.mark.slow
def test_runs_of_marks_take_linear_time(change: Generator) -> None:
    """Putting 100,000 marks behind a letter into their order would take 20 seconds."""
    text = "The ca" + "\u0315\u0300" * 50_000 + "t is not good, but bad."
    start = time.process_time()
    run_at(change, text, 0, 5)
    assert time.process_time() - start < 5.0


@property_test
@given(text=TEXTS | st.text("!?.,:;()'\"-\u2026\u3002 ", max_size=8), seed=SEEDS)
@example(text=":)", seed=0)
@example(text="?!", seed=0)
def test_a_text_is_never_emptied(change: Generator, text: str, seed: int) -> None:
    """A text with something in it has something in it afterwards, unless it is to be taken away."""
    if text.strip() and not change.needs_fields:
        assert run_at(change, text, seed, 5).text.strip()


MARKED = (
    "यह फ़िल्म अच्छी नहीं थी।",
    "หนังเรื่องนี้ ไม่ดี",
    "مُمِلّ جِدّاً, שָׁלוֹם טוֹב",
    "Cafe\u0301s, re\u0301sume\u0301 and na\u0308ive no\u0308 coo\u0308peration to o\u0302ne.",
)
_ORPHAN = re.compile(rf"(?:\A|[\s\d.,;:!?()\"'-])[{MARK}]")


@pytest.mark.slow
def test_marks_stay_with_their_letters(change: Generator) -> None:
    """No mark is left without a letter before it, whatever the script."""
    for text in MARKED:
        for severity in (2, 5):
            for seed in range(8):
                changed = run_at(change, text, seed, severity).text
                assert not _ORPHAN.search(changed), changed


SECONDS = 2.0

PIECES = (
    "a", "ab", " ", "\n", "1", "1,", "5 ", ".", "?", "(", "<", "[", '"', "'", "a'", "`", "-", "/",
    "@", "a@", "#", "_", "a_", "=", "$", "\u0301", "e\u0301", "\u0928\u094d", "\u4e2d", "\u4e00",
    "\U0001f469\u200d\U0001f4bb", "the ", "not ", "two ", "it's ", "A B ", "a. ", "www.", ":)",
)  # fmt: skip


@pytest.mark.slow
def test_the_time_grows_with_the_length(change: Generator) -> None:
    """Long texts of one kind, such as a word of 20,000 letters, take no more time than others."""
    if change.models:
        pytest.skip("a language model takes its own time")
    change.at(5)(ENGLISH[0], random.Random(0))
    kept = change.at(5).keeping(Protection(kinds=("urls", "numbers", "code", "entities")))

    def seconds(piece: str, size: int) -> float:
        start = time.process_time()
        kept(piece * (size // len(piece)), random.Random(0))
        return time.process_time() - start

    for piece in PIECES:
        # A fifth of the size tells most texts apart, even if the time grew with the square.
        if seconds(piece, LONG // 5) * 5**2 > SECONDS:
            assert seconds(piece, LONG) < SECONDS, f"{LONG} characters of {piece!r}"


def test_a_lone_surrogate_is_refused(change: Generator) -> None:
    """Half of a pair is no character: the error says where it stands."""
    with pytest.raises(DataError, match=f"^{change.name}: character 4 .*lone surrogate"):
        run(change, "good\ud83d film", 0)


@pytest.mark.slow
@property_test
@given(texts=st.lists(TEXTS, min_size=1, max_size=5), seed=st.integers(0, 10), data=st.data())
def test_other_texts_change_nothing(
    change: Generator, texts: list[str], seed: int, data: st.DataObject
) -> None:
    """An example gets the same text alone, among others, and in another order."""
    shift = NoiseShift("shift", change)
    examples = [Example(str(number), text, "x") for number, text in enumerate(texts)]
    alone = {e.id: shift.apply([e], seed).inputs[0] for e in examples}
    order = data.draw(st.permutations(examples))
    together = dict(zip([e.id for e in order], shift.apply(order, seed).inputs, strict=True))
    assert together == alone


@pytest.mark.slow
@property_test
@given(text=TEXTS, seed=SEEDS)
def test_shares_of_1_do_not_break(change: Generator, text: str, seed: int) -> None:
    """With every share at 1, the most allowed, a text comes out."""
    shares = {key: 1.0 for key, value in change.defaults.items() if isinstance(value, float)}
    assert type(change.with_parameters(**shares)(text, random.Random(seed))) is str


@pytest.fixture(scope="module")
def other_process() -> dict[str, list[str]]:
    """Perturb the texts in a process with another PYTHONHASHSEED than this one's."""
    program = (
        "import json, random, sys\n"
        "from pytest_ood.perturbations import catalogue\n"
        "texts = json.load(sys.stdin)\n"
        "print(json.dumps({name: [g.in_example_language()(t, random.Random(s))\n"
        "    for t in texts for s in range(2)]\n"
        "    for name, g in catalogue().items() if not g.models}))\n"
    )
    seed = "1" if os.environ.get("PYTHONHASHSEED") != "1" else "2"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONHASHSEED": seed},
        input=json.dumps([*ODD, *ENGLISH]),
        capture_output=True,
        text=True,
        check=True,
    )
    outputs: dict[str, list[str]] = json.loads(done.stdout)
    return outputs


@pytest.mark.slow
def test_the_hash_seed_decides_nothing(
    change: Generator, other_process: dict[str, list[str]]
) -> None:
    """A process with another PYTHONHASHSEED writes the same texts."""
    if change.models:
        pytest.skip("loading torch once more takes long; its answers depend on no hash")
    texts = [run(change, text, seed) for text in [*ODD, *ENGLISH] for seed in range(2)]
    assert other_process[change.name] == texts


def test_every_perturbation_is_found_by_name(change: Generator) -> None:
    """`find` returns what the catalogue lists, and calls it shipped, also with parameters."""
    assert find(change.name) is catalogue()[change.name]
    assert is_shipped(change)
    assert is_shipped(change.with_parameters(share=0.5))


def test_a_wrong_name_is_guessed() -> None:
    """A wrong name is a usage error that lists the right ones."""
    with pytest.raises(ConfigurationError) as caught:
        find(NAMES[0][:-1])
    assert f"Did you mean {NAMES[0]!r}" in str(caught.value)
    assert f"Known: {', '.join(NAMES)}." in str(caught.value)


def test_a_namesake_is_not_shipped() -> None:
    """A user's own perturbation under a shipped name is not taken for the shipped one."""

    def keyboard(text: str, rng: random.Random) -> str:
        del rng
        return text

    own = perturbation(source="here")(keyboard)
    assert isinstance(own, Generator)
    assert own.name in catalogue()
    assert not is_shipped(own)


def test_the_code_version_covers_every_module() -> None:
    """The version is a hash over all modules of the folder, the same at every call."""
    folder = Path(pytest_ood.perturbations.__file__).parent
    assert {found.function.__module__ for found in catalogue().values()} <= {
        f"pytest_ood.perturbations.{path.stem}" for path in folder.glob("*.py")
    }
    assert code_version() == code_version()
    assert len(code_version()) == 64
