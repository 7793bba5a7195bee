//! `/api/product/`: the types of devices.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;
use serde_json::json;

use super::json_body::DeferredJson;
use super::precheck::RequiredAccess;
use super::query_params::QueryParams;
use super::{Id, array};
use crate::api::caller::Caller;
use crate::api::error::RestError;
use crate::api::openapi::doc::Doc;
use crate::api::openapi::noun_schema::noun_fields;
use crate::api::openapi::route::{Route, Section};
use crate::api::openapi::schema::{self, FieldSchema, optional, read_only, required};
use crate::app::App;
use crate::app::fields::noun::Noun;
use crate::app::fields::reader::ReadMode;
use crate::app::fields::shown::ShownRow;
use crate::domain::product::{Product, ProductSpec, StreamTemplate};
use crate::domain::stream::StreamKind;
use crate::domain::{ProductId, Resource, Result};

/// Routes, documentation and schemas of products.
pub fn section() -> Section {
    let (one, body, patch) =
        (schema::reference("Product"), schema::reference("NewProduct"), schema::reference("ProductChange"));
    let list = Doc::new("product_list", "List products, ordered by id").page();
    let create = Doc::new("product_create", "Create a product").body(body.clone());
    let replace =
        Doc::new("product_replace", "Replace a product; absent fields get their defaults").body(body);
    let update = Doc::new("product_update", "Change the given fields of a product").body(patch);
    let destroy = Doc::new("product_delete", "Delete a product")
        .about("Its devices then have the default product, which cannot be deleted.")
        .refuses(409);
    let right = RequiredAccess::Scope(Resource::Device);
    Section {
        name: "Products",
        about: "Types of devices, with templates of their data streams.",
        routes: vec![
            Route::gated("/api/product", right)
                .get(
                    self::list,
                    list.answers(200, "The products of the organization", schema::list(one.clone())),
                )
                .post(self::create, create.answers(201, "The new product", one.clone())),
            Route::gated("/api/product/{id}", right)
                .get(
                    retrieve,
                    Doc::new("product_get", "Get a product").answers(
                        200,
                        "The requested product",
                        one.clone(),
                    ),
                )
                .put(self::update, replace.answers(200, "The replaced product", one.clone()))
                .patch(self::update, update.answers(200, "The changed product", one))
                .delete(self::destroy, destroy.answers_nothing("The product was deleted")),
        ],
        schemas: vec![
            ("Product", schema::view(&described())),
            ("NewProduct", schema::body(&described())),
            ("ProductChange", schema::patch(&described())),
            ("StreamTemplate", schema::object(&described_template())),
        ],
    }
}

fn described() -> Vec<FieldSchema> {
    noun_fields::<ProductSpec>(vec![
        read_only("uuid", schema::string()),
        read_only("is_default", schema::boolean()),
        optional("templates", schema::list(schema::reference("StreamTemplate")), json!([])),
        read_only("created_at", schema::time()),
        read_only("updated_at", schema::time()),
    ])
}

fn described_template() -> Vec<FieldSchema> {
    vec![
        required("name", schema::text(1, 200)),
        optional("type", schema::choice_of::<StreamKind>(), "fp64"),
        optional("pin", schema::nullable(schema::integer(0, i64::from(i32::MAX))), json!(null)),
        optional("label", schema::nullable(schema::text(1, 200)), json!(null)),
        optional("unit", schema::text(0, 32), ""),
        optional("metadata", schema::map(), json!({})),
    ]
}

/// `GET /api/product`: the products of the organization, ordered by id.
pub async fn list(
    caller: Caller,
    State(app): State<Arc<App>>,
    RawQuery(raw): RawQuery,
) -> Result<Response, RestError> {
    let mut query = QueryParams::parse(raw.as_deref());
    let page = query.page();
    query.finish()?;
    let products = app.products.products(&caller, page)?;
    let view = |product: &Arc<Product>| ProductView::new(product);
    Ok(array::respond(array::pieces_from_rows(products, view)).await?)
}

/// `POST /api/product`: creates a product; absent fields get their defaults.
pub async fn create(
    caller: Caller,
    State(app): State<Arc<App>>,
    body: DeferredJson,
) -> Result<(StatusCode, Json<ProductView>), RestError> {
    app.products.check_may_change_products(&caller)?;
    let product =
        app.products.create_product_from_fields(&caller, body.fields(ReadMode::Whole).await?).await?;
    Ok((StatusCode::CREATED, Json(ProductView::new(&product))))
}

/// `GET /api/product/{id}`: one product with its templates.
pub async fn retrieve(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ProductId>,
) -> Result<Json<ProductView>, RestError> {
    Ok(Json(ProductView::new(&*app.products.product(&caller, id)?)))
}

/// `PUT /api/product/{id}` replaces the fields; absent ones get their defaults. `PATCH` changes the given fields.
pub async fn update(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ProductId>,
    body: DeferredJson,
) -> Result<Json<ProductView>, RestError> {
    app.products.product_to_change(&caller, id)?;
    let fields = body.change().await?;
    let product = app.products.update_product_from_fields(&caller, id, fields).await?;
    Ok(Json(ProductView::new(&product)))
}

/// `DELETE /api/product/{id}`: deletes the product; its devices then have the default product.
pub async fn destroy(
    caller: Caller,
    State(app): State<Arc<App>>,
    Id(id): Id<ProductId>,
) -> Result<StatusCode, RestError> {
    app.products.delete_product(&caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A product in a response.
#[derive(Debug, Serialize)]
pub struct ProductView {
    id: ProductId,
    #[serde(flatten)]
    fields: ShownRow,
    uuid: String,
    is_default: bool,
    templates: Vec<StreamTemplate>,
    created_at: String,
    updated_at: String,
}

impl ProductView {
    fn new(product: &Product) -> Self {
        Self {
            id: product.id,
            fields: product.spec.values(),
            uuid: product.uuid.to_string(),
            is_default: product.is_default,
            templates: product.spec.templates.clone(),
            created_at: product.created_at.to_iso(),
            updated_at: product.updated_at.to_iso(),
        }
    }
}
