//! Channels: replaced without losing their secret, and tested. All else is as with every document.

use std::sync::Arc;

use uuid::Uuid;

use super::message::Notification;
use crate::app::notification::Notifications;
use crate::domain::audit::{Action, AuditChange};
use crate::domain::document::{Document, DocumentKind, DocumentSpec};
use crate::domain::notification::{ChannelDraft, ChannelKind, Delivery};
use crate::domain::{Error, Principal, Resource, Result, Scope};

/// Kind of the documents that are channels.
const KIND: DocumentKind = DocumentKind::NotificationChannel;

/// A delivery with the kind of its channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertDelivery {
    pub delivery: Delivery,
    /// `None` once the channel is deleted.
    pub kind: Option<ChannelKind>,
}

impl Notifications {
    /// Creates a channel.
    pub async fn create_channel(&self, principal: &Principal, draft: ChannelDraft) -> Result<Arc<Document>> {
        self.documents
            .create_document(principal, DocumentSpec::NotificationChannel(draft.into_channel(None)))
            .await
    }

    /// Replaces a channel; without a secret the draft keeps that of this moment.
    pub async fn replace_channel(
        &self,
        principal: &Principal,
        channel: Uuid,
        draft: ChannelDraft,
    ) -> Result<Arc<Document>> {
        let change = |spec: &mut DocumentSpec| {
            let stored =
                if let DocumentSpec::NotificationChannel(stored) = &*spec { Some(stored) } else { None };
            *spec = DocumentSpec::NotificationChannel(draft.into_channel(stored));
        };
        self.documents.update_document(principal, (KIND, channel), None, change).await
    }

    /// Sends a notification by a channel at once, also by one that is not enabled, and returns why it failed, if it did.
    ///
    /// # Errors
    /// `NotFound` for a channel that is not visible; `Busy` when too many are being tested.
    pub async fn test_channel(&self, principal: &Principal, channel: Uuid) -> Result<Option<String>> {
        let row = self.documents.document_to_change(principal, KIND, channel)?;
        if principal.is_restricted() {
            return Err(Error::forbidden("a key restricted to some devices or data may not do this"));
        }
        let spec = row.notification_channel().ok_or_else(Error::not_found)?;
        let _permit = self.tests.acquire(row.org)?;
        let change = AuditChange::new(Action::Test, "notification_channel", row.id.0);
        self.audit.audit(principal, change).await?;
        let notification = Notification::of_test(row.uuid, &spec.name, self.clock.now());
        let sent = self.send(&spec.config, notification).await;
        Ok(sent.err().map(|failure| failure.reason))
    }

    /// Deliveries of an alert, the oldest first.
    ///
    /// # Errors
    /// `NotFound` for an alert that the principal does not see.
    pub async fn deliveries_of_alert(
        &self,
        principal: &Principal,
        alert: Uuid,
    ) -> Result<Vec<AlertDelivery>> {
        principal.require(Scope::read(Resource::EventLog))?;
        let catalog = self.store.catalog();
        let deliveries = catalog.events.deliveries_of_alert(principal, alert).await?;
        let with_kind = |delivery: Delivery| {
            let channel = catalog.documents.document(principal, KIND, delivery.channel).ok();
            let kind = channel.and_then(|row| Some(row.notification_channel()?.config.kind()));
            AlertDelivery { delivery, kind }
        };
        Ok(deliveries.into_iter().map(with_kind).collect())
    }
}
