"""Has fork_server.py run a script and ends as it does. It imports next to nothing, since it is started for each of them.

    python -S -E fork_client.py SCRIPT ARGUMENT…            BASALT_TEST_FORK_SOCKET is the socket of the server
"""

import json
import os
import socket
import sys

connection = socket.socket(socket.AF_UNIX)
connection.connect(os.environ["BASALT_TEST_FORK_SOCKET"])
request = {"arguments": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}
text = json.dumps(request).encode() + b"\n"
sent = socket.send_fds(connection, [text], [0, 1, 2])
connection.sendall(text[sent:])
# It is over when they are, for whoever reads them.
for stream in (0, 1, 2):
    os.close(stream)
status = int(connection.makefile().readline() or -9)
if status < 0:
    os.kill(os.getpid(), -status)
os._exit(status)
