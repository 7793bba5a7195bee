//! A browser as a server sees one: it keeps cookies, and says the CSRF token when it changes something.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Answer, Client, Server};

/// The password of everybody whom [`Server::create_user`] makes.
pub const PASSWORD: &str = "correct horse";

impl Server {
    /// Makes a person, with flags of `basalt user create`.
    pub async fn create_user(&self, name: &str, flags: &[&str]) {
        let args = [&["user", "create", name, "--password-stdin"], flags].concat();
        self.data_dir.basalt_with(&args, &[], &format!("{PASSWORD}\n")).await.expect_success();
    }

    /// Makes a person and logs in as that person.
    pub async fn person(&self, name: &str, flags: &[&str]) -> Browser {
        self.create_user(name, flags).await;
        Browser::log_in(self, name, PASSWORD).await
    }
}

/// Cookies, and the client that sends them.
#[derive(Clone)]
pub struct Browser {
    client: Client,
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// One that has never been there.
    pub fn new(server: &Server) -> Browser {
        Browser { client: server.client().without_key(), cookies: BTreeMap::new() }
    }

    /// One of a person who could log in.
    pub async fn log_in(server: &Server, username: &str, password: &str) -> Browser {
        let mut browser = Browser::new(server);
        let body = json!({ "username": username, "password": password });
        browser.post("/api/session/", &body).await.about(&format!("{username} logs in")).ok();
        browser
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.client.send("GET", path, &[("cookie", &self.cookies())], "").await
    }

    pub async fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, body).await
    }

    pub async fn send(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let (cookies, token) = (self.cookies(), self.cookie("csrftoken"));
        let headers =
            [("content-type", "application/json"), ("cookie", cookies.as_str()), ("x-csrftoken", &token)];
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.client.send(method, path, &headers, text).await;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("plain");
            let (name, value) =
                cookie.split(';').next().and_then(|pair| pair.split_once('=')).expect("a pair");
            match value {
                "" => self.cookies.remove(name),
                value => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        answer
    }

    /// A cookie's value; empty when there is none.
    pub fn cookie(&self, name: &str) -> String {
        self.cookies.get(name).cloned().unwrap_or_default()
    }

    /// The header that carries them all.
    pub fn cookies(&self) -> String {
        let pairs: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }
}
