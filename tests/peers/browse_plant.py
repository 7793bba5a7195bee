#!/usr/bin/env python3
"""Streams, devices, models and the trend of the web application in a real browser, used as a person would.

    browse_plant.py URL USER PASSWORD KEY STREAM MODBUS_PORT OPCUA_DEVICE AXE MODEL SCALER

STREAM is the id of a stream called `a` as browse_ui.py describes it; there is another called `b`. MODBUS_PORT is that of a simulated
plant, OPCUA_DEVICE the id of a device that is one; MODEL and SCALER are the files of a model of two sources. Prints what was seen as
JSON. Every wait is for something to be there.
"""

import json
import sys
import time
import urllib.request
from pathlib import Path

from browse_pages import Visit
from browse_ui import HOST, Person, log_in
from playwright.sync_api import sync_playwright

MINUTE = 60
# An hour after the readings that are there: a minute of both sources, for the model.
SCORED = 1_777_381_200
SCORED_RANGE = ("2026-04-28T13:00:00Z", "2026-04-28T13:01:00Z")


class Api:
    """The server without a browser, to bring readings in and to see what came of a click."""

    def __init__(self, url, key):
        self.url, self.headers = url, {"Authorization": f"ApiKey {key}"}

    def send(self, path, body, media):
        request = urllib.request.Request(f"{self.url}{path}", body, self.headers | {"Content-Type": media})
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def ingest(self, rows):
        lines = [json.dumps({"stream_id": stream, "ts": ts, "value": value}) for stream, ts, value in rows]
        self.send("/ingest", "\n".join(lines).encode(), "application/x-ndjson")

    def get(self, path):
        with urllib.request.urlopen(urllib.request.Request(f"{self.url}{path}", headers=self.headers)) as answer:
            return json.load(answer)

    def sql(self, query):
        return self.send("/sql", json.dumps({"query": query}).encode(), "application/json")

    def graph(self, query):
        return self.send("/graphql", json.dumps({"query": query}).encode(), "application/json")["data"]


def stream_page(person, api, stream):
    page = person.page
    now = int(time.time())
    minutes = [*range(31, 61), *range(1, 10)]
    api.ingest((stream, now - minute * MINUTE, minute / 10) for minute in minutes)
    person.open(f"/ui/streams/{stream}?days=1", "svg.day-bars")
    gaps = page.get_by_role("region", name="Gaps").locator("tbody tr")
    gaps.first.wait_for()
    page.get_by_text("As numbers").click()
    counts = page.locator("table.narrow td.number").all_inner_texts()
    page.get_by_label("Remove after days").fill("3650")
    page.get_by_role("button", name="What would go?").click()
    page.locator(".outcome").wait_for()
    person.judge("stream")
    page.get_by_role("button", name="Set", exact=True).click()
    page.get_by_text("The retention of this stream is changed.").wait_for()
    kept = api.graph(f"{{ stream(rowId: {stream}) {{ retention {{ table dropAfter }} }} }}")["stream"]["retention"]
    return {"gaps": gaps.count(), "readings": sum(map(int, counts)), "retention": kept}


def wizard(person, api, port):
    page, seen = person.page, {}
    person.open("/ui/devices/new", "form")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Name").fill("Press 1")
    page.get_by_label("Host").fill("127.0.0.1")
    page.get_by_label("Port").fill("five")
    page.get_by_role("button", name="Next").click()
    page.get_by_label("Name, row 1").fill("speed")
    page.get_by_label("Address, row 1").fill("ir:0")
    page.get_by_label("Type, row 1").select_option("uint16")
    page.get_by_role("button", name="Save").click()
    # It leads back to the field.
    page.get_by_text("Not a number.").wait_for()
    seen["invalid"] = page.get_by_label("Port").get_attribute("aria-invalid")
    person.judge("wizard: connection")
    page.get_by_label("Port").fill(port)
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Test", exact=True).click()
    page.locator(".outcome").wait_for()
    seen["test"] = page.locator(".outcome").inner_text()
    page.locator(".tested button").first.wait_for()
    seen["read"] = page.locator(".tested button").all_inner_texts()

    page.get_by_role("button", name="Add a row").click()
    page.get_by_label("Name, row 2").fill("setpoint")
    page.get_by_label("Address, row 2").fill("zz:0")
    page.get_by_label("Access, row 2").select_option("rw")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The device is saved. These streams are not yet:").wait_for()
    seen["refused"] = page.locator(".stream-rows .error-text").inner_text()
    person.judge("wizard: streams")
    page.get_by_label("Address, row 1").fill("hr:0")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Press 1").wait_for()
    seen["streams"] = api.sql(
        "SELECT s.name, s.path, s.type, s.access_mode FROM streams s JOIN devices d ON d.id = s.device_id WHERE d.name = 'Press 1' ORDER BY s.name"
    )
    return seen


