from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel out of it, as a package index would get them."""
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)],
        check=True,
        capture_output=True,
    )
    return folder


def sources() -> set[str]:
    """Return every file of the package as it is named when installed."""
    homes = {
        "pytest_ood": "pytest_ood",
        "perturbations": "pytest_ood/perturbations",
        "suites": "pytest_ood/suites",
    }
    found = set()
    for folder, home in homes.items():
        # rglob does not follow the two symlinks inside pytest_ood.
        for path in (ROOT / folder).rglob("*"):
            inside = path.relative_to(ROOT / folder)
            if path.is_file() and "__pycache__" not in inside.parts and not path.is_symlink():
                if folder == "pytest_ood" and inside.parts[0] in ("perturbations", "suites"):
                    continue
                found.add(f"{home}/{inside.as_posix()}")
    return found


def test_the_wheel_holds_every_file_of_the_package(dist: Path) -> None:
    """The wheel that is built out of the sdist holds the package's files, all and no other."""
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == sources()


def test_the_sdist_holds_the_licence_and_the_readme(dist: Path) -> None:
    """The sdist carries what a packager needs: licence, README and build configuration."""
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"LICENSE", "README.md", "pyproject.toml"} <= names


def test_the_wheel_works_outside_of_the_repository(dist: Path, tmp_path: Path) -> None:
    """From the wheel alone, suites and perturbations are found."""
    (wheel,) = dist.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)  # noqa: S202 - built a moment ago
    code = (
        "import pytest_ood, pytest_ood.suite.suite as s, pytest_ood.perturbations as p;"
        "print(pytest_ood.__file__, s.built_in_suites(), *p.catalogue())"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    assert str(tmp_path) in done.stdout
    assert "sentiment" in done.stdout
    assert "keyboard" in done.stdout
