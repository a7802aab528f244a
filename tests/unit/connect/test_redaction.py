import base64
from urllib.parse import quote

import pytest

from tieout.connect.redaction import Redactor

SECRET = 'pa$$ "word"/with+signs'


@pytest.mark.parametrize(
    "text",
    [
        f"key={SECRET}",
        f"?key={quote(SECRET)}&x=1",
        f"?key={quote(SECRET, safe='')}&x=1",
        '{"key": "pa$$ \\"word\\"/with+signs"}',
        base64.b64encode(SECRET.encode()).decode(),
    ],
)
def test_a_known_secret_is_hidden_in_every_spelling(text: str) -> None:
    hidden = Redactor([SECRET]).hide(text)
    assert "[hidden]" in hidden
    assert "word" not in hidden
    assert base64.b64encode(SECRET.encode()).decode().rstrip("=") not in hidden


@pytest.mark.parametrize(
    "text",
    [
        '{"access_token":"abc.def","expires_in":3600}',
        "grant=x&client_assertion=abc.def&y=1",
        '{"password" : "abc.def"}',
    ],
)
def test_what_is_secret_by_name_is_hidden(text: str) -> None:
    assert "abc.def" not in Redactor().hide(text)


def test_headers_with_credentials_are_hidden_whole() -> None:
    hidden = Redactor(["k3y5"]).hide_headers(
        {"Authorization": "Bearer new-token", "X-Trace": "k3y5-1", "Accept": "*/*"}
    )
    assert hidden == {"Authorization": "[hidden]", "X-Trace": "[hidden]-1", "Accept": "*/*"}


def test_a_token_learned_later_is_hidden_from_then_on() -> None:
    redactor = Redactor()
    redactor.learn("issued-later")
    assert redactor.hide("token issued-later refused") == "token [hidden] refused"


def test_a_short_secret_hides_nothing_else() -> None:
    assert Redactor(["a"]).hide("a banana") == "a banana"
