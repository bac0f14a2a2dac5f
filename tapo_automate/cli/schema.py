"""`schema`: the JSON Schema of rule files, for editors."""

from __future__ import annotations

import json

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of rule files, for editors.

    Save it beside the rules and begin a rule file with `#:schema ./tapo-automate.schema.json`: editors that know taplo
    then complete keys and mark mistakes.
    """
    from tapo_automate.rules.schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2, ensure_ascii=False))
