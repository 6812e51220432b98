"""What an import did not take over as it was, and why: collected while it runs, written as a file for the host."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from typing import Any

from config.files import json_bytes, write_files

EXAMPLES = 20
"""Places that are named of each kind; the others are counted."""
EXAMPLE_CHARACTERS = 300
TEXT, JSON = "import-report.txt", "import-report.json"

KINDS = {
    "bad_line": ("skipped", "lines of message files that are no message"),
    "mended_line": ("changed", "lines that held half a character: it became U+FFFD"),
    "earlier_copy": ("skipped", "earlier versions of a message that stands in its file again further down"),
    "id_elsewhere": ("skipped", "messages with an id that a message of another channel or thread has"),
    "new_id": ("changed", "messages without a usable id: they got one"),
    "bad_time": ("changed", "messages without a usable time: they got that of the message before"),
    "time_raised": ("changed", "messages not later than the one before: a moment later now, so that order holds"),
    "bad_field": ("changed", "values of the wrong form: left out"),
    "bad_link": ("changed", "addresses in embeds that are no web addresses: left out"),
    "attachment_gone": ("changed", "attachments of messages, of which neither record nor file is left: left out"),
    "attachment_file_gone": ("skipped", "uploads whose file is gone"),
    "attachment_without_record": ("changed", "uploads without a record: made from the message that shows them"),
    "placeholder": ("changed", "members known by name only: whoever logs in under that name takes over"),
    "name_twice": ("skipped", "members by name, who have a record by id too: their roles are those of that record"),
    "reserved_name": (
        "changed",
        "members called like the server, a plugin or a webhook: by another name, or left out where that is their id",
    ),
    "same_username": ("changed", "members who share a username; the first of the file answers to it"),
    "banned_role": ("changed", "bans by the role `banned`: a mark of the member now"),
    "no_permissions": ("changed", "roles without a list of permissions: they have none"),
    "bad_record": ("skipped", "records that cannot be used"),
    "renamed_channel": ("changed", "channels with names that are not allowed, or double"),
    "stranded": ("skipped", "message files without a channel; with `--stranded` channels that only owners see"),
    "stranded_thread": ("skipped", "threads of channels that do not exist; `--stranded` keeps them"),
    "outside": ("skipped", "links that lead out of the folder"),
    "no_channel": ("skipped", "records of channels, threads or messages that do not exist"),
    "no_user": ("skipped", "records of members who do not exist"),
    "marker": ("skipped", "read markers at messages that do not exist: everything is unread there"),
    "stale_push": ("skipped", "push subscriptions that were not used since upstream counts it"),
    "emoji": ("skipped", "emojis without a picture, or with one that is not allowed"),
    "setting": ("skipped", "settings that mean nothing here, or have a value that is refused"),
    "setting_written_out": ("changed", "absent settings that mean something else when absent here: written out"),
    "settings_kept": ("skipped", "settings, as config.json has its own; `--yes` takes the old ones over"),
    "is_there": ("skipped", "records that the data folder has already: left as they are there"),
    "older": ("skipped", "messages before the last one that is here too: they were deleted here"),
    "channel_beside": ("changed", "channels that have a history of their own here: the old one is another channel"),
    "no_thread": ("skipped", "messages of threads of which there is no record"),
    "stray_upload": ("skipped", "files of uploads that neither a record nor a message knows"),
    "unknown_file": ("skipped", "files that have no use here"),
}
"""Kind -> what became of them, and what they are."""


class Report:
    """May be used from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.counts: dict[str, int] = {}
        """What was taken over, by kind, in the order in which it is told."""
        self.notes: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = {}
        self.facts: dict[str, Any] = {}
        """Of the import as a whole: source, eras, and so on."""

    def note(self, kind: str, where: str = "", times: int = 1) -> None:
        with self._lock:
            self.notes[kind] += times
            known = self.examples.setdefault(kind, [])
            if where and len(known) < EXAMPLES:
                known.append(where[:EXAMPLE_CHARACTERS])

    def as_document(self) -> dict[str, Any]:
        notes = {
            kind: {"what": action, "why": text, "count": self.notes[kind], "examples": self.examples.get(kind, [])}
            for kind, (action, text) in KINDS.items()
            if self.notes[kind]
        }
        return {**self.facts, "taken_over": self.counts, "notes": notes}

    def as_text(self) -> str:
        lines = [f"{name}: {value}" for name, value in self.facts.items()]
        lines += ["", "Taken over", *(f"  {count:>10,}  {kind}" for kind, count in self.counts.items())]
        for action in ("skipped", "changed"):
            kinds = [kind for kind, (what, _) in KINDS.items() if what == action and self.notes[kind]]
            lines += ["", action.capitalize(), *([] if kinds else ["  nothing"])]
            for kind in kinds:
                lines.append(f"  {self.notes[kind]:>10,}  {KINDS[kind][1]}")
                known = self.examples.get(kind, [])
                lines += [f"              - {place}" for place in known]
                if known and self.notes[kind] > len(known):
                    lines.append(f"              - and {self.notes[kind] - len(known):,} more")
        return "\n".join(lines) + "\n"

    def write(self, text_file: Path) -> list[Path]:
        """As a text, and as JSON beside it. Raises OSError."""
        json_file = text_file.with_suffix(".json")
        contents = {text_file: self.as_text().encode("utf-8", "replace"), json_file: json_bytes(self.as_document())}
        write_files(contents, modes=dict.fromkeys(contents, 0o600))
        return list(contents)
