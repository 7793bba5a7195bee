"""Makes a list of cdxgen the same whenever it is made of the same sources, and names the product as its subject.

    python3 packaging/sbom.py LIST VERSION
"""

import json
import os
import sys
import uuid
from datetime import datetime, timezone


def without_properties(component):
    """A component without the tool's remarks, which name paths of the machine."""
    return {name: value for name, value in component.items() if name not in ("properties", "evidence", "tags")}


def main():
    path, version = sys.argv[1:]
    with open(path) as file:
        bom = json.load(file)
    created = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    subject = f"pkg:cargo/basalt@{version}"
    bom["metadata"] = {
        "timestamp": created.isoformat().replace("+00:00", "Z"),
        "tools": bom["metadata"]["tools"],
        "component": {
            "type": "application",
            "bom-ref": subject,
            "name": "basalt",
            "version": version,
            "purl": subject,
            "licenses": [{"license": {"id": "Apache-2.0"}}],
        },
    }
    components = [without_properties(component) for component in bom["components"]]
    bom["components"] = sorted((c for c in components if c["bom-ref"] != subject), key=lambda component: component["bom-ref"])
    known = {component["bom-ref"] for component in bom["components"]} | {subject}
    edges = {entry["ref"]: sorted(set(entry.get("dependsOn", [])) & known) for entry in bom["dependencies"] if entry["ref"] in known}
    # The pages are a part of the program: what they need, it needs.
    pages = [entry["dependsOn"] for entry in bom["dependencies"] if entry["ref"].startswith("pkg:npm/basalt-pages")]
    edges[subject] = sorted(set(edges.get(subject, [])).union(*pages) & known)
    bom["dependencies"] = [{"ref": ref, "dependsOn": needs} for ref, needs in sorted(edges.items())]
    for name in ("annotations", "services", "formulation"):
        bom.pop(name, None)
    del bom["serialNumber"]
    content = json.dumps(bom, sort_keys=True)
    bom["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, content).urn
    json.dump(bom, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
