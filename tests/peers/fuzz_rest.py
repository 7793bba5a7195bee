"""Asks a server what its OpenAPI document allows and forbids, with schemathesis, and checks every answer against it.

Prints {"operations": how many were asked, "cases": how many requests} as JSON; fails with the report when an answer was wrong.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--key", required=True)
    arguments = parser.parse_args()
    schemathesis = pathlib.Path(sys.executable).parent / "schemathesis"
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch) / "report.json"
        command = [
            schemathesis, "--no-color", "--config-file", HERE / "fuzz_rest.toml",
            "run", f"{arguments.url}/api/schema/", "--header", f"X-API-Key: {arguments.key}",
            "--report", "json", "--report-json-path", report,
        ]
        ran = subprocess.run(command, cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if ran.returncode != 0:
            sys.exit(ran.stdout)
        print(json.dumps(json.loads(report.read_text())))


main()
