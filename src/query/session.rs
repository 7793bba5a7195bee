//! One request's DataFusion session: the tables its principal may name, over one pinned snapshot.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, SchemaProvider,
    TableProvider,
};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::SessionState;
use datafusion::execution::session_state::SessionStateBuilder;

use super::engine::Engine;
use super::scan::visible::Visible;
use super::scopes;
use super::tables::{core_views, devices, events, groups, messages, readings, statistics, streams};
use crate::domain::device::{Device, DeviceFilter, DeviceStatus};
use crate::domain::event::{Event, EventFilter};
use crate::domain::page::Page;
use crate::domain::stream::StreamFilter;
use crate::domain::{Error, Micros, Principal};
use crate::store::catalog::Catalog;
use crate::store::snapshot::Snapshot;

/// What a request sees: principal, snapshot, catalog.
#[derive(Clone)]
pub struct View {
    pub principal: Arc<Principal>,
    pub snapshot: Arc<Snapshot>,
    visible: Arc<Visible>,
    engine: Arc<Engine>,
}

impl View {
    /// Pins the present.
    pub fn new(engine: &Arc<Engine>, principal: &Principal) -> Self {
        // Streams first: one created in between has no rows an answer could miss.
        let visible = Visible::new(engine.store.catalog().visible_streams(principal));
        Self {
            principal: Arc::new(principal.clone()),
            snapshot: Arc::new(engine.store.snapshot()),
            visible: Arc::new(visible),
            engine: engine.clone(),
        }
    }

    /// The streams the principal sees.
    pub fn visible(&self) -> &Arc<Visible> {
        &self.visible
    }

    pub fn catalog(&self) -> &Catalog {
        self.engine.store.catalog()
    }

    /// Ids of the devices that are wholly the principal's, ascending.
    pub fn own_devices(&self) -> Vec<i32> {
        let seen = self.catalog().devices(&self.principal, &DeviceFilter::default());
        let own = seen.iter().filter(|device| self.principal.owns_device(device.org, device.id));
        own.map(|device| device.id.0).collect()
    }

    /// Events the principal sees. The database is asked where the rest of the server asks it: a connection made on
    /// the threads of queries would wait for these.
    pub async fn events(&self, filter: EventFilter) -> crate::domain::Result<Vec<Event>> {
        let (catalog, principal) = (self.engine.store.catalog().clone(), self.principal.clone());
        let asked = self.engine.home.spawn(async move { catalog.events(&principal, &filter).await });
        asked.await.map_err(|e| Error::internal("reading the event log was interrupted").because(e))?
    }

    /// The present, by the server's clock.
    pub fn now(&self) -> Micros {
        self.engine.store.clock().now()
    }

    fn readings(&self) -> Arc<dyn TableProvider> {
        Arc::new(readings::Readings::new(self.clone()))
    }

    fn devices(&self) -> Result<Arc<dyn TableProvider>> {
        let rows = self.engine.store.catalog().devices(&self.principal, &DeviceFilter::default());
        let status = |device: &Device| -> DeviceStatus { self.engine.states.status(device) };
        Ok(Arc::new(devices::table(&rows, status)?))
    }

    fn streams(&self) -> Result<Arc<dyn TableProvider>> {
        let rows = self.engine.store.catalog().streams(&self.principal, &StreamFilter::default());
        Ok(Arc::new(streams::table(&rows)?))
    }

    fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if !scopes::may_read(&self.principal, name) {
            return Ok(None);
        }
        Ok(Some(match name {
            "readings" => self.readings(),
            "devices" => self.devices()?,
            "streams" => self.streams()?,
            "groups" => {
                Arc::new(groups::table(&self.engine.store.catalog().groups(&self.principal, Page::ALL))?)
            }
            "statistics" => Arc::new(statistics::Statistics::new(self.clone(), false)),
            "messages" => Arc::new(messages::Messages::new(self.clone())),
            "events" => Arc::new(events::Events::new(self.clone())),
            "core_valuestatistics" => {
                let overlaid = statistics::Statistics::new(self.clone(), true);
                Arc::new(core_views::core_valuestatistics(Arc::new(overlaid))?)
            }
            "core_eventlog" => {
                Arc::new(core_views::core_eventlog(Arc::new(events::Events::new(self.clone())))?)
            }
            "core_value" => Arc::new(core_views::core_value(self.readings())?),
            "core_data" => Arc::new(core_views::core_data(self.streams()?)?),
            "core_device" => Arc::new(core_views::core_device(self.devices()?)?),
            _ => return Ok(None),
        }))
    }

    /// A session over this view; `template` brings functions, rules and settings.
    pub fn session(&self, template: &SessionState) -> Result<SessionState> {
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema("public", Arc::new(Tables { view: self.clone() }))?;
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog("basalt".to_owned(), Arc::new(catalog));
        let builder = SessionStateBuilder::new_from_existing(template.clone());
        let mut session = builder.with_catalog_list(Arc::new(catalogs)).build();
        // What `now()` means to this query.
        session.mark_start_execution();
        Ok(session)
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("View")
    }
}

/// The schema `public`: only tables the principal may read exist in it.
struct Tables {
    view: View,
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tables")
    }
}

#[async_trait]
impl SchemaProvider for Tables {
    fn table_names(&self) -> Vec<String> {
        let names = scopes::TABLES.iter().map(|(name, _)| *name);
        names.filter(|name| scopes::may_read(&self.view.principal, name)).map(str::to_owned).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>, DataFusionError> {
        self.view.table(name)
    }

    fn table_exist(&self, name: &str) -> bool {
        scopes::may_read(&self.view.principal, name)
    }
}
