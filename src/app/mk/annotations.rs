//! Annotations: listed by time and scope, created, replaced while they are a person's, and deleted.

use std::sync::Arc;

use uuid::Uuid;

use crate::app::core_parts::CoreParts;
use crate::domain::annotation::{Annotation, AnnotationFilter, AnnotationSource, AnnotationSpec};
use crate::domain::caller::Caller;
use crate::domain::{Error, FieldError, Principal, Resource, Result, Scope};
use crate::store::Store;
use crate::store::catalog::AnnotationChange;

/// Why an annotation was not stored.
#[derive(Debug)]
pub enum AnnotationRefusal {
    /// Its scope or its values contradict its class.
    Class(Vec<FieldError>),
    /// Any other reason.
    Failed(Error),
}

impl From<Error> for AnnotationRefusal {
    fn from(error: Error) -> Self {
        AnnotationRefusal::Failed(error)
    }
}

/// The annotations of an organization.
pub struct Annotations {
    store: Arc<Store>,
}

impl Annotations {
    pub(super) fn new(parts: &CoreParts) -> Self {
        Self { store: parts.store.clone() }
    }

    /// Returns a page of the annotations that the principal sees, and the number of all that pass the filter.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `Unavailable`.
    pub async fn annotations(
        &self,
        principal: &Principal,
        filter: &AnnotationFilter,
    ) -> Result<(Vec<Annotation>, u64)> {
        principal.require(Scope::read(Resource::Device))?;
        let catalog = self.store.catalog();
        let total = catalog.annotations.count_annotations(principal, filter).await?;
        Ok((catalog.annotations.annotations(principal, filter).await?, total))
    }

    /// Returns an annotation.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:read`; `NotFound`.
    pub async fn annotation(&self, principal: &Principal, uuid: Uuid) -> Result<Annotation> {
        principal.require(Scope::read(Resource::Device))?;
        self.store.catalog().annotations.annotation(principal, uuid).await
    }

    /// Requires a principal that may change annotations.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`.
    pub fn check_may_annotate(&self, principal: &Principal) -> Result<()> {
        principal.require(Scope::write(Resource::Device))
    }

    /// Returns an annotation for a principal that may change it.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`; `NotFound`; `Conflict` for one that is of no person.
    pub async fn annotation_to_change(&self, principal: &Principal, uuid: Uuid) -> Result<Annotation> {
        self.check_may_annotate(principal)?;
        let stored = self.store.catalog().annotations.annotation(principal, uuid).await?;
        check_is_manual(&stored)?;
        Ok(stored)
    }

    /// Creates an annotation; `created_by` is who does so, as APIs show it.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`, for a user who names another source than MANUAL, and for what the
    /// principal would not see; `Invalid` naming every wrong field; the contradictions to its class by themselves.
    pub async fn create_annotation(
        &self,
        principal: &Principal,
        spec: AnnotationSpec,
        created_by: String,
    ) -> Result<Annotation, AnnotationRefusal> {
        self.check_may_annotate(principal)?;
        if spec.source != AnnotationSource::Manual && is_person(principal.caller) {
            return Err(Error::forbidden("source must be MANUAL unless a key is used").into());
        }
        annotation_of(self.store.catalog().annotations.create_annotation(principal, spec, created_by).await?)
    }

    /// Replaces an annotation of a person.
    ///
    /// # Errors
    /// The errors of [`Annotations::annotation_to_change`] and [`Annotations::create_annotation`]; `Conflict` for another source.
    pub async fn replace_annotation(
        &self,
        principal: &Principal,
        uuid: Uuid,
        spec: AnnotationSpec,
    ) -> Result<Annotation, AnnotationRefusal> {
        self.check_may_annotate(principal)?;
        if spec.source != AnnotationSource::Manual {
            return Err(Error::conflict("source of an annotation cannot be changed").into());
        }
        annotation_of(
            self.store
                .catalog()
                .annotations
                .update_annotation(principal, uuid, spec, check_is_manual)
                .await?,
        )
    }

    /// Deletes an annotation of any source.
    ///
    /// # Errors
    /// `Forbidden` without the scope `device:write`; `NotFound`.
    pub async fn delete_annotation(&self, principal: &Principal, uuid: Uuid) -> Result<()> {
        self.check_may_annotate(principal)?;
        self.store.catalog().annotations.delete_annotation(principal, uuid).await
    }
}

fn annotation_of(change: AnnotationChange) -> Result<Annotation, AnnotationRefusal> {
    match change {
        AnnotationChange::Done(annotation) => Ok(*annotation),
        AnnotationChange::Refused(problems) => Err(AnnotationRefusal::Class(problems)),
    }
}

/// Refuses what machines found: it is replaced by what they find next, not by hand.
fn check_is_manual(stored: &Annotation) -> Result<()> {
    match stored.spec.source {
        AnnotationSource::Manual => Ok(()),
        source => {
            Err(Error::conflict(format!("an annotation of the source {} cannot be changed", source.name())))
        }
    }
}

/// Whether a person acts, and not a program with a key.
fn is_person(caller: Caller) -> bool {
    match caller {
        Caller::User(_) | Caller::Subject(_) => true,
        Caller::Key(_) | Caller::Client { .. } | Caller::Device(_) | Caller::System => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::test_app;
    use crate::domain::annotation::ScopeType;
    use crate::domain::{Kind, Micros, Scopes};

    fn spec() -> AnnotationSpec {
        AnnotationSpec {
            class: Uuid::nil(),
            scope_type: ScopeType::Site,
            scope: Uuid::nil(),
            start: Micros(0),
            end: None,
            values: serde_json::Map::new(),
            source: AnnotationSource::Manual,
            confidence: None,
            note: None,
        }
    }

    fn is_forbidden<T>(answer: Result<T, AnnotationRefusal>) -> bool {
        matches!(answer, Err(AnnotationRefusal::Failed(error)) if error.kind == Kind::Forbidden)
    }

    /// Which of the four changes are forbidden. The annotation is unknown, which is said only to whom they are not.
    async fn forbidden_changes(annotations: &Annotations, who: &Principal) -> [bool; 4] {
        let unknown = Uuid::nil();
        [
            is_forbidden(annotations.annotation_to_change(who, unknown).await.map_err(Into::into)),
            is_forbidden(annotations.create_annotation(who, spec(), "someone".to_owned()).await),
            is_forbidden(annotations.replace_annotation(who, unknown, spec()).await),
            is_forbidden(annotations.delete_annotation(who, unknown).await.map_err(Into::into)),
        ]
    }

    #[tokio::test]
    async fn who_only_reads_changes_no_annotation() {
        let (_dir, app) = test_app::open().await;
        let writer = app.access.system(None).unwrap();
        let scopes: Scopes = std::iter::once(Scope::read(Resource::Device)).collect();
        let reader = Principal { scopes, ..writer.clone() };
        assert_eq!(forbidden_changes(&app.mk.annotations, &reader).await, [true; 4]);
        assert_eq!(forbidden_changes(&app.mk.annotations, &writer).await, [false; 4]);
    }
}
