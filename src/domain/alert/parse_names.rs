//! Reads the closed sets of words of alert rules and channels.

use std::str::FromStr;

use super::Severity;
use super::rule::{Evaluation, Operator};
use crate::domain::notification::ChannelKind;
use crate::domain::{Error, Result};

macro_rules! from_name {
    ($($set:ty => $field:literal),+ $(,)?) => {$(
        impl FromStr for $set {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                let named = <$set>::ALL.into_iter().find(|word| word.name() == text);
                named.ok_or_else(|| Error::field($field, format!("\"{text}\" is not a valid choice.")))
            }
        }
    )+};
}

from_name!(
    Evaluation => "evaluation",
    Operator => "operator",
    Severity => "severity",
    ChannelKind => "type",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_shown() {
        for evaluation in Evaluation::ALL {
            assert_eq!(evaluation.name().parse::<Evaluation>().ok(), Some(evaluation));
        }
        for operator in Operator::ALL {
            assert_eq!(operator.name().parse::<Operator>().ok(), Some(operator));
        }
        for severity in Severity::ALL {
            assert_eq!(severity.name().parse::<Severity>().ok(), Some(severity));
        }
        for kind in ChannelKind::ALL {
            assert_eq!(kind.name().parse::<ChannelKind>().ok(), Some(kind));
        }
        assert!("gt".parse::<Operator>().is_err());
    }
}
