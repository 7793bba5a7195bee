//! One operation over a connection that lasts: its answers one after the other, each as every answer leaves.

use std::sync::Arc;

use async_graphql::{Request, Response};
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::memory::Held;
use super::{Graph, drive, errors};
use crate::app::live::standing::Standing;

/// Who asks over a connection, and of what.
#[derive(Clone)]
pub struct Asker {
    pub graph: Graph,
    pub standing: Standing,
}

impl Asker {
    /// The answers to a request: one to a query or a mutation, any number to a subscription. Whoever has lost the right to
    /// ask gets none.
    ///
    /// What each answer holds is of `held`.
    pub fn ask(&self, mut request: Request, held: &Arc<Held>) -> BoxStream<'static, Response> {
        let admitted = match self.standing.check() {
            Ok(()) => self.graph.admit(&mut request),
            Err(error) => Err(Box::new(errors::refusal(&error))),
        };
        match admitted {
            Ok(()) => self.graph.follow(request, &self.standing, held),
            Err(refused) => stream::once(async { *refused }).boxed(),
        }
    }
}

impl Graph {
    /// Runs a request that was admitted, for somebody who stays.
    fn follow(
        &self,
        request: Request,
        standing: &Standing,
        held: &Arc<Held>,
    ) -> BoxStream<'static, Response> {
        let (request, asked) = self.prepared(request, standing, held);
        let (app, who) = (self.app.clone(), standing.principal().clone());
        let responses = drive::many(asked, self.schema.execute_stream(request));
        let dressed = responses.map(move |mut response| {
            errors::dress(&app, &who, &mut response);
            response
        });
        dressed.boxed()
    }
}
