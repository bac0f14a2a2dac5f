"""Files with something wrong in what a rule does: steps, mode, override, notify.  Each named for its fault."""

from __future__ import annotations

from rules.broken_parts import HEAD, Faults, rule

LONG = ", ".join(["{ set = { on = true } }"] * 101)
WEEK = ", ".join(['{ wait = "24h", set = { on = true } }'] * 7)

FAULTS: Faults = {
    # ------------------------------------------------------------ steps
    "steps-as-a-table": (
        "E104",
        rule("steps = ‹{ set = { on = true } }›"),
        "`steps` must be a list, not a table",
        "write steps = [{ set = { on = true } }]",
    ),
    "steps-as-text": (
        "E104",
        rule('steps = ‹"10m"›'),
        "`steps` must be a list, not text",
        'write, say, steps = [{ wait = "10m", set = { on = false } }]',
    ),
    "step-as-text": (
        "E104",
        rule('steps = [{ set = { on = true } }, ‹"10m"›]'),
        "each of `steps` must be a table, not text",
        'write { wait = "10m", set = { on = false } }',
    ),
    "steps-over-several-tables": (
        "E101",
        HEAD + '[rules.r]\ndevices = ["porch"]\nwhen.sunset = {}\n[[rules.r.steps]]\n‹brightness› = 10\n',
        'unknown key "brightness" in `steps`',
        "`brightness` belongs into `steps.set.brightness`",
    ),
    "no-steps": (
        "E109",
        rule("steps = ‹[]›"),
        "`steps` is empty",
        'write, say, steps = [{ set = { on = true } }, { wait = "10m", set = { on = false } }]',
    ),
    "step-of-nothing": (
        "E109",
        rule("steps = [{ set = { on = true } }, ‹{}›]"),
        "a step is empty",
        'write, say, { wait = "10m", set = { on = false } }',
    ),
    "step-with-a-setting-of-nothing": (
        "E109",
        rule("steps = [{ set = ‹{}› }]"),
        "`set` is empty",
        "write, say, set = { on = true }",
    ),
    "steps-that-only-wait": (
        "E109",
        rule('steps = ‹[{ wait = "10m" }, { wait = "5m" }]›'),
        "`steps` sets nothing",
        "add a `set` to a step: { set = { on = true } }",
    ),
    "wait-at-the-end": (
        "E119",
        rule('steps = [{ set = { on = true } }, { ‹wait› = "10m" }]'),
        "`wait` means nothing in the last step, where nothing follows it",
        "add a `set` to this step, or leave it out",
    ),
    "too-many-steps": (
        "E106",
        rule(f"steps = ‹[{LONG}]›"),
        "`steps` has 101 steps, 100 at most",
        "make two rules of it",
    ),
    "wait-too-long": (
        "E106",
        rule('steps = [{ wait = ‹"25h"›, set = { on = true } }]'),
        'wait "25h" is outside its limits: 24 hours at most',
        'did you mean "25m"?',
    ),
    "toggle-at-the-instant-of-another-step": (
        "E123",
        rule("steps = [{ set = { brightness = 9 } }, { set = ‹{ toggle = true }› }]"),
        "a toggle and another setting at one instant",
        "give the second of them a `wait`",
    ),
    "steps-too-long": (
        "E106",
        rule(f'steps = [{WEEK}, {{ wait = ‹"1s"›, set = {{ on = true }} }}, {{ wait = "1m", set.on = true }}]'),
        "the steps last 168h1s up to here, 168h (7 days) at most",
        "",
    ),
    "wait-as-a-number": (
        "E107",
        rule("steps = [{ wait = ‹10›, set = { on = true } }]"),
        "`wait` must be a duration in quotes, with a unit, not a number",
        'write "10s" for seconds, or "10m" for minutes',
    ),
    "wait-in-words": (
        "E107",
        rule('steps = [{ wait = ‹"ten minutes"›, set = { on = true } }]'),
        '"ten minutes" is not a duration',
        'write it like "1h30m"',
    ),
    "wait-below-nothing": (
        "E107",
        rule('steps = [{ wait = ‹"-10m"›, set = { on = true } }]'),
        '`wait` cannot be negative: "-10m"',
        'write "10m"',
    ),
    "wait-of-another-system": (
        "E101",
        rule('steps = [{ ‹delay› = "10m", set = { on = true } }]'),
        'unknown key "delay" in `steps`, did you mean "wait"?',
        'did you mean "wait"?',
    ),
    "for-instead-of-wait": (
        "E101",
        rule('steps = [{ ‹for› = "10m", set = { on = true } }]'),
        'unknown key "for" in `steps`, did you mean "wait"?',
        'did you mean "wait"?',
    ),
    "steps-misspelt": (
        "E101",
        rule("‹step› = [{ set = { on = true } }]", "r").replace("set = { on = true }\n", "", 1),
        'unknown key "step" in rule "r", did you mean "steps"?',
        'did you mean "steps"?',
    ),
    "brightness-in-a-step": (
        "E106",
        rule("steps = [{ set = { brightness = ‹0› } }]"),
        "brightness 0 is outside its limits: 1 to 100 percent",
        "to switch off, write on = false",
    ),
    "toggle-and-on-in-a-step": (
        "E118",
        rule("steps = [{ set = { toggle = true, ‹on› = true } }]"),
        "`on` and `toggle` exclude each other",
        "`toggle` stands alone",
    ),
    "set-and-steps": (
        "E118",
        rule("set = { on = true }\n‹steps› = [{ set = { on = true } }]"),
        "`set` and `steps` exclude each other",
        "make the `set` the first step, or leave one of them out",
    ),
    "steps-in-a-setting": (
        "E101",
        rule("set = { on = true, ‹steps› = [] }"),
        'unknown key "steps" in `set`',
        "`steps` belongs into the rule itself",
    ),
    "away-with-steps": (
        "E119",
        rule("when.away = { from = 19:00:00, until = 23:00:00 }\n‹steps› = [{ set = { on = true } }]"),
        "`steps` means nothing beside `when.away`",
        "leave `steps` out: the rule switches on and off at random by itself",
    ),
    # ------------------------------------------------------------ mode
    "mode-that-is-none": (
        "E105",
        rule('steps = [{ set = { on = true } }]\nmode = ‹"parallel"›'),
        '`mode` cannot be "parallel"',
        'write "restart", "queue" or "ignore"',
    ),
    "mode-misspelt": (
        "E105",
        rule('steps = [{ set = { on = true } }]\nmode = ‹"restrat"›'),
        '`mode` cannot be "restrat", did you mean "restart"?',
        'did you mean "restart"?',
    ),
    "mode-as-yes": (
        "E104",
        rule("steps = [{ set = { on = true } }]\nmode = ‹true›"),
        '`mode` must be "restart", "queue" or "ignore", not true',
        'write mode = "restart", "queue" or "ignore"',
    ),
    "mode-without-steps": (
        "E119",
        rule('‹mode› = "queue"'),
        "`mode` means nothing without `steps`",
        "it says what becomes of steps under way; leave it out",
    ),
    "mode-and-misspelt-steps": (
        "E101",
        rule('mode = "queue"\n‹stesp› = [{ set = { on = true } }]').replace("set = { on = true }\n", "", 1),
        'unknown key "stesp" in rule "r", did you mean "steps"?',
        'did you mean "steps"?',
    ),
    # ------------------------------------------------------------ override
    "override-as-yes": (
        "E107",
        rule("override = ‹true›"),
        '`override` must be a duration such as "1h30m", not true',
        "",
    ),
    "override-as-a-time": (
        "E107",
        rule("override = ‹02:00:00›"),
        "`override` is a duration, not a time",
        'write "2h"',
    ),
    "override-too-long": (
        "E106",
        rule('override = ‹"169h"›'),
        'override "169h" is outside its limits: 7 days at most',
        'did you mean "169m"?',
    ),
    "override-of-another-system": (
        "E101",
        rule('‹manual› = "2h"'),
        'unknown key "manual" in rule "r", did you mean "override"?',
        'did you mean "override"?',
    ),
    "override-of-a-countdown": (
        "E119",
        rule('when.countdown = { after = "45m", from = "on" }\n‹override› = "2h"'),
        "`override` means nothing beside `when.countdown`",
        "somebody who turns the device on is what starts it; leave it out",
    ),
    "override-of-a-notice": (
        "E119",
        rule('notify = "The sun has set"\n‹override› = "2h"'),
        "`override` means nothing without `set` or `steps`",
        "a rule that only tells people changes no device; leave it out",
    ),
    "override-in-a-condition": (
        "E101",
        rule('only_if.‹override› = "2h"'),
        'unknown key "override" in `only_if`',
        "`override` belongs into the rule itself",
    ),
    # ------------------------------------------------------------ notify
    "notify-as-yes": (
        "E104",
        rule("notify = ‹true›"),
        "`notify` must be text, not true",
        'write what to tell people: notify = "The washer is done"',
    ),
    "notify-as-a-table": (
        "E104",
        rule('notify = ‹{ text = "done" }›'),
        "`notify` must be text, not a table",
        'write what to tell people: notify = "The washer is done"',
    ),
    "notify-of-nothing": (
        "E109",
        rule('notify = ‹""›'),
        "`notify` is empty",
        'write what to tell people: notify = "The washer is done"',
    ),
    "notify-of-spaces": (
        "E109",
        rule('notify = ‹"  "›'),
        "`notify` is empty",
        'write what to tell people: notify = "The washer is done"',
    ),
    "notify-too-long": (
        "E106",
        rule(f'notify = ‹"{"x" * 501}"›'),
        "`notify` has 501 characters, 500 at most",
        "people are told in a sentence",
    ),
    "notify-with-a-line-break": (
        "E106",
        rule('notify = ‹"The washer\\nis done"›'),
        "`notify` is one line of text",
        "write it on one line, without tabs and the like",
    ),
    "notify-of-another-system": (
        "E101",
        rule('‹message› = "done"').replace("set = { on = true }\n", "", 1),
        'unknown key "message" in rule "r", did you mean "notify"?',
        'did you mean "notify"?',
    ),
    "notify-in-a-step": (
        "E101",
        rule('steps = [{ set = { on = true }, ‹notify› = "on" }]'),
        'unknown key "notify" in `steps`',
        "`notify` belongs into the rule itself",
    ),
    "away-with-notify": (
        "E119",
        rule('when.away = { from = 19:00:00, until = 23:00:00 }\n‹notify› = "away"'),
        "`notify` means nothing beside `when.away`",
        "leave `notify` out: the rule switches on and off at random by itself",
    ),
    # ------------------------------------------------------------ conditions
    "condition-of-nothing": (
        "E109",
        rule("only_if = ‹{}›"),
        "`only_if` is empty",
        "write, say, only_if.between = [22:00:00, 06:00:00]",
    ),
    "condition-on-a-device-of-nothing": (
        "E109",
        rule("only_if.device.porch = ‹{}›"),
        'the condition on "porch" is empty',
        "write, say, only_if.device.porch = { on = true }",
    ),
    "condition-that-no-load-meets": (
        "E123",
        rule("only_if.device.washer = { power_below = ‹5›, power_above = 20 }"),
        "no load is below 5 and above 20",
        "",
    ),
    "condition-on-a-state-in-words": (
        "E104",
        rule('only_if.device.porch = ‹"on"›'),
        "`porch` must be a table, not text",
        "write only_if.device.porch = { on = true }",
    ),
    "condition-with-an-unknown-key": (
        "E101",
        rule("only_if.device.porch = { ‹power› = 5 }"),
        'unknown key "power" in `only_if.device.porch`, did you mean "power_below"?',
        'did you mean "power_below"?',
    ),
    # ------------------------------------------------------------ failsafe
    "failsafe-as-a-number": (
        "E107",
        rule("failsafe = ‹30›"),
        "`failsafe` must be a duration in quotes, with a unit, not a number",
        'write "30s" for seconds, or "30m" for minutes',
    ),
    "failsafe-as-yes": (
        "E107",
        rule("failsafe = ‹true›"),
        '`failsafe` must be a duration such as "1h30m", not true',
        "",
    ),
    "failsafe-too-short": (
        "E106",
        rule('failsafe = ‹"59s"›'),
        'failsafe "59s" is outside its limits: 1 minute to 24 hours',
        "",
    ),
    "failsafe-of-nothing": (
        "E106",
        rule('failsafe = ‹"0s"›'),
        'failsafe "0s" is outside its limits: 1 minute to 24 hours',
        "",
    ),
    "failsafe-too-long": (
        "E106",
        rule('failsafe = ‹"25h"›'),
        'failsafe "25h" is outside its limits: 1 minute to 24 hours',
        'did you mean "25m"?',
    ),
    "failsafe-misspelt": (
        "E101",
        rule('‹fail_safe› = "30m"'),
        'unknown key "fail_safe" in rule "r", did you mean "failsafe"?',
        'did you mean "failsafe"?',
    ),
    "failsafe-of-another-system": (
        "E101",
        rule('‹lease› = "30m"'),
        'unknown key "lease" in rule "r", did you mean "failsafe"?',
        'did you mean "failsafe"?',
    ),
    "failsafe-of-what-turns-off": (
        "E119",
        rule('set = { on = false }\n‹failsafe› = "30m"'),
        "`failsafe` means nothing in a rule that turns nothing on",
        "write set = { on = true }, or leave it out",
    ),
    "failsafe-of-a-brightness": (
        "E119",
        rule('set = { brightness = 40 }\n‹failsafe› = "30m"'),
        "`failsafe` means nothing in a rule that turns nothing on",
        "write set = { on = true }, or leave it out",
    ),
    "failsafe-of-steps-that-turn-off": (
        "E119",
        rule('steps = [{ set = { brightness = 40 } }, { wait = "10m", set = { on = false } }]\n‹failsafe› = "30m"'),
        "`failsafe` means nothing in a rule that turns nothing on",
        "write set = { on = true }, or leave it out",
    ),
    "failsafe-of-a-notice": (
        "E119",
        rule('notify = "The sun has set"\n‹failsafe› = "30m"'),
        "`failsafe` means nothing in a rule that turns nothing on",
        "write set = { on = true }, or leave it out",
    ),
    "failsafe-of-a-toggle": (
        "E118",
        rule('set = { toggle = true }\n‹failsafe› = "30m"'),
        "`failsafe` and `toggle` exclude each other",
        "nobody knows beforehand whether a toggle turns on; write on = true, or leave `failsafe` out",
    ),
    "failsafe-of-a-toggle-in-a-step": (
        "E118",
        rule('steps = [{ set = { on = true } }, { wait = "10m", set = { toggle = true } }]\n‹failsafe› = "30m"'),
        "`failsafe` and `toggle` exclude each other",
        "nobody knows beforehand whether a toggle turns on; write on = true, or leave `failsafe` out",
    ),
    "failsafe-of-a-window": (
        "E119",
        HEAD
        + '[rules.r]\ndevices = ["porch"]\nwhen.away = { from = "sunset", until = 23:00:00 }\n‹failsafe› = "30m"\n',
        "`failsafe` means nothing beside `when.away`",
        "at its end the device is as it was before, which may be on; leave it out",
    ),
    "failsafe-in-the-device": (
        "E118",
        rule('executor = "device"\n‹failsafe› = "30m"'),
        '`failsafe` and executor = "device" exclude each other',
        'it is the daemon that starts and renews the countdown; write executor = "daemon"',
    ),
    "failsafe-of-a-countdown-in-the-device": (
        "E119",
        rule('when.countdown = { after = "1h", from = "apply" }\nset = { on = true }\n‹failsafe› = "30m"'),
        '`failsafe` means nothing beside a countdown from = "apply"',
        "both want the one countdown that a device holds; leave it out",
    ),
    "failsafe-on-a-countdown-that-another-rule-starts": (
        "E123",
        HEAD
        + '[rules.later]\ndevices = ["porch"]\nwhen.countdown = { after = "1h", from = "apply" }\nset.on = false\n'
        + '[rules.r]\ndevices = ["washer", "outside"]\nwhen.sunset = {}\nset = { on = true }\n‹failsafe› = "30m"\n',
        '"porch" has one countdown, and rule "later" (broken.toml:13:8) starts it from = "apply"',
        "leave one of them out, or take the device out of one rule",
    ),
    "failsafe-in-a-condition": (
        "E101",
        rule('only_if.‹failsafe› = "2h"'),
        'unknown key "failsafe" in `only_if`',
        "`failsafe` belongs into the rule itself",
    ),
}
