"""The job store on a real database: accepting, finding again, cancelling, forgetting."""

from __future__ import annotations

import os
import sqlite3
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from daw_bridge.errors import BadArguments, NotCancellable, UnknownJob
from daw_bridge.job_database import prepare
from daw_bridge.jobs import JobStore
from daw_bridge.request import RenderRequest, source_file

PRESET = {"schema": 1, "id": "default", "title": "Default", "about": "For tests."}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path / "state" / "jobs.sqlite")
    yield store
    store.close()


@pytest.fixture
def request_of(tmp_path: Path) -> RenderRequest:
    content, style = tmp_path / "content.wav", tmp_path / "style.wav"
    content.write_bytes(b"content")
    style.write_bytes(b"style")
    return RenderRequest(str(tmp_path), source_file(content, "content"), source_file(style, "style"), PRESET, reqid="song 1")


def test_an_accepted_request_is_read_back_whole_by_another_process(
    store: JobStore, request_of: RenderRequest, tmp_path: Path
) -> None:
    wanted = replace(request_of, reaper={"position_seconds": 1.5}, seed=7)
    job, is_new = store.submit(wanted)
    assert is_new and job.state == "queued" and job.position == 1 and job.id == f"{wanted.key[:24]}.1"
    other = JobStore(tmp_path / "state" / "jobs.sqlite")
    assert other.get(job.id).request == wanted
    other.close()


def test_the_same_request_again_finds_the_job_that_exists(store: JobStore, request_of: RenderRequest) -> None:
    job, _ = store.submit(request_of)
    assert store.submit(request_of) == (job, False)


def test_a_forced_request_is_a_job_of_its_own(store: JobStore, request_of: RenderRequest) -> None:
    first, _ = store.submit(request_of)
    second, is_new = store.submit(replace(request_of, is_forced=True))
    assert is_new and second.id == first.id[:-1] + "2"


def test_a_forced_ticket_read_again_after_a_kill_is_the_same_job(store: JobStore, request_of: RenderRequest) -> None:
    ticket = replace(request_of, is_forced=True, origin="ticket")
    first, is_new = store.submit(ticket)
    assert is_new and first.request.is_forced and store.submit(ticket) == (first, False)
    nameless = replace(ticket, reqid="")
    assert [is_new for _, is_new in (store.submit(nameless), store.submit(nameless))] == [True, True]


def test_a_cancelled_request_asked_again_gets_the_next_number(store: JobStore, request_of: RenderRequest) -> None:
    first, _ = store.submit(request_of)
    store.cancel(first.id)
    second, is_new = store.submit(request_of)
    assert is_new and second.id.endswith(".2") and store.get(first.id).state == "cancelled"


def test_a_cancelled_job_can_be_retried_and_a_queued_one_cannot(store: JobStore, request_of: RenderRequest) -> None:
    first, _ = store.submit(request_of)
    with pytest.raises(BadArguments, match="is queued"):
        store.retry(first.id)
    store.cancel(first.id)
    assert store.retry(first.id).id.endswith(".2")


def test_what_has_ended_cannot_be_cancelled(store: JobStore, request_of: RenderRequest) -> None:
    job, _ = store.submit(request_of)
    assert store.cancel(job.id).state == "cancelled"
    with pytest.raises(NotCancellable, match="is cancelled"):
        store.cancel(job.id)


def test_an_unknown_job_is_named_in_the_error(store: JobStore) -> None:
    for call in (store.get, store.cancel, store.retry):
        with pytest.raises(UnknownJob, match=r"'nothing\.1'"):
            call("nothing.1")


def test_a_lot_is_accepted_in_its_order_and_the_same_twice_is_one_job(store: JobStore, request_of: RenderRequest) -> None:
    wishes = [replace(request_of, reqid=f"r{number}") for number in range(60)]
    answers = store.submit_all([*wishes, wishes[0], replace(wishes[1], is_forced=True), wishes[1]])
    assert [is_new for _, is_new in answers] == [True] * 60 + [False, True, False]
    assert [job.position for job, _ in answers[:60]] == list(range(1, 61))
    assert answers[60][0] == answers[0][0]
    assert answers[61][0].id == answers[62][0].id == answers[1][0].id[:-1] + "2"
    assert [(job.request, job.position) for job, _ in answers[:60]] == [(wish, place) for place, wish in enumerate(wishes, 1)]
    assert store.submit_all(wishes)[5] == (answers[5][0], False)
    times = [job.created for job, _ in answers[:60]]
    assert times == sorted(set(times)) and abs(times[0] - time.time()) < 60


