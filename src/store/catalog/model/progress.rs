//! Live scoring progress of models, stored together with the events that they open and close, so that a restart can
//! resume.
//!
//! No user causes these changes, so they are not in the audit log.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};

use super::ModelCatalog;
use crate::domain::audit::Action;
use crate::domain::event::{Event, EventSource, EventSpec};
use crate::domain::model::{ModelProgress, ThresholdRun};
use crate::domain::subscription::EventAttributes;
use crate::domain::{EventId, ModelId, OrgId, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity;
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::DbTransaction;

/// Change of an anomaly's event.
#[derive(Debug, Clone)]
pub enum AnomalyEventChange {
    /// An anomaly began.
    Opened { event: EventSpec, above: ThresholdRun },
    /// Message and payload of an event, if it still exists.
    Changed { event: EventId, message: String, payload: serde_json::Map<String, serde_json::Value> },
}

impl ModelCatalog {
    /// The stored progress of a model; `None` when the model is deleted.
    pub async fn model_progress(&self, id: ModelId) -> Result<Option<ModelProgress>> {
        let row = entity::model::Entity::find_by_id(id.0).one(&self.core.db).await.map_err(unavailable)?;
        row.map(|row| row.decode_progress()).transpose()
    }

    /// Stores the progress of models; deleted ones are skipped.
    pub async fn save_progress(&self, models: Vec<(ModelId, ModelProgress)>) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        let work = async move |db: DbTransaction| {
            for (id, progress) in &models {
                write(&*db, *id, progress).await?;
            }
            Ok(())
        };
        transaction.commit_unaudited(work, |_, ()| {}).await
    }

    /// Writes an event and the model's progress in one transaction. Returns the stored progress, which contains the
    /// id of a newly opened event.
    pub async fn record_anomaly(
        &self,
        org: OrgId,
        id: ModelId,
        mut progress: ModelProgress,
        event_change: AnomalyEventChange,
    ) -> Result<ModelProgress> {
        let transaction = self.core.begin_transaction().await?;
        let now = self.core.clock.now();
        let work = async move |db: DbTransaction| {
            let event = match event_change {
                AnomalyEventChange::Opened { event, above } => {
                    let row = entity::event::new(org, EventSource::System, event, now);
                    let row = row.insert(&*db).await.map_err(unavailable)?;
                    let event = Event::try_from(row)?;
                    progress.open_anomaly = Some((event.id, above));
                    Some((event, None))
                }
                AnomalyEventChange::Changed { event, message, payload } => {
                    amend(&*db, event, message, payload).await?
                }
            };
            write(&*db, id, &progress).await?;
            Ok((progress, event))
        };
        let changes = Arc::clone(&self.core.notifier);
        let apply =
            move |_: &mut Mirror, (_, event): &(ModelProgress, Option<(Event, Option<EventAttributes>)>)| {
                if let Some((event, before)) = event {
                    let action = if before.is_some() { Action::Update } else { Action::Create };
                    changes.notify_event(action, event, before.clone());
                }
            };
        transaction.commit_unaudited(work, apply).await.map(|(progress, _)| progress)
    }
}

/// Updates an event's message and payload; returns it with its former attributes, or `None` if it was deleted.
async fn amend(
    db: &impl ConnectionTrait,
    id: EventId,
    message: String,
    payload: serde_json::Map<String, serde_json::Value>,
) -> Result<Option<(Event, Option<EventAttributes>)>> {
    let row = entity::event::Entity::find_by_id(id.0).one(db).await.map_err(unavailable)?;
    let Some(row) = row else { return Ok(None) };
    let mut event = Event::try_from(row)?;
    let before = EventAttributes::from(&event.spec);
    event.spec.message = message;
    event.spec.payload.extend(payload);
    entity::event::for_update(id, event.spec.clone()).update(db).await.map_err(unavailable)?;
    Ok(Some((event, Some(before))))
}

async fn write(db: &impl ConnectionTrait, id: ModelId, progress: &ModelProgress) -> Result<()> {
    use entity::model::{ActiveModel, Column, Entity};
    let change =
        ActiveModel { progress: Set(entity::model::encode_progress(progress)), ..Default::default() };
    let row = Entity::update_many().set(change).filter(Column::Id.eq(id.0));
    row.exec(db).await.map_err(unavailable)?;
    Ok(())
}
