//! Renders the OpenAPI document as one HTML page without scripts or external resources, so it works offline.

use std::fmt::Write;

use axum::http::HeaderName;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use serde_json::{Map, Value};

const STYLE: &str = include_str!("page.css");

/// Methods in display order.
const METHODS: [&str; 6] = ["get", "post", "put", "patch", "delete", "options"];

/// Returns the headers of such a page.
pub fn page_headers() -> [(HeaderName, &'static str); 2] {
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, policy)]
}

/// Renders an OpenAPI document, which `json_path` serves, as HTML.
pub fn render(document: &Value, json_path: &str) -> String {
    let mut page = String::with_capacity(256 * 1024);
    let title = format!("{} {}", text(&document["info"]["title"]), text(&document["info"]["version"]));
    put(
        &mut page,
        format_args!("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n"),
    );
    put(
        &mut page,
        format_args!("<meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style>\n"),
    );
    put(&mut page, format_args!("<h1>{title}</h1>\n<p>{}</p>\n", text(&document["info"]["description"])));
    put(&mut page, format_args!("<p>As JSON: <a href=\"{json_path}\">{json_path}</a></p>\n"));
    let tags = || document["tags"].as_array().into_iter().flatten();
    page.push_str("<nav>");
    for tag in tags() {
        put(&mut page, format_args!("<a href=\"#{0}\">{1}</a> ", anchor(&tag["name"]), text(&tag["name"])));
    }
    page.push_str("</nav>\n");
    for tag in tags() {
        put(&mut page, format_args!("<h2 id=\"{}\">{}</h2>\n", anchor(&tag["name"]), text(&tag["name"])));
        put(&mut page, format_args!("<p>{}</p>\n", text(&tag["description"])));
        render_tag(&mut page, document, &tag["name"]);
    }
    render_credentials(&mut page, document);
    page.push_str("<h2 id=\"schemas\">Schemas</h2>\n");
    for (name, schema) in entries(&document["components"]["schemas"]) {
        put(&mut page, format_args!("<h3 id=\"schema-{0}\">{0}</h3>\n{1}\n", escape(name), shape(schema)));
    }
    page.push_str("</html>\n");
    page
}

fn render_tag(page: &mut String, document: &Value, tag: &Value) {
    for (path, item) in entries(&document["paths"]) {
        for method in METHODS {
            let operation = &item[method];
            if operation["tags"][0] == *tag {
                render_operation(page, document, method, path, operation);
            }
        }
    }
}

fn render_operation(page: &mut String, document: &Value, method: &str, path: &str, operation: &Value) {
    let (method, path, summary) = (method.to_uppercase(), escape(path), text(&operation["summary"]));
    put(
        page,
        format_args!(
            "<details><summary><b class=\"{method}\">{method}</b> <code>{path}</code> {summary}</summary>\n"
        ),
    );
    if let Some(about) = operation["description"].as_str() {
        put(page, format_args!("<p>{}</p>\n", escape(about)));
    }
    put(page, format_args!("<p>Needs: {}</p>\n", needs(&operation["security"])));
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    if !parameters.is_empty() {
        page.push_str("<table><tr><th>parameter<th>in<th>type<th>\n");
        for parameter in parameters {
            let [name, place] = ["name", "in"].map(|key| text(&parameter[key]));
            let (kind, about) = (shape(&parameter["schema"]), text(&parameter["description"]));
            put(page, format_args!("<tr><td><code>{name}</code><td>{place}<td>{kind}<td>{about}\n"));
        }
        page.push_str("</table>\n");
    }
    for (_, content) in entries(&operation["requestBody"]["content"]) {
        let need = if operation["requestBody"]["required"] == true { "" } else { " (optional)" };
        put(page, format_args!("<p>Body{need}:</p>\n{}\n", shape(&content["schema"])));
    }
    page.push_str("<table><tr><th>status<th>body<th>\n");
    for (status, answer) in entries(&operation["responses"]) {
        let answer = answer["$ref"].as_str().map_or(answer, |path| resolve(document, path));
        let bodies: String =
            entries(&answer["content"]).map(|(_, content)| shape(&content["schema"])).collect();
        put(page, format_args!("<tr><td>{status}<td>{bodies}<td>{}\n", text(&answer["description"])));
    }
    page.push_str("</table></details>\n");
}

