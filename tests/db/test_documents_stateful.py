"""Commands in memory, the writer, and people with editors, in every order: in the end all hold the same."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from db import atomic_file
from db.channels import Channel
from db.documents import Change
from db.roles import Role
from tests.db.files import Host, save_by_rename, save_in_place

NAMES = st.sampled_from(["a", "b", "c", "d"])
FIELDS = st.sampled_from(["color", "description", "category", "extra"])
STYLES = st.sampled_from([save_by_rename, save_in_place])


@contextmanager
def disk_full() -> Iterator[None]:
    def full(path: Path, data: bytes) -> Any:
        raise OSError(28, "No space left on device")

    original, atomic_file.write_new = atomic_file.write_new, full
    try:
        yield
    finally:
        atomic_file.write_new = original


class Editing(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
        self.host = Host(self.folder)
        self.to_writer: list[tuple[Change, ...]] = []
        self.to_loop: list[tuple[str, Any]] = []
        self.counter = 0
        self.broken: set[str] = set()
        self.host.start()

    def new_value(self) -> str:
        self.counter += 1
        return f"v{self.counter}"

    @initialize()
    def some_records(self) -> None:
        for name in "ab":
            self.host.documents.roles.put(Role(name=name, id=name))
            self.host.documents.channels.put(Channel(id=name, name=name))
        self.host.commit()

    # --- commands ----------------------------------------------------------------------------------------------

    def send(self) -> None:
        changes = self.host.documents.take_changes()
        if changes:
            self.to_writer.append(changes)

    @rule(name=NAMES, field=FIELDS, lazily=st.booleans())
    def command_edits_role(self, name: str, field: str, lazily: bool) -> None:
        roles = self.host.documents.roles
        role = roles.get(name)
        if role is None:
            return
        value = self.new_value()
        role = (
            msgspec.structs.replace(role, extra={**role.extra, value[-1]: value})
            if field == "extra"
            else msgspec.structs.replace(role, **{field: value})
        )
        if lazily:
            roles.put_lazily(role)
        else:
            roles.put(role)
        self.send()

    @rule(name=NAMES)
    def command_makes_or_deletes_role(self, name: str) -> None:
        roles = self.host.documents.roles
        if name in roles:
            roles.remove(name)
        else:
            roles.put(Role(name=name, id=name, color=self.new_value()))
        self.send()

    @rule(name=NAMES, place=st.integers(0, 4))
    def command_changes_channels(self, name: str, place: int) -> None:
        channels = self.host.documents.channels
        if name not in channels:
            if channels.by_name(name) is None:
                channels.put(Channel(id=name, name=name))
        elif place == 4:
            channels.remove(name)
        else:
            channels.move(name, place)
        self.send()

    @rule()
    def lazy_changes_are_sent(self) -> None:
        lazy = self.host.documents.take_lazy()
        if lazy:
            self.to_writer.append(lazy)

    # --- people ------------------------------------------------------------------------------------------------

    def edit(self, document: str, style: Any, change: Any) -> None:
        path = self.host.path(document)
        if document in self.broken or not path.exists():
            return
        fields = json.loads(path.read_text())
        change(fields)
        for _ in style(path, json.dumps(fields, indent=2)):
            pass

    @rule(name=NAMES, field=FIELDS, style=STYLES)
    def person_edits_role(self, name: str, field: str, style: Any) -> None:
        self.edit("roles", style, lambda roles: roles.get(name, {}).update({field: self.new_value()}))

    @rule(name=NAMES, style=STYLES)
    def person_makes_or_deletes_role(self, name: str, style: Any) -> None:
        def change(roles: dict[str, Any]) -> None:
            if roles.pop(name, None) is None:
                roles[name] = {"category": self.new_value(), "position": 1}

        self.edit("roles", style, change)

    @rule(name=NAMES, place=st.integers(0, 5), style=STYLES)
    def person_changes_channels(self, name: str, place: int, style: Any) -> None:
        def change(channels: list[dict[str, Any]]) -> None:
            found = next((channel for channel in channels if channel["name"] == name), None)
            if found is None:
                channels.insert(place, {"name": name, "note": self.new_value()})
            elif place == 5:
                channels.remove(found)
            elif place == 4:
                found["description"] = self.new_value()
            else:
                channels.remove(found)
                channels.insert(place, found)

        self.edit("channels", style, change)

    @rule(document=st.sampled_from(["roles", "channels"]))
    def person_breaks_file(self, document: str) -> None:
        path = self.host.path(document)
        if document not in self.broken:
            self.whole = {**getattr(self, "whole", {}), document: path.read_text()}
            path.write_text(path.read_text()[:-2])
            self.broken.add(document)

    @rule()
    @precondition(lambda self: self.broken)
    def person_repairs_file(self) -> None:
        document = self.broken.pop()
        self.host.path(document).write_text(self.whole[document])

    # --- the writer, and what travels --------------------------------------------------------------------------

    @rule()
    @precondition(lambda self: self.to_writer)
    def writer_writes(self) -> None:
        changes = self.to_writer.pop(0)
        self.to_loop.append(("edits", self.host.files.apply(changes)))
        self.host.save()

    @rule()
    @precondition(lambda self: self.to_writer and all(c.old and c.new for c in self.to_writer[0]))
    def writer_cannot_write(self) -> None:
        changes = self.to_writer.pop(0)
        with disk_full():
            try:
                self.to_loop.append(("edits", self.host.files.apply(changes)))
            except OSError:
                self.to_loop.append(("undo", changes))

    @rule(later_s=st.sampled_from([0.1, 2.0, 5.0]))
    def writer_looks(self, later_s: float) -> None:
        self.host.now += later_s
        self.to_loop.append(("edits", self.host.files.look()))
        self.host.save()

    @rule()
    @precondition(lambda self: self.to_loop)
    def loop_hears(self) -> None:
        kind, changes = self.to_loop.pop(0)
        if kind == "undo":
            self.host.documents.undo(changes)
        else:
            self.host.documents.apply_external(changes)

    def come_to_rest(self) -> None:
        while self.to_writer or self.to_loop:
            if self.to_writer:
                self.writer_writes()
            while self.to_loop:
                self.loop_hears()
            self.lazy_changes_are_sent()

    def repair_all(self) -> None:
        while self.broken:
            self.person_repairs_file()

    @rule()
    def restart(self) -> None:
        self.lazy_changes_are_sent()
        self.come_to_rest()
        self.repair_all()
        self.host.stop()
        self.host.start()
        self.check_agreement()

    # --- what must hold ----------------------------------------------------------------------------------------

    @invariant()
    def file_can_be_read(self) -> None:
        for document in {"roles", "channels"} - self.broken:
            assert self.host.files[document].check() is None

    def check_agreement(self) -> None:
        documents, files = self.host.documents, self.host.files
        assert {role.name: role for role in documents.roles} == files["roles"].ours
        channels = dict(files["channels"].ours)
        order = channels.pop("#order")
        assert {channel.id: channel for channel in documents.channels} == channels
        assert [channel.id for channel in documents.channels] == order.sort(channels)
        on_disk = self.host.read("roles")
        assert {name: role["color"] for name, role in on_disk.items()} == {
            role.name: role.color for role in documents.roles
        }
        assert [(c["id"], c["name"]) for c in self.host.read("channels")] == [
            (channel.id, channel.name) for channel in documents.channels
        ]

    def teardown(self) -> None:
        self.repair_all()
        self.lazy_changes_are_sent()
        self.writer_looks(20.0)
        self.come_to_rest()
        self.writer_looks(20.0)
        self.come_to_rest()
        assert not any(file.pending or file.problem for file in self.host.files)
        self.check_agreement()
        self.host.stop()
        shutil.rmtree(self.folder)


@pytest.mark.parametrize("steps", [15, 50])
def test_everybody_agrees_in_the_end(monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: None)
    run_state_machine_as_test(
        Editing,
        settings=settings(
            max_examples=60, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
