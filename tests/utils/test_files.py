from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_ood.utils.files import (
    file_name,
    filled_once,
    hash_files,
    write_all,
    write_atomically,
    writing_atomically,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

FILL = """
import sys
from pathlib import Path
from pytest_ood.utils.files import filled_once

folder, log = Path(sys.argv[1]), Path(sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()
with filled_once(folder) as scratch:
    if scratch is not None:
        with log.open("a") as stream:
            stream.write("filled\\n")
        for number in range(500):
            (scratch / str(number)).write_text("whole")
assert sorted(path.name for path in folder.iterdir()) == sorted(map(str, range(500)))
"""


def test_a_file_is_written(tmp_path: Path) -> None:
    """The text stands in the file as UTF-8, and nothing else is left in the folder."""
    write_atomically(tmp_path / "report.md", "drop: 3 ≥ 2 é\n")
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == "drop: 3 ≥ 2 é\n"
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]


def test_a_file_is_replaced(tmp_path: Path) -> None:
    """An older file gives way to the new one."""
    path = tmp_path / "report.md"
    path.write_text("old and longer than the new one")
    write_atomically(path, "new")
    assert path.read_text() == "new"


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    """A text that cannot be written leaves the old file whole and no scratch file behind."""
    path = tmp_path / "report.md"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "x" * 100_000 + "\ud800")
    assert path.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["report.md"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_others_may_read_a_written_file(tmp_path: Path) -> None:
    """A written file has the permissions of any other new file, not those of a scratch file."""
    write_atomically(tmp_path / "report.md", "text")
    (tmp_path / "usual").write_text("text")
    modes = [(tmp_path / name).stat().st_mode for name in ("report.md", "usual")]
    assert modes[0] == modes[1]


def test_a_stream_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """What was written until then is gone, and there is no file under the name."""
    with (
        pytest.raises(UnicodeEncodeError),
        writing_atomically(tmp_path / "a.txt") as stream,
    ):
        stream.writelines(["half", "\ud800"])
    assert list(tmp_path.iterdir()) == []


def test_files_are_written_together(tmp_path: Path) -> None:
    """All of them, with the folders they need, over what was there."""
    (tmp_path / "old").write_text("old")
    files = {tmp_path / "a" / "b" / "new": "1", tmp_path / "old": "2"}
    write_all(files)
    assert {path: path.read_text() for path in files} == files


def test_where_one_file_fails_none_is_written(tmp_path: Path) -> None:
    """New files and folders are gone, old ones as they were, whichever file failed."""
    (tmp_path / "old").write_text("old")
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OSError, match="file"):
        write_all(
            {
                tmp_path / "a" / "b" / "new": "1",
                tmp_path / "old": "2",
                tmp_path / "file" / "new": "3",
            }
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "old"]
    assert (tmp_path / "old").read_text() == "old"


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    """The first block fills a scratch folder that then takes its place; the second gets None."""
    folder = tmp_path / "not" / "there" / "yet"
    with filled_once(folder) as scratch:
        assert scratch is not None
        assert not folder.exists()
        (scratch / "a").write_text("1")
    assert (folder / "a").read_text() == "1"
    with filled_once(folder) as scratch:
        assert scratch is None
    assert (folder / "a").read_text() == "1"


