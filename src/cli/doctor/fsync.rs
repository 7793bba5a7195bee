//! Checks how long fsync takes where rows are written.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::finding::Finding;
use super::installation::Installation;
use super::lake_directory;
use crate::store::disk::{Disk, LocalDisk};

const CHECK: &str = "disk";
/// Every acknowledged write waits for an fsync.
const SLOW_FSYNC: Duration = Duration::from_millis(100);
const ROUNDS: usize = 5;
const ROUND_BYTES: usize = 4096;

/// Times fsync in the data directory, and in a lake in a directory of its own, to which a query node writes nothing.
pub fn check(installation: &Installation) -> Vec<Finding> {
    let lake = installation.config.lake.url.as_deref().filter(|_| !installation.is_query_node());
    let lake = lake.and_then(lake_directory::local_directory);
    let places = [("data directory", Some(&installation.data_dir)), ("lake", lake.as_ref())];
    let existing = places.into_iter().filter_map(|(name, dir)| Some((name, dir.filter(|dir| dir.is_dir())?)));
    existing.map(|(name, dir)| judge(name, dir, time_sync(dir))).collect()
}

/// Times an fsync of a small file, as the write-ahead log does it; sorted. The file loses its name first, so that it goes however
/// this process ends.
fn time_sync(dir: &Path) -> io::Result<Vec<Duration>> {
    let path = dir.join(format!("doctor-{}.tmp", Uuid::new_v4().simple()));
    let mut file = LocalDisk.create(&path)?;
    LocalDisk.remove(&path)?;
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        file.write_all(&[0; ROUND_BYTES])?;
        let began = Instant::now();
        file.sync()?;
        times.push(began.elapsed());
    }
    times.sort();
    Ok(times)
}

fn judge(name: &str, dir: &Path, times: io::Result<Vec<Duration>>) -> Finding {
    let shown = dir.display();
    let times = match times {
        Ok(times) => times,
        Err(e) => {
            let found = format!("{name}: a file in {shown} cannot be written and synced: {e}");
            let mend =
                format!("run this as the owner, and look at the disk: findmnt -T {shown}; dmesg | tail");
            return Finding::problem(CHECK, found, mend);
        }
    };
    let at = |place: usize| times.get(place).copied().unwrap_or_default();
    let (median, worst) = (at(times.len() / 2), at(times.len().saturating_sub(1)));
    let milliseconds = |time: Duration| time.as_secs_f64() * 1000.0;
    let found = format!(
        "{name}: fsync takes {:.1} ms, at most {:.1} ms of {} times",
        milliseconds(median),
        milliseconds(worst),
        times.len()
    );
    if median > SLOW_FSYNC {
        let mend = format!(
            "every write waits for it: put the data directory on a local SSD, and see what else writes: iostat -x 1; \
             findmnt -T {shown}"
        );
        return Finding::warning(CHECK, found, mend);
    }
    Finding::ok(CHECK, found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::finding::State;

    #[test]
    fn fsync_is_timed_and_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let times = time_sync(dir.path()).expect("timed");
        assert!(times.len() == ROUNDS && times.is_sorted(), "{times:?}");
        assert_eq!(std::fs::read_dir(dir.path()).expect("there").count(), 0);
        let missing = dir.path().join("none");
        assert_eq!(judge("lake", &missing, time_sync(&missing)).state, State::Problem);
        let slow = judge("lake", dir.path(), Ok(vec![Duration::from_millis(101); 5]));
        assert!(slow.state == State::Warning && slow.found.contains("101.0 ms"), "{slow:?}");
    }
}
