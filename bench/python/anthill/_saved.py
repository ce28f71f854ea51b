"""What a command saved: figures as Python values, tables as Arrow, pandas or Polars read them from its directory."""

from __future__ import annotations

import importlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar

from .errors import MissingPackage, NotSaved

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

MOST_JSON_BYTES = 256 << 20


class Saved:
    """A directory that a command left, whole.

    Tables are read each time they are asked for, from Parquet where there is some, else from CSV.
    """

    FILE: ClassVar[str]
    TABLE: ClassVar[str]

    directory: Path
    """Where it is."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory).resolve()
        self._data = _json(self.directory / self.FILE)

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of its tables."""
        found = {file.stem for suffix in ("csv", "parquet") for file in self.directory.glob(f"*.{suffix}")}
        return tuple(sorted(found))

    def arrow(self, table: str | None = None) -> pyarrow.Table:
        """A table for Arrow; without a name, the one that its class names.

        Raises:
            NotSaved: It has no such table.
            MissingPackage: pyarrow is not installed.
        """
        file = self._file(table)
        if file.suffix == ".parquet":
            parquet = _package("pyarrow.parquet", "arrow")
            return parquet.read_table(file, memory_map=True)
        csv = _package("pyarrow.csv", "arrow")
        # Sixteen digits of which none happens to be a letter are no number.
        options = csv.ConvertOptions(column_types={"digest": "string"})
        return csv.read_csv(file, convert_options=options)

    def pandas(self, table: str | None = None) -> pandas.DataFrame:
        """A table for pandas, whose columns take over Arrow's memory where their type allows it.

        Raises:
            NotSaved: It has no such table.
            MissingPackage: pandas or pyarrow is not installed.
        """
        _package("pandas", "pandas")
        frame: pandas.DataFrame = self.arrow(table).to_pandas(split_blocks=True, self_destruct=True)
        return frame

    def polars(self, table: str | None = None) -> polars.DataFrame:
        """A table for Polars, read by Polars itself.

        Raises:
            NotSaved: It has no such table.
            MissingPackage: polars is not installed.
        """
        package = _package("polars", "polars")
        file = self._file(table)
        if file.suffix == ".parquet":
            frame: polars.DataFrame = package.read_parquet(file)
        else:
            frame = package.read_csv(file, schema_overrides={"digest": package.String}, infer_schema_length=None)
        return frame

    def _file(self, table: str | None) -> Path:
        name = self.TABLE if table is None else table
        if name not in self.tables:
            hint = "; run with save=['table'] for it" if name == "nodes" else ""
            raise NotSaved(f"{self.directory}: no table {name!r}; there are: {', '.join(self.tables) or 'none'}{hint}")
        parquet = self.directory / f"{name}.parquet"
        return parquet if parquet.is_file() else self.directory / f"{name}.csv"

    def __repr__(self) -> str:
        return f"<anthill.{type(self).__name__} {self._about()}, in {self.directory}>"

    def _about(self) -> str:
        raise NotImplementedError

    @property
    def ok(self) -> bool:
        """Whether nothing failed inside its bound."""
        raise NotImplementedError


class Run(Saved):
    """One emulation. Its table is ``series``, a row per interval of virtual time."""

    FILE = "summary.json"
    TABLE = "series"

    manifest: dict[str, Any]
    """Scenario, machine, version and command."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        super().__init__(directory)
        self.manifest = _json(self.directory / "manifest.json")
        for part in ("result", "host"):
            if not isinstance(self._data.get(part), dict):
                raise NotSaved(f"{self.directory / self.FILE}: has no part {part!r}")

    @property
    def result(self) -> dict[str, Any]:
        """What is the same for any shards, threads, engine and machine."""
        found: dict[str, Any] = self._data["result"]
        return found

    @property
    def host(self) -> dict[str, Any]:
        """What this execution cost here."""
        found: dict[str, Any] = self._data["host"]
        return found

    @property
    def scenario(self) -> dict[str, Any]:
        """The scenario with every default filled in; it can be run again."""
        found: dict[str, Any] = self.manifest["scenario"]
        return found

    @property
    def digest(self) -> str:
        """Sixteen hexadecimal digits: equal for equal results."""
        return str(self.result["digest"])

    @property
    def metrics(self) -> dict[str, Any]:
        """Sums, means, ratios and maxima, by name."""
        found: dict[str, Any] = self.result["metrics"]
        return found

    @property
    def latency_ns(self) -> dict[str, dict[str, int]]:
        """``p50``, ``p90``, ``p99``, ``p999``, ``max`` and ``count`` of each latency."""
        found: dict[str, dict[str, int]] = self.result["latency_ns"]
        return found

    @property
    def checks(self) -> list[dict[str, Any]]:
        """What the protocol knows about how the run should have gone, and how it went."""
        found: list[dict[str, Any]] = self.result["checks"]
        return found

    @property
    def violations(self) -> list[dict[str, Any]]:
        """The checks that failed inside their bound. Beyond it a failure is a measurement."""
        return [check for check in self.checks if not check["ok"] and not check["expected_violation"]]

    @property
    def ended(self) -> str:
        """``finished``, ``violation``, ``interrupted`` or ``memory-limit``."""
        return str(self.host["ended"])

    @property
    def ok(self) -> bool:
        """Whether it came to its end, and no check failed inside its bound."""
        return not self.violations and self.ended == "finished"

    def _about(self) -> str:
        failed = [check["name"] for check in self.violations]
        how = f"violated: {'; '.join(failed)}" if failed else "ok" if self.ok else self.ended
        protocol, nodes, seed = (self.result[name] for name in ("protocol", "nodes", "seed"))
        return f"{protocol}, {nodes:,} nodes, seed {seed}: {how}, digest {self.digest}"


class _Several(Saved):
    """Many runs, and what they show together."""

    @property
    def data(self) -> dict[str, Any]:
        """All figures, as the command's JSON file has them."""
        return self._data

    @property
    def manifest(self) -> dict[str, Any]:
        """Machine, version and command."""
        found: dict[str, Any] = self._data["manifest"]
        return found

    @property
    def ok(self) -> bool:
        """Whether no run had a check that failed inside its bound, and runs that must agree do."""
        return not self.problems

    @property
    def problems(self) -> list[str]:
        """What failed, in words."""
        return [f"points/{file.name}: {name}" for file, name in self._failed()]

    def _failed(self) -> list[tuple[Path, str]]:
        """The checks that failed inside their bound, by the file of their run."""
        found = []
        for file in sorted((self.directory / "points").glob("*.json")):
            result = _json(file, lines=True).get("result", {})
            for check in result.get("checks", []):
                if not check["ok"] and not check["expected_violation"]:
                    found.append((file, check["name"]))
        return found


