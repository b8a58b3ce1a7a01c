"""Result files as rows; what cannot be read is an error that names file, line and column."""

import csv
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import Path


class WrongInput(Exception):
    """The user's files are not what they should be; the text says where and what was expected."""


@dataclass
class Row:
    """A line of a CSV file: text by column, numbers on demand."""

    file: Path
    line: int
    cells: dict

    def text(self, column):
        if column not in self.cells:
            raise WrongInput(f"{self.file}:{self.line}: expected a column '{column}', which this file lacks")
        return self.cells[column]

    def has(self, column):
        return bool(self.cells.get(column))

    def number(self, column):
        """NaN where the cell is empty: a figure that does not exist."""
        text = self.text(column)
        if not text:
            return math.nan
        try:
            return float(text)
        except ValueError:
            raise WrongInput(f"{self.file}:{self.line}: {column}: expected a number, got '{text}'") from None

    def optional(self, column):
        return self.number(column) if column in self.cells else math.nan


@dataclass
class Results:
    """What lies in a folder of results; what is not there is empty."""

    folder: Path
    points: list = field(default_factory=list)  # results.csv of run
    sweep: list = field(default_factory=list)  # results.csv of sweep
    claims: list = field(default_factory=list)  # card.csv of claims, else claims.csv of run
    steps: list = field(default_factory=list)  # steps*.csv of validate
    shares: list = field(default_factory=list)  # shares.csv of validate
    fidelity: list = field(default_factory=list)  # fidelity.csv
    document: dict = field(default_factory=dict)  # results.json of run
    timelines: list = field(default_factory=list)  # (file name, document) of timeline*.json


def read_csv(path):
    if not path.is_file():
        return []
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            reader = csv.DictReader(file, strict=True)
            rows = []
            for cells in reader:
                if None in cells or None in cells.values():
                    raise WrongInput(
                        f"{path}:{reader.line_num}: expected {len(reader.fieldnames)} cells, as the header has")
                rows.append(Row(path, reader.line_num, cells))
            return rows
    except csv.Error as problem:
        raise WrongInput(f"{path}: expected a CSV file: {problem}") from None


def read_json(path):
    if not path.is_file():
        return {}
    try:
        document = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (ValueError, RecursionError) as problem:
        raise WrongInput(f"{path}: expected a JSON file: {problem}") from None
    if not isinstance(document, dict):
        raise WrongInput(f"{path}: expected an object, got {type(document).__name__}")
    return document


def natural_order(path):
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", path.name)]


def read_results(folder):
    if not folder.is_dir():
        raise WrongInput(f"{folder}: expected a folder of results")
    results = Results(folder)
    rows = read_csv(folder / "results.csv")
    if rows and "point" in rows[0].cells:
        results.sweep = rows
    else:
        results.points = rows
    results.claims = read_csv(folder / "card.csv") or read_csv(folder / "claims.csv")
    for path in sorted(folder.glob("steps*.csv"), key=natural_order):
        results.steps += read_csv(path)
    results.shares = read_csv(folder / "shares.csv")
    results.fidelity = read_csv(folder / "fidelity.csv")
    results.document = read_json(folder / "results.json")
    for path in sorted(folder.glob("timeline*.json"), key=natural_order):
        results.timelines.append((path.name, read_json(path)))
    return results


def labels_of(results):
    """Methods in order of appearance, each with the same colour in every figure."""
    labels = [row.text("label") for row in results.points + results.sweep + results.fidelity]
    labels += [row.text("method") for row in results.steps + results.shares]
    return list(dict.fromkeys(labels))


def tokens_text(tokens):
    """32768 as 32K, as papers write contexts."""
    tokens = int(tokens)
    return f"{tokens // 1024}K" if tokens >= 1024 and tokens % 1024 == 0 else str(tokens)
