//! `/api/v1/billing`: the plan of the organization, and what it uses.

use std::sync::Arc;

use axum::extract::State;
use serde::Serialize;
use uuid::Uuid;

use super::Answer;
use super::body::JsonBody;
use super::caller::MkCaller;
use super::endpoint::{Endpoint, Section};
use super::openapi_document::{page_of, paged};
use super::page::SortKey;
use super::query::Query;
use super::wire::{iso, ok};
use crate::api::openapi::doc::Doc;
use crate::api::openapi::schema::{self, FieldSchema, nullable};
use crate::app::App;
use crate::domain::billing::{BillingPeriod, Plan, PlanLimits};
use crate::domain::mk_role::MkPermission;

const BILLING: &str = "/api/v1/billing";
/// Every organization may use the server as long as it exists: there is no payment that could be missing.
const STATUS: &str = "ACTIVE";

/// The operations.
pub fn section() -> Section {
    let get = Doc::new("getBilling", "Get the plan of the organization")
        .about("The limits are shown and refuse nothing. A period is a calendar month in UTC.")
        .answers(200, "Plan of the organization with its limits and use.", schema::reference("Billing"));
    let usage = Doc::new("getUsage", "Get what the organization uses")
        .about(
            "Readings are those accepted since the period began, over every interface. After a crash those of its last \
             seconds may be missing in the number.",
        )
        .answers(200, "Usage of the organization in the month.", schema::reference("Usage"));
    let plans = paged(Doc::new("listPlans", "List the plans"))
        .about("`unlimited` is always there; the server's configuration has the others.")
        .answers(200, "A page of plans.", page_of("Plan"));
    let choose = Doc::new("choosePlan", "Choose the plan of the organization")
        .body(schema::reference("PlanChoice"))
        .answers(200, "Plan of the organization with its limits and use.", schema::reference("Billing"));
    Section {
        name: "Billing",
        about: "Plans, and the use that is counted. Nothing is paid here.",
        endpoints: vec![
            Endpoint::get(BILLING, self::get, get),
            Endpoint::get("/api/v1/billing/usage", self::usage, usage),
            Endpoint::get("/api/v1/billing/plans", self::plans, plans),
            Endpoint::put("/api/v1/billing/plan", self::choose, choose).needs(MkPermission::Own),
        ],
        schemas: schemas(),
    }
}

fn schemas() -> Vec<(&'static str, utoipa::openapi::Schema)> {
    let limit = |name, about| schema::required(name, schema::described(nullable(schema::count()), about));
    let limits = [
        limit("devices", "Number of devices; null is no limit."),
        limit("readingsPerMonth", "Readings accepted in a calendar month; null is no limit."),
        limit("storageBytes", "Bytes on disk; null is no limit."),
    ];
    let name = || -> FieldSchema {
        schema::required("plan", schema::described(schema::text(1, 50), "Name of the plan."))
    };
    let billing = [
        name(),
        schema::required("status", schema::choice([STATUS])),
        schema::required("currentPeriodStart", schema::time()),
        schema::required("currentPeriodEnd", schema::time()),
        schema::required("limits", schema::reference("PlanLimits")),
    ];
    let count = |name, about| schema::required(name, schema::described(schema::count(), about));
    let usage = [
        schema::required("from", schema::time()),
        schema::required("to", schema::time()),
        count("devices", "Devices that exist now."),
        count("readings", "Readings accepted since `from`."),
        count("storageBytes", "Bytes on disk now."),
    ];
    vec![
        ("Billing", schema::object(&billing)),
        ("Usage", schema::object(&usage)),
        ("Plan", schema::object(&[name(), schema::required("limits", schema::reference("PlanLimits"))])),
        ("PlanLimits", schema::object(&limits)),
        ("PlanChoice", schema::body(&[name()])),
    ]
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LimitsView {
    devices: Option<u64>,
    readings_per_month: Option<u64>,
    storage_bytes: Option<u64>,
}

#[derive(Debug, Serialize)]
struct PlanView {
    plan: String,
    limits: LimitsView,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BillingView {
    plan: String,
    status: &'static str,
    current_period_start: String,
    current_period_end: String,
    limits: LimitsView,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct UsageView {
    from: String,
    to: String,
    devices: usize,
    readings: u64,
    storage_bytes: u64,
}

impl From<PlanLimits> for LimitsView {
    fn from(limits: PlanLimits) -> Self {
        let PlanLimits { devices, readings_per_month, storage_bytes } = limits;
        LimitsView { devices, readings_per_month, storage_bytes }
    }
}

impl BillingView {
    fn new(plan: Plan, period: BillingPeriod) -> Self {
        BillingView {
            plan: plan.name,
            status: STATUS,
            current_period_start: iso(period.start),
            current_period_end: iso(period.end),
            limits: plan.limits.into(),
        }
    }
}

/// `GET /api/v1/billing`
async fn get(caller: MkCaller, State(app): State<Arc<App>>) -> Answer {
    let plan = app.mk.billing.plan(&caller.principal)?;
    Ok(ok(BillingView::new(plan, BillingPeriod::of(app.now()))))
}

/// `GET /api/v1/billing/usage`
async fn usage(caller: MkCaller, State(app): State<Arc<App>>) -> Answer {
    let usage = app.mk.billing.billing_usage(&caller.principal).await?;
    Ok(ok(UsageView {
        from: iso(usage.period.start),
        to: iso(usage.period.end),
        devices: usage.devices,
        readings: usage.readings,
        storage_bytes: usage.storage_bytes,
    }))
}

/// `GET /api/v1/billing/plans`
async fn plans(caller: MkCaller, State(app): State<Arc<App>>, query: Query) -> Answer {
    let page = query.page(&["plan"])?;
    let plans = app.mk.billing.plans(&caller.principal)?;
    let key = |plan: &Plan, property: &str| match property {
        "plan" => plan.name.as_str().into(),
        _ => SortKey::Null,
    };
    // Plans have no id: those that compare equal stay in their order.
    let page = page.of(plans, key, |_| Uuid::nil());
    Ok(ok(page.map(|plan| PlanView { plan: plan.name, limits: plan.limits.into() })))
}

/// `PUT /api/v1/billing/plan`
async fn choose(caller: MkCaller, State(app): State<Arc<App>>, body: JsonBody) -> Answer {
    let mut fields = body.fields(&app).await?;
    let name = fields.text_or_empty("plan");
    if name.trim().is_empty() {
        fields.problem("plan", "must not be blank");
    }
    fields.finish(Vec::new())?;
    let plan = app.mk.billing.choose_plan(&caller, name.trim()).await?;
    Ok(ok(BillingView::new(plan, BillingPeriod::of(app.now()))))
}
