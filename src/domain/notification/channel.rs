//! Channels: where notifications go. Each belongs to an organization; alert rules name them by their ids.

use serde::{Deserialize, Serialize};

use super::address::is_mail_address;
use super::secret::ChannelSecret;
use crate::domain::FieldError;
use crate::domain::document::DocumentContent;
use crate::domain::document::rules::{MAX_NAME, check_required};
use crate::domain::named_enum::named_enum;

/// Most addresses of a channel.
pub const MAX_RECIPIENTS: usize = 50;
/// Most characters of a URL.
pub const MAX_URL: usize = 2000;
/// Most characters of a secret.
pub const MAX_SECRET: usize = 255;

/// Settable fields of a channel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NotificationChannelSpec {
    /// 1..=255 characters, unique in the organization.
    pub name: String,
    /// Destination of the notifications.
    pub config: ChannelConfig,
    /// Whether they go out at all.
    pub enabled: bool,
}

impl DocumentContent for NotificationChannelSpec {
    fn unique_name(&self) -> String {
        self.name.clone()
    }

    fn unique_title(&self) -> String {
        format!("A notification channel with the name '{}' exists", self.name)
    }

    fn problems(&self) -> Vec<FieldError> {
        let mut found = Vec::new();
        check_required(&mut found, "name", &self.name, MAX_NAME);
        match &self.config {
            ChannelConfig::Email { to } => check_recipients(&mut found, to),
            ChannelConfig::Webhook { url, secret } => {
                check_url(&mut found, url);
                check_required(&mut found, "secret", secret.expose(), MAX_SECRET);
            }
        }
        found
    }

    fn secret(&self) -> Option<ChannelSecret> {
        self.config.secret().cloned()
    }

    fn set_secret(&mut self, stored: ChannelSecret) {
        self.config.set_secret(stored);
    }

    fn hide_confidential(&mut self) {
        if let ChannelConfig::Webhook { url, .. } = &mut self.config {
            *url = origin_of(url);
        }
    }
}

impl NotificationChannelSpec {
    /// Scheme and host of the URL of a webhook, as SQL and the graph show it.
    pub fn public_url(&self) -> Option<String> {
        match &self.config {
            ChannelConfig::Email { .. } => None,
            ChannelConfig::Webhook { url, .. } => Some(origin_of(url)),
        }
    }
}

/// Destination of notifications.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ChannelConfig {
    /// An e-mail to all of these.
    Email {
        /// 1..=50 addresses, none twice.
        to: Vec<String>,
    },
    /// A POST to a server.
    Webhook {
        /// `http` or `https`, at most 2000 characters. Its path and query may hold secrets of the receiver.
        url: String,
        /// Key of the signature of each POST. It is no part of the JSON: the catalog keeps it in a column of its own.
        #[serde(skip)]
        secret: ChannelSecret,
    },
}

named_enum! {
    /// Kind of a channel.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum ChannelKind {
        /// E-mail.
        Email = "EMAIL",
        /// POST to a server.
        Webhook = "WEBHOOK",
    }
    field "type";
}

impl ChannelConfig {
    /// Kind of the channel.
    pub fn kind(&self) -> ChannelKind {
        match self {
            ChannelConfig::Email { .. } => ChannelKind::Email,
            ChannelConfig::Webhook { .. } => ChannelKind::Webhook,
        }
    }

    /// The secret, where the kind has one.
    pub fn secret(&self) -> Option<&ChannelSecret> {
        match self {
            ChannelConfig::Email { .. } => None,
            ChannelConfig::Webhook { secret, .. } => Some(secret),
        }
    }

    /// Puts the secret back that was stored apart.
    pub fn set_secret(&mut self, stored: ChannelSecret) {
        match self {
            ChannelConfig::Email { .. } => {}
            ChannelConfig::Webhook { secret, .. } => *secret = stored,
        }
    }
}

/// A channel as a request describes it: a webhook may leave its secret out.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelDraft {
    /// Name of the channel ([`NotificationChannelSpec::name`]).
    pub name: String,
    /// Whether notifications are sent ([`NotificationChannelSpec::enabled`]).
    pub enabled: bool,
    /// Destination of the notifications.
    pub target: ChannelTarget,
}

/// Destination of the notifications of a draft.
#[derive(Debug, Clone, PartialEq)]
pub enum ChannelTarget {
    /// To addresses of e-mail.
    Email(Vec<String>),
    /// To a server.
    Webhook {
        /// Address of the server ([`ChannelConfig::Webhook`]).
        url: String,
        /// `None` keeps the stored one.
        secret: Option<ChannelSecret>,
    },
}

impl ChannelDraft {
    /// The channel that the draft makes of the stored one. Without a secret of either it has an empty one, which is a
    /// problem of its own.
    pub fn into_channel(self, stored: Option<&NotificationChannelSpec>) -> NotificationChannelSpec {
        let config = match self.target {
            ChannelTarget::Email(to) => ChannelConfig::Email { to },
            ChannelTarget::Webhook { url, secret } => {
                let kept = || stored.and_then(|stored| stored.config.secret()).cloned();
                let secret = secret.or_else(kept).unwrap_or_else(|| ChannelSecret::new(""));
                ChannelConfig::Webhook { url, secret }
            }
        };
        NotificationChannelSpec { name: self.name, config, enabled: self.enabled }
    }
}

/// Scheme and host of a URL with `/…` for what follows them, where receivers have their secrets.
fn origin_of(url: &str) -> String {
    let host = url.find("://").map_or(0, |at| at + "://".len());
    let rest = url.get(host..).unwrap_or_default();
    let end = rest.find(['/', '?', '#', '\\']).map_or(url.len(), |at| host + at);
    match url.get(..end) {
        Some(origin) if end < url.len() => format!("{origin}/…"),
        _ => url.to_owned(),
    }
}

fn check_recipients(found: &mut Vec<FieldError>, to: &[String]) {
    if to.is_empty() || to.len() > MAX_RECIPIENTS {
        let message = format!("size must be between 1 and {MAX_RECIPIENTS}");
        found.push(FieldError::new("recipients", message));
        return;
    }
    for (index, address) in to.iter().enumerate() {
        let field = format!("recipients[{index}]");
        if !is_mail_address(address) {
            found.push(FieldError::new(field, "must be an e-mail address such as ops@plant.example"));
        } else if to[..index].contains(address) {
            found.push(FieldError::new(field, "must be unique"));
        }
    }
}

fn check_url(found: &mut Vec<FieldError>, url: &str) {
    let before = found.len();
    check_required(found, "url", url, MAX_URL);
    if found.len() == before && !is_web_url(url) {
        let message = "must be a URL that begins with http:// or https://, without a user name and with a port up to 65535";
        found.push(FieldError::new("url", message));
    }
}

/// Whether a text begins as a URL of the web with a host. What follows the host is the receiver's.
fn is_web_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_clean = !url.chars().any(|c| c.is_whitespace() || c.is_control());
    let authority = rest.and_then(|rest| rest.split(['/', '?', '#', '\\']).next()).unwrap_or_default();
    is_clean && !authority.contains('@') && has_host_and_port(authority)
}

/// Whether there is a host, and a port that can be, if there is one. An IPv6 address is in brackets.
fn has_host_and_port(authority: &str) -> bool {
    match authority.rsplit_once(':') {
        Some((_, end)) if end.ends_with(']') => true,
        Some((host, port)) => !host.is_empty() && (port.is_empty() || port.parse::<u16>().is_ok()),
        None => !authority.is_empty(),
    }
}

#[cfg(test)]
#[path = "channel_tests.rs"]
mod tests;
