//! Tests of the settings of a connection.

use super::*;

fn startup(parameters: &[(&str, &str)]) -> (SessionSettings, Vec<String>) {
    let owned: Vec<_> =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    SessionSettings::new(&owned)
}

fn set(settings: &mut SessionSettings, name: &str, value: &str) -> Result<SettingChange, PgError> {
    settings.set(name, Some(value), SettingScope::Session)
}

#[test]
fn settings_are_kept_and_reported() {
    let (mut settings, notices) = startup(&[("user", "ann"), ("database", "plant")]);
    assert!(notices.is_empty(), "{notices:?}");
    let change = set(&mut settings, "application_name", "b").unwrap();
    assert_eq!(change.report, Some(("application_name", "b".into())));
    assert_eq!(set(&mut settings, "application_name", "b").unwrap(), SettingChange::default());
    set(&mut settings, "my.own", "1").unwrap();
    assert_eq!(settings.show("my.own").unwrap(), "1");
    assert_eq!(settings.show("session_authorization").unwrap(), "ann");
    assert!(settings.show("nothing").is_err());
    let taken = (0..1000).take_while(|n| set(&mut settings, &format!("own.n{n}"), "1").is_ok()).count();
    assert_eq!(
        (taken, settings.all().count()),
        (MAX_CLIENT_SETTINGS - 1, KNOWN_SETTINGS + MAX_CLIENT_SETTINGS)
    );
    let long = "x".repeat(MAX_SETTINGS_BYTES);
    for name in ["my.own", "application_name", &long] {
        let error = set(&mut settings, name, &long).unwrap_err();
        assert!(matches!(error, PgError::Protocol("54000", _)), "{error:?}");
    }
    assert_eq!(settings.show("my.own").unwrap(), "1", "what is refused changes nothing");
    assert!(settings.reported().any(|(name, value)| name == "TimeZone" && value == "UTC"));
}

#[test]
fn settings_return_to_those_of_the_start() {
    let (mut settings, _) = startup(&[("application_name", "pool")]);
    for (name, value) in
        [("application_name", "changed"), ("search_path", "public, pg_catalog"), ("my.own", "1")]
    {
        set(&mut settings, name, value).unwrap();
    }
    assert!(settings.reset("search_path").unwrap().is_empty());
    assert_eq!(settings.show("search_path").unwrap(), "public");
    assert_eq!(settings.reset("all").unwrap(), [("application_name", "pool".to_owned())]);
    assert!(settings.show("my.own").is_err() && settings.reset("my.own").is_err());
    assert_eq!(settings.show("application_name").unwrap(), "pool");
}

#[test]
fn settings_end_with_their_transaction() {
    let (mut settings, _) = startup(&[]);
    settings.set("statement_timeout", Some("5s"), SettingScope::Transaction).unwrap();
    set(&mut settings, "application_name", "kept").unwrap();
    assert_eq!(settings.show("statement_timeout").unwrap(), "5s");
    assert!(settings.end_transaction(true).is_empty());
    assert_eq!(settings.show("statement_timeout").unwrap(), "0");
    assert_eq!(settings.show("application_name").unwrap(), "kept");
    set(&mut settings, "application_name", "gone").unwrap();
    assert_eq!(settings.end_transaction(false), [("application_name", "kept".to_owned())]);
    assert!(settings.end_transaction(false).is_empty(), "nothing was set since");
}

#[test]
fn settings_at_the_start_are_taken_or_told_of() {
    let (settings, notices) = startup(&[
        ("TimeZone", "Europe/Berlin"),
        ("options", "-c statement_timeout=2s"),
        ("DateStyle", "ISO"),
    ]);
    assert_eq!(settings.show("statement_timeout").unwrap(), "2s");
    assert_eq!(settings.show("timezone").unwrap(), "UTC");
    assert!(notices.len() == 1 && notices[0].contains("\"timezone\" is UTC"), "{notices:?}");
}