def set_value(person):
    page = person.page
    person.open("/ui/live?q=setpoint", "tbody tr th a")
    page.get_by_role("button", name="Set setpoint").click()
    page.get_by_label("New value").fill("1200")
    person.judge("set a value")
    page.get_by_role("button", name="Write").click()
    page.get_by_text("The device has confirmed").wait_for()
    said = page.locator("dialog.modal p[role=status]").inner_text()
    page.get_by_role("button", name="Close").click()
    # What is written is stored too, and arrives.
    page.locator("tbody .value", has_text="1,200").or_(page.locator("tbody .value", has_text="1200")).wait_for()
    return said


def change_and_delete(person, api):
    page, seen = person.page, {}
    device = api.sql("SELECT id FROM devices WHERE name = 'Press 1'")[0]["id"]
    person.open(f"/ui/devices/{device}/edit", "form")
    page.get_by_label("Poll interval, s").fill("2,5")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Change settings").click()
    seen["interval"] = api.sql(f"SELECT poll_interval FROM devices WHERE id = {device}")[0]["poll_interval"]
    page.get_by_role("button", name="Delete the device").click()
    page.get_by_text("readings go, from").wait_for()
    person.judge("delete a device")
    delete = page.get_by_role("button", name="Delete", exact=True)
    seen["unnamed"] = delete.is_disabled()
    page.get_by_label("Type Press 1 to confirm").fill("Press 1")
    delete.click()
    page.get_by_role("heading", name="Devices").wait_for()
    seen["left"] = api.sql("SELECT name FROM devices WHERE name = 'Press 1'")
    return seen


def states(person, api):
    """What the page says of the states that a device had, and what the API says."""
    page = person.page
    device = api.sql("SELECT id FROM devices WHERE name = 'Press 1'")[0]["id"]
    person.open(f"/ui/devices/{device}", ".state-bar rect")
    page.get_by_role("button", name="7d", exact=True).click()
    page.wait_for_url("**states=7d*")
    page.get_by_text("Changes of state").click()
    person.judge("states of a device")
    seen = {"words": page.locator(".state-bar").get_attribute("aria-label"), "shown": page.locator(".availability").inner_text()}
    now = time.time()
    begin, end = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (now - 7 * 86_400, now))
    told = api.get(f"/api/device/{device}/states/?from={begin}&to={end}")
    return seen | {"availability": told["availability"], "states": sorted({held["state"] for held in told["states"]})}


def tag_list(person, api):
    """A list from a file is checked and changes nothing; another one that is pasted makes a stream, once."""
    page, seen = person.page, {}
    device = api.sql("SELECT id FROM devices WHERE name = 'Press 1'")[0]["id"]
    streams = f"SELECT name, path, type, unit, scale FROM streams WHERE device_id = {device} AND name LIKE 'tag %' ORDER BY name"
    person.open(f"/ui/devices/{device}", "h1")
    page.get_by_role("link", name="Import a tag list").click()
    page.get_by_label("File").set_input_files(
        {"name": "tags.csv", "mimeType": "text/csv", "buffer": "name;address;type;unit;scale\ntag 1;ir:1;uint16;°C;0,1\n".encode("cp1252")}
    )
    page.get_by_role("button", name="Check the list").click()
    lines = page.get_by_role("region", name="Lines").locator("tbody tr")
    lines.first.wait_for()
    seen["file"] = [page.get_by_text("Read as a list").inner_text(), lines.all_inner_texts(), api.sql(streams)]

    # By keyboard: what is pasted takes the place of the file.
    page.get_by_label("Or paste the list").focus()
    page.keyboard.insert_text("name,address,type\ntag 2,ir:2,uint16\ntag 3,zz:0,uint16\n")
    page.get_by_role("region", name="Lines").wait_for(state="detached")
    seen["emptied"] = page.get_by_label("File").input_value()
    page.get_by_role("button", name="Check the list").click()
    page.get_by_text("Streams that the list makes: 1.").wait_for()
    page.get_by_role("combobox", name="Lines").select_option("left_out")
    lines.filter(has_text="tag 2").wait_for(state="detached")
    seen["left_out"] = lines.all_inner_texts()
    person.judge("a tag list")
    page.get_by_role("button", name="Make streams (1)").click()
    page.get_by_text("Streams made: 1.").wait_for()
    page.get_by_role("button", name="Check the list").click()
    page.get_by_text("The list makes no stream.").wait_for()
    seen["buttons"] = page.get_by_role("button", name="Make streams").count()
    return seen | {"streams": api.sql(streams)}


