"""Time zones by their IANA names."""

from __future__ import annotations

import difflib
import zoneinfo
from functools import cache
from zoneinfo import ZoneInfo

# Folders and files beside the zones in some systems' databases: copies with leap seconds, or of this machine's own.
_NOT_ZONES = ("posix/", "right/", "localtime", "posixrules", "Factory")


@cache
def zone_named(name: str) -> ZoneInfo | None:
    """Return the zone, or None if the IANA list has no such name, spelt exactly so."""
    if not name or name.startswith(_NOT_ZONES):
        return None
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder, a path, a name with NUL, a name that is not there
        return None


@cache
def zone_names() -> tuple[str, ...]:
    """Return every IANA name, sorted."""
    return tuple(sorted(name for name in zoneinfo.available_timezones() if not name.startswith(_NOT_ZONES)))


def nearest_zone(name: str) -> str | None:
    """Return the zone that was probably meant.

    >>> nearest_zone("europe/berlin"), nearest_zone("Berlin"), nearest_zone("Europe/Berln"), nearest_zone("xyz")
    ('Europe/Berlin', 'Europe/Berlin', 'Europe/Berlin', None)
    """
    wanted = name.strip().replace(" ", "_").lower()
    by_lower = {zone.lower(): zone for zone in zone_names()}
    if wanted in by_lower:
        return by_lower[wanted]
    for lower, zone in by_lower.items():
        if wanted and lower.endswith("/" + wanted):
            return zone
    close = difflib.get_close_matches(wanted, by_lower, n=1, cutoff=0.75)
    return by_lower[close[0]] if close else None
