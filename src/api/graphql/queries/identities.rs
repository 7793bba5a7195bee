//! Fields of `Query` that look up or list products, clients and users.

use async_graphql::{Context, ID, Object, Result};

use crate::api::graphql::context::{app, caller};
use crate::api::graphql::enums::ListOrder;
use crate::api::graphql::errors::none_if_not_found;
use crate::api::graphql::ids::{self, NodeType};
use crate::api::graphql::object::object;
use crate::api::graphql::objects::client::Client;
use crate::api::graphql::objects::product::Product;
use crate::api::graphql::objects::user::User;
use crate::api::graphql::paging::{self, ListCursor};
use crate::domain::pagination::Pagination;
use crate::domain::{ProductId, UserId};

/// Queries of products, users, and clients of the vendors' APIs.
#[derive(Default)]
pub struct IdentityQueries;

object! {
    #[Object(name = "IdentityQueries")]
    impl IdentityQueries(self) {}
    pages(ctx, page, child_complexity) {
        /// Products of the organization: the types of its devices.
        products(
            #[graphql(default, desc = "Sort key of the list, ascending.")] order_by: ListOrder,
        ): Product = {
            let products = app(ctx).products.products(caller(ctx), Pagination::ALL)?;
            Ok(paging::paginate(
                products,
                page,
                |one| ListCursor::for_row(one.id.0, &one.spec.name, order_by),
                Product,
            )?)
        };
        /// Clients of the Instathings, Blynk and MK APIs, including revoked ones. Requires a superuser.
        clients(): Client = {
            let clients = app(ctx).clients.clients(caller(ctx))?;
            Ok(paging::paginate(
                clients,
                page,
                |client| ListCursor::for_row(client.id.0, &client.spec.name, ListOrder::Id),
                Client,
            )?)
        };
        /// Users of the organization, by row number. Requires a superuser.
        users(): User = {
            let users = app(ctx).users.users(caller(ctx))?;
            Ok(paging::paginate(
                users,
                page,
                |user| ListCursor::for_row(user.id.0, &user.name, ListOrder::Id),
                User,
            )?)
        };
    }
    resolvers {
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
}
