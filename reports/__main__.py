"""Draws the figures of a folder of results: `outrider report DIR`."""

import argparse
import csv
import io
import math
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from reading import WrongInput, labels_of, read_results

ENVIRONMENT_FAILED, WRONG_INPUT = 1, 2  # exit statuses, as the program's


@dataclass
class FigureKind:
    """A figure is drawn from its rows alone, which are the CSV beside it."""

    name: str
    title: str
    columns: int  # of the paper that it spans, where the user asks for none
    rows: Callable
    draw: Callable


def figure_kinds():
    import figures_checks as checks
    import figures_run as run
    import figures_timeline as timeline

    return [
        FigureKind("throughput",
                   "Throughput by method and context; labels: speed-up over the baseline; lines: P5 to P95", 2,
                   run.throughput_rows, run.draw_throughput),
        FigureKind("speed-up", "Throughput relative to the baseline", 2, run.throughput_rows, run.draw_speed_up),
        FigureKind("breakdown", "What the critical path of a step consists of, by operation", 2, run.breakdown_rows,
                   run.draw_breakdown),
        FigureKind("ledger", "What operations do from creation to end: work, contention, queues, dependencies", 2,
                   run.ledger_rows, run.draw_ledger),
        FigureKind("gpu-idle", "Share of time in which no kernel runs on the GPU", 2, run.idle_rows, run.draw_idle),
        FigureKind("cpu-share", "Tokens attended by the CPU ÷ budget, over the steps", 2, run.cpu_share_rows,
                   run.draw_cpu_share),
        FigureKind("timeline", "One decode step by lane, layers in its middle", 2, timeline.timeline_rows,
                   timeline.draw_timeline),
        FigureKind("claims", "Published figures and their prediction", 2, checks.claim_rows, checks.draw_claims),
        FigureKind("measured",
                   "Measured steps and their simulation; lines: spread of the runs; boxes: quartiles, P5 to P95", 2,
                   checks.measured_rows, checks.draw_measured),
        FigureKind("activity", "Measured and simulated busy time by activity", 2, checks.idle_check_rows,
                   checks.draw_idle_check),
        FigureKind("fidelity", "Error of approximate attention on synthetic heads", 2, checks.fidelity_rows,
                   checks.draw_fidelity),
        FigureKind("sweep", "Throughput over each axis of a sweep; bands: least to most over all other axes", 2,
                   timeline.sweep_rows, timeline.draw_sweep),
    ]


def write_text(file, text):
    temporary = file.with_name("." + file.name + ".part")
    temporary.write_text(text, encoding="utf-8", newline="")
    temporary.replace(file)


def csv_text(rows):
    """Empty cells where a figure does not exist."""
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    for row in rows:
        writer.writerow({key: "" if isinstance(value, float) and math.isnan(value) else value
                         for key, value in row.items()})
    return text.getvalue()


def command_for(options, name):
    """What draws this figure again."""
    command = ["outrider", "report", options.folder, "--only", name]
    if options.columns:
        command += ["--columns", str(options.columns)]
    if options.out:
        command += ["--out", options.out]
    return shlex.join(command)


def draw_figures(options, results, kinds, out):
    """Of each figure that the results have rows for: three pictures, the CSV, and how to draw it again."""
    import style

    style.apply()
    looks = style.looks(labels_of(results))
    drawn = []
    for kind in kinds:
        rows = kind.rows(results)
        if not rows:
            continue
        figure = kind.draw(rows, looks, options.columns or kind.columns)
        style.save(figure, out / kind.name, kind.title)
        write_text(out / f"{kind.name}.csv", csv_text(rows))
        write_text(out / f"{kind.name}.txt", f"{kind.title}.\nDrawn from {kind.name}.csv by:\n"
                   f"{command_for(options, kind.name)}\n")
        drawn.append((kind, rows))
    return drawn


def parse(arguments):
    parser = argparse.ArgumentParser(prog="outrider report")
    parser.add_argument("folder")
    parser.add_argument("--out")
    parser.add_argument("--only", default="")
    parser.add_argument("--columns", type=int, choices=(1, 2))
    return parser.parse_args(arguments)


def chosen(options, kinds):
    names = [name for name in options.only.split(",") if name]
    unknown = [name for name in names if name not in [kind.name for kind in kinds]]
    if unknown:
        raise WrongInput(f"--only: unknown figure '{unknown[0]}' (valid: {', '.join(kind.name for kind in kinds)})")
    return [kind for kind in kinds if not names or kind.name in names]


def report(options):
    results = read_results(Path(options.folder))
    kinds = chosen(options, figure_kinds())
    out = Path(options.out or Path(options.folder) / "figures")
    out.mkdir(parents=True, exist_ok=True)
    drawn = draw_figures(options, results, kinds, out)
    if not drawn:
        raise WrongInput(f"{options.folder}: expected results to draw: results.csv, claims.csv, steps.csv, shares.csv, "
                         "fidelity.csv or timeline.json, as run, sweep, validate, claims and fidelity write them")
    print(f"\nFigures in {out}, each as .pdf, .svg and .png, with its .csv, and its command in .txt:")
    for kind, _ in drawn:
        print(f"  {kind.name:12} {kind.title}")
    return 0


def main(arguments):
    try:
        return report(parse(arguments))
    except WrongInput as problem:
        print(problem, file=sys.stderr)
        return WRONG_INPUT
    except OSError as problem:
        print(f"outrider report: {problem}", file=sys.stderr)
        return ENVIRONMENT_FAILED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
