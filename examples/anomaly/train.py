#!/usr/bin/env python3
"""Trains an autoencoder on healthy data; writes the TFLite model and the scaler that `POST /api/ai/upload/` takes.

    python train.py --csv healthy.csv --interval 3600 --window 24 --out data/models/room
    python train.py --url http://127.0.0.1:8000 --key … --streams 17,18 --interval 1 --window 16 --out data/models/furnace

A CSV file has the columns timestamp,value or, for several streams, timestamp,name,name,…; timestamps without a zone are UTC.
Writes model.tflite, scaler.joblib and model.json. model.json records how they were made and suggests a threshold.
"""

import argparse
import json
import os
import pathlib
import platform

import numpy as np
from series import SCORES, load, resample, scale, seconds, utc, windows


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--csv")
    add("--url")
    add("--key", default=os.environ.get("BASALT_KEY"))
    add("--streams", help="ids, separated by commas")
    add("--from", dest="begin", type=seconds, default=-np.inf, metavar="TIME", help="begin of the healthy data")
    add("--to", dest="end", type=seconds, default=np.inf, metavar="TIME", help="its end")
    add("--interval", type=float, required=True, help="seconds between the points of a window")
    add("--window", type=int, required=True, help="points of a window; a multiple of 4 for cnn_ae")
    add("--type", choices=["cnn_ae", "lstm_ae"], default="cnn_ae")
    add("--units", type=int, default=16, help="filters of a convolution, or cells of the LSTM")
    add("--latent", type=int, default=4, help="numbers in the narrow middle")
    add("--epochs", type=int, default=100)
    add("--seed", type=int, default=1)
    add("--score", choices=SCORES, default="mse")
    add("--percentile", type=float, default=100.0, help="of the held-out windows' scores: the threshold is that")
    add("--margin", type=float, default=1.0, help="times this")
    add("--out", type=pathlib.Path, required=True)
    args = parser.parse_args()
    if args.type == "cnn_ae" and args.window % 4:
        parser.error("the window of a cnn_ae is a multiple of 4")
    if not args.csv and not (args.url and args.streams):
        parser.error("give --csv, or --url with --streams")
    return args


def build(kind, size, features, units, latent):
    from tensorflow.keras import Input, Model, layers as L

    inputs = x = Input((size, features))
    # tanh bounds the middle layer, so that inputs far from the training data cannot be reproduced.
    if kind == "lstm_ae":
        x = L.Dense(latent, activation="tanh")(L.LSTM(units)(x))
        x = L.LSTM(units, return_sequences=True)(L.RepeatVector(size)(x))
        return Model(inputs, L.TimeDistributed(L.Dense(features))(x))
    x = L.Conv1D(units, 5, strides=2, padding="same", activation="relu")(x)
    x = L.Conv1D(units, 5, strides=2, padding="same", activation="relu")(x)
    x = L.Dense(latent, activation="tanh")(L.Flatten()(x))
    x = L.Reshape((size // 4, units))(L.Dense(size // 4 * units, activation="relu")(x))
    x = L.Conv1DTranspose(units, 5, strides=2, padding="same", activation="relu")(x)
    return Model(inputs, L.Conv1DTranspose(features, 5, strides=2, padding="same")(x))


def convert(model, batch):
    """Converts the model to TFLite with frozen weights. None is a variable batch size; the loops of an LSTM require a batch of 1."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2 as freeze

    call = tf.function(lambda x: model(x, training=False))
    concrete = call.get_concrete_function(tf.TensorSpec([batch, *model.input_shape[1:]], tf.float32))
    return tf.lite.TFLiteConverter.from_concrete_functions([freeze(concrete)]).convert()


def hold_out(points, size):
    """Returns whether each point of the grid is held out: the last of every five segments, each four windows long."""
    return np.arange(points) // (4 * size) % 5 == 4


def main():
    args = arguments()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import joblib
    import sklearn
    import tensorflow as tf
    from sklearn.preprocessing import StandardScaler

    tf.keras.utils.set_random_seed(args.seed)
    tf.config.experimental.enable_op_determinism()

    grid, values = resample(load(args), args.interval)
    values[(grid < args.begin) | (grid >= args.end)] = np.nan
    is_out = hold_out(len(grid), args.window)
    scaler = StandardScaler().fit(values[~is_out & ~np.isnan(values).any(axis=1)])
    # A window that begins in a training segment and ends in a held-out one, or the reverse, is not used.
    ends, found = windows(values, args.window)
    begins, scaled = ends - args.window + 1, scale(scaler, found)
    train, held_out = scaled[~is_out[begins] & ~is_out[ends]], scaled[is_out[begins] & is_out[ends]]
    if not len(train) or not len(held_out):
        raise SystemExit(f"too little data: {len(train)} windows to train on, {len(held_out)} to hold out")

    model = build(args.type, args.window, values.shape[1], args.units, args.latent)
    model.compile(tf.keras.optimizers.Adam(2e-3), "mse")
    model.fit(train, train, epochs=args.epochs, batch_size=64, verbose=2)
    scores = SCORES[args.score](model.predict(held_out, verbose=0) - held_out)

    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "model.tflite").write_bytes(convert(model, None if args.type == "cnn_ae" else 1))
    joblib.dump(scaler, args.out / "scaler.joblib")
    names = "type interval window units latent epochs seed score percentile margin".split()
    modules = {"tensorflow": tf, "keras": tf.keras, "scikit-learn": sklearn, "joblib": joblib, "numpy": np}
    told = {name: getattr(args, name) for name in names} | {
        "threshold": float(f"{np.percentile(scores, args.percentile) * args.margin:.4g}"),
        "held_out_scores": {str(p): float(f"{np.percentile(scores, p):.4g}") for p in (50, 95, 99, 99.5, 100)},
        "windows": {"train": len(train), "held_out": len(held_out)},
        "data": {"streams": values.shape[1], "from": utc(grid[begins[0]]), "to": utc(grid[ends[-1]])},
        "versions": {"python": platform.python_version()} | {name: module.__version__ for name, module in modules.items()},
    }
    text = json.dumps(told, indent=2)
    (args.out / "model.json").write_text(text + "\n")
    print(text)


if __name__ == "__main__":
    main()
