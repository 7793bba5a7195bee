"""Asks a server what its OpenAPI document allows and forbids, with schemathesis, and compares every answer with the document.

--config names a file beside this one; what it does not know goes to `schemathesis run`. Prints schemathesis' JSON report;
fails with its text when an answer was wrong. An operation is asked a fifth of the examples that the file names, unless whole cases run
(tests/support/case_size.rs).
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile
import tomllib


def examples(config):
    """How many examples an operation is asked."""
    whole = tomllib.loads(config.read_text())["generation"]["max-examples"]
    return whole if os.environ.get("BASALT_WHOLE_CASES") else max(whole // 5, 1)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--config", required=True)
    arguments, further = parser.parse_known_args()
    schemathesis = pathlib.Path(sys.executable).parent / "schemathesis"
    config = pathlib.Path(__file__).parent / arguments.config
    with tempfile.TemporaryDirectory() as scratch:
        report = pathlib.Path(scratch) / "report.json"
        command = [
            schemathesis, "--no-color", "--config-file", config, "run", f"{arguments.url}/api/schema/",
            "--max-examples", str(examples(config)), "--report", "json", "--report-json-path", report, *further,
        ]
        ran = subprocess.run(command, cwd=scratch, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if ran.returncode != 0:
            sys.exit(ran.stdout)
        print(report.read_text())


main()
