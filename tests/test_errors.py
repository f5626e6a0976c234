"""One tree of errors, each with a stable code, that survive the way to another process."""

from __future__ import annotations

import pickle

import pytest

from daw_bridge import errors
from daw_bridge.errors import DawBridgeError, Internal, by_code, did_you_mean


def tree(root: type[DawBridgeError] = DawBridgeError) -> list[type[DawBridgeError]]:
    return [root, *(leaf for branch in root.__subclasses__() for leaf in tree(branch))]


LEAVES = [error for error in tree() if not error.__subclasses__() and error.__module__ == errors.__name__]


def test_every_error_of_the_module_is_in_the_tree() -> None:
    classes = {value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)}
    assert classes == {error for error in tree() if error.__module__ == errors.__name__}


def test_no_two_errors_share_a_code() -> None:
    own = [error for error in tree() if "code" in vars(error)]
    assert len({error.code for error in own}) == len(own)
    assert all(error.code.replace("_", "a").islower() and error.code.isascii() for error in own)


@pytest.mark.parametrize("error", LEAVES, ids=lambda error: error.__name__)
def test_an_error_survives_the_way_to_another_process(error: type[DawBridgeError]) -> None:
    again = pickle.loads(pickle.dumps(error("value=1 must be 2", "Give 2.")))
    assert type(again) is error and (again.message, again.hint) == ("value=1 must be 2", "Give 2.")


@pytest.mark.parametrize("error", [e for e in LEAVES if "code" in vars(e)], ids=lambda error: error.__name__)
def test_a_code_leads_back_to_its_class(error: type[DawBridgeError]) -> None:
    assert by_code(error.code) is error


def test_a_subclass_without_a_code_of_its_own_comes_back_as_its_parent() -> None:
    assert by_code(errors.ShapeError.code) is errors.BadArguments


@pytest.mark.parametrize("code", ["", "internal", "of a later version"])
def test_an_unknown_code_is_an_internal_error(code: str) -> None:
    assert by_code(code) is Internal


def test_an_error_reads_as_a_sentence_with_its_way_out() -> None:
    assert (
        str(errors.NotFound("content 'a.wav' does not exist", "Check the name."))
        == "content 'a.wav' does not exist. Check the name."
    )
    assert str(errors.NotFound("content 'a.wav' does not exist")) == "content 'a.wav' does not exist"


def test_the_nearest_word_is_offered_or_all_of_them() -> None:
    assert did_you_mean("strenght", ["strength", "start"]) == "Did you mean 'strength'?"
    assert did_you_mean("zzz", ["b", "a"]) == "Known: a, b."
    assert did_you_mean("zzz", []) == "Known: none."
