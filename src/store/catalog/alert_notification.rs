//! Notifications that an alert causes: they are written with it, so that none is lost and none is sent for an alert that
//! does not exist.

use sea_orm::{ConnectionTrait, EntityTrait};
use uuid::Uuid;

use super::database::unavailable;
use super::entity::alert_notification::{Entity, new};
use super::visibility::VisibleCatalog;
use crate::domain::document::DocumentKind;
use crate::domain::event::Event;
use crate::domain::{Micros, Result};

/// Adds a notification for each channel in the transaction of the alert. They are due at once.
pub(super) async fn insert_notifications(
    db: &impl ConnectionTrait,
    alert: &Event,
    channels: &[Uuid],
    now: Micros,
) -> Result<()> {
    if channels.is_empty() {
        return Ok(());
    }
    let rows = channels.iter().map(|channel| new(alert.org, alert.id, *channel, now));
    Entity::insert_many(rows).exec_without_returning(db).await.map_err(unavailable)?;
    Ok(())
}

/// Whether a rule may name a channel: it is one of the caller's organization.
pub(super) fn is_channel(visible: &VisibleCatalog, channel: Uuid) -> bool {
    visible.document(DocumentKind::NotificationChannel, channel).is_ok()
}
