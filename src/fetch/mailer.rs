//! Sends e-mails through the configured mail server. The server is the operator's choice, so the egress policy does not
//! apply to it.

use std::time::Duration;

use lettre::address::Envelope;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::Error as SmtpError;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::time::timeout;

use super::accepted_recipients::AcceptedRecipients;
use crate::domain::notification::{DeliveryFailure, Mail, SmtpSecurity, SmtpSettings};

/// Replies that say nothing of a recipient: the server is closing, or wants another login.
const REPLIES_ABOUT_SENDER: [u16; 6] = [421, 454, 530, 534, 535, 538];

/// Sends e-mails, each over a connection of its own.
pub struct Mailer {
    settings: SmtpSettings,
    accepted: AcceptedRecipients,
}

impl Mailer {
    /// A mailer with these settings; nothing is connected to yet.
    pub fn new(settings: SmtpSettings) -> Self {
        Self { settings, accepted: AcceptedRecipients::default() }
    }

    /// Sends an e-mail within `limit`. On `Ok` the server has accepted it for all recipients. Those for which it was accepted
    /// are left out when it is sent again.
    ///
    /// # Errors
    /// Permanent when no server is configured; else temporary: what the server, or the way to it, said. Deferred when the
    /// server puts it off.
    pub async fn send(&self, mail: &Mail, limit: Duration) -> Result<(), DeliveryFailure> {
        let Some(host) = &self.settings.host else {
            return Err(DeliveryFailure::permanent(
                "no mail server is configured: set smtp.host and smtp.from",
            ));
        };
        let message = self.message(mail)?;
        let sending = async {
            let transport = self.transport(host, limit).await?;
            self.send_to_all(&transport, mail, &message).await
        };
        let late =
            || DeliveryFailure::temporary(format!("the mail server took more than {} s", limit.as_secs()));
        timeout(limit, sending).await.unwrap_or_else(|_| Err(late()))
    }

    /// Sends an e-mail to the recipients that do not have it yet: to all of them at once, and where the server does not take
    /// that, to each by itself. One that is refused keeps it from no other.
    async fn send_to_all(
        &self,
        transport: &AsyncSmtpTransport<Tokio1Executor>,
        mail: &Mail,
        message: &Message,
    ) -> Result<(), DeliveryFailure> {
        let (raw, to) = (message.formatted(), self.accepted.missing(&mail.id, &mail.to));
        let mut refusals: Vec<(&str, SmtpError)> = Vec::new();
        if !to.is_empty()
            && let Err(error) = transport.send_raw(&envelope(message, &to)?, &raw).await
        {
            if to.len() == 1 || !is_about_recipient(&error) {
                return Err(failure(format!("the mail server: {error}"), error.is_transient()));
            }
            for address in &to {
                let alone = envelope(message, std::slice::from_ref(address))?;
                match transport.send_raw(&alone, &raw).await {
                    Ok(_) => self.accepted.add(&mail.id, address),
                    Err(error) => refusals.push((address.as_str(), error)),
                }
            }
        }
        let Some((address, error)) = refusals.first() else {
            self.accepted.forget(&mail.id);
            return Ok(());
        };
        let (refused, all) = (refusals.len(), mail.to.len());
        let reason = format!("the mail server refused {refused} of {all} recipients; {address}: {error}");
        Err(failure(reason, refusals.iter().any(|(_, error)| error.is_transient())))
    }

    fn message(&self, mail: &Mail) -> Result<Message, DeliveryFailure> {
        let from = self.settings.from.as_deref().unwrap_or_default();
        let mut message = Message::builder().from(mailbox(from)?).subject(one_line(&mail.subject));
        for address in &mail.to {
            message = message.to(mailbox(address)?);
        }
        let host = from.rsplit_once('@').map_or("basalt", |(_, host)| host);
        let message =
            message.message_id(Some(format!("<{}@{host}>", mail.id))).header(ContentType::TEXT_PLAIN);
        let text = mail.text.clone();
        message
            .body(text)
            .map_err(|e| DeliveryFailure::permanent(format!("the e-mail cannot be written: {e}")))
    }

    async fn transport(
        &self,
        host: &str,
        limit: Duration,
    ) -> Result<AsyncSmtpTransport<Tokio1Executor>, DeliveryFailure> {
        let SmtpSettings { port, username, password, security, .. } = &self.settings;
        let tls = match security {
            SmtpSecurity::StartTls => Tls::Required(self.tls(host).await?),
            SmtpSecurity::Tls => Tls::Wrapper(self.tls(host).await?),
            SmtpSecurity::None => Tls::None,
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(port.unwrap_or(security.default_port()))
            .timeout(Some(limit))
            .tls(tls);
        if !username.is_empty() {
            builder = builder.credentials(Credentials::new(username.clone(), password.clone()));
        }
        Ok(builder.build())
    }

    /// TLS that trusts the authorities of webpki-roots, and those of `smtp.ca_cert`.
    async fn tls(&self, host: &str) -> Result<TlsParameters, DeliveryFailure> {
        let unusable = |e: String| DeliveryFailure::temporary(format!("smtp.ca_cert cannot be used: {e}"));
        let mut builder = TlsParameters::builder(host.to_owned());
        if let Some(path) = &self.settings.ca_cert {
            let pem = tokio::fs::read(path).await.map_err(|e| unusable(e.to_string()))?;
            let certificate = Certificate::from_pem(&pem).map_err(|e| unusable(e.to_string()))?;
            builder = builder.add_root_certificate(certificate);
        }
        builder.build().map_err(|e| DeliveryFailure::temporary(format!("TLS cannot be used: {e}")))
    }
}

/// The sender of an e-mail, and some of its recipients.
fn envelope(message: &Message, to: &[String]) -> Result<Envelope, DeliveryFailure> {
    let addresses = to.iter().map(|address| mailbox(address).map(|mailbox| mailbox.email));
    let addresses: Vec<Address> = addresses.collect::<Result<_, _>>()?;
    Envelope::new(message.envelope().from().cloned(), addresses)
        .map_err(|e| DeliveryFailure::permanent(format!("the e-mail cannot be addressed: {e}")))
}

/// Whether the server may take the e-mail for other recipients.
fn is_about_recipient(error: &SmtpError) -> bool {
    error.status().is_some_and(|code| !REPLIES_ABOUT_SENDER.contains(&u16::from(code)))
}

fn failure(reason: String, is_deferred: bool) -> DeliveryFailure {
    if is_deferred { DeliveryFailure::deferred(reason) } else { DeliveryFailure::temporary(reason) }
}

fn mailbox(address: &str) -> Result<Mailbox, DeliveryFailure> {
    let address: Result<Address, _> = address.parse();
    let address = address.map_err(|e| DeliveryFailure::permanent(format!("an address is not valid: {e}")))?;
    Ok(Mailbox::new(None, address))
}

/// A subject: names of users are part of it, and a line break would begin another header.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
#[path = "mailer_tests.rs"]
mod tests;
