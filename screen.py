"""The one screen that is printed when the server has started."""

from __future__ import annotations

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from db.database import shown as database_url_shown
from startup import Community

AUTH_MODES = {
    "rotur": "rotur (Rotur accounts only)",
    "cracked": "cracked (local and Rotur accounts)",
    "cracked-only": "cracked-only (local accounts only)",
}


def start_screen(community: Community, host: str, port: int, version: str, rooms_port: int | None = None) -> Panel:
    """Address, data folder, who may log in, what was loaded, and the claim code while there is no owner."""
    world, shown_host = community.world, f"[{host}]" if ":" in host else host
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    table.add_row("Address", f"http://{shown_host}:{port}   (WebSocket: ws://{shown_host}:{port}/)")
    if world.config.rooms.enabled:
        own = "" if rooms_port is None else f" and ws://{shown_host}:{rooms_port}/"
        table.add_row("Rooms", f"ws://{shown_host}:{port}/rooms{own}")
    if world.config.chat_api.enabled:
        table.add_row("HTTP API", f"http://{shown_host}:{port}/api/v1")
    table.add_row("Data", str(community.opened.paths.folder))
    if not community.opened.paths.database_url.startswith("sqlite:"):
        table.add_row("Messages", database_url_shown(community.opened.paths.database_url))
    table.add_row("Accounts", AUTH_MODES[world.config.auth_mode])
    messages = community.opened.store.message_count()
    table.add_row(
        "Loaded",
        f"{_count(len(world.users), 'user')}, {_count(len(world.channels), 'channel')}, {_count(messages, 'message')}",
    )
    if world.claim.code is not None:
        table.add_row("Claim code", f"[bold yellow]{world.claim.code}[/]")
        table.add_row(
            "", "There is no owner yet: whoever logs in with this code, or sends claim_owner with it, becomes owner."
        )
    return Panel(
        table, title=f"{world.config.server.name} - OriginChats server {version}", expand=False, padding=(1, 2)
    )


def print_start_screen(community: Community, host: str, port: int, version: str, rooms_port: int | None = None) -> None:
    """rooms_port: the own port of the rooms dialect."""
    console = Console(highlight=False)
    console.print(start_screen(community, host, port, version, rooms_port))


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
