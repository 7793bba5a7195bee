//! A catalog that follows another process: a query node reads the database that the ingest node writes, and brings its own
//! mirror up to date before it answers, so that a key that was revoked is refused.
//!
//! The versions of the database (`table_versions`) change with every transaction on a mirrored table. What is loaded is loaded
//! together with them from one snapshot, so the mirror equals the database at its versions. A table that fills a part of the
//! mirror alone (`LoneTable`) is loaded when it has changed, and of any other (`RowTable`) the rows that have changed. When it
//! is not certain which these are, or they are very many, the whole mirror is loaded.

pub(super) mod mirror_version;
pub(super) mod reload;
pub(super) mod table_versions;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use sea_orm::{AccessMode, DatabaseConnection, DatabaseTransaction, IsolationLevel, TransactionTrait};
use uuid::Uuid;

use self::reload::Reload;
use self::table_versions::{CatalogVersion, CatalogVersions, read_catalog_version};
use super::Catalog;
use super::database::{self, answer_within, unavailable};
use super::mirror::Mirror;
use super::notifier::ChangeNotifier;
use crate::domain::cluster::CatalogMark;
use crate::domain::org::DEFAULT_ORG;
use crate::domain::{Clock, Error, Result};

/// How long a caller waits for the version of the database, a connection from the pool included.
const VERSION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits until changes are loaded, for the caller or for another: the whole copy of a large catalog takes
/// seconds.
const LOAD_WAIT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a load waits for its snapshot and for what has changed in it. That is little to read: a connection that takes longer
/// leads to a machine that is gone.
const SNAPSHOT_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a load may take. One that is merely slow comes to its end although its callers have given up: if each began it anew,
/// it never would.
const LOAD_TIMEOUT: Duration = Duration::from_secs(300);
/// How long a change that a follower saves may take. It may wait for a large change of the writer, which has locked the version of
/// the catalog; what is not saved then is kept for the next time.
pub(super) const SAVE_TIMEOUT: Duration = Duration::from_secs(30);

/// Parts of a catalog that follows another process.
pub(super) struct FollowerState {
    /// Versions of the database that the mirror equals. They are stored under `load_lock`, after the mirror.
    versions: Mutex<CatalogVersions>,
    /// Held by the load that is under way: nothing else changes the mirror of a follower. What a follower saves holds the lock of
    /// `mirror_state`, so no load waits for it.
    load_lock: Arc<tokio::sync::Mutex<()>>,
    /// The writer whose marks are compared with `versions`: the database was asked after one of its marks was told.
    writer: Mutex<Option<Uuid>>,
}

impl FollowerState {
    fn new(versions: CatalogVersions) -> Self {
        Self { versions: Mutex::new(versions), load_lock: Arc::default(), writer: Mutex::default() }
    }

    /// Version of the catalog that the mirror equals.
    fn version(&self) -> CatalogVersion {
        self.versions.lock().catalog
    }

    /// Whether the mirror is known to have every change that a writer had at a mark.
    fn has(&self, mark: CatalogMark) -> bool {
        *self.writer.lock() == Some(mark.writer) && self.version().number >= mark.version
    }
}

/// The error for a change that a follower is asked for.
pub(super) fn refused_change() -> Error {
    Error::unavailable("this node answers queries only; changes are made on the ingest node")
}

impl Catalog {
    /// Connects to the database of another process, which must be PostgreSQL, and loads the mirror. The schema is not
    /// migrated and no row is created. Changes are refused (`Unavailable`); the uses of keys and denied accesses can be
    /// saved.
    ///
    /// # Errors
    /// `Unavailable` for another database than PostgreSQL, for one with the schema of another version, and when the
    /// database does not answer.
    pub async fn open_follower(url: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        let db = database::connect_to_migrated(url).await?;
        let (_, mirror, versions) = load_since(&db, None).await?;
        let default_org = mirror.orgs.get_by_name((), DEFAULT_ORG).map(|org| org.id).ok_or_else(|| {
            Error::unavailable("the catalog has no organization yet: the ingest node has to be started first")
        })?;
        Self::new(db, clock, mirror, default_org, Some(FollowerState::new(versions))).await
    }

    /// Brings the mirror of a follower up to date: afterwards it has every change that was committed before the call.
    /// Without changes this costs one query; otherwise what has changed is loaded, or the whole mirror, and the former rows
    /// stay in memory meanwhile. A catalog that is no follower is always up to date.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer within 10 s, or changes are not loaded within 60 s; the mirror stays as it
    /// was. A load goes on when its caller gives up.
    pub async fn catch_up(&self) -> Result<()> {
        self.load_changes().await.map(drop)
    }

    /// Brings the mirror as far as a mark that another node has told. A follower that has it already asks nothing.
    ///
    /// A database that was restored from a backup has lower versions than the mirror may still have of the former one. Each
    /// statement catches up when it arrives, but it may have waited since. A restore needs the writer to be stopped, and the
    /// next one makes marks of its own. So the marks of a writer are compared only after the database was asked once, later
    /// than its first mark was told: the mirror is then of the database that this writer has.
    ///
    /// # Errors
    /// The errors of `catch_up`.
    pub async fn catch_up_to(&self, mark: Option<CatalogMark>) -> Result<()> {
        let (Some(follower), Some(mark)) = (&self.core.follower, mark) else { return self.catch_up().await };
        if !follower.has(mark) {
            self.catch_up().await?;
            *follower.writer.lock() = Some(mark.writer);
        }
        Ok(())
    }

