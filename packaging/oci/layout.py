"""Packs a root and the program into an archive of an OCI image, which registries, Docker, podman and containerd read.

    python3 packaging/oci/layout.py --root DIR --binary FILE --architecture amd64 --version 0.1.0 --out FILE.tar

It has a layer of the system and one of the program, so that an upgrade brings the second only. Settings are those of the Dockerfile.
All times are SOURCE_DATE_EPOCH: the same files make the same bytes.
"""

import argparse
import gzip
import hashlib
import io
import json
import os
import tarfile
from datetime import datetime, timezone
from pathlib import Path

USER = 65532
DATA_DIR = "var/lib/basalt"
EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
CREATED = datetime.fromtimestamp(EPOCH, timezone.utc).isoformat().replace("+00:00", "Z")
HEALTH_CHECK = ["CMD", "/usr/bin/busybox", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8000/readyz/"]
SECOND = 1_000_000_000


def add_path(layer, path, name):
    """Adds a file of the root; the directory of the data is the only one that the user of the image owns."""
    info = layer.gettarinfo(path, arcname=name)
    owner = USER if name == DATA_DIR else 0
    info.uid = info.gid = owner
    info.uname = info.gname = ""
    info.mtime = EPOCH
    # Whatever the umask of whoever packs: everybody reads, and only the owner writes, but for /tmp.
    if info.isdir() or info.isreg():
        info.mode = info.mode & ~0o022 | (0o755 if info.isdir() else 0o644) if name != "tmp" else info.mode
    if name == DATA_DIR:
        info.mode = 0o750
    # Layers are read without the other layers: a second name of a file is a file.
    if info.islnk():
        info.type = tarfile.REGTYPE
        info.size = path.stat().st_size
    if info.isreg():
        with path.open("rb") as content:
            layer.addfile(info, content)
    else:
        layer.addfile(info)


def system_layer(root):
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as layer:
            for path in sorted(root.rglob("*")):
                add_path(layer, path, path.relative_to(root).as_posix())
        return buffer.getvalue()


def program_layer(binary):
    with io.BytesIO() as buffer:
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as layer:
            info = tarfile.TarInfo("usr/bin/basalt")
            info.mode, info.mtime, info.size = 0o755, EPOCH, binary.stat().st_size
            with binary.open("rb") as content:
                layer.addfile(info, content)
        return buffer.getvalue()


def image_config(architecture, version, layers):
    return {
        "created": CREATED,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "ExposedPorts": {"8000/tcp": {}},
            "Env": ["PATH=/usr/bin:/usr/sbin", f"BASALT_DATA_DIR=/{DATA_DIR}", "BASALT_LISTEN=0.0.0.0:8000"],
            "Entrypoint": ["/usr/bin/basalt"],
            "Cmd": ["serve"],
            "Volumes": {f"/{DATA_DIR}": {}},
            "WorkingDir": f"/{DATA_DIR}",
            "Labels": {"org.opencontainers.image.title": "basalt", "org.opencontainers.image.version": version},
            "StopSignal": "SIGTERM",
            # An addition of Docker to the format of OCI.
            "Healthcheck": {
                "Test": HEALTH_CHECK,
                "Interval": 10 * SECOND,
                "Timeout": 5 * SECOND,
                "StartPeriod": 60 * SECOND,
                "Retries": 6,
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}" for layer in layers]},
        "history": [
            {"created": CREATED, "created_by": "packaging/oci/root.sh"},
            {"created": CREATED, "created_by": f"basalt {version}"},
        ],
    }


class Layout:
    """The archive being written. A blob is named by its hash."""

    def __init__(self, path):
        self.archive = tarfile.open(path, "w", format=tarfile.GNU_FORMAT)

    def add(self, name, content):
        info = tarfile.TarInfo(name)
        info.mode, info.mtime, info.size = 0o644, EPOCH, len(content)
        self.archive.addfile(info, io.BytesIO(content))

    def add_blob(self, media_type, content):
        digest = hashlib.sha256(content).hexdigest()
        self.add(f"blobs/sha256/{digest}", content)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(content)}

    def add_json(self, kind, value):
        return self.add_blob(f"application/vnd.oci.image.{kind}.v1+json", json.dumps(value, indent=1).encode())


def main():
    parser = argparse.ArgumentParser()
    for name in ("root", "binary", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("architecture", "version"):
        parser.add_argument(f"--{name}", required=True)
    arguments = parser.parse_args()
    layers = [system_layer(arguments.root), program_layer(arguments.binary)]
    layout = Layout(arguments.out)
    manifest = {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.add_json("config", image_config(arguments.architecture, arguments.version, layers)),
        "layers": [
            layout.add_blob("application/vnd.oci.image.layer.v1.tar+gzip", gzip.compress(layer, 6, mtime=0)) for layer in layers
        ],
    }
    entry = layout.add_json("manifest", manifest)
    entry["annotations"] = {"org.opencontainers.image.ref.name": arguments.version}
    layout.add("index.json", json.dumps({"schemaVersion": 2, "manifests": [entry]}, indent=1).encode())
    layout.add("oci-layout", b'{"imageLayoutVersion": "1.0.0"}')
    layout.archive.close()


if __name__ == "__main__":
    main()
