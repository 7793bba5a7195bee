//! GraphQL API at `/graphql`: devices, streams and their values.
//!
//! Resolvers translate arguments, call app/ once, and translate the result back; the caller is part of the request data
//! and is passed to every call. Nested fields read their rows one by one (`rows`). Documents are checked before they
//! run (`limits`), and the memory of a request is accounted for until the last byte of its response has been sent
//! (`memory_pool`, `memory_extension`, `chunked_response`).

#![warn(missing_docs)]

pub mod bracket_depth;
pub mod chunked_response;
pub mod context;
pub mod document_size;
pub mod empty_objects;
pub mod enums;
pub mod errors;
pub mod http;
pub mod ids;
pub mod input_object;
pub mod limits;
pub mod memory_extension;
pub mod memory_pool;
pub mod mutations;
pub mod object;
pub mod objects;
pub mod operation;
pub mod overlap;
pub mod paging;
pub mod queries;
pub mod replica_reads;
pub mod request;
pub mod rows;
pub mod scalars;
pub mod size_estimate;
pub mod sql_rows;
pub mod sse;
pub mod subscription;
pub mod ws;
pub mod ws_connection;
pub mod ws_handshake;
pub mod ws_messages;

use std::sync::Arc;

use async_graphql::{Request, Response, SDLExportOptions};

use self::memory_extension::MemoryAccounting;
use self::memory_pool::{GraphqlMemoryPool, RequestReservation};
use self::mutations::Mutation;
use self::objects::alert::AlertRule;
use self::objects::client::Client;
use self::objects::device::Device;
use self::objects::event::EventConnection;
use self::objects::export::Export;
use self::objects::group::Group;
use self::objects::job::Job;
use self::objects::key::ApiKey;
use self::objects::model::Model;
use self::objects::product::Product;
use self::objects::reading::ReadingConnection;
use self::objects::registration::RegistrationToken;
use self::objects::stream::Stream;
use self::objects::user::User;
use self::paging::NodeConnection;
use self::queries::Query;
use self::subscription::Subscription;
use crate::app::App;
use crate::app::graphql::GraphqlLimits;
use crate::app::live::credential::LiveCredential;

/// The schema with its root types.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The schema while it is built.
type Builder = async_graphql::SchemaBuilder<Query, Mutation, Subscription>;

/// The schema with its request limits and memory pool.
#[derive(Clone)]
pub struct GraphqlService {
    schema: Schema,
    app: Arc<App>,
    limits: GraphqlLimits,
    account: Arc<GraphqlMemoryPool>,
}

impl GraphqlService {
    /// Builds the schema and its memory pool from the settings.
    pub fn new(app: Arc<App>) -> Self {
        let limits = app.settings().graphql;
        let schema = build()
            .limit_complexity(limits.complexity)
            .limit_recursive_depth(document_size::MAX_SELECTION_DEPTH as usize)
            .extension(MemoryAccounting)
            .data(app.clone())
            .finish();
        Self { schema, app, limits, account: GraphqlMemoryPool::new(limits.complexity) }
    }

    /// Opens an empty memory reservation for a request of this caller.
    pub fn open_reservation(&self, credential: &LiveCredential) -> Arc<RequestReservation> {
        self.account.open_reservation(credential.principal())
    }

    /// Parses and checks a request's document.
    ///
    /// # Errors
    /// The response to send if the document exceeds a limit or cannot be parsed.
    pub fn admit(&self, request: &mut Request) -> Result<(), Box<Response>> {
        let arguments = limits::check_document(&self.limits, request).map_err(|error| {
            let mut refused = Response::from_errors(vec![error]);
            errors::set_validation_code(&mut refused);
            Box::new(refused)
        })?;
        request.data.insert(arguments);
        Ok(())
    }

    /// Runs an admitted request for the given caller.
    pub async fn run(
        &self,
        request: Request,
        credential: &LiveCredential,
        reservation: &Arc<RequestReservation>,
    ) -> Response {
        let mut response = self.schema.execute(Self::prepared(request, credential, reservation)).await;
        errors::finalize_errors(&self.app, credential.principal(), &mut response);
        response
    }

    /// Adds the data that fields need to the request.
    fn prepared(
        request: Request,
        credential: &LiveCredential,
        reservation: &Arc<RequestReservation>,
    ) -> Request {
        request.data(credential.clone()).data(reservation.clone())
    }
}

fn build() -> Builder {
    queries::documents::describe_pages(Schema::build(Query::default(), Mutation::default(), Subscription))
        .override_output_type_description::<NodeConnection<Device>>("A page of devices.")
        .override_output_type_description::<NodeConnection<Stream>>("A page of streams.")
        .override_output_type_description::<NodeConnection<Group>>("A page of groups.")
        .override_output_type_description::<NodeConnection<Model>>("A page of models.")
        .override_output_type_description::<NodeConnection<ApiKey>>("A page of API keys.")
        .override_output_type_description::<NodeConnection<Product>>("A page of products.")
        .override_output_type_description::<NodeConnection<Client>>("A page of clients.")
        .override_output_type_description::<NodeConnection<User>>("A page of users.")
        .override_output_type_description::<NodeConnection<RegistrationToken>>(
            "A page of registration tokens.",
        )
        .override_output_type_description::<NodeConnection<AlertRule>>("A page of alert rules.")
        .override_output_type_description::<NodeConnection<Export>>("A page of exports.")
        .override_output_type_description::<NodeConnection<Job>>("A page of jobs.")
        .override_output_type_description::<EventConnection>("A page of events.")
        .override_output_type_description::<ReadingConnection>("A page of readings.")
}

/// Returns the schema in SDL, as stored in `schema/schema.graphql`.
pub fn sdl() -> String {
    let options = SDLExportOptions::new().sorted_fields().sorted_arguments().include_specified_by();
    build().finish().sdl_with_options(options)
}

#[cfg(test)]
mod fields_tests;

#[cfg(test)]
mod fuzz_tests;
