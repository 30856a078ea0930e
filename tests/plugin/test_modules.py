"""What the text of a module tells of its tests."""

from __future__ import annotations

import pytest

from pytest_ood.plugin.modules import is_plain

NAMES = {"ood", "ood_model", "gate"}
PLAIN = {
    "nothing": "",
    "own fixtures": "import pytest\n@pytest.fixture\ndef own(): ...\ndef test_it(own, n): ...\n",
    "classes": "import unittest\nclass TestIt(unittest.TestCase):\n    def test_it(self): ...\n",
    "marks": "import pytest\npytestmark = pytest.mark.slow\n@pytest.mark.x\ndef test_it(): ...\n",
    "other modules": "import torch.nn\nfrom mine import f\ndef test_it(n): assert f(torch)\n",
    "known modules": "from pytest import fixture\nfrom os import *\nfrom hypothesis import given\n",
}
NOT_PLAIN = {
    "the fixture": "def test_it(ood): ...\n",
    "the mark": "import pytest\n@pytest.mark.ood\ndef test_it(): ...\n",
    "the package": "import pytest_ood\n",
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
