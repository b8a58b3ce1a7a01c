#!/usr/bin/env python3
"""Copy surfaces of a machine file from transfers.csv, and how well latency + count * t(fragment) follows them.

usage: transfer_surfaces.py TRANSFERS_CSV LATENCY_SECONDS

t(fragment) is the weighted median over the fragment's rows of (seconds - latency) / count, weighted by how little the
latency matters, and no less than a smaller fragment's. Rows that do not repeat within 10 % are left out of both.
"""

import csv
import statistics
import sys
from collections import defaultdict


def rows_of(path):
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            if float(row["spread"]) <= 0.1:
                yield row["direction"], int(row["fragment"]), int(row["count"]), float(row["seconds"])


def weighted_median(pairs):
    pairs = sorted(pairs)
    half, seen = sum(weight for _, weight in pairs) / 2, 0.0
    for value, weight in pairs:
        seen += weight
        if seen >= half:
            return value
    raise ValueError("no rows")


def main(path, latency):
    rows = list(rows_of(path))
    samples = defaultdict(list)
    for direction, fragment, count, seconds in rows:
        if seconds > 2 * latency:
            samples[direction, fragment].append(((seconds - latency) / count, 1 - latency / seconds))
    times, least = {}, defaultdict(float)
    for direction, fragment in sorted(samples):
        seconds = max(weighted_median(samples[direction, fragment]), least[direction])
        times[direction, fragment] = least[direction] = seconds
    for direction in ("h2d", "d2h"):
        print(f"  copy_engine_{direction}:")
        for (at, fragment), seconds in sorted(times.items()):
            if at == direction:
                size = f"{fragment >> 20} MiB" if fragment >= 1 << 20 else f"{fragment >> 10} KiB"
                print(f"    - {{fragment: {size}, rate: {fragment / seconds / 1e9:.4f} GB/s}}")
    report("100 us and more", [row for row in rows if row[3] >= 1e-4], times, latency)
    report("less", [row for row in rows if row[3] < 1e-4], times, latency)


def report(which, rows, times, latency):
    known = [row for row in rows if row[:2] in times]
    errors = sorted(abs((latency + row[2] * times[row[:2]]) / row[3] - 1) for row in known)
    p90 = errors[int(0.9 * (len(errors) - 1))]
    print(f"# {which}: {len(errors)} rows, median {statistics.median(errors):.1%}, P90 {p90:.1%}, worst {errors[-1]:.1%}")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
