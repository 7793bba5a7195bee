//! Mutations of notification channels.

use std::sync::Arc;

use async_graphql::{Context, Object, Result, SimpleObject};

use super::document::{DeletedDocument, parse_uuid, to_change};
use super::input;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::{UserError, into_payload};
use crate::api::graphql::input_object::input_objects;
use crate::api::graphql::objects::document::DocumentNode;
use crate::api::graphql::objects::document::notification_channel::NotificationChannel;
use crate::app::fields::reader::ReadMode;
use crate::domain;
use crate::domain::document::{Document, DocumentKind};

/// Mutations that create, change, delete and test notification channels.
#[derive(Default)]
pub struct ChannelMutations;

input_objects! {
    /// Input for a new notification channel. Omitted fields get their defaults.
    pub struct CreateNotificationChannelInput {
        /// Name of the channel, 1 to 255 characters, unique in the organization.
        name: String,
        /// How notifications are sent: `EMAIL` or `WEBHOOK`.
        #[graphql(name = "type")]
        #[serde(rename = "type")]
        kind: String,
        #[graphql(flatten)]
        #[serde(flatten)]
        settings: ChannelSettings,
    }

    /// Changes to a notification channel. Omitted fields stay unchanged.
    pub struct UpdateNotificationChannelInput {
        /// Name of the channel, 1 to 255 characters, unique in the organization.
        name: Option<String>,
        /// How notifications are sent: `EMAIL` or `WEBHOOK`.
        #[graphql(name = "type")]
        #[serde(rename = "type")]
        kind: Option<String>,
        #[graphql(flatten)]
        #[serde(flatten)]
        settings: ChannelSettings,
    }

    /// Channel settings besides name and type.
    pub struct ChannelSettings {
        /// Addresses of e-mail, 1 to 50; of `EMAIL` only.
        recipients: Option<Vec<String>>,
        /// URL of a webhook, at most 2,000 characters; of `WEBHOOK` only.
        url: Option<String>,
        /// Key of the signatures of a webhook; never shown. Omitted, the stored one stays.
        #[graphql(secret)]
        secret: Option<String>,
        /// Whether notifications go out at all; default true.
        enabled: Option<bool>,
    }
}

/// Result of creating or updating a notification channel.
#[derive(SimpleObject)]
pub struct NotificationChannelPayload {
    /// The channel as stored after the change; null if nothing was changed.
    notification_channel: Option<NotificationChannel>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

impl NotificationChannelPayload {
    fn from_result(ctx: &Context<'_>, result: domain::Result<Arc<Document>>) -> Result<Self> {
        let (row, errors) = into_payload(result)?;
        let channel = row.and_then(|row| NotificationChannel::of(app(ctx), caller(ctx), row));
        Ok(Self { notification_channel: channel, errors })
    }
}

/// Result of testing a notification channel.
#[derive(SimpleObject)]
pub struct TestNotificationChannelPayload {
    /// Whether the receiver took the notification.
    success: bool,
    /// Why the receiver did not take it; null if it did.
    error: Option<String>,
    /// Errors in the input, each with its field; empty on success.
    errors: Vec<UserError>,
}

#[Object(name = "ChannelMutations")]
impl ChannelMutations {
    /// Creates a channel that alert rules can name.
    async fn create_notification_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Fields of the row.")] input: CreateNotificationChannelInput,
    ) -> Result<NotificationChannelPayload> {
        let fields = input::to_fields(&input, ReadMode::Whole, &[]);
        let made = app(ctx).notifications.create_channel_from_fields(caller(ctx), fields).await;
        NotificationChannelPayload::from_result(ctx, made)
    }

    /// Updates the given fields of a notification channel.
    async fn update_notification_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the notification channel, as text.")] uuid: String,
        #[graphql(
            desc = "Version that the change is meant for; `CONFLICT` if the row has another one by now."
        )]
        version: Option<i32>,
        #[graphql(desc = "Fields of the row.")] input: UpdateNotificationChannelInput,
    ) -> Result<NotificationChannelPayload> {
        let fields = to_change(&input, version, &[]);
        let made = match parse_uuid(&uuid) {
            Ok(uuid) => app(ctx).notifications.update_channel_from_fields(caller(ctx), uuid, fields).await,
            Err(error) => Err(error),
        };
        NotificationChannelPayload::from_result(ctx, made)
    }

    /// Deletes a notification channel; rules name it no more.
    async fn delete_notification_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the notification channel, as text.")] uuid: String,
    ) -> Result<DeletedDocument> {
        let gone = match parse_uuid(&uuid) {
            Ok(uuid) => {
                app(ctx).documents.delete_document(caller(ctx), DocumentKind::NotificationChannel, uuid).await
            }
            Err(error) => Err(error),
        };
        DeletedDocument::from_result(&uuid, gone)
    }

    /// Sends a notification by a channel at once, also by one that is not enabled.
    async fn test_notification_channel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the notification channel, as text.")] uuid: String,
    ) -> Result<TestNotificationChannelPayload> {
        let tested = match parse_uuid(&uuid) {
            Ok(uuid) => app(ctx).notifications.test_channel(caller(ctx), uuid).await,
            Err(error) => Err(error),
        };
        let (tested, errors) = into_payload(tested)?;
        let success = matches!(tested, Some(None));
        Ok(TestNotificationChannelPayload { success, error: tested.flatten(), errors })
    }
}
