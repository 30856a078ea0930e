"""Times one library's perturbations in its own environment, and prints texts a second as JSON.

Run by `perturbations.py` under another interpreter; imports nothing of pytest-ood. Reads
{"texts": [...], "seconds": s} from standard input. Every counterpart changes about the same share
of words or characters as ours does.
"""

from __future__ import annotations

import json
import random
import sys
import time
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

WORDS, CHARACTERS = 0.3, 0.1


def augmenters() -> dict[str, Any]:
    """Return nlpaug's augmenters by the name of our perturbation."""
    from nlpaug.augmenter import char, word

    def characters(action: str) -> Any:
        return char.RandomCharAug(
            action=action, aug_char_p=CHARACTERS, aug_word_p=WORDS, aug_char_max=None,
            aug_word_max=None, include_numeric=False, spec_char="",
        )  # fmt: skip

    own = {"aug_word_p": WORDS, "aug_word_max": None, "aug_char_p": CHARACTERS}
    found = {
        "keyboard": char.KeyboardAug(
            include_special_char=False, include_numeric=False, include_upper_case=False,
            aug_char_max=None, **own,
        ),
        "ocr": char.OcrAug(aug_char_max=None, **own),
        "misspelling": word.SpellingAug(aug_p=WORDS, aug_max=None),
        "split-words": word.SplitAug(aug_p=WORDS, aug_max=None),
        "swap": characters("swap"),
        "delete-character": characters("delete"),
        "insert-character": characters("insert"),
        "substitute-character": characters("substitute"),
    }  # fmt: skip
    for name, kind, options in (
        ("synonyms", word.SynonymAug, {"aug_src": "wordnet"}),
        ("antonyms", word.AntonymAug, {}),
    ):
        try:
            augmenter = kind(aug_p=WORDS, aug_max=None, **options)
            augmenter.augment("a good and simple test")
        except (LookupError, ModuleNotFoundError):
            # NLTK, or its WordNet, is not there.
            continue
        found[name] = augmenter
    return found


def nlpaug() -> dict[str, Callable[[str], Any]]:
    """Return what nlpaug's augmenters do to a text, by the name of our perturbation."""
    return {name: augmenter.augment for name, augmenter in augmenters().items()}


def textattack() -> dict[str, Callable[[str], Any]]:
    """Return TextAttack's transformations by the name of our perturbation."""
    from textattack import transformations as t
    from textattack.augmentation import Augmenter

    kinds = {
        "keyboard": t.WordSwapQWERTY,
        "swap": t.WordSwapNeighboringCharacterSwap,
        "delete-character": t.WordSwapRandomCharacterDeletion,
        "insert-character": t.WordSwapRandomCharacterInsertion,
        "substitute-character": t.WordSwapRandomCharacterSubstitution,
        "homoglyphs": t.WordSwapHomoglyphSwap,
        "contract": t.WordSwapContract,
        "expand": t.WordSwapExtend,
        "synonyms": t.WordSwapWordNet,
        "digits-to-words": t.WordSwapChangeNumber,
    }
    found: dict[str, Callable[[str], Any]] = {}
    for name, make in kinds.items():
        try:
            augmenter = Augmenter(
                transformation=make(), pct_words_to_swap=WORDS, transformations_per_example=1
            )
            augmenter.augment("it is a good test of two things, don't you think")
        except Exception as error:  # noqa: BLE001 - what is not there is named and left out
            sys.stderr.write(f"textattack {name}: {type(error).__name__}\n")
            continue
        found[name] = augmenter.augment
    return found


def augly() -> dict[str, Callable[[str], Any]]:
    """Return AugLy's text augmentations by the name of our perturbation."""
    from augly import text as t

    # AugLy takes a list and does a text of its own for each.
    def one(function: Callable[..., Any], **options: Any) -> Callable[[str], Any]:
        return lambda value: function([value], **options)

    words = {"aug_word_p": WORDS, "aug_word_max": 10**6}
    return {
        "keyboard": one(
            t.simulate_typos, typo_type="keyboard", aug_char_p=CHARACTERS, aug_char_max=10**6,
            **words,
        ),
        "misspelling": one(t.simulate_typos, typo_type="misspelling", aug_char_p=CHARACTERS,
                           aug_char_max=10**6, **words),
        "substitute-character": one(
            t.replace_similar_chars, aug_char_p=CHARACTERS, aug_char_max=10**6, **words
        ),
        "homoglyphs": one(
            t.replace_similar_unicode_chars, aug_char_p=CHARACTERS, aug_char_max=10**6, **words
        ),
        "zero-width": one(t.insert_zero_width_chars, granularity="word", cadence=10.0),
        "add-punctuation": one(t.insert_punctuation_chars, granularity="word", cadence=10.0),
        "extra-spaces": one(t.insert_whitespace_chars, granularity="word", cadence=10.0),
        "split-words": one(t.split_words, aug_word_p=WORDS, aug_word_max=10**6),
        "merge-words": one(t.merge_words, aug_word_p=WORDS, aug_word_max=10**6),
        "upper-case": one(t.change_case, granularity="word", cadence=3.0, case="upper"),
        "bidi": one(t.replace_bidirectional, granularity="word"),
    }  # fmt: skip


def rate(function: Callable[[str], Any], texts: list[str], seconds: float) -> float:
    """Return texts a second: the best of three rounds, which an interruption slows least."""
    function(texts[0])
    best = 0.0
    for _ in range(3):
        started, done = time.perf_counter(), 0
        while time.perf_counter() - started < seconds / 3:
            for text in texts:
                function(text)
            done += len(texts)
        best = max(best, done / (time.perf_counter() - started))
    return best


def main() -> None:
    """Time the library that the first argument names."""
    warnings.simplefilter("ignore")
    asked = json.load(sys.stdin)
    random.seed(0)
    library = {"nlpaug": nlpaug, "textattack": textattack, "augly": augly}[sys.argv[1]]
    measured = {}
    for name, function in library().items():
        try:
            measured[name] = rate(function, asked["texts"], asked["seconds"])
        except Exception as error:  # noqa: BLE001 - what fails on real texts is named and left out
            sys.stderr.write(f"{sys.argv[1]} {name}: {type(error).__name__}: {error}\n")
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