def test_of_a_lot_all_or_nothing_is_written(store: JobStore, request_of: RenderRequest) -> None:
    class Broken(RenderRequest):
        def to_table(self) -> dict[str, Any]:
            raise ZeroDivisionError

    broken = Broken(**{f.name: getattr(request_of, f.name) for f in fields(request_of)})
    with pytest.raises(ZeroDivisionError):
        store.submit_all([replace(request_of, reqid="sound"), broken])
    assert store.jobs() == []


def test_an_accepted_job_is_on_the_disk_not_only_in_the_systems_memory(store: JobStore) -> None:
    with store._accepting.connect() as connection:
        settings = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("synchronous", "journal_mode")]
    assert settings == [2, "wal"]


def test_a_clock_that_is_set_back_lets_nobody_overtake(store: JobStore, request_of: RenderRequest, tmp_path: Path) -> None:
    first, _ = store.submit(request_of)
    with closing(sqlite3.connect(tmp_path / "state" / "jobs.sqlite")) as connection, connection:
        connection.execute("UPDATE workflow_status SET created_at = created_at + 315360000000")  # as if ten years ahead
    second, _ = store.submit(replace(request_of, reqid="second"))
    urgent, _ = store.submit(replace(request_of, reqid="later, but batch", priority="batch"))
    assert [store.get(job.id).position for job in (first, second, urgent)] == [1, 2, 3]
    assert [job.id for job in store.jobs()] == [urgent.id, second.id, first.id]


def test_the_log_of_the_database_is_tidied_without_closing_it(store: JobStore, request_of: RenderRequest, tmp_path: Path) -> None:
    store.submit_all([replace(request_of, reqid=f"r{number}") for number in range(200)])
    database = tmp_path / "state" / "jobs.sqlite"
    before = database.stat().st_size
    store.tidy()
    assert database.stat().st_size > before
    assert len(store.jobs()) == 200


def test_positions_follow_priority_then_age(store: JobStore, request_of: RenderRequest) -> None:
    priorities = ("batch", "interactive", "preview", "interactive")
    jobs = [store.submit(replace(request_of, reqid=f"r{i}", priority=p))[0] for i, p in enumerate(priorities)]
    assert [store.get(job.id).position for job in jobs] == [4, 1, 3, 2]
    assert [job.id for job in store.jobs(("queued",))] == [job.id for job in reversed(jobs)], "newest first"


def test_jobs_are_listed_by_state(store: JobStore, request_of: RenderRequest) -> None:
    kept, gone = (store.submit(replace(request_of, reqid=name))[0] for name in ("a", "b"))
    store.cancel(gone.id)
    assert [job.id for job in store.jobs(("queued",))] == [kept.id]
    assert [job.id for job in store.jobs(("cancelled", "done"))] == [gone.id]
    assert len(store.jobs()) == 2 and store.jobs(()) == []


def test_a_change_by_another_process_is_noticed_once(store: JobStore, request_of: RenderRequest, tmp_path: Path) -> None:
    store.has_changed()
    assert not store.has_changed()
    other = JobStore(tmp_path / "state" / "jobs.sqlite")
    other.submit(request_of)
    other.close()
    assert store.has_changed() and not store.has_changed()


def test_what_comes_next_is_found_however_many_newer_jobs_wait(store: JobStore, request_of: RenderRequest) -> None:
    asked = [replace(request_of, reqid=f"r{n}", priority=priority) for n, priority in enumerate(("batch", *["interactive"] * 9))]
    batch, *hands = (job.id for job, _ in store.submit_all(asked))
    store.cancel(hands[3])
    waiting = [*hands[:3], *hands[4:], batch]
    assert [job.id for job in store.next_up(3)] == waiting[:3]
    assert [(job.id, job.position) for job in store.next_up(50)] == [(job, place) for place, job in enumerate(waiting, 1)]


def test_purging_forgets_only_what_ended_before(store: JobStore, request_of: RenderRequest) -> None:
    waiting, ended = (store.submit(replace(request_of, reqid=name))[0] for name in ("a", "b"))
    store.cancel(ended.id)
    assert store.purge(datetime.now(UTC) - timedelta(hours=1)) == 0
    assert store.purge(datetime.now(UTC) + timedelta(hours=1)) == 1
    assert [job.id for job in store.jobs()] == [waiting.id]


