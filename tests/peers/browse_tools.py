"""The pages of the web application that arrange what others see and look after the server, used as a person would.

Each function takes the `Person` of browse_ui.py and returns what was seen.
"""

import json
import tempfile
import urllib.request
from pathlib import Path


def download(page, form):
    with page.expect_download() as started:
        page.get_by_role("button", name=form, exact=True).click()
    return {"name": started.value.suggested_filename, "head": Path(started.value.path()).read_bytes()[:4].hex()}


def sql(person, stream):
    page, seen = person.page, {}
    person.open("/console/", ".editor[data-schema]")
    seen["address"] = page.url
    seen["queries"] = page.locator("#queries button").all_inner_texts()
    editor = page.get_by_role("textbox", name="SQL")
    person.visit.replace(editor, "SELECT stream_id, ts, value FROM ")
    page.keyboard.type("readin")
    first = page.locator(".cm-tooltip-autocomplete li").first
    seen["completed"] = first.inner_text()
    first.click()
    page.locator(".cm-tooltip-autocomplete").wait_for(state="hidden")
    page.keyboard.insert_text(" WHERE stream_id = $stream ORDER BY ts")
    page.locator("input[name=stream]").fill(stream)
    editor.press("Control+Enter")
    page.locator("#status", has_text="rows in").wait_for()
    seen["head"] = page.locator(".grid th").all_inner_texts()
    seen["rows"] = page.locator(".grid tbody tr").count()
    seen["first"] = page.locator(".grid tbody tr").first.locator("td").all_inner_texts()
    canvas = page.locator(".answer-chart canvas")
    canvas.wait_for()
    page.wait_for_function(
        "c => new Set(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).size > 2", arg=canvas.element_handle()
    )
    seen["files"] = [download(page, form) for form in ("CSV", "Parquet", "Arrow")]
    seen["trend"] = page.get_by_role("link", name="Chart in Trend").get_attribute("href")
    page.keyboard.press("Escape")
    person.judge("an answer")

    person.visit.replace(editor, "SELECT nothing FROM readings")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("alert").wait_for()
    seen["error"] = page.get_by_role("alert").inner_text()
    seen["rows_after_error"] = page.locator(".grid tr").count()
    # The browser tells of every refused request in its console: this one was asked for.
    person.visit.complaints[:] = [text for text in person.visit.complaints if "status of 400" not in text]

    # To count so far takes longer than a person waits.
    person.visit.replace(editor, "SELECT count(*) FROM generate_series(1, 100000000000)")
    page.get_by_role("button", name="Run").click()
    page.get_by_role("button", name="Cancel").click()
    page.locator("#status", has_text="Cancelled").wait_for()

    page.get_by_role("button", name="hourly-mean").click()
    seen["params"] = page.locator(".params label").all_inner_texts()
    page.locator("input[name=stream]").fill(stream)
    page.locator("input[name=to]").fill("2026-04-28T13:00:00Z")
    page.keyboard.press("Enter")
    page.locator("#status", has_text="1 row in").wait_for()
    seen["hourly"] = page.locator(".grid th").all_inner_texts()
    seen["chart_of_one"] = page.locator(".answer-chart").count()
    page.get_by_text("History").click()
    seen["history"] = page.locator("#history button").count()
    return seen


def ask(person, key, query):
    """What somebody else asks over GraphQL meanwhile."""
    headers = {"Authorization": f"ApiKey {key}", "Content-Type": "application/json"}
    address = person.visit.base.replace("plant.test", "127.0.0.1")
    request = urllib.request.Request(f"{address}/graphql", json.dumps({"query": query}).encode(), headers)
    return json.load(urllib.request.urlopen(request))["data"]


