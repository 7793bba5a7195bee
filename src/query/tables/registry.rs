//! The tables and views of SQL, one row each: its columns, and how it is opened for a principal. Names and scopes are in
//! [`QueryTable`].

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;
use datafusion::error::Result;

use super::nodes::AllNodes;
use super::paged_scan::{PageSource, PagedTable};
use super::row_table::Columns;
use super::shards::AllShards;
use super::{
    clients, commands, components, core_views, devices, documents, groups, latest, messages, mqtt_sessions,
    products, query_log, readings, sites, statistics, streams,
};
use crate::domain::annotation::AnnotationFilter;
use crate::domain::audit::AuditFilter;
use crate::domain::client::Client;
use crate::domain::command::CommandFilter;
use crate::domain::device::{Device, DeviceFilter, DeviceStatus};
use crate::domain::document::{Document, DocumentKind};
use crate::domain::event::EventFilter;
use crate::domain::job::JobFilter;
use crate::domain::pagination::Pagination;
use crate::domain::quarantine::QuarantineFilter;
use crate::domain::stream::StreamFilter;
use crate::query::context::QueryContext;
use crate::query::scan::table_provider::{ScanPlanner, ScanProvider};
use crate::query::scopes::QueryTable;
use crate::store::schema;

/// A table as a query gets it.
type OpenTable = Result<Arc<dyn TableProvider>>;

/// The definition of a table.
struct TableDef {
    table: QueryTable,
    columns: fn() -> Result<SchemaRef>,
    open: fn(&QueryContext) -> OpenTable,
}

const fn row(
    table: QueryTable,
    columns: fn() -> Result<SchemaRef>,
    open: fn(&QueryContext) -> OpenTable,
) -> TableDef {
    TableDef { table, columns, open }
}

/// Returns the definition of a table that is read page by page.
const fn paged<P: PageSource>(table: QueryTable) -> TableDef {
    row(table, page_columns::<P>, open_pages::<P>)
}

const TABLES: [TableDef; QueryTable::ALL.len()] = [
    row(QueryTable::Readings, || Ok(schema::readings()), |c| scan(readings::ReadingsTable::new(c.clone()))),
    row(QueryTable::Latest, || Ok(latest::schema()), |c| scan(latest::LatestTable::new(c.clone()))),
    row(QueryTable::Statistics, || Ok(statistics::schema()), |c| open_statistics(c, false)),
    row(QueryTable::Messages, || Ok(messages::schema()), |c| scan(messages::MessagesTable::new(c.clone()))),
    row(QueryTable::Commands, || columns_of(commands::table(Vec::new())), open_commands),
    paged::<EventFilter>(QueryTable::Events),
    paged::<AnnotationFilter>(QueryTable::Annotations),
    row(
        QueryTable::Devices,
        || columns_of(devices::table(&[], |_| DeviceStatus::default(), |_| None)),
        open_devices,
    ),
    row(QueryTable::Streams, || columns_of(streams::table(&[])), open_streams),
    row(QueryTable::Groups, || columns_of(groups::table(&[])), open_groups),
    row(QueryTable::Products, || columns_of(products::table(&[])), open_products),
    row(QueryTable::Clients, || columns_of(clients::table(&[], |_| None)), open_clients),
    row(QueryTable::Documents, || columns_of(documents::table(Vec::new())), open_documents),
    row(
        QueryTable::Sites,
        || columns_of(sites::table(Vec::new())),
        |c| provided(sites::table(documents_of(c, DocumentKind::Site))),
    ),
    row(
        QueryTable::Components,
        || columns_of(components::table(Vec::new())),
        |c| provided(components::table(documents_of(c, DocumentKind::Component))),
    ),
    paged::<QuarantineFilter>(QueryTable::Quarantine),
    row(
        QueryTable::MqttSessions,
        || columns_of(mqtt_sessions::table(Vec::new())),
        |c| provided(mqtt_sessions::table(c.mqtt_sessions())),
    ),
    paged::<JobFilter>(QueryTable::Jobs),
    paged::<AllNodes>(QueryTable::Nodes),
    paged::<AllShards>(QueryTable::Shards),
    row(
        QueryTable::QueryLog,
        || columns_of(query_log::table(&[], true)),
        |c| provided(query_log::table(&c.query_log(), c.sees_host_metrics())),
    ),
    paged::<AuditFilter>(QueryTable::AuditLog),
    row(
        QueryTable::CoreValue,
        || columns_of(core_views::core_value(empty(QueryTable::Readings)?)),
        |c| provided(core_views::core_value(open(QueryTable::Readings, c)?)),
    ),
    row(
        QueryTable::CoreValuestatistics,
        || columns_of(core_views::core_valuestatistics(empty(QueryTable::Statistics)?)),
        |c| provided(core_views::core_valuestatistics(open_statistics(c, true)?)),
    ),
    row(
        QueryTable::CoreData,
        || columns_of(core_views::core_data(empty(QueryTable::Streams)?)),
        |c| provided(core_views::core_data(open(QueryTable::Streams, c)?)),
    ),
    row(
        QueryTable::CoreDevice,
        || columns_of(core_views::core_device(empty(QueryTable::Devices)?)),
        |c| provided(core_views::core_device(open(QueryTable::Devices, c)?)),
    ),
    row(
        QueryTable::CoreEventlog,
        || columns_of(core_views::core_eventlog(empty(QueryTable::Events)?)),
        |c| provided(core_views::core_eventlog(open(QueryTable::Events, c)?)),
    ),
];

