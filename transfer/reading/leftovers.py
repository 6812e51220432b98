"""What lies in an old folder and is not taken over: it is told, so that nothing goes missing in silence."""

from __future__ import annotations

from transfer import own_format
from transfer.reading.indexes import EARLY_SUFFIX, Indexes
from transfer.reading.small import EMOJI_FOLDER
from transfer.reading.source import Source
from transfer.reading.sqlite_era import NAME
from transfer.report import Report

READ = {
    "users.json", "roles.json", "channels.json", "polls.json", "poll_votes.json", "unreads.json", "webhooks.json",
    "modlog.json", "attachments.json", "serverEmojis.json", "push_subscriptions.json", "directs.json", own_format.FILE,
    NAME, f"{NAME}-wal", f"{NAME}-shm",
    # of these the messages say the same, or the host has made them to be kept where they are
    "pinned_messages.json", "backup",
}  # fmt: skip
FOLDERS = {
    "channels", "threads", "threadMessages", "directMessages", "attachments", EMOJI_FOLDER, "serverAssets", "plugins",
}  # fmt: skip
"""Of whose files the readers tell themselves, or the lines below."""


def tell(source: Source, raw: Indexes, report: Report) -> None:
    for path in sorted(source.data.iterdir()):
        if path.name in READ or path.name in FOLDERS:
            continue
        if not path.is_dir() or path.is_symlink():
            report.note("unknown_file", path.name)
        elif any(path.iterdir()):
            report.note("unknown_file", f"{path.name}/")
    pictures = {record.get("fileName") for record in raw.emojis.values() if isinstance(record, dict)}
    for path in source.files(EMOJI_FOLDER):
        if path.name not in pictures:
            report.note("unknown_file", f"{EMOJI_FOLDER}/{path.name}: no emoji shows it")
    for id_ in raw.thread_messages.keys() - raw.threads.keys():
        report.note("no_thread", f"thread {id_}")
    if source.file(NAME) is None:
        _thread_files(source, report)


def _thread_files(source: Source, report: Report) -> None:
    known = {path.stem for path in source.files("threads") if path.suffix == ".json"}
    for folder, end in (("threadMessages", ".jsonl"), ("threads", EARLY_SUFFIX)):
        for path in source.files(folder):
            if path.name.endswith(end) and path.stat().st_size and path.name.removesuffix(end) not in known:
                report.note("no_thread", f"{folder}/{path.name}")
