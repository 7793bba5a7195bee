//! Requests that take effect once although they are repeated: the answer is kept under the caller's `Idempotency-Key`.

use std::sync::Arc;

use crate::app::core_parts::CoreParts;
use crate::domain::reading::Readings;
use crate::domain::{Principal, Result};
use crate::store::idempotency::Claim;
use crate::store::{ClaimOutcome, Store};

/// Whether a request has to be done, or was done before.
pub enum IdempotencyOutcome {
    /// Do it, then pass the answer to [`Idempotency::store_response`]. Dropping it frees the key.
    First(IdempotencyClaim),
    /// The answer of the first request.
    Replay(Vec<u8>),
}

/// The right to do the request of a key.
pub struct IdempotencyClaim(Claim);

/// The answers of requests that have an `Idempotency-Key`.
pub struct Idempotency {
    store: Arc<Store>,
}

impl Idempotency {
    pub(super) fn new(parts: &CoreParts) -> Self {
        Self { store: parts.store.clone() }
    }

    /// Claims a key of a caller for a route and a body. Of concurrent requests with one key the others wait.
    ///
    /// # Errors
    /// `Conflict` when the key was used with another body; `Invalid` for a key of another length than 1 to 255 bytes;
    /// `Throttled` when the caller has too many live keys.
    pub async fn claim_idempotency_key(
        &self,
        principal: &Principal,
        route: &str,
        key: &str,
        body: &[u8],
    ) -> Result<IdempotencyOutcome> {
        let scope = format!("{}/{} {route}", principal.org, principal.caller);
        Ok(match self.store.claim(&scope, key, body).await? {
            ClaimOutcome::Replay(answer) => IdempotencyOutcome::Replay(answer),
            ClaimOutcome::First(claim) => IdempotencyOutcome::First(IdempotencyClaim(claim)),
        })
    }

    /// Keeps the answer of a request for 24 hours, also across a crash.
    pub async fn store_response(
        &self,
        principal: &Principal,
        claim: IdempotencyClaim,
        answer: Vec<u8>,
    ) -> Result<()> {
        self.store.write_claimed(principal, Readings::default(), claim.0, answer).await
    }
}