    /// Returns what this follower has, for other followers to catch up to; `None` before the first mark of its writer, and for
    /// a catalog that is no follower.
    pub fn mark(&self) -> Option<CatalogMark> {
        let follower = self.core.follower.as_ref()?;
        // The version first: if both change in between, the mark asks for too much rather than for too little of the new writer.
        let version = follower.version().number;
        let writer = (*follower.writer.lock())?;
        Some(CatalogMark { writer, version })
    }

    /// Brings the mirror up to date; returns what was loaded, if anything.
    pub(super) async fn load_changes(&self) -> Result<Option<Reload>> {
        let Some(follower) = &self.core.follower else { return Ok(None) };
        let before = follower.version();
        let current = answer_within(VERSION_TIMEOUT, read_catalog_version(&self.core.db)).await?;
        if current == before {
            return Ok(None);
        }
        let late = |_| Err(Error::unavailable("the catalog is still being loaded"));
        let load = self.load_newer(follower, before, current);
        tokio::time::timeout(LOAD_WAIT_TIMEOUT, load).await.unwrap_or_else(late)
    }

    /// Loads what the mirror lacks, which had the version `before` when the database had `current`. It may be given up at any moment:
    /// a load that has begun goes on.
    async fn load_newer(
        &self,
        follower: &Arc<FollowerState>,
        before: CatalogVersion,
        current: CatalogVersion,
    ) -> Result<Option<Reload>> {
        let turn_guard = Arc::clone(&follower.load_lock).lock_owned().await;
        let version = follower.version();
        // Another caller has loaded this version or a later one meanwhile. A version that was loaded before the question
        // may be higher than the answer, or of another table: then the database was restored from a backup, and the mirror is of
        // no use.
        if version != before && version.is_not_before(current) {
            return Ok(None);
        }
        let load = MirrorLoad {
            follower: Arc::clone(follower),
            db: self.core.db.clone(),
            mirror: Arc::clone(&self.core.mirror),
            notifier: Arc::clone(&self.core.notifier),
        };
        let task = tokio::spawn(async move {
            let _turn_guard = turn_guard;
            answer_within(LOAD_TIMEOUT, load.run()).await
        });
        let reload = task
            .await
            .unwrap_or_else(|e| Err(Error::internal("a load of the catalog was cut short").with_source(e)))?;
        Ok(Some(reload))
    }
}

/// A load of what the mirror of a follower lacks. Whoever runs it holds `FollowerState::load_lock`.
struct MirrorLoad {
    follower: Arc<FollowerState>,
    db: DatabaseConnection,
    mirror: Arc<RwLock<Mirror>>,
    notifier: Arc<ChangeNotifier>,
}

impl MirrorLoad {
    /// Brings the mirror to the version that the database has; returns what was loaded. It may be given up at any moment.
    async fn run(self) -> Result<Reload> {
        let before = self.follower.versions.lock().clone();
        let (reload, fresh, versions) = load_since(&self.db, Some(&before)).await?;
        self.put(&reload, fresh);
        *self.follower.versions.lock() = versions;
        self.notifier.notify();
        Ok(reload)
    }

    /// Puts what was loaded into the mirror at once. Parts that it replaces are freed when the mirror is not locked any more.
    fn put(&self, reload: &Reload, mut fresh: Mirror) {
        let mut mirror = self.mirror.write();
        match reload {
            Reload::Changes { tables, rows } => {
                mirror.exchange_rows(&fresh, rows);
                mirror.exchange_parts(&mut fresh, tables);
            }
            Reload::Everything => {
                fresh = fresh.with_revision_after(&mirror);
                std::mem::swap(&mut *mirror, &mut fresh);
            }
        }
        drop(mirror);
        drop(fresh);
    }
}

/// Loads what a mirror of the versions `before` lacks, or everything, with the versions that it equals then.
async fn load_since(
    db: &DatabaseConnection,
    before: Option<&CatalogVersions>,
) -> Result<(Reload, Mirror, CatalogVersions)> {
    let (snapshot, versions, reload) = answer_within(SNAPSHOT_TIMEOUT, begin_load(db, before)).await?;
    let fresh = match &reload {
        Reload::Changes { tables, rows } => Mirror::load_parts(&snapshot, tables, rows).await?,
        Reload::Everything => Mirror::load(&snapshot).await?,
    };
    snapshot.commit().await.map_err(unavailable)?;
    Ok((reload, fresh, versions))
}

/// Begins to read one snapshot; returns it with its versions, and with what a mirror of the versions `before` lacks in it.
async fn begin_load(
    db: &DatabaseConnection,
    before: Option<&CatalogVersions>,
) -> Result<(DatabaseTransaction, CatalogVersions, Reload)> {
    let (level, mode) = (IsolationLevel::RepeatableRead, AccessMode::ReadOnly);
    let snapshot = db.begin_with_config(Some(level), Some(mode)).await.map_err(unavailable)?;
    let versions = CatalogVersions::read(&snapshot).await?;
    let reload = match before {
        Some(before) => Reload::since(&snapshot, before, &versions).await?,
        None => Reload::Everything,
    };
    Ok((snapshot, versions, reload))
}
