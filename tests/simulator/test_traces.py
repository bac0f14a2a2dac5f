"""Power traces: what they draw, what they cost, and how they are written."""

import random
import re
from pathlib import Path

import pytest

from tapo_automate.simulator import SimulatorError, Trace
from tapo_automate.simulator.traces import parse, washing_machine


def test_watts_are_those_of_the_last_step_begun() -> None:
    trace = parse("steps:0=5/60=1200/120=3")
    assert [trace.watts(at) for at in (-1, 0, 59.9, 60, 119, 120, 1e9)] == [5, 5, 5, 1200, 1200, 3, 3]


def test_energy_is_the_sum_of_small_pieces_of_power() -> None:
    dice = random.Random(4)
    for repeat_s in (None, 500.0):
        points = [(0.0, 3.0)] + [(at, float(dice.randrange(2000))) for at in sorted(dice.sample(range(1, 400), 20))]
        trace = Trace(points, repeat_s=repeat_s)
        for _ in range(20):
            start = dice.randrange(1500)
            end = start + dice.randrange(1500)
            pieces = sum(trace.watts(second + 0.5) for second in range(start, end))
            assert trace.joules(start, end) == pytest.approx(pieces)


def test_a_trace_repeats_with_the_length_of_its_last_step() -> None:
    trace = parse("steps:0=1/10=2/20=3,repeat")
    assert [trace.watts(at) for at in (0, 10, 25, 30, 45, 59, 60)] == [1, 2, 3, 1, 2, 3, 1]


def test_a_wash_takes_the_time_and_the_energy_that_it_says() -> None:
    trace = washing_machine()
    ends = 90 * 60
    assert trace.watts(ends + 60) == 0.8
    assert trace.watts(ends - 60) > 5
    assert trace.joules(0, ends) / 3.6e6 == pytest.approx(0.85, abs=0.01)
    longest = lull = 0
    for second in range(ends - 60):
        lull = lull + 1 if trace.watts(second) < 10 else 0
        longest = max(longest, lull)
    assert 120 <= longest <= 200, "it must be told apart from the end of the wash"


def test_a_csv_file_is_a_list_of_steps(tmp_path: Path) -> None:
    path = tmp_path / "load.csv"
    path.write_text("seconds,watts\n# a comment\n0,10\n\n30, 20.5\n", encoding="utf-8")
    trace = parse(f"csv:{path}")
    assert [trace.watts(at) for at in (0, 30)] == [10, 20.5]
    assert parse("csv:load.csv", folder=tmp_path).watts(31) == 20.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("washing", "unknown power trace 'washing'; did you mean 'washing-machine'?"),
        ("steps:0=5/x=3", "power trace 'steps:0=5/x=3': 'x=3' is not SECONDS=WATTS"),
        ("steps:5=5", "power trace 'steps:5=5': a power trace starts at second 0 and its seconds ascend"),
        ("steps:0=5/0=6", "power trace 'steps:0=5/0=6': a power trace starts at second 0 and its seconds ascend"),
        ("-5", "power trace '-5': a power trace holds seconds and watts that are not negative"),
        ("nan", "power trace 'nan': a power trace holds seconds and watts that are not negative"),
        ("csv:/no/such.csv", "cannot read power trace /no/such.csv: No such file or directory"),
    ],
)
def test_a_trace_that_cannot_be_read_says_why(text: str, message: str) -> None:
    with pytest.raises(SimulatorError, match=f"^{re.escape(message)}"):
        parse(text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("0,1\nfive,6\n", ":2: expected seconds,watts, found 'five,6'"),
        ("0,1\n5\n", ":2: expected seconds,watts, found '5'"),
        ("seconds,watts\n", ": no line of seconds,watts"),
    ],
)
def test_a_csv_file_that_cannot_be_read_says_where(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "load.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SimulatorError, match=re.escape(f"{path}{message}")):
        parse(f"csv:{path}")
