"""Two builds of Basalt, each on a plant that it loaded itself, take turns question by question."""

from types import SimpleNamespace

import basalt
from questions import WARM_UP, describe, digits, timed


def measure(options):
    plants = [plant(options, program, dir) for program, dir in (options.before, options.now)]
    peers = []
    try:
        for one in plants:
            peers.append(basalt.Peer(one))
        clients = [basalt.Client(**peer.setup()) for peer in peers]
        took = {question["id"]: take_turns(clients, question) for question in plants[0].questions}
    finally:
        for peer in peers:
            peer.close()
    show(plants[0], took)


def plant(options, program, dir):
    told = SimpleNamespace(**vars(options), basalt=program, data_dir=dir)
    return describe(told, scratch=None)


def take_turns(clients, question):
    """Milliseconds of each client's rounds, in order of length. Who is asked first changes from round to round."""
    took = [[] for _ in clients]
    for number, params in enumerate(question["params"]):
        order = range(len(clients)) if number % 2 else reversed(range(len(clients)))
        for at in order:
            took[at].append(timed(clients[at], question["id"], params))
    return [sorted(one[WARM_UP:]) for one in took]


def show(plant, took):
    print(f"{plant.rows} rows; ms, p50 of {len(next(iter(took.values()))[0])} rounds through a client in Python\n")
    print("| | before | now | now / before | p99 before | p99 now |\n|---|---|---|---|---|---|")
    for question in plant.questions:
        before, now = took[question["id"]]
        middle = [one[len(one) // 2] for one in (before, now)]
        late = [one[min(int(len(one) * 0.99), len(one) - 1)] for one in (before, now)]
        cells = [*map(digits, middle), f"{middle[1] / middle[0]:.2f}", *map(digits, late)]
        print(f"| {question['id'].upper()} {question['name']} | " + " | ".join(cells) + " |")
