//! Enumerations whose variants have names.

/// Defines an enumeration whose variants have names: `Variant = "name"`. It has `ALL`, `name` and `from_name` beside what its
/// attributes derive. Behind it may be how a text is parsed that is no name: `field "level";` has an error of that field, `listed;` one that
/// lists the names.
macro_rules! named_enum {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $type:ident {
            $($(#[$variant_attribute:meta])* $variant:ident = $name:literal,)+
        }
        $($parsed:ident $($field:literal)?;)?
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

        $($crate::domain::named_enum::named_enum!(@$parsed $type $($field)?);)?
    };
    (@field $type:ident $field:literal) => {
        impl std::str::FromStr for $type {
            type Err = $crate::domain::Error;

            fn from_str(name: &str) -> std::result::Result<$type, $crate::domain::Error> {
                let problem = || format!("\"{name}\" is not a valid choice.");
                $type::from_name(name).ok_or_else(|| $crate::domain::Error::field($field, problem()))
            }
        }
    };
    (@listed $type:ident) => {
        impl std::str::FromStr for $type {
            type Err = $crate::domain::Error;

            fn from_str(name: &str) -> std::result::Result<$type, $crate::domain::Error> {
                let problem = || format!("`{name}` is not one of {}", $type::ALL.map($type::name).join(", "));
                $type::from_name(name).ok_or_else(|| $crate::domain::Error::invalid(problem()))
            }
        }
    };
}

pub(crate) use named_enum;

#[cfg(test)]
mod tests {
    named_enum! {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Direction {
            In = "in",
            Out = "out",
        }
        field "direction";
    }

    #[test]
    fn every_name_is_parsed_as_it_is_shown() {
        for direction in Direction::ALL {
            assert_eq!(direction.name().parse::<Direction>().ok(), Some(direction));
        }
        let error = "both".parse::<Direction>().unwrap_err();
        assert_eq!(error.to_string(), "direction: \"both\" is not a valid choice.");
    }
}
