"""Judges the manifests in this directory by the schemas of Kubernetes and by what the rest of the product says:

    pip install kubernetes-validate==1.37.0
    python3 packaging/kubernetes/check.py

The image's user, directory of data, port and time to end must be those of the Dockerfile and of the systemd unit.
"""

import re
from pathlib import Path

import kubernetes_validate
import yaml

HERE = Path(__file__).parent
DOCKERFILE = (HERE / "../oci/Dockerfile").read_text()
UNIT = (HERE / "../debian/basalt.service").read_text()
VERSION = re.search(r'^version = "(.*)"', (HERE / "../../Cargo.toml").read_text(), re.M).group(1)
# The oldest and the newest version of Kubernetes that the validator's schemas and the manifests' fields have in common.
KUBERNETES_VERSIONS = ("1.27", "1.33", "1.37")


def check_stateful_set(manifest):
    pod = manifest["spec"]["template"]["spec"]
    container = pod["containers"][0]
    environment = {entry["name"]: entry["value"] for entry in container["env"]}
    user = int(re.search(r"^USER (\d+):", DOCKERFILE, re.M).group(1))
    data_dir = re.search(r"^VOLUME (.*)", DOCKERFILE, re.M).group(1)
    minutes = int(re.search(r"^TimeoutStopSec=(\d+)min", UNIT, re.M).group(1))
    pairs = [
        (pod["securityContext"]["runAsUser"], user),
        (pod["securityContext"]["fsGroup"], user),
        (pod["securityContext"]["runAsNonRoot"], True),
        (container["securityContext"]["readOnlyRootFilesystem"], True),
        (container["volumeMounts"][0]["mountPath"], data_dir),
        (environment["BASALT_DATA_DIR"], data_dir),
        (container["ports"][0]["containerPort"], int(re.search(r"^EXPOSE (\d+)", DOCKERFILE, re.M).group(1))),
        (container["image"].rpartition(":")[2], VERSION),
        (container["volumeMounts"][0]["name"], manifest["spec"]["volumeClaimTemplates"][0]["metadata"]["name"]),
        (pod["terminationGracePeriodSeconds"], 60 * minutes),
        (manifest["spec"]["selector"]["matchLabels"], manifest["spec"]["template"]["metadata"]["labels"]),
    ]
    for found, expected in pairs:
        assert found == expected, f"{found} instead of {expected}"


def main():
    manifests = [document for path in sorted(HERE.glob("*.yaml")) for document in yaml.safe_load_all(path.read_text())]
    for version in KUBERNETES_VERSIONS:
        for manifest in manifests:
            kubernetes_validate.validate(manifest, version, strict=True)
    services = {manifest["metadata"]["name"] for manifest in manifests if manifest["kind"] == "Service"}
    stateful_sets = [manifest for manifest in manifests if manifest["kind"] == "StatefulSet"]
    assert len(stateful_sets) == 1, "another number of StatefulSets"
    assert stateful_sets[0]["spec"]["serviceName"] in services, "the StatefulSet has no service"
    check_stateful_set(stateful_sets[0])
    print(f"{len(manifests)} manifests are valid in Kubernetes {', '.join(KUBERNETES_VERSIONS)}")


if __name__ == "__main__":
    main()