def test_submitting_takes_little_longer_than_the_disk(store: JobStore, request_of: RenderRequest, tmp_path: Path) -> None:
    seconds, plain = [], []
    with (tmp_path / "plain").open("wb", buffering=0) as file:
        for number in range(100):
            start = time.perf_counter()
            file.write(bytes(4096))
            os.fsync(file.fileno())
            plain.append(time.perf_counter() - start)
            start = time.perf_counter()
            store.submit(replace(request_of, reqid=f"r{number}"))
            seconds.append(time.perf_counter() - start)
    most = 0.1 + 10 * statistics.median(plain)  # others use the disk, too
    assert statistics.median(seconds) < most, "tests.benchmarks.service measures the 99th percentile"


def test_two_threads_with_one_request_make_one_job(store: JobStore, request_of: RenderRequest) -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: store.submit(request_of), range(8)))
    assert sum(is_new for _, is_new in answers) == 1 and len({job.id for job, _ in answers}) == 1


@pytest.mark.parametrize("name", ["plain", "č 漢字 ' $( )", "50%41 #1", "a?b&c=d;e"])
def test_any_folder_name_can_hold_the_database(tmp_path: Path, name: str) -> None:
    if sys.platform == "win32" and "?" in name:
        pytest.skip("not a name on Windows")
    database = tmp_path / name / "jobs.sqlite"
    JobStore(database).close()
    assert database.stat().st_size > 0
    assert {path.name for path in tmp_path.iterdir()} == {name}, "nothing was made elsewhere"


def test_a_prepared_database_is_ready_without_loading_the_engine(tmp_path: Path) -> None:
    database = tmp_path / "jobs.sqlite"
    prepare(database)
    code = f"import sys; from daw_bridge.job_database import prepare; from pathlib import Path; prepare(Path({str(database)!r}))"
    subprocess.run([sys.executable, "-c", code + "; assert 'dbos' not in sys.modules"], check=True)


def test_the_store_never_loads_torch(tmp_path: Path) -> None:
    opened = f"JobStore(Path({str(tmp_path / 'jobs.sqlite')!r}))"
    code = (
        f"import sys; from daw_bridge.jobs import JobStore; from pathlib import Path; {opened}; assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_renderers_commits_do_not_wait_for_the_disk_and_an_accepted_job_does(tmp_path: Path) -> None:
    lines = (
        "from pathlib import Path",
        "from daw_bridge.job_database import leave_the_disk_to_others",
        "from daw_bridge.jobs import JobStore",
        f"database = Path({str(tmp_path / 'jobs.sqlite')!r})",
        "ask = lambda engine: [engine.connect().exec_driver_sql(f'PRAGMA {name}').scalar() for name in names]",
        "names = ('synchronous', 'wal_autocheckpoint')",
        "print(ask(JobStore(database)._accepting))",
        "leave_the_disk_to_others()",
        "print(ask(JobStore(database)._client._sys_db.engine))",
    )
    done = subprocess.run([sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[2, 0]", "[1, 0]"]


def test_jobs_read_one_after_the_other_take_little_memory(store: JobStore, request_of: RenderRequest, tmp_path: Path) -> None:
    preset = {**PRESET, "post": [{"Gain": {"gain_db": float(n)}} for n in range(200)]}
    jobs = [store.submit(replace(request_of, reqid=f"r{n}", preset=preset))[0] for n in range(60)]
    other = JobStore(tmp_path / "state" / "jobs.sqlite")
    tracemalloc.start()
    try:
        for job in jobs[:20]:
            other.get(job.id)
        before = tracemalloc.get_traced_memory()[0]
        for job in jobs[20:]:
            assert other.get(job.id).request.preset == preset
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        other.close()
    assert grown < 40 * 10_000, "each preset takes 80 kB, and is kept once"


def test_thousands_of_jobs_are_listed_at_once_and_purged_at_once(store: JobStore, request_of: RenderRequest) -> None:
    n_jobs = 3000
    requests = [replace(request_of, reqid=f"r{n}") for n in range(n_jobs)]
    jobs = [job for first in range(0, n_jobs, 500) for job, _ in store.submit_all(requests[first : first + 500])]
    store._client.cancel_workflows([job.id for job in jobs[: n_jobs // 2]])  # all at once: that is not what is tested
    began = time.perf_counter()
    assert len(store.jobs(limit=50)) == 50
    newest = time.perf_counter() - began
    assert len(store.jobs(("queued",), limit=5000)) == n_jobs // 2
    began = time.perf_counter()
    assert store.purge(datetime.now(UTC) + timedelta(hours=1)) == n_jobs // 2
    purged = time.perf_counter() - began
    assert newest < 2.0 and purged < 20.0, f"newest {newest:.2f} s, purge {purged:.2f} s"
    assert store.get(jobs[-1].id).position == n_jobs // 2 and store.purge(datetime.now(UTC) + timedelta(hours=1)) == 0
