//! Fuzz targets: arbitrary pages and selectors, and arbitrary bodies of responses, all untrusted.

use std::io::Write;

use super::css_select::{ElementQuery, select_elements};
use super::page_text;
use super::response_body::decode;
use basalt_fuzz::{Decoder, FuzzTarget, InputFormat, Random, grammar, rows, text};

const RULES: grammar::Rules = grammar::rules! {
    all = "p\n<p>1" | "<selector>\n<page>";
    selector = "p" | "#<letter>" | ".<letter>" | "[<letter>=\"<letter>\"]" | "<selector> > <selector>"
        | "<selector>,<selector>" | ":not(<selector>)" | ":has(<selector>)" | ":is(<selector>)"
        | ":nth-child(<int>n+<int>)" | "*";
    page = "<p>1</p>" | "<element>" | "<element><page>" | "<!--<letter>--><page>" | "<!DOCTYPE html><page>";
    element = "<br>" | "<p><letter>" | "<table><tr><td><page></table>" | "<svg><page></svg>"
        | "<select><page></select>" | "<template><page></template>" | "<b><i><page></b></i>"
        | "<a href=\"<letter>\"><page></a>" | "<script><page></script>" | "&amp;&#<int>;&#x<small>;";
};

fn made(random: &mut Random) -> Vec<u8> {
    grammar::write(RULES, "all", random)
}

fn form() -> InputFormat {
    InputFormat {
        grammar: Some(made),
        words: &rows![
            "<"; ">"; "</p>"; "<!--"; "-->"; "<![CDATA["; "&#0;"; "<table>"; "<math>"; "<frameset>"; ":has(";
            "\\0";
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

/// Maximum decoded body in this test.
const MOST: usize = 64 << 10;

/// A body: one byte for the encoding, then what was sent.
fn body_form() -> InputFormat {
    let page = b"<meta charset=latin1><p>caf\xe9</p>".repeat(20);
    let mut gzip = flate2::write::GzEncoder::new(vec![1], flate2::Compression::default());
    gzip.write_all(&page).expect("into memory");
    let mut bomb = flate2::write::ZlibEncoder::new(vec![2], flate2::Compression::default());
    bomb.write_all(&vec![0; 4 * MOST]).expect("into memory");
    let plain = [&b"\0"[..], &page].concat();
    let seeds = vec![plain, gzip.finish().expect("into memory"), bomb.finish().expect("into memory")];
    InputFormat {
        seeds,
        words: &["<meta", "charset", "=", "utf-16", "\u{feff}", "'", "\""],
        ..InputFormat::default()
    }
}

fn body_decoder() -> Decoder {
    Box::new(|input| {
        let Some((encoding, body)) = input.split_first() else { return };
        let encoding = ["", "gzip", "deflate"][usize::from(*encoding) % 3];
        if let Ok(bytes) = decode(encoding, body.to_vec(), MOST) {
            assert!(bytes.len() <= MOST || encoding.is_empty());
            drop(page_text(&bytes, ""));
        }
    })
}

#[test]
fn fetched_bodies() {
    FuzzTarget { module: module_path!(), name: "fetched_bodies", form: body_form, decoder: body_decoder }
        .run();
}

#[test]
fn pages() {
    FuzzTarget { module: module_path!(), name: "pages", form, decoder }.run();
}
