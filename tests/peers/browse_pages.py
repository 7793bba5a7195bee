#!/usr/bin/env python3
"""/graphiql in a real browser, used as a person would.

    browse_pages.py graphiql URL KEY STREAM
    browse_pages.py session URL USER PASSWORD

STREAM is the id of a stream with readings; somebody with a session needs no key. Chromium is the one in BASALT_TEST_CHROMIUM; it can
resolve no name, so nothing that is loaded from elsewhere arrives. Prints what was seen as JSON, `requests` and `complaints`
(errors of the console, of scripts, and violations of the content security policy) among it. Every wait is for something to
be there.
"""

import json
import os
import sys

from playwright.sync_api import sync_playwright

TELL_VIOLATIONS = """
    addEventListener("securitypolicyviolation",
        (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
"""


class Visit:
    """A fresh browser with one page, and everything it asked for and complained of."""

    def __init__(self, playwright, base, host="127.0.0.1"):
        """`host` is the only one that is found, on this machine."""
        executable = os.environ["BASALT_TEST_CHROMIUM"]
        arguments = [f"--host-resolver-rules=MAP {host} 127.0.0.1 , MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
        self.browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        self.page = self.browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        self.base = base
        self.requests, self.complaints, self.keys = [], [], []
        # Of a machine that does much else meanwhile.
        self.page.set_default_timeout(120_000)
        self.page.on("request", self.note)
        self.page.on("websocket", lambda socket: self.requests.append(socket.url.replace("ws:", "http:", 1)))
        self.page.on("console", lambda said: said.type == "error" and self.complaints.append(said.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.add_init_script(TELL_VIOLATIONS)

    def note(self, request):
        self.requests.append(request.url)
        if request.url == f"{self.base}/graphql":
            self.keys.append(request.headers.get("authorization"))

    def replace(self, editor, text):
        """Puts a text into an editor in the place of what it has."""
        editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(text)

    def looks(self):
        """Whether the page fits a phone, and how bright it is when dark is wanted."""
        self.page.set_viewport_size({"width": 400, "height": 800})
        self.page.emulate_media(color_scheme="dark")
        width = self.page.evaluate("document.documentElement.scrollWidth")
        back = self.page.evaluate("getComputedStyle(document.body).backgroundColor")
        return {"width": width, "back": back}


def execute(visit, editor, name, operation):
    """Runs an operation of this name. GraphiQL reads its editor a moment later; then the tab is called after it."""
    visit.replace(editor, operation)
    visit.page.locator(".graphiql-tab", has_text=name).wait_for()
    visit.page.get_by_role("button", name="Execute query").click()


def graphiql(visit, key, stream):
    page, seen = visit.page, {}
    page.goto(f"{visit.base}/graphiql/")
    tabs = page.locator(".graphiql-tab")
    tabs.first.wait_for()
    seen["tabs"] = [text.strip() for text in tabs.all_inner_texts()]
    seen["unknown"] = len(visit.keys)
    headers = page.locator('section[aria-label="Headers"], .graphiql-editor-tool').locator(".CodeMirror:visible").last
    visit.replace(headers, json.dumps({"Authorization": f"ApiKey {key}"}))
    query = page.locator(".graphiql-query-editor .CodeMirror")
    execute(visit, query, "Asked", f"query Asked {{ stream(rowId: {stream}) {{ name latest {{ value }} }} }}")
    answer = page.locator(".result-window", has_text="latest")
    answer.wait_for()
    seen["answer"] = answer.inner_text()
    seen["keys"] = [key.split()[0] for key in visit.keys if key]
    # The key of the page is for all tabs, and with it the schema is asked for.
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Show Documentation Explorer").click()
    root = page.locator(".graphiql-plugin", has_text="Query")
    root.wait_for()
    seen["docs"] = root.inner_text()
    execute(visit, query, "Followed", "subscription Followed { values(maxRate: 2) { cursor } }")
    page.locator(".result-window", has_text="cursor").wait_for()
    page.get_by_role("button", name="Stop query").click()
    return seen


def session(visit, user, password):
    page, seen = visit.page, {}
    page.goto(f"{visit.base}/graphiql/")
    # By keyboard: from the key to the way to log in, which opens.
    page.get_by_label("API key").focus()
    for key in ("Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    page.get_by_label("User").fill(user)
    page.get_by_label("Password").fill(password + "!")
    page.keyboard.press("Enter")
    refused = page.locator(".access output:not(:empty)")
    refused.wait_for()
    seen["refused"] = refused.inner_text()
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Log out").wait_for()
    seen["name"] = page.locator(".logout span").inner_text()
    seen["address"] = page.url

    # It asks, changes, and follows.
    query = page.locator(".graphiql-query-editor .CodeMirror")
    execute(visit, query, "Asked", "query Asked { me { kind username } }")
    answer = page.locator(".result-window", has_text="username")
    answer.wait_for()
    seen["me"] = answer.inner_text()
    made = 'mutation Made { createGroup(input: {name: "line"}) { group { name } } }'
    execute(visit, query, "Made", made)
    page.locator(".result-window", has_text='"line"').wait_for()
    execute(visit, query, "Followed", "subscription Followed { values(maxRate: 2) { cursor } }")
    page.locator(".result-window", has_text="cursor").wait_for()
    page.get_by_role("button", name="Stop query").click()

    # The application knows the session too, and ends it for both.
    page.get_by_role("link", name="SQL").click()
    page.get_by_role("button", name="latest", exact=True).click()
    page.locator("#status", has_text="rows in").wait_for()
    seen["rows"] = page.locator(".grid tbody tr").count()
    page.locator(".account summary").click()
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("button", name="Log in").wait_for()
    seen["left"] = [page.locator(place).count() for place in (".grid td", "#queries button")]
    page.goto(f"{visit.base}/graphiql/")
    page.locator(".access summary").wait_for()
    seen["cookies"] = [cookie["name"] for cookie in page.context.cookies()]
    # A session that ended elsewhere leaves a cookie behind, which does not count.
    page.context.add_cookies([{"name": "csrftoken", "value": "gone", "url": visit.base}])
    page.reload()
    page.locator(".access summary").wait_for()
    page.wait_for_function("() => !document.cookie.includes('csrftoken')")
    # The browser tells of every refused request in its console: those were meant.
    visit.complaints[:] = [text for text in visit.complaints if "status of 401" not in text]
    return seen


def main():
    name, base, *who = sys.argv[1:]
    with sync_playwright() as playwright:
        visit = Visit(playwright, base)
        seen = {"graphiql": graphiql, "session": session}[name](visit, *who)
        seen.update(looks=visit.looks(), requests=visit.requests, complaints=visit.complaints)
        visit.browser.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
