"""Presets as files: what they may say, what they extend, and what becomes of broken ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daw_bridge.errors import BadParameter, UnknownPreset
from daw_bridge.networks import VGGISH
from daw_bridge.post import check_chain
from daw_bridge.presets import (
    Preset,
    all_presets,
    load_preset,
    preset_files,
    preset_from,
    preset_ids,
    read_preset,
    shipped_folder,
)

HEAD = 'schema = 1\ntitle = "T"\nabout = "A."\n'
PAPER = {"paper-vgg16-best", "paper-vgg16-cheap", "paper-vggish-content-heavy", "paper-vggish-style-heavy"}
CHARACTERS = {
    *("vinyl", "tape", "vocal-lift", "drums-only", "ambient-wash", "metallic", "lo-fi-radio", "subtle-glue"),
    *("fast", "fine", "wyse", "stream-ready"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The user's own presets."""
    monkeypatch.setenv("DAW_BRIDGE_PRESETS", str(tmp_path))
    return tmp_path


def write(folder: Path, preset_id: str, text: str, head: str = HEAD) -> Path:
    path = folder / f"{preset_id}.toml"
    path.write_text(head + text, encoding="utf-8")
    return path


def test_at_least_fourteen_presets_come_with_it_each_with_a_chain_that_pedalboard_takes() -> None:
    files = preset_files((shipped_folder(),))
    assert len(files) >= 14 and set(files) >= CHARACTERS | PAPER | {"default"}
    presets = [read_preset(paths[-1], files) for paths in files.values()]
    for preset in presets:
        check_chain(preset.post)
        assert 40 < len(preset.about) < 200
    assert len({preset.title for preset in presets}) == len({preset.about for preset in presets}) == len(presets)
    tables = [{**preset.to_table(), "id": "", "title": "", "about": ""} for preset in presets]
    assert all(table not in tables[:number] for number, table in enumerate(tables)), "two presets say the same"


def test_characters_follow_the_tuning_of_the_default(folder: Path) -> None:
    write(folder, "default", 'extends = "default"\n[transfer]\nlearning_rate = 0.123\n')
    for preset_id in CHARACTERS:
        assert load_preset(preset_id).transfer.learning_rate == 0.123


def test_the_papers_best_hears_all_thirteen_layers() -> None:
    best = load_preset("paper-vgg16-best")
    assert len(best.transfer.style_layers) == 13
    assert (best.transfer.start, best.reconstruct.method, best.transfer.num_steps) == ("noise", "griffin_lim", 60)
    assert best.transfer.planes == "colour" and best.transfer.content_layers == (("relu3_1", 1.0),)  # the 5th
    assert best.post == load_preset("paper-vgg16-cheap").post


def test_the_papers_cheap_mode_hears_the_first_four_layers() -> None:
    layers = load_preset("paper-vgg16-cheap").transfer.style_layers
    assert [layer for layer, _ in layers] == ["relu1_1", "relu1_2", "relu2_1", "relu2_2"]


def test_the_papers_vggish_modes_have_its_layers_and_its_weights_both_ways() -> None:
    heavy = {kind: load_preset(f"paper-vggish-{kind}-heavy").transfer for kind in ("content", "style")}
    for settings in heavy.values():
        assert settings.content_layers == (("vggish_5", 1.0),) and settings.style_layers == (("vggish_1", 1.0),)
    assert (heavy["content"].content_weight, heavy["content"].style_weight) == (10.0, 1.5)
    assert (heavy["style"].content_weight, heavy["style"].style_weight) == (1.5, 10.0)
    pair = {"content_layers": "vggish_6", "style_layers": "vggish_2"}
    other = load_preset("paper-vggish-style-heavy").with_parameters(pair).transfer
    assert other.depths() == {VGGISH: 6}


def test_the_default_comes_first_and_the_others_by_their_letters(folder: Path) -> None:
    write(folder, "aaa", "")
    ids = preset_ids()
    assert ids[:2] == ["default", "aaa"] and ids[1:] == sorted(ids[1:])


def test_a_preset_takes_what_it_does_not_say_from_the_one_that_it_extends(folder: Path) -> None:
    write(
        folder,
        "base",
        '[transfer]\nstrength = 0.5\nn_bands = 128\n[output]\nwet = 0.7\n[[post]]\nplugin = "Gain"\ngain_db = 3.0\n',
    )
    write(folder, "child", 'extends = "base"\n[transfer]\nstrength = 0.25\n')
    write(folder, "dry", 'extends = "child"\npost = []\n')
    base, child, dry = load_preset("base"), load_preset("child"), load_preset("dry")
    assert (child.transfer.strength, child.transfer.n_bands, child.output.wet) == (0.25, 128, 0.7)
    assert child.post == base.post and len(child.post) == 1
    assert dry.post == () and dry.transfer == child.transfer


def test_a_resolved_preset_reads_back_without_what_it_extends() -> None:
    for preset in all_presets():
        assert isinstance(preset, Preset)
        assert preset_from(preset.to_table(), preset.id) == preset


