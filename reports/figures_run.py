"""Figures of a run's points: throughput, speed-ups, where time goes, idle GPUs, the CPU's share."""

import math

import style
from reading import tokens_text


def group_names(rows):
    """Names of the points that are compared with each other: by context, and by batch where a method has several
    at one context."""
    batches = {}
    for row in rows:
        key = (row.text("workload"), row.text("context"), row.text("label"))
        batches.setdefault(key, set()).add(row.text("batch"))
    by_batch = {key[0] for key, of_point in batches.items() if len(of_point) > 1}
    names = []
    for row in rows:
        name = tokens_text(row.number("context"))
        if row.text("workload") in by_batch and row.has("batch"):
            name += f", batch {row.text('batch')}"
        names.append(name)
    return names


def point_rows(results, figures):
    """One row per point with what places it, and the named figures with their intervals."""
    rows = []
    for row, group in zip(results.points, group_names(results.points)):
        cells = {column: row.text(column) for column in ("scenario", "model", "machine", "workload")}
        cells |= {"group": group, "label": row.text("label"), "batch": row.text("batch"), "fits": row.text("fits")}
        for figure in figures:
            cells[figure] = row.number(figure)
            for end in ("_low", "_high"):
                cells[figure + end] = row.optional(figure + end)
        cells["baseline"] = row.text("baseline")
        rows.append(cells)
    return rows


def throughput_rows(results):
    return point_rows(results, ["tokens_per_s", "versus_baseline"])


def idle_rows(results):
    return point_rows(results, ["gpu_idle"])


def panels(rows):
    """Rows by workload; groups and labels in order of appearance."""
    by_workload = {}
    for row in rows:
        by_workload.setdefault(row["workload"], []).append(row)
    return by_workload


def in_order(values):
    return list(dict.fromkeys(values))


def error_bar(row, figure):
    low, high, value = row[figure + "_low"], row[figure + "_high"], row[figure]
    if math.isnan(low) or math.isnan(high):
        return None
    return [[max(0.0, value - low)], [max(0.0, high - value)]]


def bars(axes, rows, figure, looks, text_of):
    """Grouped bars with intervals; a point that does not fit is a cross."""
    ticks, names, at = [], [], 0.0
    for group in in_order(row["group"] for row in rows):
        members = [row for row in rows if row["group"] == group]
        for place, row in enumerate(members):
            x = at + place
            if row["fits"] != "true" or math.isnan(row[figure]):
                axes.text(x, 0.02, "×", transform=axes.get_xaxis_transform(), ha="center", color=style.GREY)
                continue
            axes.bar(x, row[figure], 0.92, label=row["label"], **style.bar_look(looks[row["label"]]))
            ends = error_bar(row, figure)
            if ends:
                axes.errorbar(x, row[figure], ends, fmt="none", ecolor="black", elinewidth=0.5, capsize=1.2,
                              capthick=0.5)
            top = row[figure] + (ends[1][0] if ends else 0)
            axes.annotate(text_of(row), (x, top), (0, 1.5), textcoords="offset points", ha="center", va="bottom",
                          fontsize=5, rotation=90)
        ticks.append(at + (len(members) - 1) / 2)
        names.append(group)
        at += len(members) + 1.2
    axes.set_xticks(ticks, names)
    axes.tick_params(axis="x", length=0)
    axes.set_xlim(-1.2, at - 1.0)


def log_scale(axes, rows, figure):
    """Logarithmic, with a decade's room below the least value's decade and for the labels above."""
    values = [row[figure] for row in rows if row[figure] > 0]
    if not values:
        return
    axes.set_yscale("log")
    axes.set_ylim(10 ** math.floor(math.log10(min(values)) - 0.01), max(values) * 10 ** 0.75)


def speed_up_text(row):
    ratio = row["versus_baseline"]
    if row["label"] == row["baseline"] or math.isnan(ratio):
        return ""
    return f"{ratio:.2f}×"


def grouped_figure(rows, looks, columns, draw_panel, height=1.75):
    by_workload = panels(rows)
    figure = style.new_figure(columns, height * len(by_workload))
    axes = figure.subplots(len(by_workload), 1, squeeze=False)[:, 0]
    for each, (workload, members) in zip(axes, by_workload.items()):
        draw_panel(each, members)
        first = members[0]
        each.set_title(f"{workload}: {first['model']} on {first['machine']}", loc="left")
    return style.finish(figure, axes, columns)


def draw_throughput(rows, looks, columns):
    def panel(axes, members):
        bars(axes, members, "tokens_per_s", looks, speed_up_text)
        log_scale(axes, members, "tokens_per_s")
        axes.set_ylabel("tokens/s")

    return grouped_figure(rows, looks, columns, panel)


def draw_speed_up(rows, looks, columns):
    def panel(axes, members):
        bars(axes, members, "versus_baseline", looks, speed_up_text)
        log_scale(axes, members, "versus_baseline")
        axes.axhline(1, color="black", linewidth=0.6)
        axes.set_ylabel(f"speed-up over {' / '.join(in_order(row['baseline'] for row in members if row['baseline']))}")

    return grouped_figure(rows, looks, columns, panel)


def draw_idle(rows, looks, columns):
    def panel(axes, members):
        bars(axes, members, "gpu_idle", looks, lambda row: f"{100 * row['gpu_idle']:.3g} %")
        axes.set_ylim(0, 1.25)
        axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
        axes.set_ylabel("GPU idle, % of time")

    return grouped_figure(rows, looks, columns, panel, 1.5)


