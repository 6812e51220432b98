"""The server's own secret: a file from which tokens are derived, so that the database holds none.

It is made at its first use. Whoever has a copy of the database alone can neither read nor work out a token.
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from pathlib import Path

from db import atomic_file

BYTES = 32


class SecretKey:
    """May be used from any thread; the first use reads, or writes, the file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._key: bytes | None = None
        self._lock = threading.Lock()

    def derive(self, purpose: str) -> bytes:
        """32 bytes that belong to this text. Raises OSError when the file can be neither read nor made."""
        with self._lock:
            if self._key is None:
                self._key = self._read() or self._make()
            return hmac.digest(self._key, purpose.encode(), "sha256")

    def _read(self) -> bytes | None:
        try:
            text = self._path.read_text("ascii").strip()
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            text = ""
        if re.fullmatch(rf"[0-9a-f]{{{2 * BYTES}}}", text) is None:
            raise OSError(f"{self._path} does not hold a key: {2 * BYTES} hexadecimal digits")
        return bytes.fromhex(text)

    def _make(self) -> bytes:
        key = secrets.token_bytes(BYTES)
        atomic_file.replace(self._path, f"{key.hex()}\n".encode(), exists=False)
        return key
