//! Fields of `Query` that look up or list products, clients and users.

use async_graphql::{Context, ID, Object, Result};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::objects::client::Client;
use crate::api::graphql::objects::product::Product;
use crate::api::graphql::objects::user::User;
use crate::api::graphql::paging::{self, ConnectionArgs, ListCursor, NodeConnection};
use crate::domain::pagination::Pagination;
use crate::domain::{ProductId, UserId};

/// Queries of products, users, and clients of the vendors' APIs.
#[derive(Default)]
pub struct IdentityQueries;

#[Object(name = "IdentityQueries")]
impl IdentityQueries {
    /// Products of the organization: the types of its devices.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn products(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Number of nodes from the start or after `after`: maximum 1,000; default 100 unless `last` is given."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "Cursor after which the page begins, such as `pageInfo.endCursor` of the previous page."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Number of nodes from the end or before `before`: maximum 1,000; not together with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "Cursor before which the page ends, such as `pageInfo.startCursor` of the next page."
        )]
        before: Option<String>,
        #[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder,
    ) -> Result<NodeConnection<Product>> {
        let products = app(ctx).products.products(caller(ctx), Pagination::ALL)?;
        let page = ConnectionArgs { first, after, last, before };
        Ok(paging::paginate(
            products,
            page,
            |one| ListCursor::for_row(one.id.0, &one.spec.name, order_by),
            Product,
        )?)
    }

    /// One product, by its global id or by its row number.
    async fn product(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the product, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the product, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<Option<Product>> {
        let row = ids::id_or_row_id(NodeType::Product, id.as_ref(), row_id)?;
        Ok(none_if_not_found(app(ctx).products.product(caller(ctx), ProductId(row)))?.map(Product))
    }

    /// Clients of the Instathings, Blynk and MK APIs, including revoked ones. Requires a superuser.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn clients(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Number of nodes from the start or after `after`: maximum 1,000; default 100 unless `last` is given."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "Cursor after which the page begins, such as `pageInfo.endCursor` of the previous page."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Number of nodes from the end or before `before`: maximum 1,000; not together with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "Cursor before which the page ends, such as `pageInfo.startCursor` of the next page."
        )]
        before: Option<String>,
    ) -> Result<NodeConnection<Client>> {
        let clients = app(ctx).clients.clients(caller(ctx))?;
        let page = ConnectionArgs { first, after, last, before };
        Ok(paging::paginate(
            clients,
            page,
            |client| ListCursor::for_row(client.id.0, &client.spec.name, ListOrder::Id),
            Client,
        )?)
    }

    /// Users of the organization, by row number. Requires a superuser.
    #[graphql(complexity = "paging::cost(first, last, child_complexity)")]
    #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
    async fn users(
        &self,
        ctx: &Context<'_>,
        #[graphql(
            desc = "Number of nodes from the start or after `after`: maximum 1,000; default 100 unless `last` is given."
        )]
        first: Option<i32>,
        #[graphql(
            desc = "Cursor after which the page begins, such as `pageInfo.endCursor` of the previous page."
        )]
        after: Option<String>,
        #[graphql(
            desc = "Number of nodes from the end or before `before`: maximum 1,000; not together with `first`."
        )]
        last: Option<i32>,
        #[graphql(
            desc = "Cursor before which the page ends, such as `pageInfo.startCursor` of the next page."
        )]
        before: Option<String>,
    ) -> Result<NodeConnection<User>> {
        let users = app(ctx).users.users(caller(ctx))?;
        let page = ConnectionArgs { first, after, last, before };
        Ok(paging::paginate(
            users,
            page,
            |user| ListCursor::for_row(user.id.0, &user.name, ListOrder::Id),
            User,
        )?)
    }

    /// One user of the organization, by its global id or by its row number. Requires a superuser.
    async fn user(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Global id of the user, or its row number as text; give this or `rowId`.")]
        id: Option<ID>,
        #[graphql(desc = "Row number of the user, as REST and SQL show it; give this or `id`.")]
        row_id: Option<i32>,
    ) -> Result<Option<User>> {
        app(ctx).access.require_superuser(caller(ctx))?;
        let row = ids::id_or_row_id(NodeType::User, id.as_ref(), row_id)?;
        Ok(none_if_not_found(app(ctx).users.user(caller(ctx), UserId(row)))?.map(User))
    }
}
