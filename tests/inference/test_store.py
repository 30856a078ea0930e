from __future__ import annotations

import gc
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.inputs import canonical
from pytest_ood.errors import OodError
from pytest_ood.inference.store import (
    KEYS_PER_QUERY,
    LIMIT,
    SCHEMA_VERSION,
    Contents,
    FileStore,
    MemoryStore,
    NoStore,
    Rate,
    StoreError,
    TemporaryStore,
)
from pytest_ood.tasks import Prediction
from pytest_ood.utils.progress import Lines

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.inference.store import Store

WRITER = """
import sys
from pathlib import Path
from pytest_ood.inference.store import FileStore
from pytest_ood.tasks import Prediction

store, number = FileStore(Path(sys.argv[1])), sys.argv[2]
for start in range(0, 60, 3):
    texts = [f"{number}-{place}" for place in range(start, start + 3)]
    store.put("model", [(text, Prediction("a", {"a": 1.0}, text)) for text in texts])
    store.put("model", [("shared", Prediction("a"))])
    store.put_texts({text: text.upper() for text in texts})
    assert len(store.get("model", texts)) == 3
"""


@pytest.fixture(params=["file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Make an empty store of either kind."""
    return MemoryStore() if request.param == "memory" else FileStore(tmp_path / "new" / "s.sqlite")


@pytest.mark.parametrize(
    "answer",
    [
        Prediction("positive"),
        Prediction(None, {}, "I cannot say"),
        Prediction("a", {"a": 0.1234, "b": 0.8766}, "é\n\0"),
        Prediction("", {"": 1.0}, ""),
    ],
)
@pytest.mark.parametrize("inputs", ["a text", "", "é\n\0", {"premise": "a", "hypothesis": "b"}])
def test_what_was_put_is_got(store: Store, inputs: Inputs, answer: Prediction) -> None:
    """An answer comes back as it was, abstentions, scores and raw text included."""
    store.put("model", [(inputs, answer)])
    assert store.get("model", [inputs]) == {canonical(inputs): answer}


def test_the_order_of_scores_is_kept(store: Store) -> None:
    """Scores come back in their order, which decides ties."""
    store.put("model", [("x", Prediction("b", {"b": 0.5, "a": 0.5}))])
    assert list(store.get("model", ["x"])[canonical("x")].scores) == ["b", "a"]


def test_unknown_inputs_are_left_out(store: Store) -> None:
    """Only known answers are returned, once each, whatever else is asked for."""
    store.put("model", [("x", Prediction("a"))])
    assert store.get("model", ["x", "y", "x"]) == {canonical("x"): Prediction("a")}


def test_models_do_not_share_answers(store: Store) -> None:
    """Another fingerprint has answers of its own."""
    store.put("one", [("x", Prediction("a"))])
    store.put("two", [("x", Prediction("b"))])
    assert store.get("one", ["x"]) == {canonical("x"): Prediction("a")}
    assert store.get("two", ["x"]) == {canonical("x"): Prediction("b")}
    assert store.get("three", ["x"]) == {}


def test_a_text_and_a_field_are_different_inputs(store: Store) -> None:
    """A text that looks like named fields is not taken for them."""
    store.put("model", [({"text": "x"}, Prediction("a"))])
    assert store.get("model", ["x", '{"text":"x"}']) == {}


def test_texts_come_back(store: Store) -> None:
    """Perturbed texts are kept by key, apart from answers."""
    store.put_texts({"k1": "é\n", "k2": ""})
    assert store.get_texts(["k2", "k1", "k3"]) == {"k1": "é\n", "k2": ""}
    assert store.get("k1", ["k1"]) == {}


def test_nothing_asked_is_nothing_got(store: Store) -> None:
    """Empty inputs are allowed everywhere, in an empty store and in a filled one."""
    for _ in range(2):
        assert store.get("model", []) == {}
        assert store.get_texts([]) == {}
        store.put("model", [])
        store.put_texts({})
        store.put("model", [("x", Prediction("a"))])


def test_reading_makes_no_file(tmp_path: Path) -> None:
    """A store that was never written to leaves no file, nor does putting nothing."""
    store = FileStore(tmp_path / "cache" / "s.sqlite")
    assert store.get("model", ["x"]) == {}
    assert store.get_texts(["x"]) == {}
    store.put("model", [])
    assert list(tmp_path.iterdir()) == []


def test_answers_outlive_the_store(tmp_path: Path) -> None:
    """Another store on the same file, as in the next run, knows the answers."""
    FileStore(tmp_path / "s.sqlite").put("model", [("x", Prediction("a"))])
    assert FileStore(tmp_path / "s.sqlite").get("model", ["x"]) == {canonical("x"): Prediction("a")}


def test_an_answer_in_a_file_stays(tmp_path: Path) -> None:
    """An answer that is there already is not replaced."""
    store = FileStore(tmp_path / "s.sqlite")
    store.put("model", [("x", Prediction("a"))])
    store.put("model", [("x", Prediction("b")), ("y", Prediction("b"))])
    answers = store.get("model", ["x", "y"])
    assert answers == {canonical("x"): Prediction("a"), canonical("y"): Prediction("b")}


@pytest.mark.parametrize(
    "count", [KEYS_PER_QUERY - 1, KEYS_PER_QUERY, KEYS_PER_QUERY + 1, 2 * KEYS_PER_QUERY + 1]
)
def test_many_inputs_at_once(tmp_path: Path, count: int) -> None:
    """More inputs than one statement takes are found all the same."""
    store = FileStore(tmp_path / "s.sqlite")
    texts = [f"text {number}" for number in range(count)]
    store.put("model", [(text, Prediction("a", {}, text)) for text in texts])
    store.put_texts(dict(zip(texts, texts, strict=True)))
    assert {answer.text for answer in store.get("model", texts).values()} == set(texts)
    assert store.get_texts(texts) == dict(zip(texts, texts, strict=True))


@settings(deadline=None, max_examples=40)
@given(
    answers=st.dictionaries(
        st.text(st.characters(codec="utf-8")),
        st.builds(
            Prediction,
            st.none() | st.text(st.characters(codec="utf-8")),
            st.dictionaries(st.text(), st.floats(allow_nan=False, allow_infinity=False)),
            st.none() | st.text(st.characters(codec="utf-8")),
        ),
        max_size=5,
    )
)
def test_both_stores_agree(
    tmp_path_factory: pytest.TempPathFactory, answers: dict[str, Prediction]
) -> None:
    """The file gives back exactly what the memory does."""
    file = FileStore(tmp_path_factory.mktemp("store") / "s.sqlite")
    memory = MemoryStore()
    for store in (file, memory):
        store.put("model", answers.items())
    assert file.get("model", list(answers)) == memory.get("model", list(answers))


@pytest.mark.slow
def test_several_processes_write_at_once(tmp_path: Path) -> None:
    """Processes that share a new file wait for each other, and no answer is lost."""
    path = tmp_path / "s.sqlite"
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(number)])
        for number in range(4)
    ]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    texts = [f"{number}-{place}" for number in range(4) for place in range(60)]
    answers = FileStore(path).get("model", [*texts, "shared"])
    assert answers.pop(canonical("shared")) == Prediction("a")
    assert [answers[canonical(text)].text for text in texts] == texts
    assert FileStore(path).get_texts(texts) == {text: text.upper() for text in texts}


