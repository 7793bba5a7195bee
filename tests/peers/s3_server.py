#!/usr/bin/env python3
"""An object store that is not our code: moto, speaking S3 on loopback, with one empty bucket.

    s3_server.py --bucket plant

Prints its port once it answers, and runs until it is killed.
"""

import argparse
import os
import threading

import boto3
from moto.server import ThreadedMotoServer

parser = argparse.ArgumentParser()
parser.add_argument("--bucket", required=True)
args = parser.parse_args()

os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_DEFAULT_REGION="us-east-1")
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
boto3.client("s3", endpoint_url=f"http://127.0.0.1:{port}").create_bucket(Bucket=args.bucket)
print(port, flush=True)
threading.Event().wait()
