"""The JSON Schema of a rule file, made from the shapes that validate it.

Draft 7, because the TOML editors know old drafts only.  TOML's dates and times are strings in it, as those editors
and `json.dumps(..., default=str)` make them.
"""

from __future__ import annotations

from typing import Any

from tapo_automate.rules.shapes import FileTable
from tapo_automate.rules.zones import zone_names


def json_schema() -> dict[str, Any]:
    """Return the schema as JSON data."""
    made = FileTable.model_json_schema(by_alias=True)
    made["$defs"] = {name.removesuffix("Table"): table for name, table in made["$defs"].items()}
    tidied: dict[str, Any] = _tidied(made)
    tidied["$defs"]["Site"]["properties"]["timezone"]["enum"] = list(zone_names())
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "tapo-automate rule file",
        **tidied,
    }


def _tidied(node: Any) -> Any:
    """Return a part of the schema without what pydantic writes for Python only."""
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    choices = [choice for choice in node.get("anyOf", ()) if choice != {"type": "null"}]
    if len(choices) == 1 and len(node["anyOf"]) == 2:
        # TOML has no null: a key is there or it is not.
        return _tidied({**{key: value for key, value in node.items() if key != "anyOf"}, **choices[0]})
    tidied = {
        key: _tidied(value)
        for key, value in node.items()
        if not (key == "title" and isinstance(value, str)) and not (key == "default" and _is_pythons(node, value))
    }
    if "patternProperties" in node:
        tidied["additionalProperties"] = False
    if isinstance(reference := tidied.get("$ref"), str):
        tidied["$ref"] = reference.removesuffix("Table")
        if len(tidied) > 1:
            # Draft 7 reads nothing beside a reference, and editors would lose the description.
            tidied["allOf"] = [{"$ref": tidied.pop("$ref")}]
    return tidied


def _is_pythons(node: dict[str, Any], value: Any) -> bool:
    """Whether a default is not written in the language: None, an empty table, or seconds where text belongs."""
    return value is None or value == {} or (node.get("type") == "string" and not isinstance(value, str))