def use(store: FileStore, what: str) -> None:
    """Use a store in one of four ways."""
    if what == "get":
        store.get("model", ["x"])
    elif what == "put":
        store.put("model", [("x", Prediction("a"))])
    elif what == "get_texts":
        store.get_texts(["x"])
    else:
        store.put_texts({"x": "y"})


USES = pytest.mark.parametrize("what", ["get", "put", "get_texts", "put_texts"])


@USES
def test_a_file_that_is_no_database(tmp_path: Path, what: str) -> None:
    """Another file is reported by its path, with what to do, and is left as it is."""
    path = tmp_path / "s.sqlite"
    path.write_text("not a database at all, but longer than its header would be\n" * 20)
    content = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        use(FileStore(path), what)
    assert str(caught.value).startswith(f"the prediction store {path} cannot be opened: ")
    assert "delete the file, or name another folder with --ood-cache" in str(caught.value)
    assert isinstance(caught.value, OodError)
    assert path.read_bytes() == content


@USES
def test_a_newer_schema_is_refused(tmp_path: Path, what: str) -> None:
    """A file of a newer version is not touched; the message names both versions."""
    path = tmp_path / "s.sqlite"
    FileStore(path).put("model", [("x", Prediction("a"))])
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 1}")
    with pytest.raises(StoreError) as caught:
        use(FileStore(path), what)
    message = str(caught.value)
    assert f"{path} was written by a newer version of pytest-ood" in message
    assert f"(schema {SCHEMA_VERSION + 1}, this one reads up to {SCHEMA_VERSION})" in message


