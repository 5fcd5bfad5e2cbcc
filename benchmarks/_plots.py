"""Draws figures/*.png from the figures in results/: one picture for each group of rows.

    .venv/bin/python benchmarks/_plots.py [--results FOLDER] [--figures FOLDER]

Ours is dark and hatched, others are light: that is seen without colour, too. Thin lines go from
the least to the most that was measured, dashed ones are aims.
"""

import argparse
import io
import statistics
from collections.abc import Callable
from pathlib import Path

import matplotlib

matplotlib.use("agg")

from _figures import Result, Table  # noqa: E402
from _report import HERE, PICTURES, all_results  # noqa: E402
from matplotlib import pyplot, ticker  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from PIL import Image  # noqa: E402

OURS = ("graphhelpers", "graphsandbox", "make lab", "sign-in + send (graphsandbox)")
DARK, LIGHT, EDGE, AIM = "#1f4e79", "#d9d9d9", "#333333", "#b35806"
PAPER = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # so that no line crosses a figure
LINES = [  # colours of Okabe and Ito, each with a mark and a dash of its own
    ("#0072B2", "o", "-"), ("#D55E00", "s", "--"), ("#009E73", "^", "-."), ("#000000", "D", ":"),
    ("#CC79A7", "v", (0, (5, 1, 1, 1))),
]  # fmt: skip
LINE_PT = 12.0  # the height of a line of text, in points
Results = dict[str, Result]


def is_ours(name: str) -> bool:
    """Whether a row is this project's; a notebook is, too."""
    return name.startswith(OURS) or name.endswith(".ipynb")


def bars(axes: Axes, table: Table, base: str = "", aim: float | None = None) -> None:
    """Draw the medians as bars, each with its figure and its ratio to `base`.

    `aim` is a multiple of the base's median; without a base it is in the table's unit.
    """
    names = [name for name in table.rows if table.rows[name]]
    medians = [statistics.median(table.rows[name]) for name in names]
    most = max(max(table.rows[name]) for name in names)
    for place, (name, median) in enumerate(zip(names, medians, strict=True)):
        mine = is_ours(name)
        look = {"color": DARK if mine else LIGHT, "edgecolor": EDGE, "linewidth": 0.8}
        axes.barh(place, median, height=0.62, hatch="///" if mine else "", **look)
        axes.plot([min(table.rows[name]), max(table.rows[name])], [place, place], color="black",
                  linewidth=1.4, marker="|", markersize=6)  # fmt: skip
        ratio = table.ratio(name, base) if base and name != base else None
        text = f"{median:,.{table.digits}f}" + (f"  ({ratio:.2f}×)" if ratio else "")
        beside = max(table.rows[name]) + most * 0.02
        axes.text(beside, place, text, va="center", fontsize=8.5, bbox=PAPER)
    axes.set_yticks(range(len(names)), names)
    for label in axes.get_yticklabels():
        label.set_fontweight("bold" if is_ours(label.get_text()) else "normal")
    axes.invert_yaxis()
    goal = aim * (statistics.median(table.rows[base]) if base else 1) if aim else 0.0
    axes.set_xlim(0, max(most * 1.4, goal * 1.1))
    axes.set_xlabel(f"{table.name}, {table.unit}" + (f"  (× {base})" if base else ""))
    if goal:
        aim_at(axes, goal)


def aim_at(axes: Axes, value: float) -> None:
    """Draw where the aim is."""
    axes.axvline(value, color=AIM, linestyle="--", linewidth=1.4, zorder=1.5)
    axes.annotate("aim", (value, 1), xycoords=("data", "axes fraction"), xytext=(0, 2),
                  textcoords="offset points", ha="center", color=AIM, fontsize=8.5)  # fmt: skip


def lines(axes: Axes, rows: dict[str, dict[float, list[float]]], x: str, y: str) -> None:
    """Draw medians as lines with their spread, each with its name at its end."""
    for (name, points), (colour, mark, dash) in zip(rows.items(), LINES, strict=False):
        at = list(points)
        medians = [statistics.median(points[one]) for one in at]
        width = 2.6 if name in OURS else 1.5
        axes.plot(at, medians, color=colour, marker=mark, linestyle=dash, linewidth=width,
                  markersize=5, label=name)  # fmt: skip
        for one in at:
            axes.plot([one, one], [min(points[one]), max(points[one])], color=colour, linewidth=1)
    axes.set_xlabel(x)
    axes.set_ylabel(y)


