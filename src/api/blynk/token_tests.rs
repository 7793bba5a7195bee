//! Credentials and parameters of the token endpoint.

use super::*;

#[test]
fn credentials_of_http_basic() {
    let encoded = |text: &str| format!("Basic {}", BASE64.encode(text));
    let rows = [
        (None, None),
        (Some(encoded("id:secret")), Some(("id", "secret"))),
        (Some(encoded("id:a:b")), Some(("id", "a:b"))),
        (Some(encoded(":")), Some(("", ""))),
        (Some(encoded("id:secret").replace("Basic", "bAsIc ")), Some(("id", "secret"))),
        (Some(encoded("id")), None),
        (Some("Basic".to_owned()), None),
        (Some("Basic %%".to_owned()), None),
        (Some(format!("Basic {}", BASE64.encode([0xff, b':', 0xff]))), None),
        (Some("Bearer abc".to_owned()), None),
    ];
    for (header, expected) in rows {
        let headers: HeaderMap =
            header.iter().map(|value| (header::AUTHORIZATION, value.parse().unwrap())).collect();
        let found = basic_credentials(&headers);
        let found = found.as_ref().map(|(id, secret)| (id.as_str(), secret.as_str()));
        assert_eq!(found, expected, "{header:?}");
    }
}

/// A grant as text, or the code of the error.
fn read(query: &str, form: &str) -> String {
    let grant = TokenParameters::parse(query, form.as_bytes()).and_then(TokenParameters::grant);
    match grant {
        Ok(TokenGrant::ClientCredentials) => "client".to_owned(),
        Ok(TokenGrant::RefreshToken(token)) => format!("refresh {token}"),
        Ok(TokenGrant::Password(login)) => format!("password {} {}", login.username, login.password),
        Err(error) => format!("{error:?}").split('"').nth(1).unwrap_or_default().to_owned(),
    }
}

#[test]
fn a_body_is_a_form_or_the_query_has_the_parameters() {
    let headers = |media: &str| HeaderMap::from_iter([(header::CONTENT_TYPE, media.parse().unwrap())]);
    let (form, json) = (headers("application/x-www-form-urlencoded"), headers("application/json"));
    let grant = "a=1&grant_type=client_credentials";
    for (headers, query, body, expected) in [
        (&form, "", "a=1", Some("a=1")),
        (&form, grant, "a=1", Some("a=1")),
        (&HeaderMap::new(), "", "a=1", Some("a=1")),
        (&json, "", "", Some("")),
        (&json, "", " {}\n", Some("")),
        (&json, "", "null", Some("")),
        (&json, "", r#"{"grant_type":"client_credentials"}"#, None),
        (&json, "grant_type=", r#"{"grant_type":"client_credentials"}"#, None),
        (&json, "refresh_token=x", "a=1", None),
        (&json, grant, r#"{"grant_type":"client_credentials"}"#, Some("")),
    ] {
        let found = form_of(headers, query, body.as_bytes()).ok();
        assert_eq!(found, expected.map(str::as_bytes), "{query} {body}");
    }
}

#[test]
fn parameters_are_in_the_query_or_in_the_form() {
    let rows = [
        ("grant_type=client_credentials", "", "client"),
        ("", "grant_type=client_credentials&scope=all", "client"),
        ("grant_type=refresh_token", "refresh_token=a%2Bb", "refresh a+b"),
        ("", "grant_type=password&username=ann&password=p%20%26", "password ann p &"),
        ("", "", "invalid_request"),
        ("grant_type=", "", "invalid_request"),
        ("grant_type=client_credentials", "grant_type=client_credentials", "client"),
        ("grant_type=client_credentials", "grant_type=password", "invalid_request"),
        ("", "grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
        ("grant_type=refresh_token", "", "invalid_request"),
        ("grant_type=password&username=ann", "", "invalid_request"),
        ("grant_type=password&password=p", "", "invalid_request"),
        ("grant_type=authorization_code", "", "unsupported_grant_type"),
        ("grant_type=CLIENT_CREDENTIALS", "", "unsupported_grant_type"),
    ];
    for (query, form, expected) in rows {
        assert_eq!(read(query, form), expected, "{query} {form}");
    }
}
