"""What counts as a secret of the server in an error, and what does not."""

from __future__ import annotations

import pytest

from conformance.reading import shown_secret

DIGITS = "7Fq2LxT9vBn4KdM8sWz1RjY6"


@pytest.mark.parametrize(
    ("text", "what"),
    [
        (f"upstream refused the key sk-{DIGITS}", "key"),
        (f"key sk-ant-api03-{DIGITS}{DIGITS} is over its quota", "key"),
        (f"AIza{'Sy' + (DIGITS * 2)[:33]}", "key"),
        (f"ghp_{(DIGITS * 2)[:36]} cannot read the repository", "key"),
        (f"xoxb-{DIGITS}", "key"),
        ("AKIA4QZ7TRX2LMN8PWKD is not authorised", "key"),
        (f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.{DIGITS}", "key"),
        (f"sent Authorization: Bearer {DIGITS}", "carries"),
        (f"POST https://api.example/v1?key={DIGITS} failed", "carries"),
        ("cannot connect to postgresql://gateway:Xy7pQ2@db/keys", "password"),
        (f"Key Hash (Token) = {'4be1' * 16}. Unable to find it", "hash"),
        (f'{{"token_hash": "{"9c0d" * 10}"}}', "hash"),
        ('SELECT "id", token FROM "VerificationToken" WHERE token = $1', "database"),
        ('relation \\"api_keys\\" does not exist', "database"),
        ("SQLSTATE[42S02]: base table not found", "database"),
        ("sqlite3.OperationalError: no such table: users", "database"),
        ("(psycopg2.errors.UndefinedTable)", "database"),
    ],
)
def test_a_secret_is_found(text: str, what: str) -> None:
    found = shown_secret(f'{{"error": {{"message": "{text}"}}}}'.encode())
    assert found is not None
    assert what in found.what


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-ab***************9XyZ. See https://platform.openai.com/account/api-keys.",
        "expected to start with 'sk-'",
        "use a key such as sk-your-api-key-goes-here-1",
        "sk-xxxxxxxxxxxxxxxxxxxxxxxx1",
        "AKIAIOSFODNN7EXAMPLE",
        f"request req_{DIGITS}, chatcmpl-{DIGITS}",
        f"risk-{DIGITS} and task-{DIGITS}",
        'Bearer realm="openai", error="invalid_token", error_description="The key is not valid"',
        "send it as 'Authorization: Bearer <key>' or Authorization: Bearer YOUR_API_KEY_GOES_HERE_1",
        "Bearer ******************************",
        "https://user:password@host/ and postgres://username:password@localhost/db",
        "https://docs.example/errors?code=invalid_request&lang=en",
        "select a model from the list; update your client, and set the key",
        "Select one value from `enum`",
        f"the hash of the request is {'0f' * 32}",
        "the table of models has no such entry",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert shown_secret(f'{{"error": {{"message": "{text}"}}}}'.encode()) is None


def test_what_the_caller_sent_is_no_secret() -> None:
    text = f"no such model: sk-{DIGITS}".encode()
    assert shown_secret(text) is not None
    assert shown_secret(text, sent=f'{{"model": "sk-{DIGITS}"}}'.encode()) is None
    assert shown_secret(text, keys=False) is None


def test_a_report_does_not_repeat_a_secret() -> None:
    found = shown_secret(f"key sk-{DIGITS}".encode())
    assert found is not None
    assert DIGITS not in found.what
    assert found.start == 4
