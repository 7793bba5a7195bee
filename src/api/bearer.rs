//! Bearer tokens in the headers of a request. What a token stands for is decided by the route, never by its form.

use axum::http::{HeaderMap, header};

/// Returns the token of `Authorization: Bearer`, with the scheme in any case; `None` for every other form, and where the
/// header is repeated.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let (only, None) = (values.next()?, values.next()) else { return None };
    let (scheme, token) = only.to_str().ok()?.trim().split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("Bearer") && !token.is_empty()).then_some(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_what_follows_the_scheme() {
        let rows: [(&[&str], Option<&str>); 9] = [
            (&[], None),
            (&["Bearer abc"], Some("abc")),
            (&["bearer   abc "], Some("abc")),
            (&["Bearer"], None),
            (&["Bearer  "], None),
            (&["Bearerabc"], None),
            (&["Basic abc"], None),
            (&["ApiKey abc"], None),
            (&["Bearer abc", "Bearer abc"], None),
        ];
        for (values, expected) in rows {
            let headers: HeaderMap =
                values.iter().map(|value| (header::AUTHORIZATION, value.parse().unwrap())).collect();
            assert_eq!(token(&headers), expected, "{values:?}");
        }
    }
}
