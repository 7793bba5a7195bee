//! What every field finds in its request: the application, and who asks.

use std::sync::Arc;

use async_graphql::Context;

use super::memory::Held;
use crate::app::App;
use crate::app::live::standing::Standing;
use crate::domain::Principal;

/// The application.
pub fn app<'a>(ctx: &Context<'a>) -> &'a Arc<App> {
    ctx.data_unchecked::<Arc<App>>()
}

/// Who asks, and by what right. No request is executed without: `Graph::prepared` puts it there.
pub fn standing<'a>(ctx: &Context<'a>) -> &'a Standing {
    ctx.data_unchecked::<Standing>()
}

/// Who asks.
pub fn caller<'a>(ctx: &Context<'a>) -> &'a Principal {
    standing(ctx).principal()
}

/// What the request holds in memory, which grows with what is read for it.
pub fn held<'a>(ctx: &Context<'a>) -> &'a Arc<Held> {
    ctx.data_unchecked::<Arc<Held>>()
}
