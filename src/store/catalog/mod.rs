//! Catalog: organizations, users, sessions, keys, clients and their tokens, products, devices with their certificates and
//! registration tokens, streams, groups, models, events, policies, and the audit log.
//!
//! The database (SQLite or PostgreSQL, through SeaORM) is authoritative. An in-memory mirror serves every read except
//! those of the event log, the audit log, annotations, exports, jobs, quarantine and nodes. The catalog enforces isolation
//! between organizations and of restricted keys (`visibility`); it does not check scopes (app/ does) and knows nothing of
//! readings. A catalog has one writing server at a time. Other processes may follow it (`follower`): they read, and refuse
//! changes.

mod alert;
mod alert_notification;
mod alert_progress;
mod alert_rule;
mod alert_rule_index;
mod annotation;
mod annotation_counts;
mod annotation_filter;
pub(in crate::store) mod assigned_ids;
mod audit;
mod audit_actor;
mod batch_lookup;
mod binding_report;
mod binding_report_index;
mod certificate;
mod certificate_index;
mod client;
mod command;
mod command_index;
mod configuration;
pub(in crate::store) mod database;
mod delivery;
mod denied_access;
mod device;
mod device_index;
mod device_state;
mod document;
mod document_index;
mod entity;
mod event;
mod event_acknowledgement;
mod event_query;
mod export;
mod firmware;
mod follower;
mod grant;
mod group;
mod id_table;
pub mod inventory;
mod job;
mod job_progress;
mod job_rows;
mod key;
mod media;
mod media_index;
mod memory_size;
mod migration;
mod mirror;
mod mirror_version;
mod model;
mod model_progress;
mod model_upload;
mod mqtt;
mod named_index;
mod node;
pub mod notifier;
mod object;
mod object_index;
mod org;
mod org_plan;
mod pack;
mod policy;
mod preferences;
mod product;
mod quarantine;
mod quota;
mod reading_counts;
mod registration;
mod registration_index;
mod registration_state;
mod reload;
mod retention;
mod retention_clock;
mod session;
mod stream;
mod subscription_filter;
mod table_versions;
#[cfg(test)]
mod tests;
mod token;
mod token_index;
mod topology;
mod transaction;
pub mod user;
mod user_visibility;
mod visibility;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::{Mutex, RwLock};
use sea_orm::{ConnectionTrait, DatabaseConnection};

use self::database::unavailable;
use self::denied_access::DenialCounts;
use self::follower::FollowerState;
use self::mirror::Mirror;
use self::mirror_version::MirrorVersion;
use self::notifier::ChangeNotifier;
use self::reading_counts::ReadingCounts;
use self::transaction::{CatalogTransaction, MirrorState};
use self::visibility::VisibleCatalog;
use crate::domain::clock_trust::ClockTrust;
use crate::domain::command::Command;
use crate::domain::{Clock, Error, FieldError, KeyId, Micros, OrgId, Principal, Result};
use crate::store::org_channels::OrgChannels;

pub use self::alert_progress::{
    ALERT_EVENT_KIND, AlertChange, AlertCheckpoint, AlertDecision, RuleProgress, SuppressedAlerts,
};
pub use self::annotation::AnnotationChange;
pub use self::configuration::NewArtefact;
pub use self::database::{SchemaState, answer_within};
pub use self::delivery::DueDeliveries;
pub use self::device::{DeletedDevice, DeviceAccess};
pub use self::document::NewDocument;
pub use self::export::ExportEnd;
pub use self::model_progress::AnomalyEventChange;
pub use self::model_upload::{ModelUpload, UploadTarget};
pub use self::org_plan::OwnedIds;
pub use self::pack::PackInstall;
pub use self::quota::OrgLimits;
pub use self::retention::{PolicyPreview, RetentionClock};
pub use self::stream::StreamWriteInfo;
pub use self::token::NewToken;

/// Changes of commands that a slow subscriber may lag behind.
const COMMAND_CHANNEL_CAPACITY: usize = 4096;

/// The catalog. When a change returns `Ok` it is committed and visible to every later read; on `Err` with a kind that
/// is not our fault nothing changed. A change completes even if its caller is dropped. Its audit row is written in
/// the same transaction.
pub struct Catalog {
    db: DatabaseConnection,
    mirror: Arc<RwLock<Mirror>>,
    clock: Arc<dyn Clock>,
    mirror_state: Arc<tokio::sync::Mutex<MirrorState>>,
    /// Version of the mirror of the process that writes the database, for followers.
    mirror_version: Arc<MirrorVersion>,
    /// Key uses not yet written to the database.
    unsaved_key_uses: Mutex<HashMap<KeyId, Micros>>,
    /// Denied accesses not yet written to the database.
    denials: Mutex<DenialCounts>,
    default_org: OrgId,
    /// Latest result of `retention_bounds`.
    cached_bounds: Mutex<Option<retention::CachedBounds>>,
    /// Whether rows may expire by the clock.
    clock_trust: Mutex<ClockTrust>,
    /// Maximum number of devices over all organizations.
    max_devices: AtomicUsize,
    /// Quota of each organization.
    limits: RwLock<OrgLimits>,
    /// Accepted readings, not yet written to the database.
    reading_counts: ReadingCounts,
    annotation_counts: annotation_counts::AnnotationCounts,
    notifier: Arc<ChangeNotifier>,
    command_changes: Arc<OrgChannels<Arc<Command>>>,
    /// Rules whose evaluation has to look at their open alert again.
    closed_alerts: alert::ClosedAlerts,
    running_jobs: job_progress::RunningJobs,
    /// `None` unless another process writes the database.
    follower: Option<Arc<FollowerState>>,
}

