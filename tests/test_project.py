"""What holds of the project as a whole: direction of imports, dependencies, lock files, packaging."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from config.description import settings

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DEPENDENCIES: list[str] = PROJECT["dependencies"]

LAYERS = (
    {"init", "setup"},
    {"interview", "screen"},
    {"transfer"},
    {"startup"},
    {"figures", "incoming", "upkeep"},
    {"http_server"},
    {"patient_http"},
    {"server"},
    {"attendance", "client", "dispatch", "metrics"},
    {"gate", "outgoing", "push"},
    {"plugin_host"},
    {"backups", "gateways", "handlers", "routes", "watchers"},
    {"fanout"},
    {"db"},
    {"config"},
    {"outbound"},
    {"connection", "plugin_api", "protocol"},
    {"plugin_objects"},
)
"""Who stands above whom, from the front door down. A room imports only what lies below it, never its neighbour."""

LOADED_BY_NAME = {"httptools", "uvloop"}
"""Dependencies that uvicorn imports for us."""


def sources() -> list[Path]:
    """Our Python files, tests and benchmarks aside."""
    rooms = [ROOT / name for layer in LAYERS for name in layer]
    return [*ROOT.glob("*.py"), *(file for room in rooms for file in room.rglob("*.py"))]


def room_of(file: Path) -> str:
    return file.relative_to(ROOT).parts[0].removesuffix(".py")


def imported(file: Path) -> Iterator[str]:
    """Top-level names of what a file imports when it runs; what only a type checker needs does not count."""
    tree = ast.parse(file.read_text("utf-8"))
    for_types = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    skipped = {inner for node in for_types for part in node.body for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def lock(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def test_every_room_has_its_place() -> None:
    rooms = {file.stem for file in ROOT.glob("*.py")} | {file.parent.name for file in ROOT.glob("*/__init__.py")}
    assert rooms - {"bench", "tests"} <= set().union(*LAYERS), "give the new room a place in LAYERS"


@pytest.mark.parametrize("file", sources(), ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_point_down(file: Path) -> None:
    rank = {room: number for number, layer in enumerate(LAYERS) for room in layer}
    here = room_of(file)
    for name in set(imported(file)) - {here}:
        assert name not in rank or rank[name] > rank[here], f"{here} may not import {name}"
        assert name not in ("bench", "tests")
        if name == "gateways":
            assert here == "startup", "only the place that starts a gateway knows it"


def test_connection_and_protocol_import_nothing_of_ours() -> None:
    ours = set().union(*LAYERS)
    for file in sources():
        if room_of(file) in ("connection", "protocol"):
            assert not (set(imported(file)) & ours) - {room_of(file)}, file


def requirement_name(requirement: str) -> str:
    found = re.match(r"[A-Za-z0-9._-]+", requirement)
    assert found, requirement
    return re.sub(r"[-_.]+", "-", found.group()).lower()


def test_every_dependency_is_imported_and_every_import_is_a_dependency() -> None:
    declared = {requirement_name(requirement) for requirement in DEPENDENCIES}
    used = {name for file in sources() for name in imported(file)} - set().union(*LAYERS) - set(sys.stdlib_module_names)
    distributions = packages_distributions()
    needed = {requirement_name(distribution) for name in used for distribution in distributions.get(name, [name])}
    assert declared - needed - LOADED_BY_NAME == set(), "nothing imports these"
    assert needed - declared == set(), "these are not declared in pyproject.toml"


def test_dependencies_are_ranges() -> None:
    for requirement in DEPENDENCIES:
        assert ">=" in requirement, requirement
        assert "==" not in requirement.partition(";")[0], requirement


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_have_every_dependency_with_hashes_and_no_place_of_their_making(name: str) -> None:
    text = lock(name)
    pinned = dict(re.findall(r"^([a-z0-9.-]+)==(\S+)", text, re.MULTILINE))
    wanted = DEPENDENCIES + (PROJECT["optional-dependencies"]["dev"] if "dev" in name else [])
    assert {requirement_name(requirement) for requirement in wanted} <= set(pinned)
    assert "://" not in text
    assert "--index-url" not in text
    assert "--find-links" not in text
    for block in re.split(r"\n(?=[a-z0-9])", text)[1:]:
        assert "--hash=sha256:" in block, block.splitlines()[0]


def test_both_lock_files_agree() -> None:
    pins = [dict(re.findall(r"^([a-z0-9.-]+==\S+)(.*)", lock(name), re.MULTILINE)) for name in
            ("requirements.lock", "requirements-dev.lock")]  # fmt: skip
    assert set(pins[0]) <= set(pins[1]), "run `make lock`"


def test_lock_files_name_no_program_of_a_test_at_run_time() -> None:
    assert not re.search(r"^(pytest|hypothesis|mypy|ruff|uv)==", lock("requirements.lock"), re.MULTILINE)


def test_a_package_is_built_without_running_the_interview(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    assert "Name of the community" not in done.stdout + done.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert not {"setup.py", "config.json"} & names
    assert not any(name.startswith(("tests/", "bench/", "interview/")) for name in names)
    rooms = set().union(*LAYERS) - {"setup", "interview"}
    there = {room for room in rooms if (ROOT / f"{room}.py").exists() or (ROOT / room / "__init__.py").exists()}
    assert there <= {name.partition("/")[0].removesuffix(".py") for name in names}


def test_an_image_holds_no_data_of_a_community() -> None:
    left_out = {line.strip("/") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()}
    data = {line.strip("/") for line in (ROOT / ".gitignore").read_text("utf-8").splitlines() if line[:2] == "db"}
    assert data | {".env", ".git"} <= left_out


def test_the_makefile_has_every_target_the_documents_name() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    named = {
        target
        for document in documents
        if document.exists()
        for target in re.findall(r"(?:`|^)make ([a-z]+)", document.read_text("utf-8"), re.MULTILINE)
    }
    for target in named | {"setup", "run", "test", "check", "bench", "torture", "lock", "docs"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"make {target}"


def test_continuous_integration_runs_the_checks_and_the_tests() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    lines = script.read_text("utf-8").splitlines()
    assert "set -euo pipefail" in lines
    assert [line for line in lines if line.startswith("make ")] == ["make check", "make test"]


def test_browser_tests_wait_by_until() -> None:
    """Playwright's own way evaluates text in the page, which the policy forbids from the second look on."""
    files = [*(ROOT / "tests" / "browser").rglob("*.py"), *(ROOT / "bench").rglob("*.py")]
    assert [file.name for file in files if "wait_for_function(" in file.read_text("utf-8")] == []


