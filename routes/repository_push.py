"""Deliveries of code hosts: what was pushed to a repository, as an embed. GitHub, Gitea, Forgejo and GitLab."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

Body = dict[str, Any]

COLOR = 2369838
MOST_COMMITS = 20
TITLE, DESCRIPTION, AUTHOR, LINE = 256, 4096, 256, 200
"""Most characters; those of an embed, and of one line of the description."""
GITHUB_LOGO = "https://github.githubassets.com/assets/GitHub-Mark-ea2971cee799.png"
WEB_URL = re.compile(r"https?://[^\s()<>]{1,2000}", re.IGNORECASE)


class Host(msgspec.Struct, frozen=True):
    """A code host, known by the header of its event. signature: header with the HMAC-SHA256 of the body in
    hexadecimal; secret: header with the secret itself; delivery: header with an id of its own for each delivery."""

    id: str
    name: str
    event: str
    delivery: str
    signature: str | None = None
    secret: str | None = None
    avatar: str | None = None


HOSTS = (
    Host("forgejo", "Forgejo", "x-forgejo-event", "x-forgejo-delivery", "x-forgejo-signature"),
    Host("gitea", "Gitea", "x-gitea-event", "x-gitea-delivery", "x-gitea-signature"),
    Host("gitlab", "GitLab", "x-gitlab-event", "x-gitlab-event-uuid", secret="x-gitlab-token"),
    Host("github", "GitHub", "x-github-event", "x-github-delivery", "x-hub-signature-256", avatar=GITHUB_LOGO),
)
"""Gitea and Forgejo send the headers of GitHub as well, Forgejo those of Gitea: the first that fits is right."""


def host_of(headers: Mapping[str, str]) -> Host | None:
    return next((host for host in HOSTS if host.event in headers), None)


def is_genuine(host: Host, headers: Mapping[str, str], body: bytes, token: str) -> bool:
    """Whether every proof that the sender gives is right: the webhook's token is the secret. None given is right."""
    proofs = []
    expected = hmac.new(token.encode(), body, hashlib.sha256).hexdigest()
    for name in {host.signature, "x-hub-signature-256"} - {None}:
        given = headers.get(name or "")
        if given:
            proofs.append(hmac.compare_digest(given.removeprefix("sha256=").encode(), expected.encode()))
    if host.secret and headers.get(host.secret):
        proofs.append(hmac.compare_digest(headers[host.secret].encode(), token.encode()))
    return all(proofs)


def push_embed(host: Host, event: str, body: Body, now: float) -> Body | None:
    """The embed for a push; None for every other event."""
    if event not in ("push", "Push Hook") or not isinstance(body.get("ref"), str):
        return None
    if host.id == "gitlab":
        body = _from_gitlab(body)
    repository = _object(body, "repository")
    name = _text(repository, "full_name")
    if not name:
        return None
    sender, commits = _object(body, "sender"), body.get("commits")
    shown = [commit for commit in commits if isinstance(commit, dict)] if isinstance(commits, list) else []
    home = _url(repository, "html_url")
    embed: Body = {
        "title": _cut(_title(body, len(shown)), TITLE),
        "url": _url(body, "compare") or _url(body, "compare_url") or home,
        "color": COLOR,
        "author": _filled(
            name=_cut(f"{_text(sender, 'login') or 'somebody'} - {name}", AUTHOR),
            url=home,
            icon_url=_url(sender, "avatar_url"),
        ),
        "timestamp": datetime.fromtimestamp(now, UTC).isoformat(),
        "description": _description(shown),
    }
    return _filled(**embed)


def _title(body: Body, commits: int) -> str:
    branch = body["ref"].removeprefix("refs/heads/").removeprefix("refs/tags/")
    if body.get("deleted") is True or _is_zero(body.get("after")):
        return f"{branch} deleted"
    if body.get("created") is True or _is_zero(body.get("before")):
        return f"{branch} created"
    if body.get("forced") is True:
        return f"{branch} force-pushed"
    return f"{branch}: {commits} commit{'' if commits == 1 else 's'}"


def _description(commits: list[Body]) -> str:
    """A line for each commit: what fits."""
    lines: list[str] = []
    for number, commit in enumerate(commits):
        first = (_text(commit, "message").strip().splitlines() or [""])[0]
        id_, url = _text(commit, "id")[:7], _url(commit, "url")
        line = f"[`{id_}`]({url}) {_cut(first, LINE)}" if url else f"`{id_}` {_cut(first, LINE)}"
        more = f"… and {len(commits) - number} more"
        if number == MOST_COMMITS or sum(map(len, lines)) + len(lines) + len(line) + len(more) + 1 > DESCRIPTION:
            return "\n".join([*lines, more])
        lines.append(line)
    return "\n".join(lines)


def _from_gitlab(body: Body) -> Body:
    project = _object(body, "project")
    return {
        **body,
        "repository": {"full_name": project.get("path_with_namespace"), "html_url": project.get("web_url")},
        "sender": {"login": body.get("user_username"), "avatar_url": body.get("user_avatar")},
    }


def _object(body: Body, key: str) -> Body:
    value = body.get(key)
    return value if isinstance(value, dict) else {}


def _text(body: Body, key: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else ""


def _url(body: Body, key: str) -> str | None:
    value = _text(body, key)
    return value if WEB_URL.fullmatch(value) else None


def _is_zero(value: object) -> bool:
    """What stands for no commit."""
    return isinstance(value, str) and value.strip("0") == "" and len(value) >= 40


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _filled(**fields: Any) -> Body:
    return {key: value for key, value in fields.items() if value}