def test_a_folder_that_fails_is_not_there(tmp_path: Path) -> None:
    """An error leaves neither the folder nor the scratch folder, and the next try starts anew."""
    folder = tmp_path / "model"

    def fill(count: int) -> None:
        with filled_once(folder) as scratch:
            assert scratch is not None
            (scratch / "half").write_text(str(1 // count))

    with pytest.raises(ZeroDivisionError):
        fill(0)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    fill(1)
    assert [path.name for path in folder.iterdir()] == ["half"]


def test_several_processes_make_a_folder_once(tmp_path: Path) -> None:
    """Of several processes that want the same folder one fills it, and all find it whole."""
    log = tmp_path / "log"
    command = [sys.executable, "-c", FILL, str(tmp_path / "shared" / "model"), str(log)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert log.read_text() == "filled\n"


def test_the_hash_is_over_names_and_contents(tmp_path: Path) -> None:
    """The hash can be worked by hand, and follows the names, not the order of the list."""
    first, second = tmp_path / "a.bin", tmp_path / "b.bin"
    first.write_bytes(b"one")
    second.write_bytes(b"two")
    rows = [
        f"{name}\0{hashlib.sha256(content).hexdigest()}\n"
        for name, content in (("a.bin", b"one"), ("b.bin", b"two"))
    ]
    expected = hashlib.sha256("".join(rows).encode()).hexdigest()
    assert hash_files([first, second]) == hash_files([second, first]) == expected


def test_the_hash_notices_a_name_and_a_byte(tmp_path: Path) -> None:
    """Another name or another content gives another hash."""
    paths = [tmp_path / name for name in ("a", "b", "c")]
    for path, content in zip(paths, (b"x", b"x", b"y"), strict=True):
        path.write_bytes(content)
    assert len({hash_files([path]) for path in paths}) == 3


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("roberta", "roberta"),
        ("my-model_2.1#3", "my-model_2.1#3"),
        ("m" * 100, "m" * 100),
        ("m" * 101, "m" * 83 + "_" + sha256(b"m" * 101).hexdigest()[:16]),
        ("\u00e9" * 120, "\u00e9" * 41 + "_" + sha256("\u00e9".encode() * 120).hexdigest()[:16]),
        ("a/b", "a_b_" + sha256(b"a/b").hexdigest()[:16]),
        ("..", "__" + sha256(b"..").hexdigest()[:16]),
        ("a\0b", "a_b_" + sha256(b"a\0b").hexdigest()[:16]),
        ("CON", "CON_" + sha256(b"CON").hexdigest()[:16]),
        ("nul.txt", "nul.txt_" + sha256(b"nul.txt").hexdigest()[:16]),
        ("", "_" + sha256(b"").hexdigest()[:16]),
        ("a\ud800b", "a_b_"),
    ],
    ids=lambda text: repr(text[:20]),
)
def test_any_name_can_stand_in_a_file_s(name: str, expected: str, tmp_path: Path) -> None:
    """Ordinary names stay; what is too long or forbidden is changed, and no two become one."""
    found = file_name(name)
    assert found.startswith(expected)
    assert len(found.encode()) <= 100
    (tmp_path / f"{found}-0123456789ab").mkdir()
    assert file_name(f"{name}/") != found


HOLD = """
import sys
from pathlib import Path
from pytest_ood.utils.files import filled_once

with filled_once(Path(sys.argv[1])) as scratch:
    (scratch / "half").write_text("of it")
    print(scratch, flush=True)
    sys.stdin.readline()
"""


@contextmanager
def filling(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """Run a process that fills a folder until it is told to end; yield it and what it fills."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        yield process, Path(process.stdout.readline().strip())


def names_in(folder: Path) -> set[str]:
    """Return what lies in a folder."""
    return {path.name for path in folder.iterdir()}


def test_a_folder_that_is_made_leaves_nothing_beside_it(tmp_path: Path) -> None:
    """Neither a lock nor a scratch folder, whether it ends well or not."""
    with filled_once(tmp_path / "model"):
        assert len(names_in(tmp_path)) == 2
    with pytest.raises(KeyboardInterrupt), filled_once(tmp_path / "other"):
        raise KeyboardInterrupt
    assert names_in(tmp_path) == {"model"}


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
@pytest.mark.parametrize("ended_by", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_killed_process_left_is_removed(tmp_path: Path, ended_by: signal.Signals) -> None:
    """By the next one that makes a folder there; what a living process holds is not touched."""
    killed, living = tmp_path / "killed", tmp_path / "living.1"
    with filling(killed) as (process, left), filling(living) as (other, held):
        # What is named after a scratch folder goes with it.
        left.with_name(f"{left.name}.training-x").mkdir()
        held.with_name(f"{held.name}.training-x").mkdir()
        process.send_signal(ended_by)
        assert process.wait() == -ended_by
        assert left.is_dir()
        assert (tmp_path / "killed.lock").exists()
        with filled_once(tmp_path / "next"):
            assert not left.exists()
        assert names_in(tmp_path) == {
            "next", "living.1.lock", held.name, f"{held.name}.training-x",
        }  # fmt: skip
        # A folder whose name begins alike is none of the living one's.
        with filled_once(tmp_path / "living"):
            pass
        assert (held / "half").read_text() == "of it"
        other.communicate("\n")
        assert other.returncode == 0
    assert names_in(living) == {"half"}
    assert "living.1.lock" not in names_in(tmp_path)


def test_foreign_files_stay(tmp_path: Path) -> None:
    """A folder that `filled_once` has not written is not removed: a scratch folder has a mark."""
    (tmp_path / ".hidden.abc").mkdir()
    (tmp_path / "model.txt").write_text("text")
    with filled_once(tmp_path / "model"):
        pass
    assert names_in(tmp_path) == {".hidden.abc", "model.txt", "model"}