def browse(person, api, device):
    page = person.page
    person.open(f"/ui/devices/{device}", "h1")
    page.get_by_text("The server showed no certificate").wait_for()
    person.judge("device of OPC UA")
    page.get_by_role("link", name="Browse the device").click()
    # By keyboard: the folder is opened, and its first variable ticked.
    folder = page.get_by_role("button", name="Below Values")
    folder.focus()
    page.keyboard.press("Enter")
    variable = page.locator(".nodes input[type=checkbox]:not(:disabled)").first
    variable.focus()
    page.keyboard.press("Space")
    page.get_by_label("Unit, row 1").fill("rpm")
    person.judge("browse")
    page.get_by_role("button", name="Make streams (1)").click()
    page.get_by_text("Streams made: 1.").wait_for()
    page.get_by_text("is a stream").wait_for()
    return api.sql(f"SELECT unit, path FROM streams WHERE device_id = {device}")


def upload(page, model, scaler):
    page.get_by_label("Model (.tflite)").set_input_files(model)
    page.get_by_label("Scaler (.joblib, .pkl)").set_input_files(scaler)
    page.get_by_role("button", name="Check the files").click()
    page.get_by_text("Nothing is stored yet.").wait_for()
    said = page.locator(".outcome").inner_text()
    page.get_by_role("button", name="Upload", exact=True).click()
    page.get_by_role("heading", name="Oven watch").wait_for()
    return said


def models(person, api, files):
    page, seen = person.page, {}
    sources = [row["id"] for row in api.sql("SELECT id FROM streams WHERE name IN ('a', 'b') ORDER BY name")]
    api.ingest((stream, SCORED + second, 20 + second % 7) for stream in sources for second in range(60))
    person.open("/ui/models", ".empty")
    page.get_by_role("link", name="Upload a model").click()
    page.get_by_label("Name").fill("Oven watch")
    for name in ("a", "b"):
        page.get_by_role("searchbox").last.fill(name)
        page.get_by_role("button", name=f"+ {name}", exact=True).click()
    person.judge("upload of a model")
    page.get_by_label("Model (.tflite)").set_input_files(files[1])
    page.get_by_label("Scaler (.joblib, .pkl)").set_input_files(files[1])
    page.get_by_role("button", name="Check the files").click()
    page.locator(".upload .error-text, .upload .error-box").first.wait_for()
    seen["refused"] = page.locator(".upload .error-text, .upload .error-box").first.inner_text()
    # The browser tells of every refused request in its console: this one was meant.
    person.visit.complaints[:] = [text for text in person.visit.complaints if "status of 400" not in text]
    seen["preview"] = upload(page, *files)
    address = page.url
    person.open(f"{address.removeprefix(person.visit.base)}?from={SCORED_RANGE[0]}&to={SCORED_RANGE[1]}", ".plain-chart svg")

    history = page.get_by_role("region", name="Score history")
    history.get_by_label("From").fill(SCORED_RANGE[0])
    history.get_by_label("To").fill(SCORED_RANGE[1])
    history.get_by_role("button", name="Start").click()
    history.locator(".job", has_text="done").wait_for()
    seen["job"] = history.locator(".job").first.inner_text()
    seen["scores"] = api.sql("SELECT count(*) AS n FROM readings r JOIN streams s ON s.id = r.stream_id WHERE s.name = 'Oven watch score'")[0]["n"]
    page.reload()
    page.locator(".plain-chart .area[d^=M]").first.wait_for()
    chart = page.get_by_role("application")
    box = chart.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + 60)
    page.locator(".window-words").wait_for()
    person.judge("model")

    page.get_by_role("button", name="Show for the range in view").click()
    reconstruction = page.get_by_role("region", name="Expected and actual")
    reconstruction.locator("tbody tr").first.wait_for()
    seen["shares"] = reconstruction.locator("tbody th").all_inner_texts()
    person.judge("a reconstruction")

    # By keyboard: the cursor, and with Shift a range for what is below.
    chart.focus()
    for _ in range(4):
        page.keyboard.press("Shift+ArrowLeft")
    calibrate = page.get_by_role("region", name="Calibrate")
    seen["selected"] = calibrate.get_by_label("From").input_value()
    calibrate.get_by_label("From").fill(SCORED_RANGE[0])
    calibrate.get_by_label("To").fill(SCORED_RANGE[1])
    calibrate.get_by_role("button", name="What would it be?").click()
    calibrate.get_by_text("The threshold would be").wait_for()
    person.judge("a calibration is tried")
    seen["kept"] = api.graph("{ models { nodes { version { threshold } } } }")["models"]["nodes"][0]["version"]["threshold"]
    calibrate.get_by_role("button", name="Set the threshold").click()
    said = page.get_by_text("The threshold is").or_(calibrate.get_by_role("alert")).first
    said.wait_for()
    seen["calibrated"] = said.inner_text()
    seen["threshold"] = api.graph("{ models { nodes { version { threshold } } } }")["models"]["nodes"][0]["version"]["threshold"]

    page.get_by_role("link", name="Upload another version").click()
    page.get_by_role("heading", name="Upload another version").wait_for()
    page.locator(".chosen li").first.wait_for()
    upload(page, *files)
    page.get_by_role("button", name="Use again: version 1").click()
    page.locator("tr", has_text="1 (in use)").wait_for()
    seen["version"] = api.graph("{ models { nodes { version { number } versions { number } } } }")["models"]["nodes"][0]
    page.get_by_role("button", name="Delete the model").click()
    page.get_by_label("Type Oven watch to confirm").fill("Oven watch")
    page.get_by_role("button", name="Delete", exact=True).click()
    page.locator(".empty").wait_for()
    seen["left"] = api.graph("{ models { totalCount } }")["models"]["totalCount"]
    return seen


