"""Names: people and places are called otherwise, and nothing else changes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

# Names that are no words of English, so that a capital at the beginning of a sentence misleads
# nobody. Each becomes another of its group.
_FIRST_NAMES = (
    ("Michael", "James", "Robert", "David", "William", "Richard", "Thomas", "Daniel", "Matthew",
     "Anthony", "Steven", "Paul", "Andrew", "Kevin", "Brian", "George", "Edward", "Ronald",
     "Timothy", "Jason", "Jeffrey", "Ryan", "Jacob", "Gary", "Nicholas", "Eric", "Jonathan",
     "Stephen", "Larry", "Justin", "Scott", "Brandon", "Benjamin", "Samuel", "Adam", "Peter",
     "Martin", "Kenneth", "Joseph", "Ahmed", "Mohammed", "Carlos", "Luis", "Hiroshi", "Ivan"),
    ("Mary", "Patricia", "Jennifer", "Linda", "Elizabeth", "Barbara", "Susan", "Jessica", "Sarah",
     "Karen", "Lisa", "Nancy", "Betty", "Sandra", "Margaret", "Ashley", "Kimberly", "Emily",
     "Donna", "Michelle", "Carol", "Amanda", "Melissa", "Deborah", "Stephanie", "Rebecca",
     "Laura", "Helen", "Cynthia", "Amy", "Anna", "Kathleen", "Nicole", "Julia", "Maria", "Fatima",
     "Aisha", "Carmen", "Ingrid", "Yuki", "Olga"),
)  # fmt: skip
_PLACES = (
    ("London", "Paris", "Berlin", "Madrid", "Rome", "Vienna", "Moscow", "Tokyo", "Beijing",
     "Chicago", "Boston", "Seattle", "Houston", "Toronto", "Sydney", "Dublin", "Cairo", "Mumbai",
     "New York", "Los Angeles", "San Francisco", "Philadelphia", "Miami", "Denver", "Atlanta"),
    ("France", "Germany", "Italy", "Spain", "England", "Ireland", "Scotland", "Russia", "China",
     "Japan", "India", "Canada", "Australia", "Mexico", "Brazil", "Egypt", "Poland", "Sweden"),
    ("French", "German", "Italian", "Spanish", "Irish", "Scottish", "Russian", "Chinese",
     "Japanese", "Indian", "Canadian", "Australian", "Mexican", "Brazilian", "Egyptian", "Iranian"),
)  # fmt: skip


def _sites(groups: tuple[tuple[str, ...], ...]) -> re.Pattern[str]:
    names = sorted((name for group in groups for name in group), key=len, reverse=True)
    return re.compile(rf"(?<![\w'\u2019-])(?:{'|'.join(names)})(?![\w-])")


def _another(name: str, groups: tuple[tuple[str, ...], ...], rng: Random) -> str:
    group = next(group for group in groups if name in group)
    return rng.choice([other for other in group if other != name])


@site_perturbation(
    _sites(_FIRST_NAMES),
    source="Ribeiro et al. 2020 (CheckList), table 1 (change names)",
    kind="semantic",
    example="Michael and Sarah play Robert's parents, and Julia steals the show.",
)
def change_names(name: Match[str], rng: Random) -> str:
    """Call a person by another first name that is given to the same sex."""
    return _another(name.group(), _FIRST_NAMES, rng)


@site_perturbation(
    _sites(_PLACES),
    source="Ribeiro et al. 2020 (CheckList), table 1 (change locations)",
    kind="semantic",
    example="A French film set in London and Chicago by a German director from New York.",
)
def change_places(name: Match[str], rng: Random) -> str:
    """Name another city, country or nationality."""
    return _another(name.group(), _PLACES, rng)
