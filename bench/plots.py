# SPDX-License-Identifier: MIT
"""The plots of a run, by gnuplot: SVG, whose text is text."""

import subprocess

from rivals import PROGRAMS

TERMINAL = ("set terminal svg size {size} font 'sans-serif,12' "
            "background '#ffffff'\n")
WORDS = {"static": "a static program", "python": "python3",
         "numpy": "python3 with numpy"}
COLOURS = ("#1b9e77", "#d95f02", "#7570b3")


def gnuplot(script, path):
    svg = subprocess.run(["gnuplot"], input=script, check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    # Which build of gnuplot made it is no part of the figures.
    path.write_text("\n".join(line.rstrip() for line in svg.splitlines())
                    + "\n")


def draw_latencies(latencies, title, path):
    """For each contestant and program: from p5 to p99, the median marked."""
    names = list(dict.fromkeys(name for rows in latencies.values()
                               for name in rows))
    blocks, plots = [], []
    for i, program in enumerate(PROGRAMS):
        rows = latencies[program]
        lines = [f"{names.index(name) + (i - 1) * 0.25} {row['p5']} "
                 f"{row['p50']} {row['p99']}" for name, row in rows.items()]
        blocks.append(f"$of{i} << END\n" + "\n".join(lines) + "\nEND\n")
        plots.append(f"$of{i} using 1:3:2:4 with yerrorbars pt 7 ps 0.8 "
                     f"lw 2 lc rgb '{COLOURS[i]}' title '{WORDS[program]}'")
    ticks = ", ".join(f"'{name}' {i}" for i, name in enumerate(names))
    gnuplot(TERMINAL.format(size="860,420") + "".join(blocks)
            + f"set title '{title}'\n"
            "set ylabel 'milliseconds: p5, median, p99'\n"
            "set logscale y\nset grid ytics\nset key above\n"
            f"set xrange [-0.5:{len(names) - 0.5}]\n"
            f"set xtics ({ticks}) scale 0\n"
            "plot " + ", ".join(plots) + "\n", path)


def draw_throughput(closed, path):
    rows = closed["static"]
    blocks, plots = [], []
    for i, (name, row) in enumerate(rows.items()):
        lines = [f"{clients} {cell['per_second']}"
                 for clients, cell in row.items()]
        blocks.append(f"$of{i} << END\n" + "\n".join(lines) + "\nEND\n")
        plots.append(f"$of{i} with linespoints lw 2 pt 7 ps 0.6 "
                     f"title '{name}'")
    gnuplot(TERMINAL.format(size="860,420") + "".join(blocks)
            + "set title 'requests a second, a static program'\n"
            "set xlabel 'clients that ask again when they are answered'\n"
            "set logscale xy\nset grid ytics\nset key outside right\n"
            "set xtics (1, 4, 16, 64)\n"
            "plot " + ", ".join(plots) + "\n", path)


def draw(everything, into):
    latency = everything.get("latency", {})
    if "paced" in latency:
        draw_latencies(latency["paced"], "one request at a time",
                       into / "latency.svg")
    if "open" in latency:
        draw_latencies(latency["open"], "requests at a steady rate",
                       into / "steady.svg")
    if "closed" in latency:
        draw_throughput(latency["closed"], into / "throughput.svg")
