"""Reads and writes a MELSEC device with pymcprotocol and pymelsec, two codecs that are not ours, and prints as JSON what
each saw. What they write is left in the device."""

import json
import sys

import pymcprotocol
from pymelsec import Type3E as OtherType3E
from pymelsec.constants import DT

HOST, PORT = "127.0.0.1", int(sys.argv[1])


def by_pymcprotocol(client, commtype, base):
    """What one client reads back after writing from D`base` and M`base` on."""
    client.setaccessopt(commtype=commtype)
    client.connect(HOST, PORT)
    client.batchwrite_wordunits(headdevice=f"D{base}", values=[1, -2, 0x1234])
    client.batchwrite_bitunits(headdevice=f"M{base}", values=[1, 0, 1, 1, 0])
    client.randomwrite([f"D{base + 10}"], [7], [f"D{base + 11}"], [-70000])
    client.randomwrite_bitunits([f"M{base + 10}", f"M{base + 11}"], [1, 0])
    words, dwords = client.randomread([f"D{base}", f"D{base + 10}", "W1F"], [f"D{base + 11}"])
    seen = {
        "setpoint": client.batchread_wordunits(headdevice="D0", readsize=1),
        "words": client.batchread_wordunits(headdevice=f"D{base}", readsize=3),
        "bits": client.batchread_bitunits(headdevice=f"M{base}", readsize=5),
        "bits as a word": client.batchread_wordunits(headdevice=f"M{base}", readsize=1),
        "inputs": client.batchread_bitunits(headdevice="X0", readsize=4),
        "random": [words, dwords],
        "random bits": client.batchread_bitunits(headdevice=f"M{base + 10}", readsize=2),
    }
    try:
        client.batchread_wordunits(headdevice="D19999", readsize=2)
    except Exception as refused:
        seen["beyond"] = str(refused)
    client.close()
    return seen


def by_pymelsec(base):
    with OtherType3E(host=HOST, port=PORT, plc_type="Q") as plc:
        plc.set_access_opt(comm_type="binary")
        plc.batch_write(ref_device=f"D{base}", values=[1.5, -2.25], data_type=DT.FLOAT)
        plc.batch_write(ref_device=f"D{base + 10}", values=[65531, 6], data_type=DT.UWORD)
        floats = plc.batch_read(ref_device=f"D{base}", read_size=2, data_type=DT.FLOAT)
        words = plc.batch_read(ref_device=f"D{base + 10}", read_size=2, data_type=DT.SWORD)
        return {"floats": [tag.value for tag in floats], "words": [tag.value for tag in words]}


seen = {}
for name, client, commtype, base in [
    ("3E binary", pymcprotocol.Type3E(), "binary", 2000),
    ("3E ascii", pymcprotocol.Type3E(), "ascii", 3000),
    ("4E binary", pymcprotocol.Type4E(), "binary", 4000),
    ("3E iQ-R", pymcprotocol.Type3E(plctype="iQ-R"), "binary", 5000),
]:
    seen[name] = by_pymcprotocol(client, commtype, base)
seen["pymelsec"] = by_pymelsec(6000)
print(json.dumps(seen))
