//! Type of notification channels of the schema.

use async_graphql::{Object, Result};

use super::{TypedDocument, document_object, typed_document};
use crate::domain::notification::{ChannelConfig, NotificationChannelSpec};

/// Destination of alert notifications.
pub struct NotificationChannel(TypedDocument<NotificationChannelSpec>);

typed_document!(NotificationChannel, NotificationChannelSpec, notification_channel);

document_object! {
    #[Object]
    /// A channel: where notifications about alerts go. Its secret is never shown.
    impl NotificationChannel(self) {
        /// Name of the channel, 1 to 255 characters, unique in the organization.
        name: &str = &self.0.content()?.name;
        /// How notifications are sent: `EMAIL` or `WEBHOOK`.
        #[graphql(name = "type")]
        kind: &'static str = self.0.content()?.config.kind().name();
        /// Whether notifications go out at all.
        enabled: bool = self.0.content()?.enabled;
        /// Scheme and host of the URL of a webhook; what follows them may be secret, and is `/…` here. Null for e-mail.
        url: Option<String> = self.0.content()?.public_url();
    }
    resolvers {
        /// Addresses of e-mail; null for a webhook.
        async fn recipients(&self) -> Result<Option<&[String]>> {
            Ok(match &self.0.content()?.config {
                ChannelConfig::Email { to } => Some(to),
                ChannelConfig::Webhook { .. } => None,
            })
        }
    }
}