def head_of(page, name):
    with page.expect_download() as started:
        page.get_by_role("button", name=name, exact=True).click()
    return [started.value.suggested_filename, Path(started.value.path()).read_bytes()[:4].hex()]


def trend(person, stream):
    page, seen = person.page, {}
    person.open(f"/ui/trend?s={stream}&from=2026-04-28T11:59:50.000Z&to=2026-04-28T12:00:40.000Z", ".strip")
    page.locator(".level-words", has_text="Every reading").wait_for()
    seen["files"] = [head_of(page, name) for name in ("PNG", "Parquet", "Arrow")]
    page.get_by_role("button", name="As Python").click()
    seen["program"] = page.locator(".program").inner_text()
    person.judge("as Python")
    page.get_by_role("button", name="Close").click()

    before = page.url
    page.get_by_role("slider").focus()
    page.keyboard.press("Home")
    page.wait_for_function("before => location.href !== before", arg=before)
    seen["home"] = page.url
    strip = page.get_by_role("slider").bounding_box()
    page.mouse.move(strip["x"] + strip["width"] * 0.5, strip["y"] + 10)
    page.mouse.down()
    page.mouse.move(strip["x"] + strip["width"] * 0.7, strip["y"] + 10, steps=3)
    page.mouse.up()
    page.wait_for_function("before => location.href !== before", arg=seen["home"])
    seen["dragged"] = page.url
    return seen


def main():
    url, user, password, key, stream, port, device, axe, *files = sys.argv[1:]
    api = Api(url, key)
    with sync_playwright() as playwright:
        visit = Visit(playwright, url.replace("127.0.0.1", HOST), HOST)
        person = Person(visit, Path(axe).read_text())
        log_in(person, user, password)
        seen = {
            "trend": trend(person, stream),
            "wizard": wizard(person, api, port),
            "set": set_value(person),
            "states": states(person, api),
            "tags": tag_list(person, api),
            "device": change_and_delete(person, api),
            "browse": browse(person, api, int(device)),
            "models": models(person, api, files),
            "stream": stream_page(person, api, int(stream)),
        }
        # The browser tells of every refused request in its console: the wrong password was meant.
        complaints = [text for text in visit.complaints if "status of 401" not in text]
        seen.update(findings=person.findings, wide=person.wide, requests=visit.requests, complaints=complaints)
        visit.browser.close()
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
