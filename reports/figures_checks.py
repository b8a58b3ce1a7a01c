"""Figures that hold predictions to something else: measured steps, published claims, exact attention."""

import math

import style
from reading import tokens_text


def measured_rows(results):
    """Executed points of validate; files of several machines of a kind are told apart by their names."""
    rows = []
    for row in results.steps:
        if math.isnan(row.number("measured_s")):
            continue
        rows.append({"file": row.file.name, "label": row.text("method"), "workload": row.text("workload"),
                     "context": row.text("context"), "batch": row.text("batch"),
                     "measured_s": row.number("measured_s"), "spread": row.number("spread"),
                     "simulated_s": row.number("simulated_s"),
                     "error": row.number("simulated_s") / row.number("measured_s") - 1})
    return rows


BAND = 0.10  # drawn around what is measured, to read errors by; no test


def draw_measured(rows, looks, columns):
    figure = style.new_figure(columns, 2.6)
    left, right = figure.subplots(1, 2, gridspec_kw={"width_ratios": [1.1, 1]})
    labels = list(dict.fromkeys(row["label"] for row in rows))
    for label in labels:
        mine = [row for row in rows if row["label"] == label]
        measured = [1e3 * row["measured_s"] for row in mine]
        noise = [1e3 * row["measured_s"] * (0 if math.isnan(row["spread"]) else row["spread"]) / 2 for row in mine]
        left.errorbar(measured, [1e3 * row["simulated_s"] for row in mine], xerr=noise, label=label, linestyle="",
                      marker=looks[label]["marker"], color=looks[label]["color"], elinewidth=0.5,
                      markeredgewidth=0.3, markeredgecolor="white")
    times = [1e3 * row[column] for row in rows for column in ("measured_s", "simulated_s")]
    ends = [min(times) / 1.3, max(times) * 1.3]
    left.fill_between(ends, [end * (1 - BAND) for end in ends], [end * (1 + BAND) for end in ends], color="#dddddd",
                      linewidth=0, label=f"± {100 * BAND:.0f} %")
    left.plot(ends, ends, color="black", linewidth=0.6)
    left.set(xscale="log", yscale="log", xlim=ends, ylim=ends, xlabel="measured step, ms", ylabel="simulated step, ms")
    errors = [[100 * row["error"] for row in rows if row["label"] == label] for label in labels]
    right.axhspan(-100 * BAND, 100 * BAND, color="#dddddd", linewidth=0)
    right.axhline(0, color="black", linewidth=0.6)
    boxes = right.boxplot(errors, whis=(5, 95), widths=0.6, patch_artist=True, showfliers=True,
                          flierprops={"marker": ".", "markersize": 2}, medianprops={"color": "white"})
    for box, label in zip(boxes["boxes"], labels):
        box.set(facecolor=looks[label]["color"], hatch=looks[label]["hatch"], linewidth=0.5)
    right.set_xticklabels(labels, rotation=90)
    right.set_ylabel("error of the simulated step, %")
    return style.finish(figure, [left], columns)


def idle_check_rows(results):
    """Shares of time in which nothing of an activity ran, measured and simulated."""
    return [{"label": row.text("method"), "workload": row.text("workload"), "context": row.text("context"),
             "batch": row.text("batch"), "activity": row.text("activity"), "busy_measured": row.number("busy_measured"),
             "spread": row.number("spread"), "busy_simulated": row.number("busy_simulated")}
            for row in results.shares]


def draw_idle_check(rows, looks, columns):
    activities = list(dict.fromkeys(row["activity"] for row in rows))
    figure = style.new_figure(columns, 1.9 if columns == 2 else 1.4 * math.ceil(len(activities) / 2) + 0.4)
    across = len(activities) if columns == 2 else 2
    down = math.ceil(len(activities) / across)
    axes = list(figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).flat)
    for each, activity in zip(axes, activities):
        each.plot([0, 100], [0, 100], color="black", linewidth=0.6)
        for row in (row for row in rows if row["activity"] == activity):
            look = looks[row["label"]]
            noise = 50 * row["spread"]
            each.errorbar(100 * row["busy_measured"], 100 * row["busy_simulated"], xerr=noise, label=row["label"],
                          linestyle="", marker=look["marker"], color=look["color"], elinewidth=0.5, markersize=2.5)
        each.set_title(activity.replace("_", " "), loc="left")
        each.set_ylabel("simulated busy, %" if activity == activities[0] else "")
        each.set_xlabel("measured busy, %")
    for unused in axes[len(activities):]:
        unused.set_visible(False)
    return style.finish(figure, axes, columns)