// The row of a table is found by its number.
const _: () = {
    let mut number = 0;
    while number < TABLES.len() {
        assert!(TABLES[number].table as usize == number, "TABLES is in the order of QueryTable");
        number += 1;
    }
};

/// Opens a table for the principal of the query. Whether the principal may read it is checked before.
pub fn open(table: QueryTable, context: &QueryContext) -> Result<Arc<dyn TableProvider>> {
    (TABLES[table as usize].open)(context)
}

/// Columns of a table.
pub fn columns(table: QueryTable) -> Result<SchemaRef> {
    (TABLES[table as usize].columns)()
}

fn scan<P: ScanPlanner>(planner: P) -> OpenTable {
    Ok(Arc::new(ScanProvider(planner)))
}

fn provided<T: TableProvider + 'static>(table: Result<T>) -> OpenTable {
    Ok(Arc::new(table?))
}

fn columns_of<T: TableProvider>(table: Result<T>) -> Result<SchemaRef> {
    Ok(table?.schema())
}

fn page_columns<P: PageSource>() -> Result<SchemaRef> {
    Ok(Columns::new(P::columns()).schema())
}

fn open_pages<P: PageSource>(context: &QueryContext) -> OpenTable {
    scan(PagedTable::<P>::new(context.clone()))
}

fn empty(table: QueryTable) -> OpenTable {
    Ok(Arc::new(EmptyTable::new(columns(table)?)))
}

fn open_statistics(context: &QueryContext, overlay: bool) -> OpenTable {
    scan(statistics::StatisticsTable::new(context.clone(), overlay))
}

fn open_devices(context: &QueryContext) -> OpenTable {
    let rows = context.catalog().devices.devices(&context.principal, &DeviceFilter::default());
    let product =
        |device: &Device| context.catalog().products.product_of(device).ok().map(|product| product.id);
    provided(devices::table(&rows, |device| context.device_status(device), product))
}

fn open_streams(context: &QueryContext) -> OpenTable {
    let rows = context.catalog().streams.streams(&context.principal, &StreamFilter::default());
    provided(streams::table(&rows))
}

fn open_groups(context: &QueryContext) -> OpenTable {
    let rows = context.catalog().groups.groups(&context.principal, Pagination::ALL);
    provided(groups::table(&rows))
}

fn open_products(context: &QueryContext) -> OpenTable {
    let rows = context.catalog().products.products(&context.principal, Pagination::ALL);
    provided(products::table(&rows))
}

fn open_clients(context: &QueryContext) -> OpenTable {
    let catalog = context.catalog();
    let user = |client: &Client| client.spec.user.and_then(|user| catalog.users.user_name(user));
    provided(clients::table(&catalog.clients.clients_for_audit(&context.principal), user))
}

fn open_commands(context: &QueryContext) -> OpenTable {
    let rows = context.catalog().commands.commands(&context.principal, &CommandFilter::default());
    provided(commands::table(rows))
}

fn open_documents(context: &QueryContext) -> OpenTable {
    let rows = DocumentKind::ALL.into_iter().flat_map(|kind| documents_of(context, kind));
    provided(documents::table(rows.collect()))
}

fn documents_of(context: &QueryContext, kind: DocumentKind) -> Vec<Arc<Document>> {
    context.catalog().documents.documents(&context.principal, kind)
}
