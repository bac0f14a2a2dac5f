"""What a device says it can do: the only trustworthy account of it.

Source: docs/protocol.md, "The method layer" and "Methods".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tapo_automate.wire.codec import components
from tapo_automate.wire.commands.asking import Asked, Reply


@dataclass(frozen=True, slots=True)
class Components:
    """What a device can do: component -> its version."""

    versions: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SetUpComponents:
    """What a device can do while it is set up.  model: such as "P110".  kind: such as "SMART.TAPOPLUG".

    model, kind: None where it does not say.  is_klap: whether it speaks KLAP; False where it does not say, as do those
    that speak securePassthrough.
    """

    versions: Mapping[str, int]
    model: str | None
    kind: str | None
    is_klap: bool


def component_nego(asked: Asked) -> Components:
    """Return what the device can do.  Raises Garbled for an answer without a list."""
    return Components(_versions(Reply.of(asked, "component_nego")))


def qs_component_nego(asked: Asked) -> SetUpComponents:
    """Return what the device can do while it is set up.  Raises Garbled for an answer without a list.

    Reached by `tapo-automate call DEVICE qs_component_nego`.
    """
    reply = Reply.of(asked, "qs_component_nego")
    more = reply.table("extra_info") if reply.has("extra_info") else Reply(reply.host, reply.method, {})
    return SetUpComponents(
        versions=_versions(reply),
        model=more.text("device_model") if more.has("device_model") else None,
        kind=more.text("device_type") if more.has("device_type") else None,
        is_klap=more.has("is_klap") and more.truth("is_klap"),
    )


def _versions(reply: Reply) -> dict[str, int]:
    reply.items("component_list")
    return components(reply.result)
