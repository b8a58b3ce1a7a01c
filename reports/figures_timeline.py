"""One decode step as it ran, lane by lane, and how a sweep's axes move throughput."""

import math

import style
from reading import WrongInput


def last_step(name, document):
    """Spans of a timeline's last step, whose methods have warmed up, with their lanes' names and places."""
    lanes, places, spans = {}, {}, []
    for event in document.get("traceEvents", []):
        key = (event.get("pid"), event.get("tid"))
        if event.get("ph") == "M" and event.get("name") == "thread_name":
            lanes[key] = event["args"]["name"]
        elif event.get("ph") == "M" and event.get("name") == "thread_sort_index":
            places[key] = event["args"]["sort_index"]
        elif event.get("ph") == "X" and "step" in event.get("args", {}):
            spans.append((event["args"]["step"], key, event))
    if not spans:
        raise WrongInput(f"{name}: traceEvents: expected operations with the step that they are of")
    step = max(of_step for of_step, _, _ in spans)
    return [{"timeline": name, "place": places.get(key, 0), "lane": lanes.get(key, str(key)), "pid": key[0],
             "step": step, "layer": event["args"].get("layer", -1), "operation": event["name"], "start_us": event["ts"],
             "duration_us": event["dur"]} for of_step, key, event in spans if of_step == step]


def timeline_rows(results):
    rows = []
    for name, document in results.timelines:
        spans = last_step(name, document)
        about = document.get("otherData", {})
        title = ", ".join(str(about[key]) for key in ("label", "method", "context", "batch") if key in about)
        start = min(span["start_us"] for span in spans if span["operation"] != "schedule_step" or len(spans) == 1)
        for span in sorted(spans, key=lambda span: (span["pid"], span["place"], span["start_us"])):
            rows.append(span | {"title": title, "start_us": span["start_us"] - start})
    return rows


LAYERS_SHOWN = 4  # of a step: all of them would be too narrow to see


def middle_layers(rows):
    """Operations of some layers in the middle of the step, and the time in which they ran."""
    layers = sorted({row["layer"] for row in rows if row["layer"] >= 0})
    if not layers:
        return rows
    first = layers[max(0, (len(layers) - LAYERS_SHOWN) // 2)]
    shown = range(first, first + LAYERS_SHOWN)
    return [row for row in rows if row["layer"] in shown]


def draw_timeline(rows, _, columns):
    names = list(dict.fromkeys(row["timeline"] for row in rows))
    parts = {name: middle_layers([row for row in rows if row["timeline"] == name]) for name in names}
    lanes = {name: list(dict.fromkeys((row["pid"], row["lane"]) for row in parts[name])) for name in names}
    figure = style.new_figure(columns, sum(0.24 * len(lanes[name]) + 0.75 for name in names) + 0.5)
    axes = figure.subplots(len(names), 1, squeeze=False,
                           gridspec_kw={"height_ratios": [len(lanes[name]) + 1 for name in names]})[:, 0]
    times = {}
    for name in names:
        for row in parts[name]:
            times[row["operation"]] = times.get(row["operation"], 0.0) + row["duration_us"]
    looks = style.looks(sorted(times, key=lambda operation: (-times[operation], operation)))
    for each, name in zip(axes, names):
        draw_spans(each, parts[name], lanes[name], looks)
        layers = sorted({row["layer"] for row in parts[name] if row["layer"] >= 0})
        of = f", layers {layers[0]} to {layers[-1]}" if layers else ""
        each.set_title(f"{parts[name][0]['title'] or name}: step {parts[name][0]['step']}{of}", loc="left")
    axes[-1].set_xlabel("µs")
    return style.finish(figure, axes, columns)


def draw_spans(axes, rows, lanes, looks):
    begin = min(row["start_us"] for row in rows)
    for place, lane in enumerate(lanes):
        for operation, look in looks.items():
            spans = [(row["start_us"] - begin, row["duration_us"]) for row in rows
                     if (row["pid"], row["lane"]) == lane and row["operation"] == operation]
            if spans:
                axes.broken_barh(spans, (place - 0.4, 0.8), label=operation.replace("_", " "), facecolor=look["color"],
                                 hatch=look["hatch"], edgecolor="white", linewidth=0.2)
    several = len({pid for pid, _ in lanes}) > 1
    axes.set_yticks(range(len(lanes)), [f"{lane} ({pid})" if several else lane for pid, lane in lanes])
    axes.set_ylim(len(lanes) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(visible=False, axis="y")
    axes.grid(visible=True, axis="x")


def axes_of(results):
    """A sweep's numeric axes that take several values: the columns behind `point`, before `model`."""
    if not results.sweep:
        return []
    columns = list(results.sweep[0].cells)
    found = []
    for column in columns[columns.index("point") + 1:columns.index("model") if "model" in columns else None]:
        values = {row.text(column) for row in results.sweep}
        try:
            numeric = all(math.isfinite(float(value)) for value in values)
        except ValueError:
            numeric = False
        if numeric and len(values) > 1:
            found.append(column)
    return found


def median(values):
    ordered = sorted(values)
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2


def sweep_rows(results):
    """Throughput at each value of each axis: least, median and most over all other axes."""
    found = {}
    for axis in axes_of(results):
        for row in results.sweep:
            if row.text("fits") == "true":
                key = (axis, row.text("label"), row.number(axis))
                found.setdefault(key, []).append(row.number("tokens_per_s"))
    return [{"axis": axis, "label": label, "value": value, "points": len(speeds), "tokens_per_s_least": min(speeds),
             "tokens_per_s_median": median(speeds), "tokens_per_s_most": max(speeds)}
            for (axis, label, value), speeds in sorted(found.items())]


def draw_sweep(rows, looks, columns):
    names = list(dict.fromkeys(row["axis"] for row in rows))
    across = min(len(names), 3 if columns == 2 else 1)
    down = math.ceil(len(names) / across)
    figure = style.new_figure(columns, 1.8 * down + 0.5)
    axes = list(figure.subplots(down, across, squeeze=False, sharey=True).flat)
    for each, name in zip(axes, names):
        for label in dict.fromkeys(row["label"] for row in rows if row["axis"] == name):
            line = [row for row in rows if (row["axis"], row["label"]) == (name, label)]
            values = [row["value"] for row in line]
            colour = looks[label]["color"]
            each.fill_between(values, [row["tokens_per_s_least"] for row in line],
                              [row["tokens_per_s_most"] for row in line], color=colour, alpha=0.15, linewidth=0)
            each.plot(values, [row["tokens_per_s_median"] for row in line], marker="o", label=label,
                      **style.line_look(looks[label]))
        each.set_xlabel(name)
        each.set_yscale("log")
    for unused in axes[len(names):]:
        unused.set_visible(False)
    axes[0].set_ylabel("tokens/s: median, least to most")
    return style.finish(figure, axes, columns)
