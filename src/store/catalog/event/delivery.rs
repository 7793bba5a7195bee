//! Deliveries of notifications: those that are due, what became of them, and the log of an alert. They are written with
//! their alert (`alert_notification.rs`), go with it, and are not mirrored.

use sea_orm::sea_query::{Alias, Expr, Query};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect, Set,
};
use uuid::Uuid;

use super::EventCatalog;
use crate::domain::event::Event;
use crate::domain::notification::{AlertNotice, Delivery, DeliveryStatus};
use crate::domain::{Error, EventId, Micros, OrgId, Principal, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity::alert_notification::{ActiveModel, Column, Entity, Model};
use crate::store::catalog::entity::event;
use crate::store::catalog::transaction::DbTransaction;

/// Which deliveries the server wants to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueDeliveries {
    /// Time by which their next attempt is due.
    pub now: Micros,
    /// None of these organizations.
    pub not_of_orgs: Vec<OrgId>,
    /// None by these channels.
    pub not_by_channels: Vec<Uuid>,
    /// None of these.
    pub not_these: Vec<Uuid>,
    /// At most so many.
    pub limit: usize,
}

impl EventCatalog {
    /// Returns deliveries of every organization that are due, the one that has waited longest first. For the server
    /// itself: it takes no principal.
    pub async fn due_deliveries(&self, wanted: &DueDeliveries) -> Result<Vec<Delivery>> {
        let mut due = Entity::find()
            .filter(Column::Status.eq(DeliveryStatus::Pending.name()))
            .filter(Column::NextAttemptAt.lte(wanted.now.0))
            .filter(is_blocked().not());
        if !wanted.not_of_orgs.is_empty() {
            due = due.filter(Column::OrgId.is_not_in(wanted.not_of_orgs.iter().map(|org| org.0)));
        }
        if !wanted.not_by_channels.is_empty() {
            due = due.filter(Column::ChannelId.is_not_in(wanted.not_by_channels.iter().copied()));
        }
        if !wanted.not_these.is_empty() {
            due = due.filter(Column::Id.is_not_in(wanted.not_these.iter().copied()));
        }
        let limit = u64::try_from(wanted.limit).unwrap_or(u64::MAX).min(i64::MAX as u64);
        let rows = due.order_by_asc(Column::NextAttemptAt).order_by_asc(Column::Id).limit(limit);
        let rows = rows.all(&self.core.db).await.map_err(unavailable)?;
        rows.into_iter().map(delivery).collect()
    }

    /// Number of deliveries of every organization that wait for an attempt.
    pub async fn count_pending_deliveries(&self) -> Result<u64> {
        let pending = Entity::find().filter(Column::Status.eq(DeliveryStatus::Pending.name()));
        pending.count(&self.core.db).await.map_err(unavailable)
    }

    /// Stores what became of a delivery, durable on return. One whose alert was deleted meanwhile is gone, which is no
    /// error.
    pub async fn store_delivery(&self, delivery: &Delivery) -> Result<()> {
        let Delivery { id, status, attempts, next_attempt_at, error, sent_at, .. } = delivery.clone();
        let changed = ActiveModel {
            status: Set(status.name().to_owned()),
            attempts: Set(i32::try_from(attempts).unwrap_or(i32::MAX)),
            next_attempt_at: Set(next_attempt_at.map(|time| time.0)),
            error: Set(error),
            sent_at: Set(sent_at.map(|time| time.0)),
            ..Default::default()
        };
        let update = async move |db: DbTransaction| {
            let row = Entity::update_many().set(changed).filter(Column::Id.eq(id));
            row.exec(&*db).await.map_err(unavailable).map(drop)
        };
        self.core.begin_transaction().await?.commit_unmirrored(update).await
    }

    /// Returns the deliveries of an alert, the oldest first; `NotFound` when the alert is absent or not visible.
    pub async fn deliveries_of_alert(&self, who: &Principal, alert: Uuid) -> Result<Vec<Delivery>> {
        let event = self.event_by_uuid(who, alert).await?;
        if event.alert.is_none() {
            return Err(Error::not_found());
        }
        let rows = Entity::find()
            .filter(Column::AlertId.eq(event.id.0))
            .order_by_asc(Column::CreatedAt)
            .order_by_asc(Column::Id);
        let rows = rows.all(&self.core.db).await.map_err(unavailable)?;
        rows.into_iter().map(delivery).collect()
    }

    /// Returns the event of the alert that a delivery tells of; `NotFound` when it was deleted. For the server itself: it
    /// takes no principal.
    pub async fn event_of_delivery(&self, delivery: &Delivery) -> Result<Event> {
        let row =
            event::Entity::find_by_id(delivery.alert.0).one(&self.core.db).await.map_err(unavailable)?;
        row.ok_or_else(Error::not_found)?.try_into()
    }
}

/// Whether a delivery tells that an alert was resolved while that which tells that it fired still waits: receivers learn of
/// both in their order.
fn is_blocked() -> Condition {
    use sea_orm::ExprTrait;
    let earlier = Alias::new("earlier");
    let column = |column: Column| Expr::col((earlier.clone(), column));
    let waiting = Query::select()
        .expr(Expr::val(1))
        .from_as(Entity, earlier.clone())
        .and_where(column(Column::AlertId).equals((Entity, Column::AlertId)))
        .and_where(column(Column::ChannelId).equals((Entity, Column::ChannelId)))
        .and_where(column(Column::Notice).eq(AlertNotice::Fired.name()))
        .and_where(column(Column::Status).eq(DeliveryStatus::Pending.name()))
        .take();
    let is_resolution = Column::Notice.eq(AlertNotice::Resolved.name());
    Condition::all().add(is_resolution).add(Expr::exists(waiting))
}

fn delivery(row: Model) -> Result<Delivery> {
    let Model {
        id,
        org_id,
        alert_id,
        notice,
        channel_id,
        status,
        attempts,
        next_attempt_at,
        error,
        sent_at,
        created_at,
    } = row;
    let unreadable = || {
        let message =
            format!("the catalog holds a row this version cannot read: table `alert_notification`, id {id}");
        Error::unavailable(message)
    };
    Ok(Delivery {
        id,
        org: OrgId(org_id),
        alert: EventId(alert_id),
        notice: AlertNotice::named(&notice).ok_or_else(unreadable)?,
        channel: channel_id,
        status: DeliveryStatus::named(&status).ok_or_else(unreadable)?,
        attempts: u32::try_from(attempts).map_err(|_| unreadable())?,
        next_attempt_at: next_attempt_at.map(Micros),
        error,
        sent_at: sent_at.map(Micros),
        created_at: Micros(created_at),
    })
}
