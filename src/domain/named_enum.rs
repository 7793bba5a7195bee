//! Enumerations whose variants have names.

/// An enumeration whose variants have names.
pub trait NamedEnum: Copy + 'static {
    /// Every variant, in the order in which documents list their names.
    fn all() -> &'static [Self];

    /// Name in APIs, in files and in the catalog.
    fn name(self) -> &'static str;
}

/// Defines an enumeration whose variants have names: `Variant = "name"`. It has `ALL`, `name` and `from_name` beside what its
/// attributes derive.
///
/// Behind it may be what it implements besides: `display;` writes the name. `field "level";`, `listed;`, `listed "level";` and
/// `one_of "level";` parse it; the error of a text that is no name is one of that field, and all but the first list the names.
#[macro_export]
macro_rules! named_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $type:ident {
            $($(#[$variant_attribute:meta])* $variant:ident = $name:literal,)+
        }
        $($clause:ident $($field:literal)?;)*
    ) => {
        $(#[$attribute])*
        $visibility enum $type {
            $($(#[$variant_attribute])* $variant,)+
        }

        impl $type {
            /// Every variant, in the order of their definition.
            $visibility const ALL: [$type; [$($name),+].len()] = [$($type::$variant),+];

            /// Name in APIs, in files and in the catalog.
            $visibility const fn name(self) -> &'static str {
                match self {
                    $($type::$variant => $name,)+
                }
            }

            /// The variant with this name.
            $visibility fn from_name(name: &str) -> Option<$type> {
                $type::ALL.into_iter().find(|variant| variant.name() == name)
            }
        }

        impl $crate::domain::named_enum::NamedEnum for $type {
            fn all() -> &'static [$type] {
                &$type::ALL
            }

            fn name(self) -> &'static str {
                $type::name(self)
            }
        }

        $($crate::domain::named_enum::named_enum!(@$clause $type $($field)?);)*
    };
    (@display $type:ident) => {
        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }
    };
    (@field $type:ident $field:literal) => {
        $crate::domain::named_enum::named_enum!(@parsed $type, name, {
            $crate::domain::Error::field($field, format!("\"{name}\" is not a valid choice."))
        });
    };
    (@listed $type:ident $($field:literal)?) => {
        $crate::domain::named_enum::named_enum!(@parsed $type, name, {
            let problem = format!("`{name}` is not one of {}", $type::ALL.map($type::name).join(", "));
            $crate::domain::named_enum::named_enum!(@error problem $($field)?)
        });
    };
    (@one_of $type:ident $field:literal) => {
        $crate::domain::named_enum::named_enum!(@parsed $type, name, {
            let problem = format!("must be one of {}", $type::ALL.map($type::name).join(", "));
            $crate::domain::Error::field($field, problem)
        });
    };
    (@error $problem:ident) => { $crate::domain::Error::invalid($problem) };
    (@error $problem:ident $field:literal) => { $crate::domain::Error::field($field, $problem) };
    (@parsed $type:ident, $text:ident, $error:block) => {
        impl std::str::FromStr for $type {
            type Err = $crate::domain::Error;

            fn from_str($text: &str) -> std::result::Result<$type, $crate::domain::Error> {
                $type::from_name($text).ok_or_else(|| $error)
            }
        }
    };
}

pub use named_enum;

#[cfg(test)]
mod tests {
    named_enum! {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Direction {
            In = "in",
            Out = "out",
        }
        display;
        field "direction";
    }

    named_enum! {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Side {
            Left = "left",
            Right = "right",
        }
        listed "side";
    }

    named_enum! {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Layer {
            Upper = "upper",
            Lower = "lower",
        }
        listed;
    }

    named_enum! {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Turnout {
            Open = "open",
            Closed = "closed",
        }
        one_of "turnout";
    }

    #[test]
    fn every_name_is_parsed_as_it_is_shown() {
        assert_eq!(<Direction as super::NamedEnum>::all(), Direction::ALL);
        for direction in Direction::ALL {
            assert_eq!(direction.name().parse::<Direction>().ok(), Some(direction));
            assert_eq!(direction.to_string(), direction.name());
        }
        let error = "both".parse::<Direction>().unwrap_err();
        assert_eq!(error.to_string(), "direction: \"both\" is not a valid choice.");
    }

    #[test]
    fn an_error_lists_the_names_where_the_enumeration_says_so() {
        assert_eq!("left".parse::<Side>().unwrap(), Side::Left);
        assert_eq!("lower".parse::<Layer>().unwrap(), Layer::Lower);
        assert_eq!("open".parse::<Turnout>().unwrap(), Turnout::Open);
        for (error, expected) in [
            ("up".parse::<Side>().unwrap_err(), "side: `up` is not one of left, right"),
            ("up".parse::<Layer>().unwrap_err(), "`up` is not one of upper, lower"),
            ("up".parse::<Turnout>().unwrap_err(), "turnout: must be one of open, closed"),
        ] {
            assert_eq!(error.to_string(), expected);
        }
    }
}
