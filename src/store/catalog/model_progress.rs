//! How far models are, with the events that they open and close: what a restart goes on from.
//!
//! It is nobody's doing, so nothing of it is in the audit log.

use std::sync::Arc;

use sea_orm::{ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, Set};

use super::database::unavailable;
use super::mirror::Mirror;
use super::turn::Work;
use super::{Catalog, entity};
use crate::domain::audit::Action;
use crate::domain::event::{Event, EventSpec};
use crate::domain::live::EventMarks;
use crate::domain::model::{Above, ModelProgress};
use crate::domain::{EventId, ModelId, OrgId, Result};

/// What a model has to tell the event log.
#[derive(Debug, Clone)]
pub enum Told {
    /// An anomaly has begun.
    Opened { event: EventSpec, above: Above },
    /// What an event, if it is still there, says now.
    Changed { event: EventId, message: String, payload: serde_json::Map<String, serde_json::Value> },
}

impl Catalog {
    /// How far a model was; `None` when it is deleted.
    pub async fn model_progress(&self, id: ModelId) -> Result<Option<ModelProgress>> {
        let row = entity::model::Entity::find_by_id(id.0).one(&self.db).await.map_err(unavailable)?;
        row.map(|row| row.progress()).transpose()
    }

    /// Writes how far models are. Those deleted meanwhile are passed over.
    pub async fn save_progress(&self, models: Vec<(ModelId, ModelProgress)>) -> Result<()> {
        let turn = self.turn().await?;
        let work = async move |db: Work| {
            for (id, progress) in &models {
                write(&*db, *id, progress).await?;
            }
            Ok(())
        };
        turn.run(work, |_, ()| {}).await
    }

    /// Tells the event log and writes how far the model is, both or none. Returns the progress as it is then: an anomaly that
    /// was opened has its event.
    pub async fn tell_anomaly(
        &self,
        org: OrgId,
        id: ModelId,
        mut progress: ModelProgress,
        told: Told,
    ) -> Result<ModelProgress> {
        let turn = self.turn().await?;
        let now = self.clock.now();
        let work = async move |db: Work| {
            let event = match told {
                Told::Opened { event, above } => {
                    let row = entity::event::new(org, event, now).insert(&*db).await.map_err(unavailable)?;
                    let event = Event::try_from(row)?;
                    progress.open = Some((event.id, above));
                    Some((event, None))
                }
                Told::Changed { event, message, payload } => amend(&*db, event, message, payload).await?,
            };
            write(&*db, id, &progress).await?;
            Ok((progress, event))
        };
        let changes = Arc::clone(&self.changes);
        let apply =
            move |_: &mut Mirror, (_, event): &(ModelProgress, Option<(Event, Option<EventMarks>)>)| {
                if let Some((event, before)) = event {
                    let action = if before.is_some() { Action::Update } else { Action::Create };
                    changes.tell_event(action, event, before.clone());
                }
            };
        turn.run(work, apply).await.map(|(progress, _)| progress)
    }
}

/// The event with other words and numbers, and its marks before; `None` when somebody deleted it.
async fn amend(
    db: &impl ConnectionTrait,
    id: EventId,
    message: String,
    payload: serde_json::Map<String, serde_json::Value>,
) -> Result<Option<(Event, Option<EventMarks>)>> {
    let row = entity::event::Entity::find_by_id(id.0).one(db).await.map_err(unavailable)?;
    let Some(row) = row else { return Ok(None) };
    let mut event = Event::try_from(row)?;
    let before = EventMarks::from(&event.spec);
    event.spec.message = message;
    event.spec.payload.extend(payload);
    entity::event::changed(id, event.spec.clone()).update(db).await.map_err(unavailable)?;
    Ok(Some((event, Some(before))))
}

async fn write(db: &impl ConnectionTrait, id: ModelId, progress: &ModelProgress) -> Result<()> {
    use entity::model::{ActiveModel, Column, Entity};
    let change = ActiveModel { progress: Set(entity::model::progress(progress)), ..Default::default() };
    let row = Entity::update_many().set(change).filter(Column::Id.eq(id.0));
    row.exec(db).await.map_err(unavailable)?;
    Ok(())
}
