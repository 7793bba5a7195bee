//! Backups in a life that ends at a random point: one that says it is whole is durable, and has every row that was acknowledged before
//! it began.

use std::time::Duration;

use basalt::store::backup::{restore, stored_backups, verify_stored};

use super::*;

/// A backup that starts at a random moment of a life.
pub struct PlannedBackup {
    dir: PathBuf,
    name: String,
    wait: Duration,
}

/// A backup that says it is whole.
pub struct TakenBackup {
    name: String,
    /// Rows that were acknowledged when it began.
    rows: BTreeMap<Key, f64>,
}

impl PlannedBackup {
    /// Plans one in two of five lives.
    pub fn new(dir: PathBuf, rng: &mut StdRng) -> Option<PlannedBackup> {
        let name = format!("{:08x}", rng.random::<u32>());
        let wait = Duration::from_millis(rng.random_range(0..30));
        rng.random_bool(0.4).then_some(PlannedBackup { dir, name, wait })
    }

    /// Takes it; `None` when it fails.
    pub async fn run(self, db: TestDb, acked: AckedRows) -> Option<TakenBackup> {
        tokio::time::sleep(self.wait).await;
        let rows = acked.lock().clone();
        let taken = db.store.backup(&self.dir.join(&self.name), &Progress::default()).await;
        taken.is_ok().then_some(TakenBackup { name: self.name, rows })
    }
}

/// Checks after a loss of power that whatever looks like a backup is one, and that the one that was taken restores. It goes
/// afterwards.
pub async fn check(
    env: &TestEnv,
    disk: &LossyDisk,
    taken: Option<TakenBackup>,
    (place, kept_from): (&str, i64),
) {
    let (dir, progress) = (backup_dir(disk), Progress::default());
    for found in stored_backups(&dir).await.unwrap() {
        let whole = verify_stored(&dir, &found.name, &progress).await;
        whole.unwrap_or_else(|e| panic!("{place}: the backup {}: {e}", found.name));
    }
    let Some(TakenBackup { name, rows }) = taken else { return };
    let home = tempfile::tempdir().unwrap();
    let restored = home.path().join("data");
    let done = restore(&dir.join(&name), &restored, None, &progress).await;
    done.unwrap_or_else(|e| panic!("{place}: its backup cannot be restored: {e}"));
    let db = env.open_local(&restored).await;
    let found = all_values(env, &db, place).await;
    for (key, value) in rows.iter().filter(|(key, _)| key.1 >= kept_from) {
        let there = found.get(key);
        assert!(there.is_some_and(|there| there >= value), "{place}: {key:?}: {there:?}, not {value}");
    }
    std::fs::remove_dir_all(dir.join(&name)).unwrap();
    disk.sync_dir(&dir).unwrap();
}
