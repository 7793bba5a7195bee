//! Session and CSRF cookies: read from requests, set and cleared in responses.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::auth::session::csrf_token;

/// Cookie that carries the session token, hidden from scripts.
pub const SESSION: &str = "sessionid";
/// Cookie that carries the CSRF token, which scripts read to repeat it in [`CSRF_HEADER`].
pub const CSRF: &str = "csrftoken";

/// Header that repeats the CSRF token, which a page of another site cannot set.
pub const CSRF_HEADER: HeaderName = HeaderName::from_static("x-csrftoken");

/// Returns the value of the first cookie of a name; `None` when it is absent or empty.
pub fn read<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = all.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| value.trim()).filter(|v| !v.is_empty())
}

/// Returns the `Set-Cookie` headers of a session that ends after `lifetime`: the session token, hidden from scripts,
/// and the CSRF token, which scripts must read.
pub fn set(token: &str, lifetime: Duration, is_secure: bool) -> [(HeaderName, HeaderValue); 2] {
    [cookie(SESSION, token, lifetime, "; HttpOnly", is_secure), csrf(token, lifetime, is_secure)]
}

/// Returns the `Set-Cookie` header of the CSRF token alone, for a client that has lost it.
pub fn csrf(token: &str, lifetime: Duration, is_secure: bool) -> (HeaderName, HeaderValue) {
    cookie(CSRF, &csrf_token(token), lifetime, "", is_secure)
}

/// Returns the `Set-Cookie` headers that delete both cookies.
pub fn clear(is_secure: bool) -> [(HeaderName, HeaderValue); 2] {
    let gone = Duration::ZERO;
    [cookie(SESSION, "", gone, "; HttpOnly", is_secure), cookie(CSRF, "", gone, "", is_secure)]
}

fn cookie(
    name: &str,
    value: &str,
    lifetime: Duration,
    http_only: &str,
    is_secure: bool,
) -> (HeaderName, HeaderValue) {
    let secure = if is_secure { "; Secure" } else { "" };
    let age = lifetime.as_secs();
    let text = format!("{name}={value}; Path=/; Max-Age={age}; SameSite=Lax{http_only}{secure}");
    let mut value = HeaderValue::try_from(text).expect("tokens are letters and digits");
    value.set_sensitive(true);
    (header::SET_COOKIE, value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_among_others() {
        let rows: [(&str, &[&str], Option<&str>); 7] = [
            ("alone", &["sessionid=abc"], Some("abc")),
            ("among_others", &["a=1; sessionid=abc; b=2"], Some("abc")),
            ("without_blanks", &["a=1;sessionid=abc"], Some("abc")),
            ("in_a_second_header", &["a=1", "sessionid=abc"], Some("abc")),
            ("the_first_of_two", &["sessionid=abc; sessionid=def"], Some("abc")),
            ("empty", &["sessionid="], None),
            ("of_a_longer_name", &["xsessionid=abc"], None),
        ];
        for (name, cookies, expected) in rows {
            let pairs = cookies.iter().map(|c| (header::COOKIE, HeaderValue::from_str(c).expect(name)));
            assert_eq!(read(&pairs.collect(), SESSION), expected, "{name}");
        }
    }

    #[test]
    fn cookies_say_who_may_have_them() {
        let text = |(_, value): &(HeaderName, HeaderValue)| value.to_str().expect("plain").to_owned();
        let hour = Duration::from_secs(3600);
        let [session, csrf] = set("t", hour, false);
        assert_eq!(text(&session), "sessionid=t; Path=/; Max-Age=3600; SameSite=Lax; HttpOnly");
        assert!(text(&csrf).ends_with("; Path=/; Max-Age=3600; SameSite=Lax"));
        let [session, csrf] = clear(true);
        assert_eq!(text(&session), "sessionid=; Path=/; Max-Age=0; SameSite=Lax; HttpOnly; Secure");
        assert_eq!(text(&csrf), "csrftoken=; Path=/; Max-Age=0; SameSite=Lax; Secure");
    }
}
