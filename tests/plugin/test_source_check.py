"""What the text of a module tells of its tests."""

from __future__ import annotations

import pytest

from pytest_ood.plugin.source_check import gives_mark, is_plain

NAMES = {"ood", "ood_model", "gate"}
PLAIN = {
    "nothing": "",
    "own fixtures": "import pytest\n@pytest.fixture\ndef own(): ...\ndef test_it(own, n): ...\n",
    "classes": "import unittest\nclass TestIt(unittest.TestCase):\n    def test_it(self): ...\n",
    "marks": "import pytest\npytestmark = pytest.mark.slow\n@pytest.mark.x\ndef test_it(): ...\n",
    "other modules": "import torch.nn\nfrom mine import f\ndef test_it(n): assert f(torch)\n",
    "known modules": "from pytest import fixture\nfrom os import *\nfrom hypothesis import given\n",
    "this package": "from pytest_ood import Dataset\ndef test_it(): assert Dataset\n",
    "words": "def test_it(): assert 'ood: the ood test of pytest_ood'\n",
    "made in a test": "def test_it(): exec('x = 1'); assert globals()['x']\n",
    "modules in a test": "import sys\ndef test_it(): assert sys.modules[__name__]\n",
    "a function of that name": "def test_it(model): model.eval()\n",
    "a value": "from mine import load\nDATA = load()\ndef test_it(): assert DATA\n",
    "a value in a function": "from mine import f\ndef test_it(n):\n    x = f()\n    assert x\n",
}
NOT_PLAIN = {
    "the fixture": "def test_it(ood): ...\n",
    "the mark": "import pytest\n@pytest.mark.ood\ndef test_it(): ...\n",
    "the mark by its name": "import pytest\npytestmark = getattr(pytest.mark, 'ood')\n",
    "the fixtures": "from pytest_ood.plugin.fixtures import ood as mine\n",
    "the module of the fixtures": "import pytest_ood.plugin.fixtures as f\nown = f.ood\n",
    "a fixture that leads there": "def test_it(gate): ...\n",
    "by keyword": "def test_it(*, gate): ...\n",
    "by usefixtures": "import pytest\npytestmark = pytest.mark.usefixtures('gate')\n",
    "by request": "def test_it(request): request.getfixturevalue('gate')\n",
    "a star": "from helper import *\n",
    "a star from beside": "from .os import *\n",
    "an imported fixture": "from helper import own\ndef test_it(own): ...\n",
    "an imported name": "from helper import test_it\n",
    "an imported decorator": "from helper import robust\n@robust\ndef test_it(): ...\n",
    "a module's decorator": "import helper\n@helper.robust(1)\ndef test_it(): ...\n",
    "an imported mark": "from helper import robust\npytestmark = [robust]\n",
    "an assigned test": "import helper\ntest_it = helper.test_it\n",
    "an assigned fixture": "import helper\nown = helper.own\ndef test_it(own): ...\n",
    "an assigned mark": "import helper\nrobust = helper.mark\n@robust\ndef test_it(): ...\n",
    "one of several": "import helper\na, own = helper.both()\ndef test_it(own): assert a\n",
    "by way of another name": "import helper\na = helper.a\nb = a()\ndef test_it(b): ...\n",
    "in a class": "import helper\nclass TestIt:\n    test_it = helper.test_it\n",
    "in a loop": "import helper\nfor test_it in helper.tests: ...\n",
    "made names": "def make(): globals()['test_it'] = 1\nmake()\n",
    "made by a function of a function": (
        "def make(): globals()['test_it'] = 1\ndef both(): make()\nboth()\n"
    ),
    "made by a class": "class A:\n    def __init__(self): exec('test_it = 1')\nA()\n",
    "made by a method": "class A:\n    def make(): exec('test_it = 1')\nA.make()\n",
    "made by a decorator": "def d(f): globals()['test_it'] = f\n@d\ndef f(): ...\n",
    "executed text": "exec(open('tests.txt').read())\n",
    "the module's own dictionary": "import sys\nsetattr(sys.modules[__name__], 'test_it', 1)\n",
    "further plugins": "pytest_plugins = ['helper']\n",
    "an imported base": "from helper import Base\nclass TestIt(Base): ...\n",
    "no Python": "def test_it(:\n",
}


@pytest.mark.parametrize("what", PLAIN)
def test_what_is_plain(what: str) -> None:
    """The text shows that there is no robustness test."""
    assert is_plain(PLAIN[what], NAMES)


@pytest.mark.parametrize("what", NOT_PLAIN)
def test_what_may_not_be_plain(what: str) -> None:
    """There is one, or the text leaves it open."""
    assert not is_plain(NOT_PLAIN[what], NAMES)


@pytest.mark.parametrize(
    ("text", "gives"),
    [
        ("def pytest_itemcollected(item): item.add_marker('ood')\n", True),
        ("import pytest\nMARK = pytest.mark.ood\n", True),
        ("def pytest_itemcollected(item:\n", True),
        ("def pytest_itemcollected(item): item.add_marker('slow')  # not ood\n", False),
    ],
)
def test_what_gives_the_mark(text: str, *, gives: bool) -> None:
    """A hook that may mark tests is found by the mark's name."""
    assert gives_mark(text) == gives
