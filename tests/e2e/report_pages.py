#!/usr/bin/python3
"""report_pages.py parse FILE: is a page what a report's template makes, whatever names are in it?  report_pages.py junit FILE: likewise.
report_pages.py look FILE...: how headless Chromium shows it, light, dark and 390 px wide; says what is wrong, nothing when all is well."""
import base64, html.parser, json, os, re, struct, subprocess, sys, tempfile, xml.etree.ElementTree, zlib

TAGS = set("html head meta link title style body main header h1 h2 h3 div strong p dl dt dd table thead tbody tr th td a b span small "
           "code pre ul li article section figure figcaption svg g line text polyline circle footer".split())
ATTRIBUTES = set("lang charset name content http-equiv rel href class id data-name viewbox role aria-label x y x1 x2 y1 y2 cx cy r "
                 "points text-anchor".split())
# What could obey or mislead a reader: C0 but line ends, C1, direction, invisible.
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        assert tag in TAGS, f"<{tag}>"
        for name, value in attrs:
            assert name in ATTRIBUTES, f"<{tag} {name}={value!r}>"
            assert name != "href" or value == "data:," or re.fullmatch(r"#[a-z0-9-]+", value), f"href {value!r}"
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        n = len(self.open)
        self.handle_starttag(tag, attrs)
        del self.open[n:]

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"</{tag}>"


def parse(path):
    text = open(path, encoding="utf-8").read()
    assert not HIDDEN.search(text), ascii(HIDDEN.search(text).group())
    page = Page()
    page.feed(text)
    page.close()
    assert not page.open, page.open


def junit(path):
    text = open(path, encoding="utf-8").read()
    assert not HIDDEN.search(text), ascii(HIDDEN.search(text).group())
    (suite,) = xml.etree.ElementTree.fromstring(text)
    cases = suite.findall("testcase")
    for name, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert int(suite.get(name)) == sum(len(c.findall(tag)) for c in cases), name
    assert int(suite.get("tests")) == len(cases) == len({c.get("name") for c in cases})
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", suite.get("timestamp"))


class Chromium:
    """The DevTools protocol through a pipe: messages of JSON that end with a NUL."""

    def __init__(self, directory):
        to, self.to = os.pipe()
        self.back, back = os.pipe()
        fds = lambda: (os.dup2(to, 3), os.dup2(back, 4))
        os.set_inheritable(to, True)
        os.set_inheritable(back, True)
        self.process = subprocess.Popen(
            ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe",
             "--user-data-dir=" + directory, "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=fds)
        os.close(to), os.close(back)
        self.number, self.buffer, self.events = 0, b"", []

    def read(self):
        while b"\0" not in self.buffer:
            more = os.read(self.back, 1 << 20)
            assert more, "chromium ended"
            self.buffer += more
        one, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(one)

    def call(self, method, session=None, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            m = self.read()
            if m.get("id") == self.number:
                assert "error" not in m, m
                return m["result"]
            self.events.append(m)

    def wait(self, method):
        while not any(m.get("method") == method for m in self.events):
            self.events.append(self.read())


def colours(png):
    """Bytes that occur in the picture's lines: a blank one has a handful."""
    data, at = b"", 8
    while at < len(png):
        n, kind = struct.unpack(">I4s", png[at:at + 8])
        data += png[at + 8:at + 8 + n] if kind == b"IDAT" else b""
        at += 12 + n
    return len(set(zlib.decompress(data)))


def look(paths):
    wrong = []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        c = Chromium(directory)
        target = c.call("Target.createTarget", url="about:blank")["targetId"]
        s = c.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            c.call(domain + ".enable", s)
        for path in paths:
            for width, scheme in ((1100, "light"), (1100, "dark"), (390, "light")):
                where = f"{os.path.basename(path)} {width} {scheme}"
                c.call("Emulation.setDeviceMetricsOverride", s, width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
                c.call("Emulation.setEmulatedMedia", s, features=[{"name": "prefers-color-scheme", "value": scheme}])
                c.events.clear()
                c.call("Page.navigate", s, url="file://" + os.path.abspath(path))
                c.wait("Page.loadEventFired")
                value = lambda text: c.call("Runtime.evaluate", s, expression=text, returnByValue=True)["result"]["value"]
                if value("document.documentElement.scrollWidth") > width:
                    wrong.append(f"{where}: {value('document.documentElement.scrollWidth')} px wide")
                if value("document.styleSheets.length") != 1 or value("document.scripts.length") != 0:
                    wrong.append(f"{where}: not one style sheet and no script")
                dark = value("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
                if dark != (scheme == "dark"):
                    wrong.append(f"{where}: not {scheme}")
                png = base64.b64decode(c.call("Page.captureScreenshot", s)["data"])
                if os.environ.get("PAGES_KEEP"):
                    open(f"{os.environ['PAGES_KEEP']}/{where.replace(' ', '-')}.png", "wb").write(png)
                if colours(png) < 30:
                    wrong.append(f"{where}: blank")
                for m in c.events:
                    if m.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
                        wrong.append(f"{where}: {json.dumps(m['params'])[:300]}")
                    if m.get("method") == "Network.requestWillBeSent" and not m["params"]["request"]["url"].startswith(("file:", "data:")):
                        wrong.append(f"{where}: loads {m['params']['request']['url']}")
        c.call("Browser.close")
        c.process.wait(30)
    print("\n".join(wrong), end="")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(look(sys.argv[2:]) if sys.argv[1] == "look" else {"parse": parse, "junit": junit}[sys.argv[1]](sys.argv[2]))
