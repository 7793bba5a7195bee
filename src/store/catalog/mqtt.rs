//! Sessions and retained messages of MQTT in the catalog. The broker holds them in memory; here is what a restart needs.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveModelTrait, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use std::sync::Arc;

use super::catalog_core::CatalogCore;
use super::database::unavailable;
use super::entity;
use super::transaction::DbTransaction;
use crate::domain::mqtt::{MqttChange, RetainedMessage, SessionOwner, StoredSession};
use crate::domain::{OrgId, Result};

/// Sessions and retained messages of the MQTT broker.
pub struct MqttCatalog {
    core: Arc<CatalogCore>,
}

impl MqttCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core }
    }

    /// Reads the sessions of all organizations, for the broker's start.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer or holds a row that cannot be read.
    pub async fn mqtt_sessions(&self) -> Result<Vec<StoredSession>> {
        use entity::mqtt_session::{Column, Entity};
        let rows = Entity::find().order_by_asc(Column::Id).all(&self.core.db).await.map_err(unavailable)?;
        rows.into_iter().map(StoredSession::try_from).collect()
    }

    /// Reads the retained messages of all organizations, for the broker's start.
    ///
    /// # Errors
    /// The errors of [`MqttCatalog::mqtt_sessions`].
    pub async fn mqtt_retained(&self) -> Result<Vec<RetainedMessage>> {
        use entity::mqtt_retained::{Column, Entity};
        let rows = Entity::find().order_by_asc(Column::Id).all(&self.core.db).await.map_err(unavailable)?;
        rows.into_iter().map(RetainedMessage::try_from).collect()
    }

    /// Stores changes in one transaction, in their order. What belongs to a device that was deleted meanwhile is left
    /// out.
    ///
    /// # Errors
    /// `Unavailable` when the database does not answer: nothing is stored then.
    pub async fn store_mqtt(&self, mut changes: Vec<MqttChange>) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        {
            let mirror = transaction.mirror();
            changes.retain(|change| match change {
                MqttChange::PutSession(StoredSession { owner: SessionOwner::Device(id), .. })
                | MqttChange::PutRetained(RetainedMessage { device: id, .. }) => {
                    mirror.devices.get(*id).is_some()
                }
                MqttChange::PutSession(_)
                | MqttChange::SetCursor(..)
                | MqttChange::RemoveSession(..)
                | MqttChange::RemoveRetained(..) => true,
            });
        }
        let store = async move |db: DbTransaction| {
            for change in changes {
                store(&db, change).await?;
            }
            Ok(())
        };
        transaction.commit_unmirrored(store).await
    }
}

async fn store(db: &DbTransaction, change: MqttChange) -> Result<()> {
    match change {
        MqttChange::PutSession(session) => {
            remove_session(db, session.owner, &session.client_id).await?;
            entity::mqtt_session::new(&session).insert(&**db).await.map_err(unavailable)?;
        }
        MqttChange::SetCursor(owner, client_id, cursor) => set_cursor(db, owner, &client_id, cursor).await?,
        MqttChange::RemoveSession(owner, client_id) => remove_session(db, owner, &client_id).await?,
        MqttChange::PutRetained(message) => {
            remove_retained(db, message.org, &message.topic).await?;
            entity::mqtt_retained::new(&message).insert(&**db).await.map_err(unavailable)?;
        }
        MqttChange::RemoveRetained(org, topic) => remove_retained(db, org, &topic).await?,
    }
    Ok(())
}

async fn remove_session(db: &DbTransaction, owner: SessionOwner, client_id: &str) -> Result<()> {
    use entity::mqtt_session::{Column, Entity};
    let old = Entity::delete_many().filter(Column::Owner.eq(owner.to_string()));
    old.filter(Column::ClientId.eq(client_id)).exec(&**db).await.map_err(unavailable)?;
    Ok(())
}

async fn set_cursor(
    db: &DbTransaction,
    owner: SessionOwner,
    client_id: &str,
    cursor: Option<String>,
) -> Result<()> {
    use entity::mqtt_session::{Column, Entity};
    let known = Entity::update_many().col_expr(Column::Cursor, Expr::value(cursor));
    let known = known.filter(Column::Owner.eq(owner.to_string())).filter(Column::ClientId.eq(client_id));
    known.exec(&**db).await.map_err(unavailable)?;
    Ok(())
}

async fn remove_retained(db: &DbTransaction, org: OrgId, topic: &str) -> Result<()> {
    use entity::mqtt_retained::{Column, Entity};
    let old = Entity::delete_many().filter(Column::OrgId.eq(org.0));
    old.filter(Column::Topic.eq(topic)).exec(&**db).await.map_err(unavailable)?;
    Ok(())
}
