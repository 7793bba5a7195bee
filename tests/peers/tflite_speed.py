#!/usr/bin/env python3
"""Windows a second of our TensorFlow Lite interpreter and of Google's, for every model of the fixtures: tables in Markdown.

    tflite_speed.py [--bench PROGRAM] [--rounds 3] [--seconds 0.3] [--models FOLDER]

Needs a Python with `ai-edge-litert` and `numpy`. PROGRAM is a built benches/infer (default: `cargo bench --bench infer`).
Both take turns, a round each, on one thread; a figure is the median of the rounds. Google's is asked with its default
delegate (XNNPACK) and, as `plain`, without; setting the input and reading the output count, as they do for ours.
"""

import argparse
import json
import pathlib
import platform
import statistics
import subprocess
import time

import numpy as np
from ai_edge_litert.interpreter import Interpreter, OpResolverType

HERE = pathlib.Path(__file__).resolve().parents[2]
BATCH = 64


def ours(arguments):
    command = [arguments.bench] if arguments.bench else ["cargo", "bench", "--quiet", "--bench", "infer", "--"]
    done = subprocess.run(
        [*command, str(arguments.models), "--seconds", str(arguments.seconds)],
        cwd=HERE, check=True, capture_output=True, text=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return {line["model"]: line for line in lines}


def rate(path, resolver, windows, seconds):
    """Windows a second, or why there is none."""
    try:
        interpreter = Interpreter(model_path=str(path), num_threads=1, experimental_op_resolver_type=resolver)
        given = interpreter.get_input_details()[0]
        dims = list(given["shape"])
        if windows > 1:
            signature = list(given["shape_signature"])
            if signature[0] != -1:
                return None
            dims[0] = windows
            interpreter.resize_tensor_input(given["index"], dims)
        interpreter.allocate_tensors()
        result = interpreter.get_output_details()[0]["index"]
        values = 0.5 + 0.4 * np.sin(0.37 * np.arange(np.prod(dims))).reshape(dims)
        values = values.astype(np.float32) if given["dtype"] == np.float32 else (values * 100).astype(given["dtype"])

        def run():
            interpreter.set_tensor(given["index"], values)
            interpreter.invoke()
            return interpreter.get_tensor(result)

        for _ in range(20):
            run()
        start, runs = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            for _ in range(10):
                run()
            runs += 10
        return runs * windows / (time.perf_counter() - start)
    except (RuntimeError, ValueError):
        return None


def kind(name):
    """What the tables are by: recurrent layers as loops or fused, unrolled, or convolutions."""
    if "unrolled" in name:
        return "unrolled"
    return "convolutional" if "cnn" in name else "recurrent"


def median(figures):
    found = [figure for figure in figures if figure is not None]
    return statistics.median(found) if found else None


def text(figure):
    return "–" if figure is None else f"{figure:,.0f}"


def ratio(a, b):
    return None if a is None or b is None else a / b


def measure(arguments):
    paths = sorted(arguments.models.glob("*.tflite"))
    rows = {path.stem: {"ours": [], "batch": [], "xnnpack": [], "plain": [], "xnnpack_batch": []} for path in paths}
    for _ in range(arguments.rounds):
        for name, line in ours(arguments).items():
            rows[name]["ours"].append(line["single"])
            rows[name]["batch"].append(line["batch"])
        for path in paths:
            row, seconds = rows[path.stem], arguments.seconds
            row["xnnpack"].append(rate(path, OpResolverType.AUTO, 1, seconds))
            row["plain"].append(rate(path, OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES, 1, seconds))
            row["xnnpack_batch"].append(rate(path, OpResolverType.AUTO, BATCH, seconds))
    return {name: {of: median(figures) for of, figures in row.items()} for name, row in rows.items()}


def show(rows):
    print(f"| model | Basalt | XNNPACK | plain | Basalt / XNNPACK | Basalt, {BATCH} at once | XNNPACK, {BATCH} at once | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for name, row in rows.items():
        cells = [text(row[of]) for of in ("ours", "xnnpack", "plain")]
        by = [ratio(row["ours"], row["xnnpack"]), ratio(row["batch"], row["xnnpack_batch"])]
        by = ["–" if part is None else f"{part:.2f}" for part in by]
        cells += [by[0], text(row["batch"]), text(row["xnnpack_batch"]), by[1]]
        print(f"| `{name}` | " + " | ".join(cells) + " |")
    print("\n| models | Basalt / XNNPACK: median | least | most | batches: median |\n|---|---|---|---|---|")
    for group in ("recurrent", "convolutional", "unrolled"):
        own = [row for name, row in rows.items() if kind(name) == group]
        single = [part for row in own if (part := ratio(row["ours"], row["xnnpack"]))]
        batch = [part for row in own if (part := ratio(row["batch"], row["xnnpack_batch"]))]
        middle = f"{statistics.median(batch):.2f} (of {len(batch)})" if batch else "–"
        print(f"| {group} ({len(single)} of {len(own)} compared) | {statistics.median(single):.2f} | {min(single):.2f} "
              f"| {max(single):.2f} | {middle} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bench")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.3)
    parser.add_argument("--models", type=pathlib.Path, default=HERE / "tests/fixtures/ai/models")
    arguments = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, "
          f"{arguments.rounds} rounds of {arguments.seconds} s a figure\n")
    show(measure(arguments))


if __name__ == "__main__":
    main()
