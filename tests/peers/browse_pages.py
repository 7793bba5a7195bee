#!/usr/bin/env python3
"""/console and /graphiql in a real browser, used as a person would.

    browse_pages.py console|graphiql URL KEY STREAM
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


def answer_is_there(page, words):
    """Waits for an answer, and fails with the words of a refusal."""
    page.locator("#status", has_text=words).or_(page.locator("#status.error")).wait_for()
    said = page.locator("#status").inner_text()
    assert words in said, said


def download(page, form):
    with page.expect_download() as started:
        page.locator(f"button[data-form={form}]").click()
    with open(started.value.path(), "rb") as file:
        return {"name": started.value.suggested_filename, "head": file.read(4).hex()}


def console(visit, key, stream):
    page, seen = visit.page, {}
    page.goto(f"{visit.base}/console/")
    seen["unknown"] = page.locator("#status").inner_text()
    page.get_by_label("API key").fill(key)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="hourly-mean").wait_for()
    seen["queries"] = page.locator("#queries button").all_inner_texts()

    editor = page.get_by_role("textbox", name="SQL")
    visit.replace(editor, "SELECT ts, value FROM ")
    page.keyboard.type("readin")
    first = page.locator(".cm-tooltip-autocomplete li").first
    seen["completed"] = first.inner_text()
    first.click()
    page.locator(".cm-tooltip-autocomplete").wait_for(state="hidden")
    page.keyboard.type(" WHERE stream_id = $stream ORDER BY ts")
    page.locator("#params input").fill(stream)
    editor.press("Control+Enter")
    answer_is_there(page, "rows in")
    seen["head"] = page.locator("#grid th").all_inner_texts()
    seen["rows"] = page.locator("#grid tbody tr").count()
    seen["first"] = page.locator("#grid tbody tr").first.locator("td").all_inner_texts()
    canvas = page.locator("#chart canvas")
    canvas.wait_for()
    seen["chart"] = canvas.evaluate(
        "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size > 2"
    )
    seen["files"] = [download(page, form) for form in ("csv", "parquet", "arrow")]

    visit.replace(editor, "SELECT nothing FROM readings")
    page.get_by_role("button", name="Run").click()
    page.locator("#status.error").wait_for()
    seen["error"] = page.locator("#status").inner_text()
    seen["rows_after_error"] = page.locator("#grid tr").count()
    # The browser tells of every refused request in its console: this one was asked for.
    visit.complaints[:] = [text for text in visit.complaints if "status of 400" not in text]

    page.get_by_role("button", name="hourly-mean").click()
    seen["params"] = page.locator("#params label").all_inner_texts()
    page.locator("#params input[name=stream]").fill(stream)
    page.keyboard.press("Enter")
    answer_is_there(page, "row in")
    seen["hourly"] = page.locator("#grid th").all_inner_texts()
    seen["chart_of_one"] = page.locator("#chart").is_visible()

    # A reload keeps the key; then by keyboard alone from the top of the page.
    page.reload()
    page.get_by_role("button", name="latest", exact=True).wait_for()
    page.get_by_label("API key").focus()
    # The button beside it, the way to log in, then the queries.
    for _ in range(3 + seen["queries"].index("latest")):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    answer_is_there(page, "rows in")
    seen["latest"] = page.locator("#grid tbody tr").count()
    return seen


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
    page.goto(f"{visit.base}/console/")
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
    # The browser tells of every refused request in its console: this one was asked for.
    visit.complaints[:] = [text for text in visit.complaints if "status of 401" not in text]
    page.get_by_label("Password").fill(password)
    page.keyboard.press("Enter")
    page.get_by_role("button", name="latest", exact=True).click()
    answer_is_there(page, "rows in")
    seen["rows"] = page.locator("#grid tbody tr").count()
    seen["name"] = page.locator(".logout span").inner_text()
    seen["address"] = page.url

    # The other page knows it too: it asks, changes, and follows.
    page.get_by_role("link", name="GraphQL").click()
    page.get_by_role("button", name="Log out").wait_for()
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

    page.get_by_role("link", name="SQL").click()
    page.get_by_role("button", name="latest", exact=True).click()
    answer_is_there(page, "rows in")
    page.get_by_role("button", name="Log out").click()
    page.locator("#status", has_text="log in").wait_for()
    seen["left"] = [page.locator(place).count() for place in ("#grid td", "#queries button", ".logout:visible")]
    page.reload()
    page.locator("#status", has_text="log in").wait_for()
    seen["cookies"] = [cookie["name"] for cookie in page.context.cookies()]
    # A session that ended elsewhere leaves a cookie behind, which does not count.
    page.context.add_cookies([{"name": "csrftoken", "value": "gone", "url": visit.base}])
    page.reload()
    page.locator("#status", has_text="log in").wait_for()
    visit.complaints[:] = [text for text in visit.complaints if "status of 401" not in text]
    return seen


def main():
    name, base, *who = sys.argv[1:]
    with sync_playwright() as playwright:
        visit = Visit(playwright, base)
        seen = {"console": console, "graphiql": graphiql, "session": session}[name](visit, *who)
        seen.update(looks=visit.looks(), requests=visit.requests, complaints=visit.complaints)
        visit.browser.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
