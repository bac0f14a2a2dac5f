"""When what should happen.  Pure: no clock, no network; only the loader reads files."""