@USES
def test_a_database_of_another_program(tmp_path: Path, what: str) -> None:
    """A database with our version number and without our tables is a readable error."""
    path = tmp_path / "s.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    with pytest.raises(StoreError, match="no such table"):
        use(FileStore(path), what)


@USES
def test_a_folder_in_place_of_the_file(tmp_path: Path, what: str) -> None:
    """A folder of the store's name is a readable error."""
    (tmp_path / "s.sqlite").mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        use(FileStore(tmp_path / "s.sqlite"), what)


def test_a_cache_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """A cache folder that cannot be made is a readable error that names it."""
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(StoreError, match="--ood-cache"):
        FileStore(tmp_path / "cache" / "s.sqlite").put("model", [("x", Prediction("a"))])


def test_a_lone_surrogate_is_kept(store: Store) -> None:
    """A raw answer or a perturbed text that no encoding can carry is kept all the same."""
    store.put("model", [("\ud800", Prediction("a", {}, "\ud800"))])
    store.put_texts({"\ud800": "\ud800"})
    assert store.get("model", ["\ud800"])[canonical("\ud800")].text == "\ud800"
    assert store.get_texts(["\ud800"]) == {"\ud800": "\ud800"}


def test_nothing_is_kept_where_nothing_is_to_be() -> None:
    """A store that keeps nothing knows nothing, whatever it was given."""
    store = NoStore()
    store.put("f", [("a", Prediction("x"))])
    store.put_texts({"k": "v"})
    assert (store.get("f", ["a"]), store.get_texts(["k"])) == ({}, {})


@dataclass
class Calendar:
    """A clock that shows the day it is set to."""

    day: int = 20_000

    def __call__(self) -> float:
        """Return seconds since 1970."""
        return self.day * 86_400.0


def rows(count: int, name: str = "") -> list[tuple[str, Prediction]]:
    """Return answers that take about 300 bytes each."""
    return [(f"{name}{number}", Prediction("a", {"a": 1.0}, "x" * 200)) for number in range(count)]


def test_what_was_not_used_for_longest_makes_room(tmp_path: Path) -> None:
    """At the limit the file stops growing; what was read since stays, what was not goes first."""
    now = Calendar()
    store = FileStore(tmp_path / "s.sqlite", limit=200_000, clock=now)
    store.put("model", rows(200, "old"))
    now.day += 2
    kept = [f"old{number}" for number in range(20)]
    assert len(store.get("model", kept)) == 20
    for number in range(20):
        now.day += 1
        store.put("model", rows(50, f"new{number}-"))
        assert store.contents().size <= 200_000 + 50 * 400
        assert len(store.get("model", kept)) == 20, "they are used every day"
    assert len(store.get("model", [f"old{number}" for number in range(200)])) == 20
    assert len(store.get("model", [f"new19-{number}" for number in range(50)])) == 50


def test_texts_make_room_too(tmp_path: Path) -> None:
    """Perturbed texts count and are forgotten like answers."""
    now = Calendar()
    store = FileStore(tmp_path / "s.sqlite", limit=100_000, clock=now)
    store.put_texts({f"old{number}": "x" * 300 for number in range(100)})
    now.day += 1
    store.put("model", rows(400))
    assert store.get_texts(["old1"]) == {}
    assert len(store.get("model", [str(number) for number in range(300, 400)])) > 0


def test_contents_are_told_and_cleared(tmp_path: Path) -> None:
    """What the store holds is counted; clearing forgets all of it and gives the room back."""
    store = FileStore(tmp_path / "s.sqlite", clock=Calendar(7))
    assert store.contents() == Contents(predictions=0, texts=0, size=0, limit=LIMIT, oldest=None)
    store.clear()
    assert not store.path.exists(), "there was nothing to clear"
    store.put("model", rows(500))
    store.put_texts({"a": "b"})
    store.put_rate("model", Rate(inputs=10, characters=100, seconds=2.0))
    full = store.contents()
    assert (full.predictions, full.texts, full.oldest) == (500, 1, 7 * 86_400)
    before = store.path.stat().st_size
    store.clear()
    assert store.contents().predictions == store.contents().texts == 0
    assert store.get_rate("model") is None
    assert store.path.stat().st_size < before / 4


