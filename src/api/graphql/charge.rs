//! The extension of the schema that charges each operation to what its request holds (memory.rs): before it runs for the
//! values it may have, while it runs for the text that they turn out to have.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_graphql::extensions::{
    Extension, ExtensionContext, ExtensionFactory, NextExecute, NextResolve, NextValidation, ResolveInfo,
};
use async_graphql::{Response, ServerError, ServerResult, ValidationResult, Value};

use super::errors;
use super::limits::Arguments;
use super::memory::{Held, VALUE_BYTES};
use super::weight;

/// Text of a value that is in `VALUE_BYTES` already.
const SHORT_TEXT: usize = 64;
/// Arguments of a field that are in `VALUE_BYTES` already.
const SHORT_ARGUMENTS: u64 = 2048;
/// What an error takes, with its path and its code.
const ERROR_BYTES: usize = 1024;
/// The scalar of what has any shape.
const JSON: &str = "JSON";

/// Makes the extension of each request.
pub struct Charge;

impl ExtensionFactory for Charge {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(OfRequest::default())
    }
}

#[derive(Default)]
struct OfRequest {
    /// Values that the answer may have; known once the document has been validated.
    values: AtomicUsize,
}

#[async_trait::async_trait]
impl Extension for OfRequest {
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
        let held = held(ctx);
        let arguments = ctx.data_opt::<Arguments>().copied().unwrap_or_default();
        if let Err(error) = held.take(cost(self.values.load(Ordering::Acquire), arguments)).await {
            return errors::refusal(&error);
        }
        let response = next.run(ctx, operation_name).await;
        match held.spent() {
            // A part of an answer must not look whole.
            Some(error) => errors::refusal(&error),
            None => response,
        }
    }

    async fn resolve(
        &self,
        ctx: &ExtensionContext<'_>,
        info: ResolveInfo<'_>,
        next: NextResolve<'_>,
    ) -> ServerResult<Option<Value>> {
        let held = held(ctx);
        if held.is_spent() {
            // The whole answer is refused for it: nothing more is read, and no further mutation runs.
            return Ok(Some(Value::Null));
        }
        // Items of a list come here one by one.
        let is_json = info.return_type.trim_end_matches('!') == JSON;
        let result = next.run(ctx, info).await;
        let bytes = match &result {
            Ok(Some(Value::String(text))) => text.len().saturating_sub(SHORT_TEXT),
            Ok(Some(value)) if is_json => bytes(weight::of_value(value)),
            Ok(_) => 0,
            Err(_) => ERROR_BYTES,
        };
        if bytes > 0 && held.grow(bytes).is_err() {
            return Ok(Some(Value::Null));
        }
        result
    }
}

/// What the operation is charged before it runs.
fn cost(values: usize, arguments: Arguments) -> usize {
    let more = bytes(arguments.of_field.saturating_sub(SHORT_ARGUMENTS));
    values.saturating_mul(VALUE_BYTES.saturating_add(more)).saturating_add(bytes(arguments.bytes))
}

fn bytes(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// What the request holds. None is executed without: `Graph::prepared` puts it there.
fn held<'a>(ctx: &ExtensionContext<'a>) -> &'a Held {
    ctx.data_unchecked::<Arc<Held>>()
}
