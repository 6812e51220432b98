"""Where the data lies."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from config.schema import Config


class DataPaths(Struct, frozen=True):
    """Absolute places of everything a server remembers."""

    folder: Path
    """The data folder; what no setting names lies in it."""
    users: Path
    roles: Path
    channels: Path
    database_url: str

    @property
    def files(self) -> Path:
        """Folder of attached files."""
        return self.folder / "files"

    @property
    def emojis(self) -> Path:
        return self.folder / "serverEmojis.json"

    @property
    def emoji_folder(self) -> Path:
        """The pictures of the emojis; made when there is the first."""
        return self.folder / "serverEmojis"

    @property
    def assets_folder(self) -> Path:
        """Icon and banner, and what members upload as their pictures."""
        return self.folder / "serverAssets"


def data_paths(config: Config, config_file: Path, data_folder: Path | None = None) -> DataPaths:
    """`data_folder` (--data-dir) stands for the folder that otherwise is `db/` beside config.json."""
    base = config_file.absolute().parent
    folder = (data_folder or base / "db").absolute()

    def resolved(text: str) -> Path:
        path = Path(text)
        return folder.joinpath(*path.parts[1:]) if path.parts[:1] == ("db",) else base / path

    url = config.DB.url or f"sqlite:///{folder / 'messages.sqlite3'}"
    return DataPaths(
        folder, resolved(config.DB.users.file), resolved(config.DB.roles), resolved(config.DB.channels), url
    )