def boards(person, key):
    page, seen = person.page, {}
    person.open("/ui/boards", ".empty")
    page.get_by_role("button", name="New board").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Hall 2")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Value", exact=True).click()
    dialog = page.get_by_role("dialog")
    person.judge("a widget is set up")
    dialog.get_by_label("Stream").select_option(label="a (a device)")
    dialog.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Lines", exact=True).click()
    dialog.get_by_label("a (a device)").check()
    dialog.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Table by SQL", exact=True).click()
    dialog.get_by_label("Title").fill("How many")
    dialog.get_by_label("SQL statement").fill("SELECT count(*) AS n FROM readings WHERE ts < '2026-04-28T13:00:00Z'")
    dialog.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Text", exact=True).click()
    dialog.get_by_label("Text").fill("Mind the gap")
    dialog.get_by_role("button", name="Done").click()
    page.get_by_role("button", name="Events", exact=True).click()

    # The text moves by keyboard alone, and another gives way to the value that the mouse moves.
    handle = page.locator('[data-widget="w4"] .handle')
    handle.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowDown")
    page.get_by_text("wide, 4 high.").wait_for()
    page.keyboard.press("Enter")
    box = page.locator('[data-widget="w1"] .handle').bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 305, box["y"] + 5, steps=4)
    page.mouse.up()
    person.judge("a board is edited")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Kiosk", exact=True).wait_for()
    page.locator('[data-widget="w1"] .big', has_text="4,711").or_(page.locator('[data-widget="w1"] .big', has_text="4711")).wait_for()
    page.locator('[data-widget="w3"] td', has_text="26").wait_for()
    page.locator('[data-widget="w5"] li', has_text="too hot").wait_for()
    person.judge("a board")

    # Somebody else saves meanwhile.
    page.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Name").fill("Hall 2, mine")
    uuid = page.url.split("/")[-1].split("?")[0]
    rename = 'mutation { updateDashboard(uuid: "%s", input: { name: "Hall 2, theirs" }) { dashboard { name } } }'
    seen["theirs"] = ask(person, key, rename % uuid)["updateDashboard"]
    page.get_by_role("button", name="Save").click()
    page.get_by_role("alert").wait_for()
    seen["conflict"] = page.get_by_role("alert").inner_text()
    seen["kept"] = page.get_by_label("Name").input_value()
    page.get_by_role("button", name="Save mine over it").click()
    page.get_by_role("heading", name="Hall 2, mine").wait_for()
    page.get_by_role("button", name="Kiosk", exact=True).click()
    page.get_by_role("navigation", name="Pages").wait_for(state="hidden")
    person.judge("kiosk")
    page.get_by_role("button", name="Leave the kiosk").click()
    return seen


def rules(person):
    page, seen = person.page, {}
    person.open("/ui/rules", ".empty")
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name="New channel").click()
    dialog.get_by_label("Name").fill("shift")
    dialog.get_by_label("How it tells").select_option("WEBHOOK")
    dialog.get_by_label("Web address").fill("https://plant.invalid/alerts")
    page.keyboard.press("Enter")
    dialog.get_by_text("must not be blank").wait_for()
    dialog.get_by_label("Key of the signatures").fill("a long secret of the plant")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Test channel shift").click()
    page.locator("tr", has_text="shift").get_by_text("did not take it").wait_for()

    page.get_by_role("button", name="New rule").click()
    dialog.get_by_role("button", name="Create").click()
    dialog.get_by_text("Choose a stream.").wait_for()
    person.judge("a rule with mistakes")
    dialog.get_by_label("Name").fill("hot")
    dialog.get_by_label("Stream").select_option(label="a (a device)")
    dialog.get_by_label("Threshold").fill("10,5")
    dialog.get_by_label("shift").check()
    dialog.get_by_role("button", name="Try it on the past").click()
    dialog.get_by_role("status").get_by_text("alerts from").wait_for()
    person.judge("a rule")
    dialog.get_by_role("button", name="Create").click()
    page.get_by_role("button", name="Edit rule hot").click()
    dialog.get_by_label("Name").fill("too hot")
    dialog.get_by_role("button", name="Save").click()
    page.locator("tr", has_text="too hot").wait_for()
    person.judge("rules")
    seen["rule"] = page.locator("tbody tr", has_text="too hot").locator("td").all_inner_texts()[:3]
    return seen


