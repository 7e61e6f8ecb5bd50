"""The page of `harness-lint audit --html` in a real browser, driven through Chromium's own pipe.

    python3 tests/ecosystem/page.py [harness-lint] [directory for screenshots]

Needs `chromium` (Debian's package). Nothing is installed and nothing asked of a network.
"""

import base64
import json
import os
import pathlib
import subprocess
import sys
import tempfile

BINARY = str(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "target/debug/harness-lint").resolve())
SHOTS = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None
HOSTILE = "x</script><img src=x onerror=window.pwned=1>"


class Browser:
    """Commands and answers, each ended by a zero byte, over two pipes."""

    def __init__(self):
        (read_in, self.to), (self.back, write_out) = os.pipe(), os.pipe()

        def pipes():
            # The two ends may stand on one another's numbers.
            a, b = os.dup(read_in), os.dup(write_out)
            os.dup2(a, 3)
            os.dup2(b, 4)

        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe",
                   f"--user-data-dir={self.profile.name}", "about:blank"]
        self.process = subprocess.Popen(command, preexec_fn=pipes, close_fds=False, stderr=subprocess.DEVNULL)
        os.close(read_in)
        os.close(write_out)
        self.rest, self.number, self.events, self.session = b"", 0, [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ["Page", "Runtime", "Log", "Network"]:
            self.ask(f"{domain}.enable")

    def read(self):
        while b"\0" not in self.rest:
            more = os.read(self.back, 1 << 16)
            assert more, "the browser went away"
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    def open(self, page, width):
        self.events = []
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=1400, deviceScaleFactor=1, mobile=False)
        self.ask("Page.navigate", url=page.as_uri())
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self.read())

    def js(self, code):
        result = self.ask("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def press(self, key, code=None, text=""):
        for kind in ["keyDown", "keyUp"]:
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=code or key, text=text if kind == "keyDown" else "",
                     windowsVirtualKeyCode={"Enter": 13, "Tab": 9}.get(key, 0))

    def trouble(self):
        bad = {"Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"}
        said = [e for e in self.events if e.get("method") in bad]
        asked = [e["params"]["request"]["url"] for e in self.events if e.get("method") == "Network.requestWillBeSent"]
        return said, [url for url in asked if not url.startswith("file://")]

    def shoot(self, name):
        if SHOTS:
            data = self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"]
            (SHOTS / name).write_bytes(base64.b64decode(data))

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.profile.cleanup()


