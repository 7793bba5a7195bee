// Program of Python that asks for what is drawn.

/** A program that asks for the answer of a statement as Arrow. The key is no part of it. */
export function pythonOf(statement: string, origin: string): string {
  return `# pip install pyarrow; the key is in the environment: BASALT_KEY=bslt_…
import json
import os
import urllib.request

import pyarrow.ipc

QUERY = """
${statement.replaceAll("\\", "\\\\").replaceAll('"""', '\\"\\"\\"')}
"""

request = urllib.request.Request(
    ${JSON.stringify(`${origin}/sql`)},
    json.dumps({"query": QUERY}).encode(),
    {
        "Authorization": f"ApiKey {os.environ['BASALT_KEY']}",
        "Content-Type": "application/json",
        "Accept": "application/vnd.apache.arrow.stream",
    },
)
with urllib.request.urlopen(request) as answer:
    table = pyarrow.ipc.open_stream(answer).read_all()
print(table)
`;
}
