//! Selection among the endpoints that a server offers. Pure.

use opcua::types::{EndpointDescription, MessageSecurityMode, UserTokenType};

use super::endpoint::{OpcuaEndpoint, UserIdentity};

/// Number of offers listed in an error, and length of each name: a server may send thousands of any length.
const MAX_LISTED_OFFERS: usize = 32;
const MAX_POLICY_NAME_CHARS: usize = 64;

/// Selects the endpoint with the wanted security and login, and sets its host and port to the configured ones.
pub fn select_endpoint(
    endpoint: &OpcuaEndpoint,
    offered: Vec<EndpointDescription>,
) -> Result<EndpointDescription, String> {
    let (policy, mode) = (endpoint.policy.to_opcua(), endpoint.mode.to_opcua());
    let is_wanted = |offer: &&EndpointDescription| {
        offer.security_mode == mode
            && offer.security_policy_uri.as_ref() == policy.to_uri()
            && (offer.endpoint_url.is_empty() || offer.endpoint_url.as_ref().starts_with("opc.tcp:"))
    };
    // Of several paths the configured one comes first, then the most secure.
    let is_named =
        |offer: &EndpointDescription| endpoint.path.is_empty() || is_same(&endpoint.path, &path(offer));
    let best = |offer: &&EndpointDescription| (is_named(offer), offer.security_level);
    let Some(chosen) = offered.iter().filter(is_wanted).max_by_key(best) else {
        return Err(format!(
            "it offers no endpoint with {} and {}, but {}",
            endpoint.policy.name(),
            endpoint.mode.name(),
            describe_endpoints(&offered)
        ));
    };
    let (login, words) = match endpoint.identity {
        UserIdentity::Anonymous => (UserTokenType::Anonymous, "no anonymous login"),
        UserIdentity::User { .. } => (UserTokenType::UserName, "no user names"),
        UserIdentity::Certificate(_) => (UserTokenType::Certificate, "no user certificates"),
    };
    let is_taken = match &chosen.user_identity_tokens {
        Some(tokens) => tokens.iter().any(|token| token.token_type == login),
        None => login == UserTokenType::Anonymous,
    };
    if !is_taken {
        return Err(format!("the endpoint accepts {words}"));
    }
    let mut chosen = chosen.clone();
    // A login without its own policy uses the endpoint's; the library would take it for none and sign nothing.
    let policy = chosen.security_policy_uri.clone();
    for token in chosen.user_identity_tokens.iter_mut().flatten() {
        if token.security_policy_uri.is_empty() {
            token.security_policy_uri = policy.clone();
        }
    }
    // Host and port are the configured ones. The path stays as advertised, because servers compare it character by
    // character; an offer without the configured path gets that one.
    let advertised = path(&chosen);
    let path = if is_named(&chosen) { advertised } else { endpoint.path.clone() };
    chosen.endpoint_url = OpcuaEndpoint { path, ..endpoint.clone() }.url().into();
    Ok(chosen)
}

/// The part after host and port in the URL that a server advertises.
fn path(offer: &EndpointDescription) -> String {
    let rest = offer.endpoint_url.as_ref().split_once("://").map_or("", |(_, rest)| rest);
    rest.find('/').map_or_else(String::new, |start| rest[start..].to_owned())
}

/// Whether two paths are equal apart from a trailing slash.
fn is_same(path: &str, other: &str) -> bool {
    path.strip_suffix('/').unwrap_or(path) == other.strip_suffix('/').unwrap_or(other)
}

/// Lists security policies and modes, each pair once.
pub fn describe_endpoints(offered: &[EndpointDescription]) -> String {
    let mut words: Vec<String> = offered
        .iter()
        .take(MAX_LISTED_OFFERS)
        .map(|offer| {
            let policy = offer.security_policy_uri.as_ref();
            let policy = policy.rsplit_once('#').map_or(policy, |(_, name)| name);
            let policy: String = policy.chars().take(MAX_POLICY_NAME_CHARS).collect();
            let mode = match offer.security_mode {
                MessageSecurityMode::None => "None",
                MessageSecurityMode::Sign => "Sign",
                MessageSecurityMode::SignAndEncrypt => "SignAndEncrypt",
                MessageSecurityMode::Invalid => "an invalid mode",
            };
            format!("{policy} and {mode}")
        })
        .collect();
    words.sort();
    words.dedup();
    if words.is_empty() { "none at all".to_owned() } else { words.join("; ") }
}

#[cfg(test)]
#[path = "endpoint_selection_tests.rs"]
mod tests;
