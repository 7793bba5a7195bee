//! Which of the endpoints that a server offers is taken. Pure.

use opcua::types::{EndpointDescription, MessageSecurityMode, UserTokenType};

use super::endpoint::{Endpoint, Identity};

/// The endpoint with the wanted security and login, led to the configured host and port.
pub fn choose(endpoint: &Endpoint, offered: Vec<EndpointDescription>) -> Result<EndpointDescription, String> {
    let (policy, mode) = (endpoint.policy.wire(), endpoint.mode.wire());
    let is_wanted = |offer: &&EndpointDescription| {
        offer.security_mode == mode
            && offer.security_policy_uri.as_ref() == policy.to_uri()
            && (offer.endpoint_url.is_empty() || offer.endpoint_url.as_ref().starts_with("opc.tcp:"))
    };
    let Some(chosen) = offered.iter().filter(is_wanted).max_by_key(|offer| offer.security_level) else {
        return Err(format!(
            "it offers no endpoint with {} and {}, but {}",
            endpoint.policy.name(),
            endpoint.mode.name(),
            in_words(&offered)
        ));
    };
    let (login, words) = match endpoint.identity {
        Identity::Anonymous => (UserTokenType::Anonymous, "nobody without a login"),
        Identity::User { .. } => (UserTokenType::UserName, "no user names"),
        Identity::Certificate(_) => (UserTokenType::Certificate, "no certificates of users"),
    };
    let is_taken = match &chosen.user_identity_tokens {
        Some(tokens) => tokens.iter().any(|token| token.token_type == login),
        None => login == UserTokenType::Anonymous,
    };
    if !is_taken {
        return Err(format!("it takes {words} on this endpoint"));
    }
    let mut chosen = chosen.clone();
    // A login without a policy of its own has the endpoint's; the library would take it for none and sign nothing.
    let policy = chosen.security_policy_uri.clone();
    for token in chosen.user_identity_tokens.iter_mut().flatten() {
        if token.security_policy_uri.is_empty() {
            token.security_policy_uri = policy.clone();
        }
    }
    if endpoint.path.is_empty() {
        let path = url::Url::parse(chosen.endpoint_url.as_ref()).map(|url| url.path().to_owned());
        let there = Endpoint { path: path.unwrap_or_default(), ..endpoint.clone() };
        chosen.endpoint_url = there.url().into();
    } else {
        chosen.endpoint_url = endpoint.url().into();
    }
    Ok(chosen)
}

fn in_words(offered: &[EndpointDescription]) -> String {
    let mut words: Vec<String> = offered
        .iter()
        .map(|offer| {
            let policy = offer.security_policy_uri.as_ref();
            let policy = policy.rsplit_once('#').map_or(policy, |(_, name)| name);
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
#[path = "offer_tests.rs"]
mod tests;