def name_ends(axes: Axes, rows: dict[str, dict[float, list[float]]]) -> None:
    """Write each line's name beside its last point; names that would touch are moved apart."""
    ends = []
    for (name, points), (colour, *_) in zip(rows.items(), LINES, strict=False):
        end = list(points)[-1], statistics.median(list(points.values())[-1])
        ends.append((axes.transData.transform(end)[1] * 72 / axes.figure.dpi, end, name, colour))
    lowest = -1e9
    for height, end, name, colour in sorted(ends):
        lowest = max(height, lowest + LINE_PT)
        weight = "bold" if name in OURS else "normal"
        axes.annotate(name, end, xytext=(8, lowest - height), textcoords="offset points",
                      va="center", fontsize=8.5, color=colour, weight=weight)  # fmt: skip


def columns(table: Table) -> dict[float, list[float]]:
    """Return a table whose rows are named by numbers, such as "1,000" or "1,000 mails"."""
    rows = {name.split()[0].replace(",", ""): row for name, row in table.rows.items()}
    return {float(name): row for name, row in rows.items()}


def plain_numbers(axis) -> None:
    """Write 1,000 where matplotlib would write a power of ten."""
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:,g}"))
    axis.set_minor_formatter(ticker.NullFormatter())


def imports(results: Results) -> pyplot.Figure:
    """One bar for each package."""
    figure, axes = pyplot.subplots(figsize=(7.5, 2.6))
    bars(axes, results["imports"].tables[0], "requests", 1.15)
    return figure


def callback_speed(results: Results) -> pyplot.Figure:
    """Dots on a logarithmic axis, as one of them is hundreds of times the others."""
    figure, axes = pyplot.subplots(figsize=(7.5, 3.0))
    tables = results["callback_speed"].tables[:2]
    most = max(max(row) for table in tables for row in table.rows.values() if row)
    for table, mark, face, aside in zip(tables, "os", (DARK, "white"), (-0.17, 0.17), strict=True):
        look = {"markersize": 8, "markerfacecolor": face, "markeredgecolor": DARK}
        axes.plot([], [], mark, markeredgewidth=1.6, label=table.name, **look)
        for place, row in enumerate(table.rows.values()):
            at = place + aside
            if not row:
                axes.text(most, at, "✗ hangs", va="center", ha="right", fontsize=8.5)
                continue
            median = statistics.median(row)
            axes.plot([min(row), max(row)], [at, at], color=EDGE, linewidth=1.2)
            axes.plot(median, at, mark, markeredgewidth=1.6, **look)
            axes.text(max(row) * 1.15, at, f"{median:,.2f}", va="center", fontsize=8.5, bbox=PAPER)
    axes.set_xscale("log")
    axes.set_xlim(right=most * 3)
    plain_numbers(axes.xaxis)
    axes.set_yticks(range(len(tables[0].rows)), tables[0].rows)
    axes.get_yticklabels()[0].set_fontweight("bold")
    axes.set_ylim(len(tables[0].rows) - 0.5, -0.5)
    axes.set_xlabel("from the redirect to the waiting caller, ms (logarithmic)")
    aim_at(axes, 1.5 * statistics.median(tables[0].rows[tables[0].bases[0]]))
    axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, fontsize=8.5, frameon=False)
    return figure


def exchange_and_send(results: Results) -> pyplot.Figure:
    """Token and mail on the left, mails a second on the right."""
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11.5, 3.0))
    bars(left, results["exchange_and_send"].tables[0], "requests.Session", 1.15)
    if "mail_sending" in results:
        bars(right, results["mail_sending"].tables[0], "requests.Session")
    return figure


def sandbox_flows(results: Results) -> pyplot.Figure:
    """Flows by clients; start and memory; calls by the size of the mailbox."""
    figure, every = pyplot.subplots(2, 2, figsize=(11.5, 6.4))
    (flows, mailbox), (start, memory) = every
    rows: dict[str, dict[float, list[float]]] = {}
    for table in results["sandbox_flows"].tables:
        for name, row in table.rows.items():
            rows.setdefault(name.split(" (")[0], {})[float(table.name.split()[0])] = row
    lines(flows, rows, "clients at a time", "flows a second")
    flows.set_xscale("log", base=2)
    plain_numbers(flows.xaxis)
    flows.set_xticks(list(next(iter(rows.values()))))
    flows.set_ylim(bottom=0)
    name_ends(flows, rows)
    if "sandbox_mailbox" in results:
        rows = {table.name: columns(table) for table in results["sandbox_mailbox"].tables}
        lines(mailbox, rows, "mails in the box", "ms a call (logarithmic)")
        mailbox.set_xscale("symlog", linthresh=100)
        mailbox.set_yscale("log")
        plain_numbers(mailbox.xaxis)
        plain_numbers(mailbox.yaxis)
        mailbox.set_xticks(list(next(iter(rows.values()))))
        name_ends(mailbox, rows)
    if "sandbox_footprint" in results:
        took, used, *_ = results["sandbox_footprint"].tables
        bars(start, took, aim=0.5)
        bars(memory, used)
    return figure


