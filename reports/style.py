"""One look for all figures: colours that the colour-blind tell apart, column widths of papers, embedded fonts."""

import logging

import matplotlib

matplotlib.use("agg")
from matplotlib.figure import Figure  # noqa: E402
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # noqa: E402

# Okabe and Ito, Color Universal Design (2008); yellow last, since it is faint as a line.
OKABE_ITO = ["#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000", "#F0E442"]
# From the ninth on, colours come again with a hatch, marker and dashes of their own.
ROUNDS = [("", "o", "-"), ("////", "s", "--"), ("....", "^", ":"), ("xxxx", "D", "-.")]
GREY = "#777777"
COLUMN_INCHES = {1: 3.35, 2: 7.0}  # of a two-column paper

PARAMETERS = {
    "font.family": "DejaVu Sans",
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "legend.fontsize": 6.5,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "ytick.minor.width": 0.4,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "legend.handlelength": 1.2,
    "legend.columnspacing": 1.2,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.5,
    "pdf.fonttype": 42,  # whole TrueType fonts, as publishers ask for
    "svg.fonttype": "path",  # the same on machines that lack the font
    "svg.hashsalt": "outrider",
    "savefig.dpi": 300,
}


def apply():
    matplotlib.rcdefaults()
    matplotlib.rcParams.update(PARAMETERS)
    if "text.parse_math" in matplotlib.rcParams:
        matplotlib.rcParams["text.parse_math"] = False  # a '$' in a name is a '$'
    logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def looks(labels):
    """Colour, hatch, marker and dashes of each label."""
    result = {}
    for place, label in enumerate(labels):
        hatch, marker, dashes = ROUNDS[min(place // len(OKABE_ITO), len(ROUNDS) - 1)]
        colour = OKABE_ITO[place % len(OKABE_ITO)]
        result[label] = {"color": colour, "hatch": hatch, "marker": marker, "linestyle": dashes}
    return result


def line_look(look):
    return {"color": look["color"], "linestyle": look["linestyle"]}


def plain_numbers(axis):
    """Labels of a logarithmic axis as numbers, between decades too where it spans fewer than two."""
    least, most = sorted(axis.get_view_interval())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.7g}"))
    few = most / least < 100
    axis.set_minor_locator(LogLocator(subs=(2, 5) if few else range(2, 10)))
    axis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:,.7g}") if few else NullFormatter())


def bar_look(look):
    return {"color": look["color"], "hatch": look["hatch"], "edgecolor": "white", "linewidth": 0.3}


def new_figure(columns, height):
    return Figure(figsize=(COLUMN_INCHES[columns], height))


LEGEND_ROW_INCHES = 0.15


def finish(figure, axes, columns):
    """One legend above all axes, and these laid out below it."""
    handles = {}
    for each in axes:
        for axis in (axis for axis in (each.xaxis, each.yaxis) if axis.get_scale() == "log"):
            plain_numbers(axis)
        for handle, label in zip(*each.get_legend_handles_labels()):
            handles.setdefault(label, handle)
    across = max(1, min(len(handles), 6 if columns == 2 else 3))
    rows = -(-len(handles) // across)
    height = figure.get_size_inches()[1] + rows * LEGEND_ROW_INCHES
    figure.set_size_inches(COLUMN_INCHES[columns], height)
    if handles:
        figure.legend(handles.values(), handles.keys(), loc="upper center", ncol=across, borderaxespad=0.2)
    figure.tight_layout(pad=0.3, h_pad=0.8, w_pad=0.8, rect=(0, 0, 1, 1 - (rows * LEGEND_ROW_INCHES + 0.04) / height))
    return figure


def save(figure, stem, title):
    """PDF, SVG and PNG with no clock in them. Each is written whole, then renamed."""
    metadata = {
        "pdf": {"Title": title, "Creator": "outrider report", "Producer": None, "CreationDate": None},
        "svg": {"Title": title, "Creator": None, "Date": None},
        "png": {"Title": title, "Software": None},
    }
    files = []
    for ending, about in metadata.items():
        file = stem.with_suffix("." + ending)
        temporary = file.with_name("." + file.name + ".part")
        figure.savefig(temporary, format=ending, metadata=about)
        temporary.replace(file)
        files.append(file)
    return files
