//! Requests that take effect once although they are repeated: the answer is kept under the caller's `Idempotency-Key`.

use crate::app::App;
use crate::domain::reading::Readings;
use crate::domain::{Principal, Result};
use crate::store::ClaimOutcome;
use crate::store::idempotency::Claim;

/// Whether a request has to be done, or was done before.
pub enum MkOnce {
    /// Do it, then pass the answer to [`App::keep_answer`]. Dropping it frees the key.
    First(MkClaim),
    /// The answer of the first request.
    Replay(Vec<u8>),
}

/// The right to do the request of a key.
pub struct MkClaim(Claim);

impl App {
    /// Claims a key of a caller for a route and a body. Of concurrent requests with one key the others wait.
    ///
    /// # Errors
    /// `Conflict` when the key was used with another body; `Invalid` for a key of another length than 1 to 255 bytes;
    /// `Throttled` when the caller has too many live keys.
    pub async fn claim_once(
        &self,
        principal: &Principal,
        route: &str,
        key: &str,
        body: &[u8],
    ) -> Result<MkOnce> {
        let scope = format!("{}/{} {route}", principal.org, principal.caller);
        Ok(match self.store.claim(&scope, key, body).await? {
            ClaimOutcome::Replay(answer) => MkOnce::Replay(answer),
            ClaimOutcome::First(claim) => MkOnce::First(MkClaim(claim)),
        })
    }

    /// Keeps the answer of a request for 24 hours, also across a crash.
    pub async fn keep_answer(&self, principal: &Principal, claim: MkClaim, answer: Vec<u8>) -> Result<()> {
        self.store.write_claimed(principal, Readings::default(), claim.0, answer).await
    }
}
