//! `/alerts/{id}/notifications`: what became of the notifications about an alert.

use std::sync::Arc;

use axum::extract::State;
use uuid::Uuid;

use super::Answer;
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::list::{FieldVisitor, MkNoun, read_only};
use super::noun::schemas;
use super::openapi_document::id;
use super::path::PathId;
use super::problem::MkError;
use super::wire::ok;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::fields::shown::ShownRow;
use crate::app::notification::channels::AlertDelivery;
use crate::domain::Micros;
use crate::domain::notification::delivery::MAX_ATTEMPTS;
use crate::domain::notification::{AlertNotice, ChannelKind, DeliveryStatus};

/// The operations.
pub fn section() -> Section {
    Section {
        name: "Alert notifications",
        about: "The log of deliveries.",
        endpoints: vec![Endpoint::get(
            "/api/v1/alerts/{id}/notifications",
            list,
            Doc::new("listAlertNotifications", "List the notifications about an alert")
                .about(
                    "The oldest first; one for each channel that its rule named when it fired, and one more for each \
                     when it was resolved.",
                )
                .answers(
                    200,
                    "Deliveries of the alert to its channels.",
                    schema::list(schema::reference("AlertNotification")),
                ),
        )],
        schemas: vec![schemas::view::<DeliveryRow>("AlertNotification")],
    }
}

/// A delivery as shown.
struct DeliveryRow {
    id: Uuid,
    notice: AlertNotice,
    channel: Uuid,
    channel_kind: Option<ChannelKind>,
    status: DeliveryStatus,
    attempts: u32,
    error: Option<String>,
    sent_at: Option<Micros>,
}

impl MkNoun for DeliveryRow {
    fn blank() -> Self {
        DeliveryRow {
            id: Uuid::nil(),
            notice: AlertNotice::Fired,
            channel: Uuid::nil(),
            channel_kind: None,
            status: DeliveryStatus::Pending,
            attempts: 0,
            error: None,
            sent_at: None,
        }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let DeliveryRow { id: uuid, notice, channel, channel_kind, status, attempts, error, sent_at } = self;
        let kinds = || nullable(schema::choice_of::<ChannelKind>());
        let count = || schema::integer(0, i64::from(MAX_ATTEMPTS));
        let about = "Id of the delivery; webhooks have it in `X-Delivery-Id`.";
        visitor.visit(read_only("id", about, id), uuid);
        let about = "Change of the alert that the delivery reports; a webhook has it as `type`.";
        visitor.visit(read_only("type", about, schema::choice_of::<AlertNotice>), notice);
        visitor.visit(read_only("channelId", "Channel that carries the delivery.", id), channel);
        let about = "Kind of the channel; null once it is deleted.";
        visitor.visit(read_only("channelType", about, kinds), channel_kind);
        let about = "State of the row, or HTTP status of the response.";
        visitor.visit(read_only("status", about, schema::choice_of::<DeliveryStatus>), status);
        visitor.visit(read_only("attempts", "Attempts made, the first counted.", count), attempts);
        let about = "Why the last attempt failed.";
        visitor.visit(read_only("error", about, || nullable(schema::string())), error);
        let about = "Time at which the receiver took it.";
        visitor.visit(read_only("sentAt", about, || nullable(schema::time())), sent_at);
    }
}

fn view(AlertDelivery { delivery, kind }: AlertDelivery) -> ShownRow {
    ShownRow::new(DeliveryRow {
        id: delivery.id,
        notice: delivery.notice,
        channel: delivery.channel,
        channel_kind: kind,
        status: delivery.status,
        attempts: delivery.attempts,
        error: delivery.error,
        sent_at: delivery.sent_at,
    })
}

/// `GET /alerts/{id}/notifications`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let rows = app.notifications.deliveries_of_alert(&caller.principal, *id).await;
    let rows = rows.map_err(|error| MkError::named(error, "Alert", *id))?;
    Ok(ok(rows.into_iter().map(view).collect::<Vec<_>>()))
}
