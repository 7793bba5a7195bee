//! `/alerts/{id}/notifications`: what became of the notifications about an alert.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::Answer;
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::id;
use super::path::PathId;
use super::problem::MkError;
use super::wire::{iso, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::app::notification::channels::AlertDelivery;
use crate::domain::notification::delivery::MAX_ATTEMPTS;
use crate::domain::notification::{AlertNotice, ChannelKind, DeliveryStatus};

/// The operations.
pub fn section() -> Section {
    let kinds = nullable(schema::choice(ChannelKind::ALL.map(ChannelKind::name)));
    let attempts = schema::integer(0, i64::from(MAX_ATTEMPTS));
    let shown = [
        schema::required(
            "id",
            schema::described(id(), "Id of the delivery; webhooks have it in `X-Delivery-Id`."),
        ),
        schema::required(
            "type",
            schema::described(
                schema::choice(AlertNotice::ALL.map(AlertNotice::name)),
                "What the delivery tells of the alert; a webhook has it as `type`.",
            ),
        ),
        schema::required("channelId", schema::described(id(), "Channel that carries the delivery.")),
        schema::required(
            "channelType",
            schema::described(kinds, "Kind of the channel; null once it is deleted."),
        ),
        schema::required("status", schema::choice(DeliveryStatus::ALL.map(DeliveryStatus::name))),
        schema::required("attempts", schema::described(attempts, "Attempts made, the first counted.")),
        schema::required(
            "error",
            schema::described(nullable(schema::string()), "Why the last attempt failed."),
        ),
        schema::required(
            "sentAt",
            schema::described(nullable(schema::time()), "Time at which the receiver took it."),
        ),
    ];
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
        schemas: vec![("AlertNotification", schema::object(&shown))],
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeliveryView {
    id: Uuid,
    #[serde(rename = "type")]
    notice: &'static str,
    channel_id: Uuid,
    channel_type: Option<&'static str>,
    status: &'static str,
    attempts: u32,
    error: Option<String>,
    sent_at: Option<String>,
}

impl From<AlertDelivery> for DeliveryView {
    fn from(row: AlertDelivery) -> Self {
        let AlertDelivery { delivery, kind } = row;
        DeliveryView {
            id: delivery.id,
            notice: delivery.notice.name(),
            channel_id: delivery.channel,
            channel_type: kind.map(ChannelKind::name),
            status: delivery.status.name(),
            attempts: delivery.attempts,
            error: delivery.error,
            sent_at: delivery.sent_at.map(iso),
        }
    }
}

/// `GET /alerts/{id}/notifications`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let rows = app.notifications.deliveries_of_alert(&caller.principal, *id).await;
    let rows = rows.map_err(|error| MkError::named(error, "Alert", *id))?;
    Ok(ok(rows.into_iter().map(DeliveryView::from).collect::<Vec<_>>()))
}
