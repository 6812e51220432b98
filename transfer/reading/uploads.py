"""Attached files: the records of uploads, and what messages say of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from db.attachments import StoredAttachment
from db.message_rows import Message
from transfer.model import Upload
from transfer.reading.people import People
from transfer.reading.source import Source
from transfer.report import Report

FOLDER = "attachments"
MAX_ID = 64
MAX_NAME = 255
DEFAULT_TYPE = "application/octet-stream"


class Uploads:
    """by_id: to be copied; grows while messages are read."""

    def __init__(
        self,
        source: Source,
        records: Mapping[str, Any],
        channels: Mapping[str, str],
        people: People,
        report: Report,
        exact: bool = False,
    ) -> None:
        """channels: old name -> id. exact: messages keep what they say of their attachments."""
        self._exact = exact
        self._source = source
        self._records = records
        self._channels = channels
        self._people = people
        self._report = report
        self._files: dict[str, Path] = {}
        for path in source.files(FOLDER):
            self._files.setdefault(path.stem, path)
        self.by_id: dict[str, Upload] = {}
        for id_, record in records.items():
            self._read(id_, record)

    def _read(self, id_: str, record: Any) -> None:
        if not isinstance(record, dict) or not 0 < len(id_) <= MAX_ID or not id_.isprintable():
            self._report.note("bad_record", f"attachments.json: {id_}")
            return
        filename = record.get("filename")
        path = self._source.file(FOLDER, filename) if isinstance(filename, str) and filename else None
        path = path or self._files.get(id_)
        if path is None:
            self._report.note("attachment_file_gone", f"{record.get('original_name') or id_}")
            return
        channel = self._channels.get(_text(record.get("channel")), "")
        uploader = self._people.id_of(record.get("uploader_id") or record.get("uploader_name"))
        self.by_id[id_] = Upload(_record(id_, record, _text(record.get("original_name")), uploader, channel), path)

    def tell_strays(self) -> None:
        """Once all messages were read."""
        uploaded = {upload.source.name for upload in self.by_id.values()}
        for path in self._files.values():
            if path.name not in uploaded and path.stem not in self._records:
                self._report.note("stray_upload", path.name)

    def snapshot(self, given: dict[str, Any], message: Message) -> dict[str, Any] | None:
        """What the message keeps of it; None when neither record nor file is left."""
        if self._exact:
            return {key: value for key, value in given.items() if key != "url"}
        id_ = given["id"]
        upload = self.by_id.get(id_)
        if upload is None and id_ in self._files and 0 < len(id_) <= MAX_ID:
            self._report.note("attachment_without_record", _text(given.get("name")) or id_)
            fields = given | {"created_at": message.timestamp}
            made = _record(id_, fields, _text(given.get("name")), message.user_id, "")
            upload = self.by_id[id_] = Upload(made, self._files[id_])
        if upload is None:
            if not isinstance(self._records.get(id_), dict):
                return None
            record = _record(id_, given, _text(given.get("name")), message.user_id, "")
        else:
            record = upload.record
        snapshot: dict[str, Any] = {
            "id": id_,
            "name": record.name,
            "mime_type": record.mime_type,
            "size": record.size or _whole(given.get("size")) or 0,
            "expires_at": record.expires_at,
            "permanent": record.permanent,
        }
        if record.width is not None and record.height is not None:
            snapshot |= {"width": record.width, "height": record.height}
        return snapshot


def _record(id_: str, fields: Mapping[str, Any], name: str, uploader: str, channel: str) -> StoredAttachment:
    expires = fields.get("expires_at")
    width, height = _whole(fields.get("width")), _whole(fields.get("height"))
    both = width is not None and height is not None
    return StoredAttachment(
        id=id_,
        hash="",
        name=(name or id_)[:MAX_NAME],
        mime_type=_text(fields.get("mime_type"))[:100] or DEFAULT_TYPE,
        size=_whole(fields.get("size")) or 0,
        uploader_id=uploader,
        channel=channel,
        created_at=_number(fields.get("created_at")) or 0.0,
        expires_at=_number(expires),
        permanent=fields.get("permanent") is True,
        width=width if both else None,
        height=height if both else None,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else None
