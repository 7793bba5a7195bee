//! Sends e-mails through the configured mail server. The server is the operator's choice, so the egress policy does not
//! apply to it.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{Address, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::time::timeout;

use crate::domain::notification::{DeliveryFailure, Mail, SmtpSecurity, SmtpSettings};

/// Sends e-mails, each over a connection of its own.
pub struct Mailer {
    settings: SmtpSettings,
}

impl Mailer {
    /// A mailer with these settings; nothing is connected to yet.
    pub fn new(settings: SmtpSettings) -> Self {
        Self { settings }
    }

    /// Sends an e-mail within `limit`. On `Ok` the server has accepted it for all recipients.
    ///
    /// # Errors
    /// Permanent when no server is configured; else temporary: what the server, or the way to it, said.
    pub async fn send(&self, mail: &Mail, limit: Duration) -> Result<(), DeliveryFailure> {
        let Some(host) = &self.settings.host else {
            return Err(DeliveryFailure::permanent(
                "no mail server is configured: set smtp.host and smtp.from",
            ));
        };
        let message = self.message(mail)?;
        let sending = async {
            let transport = self.transport(host, limit).await?;
            let sent = transport.send(message).await;
            sent.map(drop).map_err(|e| DeliveryFailure::temporary(format!("the mail server: {e}")))
        };
        let late =
            || DeliveryFailure::temporary(format!("the mail server took more than {} s", limit.as_secs()));
        timeout(limit, sending).await.unwrap_or_else(|_| Err(late()))
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
mod tests {
    use super::*;

    fn mail() -> Mail {
        Mail {
            to: vec!["ops@plant.example".to_owned(), "night@plant.example".to_owned()],
            subject: "Kessel zu heiß\r\nBcc: x@y.z".to_owned(),
            text: "80 °C\n".to_owned(),
            id: "6a0".to_owned(),
        }
    }

    fn settings() -> SmtpSettings {
        SmtpSettings {
            host: Some("127.0.0.1".to_owned()),
            from: Some("basalt@plant.example".to_owned()),
            ..SmtpSettings::default()
        }
    }

    #[test]
    fn a_mail_has_its_headers_and_no_others() {
        let written = Mailer::new(settings()).message(&mail()).unwrap().formatted();
        let written = String::from_utf8(written).unwrap();
        for line in [
            "From: basalt@plant.example\r\n",
            "To: ops@plant.example, night@plant.example\r\n",
            "Message-ID: <6a0@plant.example>\r\n",
        ] {
            assert!(written.contains(line), "{line} in {written}");
        }
        assert!(!written.contains("\nBcc:"), "{written}");
    }

    #[tokio::test]
    async fn without_a_server_it_says_so_and_a_closed_port_may_open() {
        let limit = Duration::from_secs(30);
        let none = Mailer::new(SmtpSettings::default()).send(&mail(), limit).await.unwrap_err();
        assert!(!none.is_temporary && none.reason.contains("smtp.host"), "{none:?}");
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        for security in SmtpSecurity::ALL {
            let closed = SmtpSettings { port: Some(port), security, ..settings() };
            let failure = Mailer::new(closed).send(&mail(), limit).await.unwrap_err();
            assert!(failure.is_temporary && failure.reason.starts_with("the mail server: "), "{failure:?}");
        }
    }
}
