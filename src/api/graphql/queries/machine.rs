//! The fields of `Query` about models and their jobs, keys, retention, and the machine itself.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};

use super::found;
use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::ids::{self, Noun};
use crate::api::graphql::objects::hamachi::{HamachiNetwork, HamachiStatus};
use crate::api::graphql::objects::key::ApiKey;
use crate::api::graphql::objects::model::{Job, Model};
use crate::api::graphql::objects::retention::RetentionPolicy;
use crate::api::graphql::objects::server::{Health, health};
use crate::api::graphql::paging::{self, Listed, Page, Place};
use crate::domain::{DeviceId, ModelId, model};

/// What asking the Hamachi client costs, in field values: each time its command is run.
const HAMACHI_COST: usize = 10_000;

#[derive(Default)]
pub struct Queries;

#[Object(name = "MachineQueries")]
impl Queries {
    /// Models that look for anomalies, of all devices or of one.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn models(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many nodes from the beginning, or behind `after`: at most 1,000; 100 unless this or `last` is said."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "The cursor behind which the page begins, such as `pageInfo.endCursor` of the one before."
        )]
        after: Option<String>,
        #[graphql(
            desc = "How many nodes from the end, or in front of `before`: at most 1,000; not together with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "The cursor in front of which the page ends, such as `pageInfo.startCursor` of the one behind."
        )]
        before: Option<String>,
        #[graphql(desc = "Only models of this device, by its id or row number.")] device: Option<ID>,
    ) -> Result<Listed<Model>> {
        let device = device.map(|id| ids::row(Noun::Device, &id, "device")).transpose()?;
        let models = match device {
            Some(device) => app(ctx).models_of_devices(caller(ctx), &[DeviceId(device)])?,
            None => app(ctx).models(caller(ctx))?,
        };
        let page = Page { first, after, last, before };
        let place = |model: &Arc<model::Model>| Place::of(model.id.0, "", ListOrder::Id);
        Ok(paging::cut(models, page, place, Model)?)
    }

    /// One model, by its global id or by its row number.
    async fn model(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the model, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the model, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<Option<Model>> {
        let row = ids::either(Noun::Model, id.as_ref(), row_id)?;
        Ok(found(app(ctx).model(caller(ctx), ModelId(row)))?.map(Model))
    }

    /// How far a job is; null when it is not there.
    async fn job(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Number of the job, as the mutation that began it told.")] row_id: i32,
    ) -> Result<Option<Job>> {
        Ok(found(app(ctx).job(caller(ctx), row_id))?.map(Job::from))
    }

    /// API keys of the organization: for superusers.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "How many nodes from the beginning, or behind `after`: at most 1,000; 100 unless this or `last` is said."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "The cursor behind which the page begins, such as `pageInfo.endCursor` of the one before."
        )]
        after: Option<String>,
        #[graphql(
            desc = "How many nodes from the end, or in front of `before`: at most 1,000; not together with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "The cursor in front of which the page ends, such as `pageInfo.startCursor` of the one behind."
        )]
        before: Option<String>,
    ) -> Result<Listed<ApiKey>> {
        let keys = app(ctx).keys(caller(ctx))?;
        let page = Page { first, after, last, before };
        Ok(paging::cut(keys, page, |key| Place::of(key.id.0, &key.spec.name, ListOrder::Id), ApiKey)?)
    }

    /// How long the organization's tables keep their rows.
    async fn retention(&self, ctx: &Context<'_>) -> Result<Vec<RetentionPolicy>> {
        let tables = app(ctx).retention(caller(ctx))?;
        Ok(tables.into_iter().map(|(table, keep)| RetentionPolicy::new(table, keep)).collect())
    }

    /// The Hamachi client of this machine. It is asked, which takes a moment.
    #[graphql(complexity = "HAMACHI_COST + child_complexity")]
    async fn hamachi(&self, ctx: &Context<'_>) -> Result<HamachiStatus> {
        Ok(app(ctx).hamachi(caller(ctx)).await?.into())
    }

    /// The networks of Hamachi that this machine is a member of.
    #[graphql(complexity = "HAMACHI_COST + child_complexity")]
    async fn hamachi_networks(&self, ctx: &Context<'_>) -> Result<Vec<HamachiNetwork>> {
        let networks = app(ctx).hamachi_networks(caller(ctx)).await?;
        Ok(networks.into_iter().map(HamachiNetwork::from).collect())
    }

    /// One of them, by its id; null when this machine is no member.
    #[graphql(complexity = "HAMACHI_COST + child_complexity")]
    async fn hamachi_network(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Id of the network, or its name when it is not managed.")] network_id: String,
    ) -> Result<Option<HamachiNetwork>> {
        Ok(found(app(ctx).hamachi_network(caller(ctx), &network_id).await)?.map(HamachiNetwork::from))
    }

    /// Whether the parts of the server are able to serve.
    async fn health(&self, ctx: &Context<'_>) -> Result<Health> {
        health(ctx).await
    }
}
