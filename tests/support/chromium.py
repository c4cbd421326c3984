"""A headless Chromium, driven through the DevTools protocol over a pipe: no driver, no port, no package but Chromium.

    with Chromium() as browser:
        browser.open("file:///tmp/page.html")
        browser.evaluate("document.title")

https://chromedevtools.github.io/devtools-protocol/ lists the methods. Messages are JSON, a NUL byte after each.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

KEYS = {"Tab": 9, "Enter": 13, " ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
        "ArrowDown": 40}


def find():
    """The path of Chromium, or None."""
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        if name and shutil.which(name):
            return shutil.which(name)
    return None


class Chromium:
    def __init__(self):
        self.profile = tempfile.mkdtemp(prefix="attune-chromium-")
        to_browser, self.write_end = os.pipe()
        self.read_end, from_browser = os.pipe()
        # The browser reads from descriptor 3 and writes to 4; ours must not be among these two.
        reads, writes = (fcntl.fcntl(end, fcntl.F_DUPFD, 20) for end in (to_browser, from_browser))
        os.close(to_browser)
        os.close(from_browser)

        def descriptors():
            os.dup2(reads, 3)
            os.dup2(writes, 4)

        self.process = subprocess.Popen(
            [find(), "--headless", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-extensions", "--disable-background-networking", "--disable-component-update",
             "--disable-dev-shm-usage", "--user-data-dir=" + self.profile, "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False,
            preexec_fn=descriptors)
        os.close(reads)
        os.close(writes)
        self.buffer = b""
        self.last = 0
        self.events = []
        self.session = None
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "DOM", "Accessibility"):
            self.call(domain + ".enable")
        self.call("Emulation.setFocusEmulationEnabled", enabled=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.session = None
            self.call("Browser.close")
        except (OSError, TimeoutError):
            pass
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    # ---- messages

    def _receive(self, until):
        while b"\0" not in self.buffer:
            ready, _, _ = select.select([self.read_end], [], [], max(0, until - time.monotonic()))
            if not ready:
                raise TimeoutError("Chromium does not answer")
            more = os.read(self.read_end, 1 << 20)
            if not more:
                raise OSError("Chromium has ended")
            self.buffer += more
        text, _, self.buffer = self.buffer.partition(b"\0")
        return json.loads(text)

    def call(self, method, **parameters):
        """The result of a method; events that come meanwhile are kept in `events`."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.write_end, data):]
        until = time.monotonic() + 60
        while True:
            answer = self._receive(until)
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            if "method" in answer:
                self.events.append(answer)

    def wait_for(self, event, seconds=60):
        until = time.monotonic() + seconds
        while not any(each["method"] == event for each in self.events):
            answer = self._receive(until)
            if "method" in answer:
                self.events.append(answer)

    # ---- what a person does

    def open(self, address):
        self.events = [e for e in self.events if e["method"] != "Page.loadEventFired"]
        self.call("Page.navigate", url=address)
        self.wait_for("Page.loadEventFired")

    def evaluate(self, script):
        """The value of an expression of JavaScript in the page."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def press(self, key, times=1):
        text = {"Enter": "\r", " ": " "}.get(key)
        for _ in range(times):
            down = {"key": key, "code": "Space" if key == " " else key, "windowsVirtualKeyCode": KEYS[key]}
            self.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", **down,
                      **({"text": text} if text else {}))
            self.call("Input.dispatchKeyEvent", type="keyUp", **down)

    def place_of(self, selector):
        """The middle of an element, which is scrolled into view."""
        return self.evaluate(
            f"(() => {{ const e = document.querySelector({json.dumps(selector)}); e.scrollIntoView({{block: 'center'}});"
            " const b = e.getBoundingClientRect(); return [b.left + b.width / 2, b.top + b.height / 2]; })()")

    def move_to(self, selector, right=0):
        x, y = self.place_of(selector)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + right, y=y)

    def click(self, selector):
        x, y = self.place_of(selector)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def emulate(self, media="", **features):
        """Media as style sheets see them: emulate(prefers_color_scheme="dark"), emulate(media="print")."""
        self.call("Emulation.setEmulatedMedia", media=media,
                  features=[{"name": k.replace("_", "-"), "value": v} for k, v in features.items()])

    def resize(self, width, height):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path):
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=True)["data"]))

    def accessible(self):
        """What a screen reader is told: a list of (role, name, properties) of all that is not ignored."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [(n.get("role", {}).get("value", ""), n.get("name", {}).get("value", ""),
                 {p["name"]: p["value"].get("value") for p in n.get("properties", [])} |
                 {"value": n.get("value", {}).get("value")}) for n in nodes if not n.get("ignored")]
