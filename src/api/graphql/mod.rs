//! `/graphql`: the graph of devices, streams and what they have measured.
//!
//! Resolvers translate arguments, call app/ once, and translate back; who asks travels in the request's data and every
//! call takes it. What nests reads through loaders. Documents are judged before they run (`limits`), and rows are paid for
//! before they are read (`memory`).

pub mod context;
pub mod drive;
pub mod enums;
pub mod errors;
pub mod http;
pub mod ids;
pub mod limits;
pub mod loaders;
pub mod memory;
pub mod mutations;
pub mod objects;
pub mod operation;
pub mod paging;
pub mod query;
pub mod scalars;
pub mod sse;
pub mod subscription;
pub mod ws;
pub mod ws_messages;
pub mod ws_socket;

use std::sync::Arc;

use async_graphql::{Request, Response, SDLExportOptions};

use self::drive::Asked;
use self::memory::Memory;
use self::mutations::Mutation;
use self::query::Query;
use self::subscription::Subscription;
use crate::app::App;
use crate::app::graphql::Limits;
use crate::app::live::standing::Standing;

/// The schema with its parts.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// A schema that runs within limits.
#[derive(Clone)]
pub struct Graph {
    schema: Schema,
    app: Arc<App>,
    limits: Limits,
}

impl Graph {
    pub fn new(app: Arc<App>) -> Self {
        let limits = app.settings().graphql;
        let schema = build()
            .limit_complexity(limits.complexity)
            .limit_recursive_depth(limits::MOST_NESTED)
            .extension(Memory::new(limits.complexity))
            .data(app.clone())
            .finish();
        Self { schema, app, limits }
    }

    /// Passes a request whose document may run. It is parsed then.
    pub fn admit(&self, request: &mut Request) -> Result<(), Box<Response>> {
        limits::check(&self.limits, request).map_err(|error| {
            let mut refused = Response::from_errors(vec![error]);
            errors::code_of_document(&mut refused);
            Box::new(refused)
        })
    }

    /// Runs a request that was admitted, for whoever asks.
    pub async fn run(&self, request: Request, standing: &Standing) -> Response {
        let (request, asked) = self.prepared(request, standing);
        let mut response = drive::one(asked, self.schema.execute(request)).await;
        errors::dress(&self.app, standing.principal(), &mut response);
        response
    }

    /// The request with what its fields need, and the loads they will ask for.
    fn prepared(&self, request: Request, standing: &Standing) -> (Request, Asked) {
        let (loaders, asked) = loaders::of_request(self.app.clone(), standing.principal().clone());
        (request.data(standing.clone()).data(loaders), asked)
    }
}

fn build() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query, Mutation::default(), Subscription)
}

/// The schema as `schema/schema.graphql` holds it.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().include_specified_by();
    build().finish().sdl_with_options(options)
}
