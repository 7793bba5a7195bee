"""The readings: loaded by `basalt bench` into an ingest node whose lake is in the store, and kept for later runs."""

import json
import shutil
import subprocess
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .environment import Program, clean_environment, fail, note
from .storage import LAKE_URL, Catalog, Store, store_environment

# Says what a folder holds; it is written last.
DESCRIPTION = "plant.json"


@dataclass
class Plant:
    """What was loaded, and where it is: `ingest` is the data directory, `objects` has the objects of the store."""

    folder: Path
    catalog_url: str
    start: int
    seconds: int
    streams: list[int]

    @property
    def end(self) -> int:
        """The second after the last reading, since 1970."""
        return self.start + self.seconds

    @property
    def rows(self) -> int:
        return self.seconds * len(self.streams)

    @property
    def objects(self) -> Path:
        return self.folder / "objects"

    @property
    def ingest(self) -> Path:
        return self.folder / "ingest"


def moment(seconds: int) -> str:
    """A time as a literal of SQL, from seconds since 1970."""
    return f"TIMESTAMP '{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%dT%H:%M:%SZ}'"


def prepare(program: Path, folder: Path, scratch: Path, wanted: dict[str, Any], catalog: Catalog, store: Store) -> Plant:
    """Fills catalog and store with the plant that is `wanted`, from what an earlier run has kept in `folder` if it did."""
    url = catalog.create("plant")
    if (folder / DESCRIPTION).exists():
        restore(folder, wanted, catalog, url, store)
    else:
        load(program, folder, scratch, wanted, catalog, url, store)
    loaded = json.loads((folder / "ingest/bench.json").read_text())
    spec = loaded["plant"]
    return Plant(folder, url, spec["start"] // 1_000_000, spec["seconds"], loaded["streams"])


def restore(folder: Path, wanted: dict[str, Any], catalog: Catalog, url: str, store: Store) -> None:
    kept = json.loads((folder / DESCRIPTION).read_text())
    if kept["wanted"] != wanted:
        fail(f"{folder} holds {kept['wanted']}, not {wanted}: give another --keep")
    note(f"using the data in {folder}, which {kept['version']} has written")
    catalog.restore(url, folder / "catalog.sql")
    store.load(folder / "objects")


def load(program: Path, folder: Path, scratch: Path, wanted: dict[str, Any], catalog: Catalog, url: str, store: Store) -> None:
    """Loads, flushes and compacts; `basalt bench` counts the rows. What it leaves is copied beside it."""
    if folder.exists() and any(folder.iterdir()):
        fail(f"{folder} is neither empty nor a whole plant: give another --keep, or remove it")
    folder.mkdir(parents=True, exist_ok=True)
    note(f"loading {wanted['rows']:,} rows of {wanted['streams']} streams")
    command = [program, "bench", "--only", "load", "--data-dir", folder / "ingest"]
    command += ["--rows", str(wanted["rows"]), "--streams", str(wanted["streams"])]
    env = clean_environment(BASALT_CATALOG_URL=url, BASALT_LAKE_URL=LAKE_URL, **store_environment(store.address))
    loading = Program(command, scratch / "load.log", env, cwd=scratch)
    try:
        loading.wait()
    finally:
        loading.stop()
    note(f"loaded: {' '.join(loading.tail().split())}")
    store.save(folder / "objects")
    catalog.dump(url, folder / "catalog.sql")
    (folder / DESCRIPTION).write_text(json.dumps({"wanted": wanted, "version": version(program)}))


def version(program: Path) -> str:
    told = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, env=clean_environment())
    return told.stdout.strip()


def copy_ingest(plant: Plant, target: Path) -> None:
    """A copy of the ingest node's data directory, so that what a run writes is not in the next."""
    shutil.copytree(plant.ingest, target, ignore=shutil.ignore_patterns("run", "lock"))
