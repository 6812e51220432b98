"""Where messages go that are ready to be stored: into the database directly, or by processes of their own, so that one
core reads while others store and index."""

from __future__ import annotations

import gc
import multiprocessing
from multiprocessing.connection import Connection as Pipe
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Protocol

import msgspec
from sqlalchemy import Connection

from db.bulk import BulkMessages, NewMessage, write_carelessly
from db.database import open_database
from transfer.model import ImportStopped
from transfer.writing.search_index import Indexer, definition, index_texts, take_over

WORTH_A_PROCESS = 16 << 20
"""From so many bytes of old messages on a second process is worth its start."""


class Batch(msgspec.Struct, array_like=True):
    """place: its id here. Timestamps rise, and ids differ."""

    place: str
    messages: list[NewMessage]


class LeftOut(msgspec.Struct, array_like=True):
    """A message whose id another place has."""

    place: str
    id: str
    attachments: list[str]


class Done(msgspec.Struct):
    """failed: why; then nothing of use was stored."""

    left_out: list[LeftOut] = []
    failed: str | None = None


class Sink(Protocol):
    def add(self, batch: Batch) -> None: ...

    def finish(self) -> list[LeftOut]:
        """Everything is stored. Raises ImportStopped when it could not be."""
        ...

    def stop(self) -> None:
        """Nobody needs it any more. Harmless after `finish`."""
        ...


class Direct:
    """Its transaction is the caller's."""

    def __init__(self, connection: Connection, indexer: Indexer | None = None) -> None:
        self._bulk = BulkMessages(connection, None if indexer is None else indexer.add)
        self._left_out: list[LeftOut] = []

    def add(self, batch: Batch) -> None:
        for message in self._bulk.add(batch.place, batch.messages):
            attachments = [attachment["id"] for attachment in message.extra.get("attachments", ())]
            self._left_out.append(LeftOut(batch.place, message.id, attachments))

    def finish(self) -> list[LeftOut]:
        self._bulk.finish()
        return self._left_out

    def stop(self) -> None:
        pass


class Process:
    """The database belongs to the other process until `finish`."""

    def __init__(self, database: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._processes: list[SpawnProcess] = []
        index = definition(database)
        texts, taken = context.Pipe() if index is not None else (None, None)
        if taken is not None:
            self._start(context.Process(target=index_texts, args=(taken, str(database), index), daemon=True))
            taken.close()
        self._start(context.Process(target=_store, args=(theirs, str(database), texts), daemon=True))
        for pipe in (theirs, texts):
            if pipe is not None:
                pipe.close()
        self._encode = msgspec.msgpack.Encoder().encode

    def _start(self, process: SpawnProcess) -> None:
        process.start()
        self._processes.append(process)

    def add(self, batch: Batch) -> None:
        try:
            self._pipe.send_bytes(self._encode(batch))
        except OSError:
            self._result()
            raise

    def finish(self) -> list[LeftOut]:
        self._pipe.send_bytes(b"")
        return self._result().left_out

    def stop(self) -> None:
        self._pipe.close()
        for process in self._processes:
            if process.is_alive():
                process.terminate()
            process.join()

    def _result(self) -> Done:
        try:
            done = msgspec.msgpack.decode(self._pipe.recv_bytes(), type=Done)
        except (EOFError, OSError):
            done = Done(failed="the process that stores the messages ended")
        if done.failed is not None:
            raise ImportStopped(done.failed)
        for process in self._processes:
            process.join()
        return done


def _store(pipe: Pipe, database: str, texts: Pipe | None) -> None:
    """What the process does that stores. Ends as well when the first one is gone. texts: to who makes the index; None
    when it is made here."""
    decode = msgspec.msgpack.Decoder(Batch).decode
    gc.disable()  # it makes millions of objects, none of them in circles: looking for those takes a tenth of the time
    try:
        engine = open_database(f"sqlite:///{database}")
        with engine.connect() as connection:
            write_carelessly(connection)
            indexer = None if texts is None else Indexer(texts)
            sink = Direct(connection, indexer)
            while data := pipe.recv_bytes():
                sink.add(decode(data))
            left_out = sink.finish()
            connection.commit()
        engine.dispose()
        if indexer is not None:
            indexer.finish()
            take_over(database)
        done = Done(left_out)
    except EOFError:
        return  # also when the process of the index has ended: the first one sees that nothing was answered
    except Exception as error:
        done = Done(failed=f"the messages could not be stored: {error}")
    pipe.send_bytes(msgspec.msgpack.encode(done))
