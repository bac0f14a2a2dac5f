"""Files that are no TOML, each named for its fault."""

from __future__ import annotations

from rules.broken_parts import HEAD, Faults, device, rule, site

FAULTS: Faults = {
    # ------------------------------------------------------------ not TOML
    "time-without-seconds": (
        "E100",
        rule("when.time = { at = ‹23:30› }"),
        "TOML writes a time with seconds",
        "write 23:30:00",
    ),
    "time-with-one-digit": (
        "E100",
        rule("when.time = { at = ‹7:30:00› }"),
        "TOML writes a time with two digits each",
        "write 07:30:00",
    ),
    "time-that-is-none": (
        "E100",
        rule("when.time = { at = ‹24:00:00› }"),
        "24:00:00 is not a time",
        "a day goes from 00:00:00 to 23:59:59; midnight is 00:00:00",
    ),
    "date-without-seconds": (
        "E100",
        rule("when.date = { at = ‹2026-12-24T16:00› }"),
        "TOML writes a date and time in full",
        "write 2026-12-24T16:00:00",
    ),
    "date-from-day-to-year": (
        "E100",
        rule("only_if.dates = [‹24.12.2026›, 2027-01-06]"),
        "TOML writes a date from the year to the day",
        "write 2026-12-24",
    ),
    "date-that-does-not-exist": (
        "E100",
        rule("when.date = { at = ‹2026-02-30T12:00:00› }"),
        "there is no such date: 2026-02-30T12:00:00",
        "",
    ),
    "yes-instead-of-true": (
        "E100",
        rule("set = { on = ‹yes› }"),
        "TOML writes true in small letters and without quotes",
        "write true",
    ),
    "capital-true": (
        "E100",
        rule("enabled = ‹True›"),
        "TOML writes true in small letters and without quotes",
        "write true",
    ),
    "null": ("E100", rule("jitter = ‹null›"), "TOML has no empty value", "leave the key out"),
    "text-without-quotes": (
        "E100",
        device('driver = ‹tapo-bulb›\nhost = "a"'),
        "text is written in quotes",
        'write "tapo-bulb"',
    ),
    "address-without-quotes": (
        "E100",
        device('driver = "tapo-bulb"\nhost = ‹192.168.1.5›'),
        "text is written in quotes",
        'write "192.168.1.5"',
    ),
    "duration-without-quotes": (
        "E100",
        rule("when.power = { below = 5, for = ‹3m› }"),
        "a duration is written in quotes",
        'write "3m"',
    ),
    "number-with-unit": (
        "E100",
        rule("set = { brightness = ‹40%› }"),
        "a number is written without a unit: 40%",
        "write 40",
    ),
    "leading-zero": (
        "E100",
        rule("set = { brightness = ‹05› }"),
        "a number is written without leading zeros",
        "write 5",
    ),
    "decimal-comma": (
        "E100",
        f"{HEAD}[rules.r.when.power]\nbelow = ‹2,5›\n",
        "a number is written with a decimal point",
        "write 2.5",
    ),
    "decimal-comma-in-a-coordinate": (
        "E100",
        site('[site]\ntimezone = "Europe/Berlin"\nlatitude = ‹52,52›\nlongitude = 13.4'),
        "a number is written with a decimal point",
        "write a point instead of the comma",
    ),
    "number-without-first-digit": (
        "E100",
        rule("when.power = { below = ‹.5› }"),
        "a number has a digit before its point",
        "write 0.5",
    ),
    "curly-quotes": (
        "E100",
        rule("executor = ‹“›auto”"),
        "“ is not a quote in TOML",
        'write straight quotes: "…"',
    ),
    "quote-not-closed": (
        "E100",
        rule('jitter = ‹"30s›'),
        "text that is not closed on its line",
        'add the closing "',
    ),
    "comma-before-the-brace": (
        "E100",
        rule("set = { on = true‹,› }"),
        "a comma before the closing }",
        "delete the comma",
    ),
    "comma-missing-in-a-list": (
        "E100",
        rule('when.sunset = { days = ["mon" ‹"tue"›] }'),
        'a comma is missing before "tue"',
        "write a comma between two values",
    ),
    "comma-missing-in-a-table": (
        "E100",
        rule("set = { on = true ‹brightness› = 3 }"),
        "a comma is missing before brightness",
        "write , brightness",
    ),
    "table-over-several-lines": (
        "E100",
        rule("set = ‹{›\n  on = true\n}"),
        "a table in braces must end on its line",
        "write it on one line, or give it a [table] header of its own",
    ),
    "colon-instead-of-equals": ("E100", rule("enabled‹:› true"), "TOML writes = and not :", "write ="),
    "colon-in-a-table": ("E100", rule("set = { on‹:› true }"), "TOML writes = and not :", "write ="),
    "list-not-closed": (
        "E100",
        rule('when.time = { at = 23:30:00 }\nset = { on = true }\ndevices = ‹["porch",›\nenabled = true'),
        "a list that is not closed",
        "add the closing ]",
    ),
    "header-not-closed": (
        "E100",
        HEAD + '‹[rules.r›\ndevices = ["porch"]\n',
        "a table name that is not closed",
        "write [rules.r]",
    ),
    "header-with-spaces": (
        "E100",
        HEAD + '‹[rules.porch at dusk]›\ndevices = ["porch"]\n',
        "a name with spaces or signs must be quoted",
        'write [rules."porch at dusk"]',
    ),
    "key-with-spaces": ("E100", rule("‹on gap› = 1"), "a key with spaces must be quoted", 'write "on gap" ='),
    "value-missing": ("E100", rule("jitter ‹=›"), "a value is missing after =", ""),
    "comment-with-slashes": ("E100", HEAD + "‹// at night›\n", "a comment begins with #", "write # at night"),
    "semicolon": ("E100", rule("enabled = true‹;›"), "a line does not end with a semicolon", "delete it"),
    "backslash": (
        "E100",
        device('driver = "C:‹\\›drivers"\nhost = "a"'),
        "a backslash in text must be doubled",
        "write \\\\, or use single quotes: '…'",
    ),
    "two-pairs-on-a-line": (
        "E100",
        rule("enabled = true ‹jitter› = 3"),
        "something follows the value",
        "begin a new line, or write # before a comment",
    ),
}
