//! E-mails, and the server that takes them.

use std::fmt;
use std::path::PathBuf;

use crate::domain::named_enum::named_enum;

named_enum! {
    /// How the connection to the mail server is protected.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum SmtpSecurity {
        /// TLS after `STARTTLS`, which the server must offer (RFC 3207).
        StartTls = "starttls",
        /// TLS from the first byte (RFC 8314).
        Tls = "tls",
        /// None.
        None = "none",
    }
}

impl SmtpSecurity {
    /// Port of servers that say no other.
    pub fn default_port(self) -> u16 {
        match self {
            SmtpSecurity::StartTls => 587,
            SmtpSecurity::Tls => 465,
            SmtpSecurity::None => 25,
        }
    }
}

/// The mail server that takes e-mails, and how it knows us.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpSettings {
    /// Host name or address; without one no e-mail is sent.
    pub host: Option<String>,
    /// Its port; that of `security` unless it is said.
    pub port: Option<u16>,
    /// User name of a server that asks for one.
    pub username: String,
    /// Password of that user; never shown.
    pub password: String,
    /// Address of the sender; required with `host`.
    pub from: Option<String>,
    /// How the connection is protected.
    pub security: SmtpSecurity,
    /// PEM file of further authorities that the server's certificate may be of.
    pub ca_cert: Option<PathBuf>,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        Self {
            host: None,
            port: None,
            username: String::new(),
            password: String::new(),
            from: None,
            security: SmtpSecurity::StartTls,
            ca_cert: None,
        }
    }
}

impl fmt::Debug for SmtpSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port, username, password: _, from, security, ca_cert } = self;
        f.debug_struct("SmtpSettings")
            .field("host", host)
            .field("port", port)
            .field("username", username)
            .field("from", from)
            .field("security", security)
            .field("ca_cert", ca_cert)
            .finish_non_exhaustive()
    }
}

/// A plain-text e-mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Addresses of the recipients.
    pub to: Vec<String>,
    /// One line.
    pub subject: String,
    /// Lines of text.
    pub text: String,
    /// The part of the message id before the `@`: the same in every attempt, so that a repeat can be told.
    pub id: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        let settings = SmtpSettings { password: "hush".to_owned(), ..SmtpSettings::default() };
        assert!(!format!("{settings:?}").contains("hush"));
    }
}
