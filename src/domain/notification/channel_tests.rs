//! Tests of the rules of channels.

use super::*;
use crate::domain::document::DocumentSpec;

fn problems(config: ChannelConfig) -> String {
    let spec = NotificationChannelSpec { name: "ops".to_owned(), config, enabled: true };
    let problems =
        spec.problems().into_iter().map(|problem| format!("{}: {}", problem.field, problem.message));
    problems.collect::<Vec<_>>().join("; ")
}

fn email(to: &[&str]) -> ChannelConfig {
    ChannelConfig::Email { to: to.iter().map(|one| (*one).to_owned()).collect() }
}

fn webhook(url: &str, secret: &str) -> ChannelConfig {
    ChannelConfig::Webhook { url: url.to_owned(), secret: ChannelSecret::new(secret) }
}

#[test]
fn channels_say_what_is_wrong() {
    let wrong_url = "url: must be a URL that begins with http:// or https://, without a user name and with a port up to 65535";
    let many: Vec<String> = (0..51).map(|n| format!("a{n}@b.example")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let long = format!("http://a.example/{}", "x".repeat(2000));
    let rows = [
        (email(&["ops@plant.example", "root@localhost"]), ""),
        (email(&many[..50]), ""),
        (email(&[]), "recipients: size must be between 1 and 50"),
        (email(&many), "recipients: size must be between 1 and 50"),
        (email(&["a@b.c", "x"]), "recipients[1]: must be an e-mail address such as ops@plant.example"),
        (email(&["a@b.c", "a@b.c"]), "recipients[1]: must be unique"),
        (webhook("https://hooks.example/a?b=c#d", "s"), ""),
        (webhook("http://127.0.0.1:8080", "s"), ""),
        (webhook("http://[::1]:8080/", "s"), ""),
        (webhook("", ""), "url: must not be blank; secret: must not be blank"),
        (webhook(&long, "s"), "url: size must be between 1 and 2000"),
        (webhook("ftp://a.example", "s"), wrong_url),
        (webhook("https://", "s"), wrong_url),
        (webhook("https:///x", "s"), wrong_url),
        (webhook("https://:443/x", "s"), wrong_url),
        (webhook("http://a.example:99999/", "s"), wrong_url),
        (webhook("http://user:pass@a.example/", "s"), wrong_url),
        (webhook("http://a.example/a b", "s"), wrong_url),
        (webhook("http://a.example/\r\nx", "s"), wrong_url),
        (webhook("http://a.example", &"x".repeat(256)), "secret: size must be between 1 and 255"),
    ];
    for (config, expected) in rows {
        assert_eq!(problems(config.clone()), expected, "{config:?}");
    }
}

#[test]
fn a_secret_is_neither_printed_nor_part_of_the_json() {
    let config = webhook("http://a.example", "hush");
    assert!(!format!("{config:?}").contains("hush"));
    let json = serde_json::to_string(&config).unwrap();
    assert_eq!(json, r#"{"type":"webhook","url":"http://a.example"}"#);
    let mut read: ChannelConfig = serde_json::from_str(&json).unwrap();
    assert_eq!(read.secret(), Some(&ChannelSecret::default()));
    read.set_secret(ChannelSecret::new("hush"));
    assert_eq!(read, config);
}

#[test]
fn a_draft_without_a_secret_keeps_the_stored_one() {
    let draft = |secret: Option<&str>| {
        let target = ChannelTarget::Webhook {
            url: "http://b.example".to_owned(),
            secret: secret.map(ChannelSecret::new),
        };
        ChannelDraft { name: "new".to_owned(), enabled: false, target }
    };
    let spec = |config| NotificationChannelSpec { name: "old".to_owned(), config, enabled: true };
    let (hook, mail) = (spec(webhook("http://a.example", "old")), spec(email(&["a@b.c"])));
    for (given, stored, expected) in [
        (None, Some(&hook), "old"),
        (Some("new"), Some(&hook), "new"),
        (Some("new"), None, "new"),
        (None, Some(&mail), ""),
        (None, None, ""),
    ] {
        let made = draft(given).into_channel(stored);
        assert_eq!(made.config, webhook("http://b.example", expected));
        assert_eq!((made.name.as_str(), made.enabled), ("new", false));
        assert_eq!(made.problems().is_empty(), !expected.is_empty(), "{made:?}");
    }
}

#[test]
fn of_a_url_only_scheme_and_host_are_shown() {
    let rows = [
        ("https://hooks.example/services/T0/hush", "https://hooks.example/…"),
        ("https://hooks.example?token=hush", "https://hooks.example/…"),
        ("http://[::1]:8080/#hush", "http://[::1]:8080/…"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
    ];
    for (url, expected) in rows {
        let config = webhook(url, "s");
        let channel = NotificationChannelSpec { name: "ops".to_owned(), config, enabled: true };
        assert_eq!(channel.public_url().as_deref(), Some(expected));
        let shown =
            serde_json::to_string(&DocumentSpec::NotificationChannel(channel).public_content()).unwrap();
        assert!(shown.contains(expected) && !shown.contains("hush"), "{shown}");
    }
}
