"""Files with keys and values that the language does not have, each named for its fault."""

from __future__ import annotations

from rules.broken_parts import HEAD, Faults, device, rule, site

FAULTS: Faults = {
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
        "add set = { on = true }, or steps, or notify",
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
    "duration-in-parts-of-a-second": (
        "E107",
        rule('jitter = ‹"90.5s"›'),
        '"90.5s" is not a duration',
        'write "1m31s"',
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
}
