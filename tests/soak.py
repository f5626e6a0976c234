"""`python -m tests.soak`: the whole soak of about ten minutes, or one of its parts; prints what was seen."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.soaks.crowd import burst, drop, quick_jobs
from tests.soaks.datagrams import storm
from tests.soaks.kills import soak
from tests.soaks.paths import REFUSALS, SECRET_HASH, ask_for_paths

N_DATAGRAMS, N_PATHS = 1_000_000, 10_000


def main() -> int:
    """Soak and say what was seen; 0 when nothing was lost, doubled, leaked or let through."""
    parser = argparse.ArgumentParser(prog="tests.soak")
    parser.add_argument("--kills", action="store_true", help="only the part that kills service and renderers")
    parser.add_argument("--seconds", type=float, default=100.0, help="how long they are killed (default: %(default)g)")
    parser.add_argument("--renderers", type=int, default=2, help="how many, each with a device of its own (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=0, help="of that part; 0 means one for every two seconds and renderer")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--datagrams", type=int, metavar="N", help="only so many hostile ones, unlimited and limited")
    parser.add_argument("--paths", type=int, metavar="N", help="only so many hostile paths")
    parser.add_argument("--crowd", action="store_true", help="only 1000 requests, 500 files and 1000 quick jobs")
    asked = parser.parse_args()
    is_whole = not (asked.kills or asked.datagrams or asked.paths or asked.crowd)
    began, are_sound = time.monotonic(), list[bool]()
    if asked.kills or is_whole:
        are_sound.append(_kills(asked.seconds, asked.seed, asked.jobs, asked.renderers))
    if asked.datagrams or is_whole:
        are_sound.append(_datagrams(asked.datagrams or N_DATAGRAMS, asked.seed))
    if asked.paths or is_whole:
        are_sound.append(_paths(asked.paths or N_PATHS, asked.seed))
    if asked.crowd or is_whole:
        are_sound.append(_crowd())
    print(f"{'sound' if all(are_sound) else 'NOT SOUND'}, {time.monotonic() - began:.0f} s in all")
    return 0 if all(are_sound) else 1


def _kills(seconds: float, seed: int, n_jobs: int, n_renderers: int) -> bool:
    n_jobs = n_jobs or round(seconds / 2) * n_renderers
    with tempfile.TemporaryDirectory(prefix="daw-bridge-soak-", ignore_cleanup_errors=True) as folder:
        outcome = soak(Path(folder), seconds, seed, n_jobs, n_renderers=n_renderers, on_line=lambda _: None)
    states, crashes = Counter(job.state for job in outcome.jobs), Counter(job.crashes for job in outcome.jobs)
    made = f"jobs {dict(states)}, by crashes {dict(crashes)}, {outcome.n_aside} times one stood aside"
    print(f"kills: {dict(outcome.kills)} in {outcome.seconds:.0f} s, {n_renderers} renderers, {made}")
    print(f"publishes a job {dict(Counter(outcome.publishes.values()))}, database {outcome.integrity}")
    return outcome.is_sound


def _datagrams(n_datagrams: int, seed: int) -> bool:
    is_sound = True
    for is_unlimited, n_sent in ((True, n_datagrams), (False, n_datagrams)):
        with tempfile.TemporaryDirectory(prefix="daw-bridge-soak-") as folder:
            seen = storm(Path(folder), n_sent, seed, is_unlimited)
        pings = sorted(seen.ping_seconds)
        slow = 1000 * pings[len(pings) * 99 // 100]
        taken = (
            f"{seen.n_sent} datagrams in {seen.seconds:.0f} s, {seen.n_counted} counted, memory {seen.growth_bytes / 1e6:+.1f} MB"
        )
        answered = f"{len(pings)} pings, 99th percentile {slow:.1f} ms, slowest {1000 * pings[-1]:.1f} ms, exit code {seen.code}"
        print(f"limiter {'off' if is_unlimited else 'on'}: {taken}, {answered}")
        is_sound &= seen.code == 0 and seen.n_counted >= 0.9 * n_sent and seen.growth_bytes < 20e6
    return is_sound


def _paths(n_paths: int, seed: int) -> bool:
    with tempfile.TemporaryDirectory(prefix="daw-bridge-soak-") as folder:
        root = Path(folder).resolve()
        seen = ask_for_paths(root, n_paths, seed)
        project = root / "world" / "project"
        n_outside = sum(not Path(path).is_relative_to(project) for pair in seen.jobs for path in pair)
    print(f"paths: {dict(seen.answers)}, {n_outside} jobs outside, secret copied: {SECRET_HASH in seen.copies}")
    is_sound = sum(seen.answers.values()) == n_paths and n_outside == 0 and SECRET_HASH not in seen.copies
    return is_sound and seen.is_untouched and set(seen.answers) <= {"accepted", *REFUSALS}


def _crowd() -> bool:
    with tempfile.TemporaryDirectory(prefix="daw-bridge-soak-") as folder:
        asked = burst(Path(folder) / "burst", 1000, 20)
        print(f"burst: {len(asked.jobs)} of 1000 accepted in {asked.seconds:.1f} s, {asked.n_sent} sent, {asked.n_stored} stored")
        published, seconds = drop(Path(folder) / "drop", 500)
        print(f"drop: {len(published)} of 500 published in {seconds:.1f} s, at most {max(published.values())} times")
        before, after = quick_jobs(Path(folder) / "jobs", 1000)
        print(f"quick jobs: before {before}\n             after {after}")
    is_answered = (
        len(asked.jobs) == asked.n_stored == 1000
        and asked.seconds < 30.0
        and len(published) == 500
        and set(published.values()) == {1}
    )
    return is_answered and after.is_within(before)


if __name__ == "__main__":
    sys.exit(main())
