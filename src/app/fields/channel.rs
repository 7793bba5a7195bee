//! The fields of a notification channel. Its secret is read and never shown.

use std::sync::Arc;

use uuid::Uuid;

use super::reader::FieldReader;
use super::version::read_version;
use super::visitor::Presence::{Optional, Required};
use crate::app::notification::Notifications;
use crate::domain::document::rules::MAX_NAME;
use crate::domain::document::{Document, DocumentContent, DocumentKind, DocumentSpec};
use crate::domain::notification::channel::MAX_URL;
use crate::domain::notification::{
    ChannelConfig, ChannelDraft, ChannelKind, ChannelSecret, ChannelTarget, NotificationChannelSpec,
};
use crate::domain::{Principal, Result};

/// Kind of the documents that are channels.
const KIND: DocumentKind = DocumentKind::NotificationChannel;

/// The settable fields. No `Debug`, because they include a secret.
struct ChannelFields {
    name: String,
    kind: ChannelKind,
    enabled: bool,
    recipients: Vec<String>,
    url: String,
    /// `None` keeps the stored one.
    secret: Option<String>,
}

impl ChannelFields {
    fn blank() -> Self {
        ChannelFields {
            name: String::new(),
            kind: ChannelKind::Email,
            enabled: true,
            recipients: Vec::new(),
            url: String::new(),
            secret: None,
        }
    }

    fn of(stored: &NotificationChannelSpec) -> Self {
        let NotificationChannelSpec { name, config, enabled } = stored.clone();
        let fields = ChannelFields { name, kind: config.kind(), enabled, ..ChannelFields::blank() };
        match config {
            ChannelConfig::Email { to } => ChannelFields { recipients: to, ..fields },
            ChannelConfig::Webhook { url, secret: _ } => ChannelFields { url, ..fields },
        }
    }

    fn read(&mut self, fields: &mut FieldReader) {
        // All fields by name: one that is missing here does not compile.
        let ChannelFields { name, kind, enabled, recipients, url, secret } = self;
        fields.read("name", Required, 1..=MAX_NAME, name);
        fields.read("type", Required, (), kind);
        fields.read("enabled", Optional, (), enabled);
        fields.texts("recipients", recipients);
        fields.read("url", Optional, 0..=MAX_URL, url);
        fields.text_or_null("secret", secret);
    }

    fn into_draft(self) -> ChannelDraft {
        let target = match self.kind {
            ChannelKind::Email => ChannelTarget::Email(self.recipients),
            ChannelKind::Webhook => {
                ChannelTarget::Webhook { url: self.url, secret: self.secret.map(ChannelSecret::new) }
            }
        };
        ChannelDraft { name: self.name, enabled: self.enabled, target }
    }
}

impl Notifications {
    /// Creates a channel; absent fields get their defaults.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; `Conflict` for a name that is taken; otherwise as `Documents::create_document`.
    pub async fn create_channel_from_fields(
        &self,
        principal: &Principal,
        mut fields: FieldReader,
    ) -> Result<Arc<Document>> {
        self.documents.check_may_change_documents(principal, KIND)?;
        let mut new = ChannelFields::blank();
        new.read(&mut fields);
        let draft = new.into_draft();
        fields.finish(draft.clone().into_channel(None).problems())?;
        self.create_channel(principal, draft).await
    }

    /// Changes the given fields of a channel. A whole row replaces it: absent fields get their defaults, but a webhook keeps
    /// its secret unless another is given.
    ///
    /// # Errors
    /// `Invalid` naming every wrong field; `NotFound`; `Conflict` for a name that is taken, and for another version than that of the
    /// fields.
    pub async fn update_channel_from_fields(
        &self,
        principal: &Principal,
        uuid: Uuid,
        mut given: FieldReader,
    ) -> Result<Arc<Document>> {
        let row = self.documents.document_to_change(principal, KIND, uuid)?;
        let version = read_version(&mut given);
        let mut fields = given.clone();
        let drafted = |stored: &NotificationChannelSpec, fields: &mut FieldReader| {
            let mut changed =
                if fields.is_whole() { ChannelFields::blank() } else { ChannelFields::of(stored) };
            changed.read(fields);
            changed.into_draft().into_channel(Some(stored))
        };
        let problems = row.notification_channel().map(|stored| drafted(stored, &mut fields).problems());
        fields.finish(problems.unwrap_or_default())?;
        // Made again of the row stored by then: concurrent updates of different fields must both last.
        let change = move |spec: &mut DocumentSpec| {
            if let DocumentSpec::NotificationChannel(stored) = spec {
                *stored = drafted(stored, &mut given.clone());
            }
        };
        self.documents.update_document(principal, (KIND, uuid), version, change).await
    }
}
