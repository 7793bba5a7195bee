"""Asks Basalt and its peers the same questions of the same rows, compares the answers, then takes the time."""

import importlib
import json
import multiprocessing
import shutil
import subprocess
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np

import answers
from environment import fail, note

# Name, module, class of the server's side.
PEERS = [
    ("basalt", "basalt", "Peer"),
    ("duckdb-parquet", "duck", "OnParquet"),
    ("duckdb", "duck", "OwnTable"),
    ("clickhouse", "clickhouse", "Peer"),
    ("victoria", "victoria", "Peer"),
]
# Rounds whose answers are compared.
COMPARED = 3
WARM_UP = 3
# How long several clients ask each question, seconds.
TOGETHER_S = 3


def measure(options):
    wanted = options.only or [name for name, _, _ in PEERS]
    for name in wanted:
        if name not in [known for known, _, _ in PEERS]:
            fail(f"no peer `{name}`: there are {', '.join(known for known, _, _ in PEERS)}")
    scratch = Path(tempfile.mkdtemp(prefix="basalt-peers-"))
    try:
        plant = describe(options, scratch)
        results = {}
        for name, module, kind in PEERS:
            # Basalt is what the others are compared with.
            if name == "basalt" or name in wanted:
                results[name] = measure_peer(plant, module, kind, options.runs, results.get("basalt"))
        show(plant, results)
        if options.json:
            kept = {name: {k: v for k, v in one.items() if k != "answers"} for name, one in results.items()}
            options.json.write_text(json.dumps({"plant": plant.plant, "rows": plant.rows, "peers": kept}, indent=1))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    wrong = [f"{name} {id}: {text}" for name, one in results.items() for id, text in one["wrong"].items()]
    if wrong:
        fail("answers differ: " + "; ".join(wrong))


def describe(options, scratch):
    """What was loaded, what is asked of it, and the files that count."""
    from deltalake import DeltaTable

    # Absolute: servers are started elsewhere.
    program, dir = options.basalt.resolve(), options.data_dir.resolve()
    rounds = str(WARM_UP + options.runs)
    command = [program, "bench", "questions", "--data-dir", dir, "--rounds", rounds]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    files = [uri.removeprefix("file://") for uri in DeltaTable(dir / "lake/readings").file_uris()]
    questions = [q for q in told["questions"] if not options.ask or q["id"] in options.ask]
    end = told["plant"]["start"] // 1000 + told["plant"]["seconds"] * 1000
    return SimpleNamespace(
        program=program,
        dir=dir,
        plant=told["plant"],
        rows=told["rows"],
        questions=questions,
        files=sorted(files),
        bytes=sum(Path(file).stat().st_size for file in files),
        end=end,
        scratch=scratch,
        venv=options.venv.resolve(),
        clients=getattr(options, "clients", None),
    )


def measure_peer(plant, module, kind, runs, ours):
    """Its figures, or why there are none."""
    try:
        peer = getattr(importlib.import_module(module), kind)(plant)
    except (ImportError, OSError, subprocess.CalledProcessError) as problem:
        note(f"{module} cannot be measured here: {problem}")
        return {"name": module, "missing": str(problem), "wrong": {}, "cold": {}, "hot": {}}
    result = {"name": peer.name, "note": peer.note, "load_s": getattr(peer, "load_s", None)}
    result |= {"bytes": getattr(peer, "bytes", plant.bytes), "wrong": {}, "cold": {}, "hot": {}}
    note(f"{peer.name}: loaded")
    try:
        ask(peer, module, plant, runs, ours, result)
    except Exception as problem:
        if ours is None:
            raise
        # The others are still worth their time.
        note(f"{peer.name} failed: {problem}")
        result["wrong"]["all"] = f"failed: {problem}"
    finally:
        peer.close()
    return result


def ask(peer, module, plant, runs, ours, result):
    answered = in_process(module, peer.setup(), first_answers, plant.questions)
    result["answers"] = answered
    if ours is not None:
        result["wrong"] = compare(module, ours["answers"], answered)
    asked = [question for question in plant.questions if question["id"] in answered]
    for question in asked:
        peer.fresh()
        result["cold"][question["id"]] = in_process(module, peer.setup(), ask_cold, question)
    peer.fresh()
    result["hot"] = in_process(module, peer.setup(), ask_hot, asked, runs)
    if plant.clients:
        try:
            result["together"] = ask_together(module, peer.setup(), asked, plant.clients)
        except Exception as problem:
            if ours is None:
                raise
            # An engine in process may lock its files.
            note(f"{peer.name} has no answers for several clients: {problem}")


