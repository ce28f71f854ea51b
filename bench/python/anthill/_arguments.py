"""From what Python says to what the command line takes. Nothing is judged here but what no command line can carry."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import Refused

Scenario = str | os.PathLike[str] | Mapping[str, Any]
"""A preset's name, a file, TOML text (it has a line break or ``=``), or the same as a mapping."""

# Keys that the command line has a short name for.
SHORT = {
    "protocol": "protocol.name",
    "crypto": "crypto.mode",
    "shards": "engine.shards",
    "threads": "engine.threads",
}
MOST_ARGUMENT_BYTES = 100_000


def scenario(given: Scenario) -> tuple[str, str | None]:
    """The argument that names a scenario, and the text for standard input if that is how it is given."""
    if isinstance(given, Mapping):
        return "-", document(given)
    if isinstance(given, str):
        if "\n" in given or "=" in given:
            return "-", given
        if given.strip() in ("", "-"):
            raise Refused(f"scenario {given!r}: write a preset's name, a file, TOML text or a mapping")
        return argument("scenario", given), None
    path = os.fspath(given) if isinstance(given, os.PathLike) else None
    if not isinstance(path, str):
        raise TypeError(f"a scenario is a name, a path, TOML text or a mapping, not {type(given).__name__}")
    # What is said to be a file is never taken for a preset.
    return argument("scenario", os.path.join(os.curdir, path)), None


def settings(flag: str, overrides: Mapping[str, Any]) -> list[str]:
    """``--set`` for each key; a mapping sets the keys in it, and leaves its other keys alone."""
    arguments = []
    for key, value in overrides.items():
        if isinstance(value, Mapping):
            pairs = [(f"{key}.{inner}", of_it) for inner, of_it in value.items()]
        else:
            pairs = [(SHORT.get(key, key), value)]
        for path, of_it in pairs:
            arguments += [flag, argument(path, f"{path}={toml(of_it, path)}")]
    return arguments


def variations(vary: Mapping[str, Iterable[Any]]) -> list[str]:
    """``--vary`` for each key."""
    if not isinstance(vary, Mapping) or not vary:
        raise Refused("vary: name at least one key and its values, such as {'protocol.fanout': [4, 8]}")
    arguments = []
    for key, values in vary.items():
        if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
            raise Refused(f"vary: {key}: {values!r} is no list of values: write [{values!r}]")
        listed = ",".join(toml(value, key) for value in values)
        path = SHORT.get(key, key)
        arguments += ["--vary", argument(path, f"{path}={listed}")]
    return arguments


def numbers(name: str, values: Any) -> str:
    """One number or several, separated by commas; text such as ``10k`` stays as it is."""
    several = [values] if isinstance(values, str) or hasattr(values, "__index__") else list(values)
    return argument(name, ",".join(str(value) for value in several))


def argument(name: str, text: str) -> str:
    """Text that a command line can carry."""
    if "\0" in text:
        raise Refused(f"{name}: {text[:80]!r} holds a zero byte")
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        raise Refused(f"{name}: {text[:80]!r} is no valid Unicode text") from None
    if length > MOST_ARGUMENT_BYTES:
        raise Refused(f"{name}: {text[:80]!r}… is longer than {MOST_ARGUMENT_BYTES} bytes")
    return text


def document(given: Mapping[str, Any]) -> str:
    """A mapping as a TOML document, a line for each of its keys."""
    return "".join(f"{_key(key)} = {toml(value, str(key))}\n" for key, value in given.items())


def toml(value: Any, at: str) -> str:
    """A value as TOML on one line; ``at`` is its key, for errors."""
    try:
        return _toml(value, at)
    except RecursionError:
        raise Refused(f"{at[:80]}: is nested too deeply") from None


def _toml(value: Any, at: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, os.PathLike):
        return _text(os.fspath(value))
    if isinstance(value, int):
        return str(int(value))
    if isinstance(value, float):
        # TOML spells `nan` and `inf` as Python does.
        return repr(float(value)) if math.isfinite(value) else str(float(value))
    if isinstance(value, Mapping):
        inner = ", ".join(f"{_key(key)} = {_toml(of_it, f'{at}.{key}')}" for key, of_it in value.items())
        return "{" + inner + "}"
    if isinstance(value, (list, tuple, range)):
        return "[" + ", ".join(_toml(item, f"{at}[{index}]") for index, item in enumerate(value)) + "]"
    # Numbers and arrays of NumPy and its like.
    for method in ("tolist", "item"):
        if hasattr(value, method):
            return _toml(getattr(value, method)(), at)
    raise Refused(f"{at}: {value!r} ({type(value).__name__}) is nothing that a scenario can hold")


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise Refused(f"{key!r}: a key of a scenario is text")
    return _text(key)


def _text(text: str) -> str:
    # A basic string of TOML is one of JSON, but for the last control character.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
