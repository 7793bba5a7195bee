//! Fuzz target: arbitrary pages and selectors, both untrusted.

use super::css_select::{ElementQuery, select_elements};
use crate::domain::fuzz::{Decoder, FuzzTarget, InputFormat, Random, grammar, text};

const RULES: grammar::Rules = &[
    ("all", &["p\n<p>1", "<selector>\n<page>"]),
    (
        "selector",
        &[
            "p",
            "#<letter>",
            ".<letter>",
            "[<letter>=\"<letter>\"]",
            "<selector> > <selector>",
            "<selector>,<selector>",
            ":not(<selector>)",
            ":has(<selector>)",
            ":is(<selector>)",
            ":nth-child(<int>n+<int>)",
            "*",
        ],
    ),
    ("page", &["<p>1</p>", "<element>", "<element><page>", "<!--<letter>--><page>", "<!DOCTYPE html><page>"]),
    (
        "element",
        &[
            "<br>",
            "<p><letter>",
            "<table><tr><td><page></table>",
            "<svg><page></svg>",
            "<select><page></select>",
            "<template><page></template>",
            "<b><i><page></b></i>",
            "<a href=\"<letter>\"><page></a>",
            "<script><page></script>",
            "&amp;&#<int>;&#x<small>;",
        ],
    ),
];

fn made(random: &mut Random) -> Vec<u8> {
    grammar::write(RULES, "all", random)
}

fn form() -> InputFormat {
    InputFormat {
        grammar: Some(made),
        words: &[
            "<",
            ">",
            "</p>",
            "<!--",
            "-->",
            "<![CDATA[",
            "&#0;",
            "<table>",
            "<math>",
            "<frameset>",
            ":has(",
            "\\0",
        ],
        nests: &[
            ("<b>", "</b>"),
            ("<table>", "</table>"),
            ("<svg><desc>", ""),
            (":not(", ")"),
            ("<font><p>", ""),
            ("<template>", ""),
        ],
        ..InputFormat::default()
    }
}

fn decoder() -> Decoder {
    Box::new(|input| {
        let text = text(input);
        let (selector, page) = text.split_once('\n').unwrap_or((&text, ""));
        let attr = page.starts_with('<').then(|| "href".to_owned());
        drop(select_elements(page, &ElementQuery { selector: selector.to_owned(), attr }));
    })
}

#[test]
fn pages() {
    FuzzTarget { module: module_path!(), name: "pages", form, decoder }.run();
}