def test_rates_come_back(store: Store) -> None:
    """How fast a model answered last is what is told; of another model nothing is."""
    assert store.get_rate("model") is None
    for seconds in (5.0, 2.0):
        store.put_rate("model", Rate(inputs=10, characters=100, seconds=seconds))
    assert store.get_rate("model") == Rate(inputs=10, characters=100, seconds=2.0)
    assert store.get_rate("other") is None
    assert Rate(inputs=10, characters=100, seconds=2.0).seconds_for(20, 200) == pytest.approx(4.0)
    assert Rate(inputs=10, characters=100, seconds=2.0).seconds_for(10, 300) == pytest.approx(4.0)


def test_a_file_of_the_first_version_is_brought_up(tmp_path: Path) -> None:
    """Answers and texts that the first version kept are there, and new ones can be added."""
    path = tmp_path / "s.sqlite"
    FileStore(path).put("model", [("x", Prediction("a"))])
    FileStore(path).put_texts({"k": "text"})
    with closing(sqlite3.connect(path)) as connection:
        for table in ("predictions", "texts"):
            connection.execute(f"ALTER TABLE {table} DROP COLUMN used")
        connection.execute("DROP TABLE rates")
        connection.execute("PRAGMA user_version = 1")
    store = FileStore(path)
    assert store.get("model", ["x"]) == {canonical("x"): Prediction("a")}
    assert store.get_texts(["k"]) == {"k": "text"}
    store.put("model", [("y", Prediction("b"))])
    store.put_rate("model", Rate(inputs=1, characters=1, seconds=1.0))
    assert store.contents().predictions == 2


def test_a_locked_file_is_waited_for_and_then_reported(tmp_path: Path) -> None:
    """Where another process holds the file for longer than we wait, the message says so."""
    store = FileStore(tmp_path / "s.sqlite", patience=0.0)
    store.put("model", [("x", Prediction("a"))])
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for what in ("get", "put", "get_texts", "put_texts"):
            with pytest.raises(StoreError, match="database is locked"):
                use(store, what)
    assert store.get("model", ["x"]), "nothing was lost"


@pytest.mark.skipif(sys.platform == "win32", reason="the size of files cannot be limited")
def test_a_full_disk_is_reported_and_loses_nothing(tmp_path: Path) -> None:
    """Where the file cannot grow, the message says so, and what was kept before is there."""
    path = tmp_path / "s.sqlite"
    FileStore(path).put("model", rows(10))
    script = f"""
import resource, sys
from pathlib import Path
from pytest_ood.inference.store import FileStore, StoreError
from pytest_ood.tasks import Prediction
resource.setrlimit(resource.RLIMIT_FSIZE, ({path.stat().st_size}, -1))
try:
    FileStore(Path(sys.argv[1])).put("model", [("y" * 9, Prediction("a", {{}}, "x" * 100_000))])
except StoreError as error:
    print(error)
"""
    told = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    ).stdout
    assert f"the prediction store {path} cannot be written: " in told
    assert "free some space" in told
    assert len(FileStore(path).get("model", [str(number) for number in range(10)])) == 10


HOLDER = """
import sys
from pathlib import Path
from pytest_ood.utils.progress import Silent
from pytest_ood.inference.store import FileStore
with FileStore(Path(sys.argv[1])).query_lock("model", Silent(), "m"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_one_process_asks_a_model_at_a_time(tmp_path: Path) -> None:
    """Who comes second waits, and says for whom, until the first is done or was killed."""
    path, lines = tmp_path / "cache" / "s.sqlite", []
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"

        def write(line: str) -> None:
            lines.append(line)
            holder.kill()

        with FileStore(path).query_lock("other", Lines(lines.append), "m"):
            assert lines == [], "another model can be asked"
        with FileStore(path).query_lock("model", Lines(write), "m"):
            assert lines[0] == "waiting: another process is asking m"


def test_a_temporary_store_goes_with_the_run() -> None:
    """It keeps answers, not texts, in a file that is gone once nobody holds the store."""
    store = TemporaryStore()
    store.put("model", [("x", Prediction("a", {"a": 0.5}, "raw"))])
    assert store.get("model", ["x", "y"]) == {canonical("x"): Prediction("a", {"a": 0.5}, "raw")}
    store.put_texts({"k": "text"})
    assert store.get_texts(["k"]) == {}
    folder = store.file.path.parent
    assert folder.is_dir()
    del store
    gc.collect()
    assert not folder.exists()
