"""Reads and writes an EtherNet/IP controller with cpppo (without a connection) and pylogix (over one), which are not our code,
and prints as JSON what each saw. What they write is left in the controller."""

import contextlib
import json
import sys

from cpppo.server.enip import client
from pylogix import PLC

HOST, PORT = "127.0.0.1", int(sys.argv[1])


def by_cpppo(multiple, is_routed):
    """Values in the order of the operations, and the status of those that failed. In one message cpppo takes the failure of one
    for that of all."""
    texts = ["numbers[10]=(DINT)-70000", "numbers[10]", "motor.setpoint", "value_lint=(LINT)-9007199254740993", "value_lint",
             "reals[3]=(REAL)1.5", "reals[3]"]  # fmt: skip
    if not multiple:
        texts += ["numbers[1000]", "nothing"]
    seen = []
    with client.connector(host=HOST, port=PORT, timeout=5) as connection:
        route = {} if is_routed else {"route_path": False, "send_path": ""}
        operations = client.parse_operations(texts, **route)
        for *_, status, value in connection.pipeline(operations=operations, multiple=multiple, depth=1):
            seen.append(value[0] if isinstance(value, list) else value if status in (0, 6) else [status] if isinstance(status, int) else list(status)[:1])
    return seen


def by_pylogix():
    # It prints that the simulator does not describe its structures.
    with contextlib.redirect_stdout(sys.stderr), PLC(HOST, port=PORT) as plc:
        plc.Write("numbers[20]", 42)
        plc.Write("value_string", "Hello")
        plc.Write("value_sint", -128)
        plc.Write("flags[37]", True)
        plc.Write("value_dint.3", True)
        tags = ["numbers[20]", "value_string", "value_sint", "flags[37]", "flags[36]", "value_dint.3", "motor.setpoint", "grid[1,2]"]
        seen = {tag.TagName: tag.Value for tag in plc.Read(tags)}
        seen["numbers"] = plc.Read("numbers[19]", 3).Value
        seen["many"] = len(plc.Read("numbers[0]", 1000).Value)
        seen["missing"] = plc.Read("nothing").Status
        listed = plc.GetTagList().Value
        seen["tags"] = sorted(tag.TagName for tag in listed)
        return seen


print(json.dumps({
    "routed": by_cpppo(0, True),
    "direct": by_cpppo(0, False),
    "together": by_cpppo(400, True),
    "pylogix": by_pylogix(),
}))  # fmt: skip