def project(root, models):
    """Models in a chain, every one without a description; one has a hostile name."""
    files = {
        "dbt_project.yml": "name: 'shop<b>'\n",
        "harness-lint.yml": "extends: []\nrules: {doc/missing: warn, doc/column-missing: info, sql/star-output: error}\n",
        f"models/marts/{HOSTILE.replace('/', '_')}.sql": "select 1 as id\n",
        "models/staging/star.sql": "select * from {{ ref('m0') }}\n",
        "CODEOWNERS": "* @team/<i>\n",
    }
    entries = ["models:"]
    for n in range(models):
        above = f"{{{{ ref('m{n - 1}') }}}}" if n % 20 else "{{ source('erp', 't') }}"
        files[f"models/staging/a{n // 100}/m{n}.sql"] = f"select id from {above}\n"
        entries += [f"- name: m{n}", "  columns:", *[f"  - name: c{i}" for i in range(9)]]
    entries += ["sources:", "- name: erp", "  tables:", "  - name: t"]
    files["models/models.yml"] = "\n".join(entries) + "\n"
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def history(root):
    line = {"schema_version": 1, "day": "2024-01-01", "dirty": False, "ruleset_hash": "a", "by_category": {},
            "findings": {"errors": 1, "warnings": 2, "infos": 3, "baselined": 0, "suppressed": 0, "excluded": 0}, "rules": {}}
    lines = [line | {"commit": f"{n}" * 40, "score": 80.0 + n} for n in range(5)]
    (root / "h.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    for args in (["init", "-q"], ["add", "-A"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]):
        subprocess.run(["git", "-C", root, *args], check=True)


def small(browser, root):
    project(root, 30)
    history(root)
    subprocess.run([BINARY, "audit", "--html", "page.html", "--history", "h.jsonl"], cwd=root, check=True, stdout=subprocess.DEVNULL)
    for width in [1280, 390]:
        browser.open(root / "page.html", width)
        count = "document.querySelectorAll('details.item').length"
        everything = browser.js(count)
        assert everything >= 3, everything
        assert browser.js("document.documentElement.scrollWidth") <= width, "the page is wider than the window"
        assert browser.js("document.querySelectorAll('#trend circle').length") == 6
        assert browser.js("document.querySelectorAll('#trend .cut').length") == 1
        # Filters, alone and together.
        browser.js("search.value = 'star-output'; search.dispatchEvent(new Event('input'))")
        assert browser.js(count) == 1
        browser.js("search.value = ''; severity.value = 'warn'; severity.dispatchEvent(new Event('change'))")
        assert 0 < browser.js(count) < everything
        browser.js("severity.value = ''; severity.dispatchEvent(new Event('change'))")
        browser.js("document.querySelector('#heat button').click()")
        assert browser.js("layer.value") != ""
        browser.js("layer.value = ''; category.value = ''; layer.dispatchEvent(new Event('change'))")
        assert browser.js(count) == everything
        # By keyboard: open an item, walk to its graph, choose a neighbour.
        browser.js("document.querySelector('details.item summary').focus()")
        browser.press("Enter", text="\r")
        assert browser.js("document.querySelector('details.item').open")
        browser.js("new Promise(done => setTimeout(done, 100))")
        browser.press("Tab")
        assert browser.js("document.activeElement.textContent") == "graph", browser.js("document.activeElement.outerHTML")
        browser.press("Enter", text="\r")
        browser.js("pick.value = 'm3'; go.click(); document.querySelector('.graph g:not(.n-here)').focus()")
        before = browser.js("centre.textContent")
        browser.press("Enter", text="\r")
        assert browser.js("centre.textContent") != before
        # A name is a name.
        browser.js("search.value = 'onerror'; search.dispatchEvent(new Event('input')); document.querySelector('details.item summary').click()")
        browser.js("new Promise(done => setTimeout(done, 100))")
        assert browser.js("document.body.textContent.includes('<img src=x onerror')")
        assert browser.js("document.images.length") == 0 and browser.js("typeof window.pwned") == "undefined"
        assert browser.js("document.querySelectorAll('b > *, i').length") == 0
        # The policy holds: nothing that is added runs.
        said, asked = browser.trouble()
        assert not said and not asked, (said, asked)
        browser.js("const s = document.createElement('script'); s.textContent = 'window.pwned = 1'; document.body.append(s)")
        assert browser.js("typeof window.pwned") == "undefined"
        browser.shoot(f"page-{width}.png")


def large(browser, root):
    project(root, 1000)
    subprocess.run([BINARY, "audit", "--html", "page.html"], cwd=root, check=True, stdout=subprocess.DEVNULL)
    browser.open(root / "page.html", 1280)
    found = browser.js("JSON.parse(document.getElementById('data').textContent).findings.length")
    assert found >= 10_000, found
    browser.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    paint = browser.js("performance.getEntriesByType('paint').at(-1).startTime")
    search = browser.js("(() => { const at = performance.now(); search.value = 'm99'; search.dispatchEvent(new Event('input')); return performance.now() - at })()")
    said, asked = browser.trouble()
    assert not said and not asked, (said, asked)
    print(f"{found} findings: first paint after {paint:.0f} ms, a search takes {search:.0f} ms")
    browser.shoot("page-large.png")


browser = Browser()
try:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
        small(browser, pathlib.Path(one))
        large(browser, pathlib.Path(two))
finally:
    browser.close()
print("the page is as it should be")