def notebooks_speed(results: Results) -> pyplot.Figure:
    """One bar for each notebook."""
    figure, axes = pyplot.subplots(figsize=(7.5, 2.6))
    bars(axes, results["notebooks_speed"].tables[0], "bare kernel", 3.0)
    return figure


def lab_start(results: Results) -> pyplot.Figure:
    """From nothing, and again."""
    tables = results["lab_start"].tables
    figure, every = pyplot.subplots(len(tables), 1, figsize=(7.5, 1.6 * len(tables)), squeeze=False)
    for (axes,), table in zip(every, tables, strict=True):
        if table.name == "again":
            bars(axes, table, aim=4.0)
        else:
            bars(axes, table, table.bases[0], 1.2)
    return figure


def growth(results: Results) -> pyplot.Figure:
    """A call, drawing and memory by exchanges; flows by clients."""
    figure, every = pyplot.subplots(2, 2, figsize=(11.5, 6.0))
    (call, drawing), (memory, flows) = every
    calls, table, diagram, held, clients = results["growth"].tables
    kept = "exchanges kept in the wire log"
    lines(call, {"a call": columns(calls)}, kept, "ms a call")
    rows = {"table": columns(table), "diagram": columns(diagram)}
    lines(drawing, rows, kept, "ms to draw (logarithmic)")
    lines(memory, {"memory": columns(held)}, kept, "KiB held (logarithmic)")
    lines(flows, {"flows": columns(clients)}, "clients on the sandbox", "flows a second")
    for axes in (drawing, memory):
        axes.set_yscale("log")
        _linear(axes, columns(table if axes is drawing else held))
    for axes in (call, flows):
        axes.set_ylim(bottom=0, top=axes.get_ylim()[1] * 1.1)
    for axes in every.flat:
        axes.set_xscale("log")
        plain_numbers(axes.xaxis)
        plain_numbers(axes.yaxis)
    drawing.legend(loc="upper left", fontsize=8.5, frameon=False)
    memory.legend(loc="upper left", fontsize=8.5, frameon=False)
    return figure


def _linear(axes: Axes, points: dict[float, list[float]]) -> None:
    """Draw how it would grow if it were in proportion, from the middle on both ways."""
    at = list(points)
    middle = at[len(at) // 2]
    each = statistics.median(points[middle]) / middle
    axes.plot(at, [each * one for one in at], color="#888888", linewidth=1, label="in proportion")


DRAWN: dict[str, Callable[[Results], pyplot.Figure]] = {
    "imports": imports, "callback_speed": callback_speed, "exchange_and_send": exchange_and_send,
    "sandbox_flows": sandbox_flows, "notebooks_speed": notebooks_speed, "lab_start": lab_start,
    "growth": growth,
}  # fmt: skip
assert DRAWN.keys() == PICTURES.keys()


def save(figure: pyplot.Figure, path: Path) -> None:
    """Keep a picture in 128 colours, which is a third of the bytes."""
    drawn = io.BytesIO()
    figure.savefig(drawn, dpi=110)
    Image.open(drawn).convert("RGB").quantize(128).save(path, optimize=True)


def main() -> None:
    """Draw whatever was measured."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--results", type=Path, default=HERE / "results", help="the figures")
    options.add_argument("--figures", type=Path, default=HERE / "figures", help="where to draw")
    asked = options.parse_args()
    asked.figures.mkdir(exist_ok=True)
    results = all_results(asked.results)
    style = {"axes.spines.top": False, "axes.spines.right": False, "font.size": 9.5,
             "hatch.linewidth": 0.6, "hatch.color": "white",
             "figure.constrained_layout.use": True, "figure.constrained_layout.hspace": 0.08,
             "figure.constrained_layout.wspace": 0.05}  # fmt: skip
    for name, draw in DRAWN.items():
        if name in results:
            with pyplot.rc_context(style):
                figure = draw(results)
                save(figure, asked.figures / f"{name}.png")
                pyplot.close(figure)


if __name__ == "__main__":
    main()
