"""`python setup.py`: a few questions, then config.json and the first owner are written. This file packages nothing."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 written, 1 nothing written, 2 wrong flags, 130 interrupted."""
    if any(not argument.startswith("-") for argument in arguments[:1]):
        print(
            f"setup.py is not for packaging and knows no command {arguments[0]!r}: it asks questions and writes "
            "config.json. To install, run `make setup`; to build a package, `python -m hatchling build`.",
            file=sys.stderr,
        )
        return 2
    if importlib.util.find_spec("rich") is None or importlib.util.find_spec("msgspec") is None:
        return _in_the_virtual_environment(arguments)
    from interview.main import run

    return run(arguments, FOLDER)


def _in_the_virtual_environment(arguments: list[str]) -> int:
    """The same again with the Python that has the packages, if `make setup` has made it."""
    python = FOLDER / ".venv" / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists() or Path(sys.prefix) == python.parent.parent:
        print("The packages this needs are missing: run `make setup` first.", file=sys.stderr)
        return 1
    sys.stdout.flush()
    return os.execv(python, [str(python), str(FOLDER / "setup.py"), *arguments])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
