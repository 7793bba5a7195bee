//! Fuzz tests: any document is checked before it runs and is parsed within the stack.

use async_graphql::Request;

use super::limits;
use crate::app::graphql::GraphqlLimits;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, Random, grammar, text};

const RULES: grammar::Rules = grammar::rules! {
    document = "{ a }" | "<operation>" | "<operation> <fragments>" | "<space><operation><space>"
        | "#<comment><operation>";
    operation = "<set>" | "query <name><variables> <set>" | "mutation <set>" | "subscription <name> <set>";
    variables = "" | "($<name>: <type>)" | "($<name>: <type> = <value>, $<name>: <type> <directives>)";
    type = "Int" | "<name>!" | "[<type>]" | "[<type>!]!" | "[[<type>]]";
    set = "{ a }" | "{ <fields> }" | "{<comment>\r<fields>}"
        | "{ __schema { types { fields { type { ofType { name } } } } } }";
    fields = "a" | "<field>" | "<field> <fields>" | "<field>,<space><fields>";
    field = "a" | "<name>" | "<name>: <name>" | "<name><arguments><directives> <set>" | "...<name>"
        | "... on <name> <directives> <set>";
    arguments = "" | "(<name>: <value>)" | "(<name>: <value>, <name>: <value>)";
    directives = "" | "@include(if: true)" | "@skip(if: $<name>) <directives>" | "@<name><arguments>";
    value = "1" | "<int>" | "<float>" | "null" | "$<name>" | "<string>" | "[<value>]" | "[<value> <value>]"
        | "{<name>: <value>}" | "<name>";
    string = "\"\"" | "\"<inside>\"" | "\"\"\"<inside>\"\"\"" | "\"\"\"<inside>" | "\"<inside>"
        | "\"\"\"\\\"\"\"<inside>\"\"\"";
    inside = "" | "<letter><inside>" | "\\\"<inside>" | "\\u00e9<inside>" | "{<inside>" | "[<inside>"
        | "#<inside>" | "\r<inside>" | "\n<inside>" | "\"<inside>";
    comment = "\n" | "\r" | "\r\n" | "<letter><comment>" | "{<comment>" | "[<comment>" | "\"\"\"<comment>";
    fragments = "fragment f on T { a }" | "fragment <name> on <name> <set> <fragments>"
        | "fragment f on T { ...f }";
    name = "a" | "<letter><name>" | "__typename" | "readings" | "values" | "edges" | "nodes";
    space = "" | " " | "\t" | "\u{feff}" | "#<comment>" | ",";
};

/// Returns a document of the grammar, or a deeply nested value after text that may mislead the depth check.
fn made(random: &mut Random) -> Vec<u8> {
    if !random.one_in(6) {
        return grammar::write(RULES, "document", random);
    }
    let before = random.pick(&["", "#\r", "#\n", "#\r\n", "#{\r", ",\u{feff}"]);
    let (begin, end) =
        [("{a(x:", ")}"), ("{a(x:[\"\"\"x\" ", "])}"), ("query($a:", "){a}"), ("{a(x:\"\"\"\"\"\"y:", ")}")]
            [random.below(4)];
    let (open, close) = [("[", "]"), ("{a:", "}")][random.below(2)];
    let depth = random.size(13);
    format!("{before}{begin}{}1{}{end}", open.repeat(depth), close.repeat(depth)).into_bytes()
}

fn form() -> InputFormat {
    let seeds = [
        "queries/devices.graphql",
        "queries/readings.graphql",
        "queries/server.graphql",
        "queries/write.graphql",
    ];
    InputFormat {
        seeds: seeds.map(|path| std::fs::read(path).expect("an example")).into(),
        grammar: Some(made),
        words: &[
            "\"\"\"", "\"", "#", "\r", "#\r", "#\n", "...", "...on T", "@a", "$a", "{", "[", "(", "\\u",
            "\\\"\"\"",
        ],
        nests: &[
            ("{a", "}"),
            ("[", "]"),
            ("{a:", "}"),
            ("(a:[", "])"),
            ("#\r[", "]"),
            ("\"\"\"\"\"\"[", "]"),
            ("...{", "}"),
            ("@a(a:", ")"),
            ("#\r{a(a:{", "})}"),
        ],
        ..InputFormat::default()
    }
}

fn decoder() -> Decoder {
    Box::new(|input| {
        let mut request = Request::new(text(input));
        drop(limits::check_document(&GraphqlLimits::default(), &mut request));
    })
}

#[test]
fn graphql() {
    FuzzTarget { module: module_path!(), name: "graphql", form, decoder }.run();
}
