#!/usr/bin/env python3
"""Scores data as the server does and lists the events that it would open. Use it to evaluate a model or to check the server.

    python score.py --model data/models/room --csv data.csv --labels windows.json

`--labels` is a file in the format of the Numenta Anomaly Benchmark, {"…data.csv": [["from", "to"], …]}. An event that begins within
one of these periods is a hit; any other event is a false alarm.
"""

import argparse
import csv
import json
import os
import pathlib
import warnings

import numpy as np
from series import SCORES, load, resample, scale, seconds, utc, windows


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--model", type=pathlib.Path, required=True, help="the directory that train.py wrote")
    add("--csv")
    add("--url")
    add("--key", default=os.environ.get("BASALT_KEY"))
    add("--streams", help="ids, separated by commas")
    add("--from", dest="begin", type=seconds, default=-np.inf, metavar="TIME")
    add("--to", dest="end", type=seconds, default=np.inf, metavar="TIME")
    add("--threshold", type=float, help="instead of that of model.json")
    add("--calibrate", nargs=2, type=seconds, metavar=("FROM", "TO"), help="take the threshold from the scores of this time")
    add("--percentile", type=float, default=100.0, help="which of them")
    add("--clear-ratio", type=float, default=0.9)
    add("--min-windows", type=int, default=1)
    add("--labels", help="times of known failures, as JSON")
    add("--scores", help="a CSV file to write every score to")
    args = parser.parse_args()
    if args.labels and not args.csv:
        parser.error("--labels are of a --csv")
    if not args.csv and not (args.url and args.streams):
        parser.error("give --csv, or --url with --streams")
    return args


def reconstruct(path, given):
    """Returns the model's output for every window."""
    import tensorflow as tf

    warnings.filterwarnings("ignore", category=UserWarning, module="tensorflow.lite")
    model = tf.lite.Interpreter(model_path=str(path))
    tensor, made = model.get_input_details()[0], model.get_output_details()[0]
    batch = len(given) if tensor["shape_signature"][0] == -1 else 1
    model.resize_tensor_input(tensor["index"], [batch, *given.shape[1:]])
    model.allocate_tensors()
    parts = []
    for first in range(0, len(given), batch):
        model.set_tensor(tensor["index"], given[first : first + batch])
        model.invoke()
        parts.append(model.get_tensor(made["index"]))
    return np.concatenate(parts)


def score(directory, columns, begin, end):
    """Returns (times, scores) of every window within the range. The time of a window is that of its last point."""
    import joblib

    told = json.loads((directory / "model.json").read_text())
    grid, values = resample(columns, told["interval"])
    values[(grid < begin) | (grid >= end)] = np.nan
    ends, found = windows(values, told["window"])
    scaled = scale(joblib.load(directory / "scaler.joblib"), found)
    return grid[ends], SCORES[told["score"]](reconstruct(directory / "model.tflite", scaled) - scaled)


def events(times, scores, interval, threshold, clear_ratio, min_windows):
    """Returns [begin, end, peak] of each event. It begins with the first of `min_windows` consecutive windows above the threshold
    and ends with the first window below `clear_ratio` times the threshold; end is None while there is no such window. A gap in the
    data interrupts consecutive windows but does not end an event."""
    found, run, current, before = [], [], None, None
    for time, score in zip(times, scores):
        if score <= threshold or before is None or time - before > 1.5 * interval:
            run = []
        if score > threshold:
            run.append((time, score))
        before = time
        if current:
            current[2] = max(current[2], score)
            if score < threshold * clear_ratio:
                current[1], current = time, None
        elif len(run) >= min_windows:
            current = [run[0][0], None, max(score for _, score in run)]
            found.append(current)
    return found


def read_labels(path, csv_path):
    of_files, name = json.loads(pathlib.Path(path).read_text()), pathlib.Path(csv_path).name
    [labels] = [labels for file, labels in of_files.items() if pathlib.Path(file).name == name]
    return [(seconds(begin), seconds(end)) for begin, end in labels]


def main():
    args = arguments()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    times, scores = score(args.model, load(args), args.begin, args.end)
    told = json.loads((args.model / "model.json").read_text())
    threshold = args.threshold or told["threshold"]
    if args.calibrate:
        begin, end = args.calibrate
        threshold = np.percentile(scores[(times >= begin) & (times < end)], args.percentile)
    if args.scores:
        with open(args.scores, "w", newline="") as file:
            csv.writer(file).writerows([("timestamp", "score"), *((utc(t), s) for t, s in zip(times, scores))])

    labels = read_labels(args.labels, args.csv) if args.labels else []
    found = events(times, scores, told["interval"], threshold, args.clear_ratio, args.min_windows)
    hits = []
    for begin, end, peak in found:
        hit = [i + 1 for i, (first, last) in enumerate(labels) if first <= begin <= last]
        hits += hit
        word = f"failure {hit[0]}" if hit else "false alarm" if labels else ""
        print(f"{utc(begin)}  {utc(end) if end else 'still open':20}  peak {peak:.4f}  {word}".rstrip())
    print(f"{len(scores)} windows, threshold {threshold:.4g}, {len(found)} events", end="")
    print(f": {len(set(hits))} of {len(labels)} failures, {len(found) - len(hits)} false alarms" if labels else "")


if __name__ == "__main__":
    main()
