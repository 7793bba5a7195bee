//! Tests of the settings of a connection.

use super::*;

#[test]
fn settings_are_remembered_or_said_to_be_fixed() {
    let mut settings =
        SessionSettings::new(&[("user".into(), "ann".into()), ("database".into(), "plant".into())]);
    let rows = [
        ("application_name", "psql", None),
        ("extra_float_digits", "3", None),
        ("client_encoding", "utf-8", None),
        ("client_encoding", "LATIN1", Some("the setting \"client_encoding\" stays at UTF8")),
        ("timezone", "Etc/UTC", None),
        ("timezone", "Europe/Berlin", Some("the setting \"timezone\" stays at UTC")),
        ("datestyle", "ISO", None),
        ("datestyle", "German", Some("the setting \"datestyle\" stays at ISO, YMD")),
        ("my.own", "1", Some("the setting \"my.own\" has no effect here")),
    ];
    for (name, value, notice) in rows {
        assert_eq!(settings.set(name, value).unwrap().notice.as_deref(), notice, "{name} = {value}");
    }
    assert_eq!(settings.set("application_name", "b").unwrap().report, Some(("application_name", "b".into())));
    assert_eq!(settings.show("my.own").unwrap(), "1");
    assert_eq!(settings.show("session_authorization").unwrap(), "ann");
    assert!(settings.show("nothing").is_err());
    let taken = (0..1000).take_while(|n| settings.set(&format!("own.n{n}"), "1").is_ok()).count();
    assert_eq!(
        (taken, settings.all().count()),
        (MAX_CLIENT_SETTINGS - 1, KNOWN_SETTINGS + MAX_CLIENT_SETTINGS)
    );
    let long = "x".repeat(MAX_SETTINGS_BYTES);
    for name in ["my.own", "search_path", &long] {
        let error = settings.set(name, &long).unwrap_err();
        assert!(matches!(error, PgError::Protocol("54000", _)), "{error:?}");
    }
    assert_eq!(settings.show("my.own").unwrap(), "1", "what is refused changes nothing");
    assert!(settings.reported().any(|(name, value)| name == "TimeZone" && value == "UTC"));
}

#[test]
fn settings_return_to_those_of_the_start() {
    let mut settings = SessionSettings::new(&[("application_name".into(), "pool".into())]);
    for name in ["application_name", "search_path", "my.own"] {
        settings.set(name, "changed").unwrap();
    }
    assert!(settings.reset("search_path").unwrap().is_empty());
    assert_eq!(settings.show("search_path").unwrap(), "public");
    let change = SettingChange { notice: None, report: Some(("application_name", "pool".into())) };
    assert_eq!(settings.reset("all").unwrap(), [change]);
    assert!(settings.show("my.own").is_err() && settings.reset("my.own").is_err());
    assert_eq!(settings.show("application_name").unwrap(), "pool");
}
