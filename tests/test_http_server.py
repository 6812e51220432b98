"""How many connections the system lets a server hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

resource = pytest.importorskip("resource")

ROOT = Path(__file__).resolve().parents[1]
ASK = """
import resource
from http_server import allow_connections
soft, hard = {soft}, {hard}
resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
print(allow_connections({wanted}), resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.parametrize(
    ("soft", "hard", "wanted", "says"),
    [
        (300, 2000, 1000, "None (1256, 2000)"),
        (300, 1100, 1000, "None (1100, 1100)"),
        (300, 900, 1000, "900 (900, 900)"),
        (1900, 2000, 1000, "None (1900, 2000)"),
    ],
    ids=["enough", "just enough", "too few", "more than is needed"],
)
def test_a_server_asks_for_the_open_files_that_its_connections_need(
    soft: int, hard: int, wanted: int, says: str
) -> None:
    program = ASK.format(soft=soft, hard=hard, wanted=wanted)
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == (says, "")