fn render_credentials(page: &mut String, document: &Value) {
    page.push_str("<h2 id=\"credentials\">Credentials</h2>\n<table><tr><th>name<th>where<th>\n");
    for (name, scheme) in entries(&document["components"]["securitySchemes"]) {
        let [place, field, about] = ["in", "name", "description"].map(|key| text(&scheme[key]));
        put(page, format_args!("<tr><td>{}<td>{place} <code>{field}</code><td>{about}\n", escape(name)));
    }
    page.push_str("</table>\n");
}

/// The alternatives of a `security` array, each with its schemes and their scopes.
fn needs(security: &Value) -> String {
    let ways = security.as_array().into_iter().flatten().map(|way| {
        let schemes = entries(way).map(|(name, scopes)| {
            let scopes: Vec<_> = scopes.as_array().into_iter().flatten().map(text).collect();
            if scopes.is_empty() { escape(name) } else { format!("{} ({})", escape(name), scopes.join(", ")) }
        });
        schemes.collect::<Vec<_>>().join(" and ")
    });
    let ways: Vec<_> = ways.collect();
    if ways.is_empty() { "nothing".to_owned() } else { ways.join(", or ") }
}

/// Renders a schema: a few words, or for an object a table of its fields.
fn shape(schema: &Value) -> String {
    if let Some(path) = schema["$ref"].as_str() {
        let name = escape(path.rsplit('/').next().unwrap_or_default());
        return format!("<a href=\"#schema-{name}\">{name}</a>");
    }
    for kinds in ["anyOf", "oneOf", "allOf"] {
        if let Some(kinds) = schema[kinds].as_array() {
            return kinds.iter().map(shape).collect::<Vec<_>>().join(" or ");
        }
    }
    if schema["items"].is_object() {
        return format!("list of {}", shape(&schema["items"]));
    }
    if schema["properties"].is_object() {
        return fields(schema);
    }
    format!("{}{}", kind(schema), limits(schema))
}

fn fields(schema: &Value) -> String {
    let required =
        |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|r| r == name));
    let mut table = "<table><tr><th>field<th>type\n".to_owned();
    for (name, schema) in entries(&schema["properties"]) {
        let mark = if required(name) { "" } else { "?" };
        let about =
            schema["description"].as_str().map_or_else(String::new, |about| format!(". {}", escape(about)));
        put(
            &mut table,
            format_args!("<tr><td><code>{}</code>{mark}<td>{}{about}\n", escape(name), shape(schema)),
        );
    }
    table.push_str("</table>");
    table
}

fn kind(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        return words.iter().map(|word| format!("<code>{}</code>", text(word))).collect::<Vec<_>>().join(" ");
    }
    let name = match &schema["type"] {
        Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
        Value::String(name) => escape(name),
        _ => "anything".to_owned(),
    };
    schema["format"].as_str().map_or(name.clone(), |format| format!("{name} ({})", escape(format)))
}

fn limits(schema: &Value) -> String {
    const KNOWN: [(&str, &str); 6] = [
        ("minimum", "from"),
        ("maximum", "to"),
        ("minLength", "characters from"),
        ("maxLength", "characters to"),
        ("pattern", "like"),
        ("default", "default"),
    ];
    let known = KNOWN.iter().filter(|(key, _)| schema.get(key).is_some());
    known.map(|(key, word)| format!(", {word} <code>{}</code>", text(&schema[key]))).collect()
}

fn resolve<'a>(document: &'a Value, path: &str) -> &'a Value {
    document.pointer(path.trim_start_matches('#')).unwrap_or(&Value::Null)
}

fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

fn anchor(name: &Value) -> String {
    text(name).to_lowercase().replace(' ', "-")
}

/// Renders a JSON value as HTML text.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => escape(text),
        other => escape(&other.to_string()),
    }
}

/// Escapes text for HTML.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn put(page: &mut String, text: std::fmt::Arguments<'_>) {
    page.write_fmt(text).expect("writing to memory does not fail");
}
