//! What the tasks of live models share.

use std::sync::Arc;

use super::anomaly::Judgement;
use super::book::Book;
use crate::app::ai::history::Scorer;
use crate::domain::model::{Model, ModelProgress};
use crate::domain::{Clock, Result};

/// What a model's task stands on.
pub struct Ground {
    pub scorer: Scorer,
    pub book: Arc<Book>,
    pub clock: Arc<dyn Clock>,
}

impl Ground {
    /// Keeps what a window has changed. The progress as it is then.
    pub async fn record(&self, model: &Model, made: Judgement) -> Result<ModelProgress> {
        match made.told {
            Some(told) => self.book.tell(model.org, model.id, made.progress, told).await,
            None => {
                self.book.put(model.id, made.progress).await;
                Ok(made.progress)
            }
        }
    }
}
