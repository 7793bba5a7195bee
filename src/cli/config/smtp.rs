//! Configuration of the server that takes e-mails.

use std::path::PathBuf;

use super::config_key::{ConfigKey, is_host, key};
use crate::domain::notification::address::is_mail_address;
use crate::domain::notification::{SmtpSecurity, SmtpSettings};
use crate::domain::{Error, Result};

/// Checks what concerns several keys.
pub(super) fn check(smtp: &SmtpSettings) -> Result<()> {
    if smtp.host.is_some() && smtp.from.is_none() {
        return Err(Error::field("smtp.from", "is needed beside smtp.host"));
    }
    if smtp.username.is_empty() != smtp.password.is_empty() {
        let (lacks, has) = match smtp.username.is_empty() {
            true => ("smtp.username", "smtp.password"),
            false => ("smtp.password", "smtp.username"),
        };
        return Err(Error::field(lacks, format!("is needed beside {has}")));
    }
    if !smtp.password.is_empty() && smtp.security == SmtpSecurity::None {
        let message = "must be starttls or tls: smtp.password would be readable on the network";
        return Err(Error::field("smtp.security", message));
    }
    Ok(())
}

pub(super) const KEYS: &[ConfigKey] = &[
    key("smtp.host", "a host name or an IP address, without a port", |c, text| {
        is_host(text).then(|| c.smtp.host = Some(text.to_owned()))
    }),
    key("smtp.port", "a port from 1 to 65535", |c, text| {
        text.parse().ok().filter(|port| *port > 0).map(|port| c.smtp.port = Some(port))
    }),
    key("smtp.username", "a text of at most 255 bytes without control characters", |c, text| {
        is_credential(text).then(|| c.smtp.username = text.to_owned())
    }),
    ConfigKey {
        is_secret: true,
        ..key("smtp.password", "a text of at most 255 bytes without control characters", |c, text| {
            is_credential(text).then(|| c.smtp.password = text.to_owned())
        })
    },
    key("smtp.from", "an e-mail address such as basalt@plant.example", |c, text| {
        is_mail_address(text).then(|| c.smtp.from = Some(text.to_owned()))
    }),
    key("smtp.security", "starttls, tls or none", |c, text| {
        let found = SmtpSecurity::from_name(text);
        found.map(|security| c.smtp.security = security)
    }),
    key("smtp.ca_cert", "the path of certificates in PEM", |c, text| {
        (!text.is_empty()).then(|| c.smtp.ca_cert = Some(PathBuf::from(text)))
    }),
];

fn is_credential(text: &str) -> bool {
    text.len() <= 255 && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_need_each_other_are_named() {
        let full = SmtpSettings {
            host: Some("mail.plant.example".to_owned()),
            from: Some("basalt@plant.example".to_owned()),
            username: "basalt".to_owned(),
            password: "hush".to_owned(),
            ..SmtpSettings::default()
        };
        let rows = [
            (SmtpSettings::default(), ""),
            (full.clone(), ""),
            (SmtpSettings { from: None, ..full.clone() }, "smtp.from"),
            (SmtpSettings { password: String::new(), ..full.clone() }, "smtp.password"),
            (SmtpSettings { username: String::new(), ..full.clone() }, "smtp.username"),
            (SmtpSettings { security: SmtpSecurity::None, ..full }, "smtp.security"),
        ];
        for (settings, expected) in rows {
            let field = check(&settings).err().map_or_else(String::new, |e| e.fields[0].field.to_string());
            assert_eq!(field, expected, "{settings:?}");
        }
    }
}
