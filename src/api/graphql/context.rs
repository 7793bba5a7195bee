//! Access to the request data of a field: the application, the caller and the memory reservation.

use std::sync::Arc;

use async_graphql::Context;

use super::memory_pool::RequestReservation;
use crate::app::App;
use crate::app::live::credential::LiveCredential;
use crate::domain::Principal;

/// Returns the application.
pub fn app<'a>(ctx: &Context<'a>) -> &'a Arc<App> {
    ctx.data_unchecked::<Arc<App>>()
}

/// Returns the caller's credential. `GraphqlService::prepared` puts it into every request.
pub fn live_credential<'a>(ctx: &Context<'a>) -> &'a LiveCredential {
    ctx.data_unchecked::<LiveCredential>()
}

/// Returns the caller.
pub fn caller<'a>(ctx: &Context<'a>) -> &'a Principal {
    live_credential(ctx).principal()
}

/// Returns the memory reservation of the request, which grows with the data read for it.
pub fn reservation<'a>(ctx: &Context<'a>) -> &'a Arc<RequestReservation> {
    ctx.data_unchecked::<Arc<RequestReservation>>()
}
