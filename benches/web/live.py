"""What live values cost the browser: processor, rows of the document, memory over time."""

import time

# Seconds before anything is measured, and over which the processor is.
SETTLE, MEASURE = 10, 60
# Seconds on each page of a round.
STAY = 10


class Processes:
    """Processor time of the browser's processes, in seconds."""

    def __init__(self, browser):
        self.session = browser.new_browser_cdp_session()

    def times(self):
        found = {}
        for process in self.session.send("SystemInfo.getProcessInfo")["processInfo"]:
            found[process["type"]] = found.get(process["type"], 0) + process["cpuTime"]
        return found

    def shares(self, seconds):
        """Percent of a core over so many seconds: of the renderer, and of all processes of the browser."""
        before, began = self.times(), time.monotonic()
        time.sleep(seconds)
        after, passed = self.times(), time.monotonic() - began
        renderer = after.get("renderer", 0) - before.get("renderer", 0)
        return 100 * renderer / passed, 100 * (sum(after.values()) - sum(before.values())) / passed


class Memory:
    """What a page holds once what nothing refers to is gone."""

    def __init__(self, tab):
        self.session = tab.context.new_cdp_session(tab.page)

    def megabytes(self):
        for _ in range(3):
            self.session.send("HeapProfiler.collectGarbage")
        return self.session.send("Runtime.getHeapUsage")["usedSize"] / 1e6

    def nodes(self):
        return self.session.send("Memory.getDOMCounters")["nodes"]


def use(tab, streams):
    """A round through what is live, by links of the application as a person would take them, back to where it began."""
    page, followed = tab.page, ",".join(map(str, streams[:4]))
    for path, ready in ((f"/ui/trend?s={followed}&from=now-15m&to=now", ".level-words"), ("/ui/", ".cards li"),
                        ("/ui/events", "h1"), ("/ui/live", ".table-scroll tbody th a")):
        tab.follow(path)
        page.locator(ready).first.wait_for()
        time.sleep(STAY)
    table = page.locator(".table-scroll")
    for top in (4000, 12_000, 0):
        table.evaluate("(table, top) => { table.scrollTop = top; }", top)
        time.sleep(1)


def live(browser, tab_of, streams, minutes):
    """Cost of the live page at rest, then of so many minutes of use."""
    with tab_of() as tab:
        page = tab.page
        page.goto(f"{tab.base}/ui/live")
        page.locator(".table-scroll tbody th a").first.wait_for()
        time.sleep(SETTLE)
        renderer, everything = Processes(browser).shares(MEASURE)
        seen = {"renderer": renderer, "browser": everything, "rows": page.locator("tr").count()}
        # What is loaded once for each page is no growth.
        use(tab, streams)
        memory = Memory(tab)
        before, nodes = memory.megabytes(), memory.nodes()
        end, rounds = time.monotonic() + minutes * 60, 0
        while time.monotonic() < end:
            use(tab, streams)
            rounds += 1
        after = memory.megabytes()
        seen |= {"before": before, "after": after, "nodes": [nodes, memory.nodes()], "rounds": rounds}
    return seen
