//! Type of notification channels of the schema.

use async_graphql::{Object, Result};

use super::{DocumentHead, TypedDocument, typed_document};
use crate::domain::notification::{ChannelConfig, NotificationChannelSpec};

/// Where notifications about alerts go.
pub struct NotificationChannel(TypedDocument<NotificationChannelSpec>);

typed_document!(NotificationChannel, NotificationChannelSpec, notification_channel);

/// A channel: where notifications about alerts go. Its secret is never shown.
#[Object]
impl NotificationChannel {
    #[graphql(flatten)]
    async fn head(&self) -> DocumentHead {
        DocumentHead(self.0.document().clone())
    }

    /// Name of the channel, 1 to 255 characters, unique in the organization.
    async fn name(&self) -> Result<&str> {
        Ok(&self.0.content()?.name)
    }

    /// How notifications are sent: `EMAIL` or `WEBHOOK`.
    #[graphql(name = "type")]
    async fn kind(&self) -> Result<&'static str> {
        Ok(self.0.content()?.config.kind().name())
    }

    /// Whether notifications go out at all.
    async fn enabled(&self) -> Result<bool> {
        Ok(self.0.content()?.enabled)
    }

    /// Addresses of e-mail; null for a webhook.
    async fn recipients(&self) -> Result<Option<&[String]>> {
        Ok(match &self.0.content()?.config {
            ChannelConfig::Email { to } => Some(to),
            ChannelConfig::Webhook { .. } => None,
        })
    }

    /// Scheme and host of the URL of a webhook; what follows them may be secret, and is `/…` here. Null for e-mail.
    async fn url(&self) -> Result<Option<String>> {
        Ok(self.0.content()?.public_url())
    }
}
