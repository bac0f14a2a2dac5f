"""What the tables may hold that say what devices are set to.  See `shapes.py`."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from tapo_automate.rules.values import DAY_S, HOUR_S, Duration, FineDuration, Table, Yes

MOST_STEPS = 100


class SetTable(Table):
    """What the devices are set to; what is not named stays as it is."""

    model_config = ConfigDict(
        json_schema_extra={
            "minProperties": 1,
            "allOf": [
                {"if": {"required": ["toggle"]}, "then": {"maxProperties": 1}},
                {"if": {"required": ["transition"]}, "then": {"minProperties": 2}},
                {
                    "if": {"required": ["color_temp"]},
                    "then": {"properties": {"hue": False, "saturation": False}},
                },
                {
                    "if": {"required": ["on"], "properties": {"on": {"const": False}}},
                    "then": {
                        "properties": {"brightness": False, "color_temp": False, "hue": False, "saturation": False}
                    },
                },
            ],
        }
    )
    on: bool | None = Field(default=None, description="true switches on, false switches off.")
    brightness: Annotated[int, Field(ge=1, le=100)] | None = Field(default=None, description="Percent, 1 to 100.")
    color_temp: Annotated[int, Field(ge=1000, le=12000)] | None = Field(
        default=None, description="White in kelvin: 2700 is warm, 6500 is cold."
    )
    hue: Annotated[int, Field(ge=0, le=360)] | None = Field(
        default=None, description="Degrees, 0 to 360: 0 is red, 120 green, 240 blue."
    )
    saturation: Annotated[int, Field(ge=0, le=100)] | None = Field(default=None, description="Percent, 0 to 100.")
    transition: Annotated[FineDuration, Field(ge=0, le=HOUR_S * 1000)] | None = Field(
        default=None, description='How long the change takes: "2s", "500ms"; at most an hour.'
    )
    toggle: Yes | None = Field(
        default=None, description="The opposite of what it is now; stands alone. Carried out by the daemon only."
    )


class StepTable(Table):
    """One step: wait, then set. At least one of the two."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})
    wait: Annotated[Duration, Field(ge=0, le=DAY_S)] = Field(
        default=0, description='How long to wait first: "10m"; 24 hours at most.'
    )
    setting: SetTable | None = Field(default=None, alias="set", description="What the devices are set to then.")
