"""The table of questions: small, typed, and without a way out for stored events."""

from typing import get_args

import msgspec
import pytest
from tidegate.daemon.wire import frames, questions

ASKS = get_args(questions.AnyAsk) or (questions.AnyAsk,)
REPLIES = get_args(questions.AnyReply)
HARMLESS = {bool, int, str, list[str], dict[str, str], dict[str, str] | None, dict[str, bool]}
"""Types that a reply's fields may have; a document is none of them."""


def test_table_and_unions_agree() -> None:
    assert set(questions.TABLE) == set(ASKS)
    assert {reply for replies in questions.TABLE.values() for reply in replies} == set(REPLIES)


@pytest.mark.parametrize("reply", REPLIES)
def test_a_reply_cannot_carry_a_document(reply: type[questions.Reply]) -> None:
    assert {found.type for found in msgspec.structs.fields(reply)} <= HARMLESS


def test_questions_and_answers_survive_the_wire() -> None:
    question = questions.Question(b"12345678", 7, questions.Ping())
    assert frames.unpack_from_acceptor(frames.pack_question(question)) == question
    answer = questions.Answer(b"12345678", 7, questions.Unavailable("no"))
    assert frames.unpack_from_worker(frames.pack_answer(answer)) == answer


@pytest.mark.parametrize("agents", [None, (), ("rum-js", "js-base")])
def test_a_question_about_configuration_can_be_a_key_again(agents: tuple[str, ...] | None) -> None:
    question = questions.Question(b"12345678", 7, questions.FindConfiguration("shop", "prod", "e", agents))
    found = frames.unpack_from_acceptor(frames.pack_question(question))
    assert found == question
    assert hash(found) == hash(question)
