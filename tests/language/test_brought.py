"""Files of questions that people bring: three forms, and what is wrong with others."""

import json

import pytest

from include.errors import DataContractError
from language.brought import read_questions
from language.examples import Kind

ALPACA = [
    {"instruction": "What were sales?", "input": "Sales were 5.", "output": "5 [1]"},
    {"instruction": "What is a 10-K?", "output": "An annual report to the SEC."},
]
CHAT = [
    {
        "messages": [
            {"role": "system", "content": "Sales were 5."},
            {"role": "user", "content": "What were sales?"},
            {"role": "assistant", "content": "5"},
            {"role": "user", "content": "And costs?"},
            {"role": "assistant", "content": "Unknown."},
        ]
    },
    {"conversations": [{"from": "human", "value": "Hello?"}, {"from": "gpt", "value": "Hello."}]},
]


def read(content: object, form: str):
    text = content if isinstance(content, str) else json.dumps(content)
    return read_questions(text.encode(), form, "mine.json")


def test_alpaca_has_questions_perhaps_with_a_passage():
    first, second = read(ALPACA, "alpaca")
    assert (first.question, first.answer, first.cited, first.figure) == ("What were sales?", "5 [1]", 1, "5")
    assert [passage.text for passage in first.passages] == ["Sales were 5."]
    assert (second.passages, second.cited) == ((), None)
    assert {first.kind, second.kind} == {Kind.BROUGHT}
    assert first.origin == "mine.json"


def test_one_object_a_line_is_read_as_well():
    assert read("\n".join(json.dumps(each) for each in ALPACA), "alpaca") == read(ALPACA, "alpaca")


def test_every_turn_of_a_chat_is_a_question():
    found = read(CHAT, "chat")
    assert [(each.question, each.answer) for each in found] == [
        ("What were sales?", "5"),
        ("And costs?", "Unknown."),
        ("Hello?", "Hello."),
    ]
    assert [len(each.passages) for each in found] == [1, 1, 0]


def test_a_table_has_its_columns_by_name():
    text = '\ufeffanswer,question,passage,citation\n"1,000 [1]",How many?,"It has 1,000.",r#s:0-5\n'
    (found,) = read(text, "csv")
    assert (found.question, found.answer, found.figure) == ("How many?", "1,000 [1]", "1000")
    assert found.passages[0].citation == "r#s:0-5"


def test_the_same_question_is_of_the_same_group_whatever_its_case():
    first, second = read([{**ALPACA[1]}, {**ALPACA[1], "instruction": "WHAT is a 10-K"}], "alpaca")
    assert first.group == second.group != read(ALPACA, "alpaca")[0].group


@pytest.mark.parametrize(
    ("content", "form", "said"),
    [
        ("{", "alpaca", "is no JSON"),
        ([5], "alpaca", "entry 1 is int"),
        ([], "alpaca", "has no question"),
        ([{"instruction": "a"}], "alpaca", "entry 1: 'output' has to be a text"),
        ([ALPACA[0], {"instruction": " ", "output": "b"}], "alpaca", "entry 2: 'instruction'"),
        ([{"instruction": "a", "output": 5}], "alpaca", "it is 5"),
        ([{"text": "a"}], "chat", "neither 'messages' nor 'conversations'"),
        ([{"messages": ["a"]}], "chat", "a message is 'a'"),
        ([{"messages": [{"role": "assistant", "content": "b"}]}], "chat", "answers no question"),
        ([{"messages": [{"role": "tool", "content": "b"}]}], "chat", "role 'tool' is unknown"),
        ([{"messages": [{"role": "user", "content": "b"}]}], "chat", "no question with an answer"),
        ("question,reply\na,b\n", "csv", "no column answer"),
        ("question,answer\na,b,c\n", "csv", "row 1 has more cells"),
        ("question,answer\na,\n", "csv", "row 1: 'answer'|entry 1: 'answer'"),
        ('question,answer\n"a,b\n', "csv", "is no CSV"),
        ("question,answer\n", "csv", "has no question"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(content, form, said):
    with pytest.raises(DataContractError, match=rf"mine\.json.*({said})"):
        read(content, form)


def test_a_file_that_is_not_in_utf_8_is_refused():
    with pytest.raises(DataContractError, match="UTF-8"):
        read_questions("질문".encode("cp949"), "csv", "mine.csv")
