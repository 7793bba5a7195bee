//! Reads the catalog's database into a mirror.

use std::collections::HashMap;
use std::sync::Arc;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::Mirror;
use super::lone_table::LoneTable;
use super::row_table::RowIds;
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
        each(db, entity::org::Entity, |row| Ok(Org::from(row)), |row| mirror.orgs.put(row)).await?;
        each(db, entity::user::Entity, |row| Ok(User::from(row)), |row| mirror.put_user(row)).await?;
        each(db, entity::product::Entity, Product::try_from, |row| mirror.products.put(row)).await?;
        mirror.load_devices(db).await?;
        each(db, entity::group::Entity, |row| Ok(Group::from(row)), |row| mirror.groups.put(row)).await?;
        mirror.load_streams(db).await?;
        each(db, entity::policy::Entity, Policy::try_from, |row| mirror.put_policy(row)).await?;
        for row in entity::floor::Entity::find().all(db).await.map_err(unavailable)? {
            mirror.put_floor(row.table()?, row.source_id, row.kept_from);
        }
        // After the users, of whom some end their sessions when they are put.
        for table in LoneTable::ALL {
            mirror.load_table(db, table).await?;
        }
        Ok(mirror)
    }

    /// Reads some tables, each of which can be loaded alone, and some rows of others; everything else is missing. `db` as for
    /// `load`.
    pub(in crate::store::catalog) async fn load_parts(
        db: &impl ConnectionTrait,
        tables: &[LoneTable],
        rows: &RowIds,
    ) -> Result<Self> {
        let mut mirror = Self::default();
        mirror.load_rows(db, rows).await?;
        for table in tables {
            mirror.load_table(db, *table).await?;
        }
        Ok(mirror)
    }

    /// Adds the rows of a table.
    async fn load_table(&mut self, db: &impl ConnectionTrait, table: LoneTable) -> Result<()> {
        match table {
            LoneTable::AlertRules => {
                each(db, entity::alert_rule::Entity, AlertRule::try_from, |row| self.alert_rules.put(row))
                    .await?
            }
            LoneTable::BindingReports => self.load_binding_reports(db).await?,
            LoneTable::Certificates => {
                each(
                    db,
                    entity::certificate::Entity,
                    |row| Ok(DeviceCertificate::from(row)),
                    |row| self.certificates.put(row),
                )
                .await?
            }
            LoneTable::Clients => {
                each(db, entity::client::Entity, Client::try_from, |row| self.clients.put(row)).await?
            }
            LoneTable::Commands => {
                each(db, entity::command::Entity, Command::try_from, |row| self.commands.put(row)).await?
            }
            LoneTable::Documents => {
                each(db, entity::document::Entity, Document::try_from, |row| self.documents.put(row)).await?
            }
            LoneTable::Keys => each(db, entity::key::Entity, Key::try_from, |row| self.keys.put(row)).await?,
            LoneTable::MediaJobs => {
                each(db, entity::media_job::Entity, MediaJob::try_from, |row| self.media.put(row)).await?
            }
            LoneTable::Models => self.load_models(db).await?,
            LoneTable::Objects => {
                each(db, entity::object::Entity, Object::try_from, |row| self.objects.put(row)).await?
            }
            LoneTable::OrgPlans => self.load_plans(db).await?,
            LoneTable::Registrations => {
                each(db, entity::registration::Entity, Registration::try_from, |row| {
                    self.registrations.put(row)
                })
                .await?
            }
            LoneTable::Sessions => {
                each(db, entity::session::Entity, Session::try_from, |row| self.put_session(row)).await?
            }
            LoneTable::Tokens => {
                each(db, entity::token::Entity, Token::try_from, |row| self.tokens.put(row)).await?
            }
        }
        Ok(())
    }

    async fn load_plans(&mut self, db: &impl ConnectionTrait) -> Result<()> {
        for row in entity::org_plan::Entity::find().all(db).await.map_err(unavailable)? {
            self.plans.insert(OrgId(row.org_id), row.plan);
        }
        Ok(())
    }

    async fn load_binding_reports(&mut self, db: &impl ConnectionTrait) -> Result<()> {
        for row in entity::binding_report::Entity::find().all(db).await.map_err(unavailable)? {
            let (device, binding, report) = row.parts()?;
            self.binding_reports.put(binding, device, Arc::new(report));
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

/// Loads every row of a table as its domain type, and gives each to `put`.
async fn each<E: EntityTrait, R>(
    db: &impl ConnectionTrait,
    _table: E,
    convert: impl Fn(E::Model) -> Result<R>,
    mut put: impl FnMut(Arc<R>),
) -> Result<()> {
    for row in E::find().all(db).await.map_err(unavailable)? {
        put(Arc::new(convert(row)?));
    }
    Ok(())
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
