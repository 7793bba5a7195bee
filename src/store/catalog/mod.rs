//! The catalog: organizations, users, sessions, keys, devices, streams, groups, models, events, policies, and the
//! audit log.
//!
//! The database (SQLite or PostgreSQL, by SeaORM) is the truth. A mirror in memory serves every read but those of
//! the event log and the audit log. It owns isolation between organizations and restricted keys (`sight`); it does not check scopes
//! (app/ does) and knows nothing of readings. One server at a time writes a catalog.

mod audit;
pub mod changes;
pub(in crate::store) mod database;
mod device;
mod entity;
mod event;
mod followed;
mod grant;
mod group;
pub mod inventory;
mod key;
mod many;
mod migration;
mod mirror;
mod model;
mod model_progress;
mod model_upload;
mod org;
mod policy;
mod refusals;
mod retention;
mod room;
mod rows;
mod session;
mod sight;
mod size;
mod stream;
#[cfg(test)]
mod tests;
mod turn;
mod user;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use self::changes::Changes;
use self::database::unavailable;
use self::mirror::Mirror;
use self::refusals::Refusals;
use self::sight::Sight;
use self::turn::{InStep, Turn};
use crate::domain::{Clock, Error, FieldError, KeyId, Micros, OrgId, Principal, Result};

pub use self::model_progress::Told;
pub use self::model_upload::{Target, Upload};
pub use self::retention::{Moment, Reach};
pub use self::room::OrgLimits;
pub use self::stream::StreamEntry;

/// When a change returns `Ok` it is committed and every later read sees it; on `Err` with a kind that is not our
/// fault nothing changed. A change whose caller goes away is still finished. With it comes its row of the audit log.
pub struct Catalog {
    db: DatabaseConnection,
    mirror: Arc<RwLock<Mirror>>,
    clock: Arc<dyn Clock>,
    in_step: Arc<tokio::sync::Mutex<InStep>>,
    /// Uses of keys not yet written to the database.
    used: Mutex<HashMap<KeyId, Micros>>,
    /// Refused accesses not yet written to the database.
    refusals: Mutex<Refusals>,
    default_org: OrgId,
    /// What `kept` answered last.
    kept: Mutex<Option<retention::KeptFor>>,
    /// Devices that all organizations may have together.
    most_devices: AtomicUsize,
    /// What each organization may have.
    limits: RwLock<OrgLimits>,
    /// Counts the looks of principals.
    looks: AtomicU64,
    changes: Arc<Changes>,
}

impl Catalog {
    /// Connects, brings the schema up to date, reads everything, and makes the organization `default` unless it
    /// exists. `url` is `sqlite://PATH` (created when missing), `sqlite::memory:` or `postgres://…`; anything else
    /// is `Invalid`, a database that does not answer `Unavailable`.
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        let db = database::open(url).await?;
        let default_org = org::ensure_default(&db, clock.now()).await?;
        let mirror = Mirror::load(&db).await?;
        Ok(Self {
            db,
            mirror: Arc::new(RwLock::new(mirror)),
            clock,
            in_step: Arc::new(tokio::sync::Mutex::new(InStep(true))),
            used: Mutex::new(HashMap::new()),
            refusals: Mutex::default(),
            default_org,
            kept: Mutex::new(None),
            most_devices: AtomicUsize::new(usize::MAX),
            limits: RwLock::default(),
            looks: AtomicU64::new(0),
            changes: Arc::default(),
        })
    }

    /// One round trip to the database.
    pub async fn ping(&self) -> Result<()> {
        self.db.execute_unprepared("SELECT 1").await.map_err(unavailable)?;
        Ok(())
    }

    /// The database itself, for what concerns it as a whole: checking and copying it.
    pub(in crate::store) fn connection(&self) -> &DatabaseConnection {
        &self.db
    }

    /// How often principals have looked at what they see: what a nested list costs of it must not grow with the list.
    pub fn looks(&self) -> u64 {
        self.looks.load(Ordering::Relaxed)
    }

    fn sight<'a>(&'a self, who: &'a Principal) -> Sight<'a> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        Sight::new(who, self.mirror.read())
    }

    /// Waits until no other change is under way.
    async fn turn(&self) -> Result<Turn> {
        let in_step = Arc::clone(&self.in_step).lock_owned().await;
        let (db, mirror) = (self.db.clone(), Arc::clone(&self.mirror));
        Turn::begin(in_step, db, mirror, Arc::clone(&self.clock), Arc::clone(&self.changes)).await
    }
}

/// DataStone's answer to a foreign key that names no row, or one the caller does not see.
fn no_such_row(field: &'static str, id: impl std::fmt::Display) -> FieldError {
    FieldError::new(field, format!("Invalid pk \"{id}\" - object does not exist."))
}

/// DataStone's answer to a value that another row has.
fn not_unique(field: &'static str) -> Error {
    Error::field(field, "This field must be unique.")
}

/// As DRF reads names: without the white space around them.
fn trim(name: &mut String) {
    let trimmed = name.trim();
    if trimmed.len() != name.len() {
        *name = trimmed.to_owned();
    }
}
