"""`python -m config`: write what is generated from the table of settings. `--check`: is it current?"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from config.description import default_document, json_schema
from config.files import json_bytes, write_file


def generated() -> dict[str, bytes]:
    """Path, seen from the project folder, and content of each generated file."""
    return {"config.schema.json": json_bytes(json_schema())}


def main(arguments: list[str], folder: Path) -> int:
    parser = argparse.ArgumentParser(prog="python -m config", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit code 1 when a file is not current")
    parser.add_argument("--defaults", action="store_true", help="print the config.json that spells out every default")
    options = parser.parse_args(arguments)
    if options.defaults:
        sys.stdout.buffer.write(json_bytes(default_document()))
        return 0
    stale = [
        name
        for name, content in generated().items()
        if not (folder / name).exists() or (folder / name).read_bytes() != content
    ]
    for name in stale:
        if options.check:
            print(f"{name} is not current: run make docs", file=sys.stderr)
        else:
            write_file(folder / name, generated()[name])
            print(f"wrote {name}")
    return 1 if options.check and stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path(__file__).resolve().parent.parent))
