"""From a plugin file to what it registers. In the plugin's thread."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from plugin_api import Plugin

MAX_BYTES = 4 << 20


class LoadError(Exception):
    """The file is no plugin; the text says why."""


def module_name(stem: str) -> str:
    return f"originchats_plugin.{stem}"


def load(path: Path, stem: str, stand_ins: Mapping[str, ModuleType]) -> ModuleType:
    """Run the file. stand_ins: modules that only it sees, by full name. Raises LoadError, or what the file raises."""
    data = path.read_bytes()
    if len(data) > MAX_BYTES:
        raise LoadError(f"more than {MAX_BYTES} bytes")
    name = module_name(stem)
    module = ModuleType(name)
    module.__file__ = str(path)
    module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _importer(stand_ins)}
    code = compile(data, str(path), "exec", dont_inherit=True)
    before = sys.modules.get(name)
    sys.modules[name] = module  # annotations are resolved there
    try:
        exec(code, module.__dict__)  # noqa: S102  (that is what a plugin is: a program of the host)
    except BaseException:
        if before is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = before
        raise
    return module


def typed(module: ModuleType) -> Plugin[Any] | None:
    """What the file registered by the typed interface, None when it is written for another one."""
    plugin = getattr(module, "plugin", None)
    return plugin if isinstance(plugin, Plugin) else None


def _importer(stand_ins: Mapping[str, ModuleType]) -> Any:
    """`__import__` for one plugin."""
    roots = {name.partition(".")[0] for name in stand_ins}

    def import_(
        name: str,
        globals: Mapping[str, Any] | None = None,
        locals: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        root = name.partition(".")[0]
        if level or root not in roots:
            return builtins.__import__(name, globals, locals, fromlist or (), level)
        if name not in stand_ins:
            raise ModuleNotFoundError(f"plugins find no module {name!r} here", name=name)
        return stand_ins[name] if fromlist else stand_ins[root]

    return import_
