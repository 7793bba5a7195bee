//! `/notification-channels`: where notifications about alerts go.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::openapi::Schema;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{id, paged};
use super::operation_docs::NounWords;
use super::page::SortKey;
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, ValueSchema, nullable};
use crate::app::App;
use crate::domain::document::rules::{MAX_NAME, check_required};
use crate::domain::document::{Document, DocumentContent, DocumentKind};
use crate::domain::notification::channel::{MAX_RECIPIENTS, MAX_SECRET, MAX_URL};
use crate::domain::notification::{
    ChannelConfig, ChannelDraft, ChannelKind, ChannelSecret, ChannelTarget, NotificationChannelSpec,
};

const COLLECTION: &str = "/api/v1/notification-channels";
const ONE: &str = "/api/v1/notification-channels/{id}";
const KIND: DocumentKind = DocumentKind::NotificationChannel;
const SORTABLE: &[&str] = &["createdAt", "updatedAt", "name", "type", "enabled", "id"];

/// The operations.
pub fn section() -> Section {
    Section {
        name: "Notification channels",
        about: "Webhooks and e-mail. A webhook is a POST of `{\"type\":\"alert.fired\",\"alert\":{…}}` with the headers \
                `X-Signature` (`sha256=` and the HMAC of the body) and `X-Delivery-Id`, the same in every attempt: a \
                delivery is made at least once. What fails is tried again after 1, 5 and 30 seconds.",
        endpoints: endpoints(),
        schemas: schemas(),
    }
}

fn endpoints() -> Vec<Endpoint> {
    let words = NounWords::new("NotificationChannel", "channel", "channels");
    let [list_doc, create_doc, get_doc, put_doc, delete_doc] = words.describe([
        paged(Doc::new("listNotificationChannels", "List notification channels")),
        Doc::new("createNotificationChannel", "Create a notification channel"),
        Doc::new("getNotificationChannel", "Get a notification channel"),
        Doc::new("replaceNotificationChannel", "Replace a notification channel")
            .about("Without `config.secret` a webhook keeps its secret."),
        Doc::new("deleteNotificationChannel", "Delete a notification channel")
            .about("Rules then name it no more, and its waiting deliveries fail."),
    ]);
    let test_doc = Doc::new("testNotificationChannel", "Test a notification channel")
        .about("Sends a `channel.test` once, also by a channel that is not enabled.")
        .answers(200, "Whether the receiver took the test.", schema::reference("ChannelTest"));
    vec![
        Endpoint::get(COLLECTION, list, list_doc),
        Endpoint::post(COLLECTION, create, create_doc),
        Endpoint::get(ONE, one, get_doc),
        Endpoint::put(ONE, replace, put_doc),
        Endpoint::delete(ONE, documents::delete(KIND), delete_doc),
        Endpoint::post("/api/v1/notification-channels/{id}/test", test, test_doc),
    ]
}

