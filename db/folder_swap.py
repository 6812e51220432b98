"""Putting a folder that was prepared elsewhere in the place of the data folder, in one step that can be undone."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from db.atomic_file import CANNOT_EXCHANGE, exchange, sync_folder

PREPARED = ".prepared-"
BEFORE = ".before-"


def prepared_folder(folder: Path, stamp: str) -> Path:
    """Where the successor of `folder` is built: beside it, so that a rename is enough."""
    return folder.with_name(f"{folder.name}{PREPARED}{stamp}")


def swap(folder: Path, prepared: Path, stamp: str, keep: Iterable[str] = ()) -> Path:
    """Put `prepared` in the place of `folder`, durably; gives where the former folder is now. keep: names in it that
    move over to the new one, where that has none of the name. Raises OSError, and then `folder` is as before."""
    aside = folder.with_name(f"{folder.name}{BEFORE}{stamp}")
    try:
        exchange(folder, prepared)
    except OSError as error:
        if error.errno not in CANNOT_EXCHANGE:
            raise
        folder.rename(aside)
        try:
            prepared.rename(folder)
        except OSError:
            aside.rename(folder)
            raise
    else:
        prepared.rename(aside)
    for name in keep:
        if (aside / name).exists() and not (folder / name).exists():
            (aside / name).rename(folder / name)
    sync_folder(folder.parent)
    return aside


def interrupted(folder: Path) -> str | None:
    """What to do when the system could not swap in one step and was cut off between two, so that there is no data
    folder; None: nothing."""
    if folder.exists() and any(folder.iterdir()):
        return None
    aside = sorted(folder.parent.glob(f"{folder.name}{BEFORE}*"))
    prepared = sorted(folder.parent.glob(f"{folder.name}{PREPARED}*"))
    if not aside or not prepared:
        return None
    return (
        f"putting other data in the place of {folder} was interrupted: rename {prepared[-1].name} to {folder.name} to "
        f"have the new data, or {aside[-1].name} to {folder.name} to have the former"
    )
