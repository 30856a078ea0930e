"""Antonyms: words of praise become words of blame, and the other way round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import Lexicon
from pytest_ood.perturbations.contracts import Changing, other_label
from pytest_ood.perturbations.protocol import ALL, site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_GROUPS = (
    (("good", "great", "fine"), ("bad", "poor", "awful")),
    (("wonderful", "marvelous", "superb", "brilliant", "excellent", "fantastic"),
     ("terrible", "horrible", "dreadful", "abysmal", "lousy")),
    (("best", "finest"), ("worst", "poorest")),
    (("better",), ("worse",)),
    (("well",), ("badly", "poorly")),
    (("funny", "hilarious", "witty"), ("unfunny", "humorless", "witless")),
    (("interesting", "fascinating", "engaging", "compelling", "gripping", "riveting"),
     ("boring", "tedious", "dull", "dreary", "lifeless")),
    (("fresh", "original", "inventive", "imaginative"), ("stale", "derivative", "hackneyed",
                                                          "unoriginal")),
    (("clever", "smart", "intelligent"), ("stupid", "dumb", "idiotic", "mindless")),
    (("charming", "delightful", "lovely"), ("charmless", "unpleasant", "irritating", "annoying")),
    (("beautiful", "gorgeous"), ("ugly", "hideous")),
    (("moving", "touching", "heartfelt"), ("unmoving", "hollow", "insincere")),
    (("enjoyable", "entertaining"), ("unenjoyable", "painful")),
    (("love", "enjoy", "like", "adore"), ("hate", "dislike", "detest", "loathe")),
    (("loves", "enjoys", "adores"), ("hates", "dislikes", "loathes")),
    (("loved", "enjoyed", "liked"), ("hated", "disliked", "loathed")),
    (("succeeds", "works"), ("fails", "disappoints")),
    (("succeed",), ("fail",)),
    (("success", "triumph", "masterpiece"), ("failure", "disaster", "mess")),
    (("strong", "powerful"), ("weak", "feeble")),
    (("convincing", "believable", "credible", "plausible"),
     ("unconvincing", "unbelievable", "implausible")),
    (("memorable", "unforgettable"), ("forgettable", "unmemorable")),
    (("satisfying",), ("unsatisfying", "frustrating")),
    (("impressive",), ("unimpressive", "mediocre")),
    (("perfect", "flawless"), ("flawed", "imperfect")),
    (("positive",), ("negative",)),
    (("happy", "glad", "pleased"), ("unhappy", "sorry", "displeased")),
    (("right",), ("wrong",)),
    (("pleasure", "joy", "delight"), ("pain", "chore", "ordeal")),
    (("recommend",), ("discourage",)),
    (("worth", "worthy of"), ("unworthy of",)),
    (("easy",), ("hard", "difficult")),
    (("rich", "deep"), ("shallow", "superficial")),
    (("useful", "helpful"), ("useless", "unhelpful")),
    (("nice", "kind"), ("nasty", "mean")),
    (("reliable",), ("unreliable",)),
    (("cheap",), ("overpriced",)),
)  # fmt: skip


def _opposites() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for praise, blame in _GROUPS:
        found |= dict.fromkeys(praise, blame) | dict.fromkeys(blame, praise)
    return found


_ANTONYMS = Lexicon(_opposites())


@site_perturbation(
    _ANTONYMS,
    source="Wang et al. 2021 (TextFlint), SwapAnt; Kaushik et al. 2020 (counterfactual revision)",
    kind="label-changing",
    contract=Changing(other_label),
    scale=ALL,
    example="A wonderful film with a good plot, witty dialogue and strong actors that I love.",
)
def antonyms(word: Match[str], rng: Random) -> str:
    """Turn every evaluating word into one of the opposite sense."""
    return rng.choice(_ANTONYMS.options(word.group()))
