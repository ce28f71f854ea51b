"""Emulate full-scale peer-to-peer networks, deterministically.

    import anthill

    run = anthill.run("gossip", nodes=10_000, protocol={"fanout": 6})
    run.metrics["coverage"]          # a figure
    run.pandas()                     # the run over virtual time, a row per interval

Each function runs the command of the same name (docs/commands.md says what it does) and gives what the command
saved. Scenarios are named by a preset's name, a file (``pathlib.Path``, or a name that ends in ``.toml``), TOML text,
or a mapping. Keywords set keys of the scenario: ``nodes=1000``, ``until="60s"``, ``protocol={"fanout": 6}`` (that
key, and no other of ``[protocol]``), ``**{"network.loss": 0.1}``.

``progress`` of every function: ``None`` shows a line in notebooks and terminals, ``False`` nowhere, and a function
is called with the line.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from . import _arguments, _binary, _process
from ._arguments import Scenario
from ._binary import binary
from ._saved import Comparison, Run, Saved, Scaling, Sweep, load
from .errors import (
    AnthillError,
    BinaryError,
    Failed,
    Interrupted,
    MissingPackage,
    NotSaved,
    Refused,
    Violated,
)

__version__ = _binary.version()

__all__ = [
    "AnthillError",
    "BinaryError",
    "Comparison",
    "Failed",
    "Interrupted",
    "MissingPackage",
    "NotSaved",
    "Refused",
    "Run",
    "Saved",
    "Scaling",
    "Scenario",
    "Sweep",
    "Violated",
    "binary",
    "compare",
    "load",
    "run",
    "scale",
    "sweep",
]

_Progress = bool | Callable[[str], None] | None
_Path = str | os.PathLike[str]
_Kind = TypeVar("_Kind", bound=Saved)
_SAVED = ("table", "trace", "history", "ledger")


def run(
    scenario: Scenario,
    /,
    *,
    out: _Path | None = None,
    engine: str | Mapping[str, Any] = "sharded",
    save: Iterable[str] = (),
    stop_on_violation: bool = False,
    check: bool = False,
    progress: _Progress = None,
    **overrides: Any,
) -> Run:
    """Runs one emulation.

    Args:
        scenario: A preset's name, a file, TOML text or a mapping.
        out: Where to save it; a directory that is new or empty. Else ``anthill-runs/<name>-<seed>-<n>``.
        engine: ``sharded``, or ``sequential`` for the slow reference. Both give the same result. A mapping sets
            keys of ``[engine]``.
        save: What to save besides: ``table`` (nodes as they end), ``trace``, ``history``, ``ledger``.
        stop_on_violation: Whether to end after the window of the first violation.
        check: Whether a check that failed inside its bound is an exception. Else it is in ``violations``.
        progress: Where to show how far it is.
        overrides: Keys of the scenario.

    Raises:
        Refused: Bad input, with the text that says which.
        Violated: With ``check``, if the run is not ``ok``.
        Interrupted: A signal ended it.
    """
    wanted = (save,) if isinstance(save, str) else tuple(save)
    for name in wanted:
        if name not in _SAVED:
            raise Refused(f"save: {name!r}: choose from {', '.join(_SAVED)}")
    arguments = [f"--{name}" for name in wanted]
    if isinstance(engine, Mapping):
        overrides["engine"] = engine
    else:
        arguments.append(_arguments.argument("engine", f"--engine={engine}"))
    if stop_on_violation:
        arguments.append("--stop-on-violation")
    arguments += _arguments.settings("--set", overrides)
    return _do(Run, "run", scenario, arguments, out, check, progress)


def sweep(
    scenario: Scenario,
    /,
    *,
    vary: Mapping[str, Iterable[Any]],
    seeds: int,
    jobs: int | None = None,
    out: _Path | None = None,
    check: bool = False,
    progress: _Progress = None,
    **overrides: Any,
) -> Sweep:
    """Runs every combination of the values in ``vary`` under ``seeds`` seeds each.

    The same call with the same ``out`` makes only the runs that are missing.

    Args:
        vary: Values by key: ``{"protocol.fanout": [4, 8]}``.
        seeds: Runs of each combination.
        jobs: Runs at a time; else as many as cores and memory allow.

    The other arguments are those of :func:`run`.

    Raises:
        Refused, Violated, Interrupted: As in :func:`run`.
    """
    arguments = [*_arguments.variations(vary), "--seeds", _arguments.numbers("seeds", seeds), *_jobs(jobs)]
    arguments += _arguments.settings("--set", overrides)
    return _do(Sweep, "sweep", scenario, arguments, out, check, progress)


def scale(
    scenario: Scenario,
    /,
    *,
    nodes: Sequence[int | str],
    repeat: int = 3,
    shards: Sequence[int] = (),
    out: _Path | None = None,
    check: bool = False,
    progress: _Progress = None,
    **overrides: Any,
) -> Scaling:
    """Measures what a run costs at several sizes, and by which power that grows.

    Args:
        nodes: The sizes: ``[1_000, "10k"]``.
        repeat: Runs of each size.
        shards: Numbers of shards, for strong scaling.

    The other arguments are those of :func:`run`.

    Raises:
        Refused, Violated, Interrupted: As in :func:`run`.
    """
    arguments = ["--nodes", _arguments.numbers("nodes", nodes), "--repeat", _arguments.numbers("repeat", repeat)]
    if shards:
        arguments += ["--shards", _arguments.numbers("shards", shards)]
    arguments += _arguments.settings("--set", overrides)
    return _do(Scaling, "scale", scenario, arguments, out, check, progress)


def compare(
    a: Scenario,
    b: Scenario | None = None,
    /,
    *,
    seeds: int,
    set_a: Mapping[str, Any] | None = None,
    set_b: Mapping[str, Any] | None = None,
    allow_difference: bool = False,
    jobs: int | None = None,
    out: _Path | None = None,
    check: bool = False,
    progress: _Progress = None,
    **overrides: Any,
) -> Comparison:
    """Judges a change: both sides under the same seeds, the difference of every metric, and a verdict.

    Args:
        a: What to compare with.
        b: What to compare; without it ``a`` again, which ``set_b`` then changes.
        seeds: Pairs of runs.
        set_a: Keys of ``a`` alone.
        set_b: Keys of ``b`` alone.
        allow_difference: Whether network, workload, faults, nodes or times may differ.
        overrides: Keys of both.

    The other arguments are those of :func:`run` and :func:`sweep`. Files that a mapping or TOML text names are
    found by absolute paths only.

    Raises:
        Refused, Violated, Interrupted: As in :func:`run`.
    """
    arguments = ["--seeds", _arguments.numbers("seeds", seeds), *_jobs(jobs)]
    if allow_difference:
        arguments.append("--allow-difference")
    arguments += _arguments.settings("--set", overrides)
    arguments += _arguments.settings("--set-a", set_a or {})
    arguments += _arguments.settings("--set-b", set_b or {})
    with tempfile.TemporaryDirectory() as folder:
        sides = [_side(Path(folder) / name, given) for name, given in (("a.toml", a), ("b.toml", a if b is None else b))]
        return _call(Comparison, ["compare", *arguments], sides, None, out, check, progress)


def _side(file: Path, given: Scenario) -> str:
    """The argument for one of two scenarios; what is given as text becomes a file."""
    named, text = _arguments.scenario(given)
    if text is None:
        return named
    try:
        file.write_text(text, encoding="utf-8")
    except UnicodeEncodeError:
        raise Refused("the scenario is no valid Unicode text") from None
    return str(file)


def _jobs(jobs: int | None) -> list[str]:
    return [] if jobs is None else ["--jobs", _arguments.numbers("jobs", jobs)]


def _do(
    kind: type[_Kind],
    command: str,
    scenario: Scenario,
    arguments: list[str],
    out: _Path | None,
    check: bool,
    progress: _Progress,
) -> _Kind:
    named, text = _arguments.scenario(scenario)
    return _call(kind, [command, *arguments], [named], text, out, check, progress)


def _call(
    kind: type[_Kind],
    arguments: list[str],
    scenarios: list[str],
    text: str | None,
    out: _Path | None,
    check: bool,
    progress: _Progress,
) -> _Kind:
    where = [] if out is None else [_arguments.argument("out", f"--out={os.fspath(out)}")]
    code, found = _process.call([*arguments, "--parquet", *where], ["--", *scenarios], text, progress)
    directory = found["host"]["run_directory"] if kind is Run else found["directory"]
    saved = kind(directory)
    if check and code:
        raise Violated(repr(saved), saved)
    return saved
