//! `/api/channel/`: where notifications about alerts go.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::document::{self, DocumentView, PathUuid};
use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, omittable, optional, read_only, required, write_only};
use crate::app::App;
use crate::app::fields::reader::ReadMode;
use crate::domain::document::{Document, DocumentKind};
use crate::domain::notification::channel::{MAX_RECIPIENTS, MAX_SECRET, MAX_URL};
use crate::domain::notification::{ChannelConfig, ChannelKind};
use crate::domain::{DocumentId, Resource, Result};

const KIND: DocumentKind = DocumentKind::NotificationChannel;

/// Routes, documentation and schemas of notification channels.
pub fn section() -> Section {
    let right = RequiredAccess::Scope(Resource::Device);
    let of_one = |path: &'static str| Route::gated(path, right).variable("uuid", schema::string());
    let [list, create, get, replace, update, destroy, test] = docs();
    Section {
        name: "Notification channels",
        about: "Receivers of notifications about alerts: e-mail, or a signed POST to a server.",
        routes: vec![
            Route::gated("/api/channel", right)
                .get(document::list::<ChannelView>, list)
                .post(self::create, create),
            of_one("/api/channel/{uuid}")
                .get(document::retrieve::<ChannelView>, get)
                .put(self::update, replace)
                .patch(self::update, update)
                .delete(document::destroy::<ChannelView>, destroy),
            of_one("/api/channel/{uuid}/test").post(self::test, test),
        ],
        schemas: vec![
            ("Channel", schema::view(&described())),
            ("NewChannel", schema::body(&settable())),
            ("ChannelReplacement", schema::body(&document::with_version(settable()))),
            ("ChannelChange", schema::patch(&document::with_version(settable()))),
            ("ChannelTest", schema::view(&described_test())),
        ],
    }
}

fn docs() -> [Doc; 7] {
    let one = || schema::reference("Channel");
    [
        Doc::new("channel_list", "List notification channels, the oldest first").page().answers(
            200,
            "The channels of the organization",
            schema::list(one()),
        ),
        Doc::new("channel_create", "Create a notification channel")
            .body(schema::reference("NewChannel"))
            .refuses(409)
            .answers(201, "The new channel", one())
            .with_header("Location", schema::string(), "Path of the channel."),
        Doc::new("channel_get", "Get a notification channel").answers(200, "The requested channel", one()),
        Doc::new("channel_replace", "Replace a notification channel; absent fields get their defaults")
            .about("Without `secret` a webhook keeps its secret.")
            .body(schema::reference("ChannelReplacement"))
            .refuses(409)
            .answers(200, "The replaced channel", one()),
        Doc::new("channel_update", "Change the given fields of a notification channel")
            .body(schema::reference("ChannelChange"))
            .refuses(409)
            .answers(200, "The changed channel", one()),
        Doc::new("channel_delete", "Delete a notification channel")
            .about("Rules name it no more, and its waiting deliveries fail.")
            .answers_nothing("The channel was deleted"),
        Doc::new("channel_test", "Send a notification by a channel at once")
            .about("Also by one that is not enabled.")
            .answers(200, "Whether the receiver took it", schema::reference("ChannelTest")),
    ]
}

fn settable() -> Vec<FieldSchema> {
    let recipients = schema::list_of(schema::text(3, 254), 0, MAX_RECIPIENTS);
    let recipients = schema::described(recipients, "Addresses of e-mail, 1 to 50; empty for a webhook.");
    let url = "URL of a webhook. Responses have its scheme and host alone, with `/…` for the rest; empty for e-mail.";
    let secret = "Key of the signatures of a webhook, required at its creation and never shown.";
    vec![
        required("name", schema::text(1, 255)),
        required("type", schema::choice_of::<ChannelKind>()),
        optional("enabled", schema::boolean(), true),
        optional("recipients", recipients, Vec::<Value>::new()),
        omittable("url", schema::described(schema::text(0, MAX_URL), url)),
        write_only("secret", schema::described(schema::nullable(schema::secret(MAX_SECRET)), secret)),
    ]
}

fn described() -> Vec<FieldSchema> {
    document::with_head(settable())
}

fn described_test() -> Vec<FieldSchema> {
    let success = schema::described(schema::boolean(), "Whether the receiver took the notification.");
    let error = schema::described(schema::nullable(schema::string()), "Why the receiver did not take it.");
    vec![read_only("success", success), read_only("error", error)]
}

/// `POST /api/channel`: creates a channel; 201 with its path in `Location`.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<impl IntoResponse, RestError> {
    app.documents.check_may_change_documents(&caller, KIND)?;
    let fields = body.fields(ReadMode::Whole).await?;
    let row = app.notifications.create_channel_from_fields(&caller, fields).await?;
    let location = format!("/api/channel/{}/", row.uuid);
    Ok((StatusCode::CREATED, [(header::LOCATION, location)], Json(ChannelView::new(&row)?)))
}

/// `PUT /api/channel/{uuid}` replaces all fields; absent ones get their defaults, but the secret stays. `PATCH`
/// changes the given fields.
pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    PathUuid(uuid): PathUuid,
    body: DeferredJson,
) -> Result<Json<ChannelView>, RestError> {
    app.documents.document_to_change(&caller, KIND, uuid)?;
    let fields = body.change().await?;
    let row = app.notifications.update_channel_from_fields(&caller, uuid, fields).await?;
    Ok(Json(ChannelView::new(&row)?))
}

/// `POST /api/channel/{uuid}/test`: sends a notification at once, also by a channel that is not enabled.
pub async fn test(
    caller: Caller,
    State(app): State<Arc<App>>,
    PathUuid(uuid): PathUuid,
) -> Result<Json<TestView>, RestError> {
    let error = app.notifications.test_channel(&caller, uuid).await?;
    Ok(Json(TestView { success: error.is_none(), error }))
}

/// Whether the receiver took a notification.
#[derive(Debug, Serialize)]
pub struct TestView {
    success: bool,
    error: Option<String>,
}

/// A channel in a response, without its secret and without what follows the host of its URL.
#[derive(Debug, Serialize)]
pub struct ChannelView {
    /// Row number, unique among the documents of all kinds.
    id: DocumentId,
    uuid: Uuid,
    /// Counts the changes, from 1.
    version: i32,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    enabled: bool,
    recipients: Vec<String>,
    url: String,
    created_at: String,
    updated_at: String,
}

impl DocumentView for ChannelView {
    const KIND: DocumentKind = KIND;

    fn new(row: &Document) -> Result<Self> {
        let spec = row.notification_channel().ok_or_else(document::other_kind_error)?;
        let recipients = match &spec.config {
            ChannelConfig::Email { to } => to.clone(),
            ChannelConfig::Webhook { .. } => Vec::new(),
        };
        Ok(Self {
            id: row.id,
            uuid: row.uuid,
            version: row.version,
            name: spec.name.clone(),
            kind: spec.config.kind().name(),
            enabled: spec.enabled,
            recipients,
            url: spec.public_url().unwrap_or_default(),
            created_at: row.created_at.to_iso(),
            updated_at: row.updated_at.to_iso(),
        })
    }
}