def test_the_users_preset_hides_the_shipped_one_and_may_extend_it(folder: Path) -> None:
    path = write(folder, "vinyl", 'extends = "vinyl"\n[transfer]\nstrength = 0.11\n')
    assert load_preset("vinyl").transfer.strength == 0.11
    assert load_preset("vinyl").post
    path.unlink()
    assert load_preset("vinyl").transfer.strength != 0.11


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a": 'extends = "a"\n'}, "'a' extends 'a'"),
        ({"a": 'extends = "b"\n', "b": 'extends = "a"\n'}, "'a' extends 'b' extends 'a'"),
        ({"a": 'extends = "b"\n', "b": 'extends = "c"\n', "c": 'extends = "b"\n'}, "'b' extends 'c' extends 'b'"),
    ],
)
def test_a_circle_is_refused(folder: Path, files: dict[str, str], said: str) -> None:
    for preset_id, text in files.items():
        write(folder, preset_id, text)
    with pytest.raises(BadParameter) as caught:
        load_preset("a")
    assert said in str(caught.value) and "extends itself" in str(caught.value)
    the_rest_works()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[transfer]\nstrenght = 0.5\n", "transfer.strenght is not a setting. Did you mean 'strength'?"),
        ("[tranfser]\n", "'tranfser' is not a key. Did you mean 'transfer'?"),
        ("loudness = -14\n", "'loudness' is not a key"),
        ("transfer = 5\n", "transfer=5 must be a table"),
        ('[transfer]\nstrength = "much"\n', "transfer.strength='much' must be a number"),
        ("[transfer]\nstrength = true\n", "transfer.strength=True must be a number"),
        ("[transfer]\nstrength = nan\n", "transfer.strength=nan must be a number"),
        ("[transfer]\nstrength = 1979-05-27\n", "must be a number"),
        ("[transfer]\nstrength = 1.5\n", "transfer.strength=1.5 must lie from 0 to 1"),
        ("[transfer]\nnum_steps = 1000000\n", "transfer.num_steps=1000000 must lie from 0 to 2000 steps. It means: opt"),
        ("[transfer]\nnum_steps = 1.5\n", "transfer.num_steps=1.5 must be a whole number"),
        ("[transfer]\nnum_steps = 0x" + "f" * 20_000 + "\n", "transfer.num_steps=a number without end must be a number"),
        ("[transfer]\nnum_steps = " + "9" * 5_000 + "\n", "is not TOML"),
        ("[transfer]\nis_gram_centred = 1\n", "transfer.is_gram_centred=1 must be true or false"),
        ('[transfer]\nstart = "nois"\n', "transfer.start='nois' is not a choice. Did you mean 'noise'?"),
        ("[transfer]\nstart = [1]\n", "transfer.start=[1] is not a choice"),
        ("[transfer]\nstyle_layers = []\n", "transfer.style_layers=[] must list layers"),
        ("[transfer]\nstyle_layers = [[1]]\n", "[1] is no layer"),
        ("[transfer]\nstyle_layers = [14]\n", "layer=14 is not known"),
        ('[transfer]\nstyle_layers = ["relu1_9"]\n', "Did you mean 'relu1_"),
        ('[transfer]\nstyle_layers = [1, "relu1_1"]\n', "layer 'relu1_1' is listed twice"),
        ("[transfer]\nstyle_layers = { relu1_1 = 0 }\n", "weight 0 of 'relu1_1' must be over 0"),
        ('[output]\nloudness = "loud"\n', "output.loudness='loud' is not a choice"),
        ("[output]\nloudness = 3\n", "output.loudness=3 must lie from -40 to -5 LUFS"),
        ("post = 1\n", "post=1 must be a list of tables"),
        ("[[post]]\ngain_db = 3\n", "post step 1 names no plugin"),
        ('[[post]]\nplugin = "Gain"\ngain_db = [1]\n', "gain_db=[1] must be a number"),
        ("extends = 5\n", "extends=5 is no preset"),
        ('extends = "defualt"\n', "extends='defualt' is no preset. Did you mean 'default'?"),
        ('extends = "../presets/default"\n', "is no preset"),
        ('extends = "default"\n[transfer]\nstrenght = 1\n', "transfer.strenght is not a setting"),
        ('extends = "default"\ntransfer = 1\n', "transfer=1 must be a table"),
        ("= broken\n", "is not TOML"),
        ("deep = " + "[" * 20_000 + "\n", "nests too deep"),
        ("x = '" + "x" * 10_000_000 + "'\n", "has 10000043 bytes, more than 100000"),
    ],
)
def test_a_broken_preset_gets_one_sentence_and_the_rest_works(folder: Path, text: str, said: str) -> None:
    write(folder, "mine", text)
    refused(said)
    the_rest_works()


