//! Flight SQL calls: each translates its request, makes one call into app/, and translates the result.

use std::pin::Pin;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{Field, Schema};
use arrow::ipc::writer::IpcWriteOptions;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::sql::metadata::SqlInfoData;
use arrow_flight::sql::server::{FlightSqlService, PeekableFlightDataStream};
use arrow_flight::sql::{
    ActionClosePreparedStatementRequest, ActionCreatePreparedStatementRequest,
    ActionCreatePreparedStatementResult, CommandGetCatalogs, CommandGetDbSchemas, CommandGetSqlInfo,
    CommandGetTableTypes, CommandGetTables, CommandPreparedStatementQuery, CommandStatementQuery,
    CommandStatementUpdate, DoPutPreparedStatementResult, SqlInfo, TicketStatementQuery,
};
use arrow_flight::{
    Action, FlightData, FlightDescriptor, FlightEndpoint, FlightInfo, HandshakeRequest, HandshakeResponse,
    IpcMessage, SchemaAsIpc, Ticket,
};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt, stream};
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status, Streaming};

use super::admission::AuthenticatedCaller;
use super::error::to_status;
use super::statement_handle::StatementHandle;
use super::{credentials, metadata, params};
use crate::app::App;
use crate::app::live::credential::CredentialWatch;
use crate::app::sql::{BoundStatement, PreparedSql, SqlProtocol, StatementSchema};
use crate::domain::audit::AccessDenial;
use crate::domain::type_erased::TypeErased;
use crate::domain::{Error, Principal, Result};

/// The Flight SQL service.
#[derive(Clone)]
pub struct FlightSqlServer {
    app: TypeErased<Arc<App>>,
    abilities: Arc<SqlInfoData>,
}

/// Stream of the messages that answer a `DoGet`. It is `<FlightSqlServer as FlightService>::DoGetStream` spelled out: through the
/// projection each use makes rustc normalize arrow-flight's blanket implementation, which was 17 % of what it spent on checking this
/// library.
type FlightDataStream = BoxStream<'static, Result<FlightData, Status>>;

impl FlightSqlServer {
    pub fn new(app: Arc<App>) -> Result<Self> {
        Ok(Self { app: TypeErased::new(app), abilities: Arc::new(metadata::build_sql_info()?) })
    }

    /// Returns the caller, whom admission has authenticated.
    fn caller<T>(&self, request: &Request<T>) -> Result<Principal, Status> {
        let known = request.extensions().get::<AuthenticatedCaller>().map(|known| known.0.clone());
        known.ok_or_else(|| Status::internal("the caller is not known"))
    }

    /// Converts an error to a status, and audits it if it is a refused access.
    fn audited_status(&self, principal: &Principal, error: &Error) -> Status {
        if let (Some(refusal), Some(origin)) = (AccessDenial::from_error(error), &principal.origin) {
            self.app.audit.note_refusal(origin, refusal);
        }
        to_status(error)
    }

    /// Describes a statement. The types of its result are those that the values give, if it has them. The future is proven
    /// `Send` here instead of in each method that awaits it (`domain::type_erased`).
    fn describe<'a>(
        &'a self,
        principal: &'a Principal,
        query: &str,
        values: Vec<ArrayRef>,
    ) -> BoxFuture<'a, Result<StatementSchema, Status>> {
        let query = query.to_owned();
        let request = PreparedSql { protocol: SqlProtocol::Flight, query, declared: Vec::new(), values };
        let described = async move {
            let described = self.app.statements.describe_sql(principal, request).await;
            let described = described.map_err(|e| self.audited_status(principal, &e))?;
            Ok(StatementSchema { schema: metadata::sent_schema(&described.schema), ..described })
        };
        described.boxed()
    }

    /// Runs a statement and streams its result for as long as the key is valid.
    fn run(
        &self,
        principal: Principal,
        handle: StatementHandle,
    ) -> BoxFuture<'_, Result<Response<FlightDataStream>, Status>> {
        let answered = async move {
            let values = handle.values().and_then(params::parameter_values).map_err(|e| to_status(&e))?;
            let bound =
                BoundStatement { protocol: SqlProtocol::Flight, query: handle.query, values, settings: None };
            let answer = self.app.statements.bound_sql(&principal, bound).await;
            let answer = answer.map_err(|e| self.audited_status(&principal, &e))?;
            let credential = self.app.feeds.live_credential(Arc::new(principal), None);
            let batches = while_authorized(answer.batches, credential.watch());
            let batches = batches.map_err(|e| FlightError::from(to_status(&e)));
            let schema = metadata::sent_schema(&answer.schema);
            let encoded = FlightDataEncoderBuilder::new().with_schema(schema).build(batches);
            let data: BoxStream<'static, _> = encoded.map_err(Status::from).boxed();
            Ok(Response::new(data))
        };
        answered.boxed()
    }

    /// Streams a metadata list.
    fn send(&self, batch: Result<RecordBatch>) -> Result<Response<FlightDataStream>, Status> {
        let batch = batch.map_err(|e| to_status(&e))?;
        let encoder = FlightDataEncoderBuilder::new().with_schema(batch.schema());
        let data: BoxStream<'static, _> =
            encoder.build(stream::iter([Ok(batch)])).map_err(Status::from).boxed();
        Ok(Response::new(data))
    }

    /// Describes a metadata list; its ticket is the command itself, to be fetched from this server.
    fn list_info(
        &self,
        batch: Result<RecordBatch>,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let schema = metadata::schema_of(batch).map_err(|e| to_status(&e))?;
        let descriptor = request.into_inner();
        info(&schema, Ticket::new(descriptor.cmd.clone()), descriptor)
    }

    fn tables(&self, principal: &Principal, command: CommandGetTables) -> Result<RecordBatch> {
        metadata::tables(command, &self.app.statements.sql_tables(principal)?)
    }
}

