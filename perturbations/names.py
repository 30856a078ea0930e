"""Names: people and places are called otherwise, each by one name all through a text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations.protocol import ALL, batch_perturbation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random
    from re import Match

# Names that are no words of English, so that a capital at the beginning of a sentence misleads
# nobody. Each becomes another of its group.
FIRST_NAMES = (
    ("Michael", "James", "Robert", "David", "William", "Richard", "Thomas", "Daniel", "Matthew",
     "Anthony", "Steven", "Paul", "Andrew", "Kevin", "Brian", "George", "Edward", "Ronald",
     "Timothy", "Jason", "Jeffrey", "Ryan", "Jacob", "Gary", "Nicholas", "Eric", "Jonathan",
     "Stephen", "Larry", "Justin", "Scott", "Brandon", "Benjamin", "Samuel", "Adam", "Peter",
     "Martin", "Kenneth", "Joseph", "John", "Josh", "Tom", "Tim", "Jim", "Joe", "Ben", "Carl",
     "Dylan", "Ethan", "Fred", "Greg", "Henry", "Jake", "Jared", "Jeff", "Jerry", "Kyle", "Leo",
     "Luke", "Marcus", "Mike", "Noah", "Oliver", "Paco", "Ron", "Seth", "Simon", "Steve", "Toby",
     "Tommy", "Travis", "Tyler", "Wayne", "Zack", "Ahmed", "Mohammed", "Carlos", "Luis", "Hiroshi",
     "Ivan"),
    ("Mary", "Patricia", "Jennifer", "Linda", "Elizabeth", "Barbara", "Susan", "Jessica", "Sarah",
     "Karen", "Lisa", "Nancy", "Betty", "Sandra", "Margaret", "Ashley", "Kimberly", "Emily",
     "Donna", "Michelle", "Carol", "Amanda", "Melissa", "Deborah", "Stephanie", "Rebecca", "Laura",
     "Helen", "Cynthia", "Amy", "Anna", "Kathleen", "Nicole", "Julia", "Maria", "Janet", "Jane",
     "Jill", "Alice", "Allison", "Angela", "Becky", "Carla", "Claire", "Cindy", "Diane", "Eliza",
     "Ella", "Emma", "Erica", "Gina", "Hannah", "Isabella", "Jenny", "Judy", "Kate", "Katie", "Kim",
     "Lucy", "Marcy", "Megan", "Melanie", "Mia", "Molly", "Natalie", "Olivia", "Paula", "Rachel",
     "Sally", "Samantha", "Sofia", "Sophia", "Tina", "Valerie", "Vicky", "Wendy", "Fatima", "Aisha",
     "Carmen", "Ingrid", "Yuki", "Olga"),
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


def _renamed(
    names: Sequence[Match[str]], groups: tuple[tuple[str, ...], ...], rng: Random
) -> list[str]:
    """Return another name for each, of its group: equal ones for equal, and none of the text's."""
    chosen: dict[str, str] = {}
    there = names[0].string
    for name in (match.group() for match in names):
        if name not in chosen:
            group = next(group for group in groups if name in group)
            taken = {*chosen.values(), name}
            free = [o for o in group if o not in taken and not re.search(rf"\b{o}\b", there)]
            chosen[name] = rng.choice(free or [o for o in group if o != name])
    return [chosen[match.group()] for match in names]


@batch_perturbation(
    _sites(FIRST_NAMES),
    source="Ribeiro et al. 2020 (CheckList), table 1 (change names)",
    kind="semantic",
    version=3,
    # A share of the places where somebody is named would call one person by two names.
    scale=ALL,
    example="Michael and Sarah play Robert's parents, and Julia steals the show.",
)
def change_names(names: Sequence[Match[str]], rng: Random) -> list[str]:
    """Call people by other first names that are given to the same sex."""
    return _renamed(names, FIRST_NAMES, rng)


@batch_perturbation(
    _sites(_PLACES),
    source="Ribeiro et al. 2020 (CheckList), table 1 (change locations)",
    kind="semantic",
    version=3,
    # A share of the places where somebody is named would call one person by two names.
    scale=ALL,
    example="A French film set in London and Chicago by a German director from New York.",
)
def change_places(names: Sequence[Match[str]], rng: Random) -> list[str]:
    """Name other cities, countries and nationalities."""
    return _renamed(names, _PLACES, rng)
