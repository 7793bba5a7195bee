//! Catalog: organizations, users, sessions, keys, clients and their tokens, products, devices with their certificates and
//! registration tokens, streams, groups, models, events, policies, and the audit log.
//!
//! The database (SQLite or PostgreSQL, through SeaORM) is authoritative. An in-memory mirror serves every read except
//! those of the event log, the audit log, annotations, exports, jobs, quarantine and nodes. The catalog enforces isolation
//! between organizations and of restricted keys (`visibility`); it does not check scopes (app/ does) and knows nothing of
//! readings. A catalog has one writing server at a time. Other processes may follow it (`follower`): they read, and refuse
//! changes.

mod alert;
mod annotation;
pub(in crate::store) mod assigned_ids;
mod audit;
mod catalog_core;
mod client;
mod command;
pub(in crate::store) mod database;
mod device;
mod document;
mod entity;
mod event;
mod follower;
mod group;
pub mod inventory;
mod job;
mod key;
mod media;
mod memory_size;
mod migration;
mod mirror;
mod model;
mod mqtt;
mod node;
pub mod notifier;
mod object;
mod org;
mod product;
mod provisioning;
mod quarantine;
mod retention;
mod stream;
#[cfg(test)]
mod tests;
mod transaction;
pub mod user;
mod visibility;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use parking_lot::RwLock;
use sea_orm::{ConnectionTrait, DatabaseConnection};

use self::alert::lifecycle::ClosedAlerts;
use self::catalog_core::CatalogCore;
use self::database::unavailable;
use self::follower::FollowerState;
use self::follower::mirror_version::MirrorVersion;
use self::mirror::Mirror;
use self::org::reading_counts::ReadingCounts;
use self::transaction::MirrorState;
use crate::domain::{Clock, Error, FieldError, OrgId, Result};

pub use self::alert::AlertCatalog;
pub use self::alert::progress::{
    ALERT_EVENT_KIND, AlertChange, AlertCheckpoint, AlertDecision, RuleProgress, SuppressedAlerts,
};
pub use self::annotation::{AnnotationCatalog, AnnotationChange};
pub use self::audit::AuditCatalog;
pub use self::client::ClientCatalog;
pub use self::client::token::NewToken;
pub use self::command::CommandCatalog;
pub use self::database::{SchemaState, answer_within};
pub use self::device::deletion::DeletedDevice;
pub use self::device::{DeviceAccess, DeviceCatalog};
pub use self::document::configuration::NewArtefact;
pub use self::document::pack::PackInstall;
pub use self::document::{DocumentCatalog, NewDocument};
pub use self::event::EventCatalog;
pub use self::event::delivery::DueDeliveries;
pub use self::group::GroupCatalog;
pub use self::inventory::InventoryCatalog;
pub use self::job::JobCatalog;
pub use self::job::export::ExportEnd;
pub use self::key::KeyCatalog;
pub use self::media::MediaCatalog;
pub use self::model::ModelCatalog;
pub use self::model::progress::AnomalyEventChange;
pub use self::model::upload::{ModelUpload, UploadTarget};
pub use self::mqtt::MqttCatalog;
pub use self::node::NodeCatalog;
pub use self::object::ObjectCatalog;
pub use self::org::OrgCatalog;
pub use self::org::plan::OwnedIds;
pub use self::org::quota::OrgLimits;
pub use self::product::ProductCatalog;
pub use self::provisioning::ProvisioningCatalog;
pub use self::quarantine::QuarantineCatalog;
pub use self::retention::{PolicyPreview, RetentionCatalog, RetentionClock};
pub use self::stream::{StreamCatalog, StreamWriteInfo};
pub use self::user::UserCatalog;

/// The catalog, by subject. When a change returns `Ok` it is committed and visible to every later read; on `Err` with a kind
/// that is not our fault nothing changed. A change completes even if its caller is dropped. Its audit row is written in
/// the same transaction.
pub struct Catalog {
    core: Arc<CatalogCore>,
    /// Version of the mirror of the process that writes the database, for followers.
    mirror_version: Arc<MirrorVersion>,
    pub alerts: AlertCatalog,
    pub annotations: AnnotationCatalog,
    pub audit: AuditCatalog,
    pub clients: ClientCatalog,
    pub commands: CommandCatalog,
    pub devices: DeviceCatalog,
    pub documents: DocumentCatalog,
    pub events: EventCatalog,
    pub groups: GroupCatalog,
    pub inventory: InventoryCatalog,
    pub jobs: JobCatalog,
    pub keys: KeyCatalog,
    pub media: MediaCatalog,
    pub models: ModelCatalog,
    pub mqtt: MqttCatalog,
    pub nodes: NodeCatalog,
    pub objects: ObjectCatalog,
    pub orgs: OrgCatalog,
    pub products: ProductCatalog,
    pub provisioning: ProvisioningCatalog,
    pub quarantine: QuarantineCatalog,
    pub retention: RetentionCatalog,
    pub streams: StreamCatalog,
    pub users: UserCatalog,
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
        let core = Arc::new(CatalogCore {
            db,
            mirror: Arc::new(RwLock::new(mirror)),
            clock,
            mirror_state: Arc::new(tokio::sync::Mutex::new(mirror_state)),
            default_org,
            max_devices: AtomicUsize::new(usize::MAX),
            limits: RwLock::default(),
            notifier: Arc::default(),
            follower: follower.map(Arc::new),
        });
        let closed_alerts = ClosedAlerts::default();
        Ok(Self {
            alerts: AlertCatalog::new(Arc::clone(&core), Arc::clone(&closed_alerts)),
            annotations: AnnotationCatalog::new(Arc::clone(&core)),
            audit: AuditCatalog::new(Arc::clone(&core)),
            clients: ClientCatalog::new(Arc::clone(&core)),
            commands: CommandCatalog::new(Arc::clone(&core)),
            devices: DeviceCatalog::new(Arc::clone(&core)),
            documents: DocumentCatalog::new(Arc::clone(&core)),
            events: EventCatalog::new(Arc::clone(&core), closed_alerts),
            groups: GroupCatalog::new(Arc::clone(&core)),
            inventory: InventoryCatalog::new(Arc::clone(&core)),
            jobs: JobCatalog::new(Arc::clone(&core)),
            keys: KeyCatalog::new(Arc::clone(&core)),
            media: MediaCatalog::new(Arc::clone(&core)),
            models: ModelCatalog::new(Arc::clone(&core)),
            mqtt: MqttCatalog::new(Arc::clone(&core)),
            nodes: NodeCatalog::new(Arc::clone(&core)),
            objects: ObjectCatalog::new(Arc::clone(&core)),
            orgs: OrgCatalog::new(Arc::clone(&core), reading_counts),
            products: ProductCatalog::new(Arc::clone(&core)),
            provisioning: ProvisioningCatalog::new(Arc::clone(&core)),
            quarantine: QuarantineCatalog::new(Arc::clone(&core)),
            retention: RetentionCatalog::new(Arc::clone(&core)),
            streams: StreamCatalog::new(Arc::clone(&core)),
            users: UserCatalog::new(Arc::clone(&core)),
            core,
            mirror_version,
        })
    }

    /// Checks the database with one round trip.
    pub async fn ping(&self) -> Result<()> {
        self.core.db.execute_unprepared("SELECT 1").await.map_err(unavailable)?;
        Ok(())
    }

    /// The database connection, for operations on the whole database: checking and copying it.
    pub(in crate::store) fn connection(&self) -> &DatabaseConnection {
        &self.core.db
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
