//! Inputs of mutations whose members are absent unless the caller gave them.

/// Defines inputs, which `mutations::input::to_fields` converts. A `MaybeUndefined` that is undefined and an `Option` that is
/// `None` are left out of what is converted; a `MaybeUndefined` that is null is a value. All other members are converted.
macro_rules! input_objects {
    (@define { $($head:tt)* } { $($done:tt)* }) => {
        #[derive(async_graphql::InputObject, serde::Serialize)]
        $($head)* {
            $($done)*
        }
    };
    (
        @define $head:tt { $($done:tt)* }
        $(#[$($attribute:tt)*])*
        $member:ident: MaybeUndefined<$type:ty>,
        $($rest:tt)*
    ) => {
        $crate::api::graphql::input_object::input_objects! {
            @define $head {
                $($done)*
                $(#[$($attribute)*])*
                #[serde(skip_serializing_if = "MaybeUndefined::is_undefined")]
                $member: MaybeUndefined<$type>,
            }
            $($rest)*
        }
    };
    (
        @define $head:tt { $($done:tt)* }
        $(#[$($attribute:tt)*])*
        $member:ident: Option<$type:ty>,
        $($rest:tt)*
    ) => {
        $crate::api::graphql::input_object::input_objects! {
            @define $head {
                $($done)*
                $(#[$($attribute)*])*
                #[serde(skip_serializing_if = "Option::is_none")]
                $member: Option<$type>,
            }
            $($rest)*
        }
    };
    (
        @define $head:tt { $($done:tt)* }
        $(#[$($attribute:tt)*])*
        $member:ident: $type:ty,
        $($rest:tt)*
    ) => {
        $crate::api::graphql::input_object::input_objects! {
            @define $head { $($done)* $(#[$($attribute)*])* $member: $type, }
            $($rest)*
        }
    };
    ($(
        $(#[$($about:tt)*])*
        pub struct $input:ident { $($members:tt)* }
    )+) => {
        $($crate::api::graphql::input_object::input_objects! {
            @define { $(#[$($about)*])* pub struct $input } {} $($members)*
        })+
    };
}

pub(crate) use input_objects;
