//! Notifications that an alert causes: they are written with it, so that none is lost and none is sent for an alert that
//! does not exist.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use crate::domain::document::DocumentKind;
use crate::domain::event::Event;
use crate::domain::notification::AlertNotice;
use crate::domain::{Micros, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity::alert_notification::{Column, Entity, new};
use crate::store::catalog::visibility::VisibleCatalog;

/// Adds a notification for each channel in the transaction that fires the alert. They are due at once.
pub(in crate::store::catalog) async fn insert_notifications(
    db: &impl ConnectionTrait,
    alert: &Event,
    channels: &[Uuid],
    now: Micros,
) -> Result<()> {
    insert(db, alert, AlertNotice::Fired, channels, now).await
}

/// Adds a notification for each channel that is told of the alert, in the transaction that resolves it. It goes out after
/// that which tells of the alert.
pub(in crate::store::catalog) async fn insert_resolutions(
    db: &impl ConnectionTrait,
    alert: &Event,
    now: Micros,
) -> Result<()> {
    let fired = Entity::find()
        .filter(Column::AlertId.eq(alert.id.0))
        .filter(Column::Notice.eq(AlertNotice::Fired.name()))
        .order_by_asc(Column::Id)
        .select_only()
        .column(Column::ChannelId)
        .into_tuple::<Uuid>();
    let channels = fired.all(db).await.map_err(unavailable)?;
    insert(db, alert, AlertNotice::Resolved, &channels, now).await
}

async fn insert(
    db: &impl ConnectionTrait,
    alert: &Event,
    notice: AlertNotice,
    channels: &[Uuid],
    now: Micros,
) -> Result<()> {
    if channels.is_empty() {
        return Ok(());
    }
    let rows = channels.iter().map(|channel| new(alert, notice, *channel, now));
    Entity::insert_many(rows).exec_without_returning(db).await.map_err(unavailable)?;
    Ok(())
}

/// Whether a rule may name a channel: it is one of the caller's organization.
pub(in crate::store::catalog) fn is_channel(visible: &VisibleCatalog, channel: Uuid) -> bool {
    visible.document(DocumentKind::NotificationChannel, channel).is_ok()
}
