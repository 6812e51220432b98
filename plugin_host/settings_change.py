"""A change of a plugin's settings by a client: the file is written with all of it or none of it. In a thread."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from plugin_api import Settings
from plugin_host import settings_files, settings_form
from plugin_host.settings_files import SettingsError
from plugin_host.settings_form import Form
from protocol.errors import Code, Refused

Changed = dict[str, tuple[Any, Any]]
"""Key of a setting that is another now -> old and new value; None for both of a secret one."""


def change(path: Path, running: Settings, changes: Mapping[str, Any]) -> tuple[Changed, Settings]:
    """What is different now, and all settings. running: what counted until now, for a file that has a mistake and loses
    it by the change. Raises Refused."""
    type_ = type(running)
    form = settings_form.form(type_)
    wanted: dict[str, Any] = {}

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        nonlocal wanted
        wanted = settings_form.changed(form, document, changes)
        return wanted

    try:
        old, new = settings_files.change(path, type_, edit)
    except SettingsError as error:
        where = _entry_of(error.where, form, type_, wanted)
        raise settings_form.refusal(form, changes, where, error.reason) or Refused(
            Code.PLUGIN_SETTINGS_NOT_CHANGED, plugin=path.stem, reason=str(error)
        ) from None
    before, after = settings_form.document_of(old or running), settings_form.document_of(new)
    found: Changed = {}
    for key, field in form.fields.items():
        values = tuple(settings_form.value_at(document, field.path) for document in (before, after))
        if values[0] != values[1]:
            found[key] = (None, None) if field.secret else (values[0], values[1])
    return found, new


def _entry_of(where: str, form: Form, type_: type[Settings], document: dict[str, Any]) -> str:
    """The path with the name of the entry where the decoder says that some entry of a table is wrong."""
    field = form.fields.get(where.removesuffix("[...]"))
    table = settings_form.value_at(document, field.path) if field is not None else None
    if field is None or not isinstance(table, dict):
        return where
    for name, value in table.items():
        try:
            msgspec.convert(settings_form.put(document, field.path, {name: value}), type_)
        except msgspec.ValidationError:
            return f"{field.key}[{name}]"
    return where
