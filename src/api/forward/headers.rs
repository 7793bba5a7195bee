//! Headers of forwarded messages: those of a single connection are removed (RFC 9110, 7.6.1), and those that HTTP/2 and
//! HTTP/1.1 write differently are adapted.

use std::net::IpAddr;

use axum::http::header::{CONNECTION, CONTENT_LENGTH, COOKIE, HOST, HeaderName, TRANSFER_ENCODING};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue};

use crate::api::origin::CLIENT_ADDRESS;

/// Headers that concern a single connection, besides those that `Connection` names.
const HOP_BY_HOP: [&str; 6] =
    ["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"];

/// Removes the headers that concern a single connection.
pub fn remove_hop_by_hop(headers: &mut HeaderMap) {
    let options = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named = options.flat_map(|value| value.split(','));
    let named: Vec<HeaderName> =
        named.filter_map(|name| HeaderName::from_bytes(name.trim().as_bytes()).ok()).collect();
    for name in named {
        headers.remove(name);
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

/// Names the client's address, and never one that the client has named itself.
pub fn set_client_address(headers: &mut HeaderMap, client: Option<IpAddr>) {
    headers.remove(CLIENT_ADDRESS);
    let address = client.and_then(|client| HeaderValue::try_from(client.to_string()).ok());
    if let Some(address) = address {
        headers.insert(CLIENT_ADDRESS, address);
    }
}

/// Joins the cookies, which HTTP/2 may send in several headers and HTTP/1.1 may not (RFC 9113, 8.2.3).
pub fn join_cookies(headers: &mut HeaderMap) {
    let cookies: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    if cookies.len() < 2 {
        return;
    }
    // Values that are valid alone are valid together.
    if let Ok(joined) = HeaderValue::from_bytes(&cookies.join(&b"; "[..])) {
        headers.insert(COOKIE, joined);
    }
}

/// Sets `Host` from the target of the request, where HTTP/2 has it.
pub fn complete_host(headers: &mut HeaderMap, authority: Option<&Authority>) {
    let host = authority.and_then(|authority| HeaderValue::try_from(authority.as_str()).ok());
    if let Some(host) = host
        && !headers.contains_key(HOST)
    {
        headers.insert(HOST, host);
    }
}

/// Says that a body of unknown length follows. Without it the client would send no body with GET.
pub fn frame_body(headers: &mut HeaderMap, has_body: bool) {
    if has_body && !headers.contains_key(CONTENT_LENGTH) {
        headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
}
