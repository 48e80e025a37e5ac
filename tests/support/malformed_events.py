"""Events that break a rule each, by what is wrong with them."""

from __future__ import annotations

from stream_samples import chunk, encoded

GOOD = encoded(chunk("a"))
EVENTS = {
    "no JSON": b"data: error: engine failed\n\n",
    "a document that breaks off": b'data: {"id":"c",\n\n',
    "two documents": b"data: {}{}\n\n",
    "a name twice": GOOD.replace(b'{"id"', b'{"id":"c","id"'),
    "NaN": GOOD.replace(b'"a"', b"NaN"),
    "half a surrogate pair": GOOD.replace(b'"a"', b'"\\ud800"'),
    "a number beyond a double": GOOD.replace(b"1700000000", b"1e999"),
    "invalid UTF-8": GOOD.replace(b'"a"', b'"\xff"'),
    "another type than the schema's": GOOD.replace(b'"a"', b"7"),
    "a member missing": GOOD.replace(b'"choices"', b'"choicez"'),
    "null": b"data: null\n\n",
    "empty data": b"data:\n\n",
    "no field name": GOOD.removeprefix(b"data: "),
    "an index out of range": GOOD.replace(b'"index": 0', b'"index": 5'),
    "an unknown finish_reason": GOOD.replace(b'"finish_reason": null', b'"finish_reason": "eos"'),
    "another role": GOOD.replace(b'"content"', b'"role":"user","content"'),
    "an error": b'data: {"error":{"message":"m"}}\n\n',
    "an error that is not an error object": b'data: {"error":{"code":[]}}\n\n',
    "the sentinel": b"data: [DONE]\n\n",
    "another HTTP message": b"HTTP/1.1 200 OK\r\n\r\n",
    "nesting too deep": b"data: " + b"[" * 130 + b"]" * 130 + b"\n\n",
}
