//! Tests of HTTP requests built from device settings, and of settings that are refused.

use serde_json::json;

use super::*;
use crate::domain::device::{DeviceSpec, Protocol};

fn request(host: &str, port: Option<u16>, metadata: Value) -> Result<HttpRequest, Vec<FieldError>> {
    HttpRequest::from_settings(host, port, metadata.as_object().unwrap())
}

#[test]
fn a_url_takes_the_port_unless_it_has_one() {
    let rows = [
        ("http://10.0.0.5", None, "http://10.0.0.5", "http://10.0.0.5"),
        ("http://10.0.0.5/a?key=s", Some(81), "http://10.0.0.5:81/a?key=s", "http://10.0.0.5:81"),
        ("http://10.0.0.5:80/a", Some(81), "http://10.0.0.5:80/a", "http://10.0.0.5:80"),
        ("https://[fd00::1]/x", Some(8443), "https://[fd00::1]:8443/x", "https://[fd00::1]:8443"),
        ("https://[fd00::1]:1/x", None, "https://[fd00::1]:1/x", "https://[fd00::1]:1"),
        ("http://plant?a=:/", Some(1), "http://plant:1?a=:/", "http://plant:1"),
    ];
    for (host, port, expected, origin) in rows {
        let request = request(host, port, json!({})).expect(host);
        assert_eq!((request.url.as_str(), request.origin()), (expected, origin), "{host}");
        assert!(request.method == HttpMethod::Get && request.headers.is_empty());
    }
}

#[test]
fn login_and_timeout_are_those_of_the_device() {
    let of = |username: &str, password: &str, timeout_s| {
        let mut device = DeviceSpec::new("meter", Protocol::Http);
        (device.host, device.timeout_s) = ("http://10.0.0.5".to_owned(), timeout_s);
        (device.username, device.password) = (username.to_owned(), password.to_owned());
        let request = device.http_request().unwrap();
        (request.login.map(|(name, password)| format!("{name}:{password}")), request.timeout)
    };
    let default = Duration::from_secs(3);
    for (username, password, timeout_s, login, timeout) in [
        ("", "", 0.5, None, Duration::from_millis(500)),
        ("me", "", 3.0, Some("me:"), default),
        ("", "secret", 3.0, Some(":secret"), default),
        ("me", "secret", -1.0, Some("me:secret"), default),
        ("", "", f64::NAN, None, default),
    ] {
        let expected = (login.map(str::to_owned), timeout);
        assert_eq!(of(username, password, timeout_s), expected, "{username}:{password} {timeout_s}");
    }
}

#[test]
fn bad_settings_are_named_all_at_once() {
    let many: Map<String, Value> = (0..33).map(|n| (format!("x-{n}"), json!("v"))).collect();
    let rows: [(&str, Value, &[&str]); 14] = [
        ("plant/status", json!({}), &["host: Enter a valid URL"]),
        ("ftp://plant", json!({}), &["host: Enter a valid URL"]),
        ("http://", json!({}), &["host: Enter a valid URL"]),
        ("http://:80/", json!({}), &["host: Enter a valid URL"]),
        ("http://a:b/", json!({}), &["host: Enter a valid URL"]),
        ("http://a b/", json!({}), &["host: Enter a valid URL"]),
        ("http://me:secret@a/", json!({}), &["host: The URL must not contain credentials"]),
        (
            "http://a",
            json!({"method": "DELETE"}),
            &["metadata: method: \"DELETE\" is not one of \"GET\", \"POST\""],
        ),
        ("http://a", json!({"headers": ["x"]}), &["metadata: headers: [\"x\"] is not an object"]),
        ("http://a", json!({"headers": {"x y": "1"}}), &["metadata: headers: \"x y\" is not the name"]),
        ("http://a", json!({"headers": {"X": "1\r\nY: 2"}}), &["metadata: headers: the value of X"]),
        ("http://a", json!({"headers": {"Host": "b"}}), &["metadata: headers: Host cannot be set"]),
        ("http://a", json!({"headers": many}), &["metadata: headers: there are more than 32"]),
        ("a", json!({"method": 1, "headers": 1}), &["host: ", "metadata: method", "metadata: headers"]),
    ];
    for (host, metadata, expected) in rows {
        let wrong = request(host, None, metadata.clone()).err().unwrap_or_default();
        let messages: Vec<_> = wrong.iter().map(|w| format!("{}: {}", w.field, w.message)).collect();
        let is_told = messages.len() == expected.len()
            && messages.iter().zip(expected).all(|(messages, part)| messages.starts_with(part));
        assert!(is_told, "{host} {metadata}: {messages:?}");
    }
}

#[test]
fn a_pointer_has_a_slash_before_each_part() {
    for path in ["", "/", "/a/0/b", "/a~1b/~0", "/ä b"] {
        assert!(check_json_pointer(path).is_ok(), "{path}");
    }
    for path in ["a", "a/b", "/a~", "/a~2", "$.a"] {
        assert_eq!(check_json_pointer(path).unwrap_err().field, "path", "{path}");
    }
}
