//! Objects of the schema whose fields are mostly expressions or lists.

/// Defines an object of the schema; each section but the first may be absent.
///
/// - `impl Object(self)`: fields that are an expression of `self`, each as `name: Type = expression;`.
/// - `results`: fields whose expressions may end with an error, by `?`.
/// - `with ctx`: fields that read something of the request; their expression is a `Result` of the type.
/// - `pages(ctx, page, child_complexity)`: fields that are pages of a list, each as `name(arguments): Node = expression;`. The
///   arguments are those beside `first`, `after`, `last` and `before`, which are in `page`; the expression is a `Result` of
///   a `NodeConnection<Node>`.
/// - `rows(ctx, row: Node, "…", "…")`: fields that take the `id` or the `rowId` of a `NodeType::Node`, which the texts
///   describe, each as `name(other arguments): Type = expression;`. The expression is a `Result` of the type; `row` is the
///   row number or the error in the arguments.
/// - `resolvers`: functions as `#[Object]` has them.
macro_rules! object {
    (
        $hash:tt $object_attribute:tt
        $(#[$($about:tt)*])*
        impl $object:ident($self:ident) {
            $($(#[$($attribute:tt)*])* $field:ident: $type:ty = $value:expr;)*
        }
        $(results {
            $($(#[$($result_attribute:tt)*])* $result:ident: $result_type:ty = $result_value:expr;)*
        })?
        $(with $ctx:ident {
            $($(#[$($read_attribute:tt)*])* $read:ident: $read_type:ty = $read_value:expr;)*
        })?
        $(pages($page_ctx:ident, $page:ident, $child_complexity:ident) {
            $($(#[$($list_attribute:tt)*])* $list:ident($($argument:tt)*): $node:ty = $nodes:expr;)*
        })?
        $(rows($row_ctx:ident, $row:ident: $noun:ident, $id_text:tt, $row_id_text:tt $(,)?) {
            $(
                $(#[$($row_attribute:tt)*])*
                $row_field:ident($($row_argument:tt)*): $row_type:ty = $row_value:expr;
            )*
        })?
        $(resolvers { $($resolvers:tt)* })*
    ) => {
        // The attribute and `child_complexity` are the caller's: a variable that the attribute makes has its hygiene.
        $hash $object_attribute
        $(#[$($about)*])*
        impl $object {
            $(
                $(#[$($attribute)*])*
                pub async fn $field(&$self) -> $type {
                    $value
                }
            )*

            $($(
                $(#[$($result_attribute)*])*
                pub async fn $result(&$self) -> async_graphql::Result<$result_type> {
                    Ok($result_value)
                }
            )*)?

            $($(
                $(#[$($read_attribute)*])*
                pub async fn $read(
                    &$self,
                    $ctx: &async_graphql::Context<'_>,
                ) -> async_graphql::Result<$read_type> {
                    $read_value
                }
            )*)?

            $($(
                $(#[$($list_attribute)*])*
                #[graphql(complexity = $crate::api::graphql::paging::cost(first, last, $child_complexity))]
                #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
                pub async fn $list(
                    &$self,
                    $page_ctx: &async_graphql::Context<'_>,
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
                    $($argument)*
                ) -> async_graphql::Result<$crate::api::graphql::paging::NodeConnection<$node>> {
                    let $page = $crate::api::graphql::paging::ConnectionArgs { first, after, last, before };
                    $nodes
                }
            )*)?

            $($(
                $(#[$($row_attribute)*])*
                #[allow(clippy::too_many_arguments, reason = "the arguments of a field are its interface")]
                pub async fn $row_field(
                    &$self,
                    $row_ctx: &async_graphql::Context<'_>,
                    #[graphql(desc = $id_text)] id: Option<async_graphql::ID>,
                    #[graphql(desc = $row_id_text)] row_id: Option<i32>,
                    $($row_argument)*
                ) -> async_graphql::Result<$row_type> {
                    let noun = $crate::api::graphql::ids::NodeType::$noun;
                    let $row = $crate::api::graphql::ids::id_or_row_id(noun, id.as_ref(), row_id);
                    $row_value
                }
            )*)?

            $($($resolvers)*)*
        }
    };
}

pub(crate) use object;
