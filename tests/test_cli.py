"""The command line as its user meets it: real processes, their exit codes, and what they print."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest
import soundfile

from daw_bridge import cli, progress
from daw_bridge.audio_files import read_place
from daw_bridge.presets import load_preset, preset_from, preset_ids
from tests.command import run, start
from tests.waiting import wait_for

RATE = 22_050


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a song, a style, and files that are none."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(5)
    times = np.arange(RATE) / RATE
    song = 0.3 * np.stack([np.sin(2 * np.pi * 330 * times), np.sin(2 * np.pi * 440 * times)])
    song[:, RATE // 2 : RATE // 2 + RATE // 5] = 0.0
    soundfile.write(folder / "song.wav", song.T, RATE, subtype="PCM_24")
    soundfile.write(folder / "style.wav", 0.2 * rng.standard_normal((RATE, 2)), RATE, subtype="PCM_16")
    soundfile.write(folder / "blink.wav", 0.2 * rng.standard_normal((40, 2)), RATE, subtype="PCM_16")
    soundfile.write(folder / "nan.wav", np.full((RATE, 2), np.nan), RATE, subtype="FLOAT")
    (folder / "empty.wav").touch()
    (folder / "words.wav").write_text("no audio at all, only words")
    return folder


def refused(process: subprocess.CompletedProcess[str], code: str) -> str:
    """Check that a command was refused in one line that ends in the code; gives the line."""
    last = process.stderr.strip().splitlines()[-1]
    assert (process.returncode, process.stdout) == (1, "")
    assert last.startswith("daw-bridge: ")
    assert last.endswith(f"[{code}]")
    assert process.stderr.count("daw-bridge: ") == 1
    assert "Traceback" not in process.stderr
    return last


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["presets"],
        ["remixx"],
        ["remix", "song.wav"],
        ["remix", "a.wav", "--style", "b.wav", "--param", "strength"],
        ["remix", "a.wav", "--style", "b.wav", "--device", "abacus"],
        ["serve", "p", "--port", "70000"],
    ],
)
def test_a_wrong_command_line_exits_with_2_and_says_how_it_goes(words: list[str]) -> None:
    process = run(*words)
    assert process.returncode == 2
    assert process.stderr.startswith("usage: daw-bridge")
    assert "Traceback" not in process.stderr


def test_help_and_version_are_asked_for_with_exit_code_0() -> None:
    assert run("--help").returncode == run("remix", "--help").returncode == 0
    assert run("--version").stdout == "daw-bridge 0.1.0\n"
    assert "Put the scripts into REAPER's resource folder" in run("install-reaper", "--help").stdout


@pytest.mark.parametrize(
    ("content", "style", "code", "said"),
    [
        ("gone.wav", "style.wav", "not_found", "content 'gone.wav'"),
        ("song.wav", "gone.wav", "not_found", "style 'gone.wav'"),
        ("empty.wav", "style.wav", "empty_file", "0 bytes"),
        ("words.wav", "style.wav", "unsupported_format", "words.wav"),
        (".", "style.wav", "unsupported_format", "not a regular file"),
        ("nan.wav", "style.wav", "not_finite", "nan.wav"),
        ("song.wav", "nan.wav", "not_finite", "style"),
        ("song.wav", "blink.wav", "too_short", "one window"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_in_one_line(clips: Path, content: str, style: str, code: str, said: str) -> None:
    before = sorted(clips.iterdir())
    assert said in refused(run("remix", content, "--style", style, folder=clips), code)
    assert sorted(clips.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--preset", "defualt"], "unknown_preset", "Did you mean 'default'?"),
        (["--param", "strenght=1"], "bad_param", "Did you mean 'strength'?"),
        (["--param", "strength=2"], "bad_param", "must lie from 0 to 1"),
        (["--start", "nan"], "bad_args", "start_seconds=nan"),
        (["--start", "99"], "bad_args", "beyond the end"),
        (["--seed", "-1"], "bad_args", "seed=-1"),
        (["--out", "style.wav"], "forbidden_path", "exists already"),
        (["--out", "style.wav", "--force"], "forbidden_path", "is an input"),
        (["--out", "nowhere/remix.wav"], "not_found", "nowhere"),
        (["--out", "remix.mp3"], "unsupported_format", "must end in"),
        (["--picture", "nowhere/p.png"], "not_found", "nowhere"),
        (["--picture", "p.gif"], "bad_args", ".png"),
        (["--picture", "words.wav"], "bad_args", ".png"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_in_one_line(clips: Path, options: list[str], code: str, said: str) -> None:
    assert said in refused(run("remix", "song.wav", "--style", "style.wav", *options, folder=clips), code)


def test_a_chain_that_cannot_be_is_refused_before_the_render(clips: Path) -> None:
    (clips / "odd.toml").write_text('schema = 1\ntitle = "Odd"\nabout = "Odd."\n[[post]]\nplugin = "Compresor"\n')
    process = run("remix", "song.wav", "--style", "style.wav", "--preset", "odd", folder=clips, DAW_BRIDGE_PRESETS=str(clips))
    assert "preset 'odd': post step 1" in refused(process, "bad_param")
    assert "rebuilding" not in process.stderr and "transferring" not in process.stderr


def test_a_remix_lands_beside_its_content_with_recipe_and_picture(clips: Path, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    options = ["--style", "style.wav", "--param", "num_steps=2", "--picture", picture]
    process = run("remix", "song.wav", *options, folder=clips)
    assert process.returncode == 0, process.stderr
    path = clips / "song__default__style__v001.wav"
    assert process.stdout.splitlines() == [str(path), str(picture)]
    assert "100 % publishing" in process.stderr
    assert path.with_suffix(".json").is_file()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert not (clips / ".daw_bridge").exists()
    song, remix = soundfile.info(clips / "song.wav"), soundfile.info(path)
    assert (remix.samplerate, remix.frames, remix.channels, remix.subtype) == (RATE, song.frames, 2, "PCM_24")


def test_out_names_the_file_and_force_replaces_it(clips: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine.wav"
    words = ["remix", clips / "song.wav", "--style", clips / "style.wav", "--out", out, "--param", "num_steps=1"]
    part = ["--start", "0.1", "--length", "0.3"]
    assert run(*words, *part, folder=tmp_path).stdout == f"{out}\n"
    assert soundfile.info(out).frames == round(0.3 * RATE)
    assert read_place(out).time_reference == round(0.1 * RATE)  # a DAW spots it to the part that it was made of
    assert "exists already" in refused(run(*words, folder=tmp_path), "forbidden_path")
    assert run(*words, "--force", folder=tmp_path).returncode == 0
    assert soundfile.info(out).frames == RATE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.json", "mine.wav"]


@pytest.mark.skipif(os.name == "nt", reason="a process of its own cannot be sent Ctrl-C alone there")
@pytest.mark.parametrize("end", ["SIGTERM", "SIGHUP"])
def test_the_end_of_a_session_or_its_terminal_stops_a_remix_like_ctrl_c(clips: Path, tmp_path: Path, end: str) -> None:
    number = getattr(signal, end)
    before = signal.signal(number, signal.SIG_DFL)  # under nohup it is ignored, there as here
    try:
        words = ("remix", clips / "song.wav", "--style", clips / "style.wav", "--out", tmp_path / "mine.wav")
        with start(*words, "--param", "num_steps=2000") as process:
            assert process.stderr is not None
            assert any("transferring" in line for line in process.stderr)
            assert len(list(tmp_path.glob(".daw_bridge-*"))) == 1
            process.send_signal(number)
            process.send_signal(number)  # a closed terminal may well say it twice
            _, rest = process.communicate(timeout=120)
    finally:
        signal.signal(number, before)
    assert process.returncode == 130
    assert rest.splitlines()[-1] == "daw-bridge: cancelled; nothing was written"
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name == "nt", reason="a process of its own cannot be sent Ctrl-C alone there")
@pytest.mark.parametrize(("moment", "num_steps"), [("loading", 1), ("transferring", 2000), ("publishing", 1)])
def test_ctrl_c_stops_a_remix_at_any_moment_and_leaves_nothing_half_done(
    clips: Path, tmp_path: Path, moment: str, num_steps: int
) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes((clips / "song.wav").read_bytes())
    options = ["--param", f"num_steps={num_steps}", "--picture", tmp_path / "picture.png"]
    with start("remix", song, "--style", clips / "style.wav", *options) as process:
        assert process.stderr is not None
        assert any(moment in line for line in process.stderr)
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=120)
    assert process.returncode in (130, -signal.SIGINT)  # the shell shows 130 for both
    assert "Traceback" not in rest
    said = rest.strip().splitlines()[-1]
    left = {path.name for path in tmp_path.iterdir()} - {"song.wav"}
    remix = tmp_path / "song__default__style__v001.wav"
    if moment == "publishing" and said != "daw-bridge: cancelled; nothing was written":  # it came after the rename
        assert said == f"daw-bridge: stopped, but the remix is finished: {remix}"
        assert left == {remix.name, remix.with_suffix(".json").name}
        assert soundfile.info(remix).frames == RATE
    else:
        assert said == "daw-bridge: cancelled; nothing was written"
        assert left == set()


def test_presets_are_listed_and_shown_as_toml_that_reads_back() -> None:
    listed = run("presets", "list")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == preset_ids()
    for preset_id in preset_ids():
        shown = run("presets", "show", preset_id).stdout
        assert preset_from(tomllib.loads(shown), preset_id) == load_preset(preset_id)


def test_a_broken_preset_of_the_user_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text("schema = 1\ntitel = 'typo'\n")
    process = run("presets", "list", DAW_BRIDGE_PRESETS=str(tmp_path))
    assert process.returncode == 1
    assert "default" in process.stdout
    assert "Did you mean 'title'?" in process.stderr


def test_a_reader_that_has_seen_enough_causes_no_noise() -> None:
    with start("presets", "show", "default") as process:
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_debugging_shows_where_an_error_was_raised() -> None:
    process = run("presets", "show", "nonesuch", DAW_BRIDGE_DEBUG="1")
    assert process.returncode == 1
    assert "Traceback" in process.stderr


def test_an_unforeseen_error_is_one_line_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def fail(_: object) -> int:
        raise RuntimeError("two\nlines")

    monkeypatch.setitem(cli.COMMANDS, "status", fail)
    assert cli.main(["status"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("daw-bridge: unforeseen RuntimeError: two lines.")
    assert said.endswith("[internal]\n")


@pytest.mark.parametrize("words", [["status"], ["jobs"], ["cancel"], ["send", "song.wav", "--style", "style.wav"]])
def test_asking_a_service_that_does_not_run_says_how_to_start_it(clips: Path, tmp_path: Path, words: list[str]) -> None:
    assert "daw-bridge serve" in refused(run(*words, "--state", tmp_path, folder=clips), "not_found")


def test_init_serve_send_jobs_status_and_cancel_work_together(clips: Path, tmp_path: Path) -> None:
    project, state = tmp_path / "a project", tmp_path / "state"
    assert f"daw-bridge serve '{project}'" in run("init", project).stdout
    song = project / "song.wav"
    song.write_bytes((clips / "song.wav").read_bytes())
    with start("serve", project, "--port", "0", "--state", state) as service:
        try:
            assert service.stdout is not None
            assert "listens on 127.0.0.1:" in service.stdout.readline()
            wait_for(lambda: "idle" in run("status", "--state", state).stdout, what="an idle service")
            assert run("jobs", "--state", state).stderr == "the service has no jobs\n"
            assert "goes on as it was started" in run("serve", "--lan", "--state", state).stdout
            sent = run("send", song, "--style", clips / "style.wav", "--state", state, "--param", "num_steps=1")
            assert sent.returncode == 0, sent.stderr
            remix = Path(sent.stdout.strip())
            assert remix.parent == project / "daw_bridge" / "remixes"
            assert soundfile.info(remix).frames == RATE
            wait_for(lambda: "idle" in run("status", "--state", state).stdout, what="an idle service")
            (line,) = run("jobs", "--state", state).stdout.splitlines()
            job, what = line.split()[:2]
            assert what == "done"
            assert f"accepted as job {job}" in sent.stderr
            assert "active" in refused(run("cancel", "--state", state), "unknown_job")
            assert job in refused(run("cancel", job, "--state", state), "not_cancellable")
            wrong = run("send", song, "--style", clips / "style.wav", "--state", state, "--preset", "defualt")
            assert "Did you mean 'default'?" in refused(wrong, "unknown_preset")
        finally:
            service.terminate()
            _, said = service.communicate(timeout=120)
    assert (service.returncode, said) == (0, "")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_with_phase_percent_and_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    clock = iter([0.0, 10.0])
    monkeypatch.setattr("daw_bridge.progress.time.monotonic", lambda: next(clock, 10.0))
    stream = Terminal()
    with progress.shown_progress(stream) as on_progress:
        on_progress("transfer", 0.25)
    for words in ("transferring", "25%", "30 s left"):
        assert words in stream.getvalue()


def test_time_left_is_told_only_when_it_can_be_known() -> None:
    assert progress.time_left(0.01, 5.0) == ""
    assert progress.time_left(0.5, 20.0) == "20 s left"
    assert progress.time_left(0.1, 60.0) == "9 min left"
    assert progress.time_left(1.0, 60.0) == ""
