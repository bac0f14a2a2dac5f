"""simulate: pretend devices to point rules, scripts and other people's clients at."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tapo_automate.cli.home import stopped_by_signals

if TYPE_CHECKING:
    from tapo_automate.simulator import Device


class _Complaint(click.ClickException):
    exit_code = 2


@click.command()
@click.option(
    "--profile",
    "profiles",
    multiple=True,
    metavar="NAME|FILE.json",
    help="P100, P105, P110, P115, L510, L530, L630, L900, L920, L430C, P300, P304M, P306, P316M, P210M, TP25, EP40M, "
    "KS240, or a dump of a device. Repeatable.",
)
@click.option(
    "--fleet", "fleet_file", type=click.Path(path_type=Path), metavar="FILE.toml", help="Devices from a file."
)
@click.option("--transport", metavar="NAME", help="klap, klap-v1, aes, aes-v1 or tpap.  [default: klap, or the dump's]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=0,
    help="Port of the first device, the others follow; 0 takes any that are free.  [default: 0]",
)
@click.option(
    "--discovery",
    metavar="[ADDRESS:]PORT",
    help="UDP port where devices answer those who look for them: each at its own address, or all at ADDRESS.",
)
@click.option("--username", envvar="TAPO_USERNAME", help="Account that owns the devices.  [env: TAPO_USERNAME]")
@click.option("--password", envvar="TAPO_PASSWORD", help="Its password.  [env: TAPO_PASSWORD]")
@click.option("--count", type=click.IntRange(min=1), default=1, help="So many of each profile.  [default: 1]")
@click.option(
    "--spread", is_flag=True, help="Each device at an address of its own, counted from --host on, all on --port."
)
@click.option("--nickname", help="Name of the device, as its owner gave it.")
@click.option("--on/--off", "on", default=None, help="The relay at the start.  [default: off, or the dump's]")
@click.option("--trace", metavar="TRACE", help="What the load draws: 60, washing-machine, steps:0=5/60=1200, csv:FILE.")
@click.option(
    "--faults", default="", metavar="FAULTS", help="What goes wrong, such as slow=0.2,drop=0.05,garbage=once."
)
@click.option("--seed", type=int, help="Repeats the faults and the made-up addresses.")
@click.option(
    "--ids",
    type=click.Choice(["lowest", "next"]),
    default="lowest",
    help="Which id a new row gets: the lowest that is free, or the next.  [default: lowest]",
)
@click.option(
    "--clash",
    type=click.Choice(["told", "refused"]),
    default="told",
    help="A row that clashes with another one.  [default: told]",
)
@click.option(
    "--gap",
    type=click.Choice(["skip", "shift"]),
    default="skip",
    help="A row at a wall time that the clock change skips.  [default: skip]",
)
@click.option(
    "--overlap",
    type=click.Choice(["first", "second", "both"]),
    default="first",
    help="A row at a wall time that comes twice.  [default: first]",
)
@click.option(
    "--spent",
    type=click.Choice(["disabled", "gone"]),
    default="disabled",
    help="A row that happened once.  [default: disabled]",
)
@click.option(
    "--effects",
    type=click.Choice(["singular", "plural"]),
    default="singular",
    help="How a lamp calls the methods that set its effects.  [default: singular]",
)
@click.option(
    "--tpap", default="", metavar="CHOICES", help="How it speaks TPAP, such as tls=1,iterations=1000,w0=short."
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object per device and line.")
def simulate(
    profiles: tuple[str, ...],
    fleet_file: Path | None,
    transport: str | None,
    host: str,
    port: int,
    discovery: str | None,
    username: str | None,
    password: str | None,
    count: int,
    spread: bool,
    nickname: str | None,
    on: bool | None,
    trace: str | None,
    faults: str,
    seed: int | None,
    ids: str,
    clash: str,
    gap: str,
    overlap: str,
    spent: str,
    effects: str,
    tpap: str,
    as_json: bool,
) -> None:
    """Run pretend Tapo devices until Ctrl-C.

    Prints where each one listens. With --fleet, the other options fill what the file leaves out.
    """
    from tapo_automate.simulator import Fleet, SimulatorError
    from tapo_automate.simulator.fleet_file import Wish, of_profiles, read_fleet, start

    if bool(profiles) == (fleet_file is not None):
        raise _Complaint("give --profile (once or more) or --fleet, one of the two")
    common = Wish(
        transport=transport, host=host, port=port, username=username, password=password, nickname=nickname, on=on,
        trace=trace, faults=faults, seed=seed, count=count, spread=spread,
        ids=ids, clash=clash, gap=gap, overlap=overlap, spent=spent, effects=effects, tpap=tpap,
    )  # fmt: skip
    stop = stopped_by_signals()
    _allow_many_sockets()
    try:
        wishes = read_fleet(fleet_file, common) if fleet_file else of_profiles(profiles, common)
        with Fleet(discovery=discovery) as fleet:
            for wish in wishes:
                for device in start(fleet, wish):
                    click.echo(_line(device, as_json=as_json))
            while not stop.wait(3600):
                pass
    except SimulatorError as error:
        raise _Complaint(str(error)) from None


def _line(device: "Device", *, as_json: bool) -> str:
    if as_json:
        return json.dumps(
            {
                "address": device.address,
                "host": device.host,
                "port": device.port,
                "discovery": device.discovery,
                "model": device.profile.model,
                "transport": device.transport,
                "nickname": device.nickname,
                "mac": device.mac,
                "device_id": device.device_id,
            }
        )
    heard = "" if device.discovery is None else f"  discovery {device.discovery}"
    return f"{device.address}  {device.profile.model}  {device.transport}  {device.mac}  {device.nickname}{heard}"


def _allow_many_sockets() -> None:
    """Raise the soft limit of open files to the hard one: each device and each of its clients needs one."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != soft and hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