def claim_rows(results):
    rows = []
    for row in results.claims:
        claimed, predicted = row.number("claimed"), row.number("predicted")
        if row.text("verdict") == "input" or math.isnan(predicted) or not claimed > 0:
            continue
        rows.append({"scenario": row.text("scenario"), "id": row.text("id"), "claim": row.text("claim"),
                     "relation": row.text("relation"), "claimed": claimed, "predicted": predicted,
                     "predicted_low": row.optional("predicted_low"), "predicted_high": row.optional("predicted_high"),
                     "verdict": row.text("verdict"), "certainty": row.text("certainty")})
    return rows


VERDICTS = {"holds": ("o", style.OKABE_ITO[2]), "differs": ("s", style.OKABE_ITO[3])}
RELATIONS = {"equals": "=", "at_most": "≤", "at_least": "≥"}


def draw_claims(rows, _, columns):
    figure = style.new_figure(columns, 0.17 * len(rows) + 0.8)
    axes = figure.subplots()
    for place, row in enumerate(rows):
        marker, colour = VERDICTS.get(row["verdict"], ("D", style.GREY))
        ends = [row[end] / row["claimed"] for end in ("predicted_low", "predicted_high")]
        if not any(math.isnan(end) for end in ends):
            axes.plot(ends, [place, place], color=colour, linewidth=1.6, alpha=0.45, solid_capstyle="butt")
        axes.plot(row["predicted"] / row["claimed"], place, marker, color=colour, label=row["verdict"])
        text = f"{row['predicted']:.3g} ({RELATIONS.get(row['relation'], row['relation'])} {row['claimed']:.3g})"
        axes.annotate(text, (1.01, place), xycoords=("axes fraction", "data"), va="center", fontsize=5.5)
    axes.axvline(1, color="black", linewidth=0.6)
    names = [f"{row['scenario']}: {row['id']}" if columns == 2 else row["id"] for row in rows]
    axes.set_yticks(range(len(rows)), names, fontsize=5.5)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_xscale("log")
    axes.grid(axis="x")
    axes.set_xlabel("predicted ÷ claimed; bars: P5 to P95 of what the profile leaves open")
    return style.finish(figure, [axes], columns)


def fidelity_rows(results):
    columns = ("error", "error_least", "error_most", "mass")
    return [{"label": row.text("label"), "head": row.text("head"), "context": row.text("context"),
             "budget": row.number("budget")} | {column: row.number(column) for column in columns}
            for row in results.fidelity]


def draw_fidelity(rows, looks, columns):
    """Error over budget, by class of heads, at the longest context."""
    longest = max((row["context"] for row in rows), key=float)
    rows = [row for row in rows if row["context"] == longest]
    heads = list(dict.fromkeys(row["head"] for row in rows))
    across = min(len(heads), 4 if columns == 2 else 2)
    down = math.ceil(len(heads) / across)
    figure = style.new_figure(columns, 1.6 * down + 0.9)
    axes = list(figure.subplots(down, across, squeeze=False, sharex=True, sharey=True).flat)
    for each, head in zip(axes, heads):
        for label in dict.fromkeys(row["label"] for row in rows):
            line = sorted((row for row in rows if (row["head"], row["label"]) == (head, label)),
                          key=lambda row: row["budget"])
            each.plot([row["budget"] for row in line], [row["error"] for row in line], label=label,
                      marker=looks[label]["marker"], **style.line_look(looks[label]))
        each.set_title(head, loc="left")
        each.set_xscale("log")
        each.set_yscale("symlog", linthresh=1e-3)
    for unused in axes[len(heads):]:
        unused.set_visible(False)
    for each in axes[max(0, len(heads) - across):len(heads)]:
        each.set_xlabel(f"tokens read, of {tokens_text(float(longest))}")
    axes[0].set_ylabel("error of the attention's output")
    return style.finish(figure, axes, columns)