class Sweep(_Several):
    """A grid of parameters under several seeds. Tables: ``summary`` (its own) and ``runs``."""

    FILE = "sweep.json"
    TABLE = "summary"

    @property
    def points(self) -> list[dict[str, Any]]:
        """For each combination its ``parameters``, number of ``runs`` and ``metrics``."""
        found: list[dict[str, Any]] = self.data["points"]
        return found

    def _about(self) -> str:
        return f"{len(self.points)} points"


class Comparison(_Several):
    """A change, paired by seed. Tables: ``compare`` (its own) and ``runs``."""

    FILE = "compare.json"
    TABLE = "compare"

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """For each metric both means, their difference with its interval, and the verdict."""
        found: list[dict[str, Any]] = self.data["metrics"]
        return found

    @property
    def verdicts(self) -> dict[str, str]:
        """``better``, ``worse``, ``higher``, ``lower`` or ``no difference shown``, by metric."""
        return {metric["metric"]: metric["verdict"] for metric in self.metrics}

    @property
    def pairs(self) -> int:
        """How many pairs were run."""
        return int(self.data["pairs"])

    @property
    def pairs_needed(self) -> int:
        """With fewer pairs than this there is no verdict, whatever the figures; 0 if there were enough."""
        return int(self.data["pairs_needed"] or 0)

    def _about(self) -> str:
        shown = [f"{name} {verdict}" for name, verdict in self.verdicts.items() if verdict in ("better", "worse")]
        return f"{self.pairs} pairs: {', '.join(shown) or 'nothing better or worse'}"


class Scaling(_Several):
    """Cost against the number of nodes. Tables: ``runs`` (its own) and ``fits``."""

    FILE = "scale.json"
    TABLE = "runs"

    @property
    def points(self) -> list[dict[str, Any]]:
        """For each size the medians over its runs."""
        found: list[dict[str, Any]] = self.data["points"]
        return found

    @property
    def fits(self) -> list[dict[str, Any]]:
        """The exponents, each with its interval, and by which fit."""
        found: list[dict[str, Any]] = self.data["fits"]
        return found

    @property
    def problems(self) -> list[str]:
        """What failed, in words."""
        parted = [
            f"runs of {point['nodes']} nodes have {len(point['digests'])} digests"
            for point in self.points
            if len(point["digests"]) > 1
        ]
        return parted + super().problems

    def _about(self) -> str:
        return f"{', '.join(format(point['nodes'], ',') for point in self.points)} nodes"


KINDS: tuple[type[Saved], ...] = (Run, Sweep, Comparison, Scaling)


def load(directory: str | os.PathLike[str]) -> Run | Sweep | Comparison | Scaling:
    """What ``run``, ``sweep``, ``compare`` or ``scale`` saved, here or on the command line.

    Raises:
        NotSaved: The directory holds nothing of the kind, or nothing whole.
    """
    path = Path(directory)
    for kind in KINDS:
        if (path / kind.FILE).is_file():
            return kind(path)  # type: ignore[return-value]
    if (path / "manifest.json").is_file():
        raise NotSaved(f"{path}: a run that was killed, or goes on: it has a manifest.json and no summary.json")
    if not path.is_dir():
        raise NotSaved(f"{path}: there is no such directory")
    wanted = ", ".join(kind.FILE for kind in KINDS)
    raise NotSaved(f"{path}: holds nothing that anthill saved: none of {wanted}")


def _json(file: Path, *, lines: bool = False) -> dict[str, Any]:
    """A JSON object; with ``lines``, the first of several."""
    try:
        if file.stat().st_size > MOST_JSON_BYTES:
            raise NotSaved(f"{file}: larger than {MOST_JSON_BYTES >> 20} MB, which nothing that anthill saves is")
        text = file.read_text(encoding="utf-8")
        found = json.JSONDecoder().raw_decode(text.lstrip())[0] if lines else json.loads(text)
    except OSError as problem:
        raise NotSaved(f"{file}: {problem.strerror or problem}") from None
    except (ValueError, RecursionError) as problem:
        raise NotSaved(f"{file}: no JSON: {problem}") from None
    if not isinstance(found, Mapping):
        raise NotSaved(f"{file}: no JSON object")
    return dict(found)


def _package(name: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ImportError as problem:
        missing = name.partition(".")[0]
        raise MissingPackage(
            f"this needs {missing}, which cannot be imported ({problem}): pip install 'anthill-emulator[{extra}]'",
            name=missing,
        ) from None
