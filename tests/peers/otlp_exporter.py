#!/usr/bin/env python3
"""OpenTelemetry's own SDK with its exporter over HTTP, whose bodies are compressed with gzip.

    otlp_exporter.py URL KEY

Records a counter, a gauge, and a histogram of each kind, and exports them. Prints {"exported", "warnings"}: whether the exporter
took the answer for a success, and what it logged.
"""

import json
import logging
import sys

from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource


class Warnings(logging.Handler):
    def __init__(self):
        super().__init__(logging.WARNING)
        self.messages = []

    def emit(self, record):
        self.messages.append(record.getMessage())


def main(url, key):
    warnings = Warnings()
    logging.getLogger().addHandler(warnings)
    exporter = OTLPMetricExporter(
        endpoint=f"{url}/v1/metrics", headers={"Authorization": f"Bearer {key}"}, compression=Compression.Gzip
    )
    # Exported when it is flushed, and once more at the end.
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=3_600_000)
    resource = Resource.create({"service.instance.id": "press-1", "host.name": "edge-1"})
    view = View(instrument_name="latency", aggregation=ExponentialBucketHistogramAggregation())
    provider = MeterProvider([reader], resource=resource, views=[view])
    meter = provider.get_meter("basalt")
    meter.create_counter("jobs").add(9_007_199_254_740_993, {"line": "a", "ok": True, "n": 3})
    meter.create_gauge("temp").set(21.5)
    meter.create_histogram("wait").record(2.5, {"k": "v"})
    latency = meter.create_histogram("latency")
    latency.record(0.5)
    latency.record(1.5)
    exported = provider.force_flush()
    provider.shutdown()
    print(json.dumps({"exported": exported, "warnings": warnings.messages}))


main(*sys.argv[1:])