# Operations beyond these many are drawn as one.
MOST_OPERATIONS = 7


def breakdown_rows(results):
    """The critical path of a step by operation, in shares of the step's time."""
    rows = []
    for row, group, point in zip(results.points, group_names(results.points), results.document.get("points", [])):
        times = {}
        for cause in point.get("causes") or []:
            times[cause["operation"]] = times.get(cause["operation"], 0.0) + cause["share"]
        for operation, share in times.items():
            rows.append({"model": row.text("model"), "machine": row.text("machine"), "workload": row.text("workload"),
                         "group": group, "label": row.text("label"), "part": operation, "share": share,
                         "seconds_per_step": share * row.number("step_s")})
    return rows


def ledger_rows(results):
    """What spans did from their creation to their end, in shares; they overlap, so shares are of their sum."""
    rows = []
    for row, group in zip(results.points, group_names(results.points)):
        parts = {name: row.number(f"ledger_sum_{name}_s") for name in ("work", "contention", "queue", "dependency")}
        total = sum(parts.values())
        if not total > 0:
            continue
        for part, seconds in parts.items():
            rows.append({"model": row.text("model"), "machine": row.text("machine"), "workload": row.text("workload"),
                         "group": group, "label": row.text("label"), "part": part, "share": seconds / total,
                         "seconds_summed": seconds})
    return rows


def part_looks(rows):
    """The largest parts by their shares in all bars, each with a look; the others have none."""
    shares = {}
    for row in rows:
        shares[row["part"]] = shares.get(row["part"], 0.0) + row["share"]
    largest = sorted(shares, key=lambda part: (-shares[part], part))[:MOST_OPERATIONS]
    return style.looks(largest)


def stack(axes, rows, looks):
    """A bar for each method in each group, of its parts on top of each other; what has no look is 'other'."""
    ticks, names, at = [], [], 0.0
    for group in in_order(row["group"] for row in rows):
        for label in in_order(row["label"] for row in rows if row["group"] == group):
            members = [row for row in rows if (row["group"], row["label"]) == (group, label)]
            base = 0.0
            for part, look in looks.items():
                share = sum(row["share"] for row in members if row["part"] == part)
                axes.bar(at, share, 0.85, base, label=part.replace("_", " "), **style.bar_look(look))
                base += share
            rest = sum(row["share"] for row in members if row["part"] not in looks)
            if rest > 0:
                axes.bar(at, rest, 0.85, base, label="other", color="#cccccc", edgecolor="white", linewidth=0.3)
            ticks.append(at)
            names.append(label)
            at += 1
        middle = at - 1 - (len(in_order(row["label"] for row in rows if row["group"] == group)) - 1) / 2
        axes.annotate(group, (middle, 1), (0, 2), xycoords=("data", "axes fraction"), textcoords="offset points",
                      ha="center", va="bottom", fontsize=6)
        at += 0.8
    axes.set_xticks(ticks, names, rotation=90, fontsize=5.5)
    axes.tick_params(axis="x", length=0)
    axes.set_ylim(0, 1)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100"])
    axes.set_xlim(-0.8, at - 1.0)


def stacked_figure(rows, looks, columns, ylabel):
    by_workload = panels(rows)
    figure = style.new_figure(columns, 2.0 * len(by_workload))
    axes = figure.subplots(len(by_workload), 1, squeeze=False)[:, 0]
    for each, (workload, members) in zip(axes, by_workload.items()):
        stack(each, members, looks)
        first = members[0]
        each.set_title(f"{workload}: {first['model']} on {first['machine']}", loc="left", pad=11)
        each.set_ylabel(ylabel)
    return style.finish(figure, axes, columns)


def draw_breakdown(rows, _, columns):
    return stacked_figure(rows, part_looks(rows), columns, "% of a step's time")


def draw_ledger(rows, _, columns):
    looks = style.looks(["work", "contention", "queue", "dependency"])
    return stacked_figure(rows, looks, columns, "% of operations' time")


def cpu_share_rows(results):
    """The share of the budget that the CPU attends in each step, of methods in which it attends any."""
    rows = []
    for row, group, point in zip(results.points, group_names(results.points), results.document.get("points", [])):
        shares = (point.get("facts") or {}).get("cpu_ratio_by_step") or []
        if not any(shares):
            continue
        for step, share in enumerate(shares):
            rows.append({"workload": row.text("workload"), "model": row.text("model"), "machine": row.text("machine"),
                         "group": group, "label": row.text("label"), "step": step, "cpu_ratio": share})
    return rows


def draw_cpu_share(rows, looks, columns):
    """One panel for each workload, of its last group: the longest context or largest batch, as scenarios list them."""
    by_workload = panels(rows)
    figure = style.new_figure(columns, 1.9)
    axes = figure.subplots(1, len(by_workload), squeeze=False, sharey=True)[0]
    for each, (workload, members) in zip(axes, by_workload.items()):
        group = members[-1]["group"]
        for label in in_order(row["label"] for row in members if row["group"] == group):
            line = [row for row in members if (row["group"], row["label"]) == (group, label)]
            each.plot([row["step"] for row in line], [100 * row["cpu_ratio"] for row in line], label=label,
                      **style.line_look(looks[label]))
        each.set_title(f"{workload}, {group}", loc="left")
        each.set_xlabel("step, warm-up included")
        each.set_ylim(bottom=0)
    axes[0].set_ylabel("CPU's share of the budget, %")
    return style.finish(figure, axes, columns)
