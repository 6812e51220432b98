"""The section of the settings table about keeping data safe."""

from __future__ import annotations

from typing import Annotated

from config.setting import Section, setting


class Backup(Section, frozen=True):
    enabled: Annotated[
        bool, setting("Enabled", "Whether the server backs itself up, at its start and by the clock.")
    ] = True
    every_hours: Annotated[
        float,
        setting("Interval", "Time between two automatic backups.", unit="hours", at_least=0.1, at_most=8_760),
    ] = 24
    keep: Annotated[
        int, setting("Number kept", "When there are more, the oldest goes.", unit="backups", at_least=1, at_most=1_000)
    ] = 10
    folder: Annotated[
        str | None,
        setting(
            "Folder",
            "Where automatic backups lie, relative to config.json; best on another disk. null: the folder backup in "
            "the data folder.",
            min_length=1,
            max_length=1_000,
        ),
    ] = None
