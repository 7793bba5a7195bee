//! Flight authentication: reads the API key of a call and resolves its principal.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tonic::metadata::MetadataMap;
use uuid::Uuid;

use crate::api::grpc_connection::GrpcPeer;
use crate::api::tls::accepts_keys;
use crate::app::App;
use crate::domain::audit::{AccessDenial, RequestOrigin};
use crate::domain::{Error, Kind, Principal, Result};

/// Returns the principal of a call from `peer` with this metadata. Failures are recorded in the audit log.
///
/// # Errors
/// `Unauthenticated` when the key is missing, invalid, or came without TLS from another machine.
pub fn authenticate(
    app: &App,
    allow_plaintext: bool,
    peer: &GrpcPeer,
    metadata: &MetadataMap,
) -> Result<Principal> {
    let origin = Arc::new(RequestOrigin::new("flight", Some(peer.address), &Uuid::new_v4().to_string()));
    let known = if accepts_keys(peer.address, peer.is_secure, allow_plaintext) {
        api_key(metadata).and_then(|key| app.access.authenticate_key(&key))
    } else {
        let message = "keys are taken over TLS only: connect with grpc+tls:// (the server needs http.tls_cert and \
                       http.tls_key), or set allow_plaintext = true on the server";
        Err(Error::new(Kind::Unauthenticated, message))
    };
    match known {
        Ok(principal) => {
            peer.connection.set_authenticated_and_busy();
            Ok(principal.with_origin(&origin))
        }
        Err(error) => {
            if let Some(refusal) = AccessDenial::from_error(&error) {
                app.audit.note_refusal(&origin, refusal);
            }
            Err(error)
        }
    }
}

/// Returns the key that a call presents.
pub fn api_key(metadata: &MetadataMap) -> Result<String> {
    let none = || {
        let message =
            "an API key is needed: `authorization: Bearer KEY`, or any user name and the key as password";
        Error::new(Kind::Unauthenticated, message)
    };
    let text = metadata.get("authorization").and_then(|value| value.to_str().ok()).ok_or_else(none)?;
    let (scheme, rest) = text.trim().split_once(' ').ok_or_else(none)?;
    let rest = rest.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "apikey" => Ok(rest.to_owned()),
        "basic" => {
            // Go clients omit the padding.
            let decoded = STANDARD_NO_PAD
                .decode(rest.trim_end_matches('='))
                .ok()
                .and_then(|bytes| String::from_utf8(bytes).ok());
            let (_, password) = decoded.as_deref().and_then(|pair| pair.split_once(':')).ok_or_else(none)?;
            Ok(password.to_owned())
        }
        _ => Err(none()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_as_bearer_or_as_password() {
        let rows = [
            ("bearer", "Bearer k1", Some("k1")),
            ("in_any_case", "bearer  k1 ", Some("k1")),
            ("as_over_http", "ApiKey k1", Some("k1")),
            // any:k1
            ("basic", "Basic YW55Omsx", Some("k1")),
            // any:k:1
            ("a_password_with_a_colon", "Basic YW55Oms6MQ==", Some("k:1")),
            ("without_its_padding", "Basic YW55Oms6MQ", Some("k:1")),
            ("basic_that_is_no_base64", "Basic ~", None),
            ("basic_without_a_password", "Basic YW55", None),
            ("another_scheme", "Digest k1", None),
            ("a_scheme_alone", "Bearer", None),
        ];
        for (name, header, expected) in rows {
            let mut metadata = MetadataMap::new();
            metadata.insert("authorization", header.parse().unwrap());
            assert_eq!(api_key(&metadata).ok().as_deref(), expected, "{name}");
        }
        assert!(api_key(&MetadataMap::new()).is_err());
    }
}
