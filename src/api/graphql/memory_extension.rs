//! Schema extension that charges each operation to its request's reservation (memory_pool.rs): before execution for the
//! field values it may produce, during execution for the text they actually contain. It also has objects without a selected
//! field answered as such (empty_objects.rs).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextResolve, NextValidation,
    ResolveInfo,
};
use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Response, ServerError, ServerResult, ValidationResult, Value, Variables};

use super::empty_objects;
use super::errors;
use super::limits::ArgumentBytes;
use super::memory_pool::{FIELD_RESOLVER_BYTES, FIELD_VALUE_BYTES, RequestReservation};
use super::size_estimate;

/// Text length of a value that `FIELD_VALUE_BYTES` already includes.
const INCLUDED_TEXT_BYTES: usize = 64;
/// Argument size of a field that `FIELD_VALUE_BYTES` already includes.
const INCLUDED_ARGUMENT_BYTES: u64 = 2048;
/// Memory of an error with its path and code.
const ERROR_BYTES: usize = 1024;
/// Name of the scalar for arbitrary JSON.
const JSON_SCALAR: &str = "JSON";

/// Creates the extension of each request.
pub struct MemoryAccounting;

impl ExtensionFactory for MemoryAccounting {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(RequestMemoryAccounting::default())
    }
}

#[derive(Default)]
struct RequestMemoryAccounting {
    /// Number of field values that the response may have; known after validation.
    values: AtomicUsize,
    /// Whether the response has fields that are removed from it.
    has_hidden_fields: AtomicBool,
}

#[async_trait::async_trait]
impl Extension for RequestMemoryAccounting {
    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let mut document = next.run(ctx, query, variables).await?;
        self.has_hidden_fields.store(empty_objects::add_hidden_fields(&mut document), Ordering::Release);
        Ok(document)
    }

    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        self.values.store(result.complexity, Ordering::Release);
        Ok(result)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let (request_memory, values) = (reservation(ctx), self.values.load(Ordering::Acquire));
        let arguments = ctx.data_opt::<ArgumentBytes>().copied().unwrap_or_default();
        if let Err(error) = request_memory.reserve(operation_cost_bytes(values, arguments)).await {
            return errors::request_error(&error);
        }
        let mut response = next.run(ctx, operation_name).await;
        if self.has_hidden_fields.load(Ordering::Acquire) {
            empty_objects::remove_hidden_fields(&mut response.data);
        }
        // No field is being resolved any more. The text of the response finds this memory, even while others wait for
        // all that is released.
        request_memory.reuse(values.saturating_mul(FIELD_RESOLVER_BYTES));
        match request_memory.spent() {
            // A partial response must not look complete.
            Some(error) => errors::request_error(&error),
            None => response,
        }
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let request_memory = reservation(ctx);
        if request_memory.is_spent() {
            // The whole response will be refused: nothing more is read, and no further mutation runs.
            return Ok(Some(Value::Null));
        }
        // Rows are in memory, so a list of thousands would occupy its thread until its last field: other requests get
        // the thread in between.
        tokio::task::consume_budget().await;
        // Items of other lists are resolved one by one; those of JSON come as a whole (`sql_rows`).
        let is_json = info.return_type.trim_matches(['[', ']', '!']) == JSON_SCALAR;
        let result = next.run(ctx, info).await;
        let bytes = match &result {
            Ok(Some(Value::String(text))) => text.len().saturating_sub(INCLUDED_TEXT_BYTES),
            Ok(Some(value)) if is_json => bytes(size_estimate::value_bytes(value)),
            Ok(_) => 0,
            Err(_) => ERROR_BYTES,
        };
        if bytes > 0 && request_memory.grow(bytes).is_err() {
            return Ok(Some(Value::Null));
        }
        result
    }
}

/// Returns the memory charged to an operation before it runs, bytes.
fn operation_cost_bytes(values: usize, arguments: ArgumentBytes) -> usize {
    let more = bytes(arguments.largest_field.saturating_sub(INCLUDED_ARGUMENT_BYTES));
    values.saturating_mul(FIELD_VALUE_BYTES.saturating_add(more)).saturating_add(bytes(arguments.bytes))
}

fn bytes(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// Returns the memory reservation of the request. `GraphqlService::prepared` puts it into every request.
fn reservation<'a>(ctx: &ExtensionContext<'a>) -> &'a RequestReservation {
    ctx.data_unchecked::<Arc<RequestReservation>>()
}

#[cfg(test)]
#[path = "memory_extension_tests.rs"]
mod tests;
