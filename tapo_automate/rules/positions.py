"""Where each key and value of a TOML text stands.

tomllib keeps no positions, so the text is read a second time, by tree-sitter; only when somebody asks.
Lines and columns count from 1, columns in characters.
"""

from __future__ import annotations

import tomllib
from functools import cached_property
from typing import TypeAlias

import tree_sitter_toml
from tree_sitter import Language, Node, Parser

from tapo_automate.rules.faults import Path, Place

_KEYS = ("bare_key", "quoted_key", "dotted_key")
_Span: TypeAlias = tuple[int, int, int, int]  # row, byte column; the same of the end


class Positions:
    """The places of one text, whose line ends are LF."""

    def __init__(self, text: str) -> None:
        self.lines = text.split("\n")
        self._text = text
        self._keys: dict[Path, _Span] = {}
        self._values: dict[Path, _Span] = {}
        self._headed: set[Path] = set()
        self._array_sizes: dict[Path, int] = {}
        self.repeated: list[tuple[Path, _Span]] = []

    def key(self, path: Path) -> Place | None:
        """Return where the last key of the path is written first, or None if it is not written."""
        return self._place(self._index[0].get(path))

    def value(self, path: Path) -> Place | None:
        """Return where the value of the path begins; for a table that has a header, where its name stands."""
        keys, values = self._index
        return self._place(values.get(path) or keys.get(path))

    def nearest(self, path: Path, on: str = "value") -> Place:
        """Return the place of the path, or of the closest table around it that is written."""
        for end in range(len(path), 0, -1):
            place = self.key(path[:end]) if on == "key" else self.value(path[:end])
            if place := place or self.value(path[:end]):
                return place
        return Place(1, 1, 1)

    def header_lines(self, table: str) -> dict[str, int]:
        """Return the line of each `[table.NAME]` header, without looking into the tables."""
        lines: dict[str, int] = {}
        for node in self._root.children:
            if node.type == "table" and (words := _words(_key_of(node))) and len(words) == 2 and words[0][0] == table:
                lines.setdefault(words[1][0], node.start_point.row + 1)
        return lines

    def repeats(self) -> list[tuple[Path, Place, Place]]:
        """Return each path that is written twice where TOML allows it once: path, first place, second place."""
        keys, _ = self._index
        found = []
        for path, span in self.repeated:
            first, second = self._place(keys.get(path)), self._place(span)
            if first and second:
                found.append((path, first, second))
        return found

    @cached_property
    def _root(self) -> Node:
        return Parser(Language(tree_sitter_toml.language())).parse(self._text.encode()).root_node

    @cached_property
    def _index(self) -> tuple[dict[Path, _Span], dict[Path, _Span]]:
        for node in self._root.named_children:
            if node.type == "pair":
                self._pair((), node)
            elif node.type in ("table", "table_array_element"):
                self._table(node)
        return self._keys, self._values

    def _table(self, node: Node) -> None:
        words = _words(_key_of(node))
        if not words:
            return
        path: Path = ()
        for word, span in words:
            path += (word,)
            self._keys.setdefault(path, span)
            if path in self._array_sizes and (len(path) < len(words) or node.type == "table"):
                path += (self._array_sizes[path] - 1,)
        span = words[-1][1]
        if node.type == "table_array_element":
            size = self._array_sizes.get(path, 0)
            self._array_sizes[path] = size + 1
            path += (size,)
            self._keys[path] = span
        elif path in self._headed or path in self._values:
            self.repeated.append((path, span))
        else:
            self._headed.add(path)
            self._keys[path] = span
        for child in node.named_children[1:]:
            if child.type == "pair":
                self._pair(path, child)

    def _pair(self, base: Path, node: Node) -> None:
        words = _words(_key_of(node))
        if not words:
            return
        path = base
        for word, span in words:
            if path in self._values and len(path) > len(base):
                # A table in braces is complete: nothing is added to it afterwards.
                self.repeated.append((path, words[0][1]))
                return
            path += (word,)
            self._keys.setdefault(path, span)
        if path in self._values or (self._keys[path] != words[-1][1]):
            self.repeated.append((path, words[-1][1]))
        elif node.named_child_count > 1:
            self._value(path, node.named_children[-1])

    def _value(self, path: Path, node: Node) -> None:
        self._values[path] = (*node.start_point, *node.end_point)
        if node.type == "inline_table":
            for child in node.named_children:
                if child.type == "pair":
                    self._pair(path, child)
        elif node.type == "array":
            items = [child for child in node.named_children if child.type not in ("comment", "ERROR")]
            for number, child in enumerate(items):
                self._value((*path, number), child)

    def _place(self, span: _Span | None) -> Place | None:
        if span is None:
            return None
        row, start, end_row, end = span
        line = self.lines[row].encode()
        stop = end if end_row == row else len(line.rstrip())
        column = len(line[:start].decode(errors="replace"))
        return Place(row + 1, column + 1, max(1, len(line[start:stop].decode(errors="replace"))))


def _key_of(node: Node) -> Node | None:
    return next((child for child in node.named_children if child.type in _KEYS), None)


def _words(key: Node | None) -> list[tuple[str, _Span]]:
    """Return the words of a dotted key, each with its span; none if the key is damaged."""
    if key is None:
        return []
    if key.type == "dotted_key":
        return [word for part in key.named_children if part.type in _KEYS for word in _words(part)]
    text = (key.text or b"").decode()
    if key.type == "quoted_key":
        text = _unquoted(text)
    return [(text, (*key.start_point, *key.end_point))]


def _unquoted(text: str) -> str:
    if "\\" not in text:
        return text[1:-1]
    try:
        return next(iter(tomllib.loads(f"{text} = 0")))
    except tomllib.TOMLDecodeError:
        return text
