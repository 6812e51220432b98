"""What the commands that move data have in common: which server it is about, and how they fail."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from config.description import default_document
from config.load import load, read_document
from config.paths import data_paths


class Places:
    """The configuration that counts, and where its data lies."""

    def __init__(self, options: argparse.Namespace) -> None:
        """Raises ConfigError."""
        self.config = load(options.config, os.environ)
        self.paths = data_paths(self.config, options.config, options.data_dir)
        self.config_is_default = read_document(options.config)[0] in ({}, default_document())
        """Nothing of the host's stands in config.json, or there is none."""


def add_flags(parser: argparse.ArgumentParser, folder: Path) -> None:
    """folder: where init.py lies."""
    parser.add_argument("--config", type=Path, default=folder / "config.json", metavar="PATH")
    parser.add_argument("--data-dir", type=Path, metavar="D", help="stands for the folder db/ beside config.json")


def told(text: str, code: int = 1) -> int:
    """Say on stderr what went wrong; gives the exit code."""
    print(text, file=sys.stderr)
    return code
