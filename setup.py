"""`python setup.py`: a few questions, then config.json and the first owner are written. `import`, `export`, `backup`
and `restore` move data. This file packages nothing."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
INTERRUPTED = 130
COMMANDS = {
    "import": "transfer.import_command",
    "export": "transfer.export_command",
    "backup": "transfer.backup_command",
    "restore": "transfer.restore_command",
}
"""What setup.py does besides asking, by the first word: a module whose `main` gets the other words."""


def main(arguments: list[str]) -> int:
    """Returns the exit code: 0 written, 1 nothing written, 2 wrong flags, 130 interrupted."""
    command = arguments[0] if arguments and not arguments[0].startswith("-") else None
    if command is not None and command not in COMMANDS:
        print(
            f"setup.py is not for packaging and knows no command {command!r}, only {', '.join(COMMANDS)}; without "
            "one it asks questions and writes config.json. To install, run `make setup`; to build a package, "
            "`python -m hatchling build`.",
            file=sys.stderr,
        )
        return 2
    if importlib.util.find_spec("rich") is None or importlib.util.find_spec("msgspec") is None:
        return _in_the_virtual_environment(arguments)
    if command is not None:
        os.umask(0o077)
        try:
            code: int = importlib.import_module(COMMANDS[command]).main(arguments[1:], FOLDER)
        except KeyboardInterrupt:
            print("\nInterrupted; nothing was changed.", file=sys.stderr)
            return INTERRUPTED
        return code
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
