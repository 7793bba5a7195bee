"""What a page tells of itself: when a picture or a content is painted, how long frames are, which tasks are long."""

# Told by the page's own clock, in milliseconds. After the frame in which something appears is painted, a message arrives: that is the time
# which counts. `putImageData` of an OffscreenCanvas is how the charts bring their series into the document.
SCRIPT = """
    (() => {
        const state = { picture: 0, content: "", at: null, frames: null, tasks: [] };
        window.budgets = state;
        const afterPaint = (tell) => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => { port1.close(); tell(performance.now()); };
            port2.postMessage(0);
        };
        const found = () => { state.picture = 0; state.content = ""; afterPaint((now) => { state.at = now; }); };
        const prototype = OffscreenCanvasRenderingContext2D.prototype;
        const put = prototype.putImageData;
        prototype.putImageData = function (image, ...rest) {
            put.call(this, image, ...rest);
            if (state.picture === 0) return;
            const colours = new Set();
            for (const pixel of new Uint32Array(image.data.buffer)) if (pixel >>> 24 === 255) colours.add(pixel);
            if (colours.size >= state.picture) found();
        };
        // Only while something is looked for: a page at rest draws no frames.
        state.look = () => {
            if (state.content !== "" && document.querySelector(state.content)) found();
            if (state.frames) state.frames.push(performance.now());
            if (state.content !== "" || state.frames) requestAnimationFrame(state.look);
        };
        new PerformanceObserver((list) => state.tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({ type: "longtask" });
    })();
"""

# A link of the application to an address, which is clicked.
FOLLOW = """
    ([path, picture, content]) => {
        const link = Object.assign(document.createElement("a"), { href: path });
        document.body.append(link);
        Object.assign(budgets, { at: null, picture, content, began: performance.now() });
        link.click();
        link.remove();
        budgets.look();
    }
"""

# An address that shows the frame of the application and nothing else.
NOWHERE = "/ui/nowhere"
# Colours of series before they are dashed.
COLOURS = 6
# A function: the policy of the pages lets no text become a program.
DONE = "() => budgets.at !== null"


class Tab:
    """A new browser profile with one page, logged in. What the page complains of is put into `complaints`."""

    def __init__(self, browser, base, session, complaints):
        self.base = base
        self.context = browser.new_context(viewport={"width": 1280, "height": 900}, storage_state=session)
        self.page = self.context.new_page()
        self.page.set_default_timeout(120_000)
        self.page.on("console", lambda said: said.type == "error" and complaints.append(said.text))
        self.page.on("pageerror", lambda error: complaints.append(str(error)))
        self.page.add_init_script(SCRIPT)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def cold(self, path, picture=0, content=""):
        """Milliseconds from entering an address to what it shows; nothing of the application is in the cache of the browser."""
        wanted = f"Object.assign(budgets, {{ picture: {picture}, content: {content!r} }}); budgets.look();"
        self.page.add_init_script(wanted)
        self.page.goto(f"{self.base}{path}")
        self.page.wait_for_function(DONE)
        return self.page.evaluate("budgets.at")

    def inside(self, path, picture=0, content=""):
        """Milliseconds from a click on a link in the application to what it shows; the part of that page is loaded by then too."""
        self.page.goto(f"{self.base}{NOWHERE}")
        self.page.locator(".empty h1").wait_for()
        self.follow(path, picture, content)
        self.page.wait_for_function(DONE)
        return self.page.evaluate("budgets.at - budgets.began")

    def follow(self, path, picture=0, content=""):
        """Clicks a link in the application."""
        self.page.evaluate(FOLLOW, [path, picture, content])


def quantile(values, share):
    """The value below which this share of them lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def median(values):
    return quantile(values, 0.5)
