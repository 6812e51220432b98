"""Uploaded files. Uploading and fetching them is plain HTTP: `POST /attachments/upload`, `GET /attachments/<id>`."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from protocol.base import Command, Packet, spec
from protocol.errors import Code
from protocol.objects_messages import Attachment, AttachmentId

UPLOAD_ID = "3f2b8a52-9c1d-4e7f-8a60-5b4c3d2e1f00"


class UploadForm(Struct, frozen=True, kw_only=True):
    """What comes with an uploaded file, besides its bytes. Credentials: a session's secret in `validator`, or a Rotur
    validator and the `validator_key` of an open connection; neither where the request carries a token."""

    name: Annotated[str, Meta(max_length=1024)]
    channel: Annotated[str, Meta(min_length=1, max_length=256)]
    mime_type: Annotated[str, Meta(max_length=256)] = ""
    validator_key: Annotated[str, Meta(max_length=256)] = ""
    validator: Annotated[str, Meta(max_length=4096)] = ""
    expires_in_days: Annotated[float, Meta(gt=0, le=36_500)] | None = None


class UploadReply(Struct, frozen=True, kw_only=True):
    """The answer to an upload."""

    attachment: Attachment
    permanent: bool


class AttachmentInfoReply(Packet, kw_only=True, frozen=True, tag="attachment_info"):
    """An upload."""

    attachment: Attachment


class AttachmentDeletedReply(Packet, kw_only=True, frozen=True, tag="attachment_deleted"):
    """An upload is gone; messages keep naming it."""

    attachment_id: str
    deleted: Literal[True] = True


@spec(
    does="Describe an upload.",
    allowed="everybody after login who knows its id",
    reply=AttachmentInfoReply,
    errors=(Code.ATTACHMENT_NOT_FOUND,),
    example={"attachment_id": UPLOAD_ID},
)
class AttachmentGet(Command, kw_only=True, frozen=True):
    attachment_id: AttachmentId


@spec(
    does="Delete an upload. Messages that show it keep its name; its address leads nowhere.",
    allowed="the uploader; others with permission `manage_messages`, but not what was uploaded for direct messages",
    reply=AttachmentDeletedReply,
    errors=(Code.ATTACHMENT_NOT_FOUND, Code.NOT_PERMITTED),
    example={"attachment_id": UPLOAD_ID},
)
class AttachmentDelete(Command, kw_only=True, frozen=True):
    attachment_id: AttachmentId
