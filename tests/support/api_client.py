"""A client of the HTTP chat API for tests: `requests` in a thread, one method for each call."""

from __future__ import annotations

import asyncio
from typing import Any

import requests

Item = dict[str, Any]
DEADLINE_S = 30.0


class ApiRefusal(Exception):
    """The API answered with problem details."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        super().__init__(f"{problem.get('status')} {problem.get('code')}: {problem.get('detail')}")


class ApiClient:
    """One session. items: everything that the stream has brought, in order."""

    def __init__(self, http_url: str) -> None:
        self.base = f"{http_url}/api/v1"
        self.token = ""
        self.nick = ""
        self.items: list[Item] = []

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The answer's JSON. Raises ApiRefusal."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        answer = await asyncio.to_thread(
            requests.request,
            method,
            self.base + path,
            json=body,
            params={name: value for name, value in query.items() if value is not None},
            headers=headers,
            timeout=DEADLINE_S + 60,
        )
        if answer.status_code >= 400:
            assert answer.headers["Content-Type"] == "application/problem+json", answer.text
            raise ApiRefusal(answer.json())
        return answer.json() if answer.content else None

    async def register(self, nick: str, **fields: Any) -> ApiClient:
        self.nick = nick
        self.token = (await self.call("POST", "/register", {"nick": nick, **fields}))["token"]
        return self

    async def join(self, channel: str, **fields: Any) -> Any:
        return await self.call("POST", "/channels/join", {"channel": channel, **fields})

    async def say(self, to: str, content: str, **fields: Any) -> Item:
        message: Item = await self.call("POST", "/messages", {"to": to, "content": content, **fields})
        return message

    @property
    def position(self) -> str | None:
        """The id of the newest item that the stream has brought."""
        return self.items[-1]["id"] if self.items else None

    async def poll(self, wait_s: int = 0) -> list[Item]:
        """What is new; waits up to so many seconds for something."""
        new: list[Item] = await self.call("GET", "/messages", after=self.position, timeout=wait_s)
        self.items += new
        return new

    async def expect(self, **matching: Any) -> Item:
        """The first item of the stream with these fields; waits for it."""
        seen = 0
        async with asyncio.timeout(DEADLINE_S):
            while True:
                for item in self.items[seen:]:
                    if all(item.get(key) == value for key, value in matching.items()):
                        return item
                seen = len(self.items)
                await self.poll(wait_s=5)

    def bodies(self, to: str) -> list[str]:
        """Texts of the messages to a channel or nick so far."""
        return [item["body"] for item in self.items if item["to"] == to and item["type"] == "message"]
