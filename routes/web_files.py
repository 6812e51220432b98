"""The files of the web client: read once, compressed once, named by the hash of all of them."""

from __future__ import annotations

import gzip
import hashlib
import logging
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import msgspec

from routes.web_modules import JOINED, NotJoinable, join

log = logging.getLogger(__name__)

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""Files of other kinds are not part of the client."""
COMPRESSED = {".png", ".woff2"}
SHELL, WORKER, MANIFEST, MAIN = "index.html", "sw.js", "manifest.webmanifest", "app/main.js"
STYLES = "styles/first.css"
"""The style sheets that the page names, as one."""
_STYLE_LINK = re.compile(r'<link rel="stylesheet" href="app-%VERSION%/(styles/[\w-]+\.css)">\n')
_LINE_COMMENT = re.compile(r"^[ \t]*//[^\n]*", re.MULTILINE)
_BLOCK_COMMENT = re.compile(r"^[ \t]*/\*.*?\*/", re.MULTILINE | re.DOTALL)
_INDENTATION = re.compile(r"^[ \t]+", re.MULTILINE)

Fingerprint = frozenset[tuple[str, int, int]]
"""Name, time of the last change in ns, and size of each file."""


class WebFile(msgspec.Struct, frozen=True):
    """gzipped: None where that is not shorter."""

    media_type: str
    body: bytes
    gzipped: bytes | None
    etag: str


class WebFiles(msgspec.Struct, frozen=True):
    """files: by their path below the folder, with `/`. version: changes with every byte of any of them."""

    version: str
    files: Mapping[str, WebFile]

    def text(self, name: str) -> str:
        return self.files[name].body.decode()


def web_file(name: str, body: bytes) -> WebFile:
    suffix = PurePosixPath(name).suffix
    gzipped = None if suffix in COMPRESSED else gzip.compress(body, 9, mtime=0)
    if gzipped is not None and len(gzipped) >= len(body):
        gzipped = None
    return WebFile(TYPES[suffix], body, gzipped, hashlib.sha256(body).hexdigest()[:32])


def fingerprint(folder: Path) -> Fingerprint:
    """Of what `read` would read; empty when the folder is not there."""
    return frozenset((name, (found := path.stat()).st_mtime_ns, found.st_size) for name, path in _paths(folder))


def read(folder: Path) -> WebFiles | None:
    """None when there is no client in the folder."""
    bodies = {name: path.read_bytes() for name, path in sorted(_paths(folder))}
    if not {SHELL, WORKER, MANIFEST, MAIN} <= set(bodies):
        return None
    bodies = {name: shortened(body) if _is_ours(name) else body for name, body in bodies.items()}
    bodies = _with_one_module(_with_one_style(bodies))
    whole = hashlib.sha256()
    for name, body in bodies.items():
        whole.update(f"{name} {len(body)}\n".encode() + body)
    files = {name: web_file(name, body) for name, body in bodies.items()}
    return WebFiles(whole.hexdigest()[:16], files)


def shortened(source: bytes) -> bytes:
    """A module or style sheet without the comments that begin a line and without indentation, an eighth of its bytes.
    Lines keep their numbers. Texts of several lines may not have a line that begins with `//` or `/*`, and lose their
    indentation, which counts for nothing in HTML and selectors."""
    text = _LINE_COMMENT.sub("", source.decode())
    text = _BLOCK_COMMENT.sub(lambda found: "\n" * found.group().count("\n"), text)
    return _INDENTATION.sub("", text).encode()


def _with_one_style(bodies: Mapping[str, bytes]) -> dict[str, bytes]:
    """With one link in the place of those to style sheets: one answer to wait for before anything is drawn."""
    shell = bodies[SHELL].decode()
    names = [name for name in _STYLE_LINK.findall(shell) if name in bodies]
    if not names:
        return dict(bodies)
    link = f'<link rel="stylesheet" href="app-%VERSION%/{STYLES}">\n'
    rest = {name: body for name, body in bodies.items() if name not in names}
    return rest | {
        SHELL: _STYLE_LINK.sub("", shell).replace("<script", f"{link}<script", 1).encode(),
        STYLES: b"\n".join(bodies[name] for name in names),
    }


def _with_one_module(bodies: dict[str, bytes]) -> dict[str, bytes]:
    """What cannot be joined is served as it is, which is only slower."""
    try:
        joined = join(bodies, MAIN)
    except NotJoinable as error:
        log.warning("The modules of the web client are served one by one: %s", error)
        return bodies
    shell = bodies[SHELL].decode().replace(f"%VERSION%/{MAIN}", f"%VERSION%/{JOINED}")
    return joined | {SHELL: shell.encode()}


def _is_ours(name: str) -> bool:
    return name.startswith(("app/", "styles/")) and name.endswith((".js", ".css"))


def _paths(folder: Path) -> Iterator[tuple[str, Path]]:
    """Hidden files, links and files of unknown kinds are left out."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        if path.suffix in TYPES and not hidden and path.is_file() and not path.is_symlink():
            yield name.as_posix(), path