impl Catalog {
    /// Connects, migrates the schema, loads the mirror, and creates the organization `default` unless it exists.
    /// `url` is `sqlite://PATH` (created when missing), `sqlite::memory:` or `postgres://…`.
    ///
    /// # Errors
    /// `Invalid` for any other URL, `Unavailable` when the database does not answer.
    pub async fn open(url: &str, clock: Arc<dyn Clock>) -> Result<Self> {
        let db = database::open(url).await?;
        let default_org = org::ensure_default(&db, clock.now()).await?;
        product::ensure_defaults(&db, clock.now()).await?;
        let mirror = Mirror::load(&db).await?;
        Self::new(db, clock, mirror, default_org, None).await
    }

    async fn new(
        db: DatabaseConnection,
        clock: Arc<dyn Clock>,
        mirror: Mirror,
        default_org: OrgId,
        follower: Option<FollowerState>,
    ) -> Result<Self> {
        let reading_counts = ReadingCounts::load(&db, clock.now()).await?;
        let mirror_version = Arc::<MirrorVersion>::default();
        let mirror_state = MirrorState { is_in_step: true, version: Arc::clone(&mirror_version) };
        Ok(Self {
            db,
            mirror: Arc::new(RwLock::new(mirror)),
            clock,
            mirror_state: Arc::new(tokio::sync::Mutex::new(mirror_state)),
            mirror_version,
            unsaved_key_uses: Mutex::new(HashMap::new()),
            denials: Mutex::default(),
            default_org,
            cached_bounds: Mutex::new(None),
            clock_trust: Mutex::default(),
            max_devices: AtomicUsize::new(usize::MAX),
            limits: RwLock::default(),
            reading_counts,
            annotation_counts: Default::default(),
            notifier: Arc::default(),
            command_changes: Arc::new(OrgChannels::new(COMMAND_CHANNEL_CAPACITY)),
            closed_alerts: Arc::default(),
            running_jobs: job_progress::RunningJobs::default(),
            follower: follower.map(Arc::new),
        })
    }

    /// Checks the database with one round trip.
    pub async fn ping(&self) -> Result<()> {
        self.db.execute_unprepared("SELECT 1").await.map_err(unavailable)?;
        Ok(())
    }

    /// The database connection, for operations on the whole database: checking and copying it.
    pub(in crate::store) fn connection(&self) -> &DatabaseConnection {
        &self.db
    }

    fn visible_to<'a>(&'a self, who: &'a Principal) -> VisibleCatalog<'a> {
        VisibleCatalog::new(who, self.mirror.read())
    }

    /// Waits until no other change is under way.
    ///
    /// # Errors
    /// `Unavailable` when this catalog is a follower, or the database does not answer.
    async fn begin_transaction(&self) -> Result<CatalogTransaction> {
        if self.follower.is_some() {
            return Err(follower::refused_change());
        }
        self.begin_on_any_node().await
    }

    /// Waits until no other change is under way, also for a follower: for rows that every node saves. A follower commits with
    /// `commit_unmirrored`, because only `catch_up` changes its mirror, and within a time limit.
    async fn begin_on_any_node(&self) -> Result<CatalogTransaction> {
        let state = Arc::clone(&self.mirror_state).lock_owned().await;
        let (db, mirror) = (self.db.clone(), Arc::clone(&self.mirror));
        let (clock, notifier) = (Arc::clone(&self.clock), Arc::clone(&self.notifier));
        let transaction = CatalogTransaction::begin(state, db, mirror, clock, notifier).await?;
        Ok(match self.follower {
            Some(_) => transaction.with_time_limit(follower::SAVE_TIMEOUT),
            None => transaction,
        })
    }
}

/// DataStone's error for a foreign key whose row is absent or not visible to the caller.
fn no_such_row(field: &'static str, id: impl std::fmt::Display) -> FieldError {
    FieldError::new(field, format!("Invalid pk \"{id}\" - object does not exist."))
}

/// DataStone's error for a value that another row already has.
fn not_unique(field: &'static str) -> Error {
    Error::field(field, "This field must be unique.")
}

/// Trims a name, as DRF does.
fn trim(name: &mut String) {
    let trimmed = name.trim();
    if trimmed.len() != name.len() {
        *name = trimmed.to_owned();
    }
}
