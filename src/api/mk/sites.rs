//! `/sites`: places with devices.

use std::collections::HashMap;

use uuid::Uuid;

use super::body::Fields;
use super::document_noun::{DocumentNoun, endpoints};
use super::documents;
use super::endpoint::Section;
use super::noun::list::{FieldVisitor, MkNoun, omittable, optional, read_only, required};
use super::noun::reader::read_row;
use super::noun::schemas;
use super::noun::stamp::Stamp;
use super::openapi_document::paged;
use super::operation_docs::NounWords;
use super::problem::MkError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, nullable};
use crate::app::App;
use crate::domain::document::{Document, DocumentContent, DocumentKind, SiteSpec};
use crate::domain::{Principal, Result};

/// The operations.
pub fn section() -> Section {
    let docs = [
        paged(Doc::new("listSites", "List sites")),
        Doc::new("createSite", "Create a site"),
        Doc::new("getSite", "Get a site"),
        Doc::new("replaceSite", "Replace a site"),
        Doc::new("deleteSite", "Delete a site").about("Its devices then have none."),
    ];
    Section {
        name: "Sites",
        about: "Places with devices.",
        endpoints: endpoints::<SiteRow>(docs),
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
        SiteRow { stamp: Stamp::default(), spec: SiteSpec::new(""), device_count: 0 }
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
        visitor.visit(omittable("location", "Position of the site on the earth.", place), location);
        let about = "Name of the site's time zone, such as `Europe/Berlin`.";
        visitor.visit(optional("timezone", about, zone), timezone);
        let about = "Number of devices at the site that the caller sees.";
        visitor.visit(read_only("deviceCount", about, schema::count), &mut self.device_count);
        self.stamp.visit_times(visitor);
    }
}

impl SiteRow {
    fn new(row: &Document, counts: &HashMap<Uuid, usize>) -> Result<Self> {
        let device_count = counts.get(&row.uuid).copied().unwrap_or(0);
        Ok(SiteRow { stamp: Stamp::of(row), spec: documents::content(row.site())?, device_count })
    }
}

impl DocumentNoun for SiteRow {
    type Content = SiteSpec;
    const KIND: DocumentKind = DocumentKind::Site;
    const COLLECTION: &'static str = "/api/v1/sites";
    const ONE: &'static str = "/api/v1/sites/{id}";
    const WORDS: NounWords = NounWords::new("Site", "site", "sites");

    fn converter(app: &App, who: &Principal) -> Result<impl Fn(&Document) -> Result<Self>> {
        let counts = app.mk.devices.device_counts(who)?;
        Ok(move |row: &Document| SiteRow::new(row, &counts))
    }

    fn read(_: &App, _: &Principal, mut fields: Fields) -> Result<SiteSpec, MkError> {
        let mut site = read_row::<SiteRow>(&mut fields).spec;
        site.name = site.name.trim().to_owned();
        fields.finish(site.problems())?;
        Ok(site)
    }
}
