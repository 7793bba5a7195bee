//! Annotations in the catalog. They are read from the database and not mirrored: their number is unbounded.

pub(super) mod counts;
pub(super) mod filter;

use std::sync::Arc;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbErr, EntityTrait, PaginatorTrait, QueryFilter, Select,
};
use uuid::Uuid;

use self::counts::AnnotationCounts;
use self::filter::{matching, sorted};
use super::catalog_core::CatalogCore;
use super::database::{unavailable, write_error};
use super::entity::annotation::{self, Column, Entity, Model};
use super::transaction::DbTransaction;
use super::visibility::VisibleCatalog;
use crate::domain::annotation::{Annotation, AnnotationFilter, AnnotationPlace, AnnotationSpec, ScopeType};
use crate::domain::audit::{Action, AuditChange};
use crate::domain::companion::Companion;
use crate::domain::document::{Document, DocumentKind};
use crate::domain::pagination::Pagination;
use crate::domain::{DocumentId, Error, FieldError, Principal, Result};

/// Outcome of an annotation that was to be stored.
#[derive(Debug, Clone, PartialEq)]
pub enum AnnotationChange {
    /// It is stored.
    Done(Box<Annotation>),
    /// Nothing is stored: its scope or values contradict its class.
    Refused(Vec<FieldError>),
}

/// An annotation that passed every rule, and the rows that it refers to.
struct ValidAnnotation {
    class: DocumentId,
    place: AnnotationPlace,
}

/// Annotations of devices and streams.
pub struct AnnotationCatalog {
    core: Arc<CatalogCore>,
    annotation_counts: AnnotationCounts,
}

impl AnnotationCatalog {
    pub(super) fn new(core: Arc<CatalogCore>) -> Self {
        Self { core, annotation_counts: Default::default() }
    }

    /// Returns the visible annotations that pass the filter.
    pub async fn annotations(&self, who: &Principal, filter: &AnnotationFilter) -> Result<Vec<Annotation>> {
        let Some(rows) = self.visible_annotations(who, filter) else { return Ok(Vec::new()) };
        let rows = sorted(rows, filter).all(&self.core.db).await.map_err(unavailable)?;
        let visible = self.core.visible_to(who);
        // A class goes after its annotations, so one without is gone since the row was read.
        rows.into_iter().filter_map(|row| complete(&visible, row).transpose()).collect()
    }

    /// Number of visible annotations that pass the filter, regardless of paging.
    pub async fn count_annotations(&self, who: &Principal, filter: &AnnotationFilter) -> Result<u64> {
        let all = AnnotationFilter { page: Pagination::ALL, ..filter.clone() };
        let Some(rows) = self.visible_annotations(who, &all) else { return Ok(0) };
        rows.count(&self.core.db).await.map_err(unavailable)
    }

    /// Returns an annotation; `NotFound` when it is absent or not visible.
    pub async fn annotation(&self, who: &Principal, uuid: Uuid) -> Result<Annotation> {
        let row = read(&self.core.db, uuid).await?;
        seen(&self.core.visible_to(who), row)
    }

    /// Creates an annotation.
    ///
    /// # Errors
    /// `Invalid` with every problem; `Forbidden` if its creator would not see it; `LimitReached`.
    pub async fn create_annotation(
        &self,
        who: &Principal,
        spec: AnnotationSpec,
        created_by: String,
    ) -> Result<AnnotationChange> {
        let transaction = self.core.begin_transaction().await?;
        let ValidAnnotation { class, place } = match check(&transaction.visible_to(who), &spec)? {
            Ok(checked) => checked,
            Err(problems) => return Ok(AnnotationChange::Refused(problems)),
        };
        let most = self.core.limits.read().annotations;
        self.annotation_counts.add(&transaction.db, who.org, most).await?;
        let row = annotation::new(who.org, created_by, self.core.clock.now());
        let row = annotation::with_spec(row, class, place, &spec);
        let insert = async move |db: DbTransaction| stored(row.insert(&*db).await);
        let audit = |row: &Model| AuditChange::new(Action::Create, "annotation", row.id);
        let row = transaction.commit_change(who, insert, audit, |_, _| ()).await?;
        let annotation = seen(&self.core.visible_to(who), row)?;
        Ok(AnnotationChange::Done(Box::new(annotation)))
    }

    /// Replaces the settable fields of an annotation.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when `may_change` refuses the stored one; otherwise the errors of
    /// [`AnnotationCatalog::create_annotation`].
    pub async fn update_annotation(
        &self,
        who: &Principal,
        uuid: Uuid,
        spec: AnnotationSpec,
        may_change: impl FnOnce(&Annotation) -> Result<()> + Send,
    ) -> Result<AnnotationChange> {
        let transaction = self.core.begin_transaction().await?;
        let before = read(&transaction.db, uuid).await?;
        let (id, checked) = {
            let visible = transaction.visible_to(who);
            let before = seen(&visible, before)?;
            may_change(&before)?;
            (before.id, check(&visible, &spec)?)
        };
        let ValidAnnotation { class, place } = match checked {
            Ok(checked) => checked,
            Err(problems) => return Ok(AnnotationChange::Refused(problems)),
        };
        let row =
            annotation::with_spec(annotation::for_update(id, self.core.clock.now()), class, place, &spec);
        let update = async move |db: DbTransaction| stored(row.update(&*db).await);
        let audit = |row: &Model| AuditChange::new(Action::Update, "annotation", row.id);
        let row = transaction.commit_change(who, update, audit, |_, _| ()).await?;
        let annotation = seen(&self.core.visible_to(who), row)?;
        Ok(AnnotationChange::Done(Box::new(annotation)))
    }

