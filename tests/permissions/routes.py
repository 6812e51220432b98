"""Who is answered what over HTTP: one row for each route, with a status for each caller in the order of `CALLERS`:
nobody, banned, hidden, user, moderator, admin, owner.

A caller sends what it has: `$session` is the secret of its session (of the banned user: as it was before), `$token`
its token of the chat API, `$nick` its name. `$thing` is as in `commands.py`. Routes of the chat API are below
`/api/v1`.
"""

from __future__ import annotations

from typing import Any

import msgspec

from tests.support.community import PASSWORD
from tests.support.pictures import PNG

API = "/api/v1"


class Row(msgspec.Struct, frozen=True):
    """One row. route: as in the table of the app. path: what is asked for, if it is something else. before: what the
    caller asks for first, if it has an account: a command and its packet."""

    method: str
    route: str
    statuses: str
    path: str = ""
    body: Any = None
    case: str = ""
    before: tuple[str, dict[str, Any]] | None = None

    @property
    def title(self) -> str:
        return f"{self.method} {self.route} {self.case}".strip()


def public(route: str, path: str = "") -> Row:
    """What everybody may read."""
    return Row("GET", route, "200 200 200 200 200 200 200", path)


EVERYBODY = "401 401 200 200 200 200 200"
VIEWERS = "401 401 404 200 200 200 200"
NOT_THERE = "404 404 404 404 404 404 404"
UPLOAD = {"validator_key": "k", "validator": "$session", "file": PNG, "name": "a.png", "mime_type": "image/png"}
POST = {"content": "tea"}

SERVER = (
    public("/"),
    public("/index.html"),
    public("/sw.js"),
    public("/manifest.webmanifest"),
    public("/app-{version}/{name:path}", "/app-0/app/first.js"),
    Row("GET", "/app-{version}/{name:path}", NOT_THERE, "/app-0/../config.json", case="of what is beside it"),
    public("/info"),
    public("/healthz"),
    public("/readyz"),
    public("/.well-known/healthcheck.json"),
    public("/emojis/{name:path}", "/emojis/$emoji"),
    Row("GET", "/server-assets/{name:path}", NOT_THERE, "/server-assets/nothing.png"),
    Row("GET", "/metrics", NOT_THERE),
    Row("GET", "/exports/{token}", NOT_THERE, "/exports/nothing", case="of a link that was guessed"),
    Row("GET", "/exports/{token}", "404 404 200 200 200 200 200", "$url", case="of an own link",
        before=("user_export", {})),
    public("/invites/{code}", "/invites/$invite"),
    Row("POST", "/webhooks", "204 204 204 204 204 204 204", "/webhooks?token=$webhook_token", POST),
    Row("POST", "/webhooks", "401 401 401 401 401 401 401", "/webhooks?token=$session", POST, "with another secret"),
    Row("POST", "/webhooks/{rest:path}", "204 204 204 204 204 204 204", "/webhooks/x?token=$webhook_token", POST),
    Row("POST", "/attachments/upload", "401 401 404 201 201 201 201", body={**UPLOAD, "channel": "$club"}),
    Row("POST", "/attachments/upload", "401 401 404 404 404 404 201", body={**UPLOAD, "channel": "$direct"},
        case="for two, one of them the owner"),
    public("/attachments/{id}", "/attachments/$attachment"),
)  # fmt: skip

CHAT_API = (
    public(f"{API}/openapi.json"),
    public(f"{API}/server"),
    Row("POST", f"{API}/register", "201 201 201 201 201 201 201", body={"nick": "wanda"}, case="as a guest"),
    Row("POST", f"{API}/register", "201 403 201 201 201 201 201", body={"nick": "$nick", "password": PASSWORD},
        case="with a password"),
    Row("PATCH", f"{API}/nick", "401 401 403 403 403 403 403", body={"nick": "wanda"}),
    Row("POST", f"{API}/nick", "401 401 403 403 403 403 403", body={"nick": "wanda"}),
    Row("DELETE", f"{API}/session", "401 401 204 204 204 204 204"),
    Row("GET", f"{API}/state", EVERYBODY),
    Row("POST", f"{API}/messages", "401 401 404 201 201 201 201", body={"to": "#$club", "content": "tea"}),
    Row("GET", f"{API}/messages", EVERYBODY, f"{API}/messages?timeout=0"),
    Row("GET", f"{API}/history", VIEWERS, f"{API}/history?target=%23$club"),
    Row("GET", f"{API}/channels/all", EVERYBODY),
    Row("POST", f"{API}/channels/join", VIEWERS, body={"channel": "#$club"}),
    Row("DELETE", f"{API}/channels/{{name}}", "401 401 404 204 204 204 204", f"{API}/channels/$club",
        before=("channel_join", {"channel": "club"})),
    Row("GET", f"{API}/channels/{{name}}/members", VIEWERS, f"{API}/channels/$club/members"),
    Row("POST", f"{API}/channels/{{name}}/topic", VIEWERS, f"{API}/channels/$club/topic", {"topic": "Tea"}),
    Row("POST", f"{API}/channels/{{name}}/mode", "401 401 404 403 403 200 200", f"{API}/channels/$club/mode",
        {"modes": "+m"}),
    Row("POST", f"{API}/channels/{{name}}/invite", "401 401 404 403 403 204 204", f"{API}/channels/$club/invite",
        {"nick": "ben"}),
    Row("POST", f"{API}/channels/{{name}}/kick", "401 401 404 403 403 204 204", f"{API}/channels/$club/kick",
        {"nick": "ann"}, before=("channel_join", {"channel": "club"})),
)  # fmt: skip

ROWS = (*SERVER, *CHAT_API)
