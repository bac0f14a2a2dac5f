"""Files whose parts do not go together, each named for its fault."""

from __future__ import annotations

from rules.broken_parts import HEAD, Faults, device, rule, site

FAULTS: Faults = {
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
    # ------------------------------------------------------------ sockets
    "device-with-a-slash": (
        "E122",
        HEAD + '[devices.‹"strip/1"›]\ndriver = "tapo-plug"\nhost = "192.168.1.37"\n',
        'a device cannot be named "strip/1"',
        'a slash names a socket: define [devices.strip], and write "strip/1" in a rule',
    ),
    "group-with-a-slash": (
        "E122",
        HEAD + '‹"out/side"› = ["porch"]\n',
        'a group cannot be named "out/side"',
        'a slash names a socket: define [devices.out], and write "out/side" in a rule',
    ),
    "socket-of-no-strip": (
        "E111",
        rule('devices = [‹"wahser/1"›]'),
        'unknown device "wahser" in "wahser/1", did you mean "washer"?',
        'write "washer/1"',
    ),
    "socket-of-nothing-known": (
        "E111",
        rule('devices = [‹"chandelier/1"›]'),
        'unknown device "chandelier" in "chandelier/1"',
        "define it: [devices.chandelier] with driver and host",
    ),
    "socket-of-a-group": (
        "E111",
        rule('devices = [‹"outside/1"›]'),
        '"outside" in "outside/1" is a group, and only a device has sockets',
        'write a strip\'s name before the slash, or "outside" for the whole group',
    ),
    "socket-without-a-name": (
        "E122",
        rule('devices = [‹"washer/"›]'),
        '"washer/" does not say which socket',
        'write "washer/1" for its first socket, or "washer" for the whole device',
    ),
    "socket-nought": (
        "E122",
        rule('devices = [‹"washer/0"›]'),
        '"washer/0" is no socket\'s number',
        'write "washer/1": sockets are counted from 1',
    ),
    "socket-with-a-nought": (
        "E122",
        rule('devices = [‹"washer/02"›]'),
        '"washer/02" is no socket\'s number',
        'write "washer/2": sockets are counted from 1',
    ),
    "socket-in-a-group": (
        "E111",
        HEAD + 'inside = [‹"wahser/1"›]\n',
        'unknown device "wahser" in "wahser/1", did you mean "washer"?',
        'write "washer/1"',
    ),
    "socket-in-a-condition": (
        "E111",
        rule('only_if.device.‹"wahser/1"› = { on = true }'),
        'unknown device "wahser" in "wahser/1", did you mean "washer"?',
        'write "washer/1"',
    ),
    "socket-that-turns": (
        "E111",
        rule('when.state = { device = ‹"wahser/left"›, turns = "on" }'),
        'unknown device "wahser" in "wahser/left", did you mean "washer"?',
        'write "washer/left"',
    ),
    "socket-in-a-test": (
        "E111",
        rule("") + '[[tests]]\nname = "x"\nfrom = 2026-11-02T09:00:00\nfor = "2h"\nend.‹"wahser/1"› = { on = true }\n',
        'unknown device "wahser" in "wahser/1", did you mean "washer"?',
        'write "washer/1"',
    ),
}
