//! What every field finds in its request: the application, and who asks.

use std::sync::Arc;

use async_graphql::Context;

use crate::api::caller::Caller;
use crate::app::App;
use crate::domain::Principal;

/// The application.
pub fn app<'a>(ctx: &Context<'a>) -> &'a Arc<App> {
    ctx.data_unchecked::<Arc<App>>()
}

/// Who asks. No request is executed without: `execute` puts it there.
pub fn caller<'a>(ctx: &Context<'a>) -> &'a Principal {
    ctx.data_unchecked::<Caller>()
}
