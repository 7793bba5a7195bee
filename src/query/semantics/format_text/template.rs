//! The first argument of `format`, parsed.

use datafusion::common::exec_err;
use datafusion::error::Result;

use super::quoting;
use crate::query::semantics::bounded_text::MAX_CHARS;

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Value(Specifier),
}

/// Place of an argument: `%`, perhaps a position with `$`, `-`, a width, and the letter of its form.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Specifier {
    /// Which argument; the next one without.
    position: Option<usize>,
    is_left: bool,
    width: Width,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    Fixed(i64),
    /// `*`: the next argument has it.
    Next,
    /// `*2$`: this one has it.
    At(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `%s`.
    Plain,
    /// `%I`.
    Identifier,
    /// `%L`.
    Literal,
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(Vec<Part>);

impl Template {
    /// Parses a template.
    ///
    /// # Errors
    /// A specifier that is not understood.
    pub fn parse(text: &str) -> Result<Template> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('%') {
            parts.push(Part::Text(before.to_owned()));
            rest = match after.strip_prefix('%') {
                Some(after) => {
                    parts.push(Part::Text("%".to_owned()));
                    after
                }
                None => {
                    let (specifier, after) = specifier(after)?;
                    parts.push(Part::Value(specifier));
                    after
                }
            };
        }
        parts.push(Part::Text(rest.to_owned()));
        Ok(Template(parts))
    }

    /// Fills a template with the texts of arguments, of which the first one has the number 1.
    ///
    /// # Errors
    /// Too few arguments, a NULL for a name, a width that is no number, or a text that is too long.
    pub fn fill(&self, arguments: &[Option<&str>]) -> Result<String> {
        let (mut out, mut chars, mut next) = (String::new(), 0, 1);
        for part in &self.0 {
            let text = match part {
                Part::Text(text) => text.clone(),
                Part::Value(specifier) => specifier.text(arguments, &mut next)?,
            };
            chars += text.chars().count();
            if chars > MAX_CHARS {
                return exec_err!("format makes texts of at most {MAX_CHARS} characters");
            }
            out.push_str(&text);
        }
        Ok(out)
    }
}

fn specifier(text: &str) -> Result<(Specifier, &str)> {
    let (at, mut rest) = position(text)?.map_or((None, text), |(at, rest)| (Some(at), rest));
    let flags = rest.trim_start_matches('-');
    let is_left = flags.len() < rest.len();
    rest = flags;
    let width = if let Some(after) = rest.strip_prefix('*') {
        let (width, after) =
            position(after)?.map_or((Width::Next, after), |(at, rest)| (Width::At(at), rest));
        rest = after;
        width
    } else {
        let (width, after) = number(rest)?.unwrap_or((0, rest));
        rest = after;
        Width::Fixed(width as i64)
    };
    let mut letters = rest.chars();
    let form = match letters.next() {
        Some('s') => Form::Plain,
        Some('I') => Form::Identifier,
        Some('L') => Form::Literal,
        Some(other) => {
            return exec_err!("format: `{other}` is no form of a value; there are %s, %I, %L and %%");
        }
        None => return exec_err!("format: `%{text}` at the end has no form; there are %s, %I, %L and %%"),
    };
    Ok((Specifier { position: at, is_left, width, form }, letters.as_str()))
}

/// A number followed by `$`.
fn position(text: &str) -> Result<Option<(usize, &str)>> {
    let Some((at, rest)) = number(text)? else { return Ok(None) };
    match (at, rest.strip_prefix('$')) {
        (0, Some(_)) => exec_err!("format: there is no argument 0; the first one is 1"),
        (at, Some(rest)) => Ok(Some((at, rest))),
        _ => Ok(None),
    }
}

fn number(text: &str) -> Result<Option<(usize, &str)>> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let digits = &text[..text.len() - rest.len()];
    match digits.parse::<u32>() {
        _ if digits.is_empty() => Ok(None),
        Ok(number) => Ok(Some((number as usize, rest))),
        Err(_) => exec_err!("format: the number {digits} is out of range"),
    }
}

