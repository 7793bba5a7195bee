//! Fields of `Query` for annotations.

use async_graphql::{Context, Object, Result};
use uuid::Uuid;

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::objects::annotation::{Annotation, AnnotationPage};
use crate::api::graphql::paging;
use crate::api::graphql::scalars::{BigInt, DateTime};
use crate::domain::Error;
use crate::domain::annotation::{AnnotationFilter, AnnotationSort, AnnotationSource};
use crate::domain::pagination::Pagination;

/// Queries of annotations.
#[derive(Default)]
pub struct AnnotationQueries;

#[Object(name = "AnnotationQueries")]
impl AnnotationQueries {
    /// Annotations that the caller may read, those that begin last first.
    #[graphql(complexity = "paging::cost(first, None, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn annotations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Only annotations of the class with this UUID.")] class_id: Option<String>,
        #[graphql(desc = "Only annotations of the site, device, component or stream with this UUID.")]
        scope_id: Option<String>,
        #[graphql(desc = "Only from this source: MANUAL, RULE, REFERENCE, EXTERNAL or ML.")] source: Option<
            String,
        >,
        #[graphql(desc = "Start of a time range that they overlap, inclusive.")] from: Option<DateTime>,
        #[graphql(desc = "End of a time range that they overlap, exclusive.")] to: Option<DateTime>,
        #[graphql(desc = "Number of annotations: maximum 1,000; default 100.")] first: Option<i32>,
        #[graphql(desc = "Number of annotations to skip; default 0.")] offset: Option<i32>,
    ) -> Result<AnnotationPage> {
        let limit = paging::count("first", first)?.unwrap_or(paging::DEFAULT_PAGE_SIZE);
        let offset = usize::try_from(offset.unwrap_or(0));
        let offset = offset.map_err(|_| Error::field("offset", "must not be negative"))?;
        let filter = AnnotationFilter {
            class: class_id.map(|text| id("classId", &text)).transpose()?,
            scope: scope_id.map(|text| id("scopeId", &text)).transpose()?,
            source: source.map(|name| parse_source(&name)).transpose()?,
            from: from.map(|from| from.0),
            to: to.map(|to| to.0),
            order: vec![(AnnotationSort::StartTime, true)],
            page: Pagination { offset, limit },
            ..AnnotationFilter::default()
        };
        let (rows, total) = app(ctx).mk.annotations.annotations(caller(ctx), &filter).await?;
        let total_count = BigInt::saturating(total);
        Ok(AnnotationPage { total_count, nodes: rows.into_iter().map(Annotation).collect() })
    }

    /// One annotation, by its UUID.
    async fn annotation(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "UUID of the annotation, as text.")] uuid: String,
    ) -> Result<Option<Annotation>> {
        let Ok(uuid) = Uuid::try_parse(&uuid) else { return Ok(None) };
        Ok(none_if_not_found(app(ctx).mk.annotations.annotation(caller(ctx), uuid).await)?.map(Annotation))
    }
}

fn id(field: &'static str, text: &str) -> Result<Uuid, Error> {
    Uuid::try_parse(text).map_err(|_| Error::field(field, "must be a UUID"))
}

fn parse_source(name: &str) -> Result<AnnotationSource, Error> {
    let found = AnnotationSource::from_name(name);
    found.ok_or_else(|| {
        let names = AnnotationSource::ALL.map(AnnotationSource::name).join(", ");
        Error::field("source", format!("must be one of {names}"))
    })
}