def transfer(person):
    """An import whose connection breaks, which goes on after the page was loaded anew; and an export."""
    page, seen = person.page, {}
    person.open("/ui/data", ".drop")
    begin = 1_777_464_000
    lines = [f"{begin + n},{n / 4},left out" for n in range(70_000)]
    lines.insert(40_000, "soon,1,left out")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "march.csv"
        file.write_text("time,a,note\n" + "\n".join(lines))
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_role("button", name="Begin the import").wait_for()
        person.judge("columns")
        seen["mapped"] = page.get_by_label("Stream: a").locator("option:checked").inner_text()
        # The second piece does not arrive.
        count = []

        def cut(route):
            count.append(route)
            if len(count) == 2:
                route.abort()
            else:
                route.continue_()

        page.route("**/ingest", cut)
        page.get_by_role("button", name="Begin the import").click()
        page.get_by_role("alert").wait_for()
        person.judge("a broken import")
        page.unroute("**/ingest")
        page.reload()
        page.get_by_text("Choose the same file again").wait_for()
        page.locator("input[type=file]").set_input_files(file)
        page.get_by_text("The import is finished.").wait_for()
    person.judge("a finished import")
    seen["said"] = page.get_by_role("status").filter(has_text="readings").inner_text()
    seen["wrong"] = page.locator(".wrong-lines li").all_inner_texts()
    person.visit.complaints[:] = [text for text in person.visit.complaints if "ERR_FAILED" not in text]

    page.get_by_role("link", name="Export").click()
    page.get_by_label("a (a device)").check()
    page.get_by_label("From").fill("2026-04-28T12:00:00Z")
    page.get_by_label("To", exact=True).fill("2026-04-28T13:00:00Z")
    person.judge("export")
    with page.expect_download() as started:
        page.get_by_role("button", name="Export").click()
    seen["exported"] = Path(started.value.path()).read_text().splitlines()
    return seen


def system(person):
    page = person.page
    person.open("/ui/system", ".checks li")
    page.get_by_role("region", name="Queries that ended").locator("tbody tr").first.wait_for()
    page.get_by_text("evaluation").wait_for()
    person.judge("system")
    return {"checks": page.locator(".checks .name").all_inner_texts()}


def backup(person):
    """A backup is made and then verified; each is a job."""
    page = person.page
    jobs = page.locator("section", has=page.get_by_role("heading", name="Jobs", exact=True)).locator("tbody tr")
    page.get_by_role("button", name="Back up now").click()
    jobs.filter(has_text="backup").filter(has_text="done").first.wait_for()
    verify = page.get_by_role("button", name="Verify").first
    verify.wait_for()
    name = verify.get_attribute("aria-label").removeprefix("Verify ")
    verify.click()
    jobs.filter(has_text="verification of a backup").filter(has_text="done").first.wait_for()
    person.judge("backups")
    return {"name": name}


def admin(person):
    page, seen = person.page, {}
    person.open("/ui/admin", ".tabs")
    page.get_by_role("button", name="New key").click()
    dialog = page.get_by_role("dialog", name="New key")
    dialog.get_by_role("button", name="Create").click()
    dialog.locator(".error-text").first.wait_for()
    person.judge("a key with mistakes")
    dialog.get_by_label("What it is for").fill("robot")
    dialog.get_by_label("value: read and write").check()
    dialog.get_by_label("device: read", exact=True).check()
    page.keyboard.press("Enter")
    page.locator(".secret code").wait_for()
    person.judge("a secret")
    seen["secret"] = page.locator(".secret code").inner_text()
    page.reload()
    page.get_by_role("button", name="Revoke key robot").click()
    seen["secret_again"] = page.locator(".secret").count()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    page.locator("tr", has_text="robot").get_by_text("revoked").first.wait_for()

    page.get_by_role("link", name="Users").click()
    page.get_by_role("button", name="New user").click()
    dialog = page.get_by_role("dialog", name="New user")
    dialog.get_by_label("Name").fill("bob")
    dialog.get_by_label("Password").fill("a long enough password")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Edit user bob").click()
    page.get_by_role("dialog").get_by_label("Role").select_option("staff")
    page.get_by_role("dialog").get_by_role("button", name="Save").click()
    page.locator("tr", has_text="bob").get_by_text("staff").wait_for()
    person.judge("users")
    page.get_by_role("button", name="Delete user bob").click()
    page.get_by_role("dialog").get_by_label("Name").fill("bob")
    page.keyboard.press("Enter")
    page.locator("tr", has_text="bob").wait_for(state="detached")

    page.get_by_role("link", name="Audit log").click()
    page.locator(".timeline li", has_text="user").first.wait_for()
    person.judge("audit")
    seen["audit"] = page.locator(".timeline li").first.inner_text()

    page.get_by_role("link", name="Retention").click()
    form = page.get_by_role("form", name="Readings")
    form.get_by_label("Days to keep").fill("3650")
    page.keyboard.press("Enter")
    form.get_by_text("Nothing would be removed.").wait_for()
    person.judge("retention")
    form.get_by_role("button", name="Set the policy").click()
    form.get_by_text("kept for 3,650 days").or_(form.get_by_text("kept for 3650 days")).wait_for()
    return seen
