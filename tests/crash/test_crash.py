"""Two hundred deaths by SIGKILL, and what has to be true all the same.

CRASH_ROUNDS says how many, CRASH_SEED repeats what was drawn, as far as a machine's timing can be repeated.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from crash import claims, claims_events
from crash.claims import Claim
from crash.record import Record, story
from crash.run import Tally, Undertaker

ROUNDS = int(os.environ.get("CRASH_ROUNDS", "200"))
SEED = int(os.environ.get("CRASH_SEED", random.SystemRandom().randrange(10**6)))
MOST_KILLS = 100  # in one run: the rules of the house do not go on for ever
MOST_MORE = 20 if ROUNDS >= 200 else 0  # lives beyond these, where a point has not killed yet
SIDE_BY_SIDE = 3
SLEEPS_S = (1.5, 4.0, 9.0)  # of the suspended one, in real seconds ...
PROMPT_S = 1.0  # ... to which it is late from so many on
MOST_SHOWN = 5

CLAIMS: tuple[Claim, ...] = (
    claims.every_firing_ends,
    claims.nothing_is_invented,
    claims.nothing_is_done_twice,
    claims.toggles_belong_to_their_life,
    claims.results_are_right,
    claims.nothing_is_early,
    claims.a_daemon_at_work_is_prompt,
    claims.the_house_is_as_it_should_be,
    claims.the_sun_sets_once,
    claims_events.holds_by_load_go_on,
    claims_events.a_load_without_hold_fires_once,
    claims_events.countdowns_go_on,
    claims_events.holds_by_state_go_on,
    claims_events.a_turn_toggles_once,
    claims_events.steps_come_in_their_order_and_time,
    claims_events.queued_steps_are_all_gone_through,
    claims_events.windows_go_on,
    claims_events.people_are_told_once,
    claims_events.people_are_respected,
    claims_events.nobody_is_blamed_for_what_the_daemon_did,
    claims_events.the_journal_is_sound,
)
# A process that was stopped does in the second after what came due in the second before, without a look.
NOT_OF_SLEEPERS = {
    claims.nothing_is_done_twice,
    claims.toggles_belong_to_their_life,
    claims_events.steps_come_in_their_order_and_time,
    claims_events.the_journal_is_sound,  # answers that came while it slept are late
}

pytestmark = [pytest.mark.alone, pytest.mark.timeout(max(900, 10 * ROUNDS))]


@dataclass(frozen=True, slots=True)
class Runs:
    """All that was run.  tally: what ended the lives of the killed ones."""

    killed: Sequence[Record]
    stopped: Record
    suspended: Record
    tally: Tally


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Run everything side by side: most of the time a life waits."""
    tally = Tally()
    count = max(-(-ROUNDS // MOST_KILLS), 1)
    shares = [ROUNDS // count + (number < ROUNDS % count) for number in range(count)]
    folders = [tmp_path_factory.mktemp(f"run-{number}-") for number in range(count + 2)]
    leaders = [Undertaker(folder, SEED + number, tally) for number, folder in enumerate(folders)]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        stopped = pool.submit(leaders[-1].stop, 8)
        killed = [pool.submit(leader.kill, share, MOST_MORE) for leader, share in zip(leaders, shares, strict=False)]
        suspended = pool.submit(leaders[-2].suspend, SLEEPS_S, PROMPT_S)
    print(f"\nCRASH_SEED={SEED}: {tally.lives} lives; ended by")
    for how, times in sorted(tally.killed.items()):
        print(f"  {times:5}  {how}")
    return Runs([run.result() for run in killed], stopped.result(), suspended.result(), tally)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_whenever_a_daemon_is_killed(runs: Runs, claim: Claim) -> None:
    hold(claim, *runs.killed)


def test_every_point_has_killed(runs: Runs) -> None:
    assert ROUNDS < 200 or runs.tally.never() == set()


def test_enough_daemons_have_died_in_the_middle_of_something(runs: Runs) -> None:
    outlived = sum((claims_events.outlived(record) for record in runs.killed), Counter[str]())
    print(f"\nwent on over a death: {dict(sorted(outlived.items()))}")
    least = {"washer", "rail", "tv", "away", "stair", "busy", "queue"}
    assert ROUNDS < 200 or {what for what in least if not outlived[what]} == set()


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.__name__)
def test_when_a_daemon_is_stopped(runs: Runs, claim: Claim) -> None:
    hold(claim, runs.stopped)


def test_a_daemon_that_is_stopped_finishes_and_says_so(runs: Runs) -> None:
    assert {life.how for life in runs.stopped.lives} == {"stopped"}
    assert all(run.ended is not None for run in runs.stopped.runs)


@pytest.mark.parametrize(
    "claim", [claim for claim in CLAIMS if claim not in NOT_OF_SLEEPERS], ids=lambda claim: claim.__name__
)
def test_when_a_daemon_was_suspended(runs: Runs, claim: Claim) -> None:
    hold(claim, runs.suspended)


def test_a_daemon_that_was_suspended_does_only_the_last_of_what_it_missed(runs: Runs) -> None:
    reasons = [entry.reason for entry in runs.suspended.entries]
    assert any(reason.startswith("a newer command came first") for reason in reasons)


def hold(claim: Claim, *records: Record) -> None:
    """Fail with the stories of the first contradictions, if there are any."""
    told = []
    for record in records:
        broken = list(claim(record))
        for each in broken[:MOST_SHOWN]:
            told.append(f"{each.text}\n{story(record, each.devices, each.at)}")
        if broken:
            told.append(f"{len(broken)} in all with CRASH_SEED={record.seed}; the journal is in {record.folder}")
    if told:
        pytest.fail(f"{(claim.__doc__ or '').strip()}\n\n" + "\n\n".join(told), pytrace=False)
