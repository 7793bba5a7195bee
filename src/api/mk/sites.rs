//! `/sites`: places with devices.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use uuid::Uuid;

use super::body::{Fields, JsonBody};
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::noun::list::{FieldVisitor, MkNoun, omittable, optional, read_only, required};
use super::noun::reader::read_row;
use super::noun::stamp::Stamp;
use super::noun::value::ShownRow;
use super::noun::{schemas, sort};
use super::openapi_document::{page_of, paged};
use super::path::PathId;
use super::problem::MkError;
use super::query::Query;
use super::wire::{created, ok};
use super::{Answer, documents};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::domain::document::{Document, DocumentContent, DocumentKind, DocumentSpec, SiteSpec};

const COLLECTION: &str = "/api/v1/sites";
const ONE: &str = "/api/v1/sites/{id}";
const KIND: DocumentKind = DocumentKind::Site;
/// The operations.
pub fn section() -> Section {
    let site = || schema::reference("Site");
    let body = || schema::reference("SiteBody");
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
                    .answers(201, "The site that was created.", site())
                    .with_header("Location", schema::string(), "Path of the site."),
            ),
            Endpoint::get(
                ONE,
                one,
                Doc::new("getSite", "Get a site").answers(200, "The site as it is stored.", site()),
            ),
            Endpoint::put(
                ONE,
                replace,
                Doc::new("replaceSite", "Replace a site").body(body()).answers(
                    200,
                    "The site as it is stored.",
                    site(),
                ),
            ),
            Endpoint::delete(
                ONE,
                documents::delete(KIND),
                Doc::new("deleteSite", "Delete a site")
                    .about("Its devices then have none.")
                    .answers_nothing("The site is deleted."),
            ),
        ],
        schemas: vec![schemas::view::<SiteRow>("Site"), schemas::body::<SiteRow>("SiteBody")],
    }
}

/// A site as shown.
pub struct SiteRow {
    stamp: Stamp,
    spec: SiteSpec,
    device_count: usize,
}

impl MkNoun for SiteRow {
    fn blank() -> Self {
        SiteRow { stamp: Stamp::BLANK, spec: SiteSpec::new(""), device_count: 0 }
    }

    fn visit_fields(&mut self, visitor: &mut impl FieldVisitor) {
        let SiteSpec { name, description, address, location, timezone } = &mut self.spec;
        let (title, text) = (|| schema::text(1, 255), || nullable(schema::text(0, 4000)));
        let address_text = || nullable(schema::text(0, 255));
        let place = || nullable(schema::reference("Location"));
        let zone = || schema::text(1, 64);
        self.stamp.visit_id(visitor);
        visitor.visit(required("name", "Name of the site, unique in the organization.", title), name);
        visitor.visit(omittable("description", "Description of the site, free text.", text), description);
        visitor.visit(omittable("address", "Postal address of the site.", address_text), address);
        visitor.visit(omittable("location", "Where on the earth the site is.", place), location);
        let about = "Name of the site's time zone, such as `Europe/Berlin`.";
        visitor.visit(optional("timezone", about, zone), timezone);
        let about = "Number of devices at the site that the caller sees.";
        visitor.visit(read_only("deviceCount", about, schema::count), &mut self.device_count);
        self.stamp.visit_times(visitor);
    }
}

impl SiteRow {
    fn new(row: &Document, counts: &HashMap<Uuid, usize>) -> Option<Self> {
        let device_count = counts.get(&row.uuid).copied().unwrap_or(0);
        Some(SiteRow { stamp: Stamp::of(row), spec: row.site()?.clone(), device_count })
    }
}

fn view(row: &Document, counts: &HashMap<Uuid, usize>) -> Option<ShownRow> {
    SiteRow::new(row, counts).map(ShownRow::new)
}

/// `GET /sites`.
async fn list(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(&sort::sortable::<SiteRow>())?;
    let rows = app.documents.documents(&caller.principal, KIND)?;
    let counts = app.mk.devices.device_counts(&caller.principal)?;
    let key =
        |row: &Arc<Document>, property: &str| documents::key(row, property, || SiteRow::new(row, &counts));
    Ok(ok(page.of(rows, key, |row| row.uuid).map(|row| view(&row, &counts))))
}

/// `POST /sites`.
async fn create(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    app.documents.check_may_change_documents(&caller.principal, KIND)?;
    let site = read(body.fields(&app).await?)?;
    let row = app.documents.create_document(&caller.principal, DocumentSpec::Site(site)).await?;
    Ok(created(COLLECTION, row.uuid, view(&row, &HashMap::new())))
}

/// `GET /sites/{id}`.
async fn one(caller: MkCaller, State(app): State<Arc<App>>, id: PathId) -> Answer {
    let row = documents::find(&app, &caller.principal, KIND, *id)?;
    Ok(ok(view(&row, &app.mk.devices.device_counts(&caller.principal)?)))
}

/// `PUT /sites/{id}`.
async fn replace(caller: MkCaller, State(app): State<Arc<App>>, id: PathId, body: JsonBody) -> Answer {
    documents::find_to_change(&app, &caller.principal, KIND, *id)?;
    let site = read(body.fields(&app).await?)?;
    let change = |spec: &mut DocumentSpec| *spec = DocumentSpec::Site(site);
    let row = documents::update(&app, &caller.principal, (KIND, *id), change).await?;
    Ok(ok(view(&row, &app.mk.devices.device_counts(&caller.principal)?)))
}

fn read(mut fields: Fields) -> Result<SiteSpec, MkError> {
    let mut site = read_row::<SiteRow>(&mut fields).spec;
    site.name = site.name.trim().to_owned();
    fields.finish(site.problems())?;
    Ok(site)
}
