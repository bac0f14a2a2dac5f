"""A device in a few lines: what it answers, method by method, and what it was told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tapo_automate.wire.codes import refusal

HOST = "10.0.0.5"


class Kept:
    """answers: method -> result, an error code, or for lists in pages {start_index: result}.

    told: (method, params) of all that it was told; reads are not kept.  asked: the methods that were read.
    """

    def __init__(self, components: str = "", **answers: Any) -> None:
        listed = [each.partition(":") for each in components.split()]
        self.host = HOST
        self.answers: dict[str, Any] = {
            "component_nego": {
                "component_list": [{"id": name, "ver_code": int(version or 1)} for name, _, version in listed]
            },
            **answers,
        }
        self.told: list[tuple[str, Mapping[str, Any]]] = []
        self.asked: list[str] = []

    def call(self, method: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
        answer = self.answers.get(method, -1002)
        if isinstance(answer, int):
            raise refusal(self.host, method, answer)
        if method.startswith(("get_", "component_nego")):
            self.asked.append(method)
            if answer and all(isinstance(key, int) for key in answer):
                answer = answer[(params or {})["start_index"]]
            return dict(answer)
        self.told.append((method, dict(params or {})))
        return {}


COLOR_LAMP = "brightness color color_temperature"
COLOR_INFO = {"mac": "00-00-5E-00-53-01", "device_on": True, "brightness": 60, "color_temp_range": [2500, 6500]}
COLOR_INFO |= {"color_temp": 0, "hue": 120, "saturation": 80}