@pytest.mark.parametrize(
    ("head", "said"),
    [
        ("", "schema=None must be 1"),
        ("schema = 2\n", "schema=2 must be 1"),
        ("schema = true\n", "schema=True must be 1"),
        ('schema = 1\nabout = "A."\n', "title=None must be a text"),
        ('schema = 1\ntitle = " "\nabout = "A."\n', "title=' ' must be a text"),
        ('schema = 1\ntitle = "T"\nabout = "\\u001b[2J"\n', "about='\\x1b[2J' must be one line of plain text"),
        ('schema = 1\ntitle = "T"\nabout = "' + "A" * 5000 + '"\n', "about has 5000 characters, more than 400"),
    ],
)
def test_a_wrong_head_gets_one_sentence(folder: Path, head: str, said: str) -> None:
    write(folder, "mine", "", head)
    refused(said)


CODE = "__import__('os').system('touch /tmp/owned')"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'[transfer]\nstrength = "{CODE}"\n', "must be a number"),
        (f'[transfer]\nstart = "{CODE}"\n', "is not a choice"),
        (f'"{CODE}" = 1\n', "is not a key"),
        (f'extends = "{CODE}"\n', "is no preset"),
        (f'[[post]]\nplugin = "{CODE}"\n', "is not one of pedalboard's effects"),
        ('[[post]]\nplugin = "os.system"\ncommand = "id"\n', "is not one of pedalboard's effects"),
        ('[[post]]\nplugin = "load_plugin"\npath_to_plugin_file = "/tmp/x.vst3"\n', "is not one of pedalboard's effects"),
        ('[[post]]\nplugin = "Gain"\n__class__ = 1\n', "has no parameter '__class__'"),
        (f'[[post]]\nplugin = "Gain"\ngain_db = "{CODE}"\n', "must be a number"),
        ('[[post]]\nplugin = "LowPasFilter"\n', "Did you mean 'LowpassFilter'?"),
        ('[[post]]\nplugin = "Gain"\ngain = 1.0\n', "Did you mean 'gain_db'?"),
        ("import os\nos.system('id')\n", "is not TOML"),
    ],
)
def test_what_looks_like_code_is_a_wrong_value_and_no_more(folder: Path, text: str, said: str) -> None:
    write(folder, "mine", text)
    with pytest.raises(BadParameter) as caught:
        check_chain(load_preset("mine").post)
    assert said in str(caught.value)
    the_rest_works()


def test_text_that_looks_like_code_stays_text(folder: Path) -> None:
    write(folder, "mine", "", f'schema = 1\ntitle = "${{HOME}} {{0}} %s"\nabout = "{CODE}"\n')
    assert (load_preset("mine").title, load_preset("mine").about) == ("${HOME} {0} %s", CODE)


def test_files_that_are_no_text_break_nothing(folder: Path) -> None:
    (folder / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    (folder / "folder.toml").mkdir()
    (folder / "gone.toml").symlink_to(folder / "nowhere")
    if hasattr(os, "mkfifo"):
        os.mkfifo(folder / "pipe.toml")
    broken = [str(preset) for preset in all_presets() if isinstance(preset, BadParameter)]
    assert len(broken) == len(list(folder.iterdir()))
    assert any(text == "preset file bytes.toml is not text in UTF-8. Save it as UTF-8 in your editor." for text in broken)
    assert all("preset file" in text and "\n" not in text for text in broken)
    the_rest_works()


def test_a_file_that_an_editor_marks_as_utf_8_is_read(folder: Path) -> None:
    (folder / "mine.toml").write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert load_preset("mine").title == "T"


def test_a_broken_parent_is_named(folder: Path) -> None:
    write(folder, "base", "[transfer]\nstrength = 7\n")
    write(folder, "mine", 'extends = "base"\n')
    refused("preset 'base': transfer.strength=7")


def test_what_is_extended_must_lie_in_a_file() -> None:
    with pytest.raises(BadParameter, match="extends is followed in preset files alone"):
        preset_from({"schema": 1, "title": "T", "about": "A.", "extends": "default"}, "x")


@pytest.mark.parametrize("name", ["nonesuch", "../default", "", "x" * 100_000])
def test_a_preset_that_is_not_there_is_answered_in_one_line(name: str) -> None:
    with pytest.raises(UnknownPreset) as caught:
        load_preset(name)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(("text", "value"), [("-14", -14.0), ("content", "content"), ("off", "off")])
def test_a_loudness_comes_from_the_command_line_as_text(text: str, value: float | str) -> None:
    assert load_preset("stream-ready").with_parameters({"loudness": text}).output.loudness == value
    assert load_preset("default").with_parameters({"output.loudness": text}).output.loudness == value


def refused(said: str) -> None:
    with pytest.raises(BadParameter) as caught:
        load_preset("mine")
    text = str(caught.value)
    assert said in text and ("mine" in text or "base" in text)
    assert len(text) < 600 and "\n" not in text


def the_rest_works() -> None:
    good = [preset for preset in all_presets() if isinstance(preset, Preset)]
    assert {preset.id for preset in good} >= CHARACTERS | {"default"}
