"""The event stream algorithm of WHATWG HTML 9.2.6, one character at a time: slow, and easy to compare with the text."""

from __future__ import annotations


def slow_events(body: bytes) -> list[tuple[str, str, str]]:
    """The (type, data, last event id) of each event that the standard dispatches for a whole body."""
    events = []
    data_buffer = type_buffer = last_id = ""
    for line in lines_with_an_end(body.decode("utf-8", "replace").removeprefix("\ufeff")):
        if line == "":
            if data_buffer != "":
                events.append((type_buffer or "message", data_buffer[:-1], last_id))
            data_buffer = type_buffer = ""
            continue
        name, value = field_of(line)
        if name == "event":
            type_buffer = value
        elif name == "data":
            data_buffer += value + "\n"
        elif name == "id" and "\0" not in value:
            last_id = value
    return events


def lines_with_an_end(text: str) -> list[str]:
    lines, line, position = [], "", 0
    while position < len(text):
        character = text[position]
        position += 1
        if character not in "\r\n":
            line += character
            continue
        if character == "\r" and text[position : position + 1] == "\n":
            position += 1
        lines.append(line)
        line = ""
    return lines


def field_of(line: str) -> tuple[str, str]:
    if ":" not in line:
        return line, ""
    colon = line.index(":")
    name, value = line[:colon], line[colon + 1 :]
    if value[:1] == " ":
        value = value[1:]
    return name, value
