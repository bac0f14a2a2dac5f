"""Broken rule files, each named for its fault.  ‹ and › stand around what the caret has to be under."""

from __future__ import annotations

import re

HEAD = """\
[site]
timezone = "Europe/Berlin"
latitude = 52.52
longitude = 13.405
[devices.porch]
driver = "tapo-bulb"
host = "192.168.1.33"
[devices.washer]
driver = "tapo-plug"
host = "192.168.1.31"
[groups]
outside = ["porch"]
"""


def rule(body: str, name: str = "r") -> str:
    """Return a file with one rule, whose missing parts are sound."""
    devices = "" if "devices" in body else 'devices = ["porch"]\n'
    when = "" if "when" in body else "when.time = { at = 23:30:00 }\n"
    setting = "" if re.search(r"^‹?set+›? =", body, re.MULTILINE) else "set = { on = true }\n"
    return f"{HEAD}[rules.{name}]\n{devices}{when}{setting}{body}\n"


def device(body: str) -> str:
    """Return a file with one more device."""
    return f"{HEAD}[devices.lamp]\n{body}\n"


def site(body: str) -> str:
    """Return a file with another site."""
    return body + "\n" + HEAD[HEAD.index("[devices.porch]") :]


# name of the fault: (code, the file with the fault marked, what the message says, what the hint says)
BROKEN: dict[str, tuple[str, str, str, str]] = {
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
    # ------------------------------------------------------------ keys
    "unknown-key-in-a-rule": (
        "E101",
        rule("‹enabld› = true"),
        'unknown key "enabld" in rule "r", did you mean "enabled"?',
        'did you mean "enabled"?',
    ),
    "unknown-table": (
        "E101",
        HEAD + "[‹rule›.r]\n",
        'unknown key "rule" in a rule file, did you mean "rules"?',
        'did you mean "rules"?',
    ),
    "unknown-trigger": (
        "E101",
        rule("when.‹sunsett› = {}"),
        'unknown key "sunsett" in `when`, did you mean "sunset"?',
        'did you mean "sunset"?',
    ),
    "unknown-key-in-a-trigger": (
        "E101",
        rule("when.time = { at = 23:30:00, ‹dayz› = [] }"),
        'unknown key "dayz" in `when.time`, did you mean "days"?',
        'did you mean "days"?',
    ),
    "key-of-another-table": (
        "E101",
        rule("‹brightness› = 40"),
        'unknown key "brightness" in rule "r"',
        "`brightness` belongs into `set.brightness`",
    ),
    "key-of-another-system": (
        "E101",
        rule("set = { ‹bri› = 40 }"),
        'unknown key "bri" in `set`, did you mean "brightness"?',
        'did you mean "brightness"?',
    ),
    "misspelt-key-that-must-be-there": (
        "E101",
        rule("‹sett› = { on = true }"),
        'unknown key "sett" in rule "r", did you mean "set"?',
        'did you mean "set"?',
    ),
    "password-in-a-device": (
        "E125",
        device('driver = "tapo-bulb"\nhost = "a"\n‹password› = "x"'),
        'credentials do not belong into a rule file: "password"',
        "set TAPO_USERNAME and TAPO_PASSWORD in the environment, or keep a credentials file",
    ),
    "no-time-zone": (
        "E103",
        site("[‹site›]"),
        "`site` has no `timezone`",
        'add timezone = "Europe/Berlin"',
    ),
    "no-driver": (
        "E103",
        HEAD + '[devices.‹lamp›]\nhost = "a"\n',
        'device "lamp" has no `driver`',
        'add driver = "tapo-plug"',
    ),
    "no-devices": (
        "E103",
        HEAD + "[rules.‹r›]\nwhen.sunset = {}\nset = { on = true }\n",
        'rule "r" has no `devices`',
        'add devices = ["porch"]',
    ),
    "no-set": (
        "E103",
        HEAD + '[rules.‹r›]\nwhen.sunset = {}\ndevices = ["porch"]\n',
        'rule "r" has no `set`',
        "add set = { on = true }",
    ),
    "no-time": (
        "E103",
        rule('when.time = ‹{ days = ["mon"] }›'),
        "`when.time` has no `at`",
        "add at = 23:30:00",
    ),
    "latitude-alone": (
        "E103",
        site('[‹site›]\ntimezone = "Europe/Berlin"\nlatitude = 52.52'),
        "`site` has no `longitude` beside `latitude`",
        "add longitude = …",
    ),
    "neither-host-nor-mac": (
        "E103",
        HEAD + '[devices.‹lamp›]\ndriver = "tapo-bulb"\n',
        'device "lamp" has neither `host` nor `mac`',
        'add host = "192.168.1.31", or mac = "48-22-54-AA-BB-CC"',
    ),
    "neither-below-nor-above": (
        "E103",
        rule('when.power = ‹{ for = "3m" }›'),
        "`when.power` has neither `below` nor `above`",
        "add, say, below = 5",
    ),
    # ------------------------------------------------------------ kinds
    "devices-as-text": (
        "E104",
        rule('devices = ‹"porch"›'),
        "`devices` must be a list, not text",
        'write devices = ["porch"]',
    ),
    "number-as-text": (
        "E104",
        rule('set = { brightness = ‹"40"› }'),
        "`brightness` must be a whole number, not text",
        "write brightness = 40, without quotes",
    ),
    "number-with-fraction": (
        "E104",
        rule("set = { brightness = ‹40.5› }"),
        "`brightness` must be a whole number, not a number with a fraction",
        "write brightness = 40",
    ),
    "on-as-text": (
        "E104",
        rule('set = { on = ‹"off"› }'),
        "`on` must be true or false, not text",
        "write on = false",
    ),
    "time-instead-of-a-table": (
        "E104",
        rule("when.time = ‹23:30:00›"),
        "`time` must be a table, not a time",
        "write when.time = { at = 23:30:00 }",
    ),
    "offset-instead-of-a-table": (
        "E104",
        rule('when.sunset = ‹"-15m"›'),
        "`sunset` must be a table, not text",
        'write when.sunset = { offset = "-15m" }',
    ),
    "word-instead-of-set": (
        "E104",
        rule('set = ‹"off"›'),
        "`set` must be a table, not text",
        "write set = { on = false }",
    ),
    "option-as-number": (
        "E104",
        device('driver = "tapo-bulb"\nhost = "a"\noptions = { port = ‹80› }'),
        "`port` must be text, not a number",
        'write port = "80"',
    ),
    "days-as-a-word": (
        "E104",
        rule('when.sunset = { days = ‹"weekdays"› }'),
        "`days` must be a list, not text",
        'write days = ["mon", "tue", "wed", "thu", "fri"]',
    ),
    "turns-as-yes-or-no": (
        "E104",
        rule('when.state = { device = "porch", turns = ‹true› }'),
        '`turns` must be "on" or "off", not true',
        'write turns = "on"',
    ),
    # ------------------------------------------------------------ words
    "weekday": (
        "E102",
        rule('when.sunset = { days = ["mon", ‹"tus"›] }'),
        'unknown weekday "tus", did you mean "tue"?',
        'did you mean "tue"?',
    ),
    "weekday-in-full": (
        "E102",
        rule('when.sunset = { days = [‹"Monday"›] }'),
        'unknown weekday "Monday", did you mean "mon"?',
        'did you mean "mon"?',
    ),
    "word-of-a-few": (
        "E105",
        rule('on_gap = ‹"shft"›'),
        '`on_gap` cannot be "shft", did you mean "shift"?',
        'did you mean "shift"?',
    ),
    "toggle-false": (
        "E105",
        rule("set = { toggle = ‹false› }"),
        "`toggle` can only be true, not false",
        "write toggle = true, or leave it out",
    ),
    # ------------------------------------------------------------ limits
    "brightness-nought": (
        "E106",
        rule("set = { brightness = ‹0› }"),
        "brightness 0 is outside its limits: 1 to 100 percent",
        "to switch off, write on = false",
    ),
    "brightness-to-255": (
        "E106",
        rule("set = { brightness = ‹255› }"),
        "brightness 255 is outside its limits: 1 to 100 percent",
        "percent, not 0 to 255: brightness = 100",
    ),
    "color-temp-in-mired": (
        "E106",
        rule("set = { color_temp = ‹370› }"),
        "color_temp 370 is outside its limits: 1000 to 12000 kelvin",
        "kelvin, not mired: color_temp = 2700",
    ),
    "offset-in-the-wrong-unit": (
        "E106",
        rule('when.sunset = { offset = ‹"900m"› }'),
        'offset "900m" is outside its limits: 12 hours before to 12 hours after',
        'did you mean "900s"?',
    ),
    "interval-of-nothing": (
        "E106",
        rule('when.every = { interval = ‹"0s"› }'),
        'interval "0s" is outside its limits: 1 second to 366 days',
        'write, say, interval = "30m"',
    ),
    "window-with-one-end": (
        "E106",
        rule('when.every = { interval = "30m", between = ‹[08:00:00]› }'),
        "`between` has two ends, a wall time each, not 1",
        "write between = [08:00:00, 20:00:00]",
    ),
    "below-nothing": (
        "E106",
        rule("when.power = { below = ‹0› }"),
        "below 0 is outside its limits: more than 0 and at most 100000 watts",
        "a load cannot be below 0: write, say, below = 2",
    ),
    "not-a-number": (
        "E106",
        rule("when.power = { below = ‹nan› }"),
        "below nan is outside its limits: more than 0 and at most 100000 watts",
        "",
    ),
    "latitude-too-far": (
        "E106",
        site('[site]\ntimezone = "Europe/Berlin"\nlatitude = ‹152.5›\nlongitude = 13.4'),
        "`latitude` is outside its limits: -90 to 90 degrees",
        "",
    ),
    # ------------------------------------------------------------ durations, dates
    "duration-in-words": (
        "E107",
        rule('when.sunset = { offset = ‹"15 minutes"› }'),
        '"15 minutes" is not a duration',
        'write "15m"',
    ),
    "duration-as-number": (
        "E107",
        rule("when.power = { below = 5, for = ‹180› }"),
        "`for` must be a duration in quotes, with a unit, not a number",
        'write "180s" for seconds, or "180m" for minutes',
    ),
    "duration-as-time": (
        "E107",
        rule("jitter = ‹00:00:30›"),
        "`jitter` is a duration, not a time",
        'write "30s"',
    ),
    "duration-below-nothing": (
        "E107",
        rule('jitter = ‹"-30s"›'),
        '`jitter` cannot be negative: "-30s"',
        'write "30s"',
    ),
    "time-as-text": (
        "E108",
        rule('when.time = { at = ‹"23:30"› }'),
        "`at` must be a wall time, not text",
        "write at = 23:30:00, without quotes",
    ),
    "time-with-fraction": (
        "E108",
        rule("when.time = { at = ‹23:30:00.5› }"),
        "`at` is kept to the second",
        "write 23:30:00",
    ),
    "date-without-time": (
        "E108",
        rule("when.date = { at = ‹2026-12-24› }"),
        "`at` must be a date with a time, not a date without a time",
        "add the time: at = 2026-12-24T16:00:00",
    ),
    "date-as-text": (
        "E108",
        rule('when.date = { at = ‹"24.12.2026 16:00"› }'),
        "`at` must be a date with a time, not text",
        "write at = 2026-12-24T16:00:00, without quotes",
    ),
    "edge-that-is-none": (
        "E108",
        rule('when.away = { from = ‹"sunst"›, until = 23:00:00 }').replace("set = { on = true }\n", ""),
        '"sunst" is neither a wall time nor an offset from the sun, did you mean "sunset"?',
        'write a time (from = 19:00:00), or "sunset", or "sunset-15m"',
    ),
    # ------------------------------------------------------------ nothing, and twice
    "no-day": (
        "E109",
        rule("when.sunset = { days = ‹[]› }"),
        "`days` is empty",
        "leave `days` out for every day",
    ),
    "set-of-nothing": ("E109", rule("set = ‹{}›"), "`set` is empty", "write, say, set = { on = true }"),
    "transition-of-nothing": (
        "E109",
        rule('set = ‹{ transition = "2s" }›'),
        "`set` has a transition and nothing to change",
        "add, say, brightness = 40",
    ),
    "rule-twice": (
        "E110",
        rule("enabled = true") + "[rules.‹r›]\nenabled = true\n",
        'rule "r" is written twice; first at broken.toml:13:8',
        "keep one of them",
    ),
    "key-twice": (
        "E110",
        rule("enabled = true\n‹enabled› = false"),
        "`enabled` is written twice; first at broken.toml:17:1",
        "keep one of them",
    ),
    "device-twice-in-a-rule": (
        "E110",
        rule('devices = ["porch", ‹"porch"›]'),
        '"porch" stands here twice',
        "leave it out",
    ),
    "group-named-as-a-device": (
        "E110",
        HEAD + '‹washer› = ["porch"]\n',
        'group "washer" has the name of a device, defined at broken.toml:8:10',
        "give one of them another name",
    ),
    # ------------------------------------------------------------ names
    "unknown-device": (
        "E111",
        rule('devices = [‹"prch"›]'),
        'unknown device or group "prch", did you mean "porch"?',
        'did you mean "porch"?',
    ),
    "unknown-device-in-a-group": (
        "E111",
        HEAD + 'lamps = ["porch", ‹"cellar"›]\n',
        'unknown device or group "cellar"',
        "defined: lamps, outside, porch, washer",
    ),
    "unknown-device-in-a-trigger": (
        "E111",
        rule('when.state = { device = ‹"tv"›, turns = "on" }'),
        'unknown device "tv"',
        "defined: porch, washer",
    ),
    "group-where-a-device-belongs": (
        "E111",
        rule('when.state = { device = ‹"outside"›, turns = "on" }'),
        '"outside" is a group, and one device belongs here',
        "name one device",
    ),
    "unknown-device-in-a-condition": (
        "E111",
        rule("only_if.device.‹porhc› = { on = true }"),
        'unknown device "porhc", did you mean "porch"?',
        'did you mean "porch"?',
    ),
    "unknown-driver": (
        "E112",
        device('driver = ‹"tapo-plgu"›\nhost = "a"'),
        'unknown driver "tapo-plgu", did you mean "tapo-plug"?',
        "installed: tapo-bulb, tapo-plug",
    ),
    "circle-of-groups": (
        "E113",
        HEAD + 'a = ["porch", ‹"b"›]\nb = ["a"]\n',
        'group "a" contains itself: a → b → a',
        "leave one of them out",
    ),
    "name-of-spaces": (
        "E122",
        HEAD + '[devices.‹" lamp"›]\ndriver = "tapo-bulb"\nhost = "a"\n',
        'a device cannot be named " lamp"',
        "a name has 1 to 100 characters, no line breaks, and no space at either end",
    ),
    # ------------------------------------------------------------ triggers and what stands beside them
    "no-trigger": (
        "E114",
        HEAD + '[rules.‹r›]\ndevices = ["porch"]\nset = { on = true }\n',
        'rule "r" has no trigger',
        "write, say, when.time = { at = 23:30:00 }",
    ),
    "two-triggers": (
        "E115",
        rule("when.time = { at = 23:30:00 }\nwhen.‹sunset› = {}"),
        'rule "r" has more than one trigger: "time" and "sunset"',
        "make one rule of each trigger",
    ),
    "sun-without-a-place": (
        "E116",
        rule("when.‹sunset› = {}").replace("latitude = 52.52\nlongitude = 13.405\n", ""),
        "`when.sunset` needs the place of the site",
        "add latitude and longitude to the [site] table",
    ),
    "sun-in-a-window-without-a-place": (
        "E116",
        rule('when.away = { from = ‹"sunset"›, until = 23:00:00 }')
        .replace("latitude = 52.52\nlongitude = 13.405\n", "")
        .replace("set = { on = true }\n", ""),
        '"sunset" needs the place of the site',
        "add latitude and longitude to the [site] table",
    ),
    "unknown-time-zone": (
        "E117",
        site('[site]\ntimezone = ‹"Europe/Berln"›'),
        'unknown time zone "Europe/Berln", did you mean "Europe/Berlin"?',
        'did you mean "Europe/Berlin"?',
    ),
    "time-zone-of-a-city": (
        "E117",
        site('[site]\ntimezone = ‹"Berlin"›'),
        'unknown time zone "Berlin", did you mean "Europe/Berlin"?',
        'did you mean "Europe/Berlin"?',
    ),
    "below-and-above": (
        "E118",
        rule("when.power = { below = 5, ‹above› = 10 }"),
        "`below` and `above` exclude each other",
        "make two rules of it; `rearm` is the other end of a hysteresis",
    ),
    "host-and-mac": (
        "E118",
        device('driver = "tapo-bulb"\nhost = "a"\n‹mac› = "48-22-54-AA-BB-CC"'),
        "`host` and `mac` exclude each other",
        "leave one of them out",
    ),
    "off-and-bright": (
        "E118",
        rule("set = { on = false, ‹brightness› = 40 }"),
        "`brightness` and `on = false` exclude each other",
        "leave `brightness` out, or write on = true",
    ),
    "white-and-coloured": (
        "E118",
        rule("set = { color_temp = 2700, ‹hue› = 40 }"),
        "`hue` and `color_temp` exclude each other",
        "a lamp shows white or a colour; leave one of them out",
    ),
    "toggle-and-on": (
        "E118",
        rule("set = { toggle = true, ‹on› = true }"),
        "`on` and `toggle` exclude each other",
        "`toggle` stands alone",
    ),
    "gap-of-the-sun": (
        "E119",
        rule('when.sunset = {}\n‹on_gap› = "skip"'),
        "`on_gap` means nothing beside `when.sunset`",
        "only a wall time can be skipped or happen twice; leave it out",
    ),
    "overlap-of-an-instant": (
        "E119",
        rule('when.date = { at = 2026-12-24T16:00:00Z }\n‹on_overlap› = "both"'),
        "`on_overlap` means nothing beside a time with an offset",
        "a time with an offset exists exactly once; leave it out",
    ),
    "jitter-of-a-countdown": (
        "E119",
        rule('when.countdown = { after = "45m", from = "on" }\n‹jitter› = "30s"'),
        "`jitter` means nothing beside `when.countdown`",
        "it would have nothing to delay; leave it out",
    ),
    "away-with-set": (
        "E119",
        rule("when.away = { from = 19:00:00, until = 23:00:00 }\n‹set› = { on = true }"),
        "`set` means nothing beside `when.away`",
        "leave `set` out: the rule switches on and off at random by itself",
    ),
    "host-with-scheme": (
        "E120",
        device('driver = "tapo-bulb"\nhost = ‹"http://192.168.1.5/"›'),
        '"http://192.168.1.5/" is not a host: it is neither an address nor a name',
        'write "192.168.1.5"',
    ),
    "host-out-of-range": (
        "E120",
        device('driver = "tapo-bulb"\nhost = ‹"192.168.1.500"›'),
        '"192.168.1.500" is not a host: 192.168.1.500 is not an IPv4 address',
        'write an address or a name, such as "192.168.1.31" or "plug.lan:80"',
    ),
    "port-out-of-range": (
        "E120",
        device('driver = "tapo-bulb"\nhost = ‹"192.168.1.5:70000"›'),
        '"192.168.1.5:70000" is not a host: a port lies between 1 and 65535, not 70000',
        'write an address or a name, such as "192.168.1.31" or "plug.lan:80"',
    ),
    "mac-too-short": (
        "E121",
        device('driver = "tapo-bulb"\nmac = ‹"48-22-54-AA-BB"›'),
        '"48-22-54-AA-BB" is not a MAC address',
        'write six pairs of 0-9 and A-F: "48-22-54-AA-BB-CC"',
    ),
    "rearm-on-the-wrong-side": (
        "E123",
        rule("when.power = { below = 5, rearm = ‹2› }"),
        "rearm 2 is less than below 5",
        "the load must rise again: at least rearm = 5",
    ),
    "jitter-longer-than-the-interval": (
        "E123",
        rule('when.every = { interval = "1m" }\njitter = ‹"2m"›'),
        'jitter "2m" is not shorter than the interval "1m"',
        "firings would overtake each other",
    ),
    "dates-the-wrong-way-round": (
        "E123",
        rule("only_if.dates = ‹[2027-01-06, 2026-12-01]›"),
        "2026-12-01 lies before 2027-01-06",
        "write dates = [2026-12-01, 2027-01-06]",
    ),
    "schema-from-the-future": (
        "E124",
        "schema = ‹2›\n" + HEAD,
        "this program knows schema 1, not 2",
        "write schema = 1",
    ),
}


def unmarked(text: str) -> tuple[str, int, int, int]:
    """Return a file without its marks; and line and column of the fault from 1, and its length."""
    start, end = text.index("‹"), text.index("›")
    line = text.count("\n", 0, start) + 1
    column = start - (text.rfind("\n", 0, start) + 1) + 1
    return text.replace("‹", "").replace("›", ""), line, column, end - start - 1
