"""What is known of one setting, and the base of every section."""

from __future__ import annotations

from typing import Any

from msgspec import Meta, Struct

LIVE = "live"
RESTART = "restart"
ORIGIN = "an origin such as https://chat.example.org (no slash at its end)"
"""Words for the pattern of an origin."""


def setting(
    title: str,
    description: str,
    *,
    unit: str | None = None,
    restart: bool = False,
    at_least: float | None = None,
    at_most: float | None = None,
    pattern: str | None = None,
    form: str | None = None,
    min_length: int | None = None,
    max_length: int | None = None,
    variable: str | None = None,
) -> Meta:
    """What is known of one setting besides its type and default. `restart`: a change waits for the next start.
    `variable`: short name of an environment variable that gives it, besides `ORIGINCHATS_<SECTION>_<KEY>`.
    `form`: the pattern in words: "an address such as https://chat.example.org".

    Bounds are included. They are plain schema keywords, so they may stand beside `null` as well.
    """
    extra: dict[str, Any] = {"x-takes-effect": RESTART if restart else LIVE}
    if unit is not None:
        extra["x-unit"] = unit
    if variable is not None:
        extra["x-environment"] = variable
    # What editors show; they know nothing of the two above.
    notes = [f"Unit: {unit}." if unit else "", "Takes effect at the next start." if restart else "Live."]
    extra["markdownDescription"] = " ".join([description, *filter(None, notes)])
    bounds = {
        "minimum": at_least,
        "maximum": at_most,
        "pattern": pattern,
        "x-form": form,
        "minLength": min_length,
        "maxLength": max_length,
    }
    extra |= {name: bound for name, bound in bounds.items() if bound is not None}
    return Meta(title=title, description=description, extra_json_schema=extra)


def formed(pattern: str, form: str, *, max_length: int) -> Meta:
    """Of an entry of a list: a text of this pattern. form: the pattern in words."""
    return Meta(pattern=pattern, max_length=max_length, extra_json_schema={"x-form": form})


def section(title: str, description: str) -> Meta:
    return Meta(title=title, description=description)


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A group of settings. Immutable: a change of configuration is a new `Config`."""
