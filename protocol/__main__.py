"""`python -m protocol export [--check]`"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from protocol.export import export, stale


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when `--check` finds stale files."""
    parser = argparse.ArgumentParser(prog="python -m protocol", description="Documentation made from the packet types.")
    commands = parser.add_subparsers(dest="command", required=True)
    export_parser = commands.add_parser("export", help="write docs/protocol/ and docs/settings.md")
    export_parser.add_argument("--check", action="store_true", help="write nothing; name stale files and exit 1")
    options = parser.parse_args(arguments)
    if not options.check:
        for path in export():
            print(f"written: {path}")
        return 0
    found = stale()
    for path in found:
        print(f"stale: {path}", file=sys.stderr)
    if found:
        print("run: python -m protocol export", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
