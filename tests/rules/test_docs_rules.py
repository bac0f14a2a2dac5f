"""docs/rules.md says what the code does: every block of it loads, every code and key is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tapo_automate.rules import shapes, shapes_set, shapes_trial, shapes_when
from tapo_automate.rules.load import load_text
from tapo_automate.rules.problems import CODES, report
from tapo_automate.rules.words import keys_of

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text()
BLOCKS = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
DEVICES = {
    name: f'[devices.{name}]\ndriver = "tapo-bulb"\nhost = "192.168.1.9"\n'
    for name in ("porch", "garden", "lounge", "washer", "heater")
}
SITE = '[site]\ntimezone = "Europe/Berlin"\nlatitude = 52.52\nlongitude = 13.405\n'


def whole(block: str) -> str:
    """Return a file that holds the block and what it leaves out."""
    text = block
    if "[site]" not in block:
        text += SITE
    return text + "".join(table for name, table in DEVICES.items() if f"[devices.{name}]" not in block)


@pytest.mark.parametrize("block", BLOCKS, ids=[block.split("\n")[0] for block in BLOCKS])
def test_every_block_of_the_page_is_a_sound_part_of_a_rule_file(block: str) -> None:
    loaded = load_text(whole(block), drivers=["tapo-plug", "tapo-bulb"])
    assert loaded.errors == (), report(loaded.errors)


def test_the_page_has_blocks_for_every_trigger() -> None:
    text = "".join(BLOCKS)
    assert [kind for kind in keys_of(shapes_when.WhenTable) if f"when.{kind} =" not in text] == []


def test_the_page_lists_every_code_with_its_meaning() -> None:
    assert dict(re.findall(r"^\| ([EW]\d{3}) \| (.*) \|$", PAGE, re.MULTILINE)) == CODES


TABLES = {
    name: shape
    for module in (shapes, shapes_set, shapes_trial, shapes_when)
    for name, shape in vars(module).items()
    if name.endswith("Table") and name != "Table"
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_page_names_every_key(table: type[shapes.FileTable]) -> None:
    named = {key for key in keys_of(table) if f"`{key}" in PAGE or f"when.{key}" in PAGE or f"[{key}" in PAGE}
    assert named == set(keys_of(table))