fn schemas() -> Vec<(&'static str, Schema)> {
    let recipients = || schema::list_of(schema::text(3, 254), 1, MAX_RECIPIENTS);
    let enabled = || schema::described(schema::boolean(), "Whether notifications go out by the channel.");
    let named = |config: ValueSchema| -> Vec<FieldSchema> {
        vec![
            schema::required("name", schema::text(1, MAX_NAME)),
            schema::required("type", schema::choice_of::<ChannelKind>()),
            schema::required("config", schema::described(config, "Receivers of the notifications.")),
            schema::optional("enabled", enabled(), true),
        ]
    };
    let either =
        |email: &str, webhook: &str| schema::any_of([schema::reference(email), schema::reference(webhook)]);
    let mut shown = vec![schema::read_only("id", id())];
    shown.extend(named(either("EmailConfig", "WebhookConfig")));
    shown.extend(["createdAt", "updatedAt"].map(|name| schema::read_only(name, schema::time())));
    let to = schema::described(recipients(), "Addresses of e-mail, none twice.");
    let url = || schema::described(schema::text(1, MAX_URL), "URL of HTTP or HTTPS.");
    let secret = schema::described(
        schema::secret(MAX_SECRET),
        "Key of the signatures; required at creation and never shown.",
    );
    let success = schema::described(schema::boolean(), "Whether the receiver took the notification.");
    let error =
        schema::described(nullable(schema::string()), "Why the receiver did not take it; null if it did.");
    vec![
        ("NotificationChannel", schema::view(&shown)),
        ("NotificationChannelBody", schema::body(&named(either("EmailConfig", "WebhookConfigBody")))),
        ("EmailConfig", schema::object(&[schema::required("to", to)])),
        ("WebhookConfig", schema::object(&[schema::required("url", url())])),
        (
            "WebhookConfigBody",
            schema::body(&[schema::required("url", url()), schema::omittable("secret", secret)]),
        ),
        (
            "ChannelTest",
            schema::object(&[schema::required("success", success), schema::required("error", error)]),
        ),
    ]
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChannelView {
    id: Uuid,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    config: Value,
    enabled: bool,
    created_at: String,
    updated_at: String,
}

impl ChannelView {
    fn new(row: &Document) -> Option<Self> {
        let NotificationChannelSpec { name, config, enabled } = row.notification_channel()?;
        Some(ChannelView {
            id: row.uuid,
            name: name.clone(),
            kind: config.kind().name(),
            config: config_view(config),
            enabled: *enabled,
            created_at: iso(row.created_at),
            updated_at: iso(row.updated_at),
        })
    }
}

/// Everything but the secret.
fn config_view(config: &ChannelConfig) -> Value {
    match config {
        ChannelConfig::Email { to } => json!({"to": to}),
        ChannelConfig::Webhook { url, secret: _ } => json!({"url": url}),
    }
}

#[derive(Serialize)]
struct TestView {
    success: bool,
    error: Option<String>,
}

/// `GET /notification-channels`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(SORTABLE)?;
    let rows = app.documents.documents(&caller.principal, KIND)?;
    let key = |row: &Arc<Document>, property: &str| {
        let channel = row.notification_channel();
        match property {
            "name" => row.name.as_str().into(),
            "type" => channel.map(|channel| channel.config.kind().name()).into(),
            "enabled" => channel.map_or(SortKey::Null, |channel| SortKey::Whole(channel.enabled.into())),
            _ => documents::sort_key(row, property),
        }
    };
    Ok(ok(page.of(rows, key, |row| row.uuid).map(|row| ChannelView::new(&row))))
}

/// `POST /notification-channels`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.documents.check_may_change_documents(&caller.principal, KIND)?;
    let draft = read(body.fields(&app).await?, None)?;
    let row = app.notifications.create_channel(&caller.principal, draft).await?;
    Ok(created(COLLECTION, row.uuid, ChannelView::new(&row)))
}

/// `GET /notification-channels/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = documents::find(&app, &caller.principal, KIND, *id)?;
    Ok(ok(ChannelView::new(&row)))
}

/// `PUT /notification-channels/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    let named = documents::named(KIND, *id);
    let stored = documents::find_to_change(&app, &caller.principal, KIND, *id)?;
    let draft = read(body.fields(&app).await?, stored.notification_channel())?;
    let changed = app.notifications.replace_channel(&caller.principal, *id, draft).await;
    let row = changed.map_err(named)?;
    Ok(ok(ChannelView::new(&row)))
}

/// `POST /notification-channels/{id}/test`.
async fn test(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let tested = app.notifications.test_channel(&caller.principal, *id).await;
    let error = tested.map_err(documents::named(KIND, *id))?;
    Ok(ok(TestView { success: error.is_none(), error }))
}

/// Reads a channel. Without a kind or a config nothing more is said of the config.
fn read(mut fields: Fields, stored: Option<&NotificationChannelSpec>) -> Result<ChannelDraft, MkError> {
    let name = fields.text_or_empty("name").trim().to_owned();
    let enabled = fields.boolean("enabled").unwrap_or(true);
    let kind = fields.required_choice("type", &ChannelKind::ALL, ChannelKind::name);
    fields.required("config");
    let (Some(kind), Some(mut config)) = (kind, fields.nested("config")) else {
        let mut problems = Vec::new();
        check_required(&mut problems, "name", &name, MAX_NAME);
        fields.finish(problems)?;
        // A kind or a config that is missing is a problem, so this is not reached.
        return Err(MkError::malformed_body());
    };
    let target = match kind {
        ChannelKind::Email => {
            config.required("to");
            ChannelTarget::Email(config.texts("to").unwrap_or_default())
        }
        ChannelKind::Webhook => {
            let url = config.text_or_empty("url").trim().to_owned();
            ChannelTarget::Webhook { url, secret: config.text("secret").map(ChannelSecret::new) }
        }
    };
    fields.absorb(config);
    let draft = ChannelDraft { name, enabled, target };
    fields.finish(draft.clone().into_channel(stored).problems())?;
    Ok(draft)
}