/// Streams the batches; ends with an error when the caller's key is no longer valid.
fn while_authorized(
    batches: BoxStream<'static, Result<RecordBatch>>,
    credential: CredentialWatch,
) -> impl Stream<Item = Result<RecordBatch>> {
    stream::unfold(Some((batches, credential)), |going| async move {
        let (mut batches, mut credential) = going?;
        tokio::select! {
            biased;
            over = credential.expired() => Some((Err(over), None)),
            next = batches.next() => next.map(|batch| (batch, Some((batches, credential)))),
        }
    })
}

fn info(
    schema: &Schema,
    ticket: Ticket,
    descriptor: FlightDescriptor,
) -> Result<Response<FlightInfo>, Status> {
    let info = FlightInfo::new().try_with_schema(schema).map_err(|e| unencodable(&e))?;
    let info = info.with_endpoint(FlightEndpoint::new().with_ticket(ticket)).with_descriptor(descriptor);
    Ok(Response::new(info))
}

fn unencodable(e: &arrow::error::ArrowError) -> Status {
    Status::internal(format!("the columns cannot be told: {e}"))
}

fn schema_bytes(schema: &Schema) -> Result<Bytes, Status> {
    let message: IpcMessage = SchemaAsIpc::new(schema, &IpcWriteOptions::default())
        .try_into()
        .map_err(|e: arrow::error::ArrowError| unencodable(&e))?;
    Ok(message.0)
}

#[tonic::async_trait]
impl FlightSqlService for FlightSqlServer {
    type FlightService = FlightSqlServer;

    /// Exchanges basic credentials for a bearer token, which is the key itself: no token is stored or expires.
    async fn do_handshake(
        &self,
        request: Request<Streaming<HandshakeRequest>>,
    ) -> Result<Response<Pin<Box<dyn Stream<Item = Result<HandshakeResponse, Status>> + Send>>>, Status> {
        self.caller(&request)?;
        let key = credentials::api_key(request.metadata()).map_err(|e| to_status(&e))?;
        let handshake = HandshakeResponse { protocol_version: 0, payload: Bytes::from(key.clone()) };
        let answer: BoxStream<'static, _> = stream::iter([Ok(handshake)]).boxed();
        let mut response = Response::new(answer);
        let token = MetadataValue::try_from(format!("Bearer {key}"));
        let token = token.map_err(|_| Status::unauthenticated("the key is no text"))?;
        response.metadata_mut().insert("authorization", token);
        Ok(response)
    }

    async fn get_flight_info_statement(
        &self,
        query: CommandStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let principal = self.caller(&request)?;
        let described = self.describe(&principal, &query.query, Vec::new()).await?;
        let ticket = StatementHandle::new(&principal, query.query).to_ticket().map_err(|e| to_status(&e))?;
        info(&described.schema, ticket, request.into_inner())
    }

