//! Table `alert_notification`: what is to be sent, or was sent, about alerts.

use sea_orm::Set;
use sea_orm::entity::prelude::*;

use crate::domain::Micros;
use crate::domain::event::Event;
use crate::domain::notification::AlertNotice;

/// Status of a notification that was not sent yet.
pub const PENDING: &str = "PENDING";

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "alert_notification")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub org_id: i32,
    /// Event of the alert.
    pub alert_id: i32,
    /// Notice about the alert.
    pub notice: String,
    /// UUID of the channel, which may have been deleted since.
    pub channel_id: Uuid,
    pub status: String,
    pub attempts: i32,
    /// Time of the next attempt, microseconds; null once nothing follows.
    pub next_attempt_at: Option<i64>,
    pub error: Option<String>,
    pub sent_at: Option<i64>,
    pub created_at: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A notification to be sent at once.
pub fn new(alert: &Event, notice: AlertNotice, channel: Uuid, now: Micros) -> ActiveModel {
    ActiveModel {
        id: Set(Uuid::new_v4()),
        org_id: Set(alert.org.0),
        alert_id: Set(alert.id.0),
        notice: Set(notice.name().to_owned()),
        channel_id: Set(channel),
        status: Set(PENDING.to_owned()),
        attempts: Set(0),
        next_attempt_at: Set(Some(now.0)),
        error: Set(None),
        sent_at: Set(None),
        created_at: Set(now.0),
    }
}
