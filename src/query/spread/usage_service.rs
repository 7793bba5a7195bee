//! The service by which a node says what the tasks of another node's query have used, and the call of it.

use std::convert::Infallible;
use std::future::ready;
use std::sync::Arc;
use std::task::{Context, Poll};

use datafusion_distributed::grpc::BoxCloneSyncChannel;
use futures::FutureExt;
use futures::future::BoxFuture;
use prost::Message;
use tonic::body::Body;
use tonic::codegen::http;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::metadata::MetadataMap;
use tonic::server::NamedService;
use tonic::{Extensions, Request, Response, Status};
use tonic_prost::ProstCodec;
use tower::{Service, service_fn};

use super::task_session::TaskHeaders;
use super::task_trackers::TaskTrackers;
use crate::query::node_usage::NodeUsage;

/// The only method of the service.
const PATH: &str = "/basalt.TaskUsage/Get";

/// Answer of a node. The question has no fields: like every call about a query, it names the query in its headers.
#[derive(Clone, PartialEq, Message)]
pub struct UsageMessage {
    #[prost(uint64, tag = "1")]
    bytes: u64,
    #[prost(uint64, tag = "2")]
    peak_memory: u64,
}

impl From<NodeUsage> for UsageMessage {
    fn from(NodeUsage { bytes, peak_memory }: NodeUsage) -> Self {
        Self { bytes, peak_memory }
    }
}

impl From<UsageMessage> for NodeUsage {
    fn from(UsageMessage { bytes, peak_memory }: UsageMessage) -> Self {
        Self { bytes, peak_memory }
    }
}

/// Asks a node what a query has used there.
///
/// # Errors
/// What the node refuses, and what happens to the connection.
pub async fn ask(channel: BoxCloneSyncChannel, headers: TaskHeaders) -> Result<NodeUsage, Status> {
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.map_err(|e| Status::from_error(Box::new(e)))?;
    let metadata = MetadataMap::from_headers(headers.to_headers());
    let request = Request::from_parts(metadata, Extensions::default(), ());
    let codec = ProstCodec::<(), UsageMessage>::default();
    let response = client.unary(request, PathAndQuery::from_static(PATH), codec).await?;
    Ok(response.into_inner().into())
}

/// Answers `ask` on a node with tasks.
#[derive(Clone)]
pub struct UsageService {
    trackers: Arc<TaskTrackers>,
}

impl UsageService {
    pub fn new(trackers: Arc<TaskTrackers>) -> Self {
        Self { trackers }
    }
}

impl NamedService for UsageService {
    const NAME: &'static str = "basalt.TaskUsage";
}

impl Service<http::Request<Body>> for UsageService {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let trackers = self.trackers.clone();
        let method = service_fn(move |request: Request<()>| ready(usage(&trackers, &request)));
        async move {
            let mut server = tonic::server::Grpc::new(ProstCodec::<UsageMessage, ()>::default());
            Ok(server.unary(method, request).await)
        }
        .boxed()
    }
}

fn usage(trackers: &TaskTrackers, request: &Request<()>) -> Result<Response<UsageMessage>, Status> {
    let TaskHeaders { query, org, .. } = TaskHeaders::read(request.metadata().as_ref())
        .map_err(|error| Status::invalid_argument(error.message))?;
    let usage = trackers.usage(query, org).map_err(|error| Status::permission_denied(error.message))?;
    Ok(Response::new(usage.into()))
}
