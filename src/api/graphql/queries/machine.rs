//! Fields of `Query` for models, API keys, retention, Hamachi and server health.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::object::object;
use crate::api::graphql::objects::hamachi::{HamachiNetwork, HamachiStatus};
use crate::api::graphql::objects::key::ApiKey;
use crate::api::graphql::objects::model::Model;
use crate::api::graphql::objects::opcua_certificate::OpcuaCertificate;
use crate::api::graphql::objects::retention::RetentionPolicy;
use crate::api::graphql::objects::server::{Health, health};
use crate::api::graphql::paging::{self, ListCursor};
use crate::domain::{DeviceId, ModelId, model};

/// Complexity of a query to the Hamachi client, in field values: each one runs its command.
const HAMACHI_COST: usize = 10_000;

/// Complexity of the list of certificates, in field values: each is read from a file.
const CERTIFICATES_COST: usize = 1000;

/// Queries of this server: the caller, health, retention, models and the machine.
#[derive(Default)]
pub struct MachineQueries;

object! {
    #[Object(name = "MachineQueries")]
    impl MachineQueries(self) {}
    pages(ctx, page, child_complexity) {
        /// Anomaly detection models of all devices or of one device.
        models(
            #[graphql(desc = "Only models of this device, by its id or row number.")] device: Option<ID>,
        ): Model = {
            let device = device.map(|id| ids::parse_row_id(NodeType::Device, &id, "device")).transpose()?;
            let models = match device {
                Some(device) => app(ctx).models.models_of_devices(caller(ctx), &[DeviceId(device)])?,
                None => app(ctx).models.models(caller(ctx))?,
            };
            let place = |model: &Arc<model::Model>| ListCursor::for_row(model.id.0, "", ListOrder::Id);
            Ok(paging::paginate(models, page, place, Model)?)
        };
        /// API keys of the organization. Requires a superuser.
        keys(): ApiKey = {
            let keys = app(ctx).access.keys(caller(ctx))?;
            Ok(paging::paginate(
                keys,
                page,
                |key| ListCursor::for_row(key.id.0, &key.spec.name, ListOrder::Id),
                ApiKey,
            )?)
        };
    }
    resolvers {
        /// One model, by its global id or by its row number.
        async fn model(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Global id of the model, or its row number as text; give this or `rowId`.")]
            id: Option<ID>,
            #[graphql(desc = "Row number of the model, as REST and SQL show it; give this or `id`.")]
            row_id: Option<i32>,
        ) -> Result<Option<Model>> {
            let row = ids::id_or_row_id(NodeType::Model, id.as_ref(), row_id)?;
            Ok(none_if_not_found(app(ctx).models.model(caller(ctx), ModelId(row)))?.map(Model))
        }

        /// Retention policies of the organization, one per table.
        async fn retention(&self, ctx: &Context<'_>) -> Result<Vec<RetentionPolicy>> {
            let tables = app(ctx).retention.retention(caller(ctx))?;
            Ok(tables.into_iter().map(|(table, keep)| RetentionPolicy::new(table, keep)).collect())
        }

        /// Certificates that OPC UA servers showed, by state and fingerprint. They belong to the machine: for unrestricted callers
        /// of the default organization with `system:read`.
        #[graphql(complexity = "CERTIFICATES_COST + child_complexity")]
        async fn opcua_certificates(&self, ctx: &Context<'_>) -> Result<Vec<OpcuaCertificate>> {
            let all = app(ctx).opcua_certificates.opcua_certificates(caller(ctx)).await?;
            Ok(all.into_iter().map(OpcuaCertificate).collect())
        }

        /// State of the Hamachi client of this machine. The query runs the client's command and takes a moment.
        #[graphql(complexity = "HAMACHI_COST + child_complexity")]
        async fn hamachi(&self, ctx: &Context<'_>) -> Result<HamachiStatus> {
            Ok(HamachiStatus(app(ctx).hamachi.status(caller(ctx)).await?))
        }

        /// Hamachi networks that this machine is a member of.
        #[graphql(complexity = "HAMACHI_COST + child_complexity")]
        async fn hamachi_networks(&self, ctx: &Context<'_>) -> Result<Vec<HamachiNetwork>> {
            let networks = app(ctx).hamachi.networks(caller(ctx)).await?;
            Ok(networks.into_iter().map(HamachiNetwork).collect())
        }

        /// One Hamachi network by its id; null if this machine is not a member.
        #[graphql(complexity = "HAMACHI_COST + child_complexity")]
        async fn hamachi_network(
            &self,
            ctx: &Context<'_>,
            #[graphql(desc = "Id of the network, or its name if the network is not managed.")] network_id: String,
        ) -> Result<Option<HamachiNetwork>> {
            Ok(none_if_not_found(app(ctx).hamachi.network(caller(ctx), &network_id).await)?
                .map(HamachiNetwork))
        }

        /// Health of the server and its components.
        async fn health(&self, ctx: &Context<'_>) -> Result<Health> {
            health(ctx).await
        }
    }
}
