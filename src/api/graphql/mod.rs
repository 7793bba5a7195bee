//! `/graphql`: the graph of devices, streams and what they have measured.
//!
//! Resolvers translate arguments, call app/ once, and translate back; who asks travels in the request's data and every
//! call takes it. What nests reads through loaders. Documents are judged before they run (`limits`), and what a request
//! holds is counted until the last byte of its answer has been sent (`memory`, `charge`, `delivery`).

pub mod charge;
pub mod context;
pub mod delivery;
pub mod drive;
pub mod enums;
pub mod errors;
pub mod http;
pub mod ids;
pub mod limits;
pub mod loaders;
pub mod measure;
pub mod memory;
pub mod mutations;
pub mod nesting;
pub mod objects;
pub mod operation;
pub mod overlap;
pub mod paging;
pub mod queries;
pub mod rows;
pub mod scalars;
pub mod sse;
pub mod subscription;
pub mod weight;
pub mod ws;
pub mod ws_messages;
pub mod ws_socket;

use std::sync::Arc;

use async_graphql::{Request, Response, SDLExportOptions};

use self::charge::Charge;
use self::drive::Asked;
use self::memory::{Account, Held};
use self::mutations::Mutation;
use self::objects::device::Device;
use self::objects::event::Events;
use self::objects::group::Group;
use self::objects::key::ApiKey;
use self::objects::model::Model;
use self::objects::reading::Values;
use self::objects::stream::Stream;
use self::paging::Listed;
use self::queries::Query;
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
    account: Arc<Account>,
}

impl Graph {
    pub fn new(app: Arc<App>) -> Self {
        let limits = app.settings().graphql;
        let schema = build()
            .limit_complexity(limits.complexity)
            .limit_recursive_depth(measure::MOST_NESTED as usize)
            .extension(Charge)
            .data(app.clone())
            .finish();
        Self { schema, app, limits, account: Account::new(limits.complexity) }
    }

    /// The account of a request of somebody.
    pub fn open(&self, standing: &Standing) -> Arc<Held> {
        self.account.open(standing.principal())
    }

    /// Passes a request whose document may run. It is parsed then.
    pub fn admit(&self, request: &mut Request) -> Result<(), Box<Response>> {
        let arguments = limits::check(&self.limits, request).map_err(|error| {
            let mut refused = Response::from_errors(vec![error]);
            errors::code_of_document(&mut refused);
            Box::new(refused)
        })?;
        request.data.insert(arguments);
        Ok(())
    }

    /// Runs a request that was admitted, for whoever asks.
    pub async fn run(&self, request: Request, standing: &Standing, held: &Arc<Held>) -> Response {
        let (request, asked) = self.prepared(request, standing, held);
        let mut response = drive::one(asked, self.schema.execute(request)).await;
        errors::dress(&self.app, standing.principal(), &mut response);
        response
    }

    /// The request with what its fields need, and the loads they will ask for.
    fn prepared(&self, request: Request, standing: &Standing, held: &Arc<Held>) -> (Request, Asked) {
        let (loaders, asked) = loaders::of_request(self.app.clone(), standing.principal().clone());
        (request.data(standing.clone()).data(held.clone()).data(loaders), asked)
    }
}

fn build() -> async_graphql::SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription)
        .override_output_type_description::<Listed<Device>>("A page of devices.")
        .override_output_type_description::<Listed<Stream>>("A page of streams.")
        .override_output_type_description::<Listed<Group>>("A page of groups.")
        .override_output_type_description::<Listed<Model>>("A page of models.")
        .override_output_type_description::<Listed<ApiKey>>("A page of API keys.")
        .override_output_type_description::<Events>("A page of events.")
        .override_output_type_description::<Values>("A page of readings.")
}

/// The schema as `schema/schema.graphql` holds it.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().include_specified_by();
    build().finish().sdl_with_options(options)
}

#[cfg(test)]
mod fuzz_tests;
