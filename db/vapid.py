"""The key pair of web push, by which the services of browsers know this server. Subscriptions are bound to it.

Two files, in the form of upstream: `private_key.pem`, and `vapid_config.json` with the public key and a contact.
"""

from __future__ import annotations

import base64
import os
import threading
from pathlib import Path
from typing import Any

import msgspec

from db import atomic_file

CONTACT = "mailto:admin@localhost.invalid"
"""Of a server whose host has named none. Services want one that looks real; most never use it."""


class _Config(msgspec.Struct):
    """vapid_config.json."""

    public_key_b64: str = ""
    claims_email: str = ""


class Keys(msgspec.Struct, frozen=True):
    """private: a `Vapid` of pywebpush, safe to use from several threads. public: the uncompressed point in base64url
    without padding. contact: a `mailto:` or `https:` address."""

    private: Any
    public: str
    contact: str


class VapidKeys:
    """The pair, made at its first use. May be used from any thread."""

    def __init__(self, folder: Path) -> None:
        self._key_file = folder / "private_key.pem"
        self._config_file = folder / "vapid_config.json"
        self._keys: Keys | None = None
        self._lock = threading.Lock()

    def get(self) -> Keys:
        """Raises OSError when the files can be neither read nor made."""
        with self._lock:
            if self._keys is None:
                self._keys = self._open()
            return self._keys

    def _open(self) -> Keys:
        from pywebpush import Vapid  # takes half a second and 20 MB, which only those pay who use it

        if self._key_file.exists():
            try:
                private = Vapid.from_pem(self._key_file.read_bytes())
            except ValueError as error:
                raise OSError(f"{self._key_file} does not hold a private key: {error}") from None
        else:
            private = Vapid()
            private.generate_keys()
            self._key_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(self._key_file, private.private_pem())
        point = private.public_key.public_numbers()
        raw = b"\x04" + point.x.to_bytes(32, "big") + point.y.to_bytes(32, "big")
        public = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        return Keys(private, public, self._contact(public))

    def _contact(self, public: str) -> str:
        """As the file says. It is written anew where it tells of another key."""
        try:
            config = msgspec.json.decode(self._config_file.read_bytes(), type=_Config)
        except (FileNotFoundError, msgspec.DecodeError):
            config = _Config()
        contact = config.claims_email
        if not contact.startswith(("mailto:", "https://")):
            contact = CONTACT
        if config.public_key_b64 != public:
            new = _Config(public_key_b64=public, claims_email=contact)
            _write(self._config_file, msgspec.json.format(msgspec.json.encode(new)) + b"\n")
        return contact


def _write(path: Path, data: bytes) -> None:
    """For the owner's eyes only."""
    _, replaced = atomic_file.replace(path, data, exists=False)
    if replaced is not None:
        replaced.close()
    os.chmod(path, 0o600)
