"""The questions of `basalt bench` by two programs in turns, each as a server alone: what a change of the program costs one process."""

import argparse
import json
import math
import shutil
from pathlib import Path
from typing import Any

from ..markdown import row, table
from .client import median
from .environment import Program, clean_environment, fail, note
from .plant import version
from .report import machine, megabytes, ms, section

# Rounds of both programs that are measured, after one that is not: in it a program brings a copy of the data up to date.
ROUNDS, QUICK_ROUNDS = 5, 2
# Runs of a question a round, and seconds for each line of the questions from several clients, which are not reported.
RUNS, QUICK_RUNS = 30, 5
CLIENT_SECONDS = 0.05
# Says which rows a kept folder has; it is written last.
DESCRIPTION = "questions.json"
# The ten main questions; the others are reported too.
TEN = [f"q{number}" for number in range(1, 11)]


def measure(options: argparse.Namespace, program: Path, scratch: Path) -> None:
    """Loads the data by the base program, or uses what an earlier run has kept."""
    base, measured_on = options.base.resolve(), machine()
    folder = prepare(options, base, scratch)
    programs = {"base": base, "program": program}
    for name in programs:
        shutil.copytree(folder, scratch / f"questions-{name}", ignore=shutil.ignore_patterns("run", "lock"))
    rounds = QUICK_ROUNDS if options.quick else ROUNDS
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in programs}
    for number in range(1 + rounds):
        # Who is first changes from round to round.
        for name in list(programs) if number % 2 else reversed(programs):
            note(f"questions, round {number} of {rounds}, {name}")
            answered = ask(options, programs[name], scratch, name)
            if number > 0:
                found[name].append(answered)
    print_report(options, programs, found, measured_on)


def prepare(options: argparse.Namespace, base: Path, scratch: Path) -> Path:
    """The data directory, which is copied and never opened again. It is kept beside the plant, whose lake is in the store."""
    keep = options.keep.resolve() if options.keep else scratch / "plant"
    folder = keep.with_name(f"{keep.name}-questions")
    wanted = {"rows": options.rows, "streams": options.streams}
    if (folder / DESCRIPTION).exists():
        kept = json.loads((folder / DESCRIPTION).read_text())
        if kept != wanted:
            fail(f"{folder} holds {kept}, not {wanted}: give another --keep")
        return folder / "data"
    if folder.exists() and any(folder.iterdir()):
        fail(f"{folder} is neither empty nor a whole data directory: give another --keep, or remove it")
    (folder / "data").mkdir(parents=True, exist_ok=True)
    note(f"loading {options.rows:,} rows of {options.streams} streams")
    bench(base, folder / "data", scratch, "load", ["--rows", str(options.rows), "--streams", str(options.streams)])
    (folder / DESCRIPTION).write_text(json.dumps(wanted))
    return folder / "data"


def ask(options: argparse.Namespace, program: Path, scratch: Path, name: str) -> dict[str, Any]:
    """What a program measures on its copy of the data."""
    runs = QUICK_RUNS if options.quick else RUNS
    return bench(program, scratch / f"questions-{name}", scratch, "questions", ["--runs", str(runs), "--seconds", str(CLIENT_SECONDS)])["asked"]


def bench(program: Path, folder: Path, scratch: Path, phase: str, flags: list[str]) -> dict[str, Any]:
    """Runs a part of `basalt bench`, which starts a server of its own; its report."""
    command = [program, "bench", "--only", phase, "--data-dir", folder, "--format", "json", *flags]
    running = Program(command, scratch / "bench.log", clean_environment(), has_pipes=True, cwd=scratch)
    try:
        report = running.process.stdout.read()
        running.wait()
    finally:
        running.stop()
    return json.loads(report)


def print_report(
    options: argparse.Namespace, programs: dict[str, Path], found: dict[str, list[dict[str, Any]]], measured_on: str,
) -> None:
    base, ours = found["base"], found["program"]
    runs = QUICK_RUNS if options.quick else RUNS
    section(
        "Questions of a server alone, by two programs",
        f"{measured_on}. *Base* is {version(programs['base'])} ({size(programs['base'])} MB), *program* {version(programs['program'])} "
        f"({size(programs['program'])} MB). {options.rows:,} rows of {options.streams} streams, loaded by the base program; each has a copy. "
        f"Milliseconds by the client of `basalt bench`; medians of {len(ours)} rounds in turns, of which each has the p50 of {runs} runs. "
        "Above 1 the program is slower. The ratios of single rounds show how far chance goes.",
    )
    table("question", "base", "program", "program / base", "of single rounds")
    ratios = []
    for at, question in enumerate(ours[0]["questions"]):
        name = f"{question['id'].upper()} {question['name']}"
        answers = [answered["questions"][at] for answered in base + ours]
        if len({(answer["id"], answer["rows"]) for answer in answers}) != 1:
            fail(f"{name}: the programs answer other numbers of rows: {sorted({answer['rows'] for answer in answers})}")
        ratio = print_line(name, [one["questions"][at]["p50_ms"] for one in base], [one["questions"][at]["p50_ms"] for one in ours])
        if question["id"] in TEN:
            ratios.append(ratio)
    print_line("start to first answer", [one["start_ms"] for one in base], [one["start_ms"] for one in ours])
    mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
    print(f"\nGeometric mean of Q1 to Q10, program / base: {mean:.3f}.", flush=True)


def print_line(name: str, base: list[float], ours: list[float]) -> float:
    """Prints the medians and their ratio, which it returns."""
    single = [one / other for one, other in zip(ours, base)]
    ratio = median(ours) / median(base)
    row(name, ms(median(base)), ms(median(ours)), f"{ratio:.3f}", f"{min(single):.2f} to {max(single):.2f}")
    return ratio


def size(program: Path) -> str:
    return megabytes(program.stat().st_size)
