//! Test fixtures: a database per case, a clock that steps, and builders of simple rows.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use tempfile::TempDir;

use crate::domain::caller::Caller;
use crate::domain::device::{Device, DeviceSpec, Protocol};
use crate::domain::group::{Group, GroupSpec};
use crate::domain::key::{KeySecret, KeySpec};
use crate::domain::stream::{Stream, StreamSpec};
use crate::domain::{
    Clock, DeviceId, Error, GroupId, KeyId, Kind, Micros, OrgId, Principal, Result, Scopes, StreamId,
};
use crate::store::catalog::Catalog;

pub(super) const START: Micros = Micros(1_777_377_600_000_000);

/// Advances by a microsecond per call, so that order is visible.
struct StepClock(AtomicI64);

impl Clock for StepClock {
    fn now(&self) -> Micros {
        Micros(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

#[derive(Clone)]
pub(super) struct TestDatabase {
    pub(super) url: String,
    clock: Arc<StepClock>,
    /// Removed with the last clone.
    _dir: Option<Arc<TempDir>>,
}

impl TestDatabase {
    fn at(url: String, dir: Option<TempDir>) -> Self {
        Self { url, clock: Arc::new(StepClock(AtomicI64::new(START.0))), _dir: dir.map(Arc::new) }
    }

    pub(super) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::at(format!("sqlite://{}", dir.path().join("catalog.db").display()), Some(dir))
    }

    pub(super) async fn postgres() -> Self {
        let server = server();
        let name = format!("catalog_{}", uuid::Uuid::new_v4().simple());
        let admin = Database::connect(&server).await.expect("the server of BASALT_TEST_POSTGRES answers");
        admin.execute_unprepared(&format!("CREATE DATABASE {name}")).await.unwrap();
        admin.close().await.unwrap();
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        Self::at(url.to_string(), None)
    }

    /// Drops the database after a case that passed; that of a failed case stays for inspection.
    pub(super) async fn drop_database(&self) {
        let server = server();
        let name = url::Url::parse(&self.url).unwrap().path().trim_start_matches('/').to_owned();
        let admin = Database::connect(&server).await.unwrap();
        admin.execute_unprepared(&format!("DROP DATABASE {name} WITH (FORCE)")).await.unwrap();
        admin.close().await.unwrap();
    }

    pub(super) async fn open(&self) -> Catalog {
        self.try_open().await.unwrap()
    }

    pub(super) async fn try_open(&self) -> Result<Catalog> {
        Catalog::open(&self.url, Arc::clone(&self.clock) as Arc<dyn Clock>).await
    }

    /// Opens the catalog as a query node does.
    pub(super) async fn open_follower(&self) -> Result<Catalog> {
        Catalog::open_follower(&self.url, Arc::clone(&self.clock) as Arc<dyn Clock>).await
    }

    /// A connection that bypasses the catalog, as another process would.
    pub(super) async fn raw_connection(&self) -> DatabaseConnection {
        Database::connect(&self.url).await.unwrap()
    }
}

fn server() -> String {
    std::env::var("BASALT_TEST_POSTGRES").expect(
        "BASALT_TEST_POSTGRES is not set: start a PostgreSQL server and set it to postgres://USER@HOST:PORT/DATABASE",
    )
}

/// The administrator, in the organization `default`.
pub(super) fn admin(catalog: &Catalog) -> Principal {
    Principal::system(catalog.orgs.default_org())
}

/// The administrator in a newly created second organization.
pub(super) async fn other_org(catalog: &Catalog) -> Principal {
    let org = catalog.orgs.create_org(&admin(catalog), "other", "Other").await.unwrap();
    Principal::system(org.id)
}

/// An unrestricted key, or one restricted to the listed devices and streams.
pub(super) fn key(org: OrgId, devices: Option<&[DeviceId]>, streams: Option<&[StreamId]>) -> Principal {
    Principal {
        org,
        caller: Caller::Key(KeyId(1)),
        scopes: Scopes::all(),
        devices: devices.map(|ids| ids.iter().copied().collect()),
        streams: streams.map(|ids| ids.iter().copied().collect()),
        dashboards: None,
        origin: None,
    }
}

pub(super) async fn device(catalog: &Catalog, who: &Principal, name: &str) -> Arc<Device> {
    catalog.devices.create_device(who, DeviceSpec::new(name, Protocol::Virtual)).await.unwrap()
}

pub(super) async fn stream(catalog: &Catalog, who: &Principal, device: DeviceId, name: &str) -> Arc<Stream> {
    catalog.streams.create_stream(who, StreamSpec::new(name, device)).await.unwrap()
}

pub(super) fn group_spec(name: &str) -> GroupSpec {
    GroupSpec { name: name.to_owned(), description: String::new() }
}

pub(super) async fn group(catalog: &Catalog, who: &Principal, name: &str) -> Arc<Group> {
    catalog.groups.create_group(who, group_spec(name), Vec::new()).await.unwrap()
}

/// Makes `members` the members of a group.
pub(super) async fn set_members(
    catalog: &Catalog,
    who: &Principal,
    id: GroupId,
    members: Vec<StreamId>,
) -> Result<Arc<Group>> {
    catalog.groups.update_group(who, id, |_| (), Some(members)).await
}

pub(super) fn key_spec(name: &str) -> KeySpec {
    KeySpec {
        name: name.to_owned(),
        scopes: Scopes::all(),
        devices: None,
        streams: None,
        dashboards: None,
        expires_at: None,
    }
}

pub(super) fn secret(prefix: &str) -> KeySecret {
    KeySecret { prefix: prefix.to_owned(), hash: std::array::from_fn(|i| i as u8 ^ 0x80) }
}

/// The error's kind, and its fields with their messages, one line each, for comparison.
#[track_caller]
pub(super) fn refusal<T>(result: Result<T>) -> (Kind, Vec<String>) {
    let error: Error = result.err().expect("this is refused");
    let fields = error.fields.iter().map(|f| format!("{}: {}", f.field, f.message)).collect();
    (error.kind, fields)
}

/// An `Invalid` error with these fields.
pub(super) fn invalid(fields: &[&str]) -> (Kind, Vec<String>) {
    (Kind::Invalid, fields.iter().map(|f| (*f).to_owned()).collect())
}

pub(super) fn not_found() -> (Kind, Vec<String>) {
    (Kind::NotFound, Vec::new())
}

pub(super) fn forbidden() -> (Kind, Vec<String>) {
    (Kind::Forbidden, Vec::new())
}
