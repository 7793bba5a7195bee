#!/usr/bin/env python3
"""Count, min, max and mean of a CSV's second column, with nothing but the standard library.

    summarize.py FILE
"""

import csv
import json
import math
import sys


def main():
    with open(sys.argv[1], newline="") as file:
        values = [float(row[1]) for row in list(csv.reader(file))[1:]]
    mean = math.fsum(values) / len(values)
    print(json.dumps({"count": len(values), "min": min(values), "max": max(values), "mean": mean}))


if __name__ == "__main__":
    main()