impl Specifier {
    /// The text for the argument; `next` is the number of the one after the last that was used.
    fn text(&self, arguments: &[Option<&str>], next: &mut usize) -> Result<String> {
        let mut take = |position: Option<usize>| {
            let at = position.unwrap_or(*next);
            *next = at + 1;
            match arguments.get(at - 1) {
                Some(argument) => Ok(*argument),
                None => exec_err!("format: there is no argument {at}"),
            }
        };
        let width = match self.width {
            Width::Fixed(width) => width,
            Width::Next => as_width(take(None)?)?,
            Width::At(at) => as_width(take(Some(at))?)?,
        };
        let text = match (self.form, take(self.position)?) {
            (Form::Plain, text) => text.unwrap_or_default().to_owned(),
            (Form::Literal, None) => "NULL".to_owned(),
            (Form::Literal, Some(text)) => quoting::literal(text),
            (Form::Identifier, Some(text)) => quoting::identifier(text),
            (Form::Identifier, None) => return exec_err!("format: NULL is no name, which %I stands for"),
        };
        let fill = usize::try_from(width.unsigned_abs()).unwrap_or(usize::MAX);
        if fill > MAX_CHARS {
            return exec_err!("format makes texts of at most {MAX_CHARS} characters, not {fill}");
        }
        let blanks = " ".repeat(fill.saturating_sub(text.chars().count()));
        Ok(if self.is_left || width < 0 { text + &blanks } else { blanks + &text })
    }
}

/// A width that an argument has. NULL is none; one below zero puts blanks after the value.
fn as_width(text: Option<&str>) -> Result<i64> {
    match text.map(|text| text.trim().parse::<i32>()) {
        None => Ok(0),
        Some(Ok(width)) => Ok(width.into()),
        Some(Err(_)) => exec_err!("format: the width `{}` is no integer", text.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(template: &str, arguments: &[Option<&str>]) -> Result<String> {
        Template::parse(template)?.fill(arguments)
    }

    /// The right side is what PostgreSQL 15 answers.
    #[test]
    fn templates_are_filled_as_by_postgresql() {
        let (a, b) = (Some("a"), Some("b"));
        for (template, arguments, expected) in [
            ("%s and %s, 100%%", [a, b].as_slice(), "a and b, 100%"),
            ("%I|%L|%s|%L", &[Some("Abc"), Some("it's"), None, None], "\"Abc\"|'it''s'||NULL"),
            ("%5s|%-5s|%05s|%--3s|", &[a, b, a, b], "    a|b    |    a|b  |"),
            ("%*s|%*s|%*s|", &[Some("4"), a, Some("-4"), b, None, a], "   a|b   |a|"),
            ("%2$s %1$s %s", &[a, b], "b a b"),
            ("%1$*2$s|", &[a, Some("3")], "  a|"),
            ("%*2$s|", &[a, Some("3"), b], "  b|"),
            ("%1$-5s|%5L|", &[a, b], "a    |  'b'|"),
            ("%6L|", &[None], "  NULL|"),
            ("plain", &[a], "plain"),
        ] {
            assert_eq!(format(template, arguments).unwrap(), expected, "{template}");
        }
    }

    #[test]
    fn what_is_not_understood_or_too_long_is_refused() {
        let long = "x".repeat(600);
        for (template, arguments, why) in [
            ("%d", [Some("a")].as_slice(), "`d` is no form"),
            ("%5%", &[Some("a")], "`%` is no form"),
            ("%5", &[Some("a")], "`%5` at the end"),
            ("%", &[], "at the end"),
            ("%0$s", &[Some("a")], "no argument 0"),
            ("%s", &[], "no argument 1"),
            ("%1$s%s", &[Some("a")], "no argument 2"),
            ("%I", &[None], "NULL is no name"),
            ("%*s", &[Some("x"), Some("a")], "the width `x`"),
            ("%99999999999s", &[Some("a")], "out of range"),
            ("%1001s", &[Some("a")], "at most 1000 characters"),
            ("%*s", &[Some("-2147483648"), Some("a")], "at most 1000 characters"),
            ("%1$s%1$s", &[Some(&long)], "at most 1000 characters"),
        ] {
            let message = format(template, arguments).unwrap_err().to_string();
            assert!(message.contains(why), "{template}: {message}");
        }
    }
}