def test_the_version_is_the_one_of_the_changelog() -> None:
    versions = re.findall(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert not versions or versions[0] == PROJECT["version"]


READ_UNDER_OTHER_NAMES = {
    "backup.enabled": ("backups.py", "settings.enabled"),
    "backup.every_hours": ("backups.py", "settings.every_hours"),
    "backup.folder": ("backups.py", "settings.folder"),
    "backup.keep": ("backups.py", "settings.keep"),
    "chat_api.channels_per_user": ("handlers/channel_members.py", "settings.channels_per_user"),
    "chat_api.create_channels": ("handlers/channel_members.py", "settings.create_channels"),
    "rate_limiting.cooldown_seconds": ("handlers/rate_limiter.py", "settings.cooldown_seconds"),
    "sessions.replay_events": ("handlers/sessions.py", "settings.replay_events"),
    "websocket.ping_interval_s": ("upkeep.py", "settings.ping_interval_s"),
    "websocket.ping_timeout_s": ("upkeep.py", "settings.ping_timeout_s"),
}
"""Where a section is put into a variable first: the file, and how the setting is called there."""


def attributes(file: Path) -> Iterator[str]:
    """The last two words of each `a.b.c` in a file; not those in texts and comments."""
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Attribute):
                yield f"{node.value.attr}.{node.attr}"
            elif isinstance(node.value, ast.Name):
                yield f"{node.value.id}.{node.attr}"


def test_every_setting_is_read_somewhere() -> None:
    read = {name for file in sources() if room_of(file) not in ("interview", "setup") for name in attributes(file)}
    unread = []
    for row in settings():
        if row.name.startswith("modlog.retention."):  # read field by field, in handlers/modlog.py
            continue
        if row.name in READ_UNDER_OTHER_NAMES:
            place, name = READ_UNDER_OTHER_NAMES[row.name]
            found = name in attributes(ROOT / place)
        else:
            found = ".".join(("config", *row.path)[-2:]) in read
        if not found:
            unread.append(row.name)
    assert unread == [], "a setting without effect: read it, or take it out"
