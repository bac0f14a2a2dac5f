"""What a meter that has gone wrong answers: the same as before, or what cannot be."""

from typing import Any

from tapo_automate.simulator.faults import REQUEST, Faults

METERED = frozenset({"get_energy_usage", "get_current_power", "get_emeter_data"})
_MAX_W = 3680.0  # 16 A at 230 V


class Misreading:
    """Keeps the last answer of each of a meter's methods."""

    def __init__(self) -> None:
        self._last: dict[str, dict[str, Any]] = {}

    def bend(self, method: str, fresh: dict[str, Any], faults: Faults) -> dict[str, Any]:
        """Return what the device answers instead of fresh; the same when no fault strikes."""
        told = fresh
        if faults.strikes("power-stale", REQUEST):
            # Only the meter stands still: the clock that comes along does not.
            told = self._last.get(method, fresh) | {key: fresh[key] for key in ("local_time",) if key in fresh}
        if faults.strikes("power-nonsense", REQUEST):
            told = fresh | _nonsense(method, fresh, faults.dice.choice((-1, 1)) * faults.dice.uniform(3, 30) * _MAX_W)
        self._last[method] = told
        return told


def _nonsense(method: str, fresh: dict[str, Any], power_w: float) -> dict[str, int]:
    """Return the fields that tell power_w, in the units of the method."""
    if method == "get_current_power":
        return {"current_power": round(power_w)}
    told = {"current_power": power_w * 1000, "power_mw": power_w * 1000}
    if "voltage_mv" in fresh:
        told["current_ma"] = power_w * 1e6 / fresh["voltage_mv"]
    return {key: round(value) for key, value in told.items() if key in fresh}