    /// Deletes an annotation; `NotFound` when it is absent or not visible.
    pub async fn delete_annotation(&self, who: &Principal, uuid: Uuid) -> Result<()> {
        let transaction = self.core.begin_transaction().await?;
        let row = read(&transaction.db, uuid).await?;
        let id = seen(&transaction.visible_to(who), row)?.id.0;
        let delete = async move |db: DbTransaction| {
            Entity::delete_by_id(id).exec(&*db).await.map_err(unavailable)?;
            Ok(())
        };
        let audit = move |(): &()| AuditChange::new(Action::Delete, "annotation", id);
        transaction.commit_change(who, delete, audit, |_, ()| ()).await
    }

    fn visible_annotations(&self, who: &Principal, filter: &AnnotationFilter) -> Option<Select<Entity>> {
        let visible = self.core.visible_to(who);
        let class = match filter.class {
            Some(class) => Some(visible.document(DocumentKind::AnnotationClass, class).ok()?.id),
            None => None,
        };
        if let Some(device) = filter.device {
            // Listing the annotations of a device would reveal that it has some.
            visible.device(device).ok()?;
        }
        Some(matching(filter, class).filter(visible.annotations_condition()))
    }
}

/// Fails with `Conflict` while annotations are of one of these documents, where they are classes.
pub(super) async fn check_classes_unused(
    db: &impl ConnectionTrait,
    documents: &[Arc<Document>],
) -> Result<()> {
    let classes = documents.iter().filter(|document| document.spec.kind() == DocumentKind::AnnotationClass);
    for class in classes {
        let of_class = Entity::find().filter(Column::ClassId.eq(class.id.0));
        let count = of_class.count(db).await.map_err(unavailable)?;
        if count > 0 {
            let title = DocumentKind::AnnotationClass.title();
            return Err(Error::conflict(format!("{title} {} is in use by {count} annotations", class.uuid)));
        }
    }
    Ok(())
}

/// Checks an annotation against other rows; the inner error has the contradictions to its class.
fn check(
    visible: &VisibleCatalog,
    spec: &AnnotationSpec,
) -> Result<std::result::Result<ValidAnnotation, Vec<FieldError>>> {
    let mut problems = spec.problems();
    let document = visible.document(DocumentKind::AnnotationClass, spec.class).ok();
    let class = document.and_then(|row| row.annotation_class().map(|class| (row.id, class)));
    if class.is_none() {
        problems.push(FieldError::new("class", "does not exist"));
    }
    let place = place_of(visible, spec.scope_type, spec.scope);
    if place.is_none() {
        problems.push(FieldError::new("scope", "does not exist"));
    }
    Error::check(problems)?;
    let (Some((class_id, class)), Some(place)) = (class, place) else { return Err(Error::not_found()) };
    if !visible.sees_annotation(visible.who.org, place) {
        return Err(Error::forbidden("this key may only annotate its own devices or data"));
    }
    let contradictions = class.annotation_problems(spec.scope_type, &spec.values);
    match contradictions.is_empty() {
        true => Ok(Ok(ValidAnnotation { class: class_id, place })),
        false => Ok(Err(contradictions)),
    }
}

/// The rows that a scope belongs to; `None` unless the principal sees it.
fn place_of(visible: &VisibleCatalog, scope_type: ScopeType, scope: Uuid) -> Option<AnnotationPlace> {
    let of_document =
        |row: &Document| AnnotationPlace { document: Some(row.id), device: row.spec.device(), stream: None };
    match scope_type {
        ScopeType::Site => visible.document(DocumentKind::Site, scope).ok().map(|row| of_document(row)),
        ScopeType::Component => {
            visible.document(DocumentKind::Component, scope).ok().map(|row| of_document(row))
        }
        ScopeType::Device => {
            let device = visible.device(visible.mirror.devices.get_by_uuid(scope)?.id).ok()?;
            Some(AnnotationPlace { device: Some(device.id), ..AnnotationPlace::default() })
        }
        ScopeType::Sensor => {
            let stream = visible.stream(visible.mirror.stream_by_uuid(scope)?.id).ok()?;
            // Streams with metadata or health of others are no sensors.
            let is_sensor = Companion::of(&stream.spec).is_none();
            let (device, stream) = (Some(stream.spec.device), Some(stream.id));
            is_sensor.then_some(AnnotationPlace { document: None, device, stream })
        }
    }
}

async fn read(db: &impl ConnectionTrait, uuid: Uuid) -> Result<Model> {
    let row = Entity::find().filter(Column::Uuid.eq(uuid)).one(db).await;
    row.map_err(unavailable)?.ok_or_else(Error::not_found)
}

/// The annotation of a row; `NotFound` when it is not visible.
fn seen(visible: &VisibleCatalog, row: Model) -> Result<Annotation> {
    let annotation = complete(visible, row)?.ok_or_else(Error::not_found)?;
    let is_seen = visible.sees_annotation(annotation.org, annotation.place);
    if is_seen { Ok(annotation) } else { Err(Error::hidden()) }
}

/// Adds what the mirror has of the class; `None` when it is gone.
fn complete(visible: &VisibleCatalog, row: Model) -> Result<Option<Annotation>> {
    let document = visible.mirror.documents.by_id(DocumentId(row.class_id));
    let class = document.and_then(|document| Some((document.uuid, document.annotation_class()?.key.clone())));
    class.map(|(uuid, key)| row.with_class(uuid, key)).transpose()
}

fn stored(row: std::result::Result<Model, DbErr>) -> Result<Model> {
    row.map_err(|e| write_error(e, || Error::conflict("the annotation exists already")))
}
