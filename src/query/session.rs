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

use super::scan::visible::Visible;
use super::scopes;
use super::tables::{core_views, devices, groups, readings, streams};
use crate::domain::Principal;
use crate::domain::device::{Device, DeviceFilter, DeviceStatus};
use crate::domain::page::Page;
use crate::domain::ports::DeviceStates;
use crate::domain::stream::StreamFilter;
use crate::store::Store;
use crate::store::snapshot::Snapshot;

/// What a request sees: principal, snapshot, catalog.
#[derive(Clone)]
pub struct View {
    pub principal: Arc<Principal>,
    pub snapshot: Arc<Snapshot>,
    pub visible: Arc<Visible>,
    store: Arc<Store>,
    states: Arc<dyn DeviceStates>,
}

impl View {
    /// Pins the present.
    pub fn new(store: &Arc<Store>, states: &Arc<dyn DeviceStates>, principal: &Principal) -> Self {
        // Streams first: one created in between has no rows an answer could miss.
        let visible = Visible::new(store.catalog().visible_streams(principal));
        Self {
            principal: Arc::new(principal.clone()),
            snapshot: Arc::new(store.snapshot()),
            visible: Arc::new(visible),
            store: store.clone(),
            states: states.clone(),
        }
    }

    fn readings(&self) -> Arc<dyn TableProvider> {
        Arc::new(readings::Readings::new(self.snapshot.clone(), self.visible.clone()))
    }

    fn devices(&self) -> Result<Arc<dyn TableProvider>> {
        let rows = self.store.catalog().devices(&self.principal, &DeviceFilter::default());
        let status = |device: &Device| -> DeviceStatus { self.states.status(device) };
        Ok(Arc::new(devices::table(&rows, status)?))
    }

    fn streams(&self) -> Result<Arc<dyn TableProvider>> {
        let rows = self.store.catalog().streams(&self.principal, &StreamFilter::default());
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
            "groups" => Arc::new(groups::table(&self.store.catalog().groups(&self.principal, Page::ALL))?),
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
