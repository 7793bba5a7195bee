//! Lists of annotations as database queries.

use sea_orm::sea_query::NullOrdering;
use sea_orm::{ColumnTrait, Condition, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect, Select};

use crate::domain::DocumentId;
use crate::domain::annotation::{AnnotationFilter, AnnotationSort};
use crate::store::catalog::entity::annotation::{Column, Entity};

/// The rows of every organization that pass the filter; `class` is the document of the class that it names.
pub(in crate::store::catalog) fn matching(
    filter: &AnnotationFilter,
    class: Option<DocumentId>,
) -> Select<Entity> {
    let mut rows = Entity::find();
    if let Some(class) = class {
        rows = rows.filter(Column::ClassId.eq(class.0));
    }
    if let Some(scope_type) = filter.scope_type {
        rows = rows.filter(Column::ScopeType.eq(scope_type.name()));
    }
    if let Some(scope) = filter.scope {
        rows = rows.filter(Column::ScopeUuid.eq(scope));
    }
    if let Some(device) = filter.device {
        rows = rows.filter(Column::DeviceId.eq(device.0));
    }
    if let Some(source) = filter.source {
        rows = rows.filter(Column::Source.eq(source.name()));
    }
    if let Some(from) = filter.from {
        rows = rows.filter(Column::UntilTime.gt(from.0));
    }
    if let Some(to) = filter.to {
        rows = rows.filter(Column::StartTime.lt(to.0));
    }
    if let Some(from) = filter.start_from {
        rows = rows.filter(Column::StartTime.gte(from.0));
    }
    if let Some((start, id)) = filter.after {
        let same = Condition::all().add(Column::StartTime.eq(start.0)).add(Column::Id.gt(id.0));
        rows = rows.filter(Condition::any().add(Column::StartTime.gt(start.0)).add(same));
    }
    rows
}

/// Sorts the rows and cuts the page out of them.
pub(in crate::store::catalog) fn sorted(
    mut rows: Select<Entity>,
    filter: &AnnotationFilter,
) -> Select<Entity> {
    for (sort, is_descending) in &filter.order {
        rows = sorted_by(rows, *sort, *is_descending);
    }
    let rows = match filter.order.is_empty() {
        true => rows.order_by_asc(Column::StartTime).order_by_asc(Column::Id),
        false => rows.order_by_asc(Column::Uuid),
    };
    let sql_int = |n: usize| u64::try_from(n).unwrap_or(u64::MAX).min(i64::MAX as u64);
    rows.offset(sql_int(filter.page.offset)).limit(sql_int(filter.page.limit))
}

fn sorted_by(rows: Select<Entity>, sort: AnnotationSort, is_descending: bool) -> Select<Entity> {
    let (column, is_nullable) = match sort {
        AnnotationSort::Id => (Column::Uuid, false),
        AnnotationSort::ScopeType => (Column::ScopeType, false),
        AnnotationSort::StartTime => (Column::StartTime, false),
        AnnotationSort::EndTime => (Column::EndTime, true),
        AnnotationSort::Source => (Column::Source, false),
        AnnotationSort::Confidence => (Column::Confidence, true),
        AnnotationSort::CreatedBy => (Column::CreatedBy, false),
        AnnotationSort::CreatedAt => (Column::CreatedAt, false),
        AnnotationSort::UpdatedAt => (Column::UpdatedAt, false),
    };
    let order = if is_descending { Order::Desc } else { Order::Asc };
    if !is_nullable {
        return rows.order_by(column, order);
    }
    // Databases differ in where nulls are unless they are told.
    let nulls = if is_descending { NullOrdering::Last } else { NullOrdering::First };
    rows.order_by_with_nulls(column, order, nulls)
}
