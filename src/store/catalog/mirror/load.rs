//! Reads the catalog's database into a mirror.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Mirror;
use crate::domain::alert::rule::AlertRule;
use crate::domain::certificate::DeviceCertificate;
use crate::domain::client::Client;
use crate::domain::command::Command;
use crate::domain::device::Device;
use crate::domain::document::Document;
use crate::domain::group::Group;
use crate::domain::key::Key;
use crate::domain::media::MediaJob;
use crate::domain::model::ModelVersion;
use crate::domain::object::Object;
use crate::domain::org::{Org, User};
use crate::domain::policy::Policy;
use crate::domain::product::Product;
use crate::domain::registration::Registration;
use crate::domain::session::Session;
use crate::domain::stream::Stream;
use crate::domain::token::Token;
use crate::domain::{Error, OrgId, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity;

/// Streams loaded per query: at most some tens of megabytes as text and parsed.
const STREAM_LOAD_BATCH_ROWS: u64 = 1024;
/// Devices loaded per query: fewer, because a device stored before the size limit may have many megabytes of
/// metadata.
const DEVICE_LOAD_BATCH_ROWS: u64 = 64;

impl Mirror {
    /// Reads the whole catalog. When another process may change it meanwhile, `db` has to be a transaction that reads one
    /// snapshot.
    pub(in crate::store::catalog) async fn load(db: &impl ConnectionTrait) -> Result<Self> {
        let mut mirror = Self::default();
        for row in read(db, entity::org::Entity, |row| Ok(Org::from(row))).await? {
            mirror.orgs.put(row);
        }
        for row in entity::org_plan::Entity::find().all(db).await.map_err(unavailable)? {
            mirror.plans.insert(OrgId(row.org_id), row.plan);
        }
        for row in read(db, entity::user::Entity, |row| Ok(User::from(row))).await? {
            mirror.put_user(row);
        }
        for row in read(db, entity::session::Entity, Session::try_from).await? {
            mirror.put_session(row);
        }
        for row in read(db, entity::key::Entity, Key::try_from).await? {
            mirror.keys.put(row);
        }
        for row in read(db, entity::client::Entity, Client::try_from).await? {
            mirror.clients.put(row);
        }
        for row in read(db, entity::token::Entity, Token::try_from).await? {
            mirror.tokens.put(row);
        }
        for row in read(db, entity::product::Entity, Product::try_from).await? {
            mirror.products.put(row);
        }
        mirror.load_devices(db).await?;
        for row in read(db, entity::certificate::Entity, |row| Ok(DeviceCertificate::from(row))).await? {
            mirror.certificates.put(row);
        }
        for row in read(db, entity::registration::Entity, Registration::try_from).await? {
            mirror.registrations.put(row);
        }
        for row in read(db, entity::group::Entity, |row| Ok(Group::from(row))).await? {
            mirror.groups.put(row);
        }
        mirror.load_streams(db).await?;
        mirror.load_models(db).await?;
        for row in read(db, entity::policy::Entity, Policy::try_from).await? {
            mirror.put_policy(row);
        }
        for row in read(db, entity::command::Entity, Command::try_from).await? {
            mirror.commands.put(row);
        }
        mirror.load_platform(db).await?;
        for row in read(db, entity::floor::Entity, |row| Ok((row.table()?, row))).await? {
            let (table, floor) = row.as_ref();
            mirror.put_floor(*table, floor.source_id, floor.kept_from);
        }
        Ok(mirror)
    }

    /// What only the MK platform has.
    async fn load_platform(&mut self, db: &impl ConnectionTrait) -> Result<()> {
        for object in read(db, entity::object::Entity, Object::try_from).await? {
            self.objects.put(object);
        }
        for row in entity::binding_report::Entity::find().all(db).await.map_err(unavailable)? {
            let (device, binding, report) = row.parts()?;
            self.binding_reports.put(binding, device, Arc::new(report));
        }
        for row in read(db, entity::document::Entity, Document::try_from).await? {
            self.documents.put(row);
        }
        for row in read(db, entity::alert_rule::Entity, AlertRule::try_from).await? {
            self.alert_rules.put(row);
        }
        for row in read(db, entity::media_job::Entity, MediaJob::try_from).await? {
            self.media.put(row);
        }
        Ok(())
    }

    /// Devices and streams are loaded in batches: all rows at once, as the driver holds them, would take more memory
    /// than the server needs afterwards.
    async fn load_devices(&mut self, db: &impl ConnectionTrait) -> Result<()> {
        use entity::device::{Column, Entity};
        let mut after = 0;
        while let Some(rows) = read_some::<Entity>(db, Column::Id, after, DEVICE_LOAD_BATCH_ROWS).await? {
            for row in rows {
                after = row.id;
                self.devices.put(Arc::new(Device::try_from(row)?));
            }
        }
        Ok(())
    }

    async fn load_streams(&mut self, db: &impl ConnectionTrait) -> Result<()> {
        use entity::stream::{Column, Entity};
        let mut after = 0;
        while let Some(rows) = read_some::<Entity>(db, Column::Id, after, STREAM_LOAD_BATCH_ROWS).await? {
            for row in rows {
                after = row.id;
                self.put_stream(Arc::new(Stream::try_from(row)?));
            }
        }
        Ok(())
    }

    /// Loads models with their current versions; other versions and all files stay in the database.
    async fn load_models(&mut self, db: &impl ConnectionTrait) -> Result<()> {
        let rows = entity::model::Entity::find().all(db).await.map_err(unavailable)?;
        let versions = entity::model_version::Entity::find().all(db).await.map_err(unavailable)?;
        let mut current: HashMap<_, _> = versions.into_iter().map(|v| ((v.model_id, v.number), v)).collect();
        for row in rows {
            let version = current.remove(&(row.id, row.number));
            let damaged =
                || Error::unavailable(format!("the catalog's model {} has no current version", row.id));
            let version = ModelVersion::try_from(version.ok_or_else(damaged)?)?;
            self.put_model(Arc::new(row.with(version)));
        }
        Ok(())
    }
}

/// Loads every row of a table as its domain type.
async fn read<E: EntityTrait, R>(
    db: &impl ConnectionTrait,
    _table: E,
    convert: impl Fn(E::Model) -> Result<R>,
) -> Result<Vec<Arc<R>>> {
    let rows = E::find().all(db).await.map_err(unavailable)?;
    rows.into_iter().map(|row| convert(row).map(Arc::new)).collect()
}

/// Loads the next rows with ids above `after`, by id ascending; `None` after the last. Ids are positive.
async fn read_some<E: EntityTrait>(
    db: &impl ConnectionTrait,
    id: E::Column,
    after: i32,
    at_once: u64,
) -> Result<Option<Vec<E::Model>>> {
    let next = E::find().filter(id.gt(after)).order_by_asc(id).limit(at_once);
    let rows = next.all(db).await.map_err(unavailable)?;
    Ok((!rows.is_empty()).then_some(rows))
}
