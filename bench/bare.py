"""The yardstick: a chat server without storage, permissions or sessions, on the `websockets` library's own broadcast.

It says just enough of the protocol for the load generator: handshake, login, message_new.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
import uuid

from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed

MEMBERS: set[ServerConnection] = set()


async def serve_one(connection: ServerConnection) -> None:
    await connection.send(json.dumps({"cmd": "handshake", "val": {"auth_mode": "cracked"}}))
    name = ""
    with contextlib.suppress(ConnectionClosed):
        async for frame in connection:
            packet = json.loads(frame)
            match packet["cmd"]:
                case "login":
                    name = packet["username"]
                    await connection.send(json.dumps({"cmd": "auth_success", "val": "Authentication successful"}))
                    await connection.send(json.dumps({"cmd": "ready", "user": {"username": name}}))
                    MEMBERS.add(connection)
                case "message_new":
                    message = {
                        "id": str(uuid.uuid4()), "user": name, "content": packet["content"], "timestamp": time.time(),
                        "type": "message", "pinned": False, "interaction": None,
                        "pings": {"users": [], "roles": [], "replies": []},
                    }  # fmt: skip
                    event = {
                        "cmd": "message_new", "message": message, "channel": packet["channel"], "thread_id": None,
                        "global": True,
                    }  # fmt: skip
                    broadcast(MEMBERS, json.dumps(event))
    MEMBERS.discard(connection)


async def main() -> None:
    async with serve(serve_one, "127.0.0.1", 0, compression=None, max_size=None, ping_interval=None) as server:
        print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())