    async fn do_get_statement(
        &self,
        ticket: TicketStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<FlightDataStream>, Status> {
        let principal = self.caller(&request)?;
        let handle = StatementHandle::read(&principal, &ticket.statement_handle);
        let handle = handle.map_err(|e| self.audited_status(&principal, &e))?;
        self.run(principal, handle).await
    }

    async fn do_action_create_prepared_statement(
        &self,
        query: ActionCreatePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<ActionCreatePreparedStatementResult, Status> {
        let principal = self.caller(&request)?;
        let described = self.describe(&principal, &query.query, Vec::new()).await?;
        let numbered = described.params.iter().enumerate();
        let params = numbered.map(|(i, known)| Field::new(format!("${}", i + 1), known.clone(), true));
        let params = Schema::new(params.collect::<Vec<_>>());
        Ok(ActionCreatePreparedStatementResult {
            prepared_statement_handle: StatementHandle::new(&principal, query.query).to_bytes(),
            dataset_schema: schema_bytes(&described.schema)?,
            parameter_schema: if params.fields().is_empty() { Bytes::new() } else { schema_bytes(&params)? },
        })
    }

    /// Does nothing: prepared statements live in their handle.
    async fn do_action_close_prepared_statement(
        &self,
        _query: ActionClosePreparedStatementRequest,
        request: Request<Action>,
    ) -> Result<(), Status> {
        self.caller(&request).map(drop)
    }

    /// Binds values and returns a handle that contains them.
    async fn do_put_prepared_statement_query(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<DoPutPreparedStatementResult, Status> {
        let principal = self.caller(&request)?;
        let handle = StatementHandle::read(&principal, &query.prepared_statement_handle);
        let handle = handle.map_err(|e| self.audited_status(&principal, &e))?;
        let sent = params::check_messages(request.into_inner());
        let mut sent = FlightRecordBatchStream::new_from_flight_data(sent);
        let first = params::next(&mut sent).await?;
        if params::next(&mut sent).await?.is_some_and(|more| more.num_rows() > 0) {
            return Err(to_status(&Error::invalid(
                "more than one batch of parameters; a statement runs with one row",
            )));
        }
        let handle = match first {
            Some(batch) => {
                let _: Vec<ArrayRef> =
                    params::parameter_values(Some(batch.clone())).map_err(|e| to_status(&e))?;
                handle.with_values(&batch).map_err(|e| to_status(&e))?
            }
            None => handle,
        };
        Ok(DoPutPreparedStatementResult { prepared_statement_handle: Some(handle.to_bytes()) })
    }

    async fn get_flight_info_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let principal = self.caller(&request)?;
        let handle = StatementHandle::read(&principal, &query.prepared_statement_handle);
        let handle = handle.map_err(|e| self.audited_status(&principal, &e))?;
        let values = handle.values().and_then(params::parameter_values).map_err(|e| to_status(&e))?;
        let described = self.describe(&principal, &handle.query, values).await?;
        let ticket = handle.to_ticket().map_err(|e| to_status(&e))?;
        info(&described.schema, ticket, request.into_inner())
    }

    async fn do_get_prepared_statement(
        &self,
        query: CommandPreparedStatementQuery,
        request: Request<Ticket>,
    ) -> Result<Response<FlightDataStream>, Status> {
        let principal = self.caller(&request)?;
        let handle = StatementHandle::read(&principal, &query.prepared_statement_handle);
        let handle = handle.map_err(|e| self.audited_status(&principal, &e))?;
        self.run(principal, handle).await
    }

    async fn do_put_statement_update(
        &self,
        update: CommandStatementUpdate,
        request: Request<PeekableFlightDataStream>,
    ) -> Result<i64, Status> {
        let principal = self.caller(&request)?;
        // A reading statement is not an update; a writing one is refused by the engine as everywhere.
        self.describe(&principal, &update.query, Vec::new()).await?;
        Err(to_status(&Error::invalid("the statement reads: run it as a query, not as an update")))
    }

    async fn get_flight_info_catalogs(
        &self,
        command: CommandGetCatalogs,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.caller(&request)?;
        self.list_info(metadata::catalogs(command), request)
    }

    async fn do_get_catalogs(
        &self,
        command: CommandGetCatalogs,
        request: Request<Ticket>,
    ) -> Result<Response<FlightDataStream>, Status> {
        self.caller(&request)?;
        self.send(metadata::catalogs(command))
    }

    async fn get_flight_info_schemas(
        &self,
        command: CommandGetDbSchemas,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.caller(&request)?;
        self.list_info(metadata::schemas(command), request)
    }

    async fn do_get_schemas(
        &self,
        command: CommandGetDbSchemas,
        request: Request<Ticket>,
    ) -> Result<Response<FlightDataStream>, Status> {
        self.caller(&request)?;
        self.send(metadata::schemas(command))
    }

    async fn get_flight_info_tables(
        &self,
        command: CommandGetTables,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        let principal = self.caller(&request)?;
        self.list_info(self.tables(&principal, command), request)
    }

    async fn do_get_tables(
        &self,
        command: CommandGetTables,
        request: Request<Ticket>,
    ) -> Result<Response<FlightDataStream>, Status> {
        let principal = self.caller(&request)?;
        self.send(self.tables(&principal, command))
    }

    async fn get_flight_info_table_types(
        &self,
        command: CommandGetTableTypes,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.caller(&request)?;
        self.list_info(metadata::table_types(command), request)
    }

    async fn do_get_table_types(
        &self,
        command: CommandGetTableTypes,
        request: Request<Ticket>,
    ) -> Result<Response<FlightDataStream>, Status> {
        self.caller(&request)?;
        self.send(metadata::table_types(command))
    }

    async fn get_flight_info_sql_info(
        &self,
        command: CommandGetSqlInfo,
        request: Request<FlightDescriptor>,
    ) -> Result<Response<FlightInfo>, Status> {
        self.caller(&request)?;
        self.list_info(metadata::sql_info(command, &self.abilities), request)
    }

    async fn do_get_sql_info(
        &self,
        command: CommandGetSqlInfo,
        request: Request<Ticket>,
    ) -> Result<Response<FlightDataStream>, Status> {
        self.caller(&request)?;
        self.send(metadata::sql_info(command, &self.abilities))
    }

    /// Not used: server information comes from `abilities`.
    async fn register_sql_info(&self, _id: i32, _result: &SqlInfo) {}
}
