//! Data types of the programs that write tag lists, and the types of streams. Pure.

use super::format::TagListFormat;
use super::format::TagListFormat::{Kepserver, Plain, Studio5000, TiaPortal};
use super::tag::TagType;
use crate::collect::registers::value_type::RegisterType;
use crate::domain::device::Protocol;
use crate::domain::stream::StreamKind;

/// Words for types in lower case, with the name of the stream's type, or of the register's.
const TYPES: &[(TagListFormat, &[&str], &str)] = &[
    (Kepserver, &["boolean"], "bit"),
    (Kepserver, &["char"], "int8"),
    (Kepserver, &["byte"], "byte"),
    (Kepserver, &["short"], "int16"),
    (Kepserver, &["word"], "uint16"),
    (Kepserver, &["long"], "int32"),
    (Kepserver, &["dword"], "uint32"),
    (Kepserver, &["llong"], "int64"),
    (Kepserver, &["qword"], "uint64"),
    (Kepserver, &["float"], "fp32"),
    (Kepserver, &["double"], "fp64"),
    (Kepserver, &["bcd"], "bcd16"),
    (Kepserver, &["lbcd"], "bcd32"),
    (Kepserver, &["string"], "text"),
    (TiaPortal, &["bool"], "bit"),
    (TiaPortal, &["byte", "usint"], "byte"),
    (TiaPortal, &["sint"], "int8"),
    (TiaPortal, &["int"], "int16"),
    (TiaPortal, &["word", "uint"], "uint16"),
    (TiaPortal, &["dint", "time"], "int32"),
    (TiaPortal, &["dword", "udint"], "uint32"),
    (TiaPortal, &["lint", "ltime"], "int64"),
    (TiaPortal, &["lword", "ulint"], "uint64"),
    (TiaPortal, &["real"], "fp32"),
    (TiaPortal, &["lreal"], "fp64"),
    // The longest that such a text is declared with when no length is given.
    (TiaPortal, &["string"], "string254"),
    (TiaPortal, &["wstring"], "wstring254"),
    (TiaPortal, &["s5time"], "s5time"),
    (TiaPortal, &["date"], "date"),
    (TiaPortal, &["time_of_day", "tod"], "tod"),
    (TiaPortal, &["date_and_time", "dt"], "dt"),
    (TiaPortal, &["dtl"], "dtl"),
    (TiaPortal, &["date_and_ltime", "ldt"], "ldt"),
    (Studio5000, &["bool"], "bit"),
    // The controller says the type of a tag; a stream of 16 bits has room for all 8.
    (Studio5000, &["sint", "int"], "int16"),
    (Studio5000, &["dint"], "int32"),
    (Studio5000, &["lint"], "int64"),
    (Studio5000, &["usint"], "byte"),
    (Studio5000, &["uint"], "uint16"),
    (Studio5000, &["udint"], "uint32"),
    (Studio5000, &["ulint"], "uint64"),
    (Studio5000, &["real"], "fp32"),
    (Studio5000, &["lreal"], "fp64"),
    (Studio5000, &["string"], "text"),
    // Besides the names of streams' types. Words that mean different widths to different people are missing: int, long.
    (Plain, &["bool", "boolean"], "bit"),
    (Plain, &["sint", "int8"], "int8"),
    (Plain, &["int24"], "int24"),
    (Plain, &["uint24"], "uint24"),
    (Plain, &["int48"], "int48"),
    (Plain, &["uint48"], "uint48"),
    (Plain, &["bcd", "bcd16"], "bcd16"),
    (Plain, &["lbcd", "bcd32"], "bcd32"),
    (Plain, &["s5time"], "s5time"),
    (Plain, &["date"], "date"),
    (Plain, &["time_of_day", "tod"], "tod"),
    (Plain, &["date_and_time", "dt"], "dt"),
    (Plain, &["dtl"], "dtl"),
    (Plain, &["date_and_ltime", "ldt"], "ldt"),
    (Plain, &["usint"], "byte"),
    (Plain, &["short"], "int16"),
    (Plain, &["word"], "uint16"),
    (Plain, &["dint"], "int32"),
    (Plain, &["udint", "dword"], "uint32"),
    (Plain, &["lint"], "int64"),
    (Plain, &["ulint", "lword", "qword"], "uint64"),
    (Plain, &["real", "float"], "fp32"),
    (Plain, &["lreal", "double"], "fp64"),
    (Plain, &["string"], "text"),
];

/// Finds the type that a word of a format names; `None` for a word that is not in the table.
pub fn find(format: TagListFormat, word: &str) -> Option<TagType> {
    let lower = word.to_lowercase();
    let (.., name) = TYPES.iter().find(|(of, words, _)| *of == format && words.contains(&lower.as_str()))?;
    // Registers of S7 have all types that there are.
    let of_register = || RegisterType::parse(Protocol::S7, name).map(TagType::Register);
    StreamKind::from_name(name).map(TagType::Kind).or_else(of_register)
}

/// Lists the words of a format, for messages.
pub fn words(format: TagListFormat) -> String {
    let rows = TYPES.iter().filter(|(of, ..)| *of == format);
    rows.flat_map(|(_, words, _)| *words).copied().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_name_types_of_streams() {
        let rows = [
            (Kepserver, "Word", StreamKind::Uint16),
            (Kepserver, "Long", StreamKind::Int32),
            (Kepserver, "LLong", StreamKind::Int64),
            (TiaPortal, "Word", StreamKind::Uint16),
            (TiaPortal, "Real", StreamKind::Fp32),
            (TiaPortal, "Time", StreamKind::Int32),
            (Studio5000, "DINT", StreamKind::Int32),
            (Studio5000, "SINT", StreamKind::Int16),
            (Plain, "float", StreamKind::Fp32),
        ];
        for (format, word, kind) in rows {
            assert_eq!(find(format, word), Some(TagType::Kind(kind)), "{word}");
        }
        for (format, word) in
            [(Kepserver, "Date"), (TiaPortal, "Motor"), (Plain, "int"), (Studio5000, "Real32")]
        {
            assert_eq!(find(format, word), None, "{word}");
        }
    }

    #[test]
    fn every_row_has_a_type() {
        for (format, words, name) in TYPES {
            assert!(find(*format, words[0]).is_some(), "{name}");
        }
        assert_eq!(find(Kepserver, "BCD"), Some(TagType::Register(RegisterType::Bcd16)));
    }

    #[test]
    fn a_word_is_in_the_table_once() {
        for format in TagListFormat::ALL {
            let mut words: Vec<_> =
                TYPES.iter().filter(|(of, ..)| *of == format).flat_map(|(_, words, _)| *words).collect();
            let count = words.len();
            words.sort_unstable();
            words.dedup();
            assert_eq!(words.len(), count, "{}", format.title());
        }
    }
}
