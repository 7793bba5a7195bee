//! The states of registration tokens: they change with the tokens, and with the certificates of their devices.

use std::sync::Arc;

use sea_orm::ActiveModelTrait;

use crate::domain::registration::{Registration, RegistrationState};
use crate::domain::{DeviceId, Result};
use crate::store::catalog::database::unavailable;
use crate::store::catalog::entity;
use crate::store::catalog::mirror::Mirror;
use crate::store::catalog::transaction::DbTransaction;

/// The unused tokens of a device, revoked.
pub(in crate::store::catalog) fn revoked(mirror: &Mirror, device: DeviceId) -> Vec<Arc<Registration>> {
    let tokens = mirror.registrations.of_device(device);
    let unused = tokens.filter(|token| token.state == RegistrationState::Pending);
    unused.map(|token| with_state(token, RegistrationState::Revoked)).collect()
}

/// Stores the states of tokens.
pub(in crate::store::catalog) async fn store_states(
    db: &DbTransaction,
    tokens: &[Arc<Registration>],
) -> Result<()> {
    for token in tokens {
        entity::registration::for_state(token).update(&**db).await.map_err(unavailable)?;
    }
    Ok(())
}

/// The token in another state.
pub(in crate::store::catalog) fn with_state(
    token: &Registration,
    state: RegistrationState,
) -> Arc<Registration> {
    Arc::new(Registration { state, ..token.clone() })
}
