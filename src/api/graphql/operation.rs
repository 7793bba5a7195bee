//! Execution of one operation on a long-lived connection: a stream of responses, each finalized like every other
//! response.

use std::sync::Arc;

use async_graphql::{Request, Response};
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::memory_pool::RequestReservation;
use super::{GraphqlService, errors};
use crate::app::live::credential::LiveCredential;

/// Runs operations of one authenticated connection.
#[derive(Clone)]
pub struct OperationRunner {
    /// The schema with its limits.
    pub graph: GraphqlService,
    /// Credential of the caller, checked again before each operation.
    pub credential: LiveCredential,
}

impl OperationRunner {
    /// Returns the responses to a request: one for a query or mutation, any number for a subscription. A caller whose
    /// credential is no longer valid gets one error response.
    ///
    /// The memory of each response is part of `reservation`.
    pub fn execute(
        &self,
        mut request: Request,
        reservation: &Arc<RequestReservation>,
    ) -> BoxStream<'static, Response> {
        let admitted = match self.credential.check() {
            Ok(()) => self.graph.admit(&mut request),
            Err(error) => Err(Box::new(errors::request_error(&error))),
        };
        match admitted {
            Ok(()) => self.graph.execute_stream(request, &self.credential, reservation),
            Err(refused) => stream::once(async { *refused }).boxed(),
        }
    }
}

impl GraphqlService {
    /// Runs an admitted request on a long-lived connection.
    fn execute_stream(
        &self,
        request: Request,
        credential: &LiveCredential,
        reservation: &Arc<RequestReservation>,
    ) -> BoxStream<'static, Response> {
        let request = Self::prepared(request, credential, reservation);
        let (app, who) = (self.app.clone(), credential.principal().clone());
        let responses = self.schema.execute_stream(request);
        let dressed = responses.map(move |mut response| {
            errors::finalize_errors(&app, &who, &mut response);
            response
        });
        dressed.boxed()
    }
}