def in_process(module, setup, work, *args):
    """Runs it in a process of its own, so that no peer finds another's memory."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(with_client, module, setup, work, *args).result()


def with_client(module, setup, work, *args):
    return work(importlib.import_module(module).Client(**setup), *args)


def first_answers(client, questions):
    found = {}
    for question in questions:
        if client.can(question["id"]):
            rounds = question["params"][:COMPARED]
            found[question["id"]] = [client.columns(question["id"], client.ask(question["id"], p)) for p in rounds]
    return found


def ask_cold(client, question):
    return timed(client, question["id"], question["params"][0])


def ask_hot(client, questions, runs):
    hot = {}
    for question in questions:
        took = [timed(client, question["id"], params) for params in question["params"]][WARM_UP:]
        took.sort()
        hot[question["id"]] = {"p50_ms": took[len(took) // 2], "p99_ms": took[min(int(runs * 0.99), runs - 1)]}
    return hot


def ask_together(module, setup, questions, clients):
    """Answers a second of each question from several clients at once, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(clients, mp_context=context, initializer=connect, initargs=(module, setup)) as pool:
        rates = {}
        for question in questions:
            # The first times the processes start and connect, and not all of them need to take a round of the first.
            for seconds in (0.3, 0.3, TOGETHER_S):
                begin = time.time() + 0.1
                rounds = [pool.submit(rate, question, number, clients, begin, seconds) for number in range(clients)]
                rates[question["id"]] = sum(round.result() for round in rounds)
        return rates


def connect(module, setup):
    """Makes the client of a process of several."""
    global connected
    connected = importlib.import_module(module).Client(**setup)


def rate(question, number, clients, begin, seconds):
    """Answers a second of this process: every `clients`-th round of the question from `number` on, again and again."""
    time.sleep(max(begin - time.time(), 0))
    started, count, params = time.perf_counter(), 0, question["params"]
    while (took := time.perf_counter() - started) < seconds:
        connected.ask(question["id"], params[(count * clients + number) % len(params)])
        count += 1
    return count / took


def timed(client, question, params):
    started = time.perf_counter()
    client.ask(question, params)
    return (time.perf_counter() - started) * 1000


def compare(module, ours, theirs):
    """The questions whose answers differ, and how."""
    wrong = {}
    peer = importlib.import_module(module)
    for question, rounds in theirs.items():
        for one, other in zip(ours[question], rounds):
            if module == "victoria":
                one = peer.comparable(question, one)
                if question in peer.STEPS:
                    one, other = peer.inner(one, question), peer.inner(other, question)
            if question == "lttb":
                # Which points look best is each one's own choice of buckets: only the ends and the number are given.
                one, other = ends(one), ends(other)
            text = answers.difference(one, other)
            if text:
                wrong[question] = text
    return wrong


def ends(points):
    return [np.array([len(column), column[0], column[-1]]) for column in points]


def show(plant, results):
    """Two tables in Markdown. A ratio above 1 means that Basalt is faster."""
    told = plant.plant
    year = " and one with a year" if told["has_year"] else ""
    print(f"{plant.rows} rows: {told['streams']} streams of {told['seconds']} s{year}\n")
    for title, of in (("hot, p50 in ms", lambda r, q: r["hot"].get(q, {}).get("p50_ms")), ("cold, ms", lambda r, q: r["cold"].get(q))):
        print(f"| {title} | " + " | ".join(one["name"] for one in results.values()) + " |")
        print("|---" * (len(results) + 1) + "|")
        for question in plant.questions:
            ours = of(results["basalt"], question["id"])
            cells = [cell(of(one, question["id"]), ours, question["id"] in one["wrong"]) for one in results.values()]
            cells[0] = digits(ours)
            print(f"| {question['id'].upper()} {question['name']} | " + " | ".join(cells) + " |")
        print()
    if plant.clients:
        print(f"| answers a second, {plant.clients} clients | " + " | ".join(one["name"] for one in results.values()) + " |")
        print("|---" * (len(results) + 1) + "|")
        for question in plant.questions:
            figures = [one.get("together", {}).get(question["id"]) for one in results.values()]
            # Here more is better: above 1, Basalt answers more.
            cells = ["–" if not one else f"{digits(one)} ({digits(figures[0] / one)}×)" for one in figures]
            cells[0] = digits(figures[0])
            print(f"| {question['id'].upper()} {question['name']} | " + " | ".join(cells) + " |")
        print()
    sizes = [digits(one["bytes"] / plant.rows) if one.get("bytes") else "–" for one in results.values()]
    print("| bytes a row | " + " | ".join(sizes) + " |")
    for one in results.values():
        if "missing" in one:
            print(f"\n{one['name']} could not be measured here: {one['missing']}")


def cell(figure, ours, is_wrong):
    if figure is None:
        return "–"
    mark = " differs" if is_wrong else ""
    return f"{digits(figure)} ({digits(figure / ours)}×){mark}"


def digits(number):
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"
