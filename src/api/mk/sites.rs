//! `/sites`: places with devices.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::location::LocationView;
use super::openapi_document::{id, page_of, paged};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, iso, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::domain::document::{Document, DocumentContent, DocumentKind, DocumentSpec, SiteSpec};

const COLLECTION: &str = "/api/v1/sites";
const ONE: &str = "/api/v1/sites/{id}";
const KIND: DocumentKind = DocumentKind::Site;
const SORTABLE: &[&str] =
    &["createdAt", "updatedAt", "name", "description", "address", "timezone", "deviceCount", "id"];

/// The operations.
pub fn section() -> Section {
    let site = || schema::reference("Site");
    let body = || schema::reference("SiteBody");
    let settable = vec![
        schema::required("name", schema::text(1, 255)),
        schema::omittable("description", nullable(schema::text(0, 4000))),
        schema::omittable("address", nullable(schema::text(0, 255))),
        schema::omittable("location", nullable(schema::reference("Location"))),
        schema::optional("timezone", schema::text(1, 64), "UTC"),
    ];
    let mut shown = vec![schema::read_only("id", id())];
    shown.extend(settable.clone());
    shown.push(schema::read_only("deviceCount", schema::count()));
    shown.extend(["createdAt", "updatedAt"].map(|name| schema::read_only(name, schema::time())));
    Section {
        name: "Sites",
        about: "Places with devices.",
        endpoints: vec![
            Endpoint::get(
                COLLECTION,
                list,
                paged(Doc::new("listSites", "List sites")).answers(200, "A page of sites.", page_of("Site")),
            ),
            Endpoint::post(
                COLLECTION,
                create,
                Doc::new("createSite", "Create a site")
                    .body(body())
                    .answers(201, "The new site.", site())
                    .with_header("Location", schema::string(), "Path of the site."),
            ),
            Endpoint::get(ONE, one, Doc::new("getSite", "Get a site").answers(200, "The site.", site())),
            Endpoint::put(
                ONE,
                replace,
                Doc::new("replaceSite", "Replace a site").body(body()).answers(200, "The site.", site()),
            ),
            Endpoint::delete(
                ONE,
                documents::delete(KIND),
                Doc::new("deleteSite", "Delete a site")
                    .about("Its devices then have none.")
                    .answers_nothing("The site is deleted."),
            ),
        ],
        schemas: vec![("Site", schema::view(&shown)), ("SiteBody", schema::body(&settable))],
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SiteView {
    id: Uuid,
    name: String,
    description: Option<String>,
    address: Option<String>,
    location: Option<LocationView>,
    timezone: String,
    device_count: usize,
    created_at: String,
    updated_at: String,
}

impl SiteView {
    fn new(row: &Document, counts: &HashMap<Uuid, usize>) -> Option<Self> {
        let SiteSpec { name, description, address, location, timezone } = row.site()?.clone();
        Some(SiteView {
            id: row.uuid,
            name,
            description,
            address,
            location: location.map(LocationView::from),
            timezone,
            device_count: counts.get(&row.uuid).copied().unwrap_or(0),
            created_at: iso(row.created_at),
            updated_at: iso(row.updated_at),
        })
    }
}

/// `GET /sites`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(SORTABLE)?;
    let rows = app.documents(&caller.principal, KIND)?;
    let counts = app.device_counts(&caller.principal)?;
    let key = |row: &Arc<Document>, property: &str| match property {
        "name" => row.name.as_str().into(),
        "timezone" => row.site().map(|site| site.timezone.as_str()).into(),
        _ => documents::sort_key(row, property, || SiteView::new(row, &counts)),
    };
    Ok(ok(page.of(rows, key, |row| row.uuid).map(|row| SiteView::new(&row, &counts))))
}

/// `POST /sites`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.check_may_change_documents(&caller.principal, KIND)?;
    let site = read(body.fields(&app).await?)?;
    let row = app.create_document(&caller.principal, DocumentSpec::Site(site)).await?;
    Ok(created(COLLECTION, row.uuid, SiteView::new(&row, &HashMap::new())))
}

/// `GET /sites/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = documents::find(&app, &caller.principal, KIND, *id)?;
    Ok(ok(SiteView::new(&row, &app.device_counts(&caller.principal)?)))
}

/// `PUT /sites/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    documents::find_to_change(&app, &caller.principal, KIND, *id)?;
    let site = read(body.fields(&app).await?)?;
    let change = |spec: &mut DocumentSpec| *spec = DocumentSpec::Site(site);
    let row = documents::update(&app, &caller.principal, (KIND, *id), change).await?;
    Ok(ok(SiteView::new(&row, &app.device_counts(&caller.principal)?)))
}

fn read(mut fields: Fields) -> Result<SiteSpec, MkError> {
    let mut site = SiteSpec::new(fields.text_or_empty("name").trim());
    site.description = fields.text("description");
    site.address = fields.text("address");
    site.location = super::location::read(&mut fields);
    if let Some(timezone) = fields.text("timezone") {
        site.timezone = timezone;
    }
    fields.finish(site.problems())?;
    Ok(site)
}
