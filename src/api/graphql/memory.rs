//! Answers are held whole before they are sent, so what runs at once is bounded: an operation waits until as many field
//! values as it may have are free.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextExecute, NextValidation};
use async_graphql::{Response, ServerError, ValidationResult};
use tokio::sync::Semaphore;

use super::errors;
use crate::domain::Error;

/// Operations of the largest size that run at once. A field value takes some 200 bytes until it is sent.
const LARGEST_AT_ONCE: usize = 4;
/// How long one waits for its turn.
const WAIT: Duration = Duration::from_secs(10);

/// Makes the extension of each request.
pub struct Memory {
    values: Arc<Semaphore>,
    most: usize,
}

impl Memory {
    /// `most` is what the largest operation may cost.
    pub fn new(most: usize) -> Self {
        let most = most.min(Semaphore::MAX_PERMITS / LARGEST_AT_ONCE).min(u32::MAX as usize);
        Self { values: Arc::new(Semaphore::new(most * LARGEST_AT_ONCE)), most }
    }
}

impl ExtensionFactory for Memory {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(OfRequest { values: self.values.clone(), most: self.most, cost: AtomicUsize::new(0) })
    }
}

struct OfRequest {
    values: Arc<Semaphore>,
    most: usize,
    /// Known once the document has been validated.
    cost: AtomicUsize,
}

#[async_trait::async_trait]
impl Extension for OfRequest {
    async fn validation(
        &self,
        ctx: &ExtensionContext<'_>,
        next: NextValidation<'_>,
    ) -> Result<ValidationResult, Vec<ServerError>> {
        let result = next.run(ctx).await?;
        self.cost.store(result.complexity, Ordering::Release);
        Ok(result)
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        let cost = self.cost.load(Ordering::Acquire).min(self.most);
        let permits = u32::try_from(cost).expect("`most` fits");
        let waited = tokio::time::timeout(WAIT, self.values.acquire_many(permits)).await;
        let Ok(taken) = waited else {
            return errors::refusal(&Error::busy("too many large answers at once; retry later"));
        };
        let _held = taken.expect("this semaphore is never closed");
        next.run(ctx, operation_name).await
    }
}
