"""The page in a real browser: a script that is put into a copy of it clicks, types and looks, and writes what it saw.

The copies differ from the page by two scripts only: one at the start, which notes errors, one at the end, which acts.
"""

import html
import json
import re
import shutil
import subprocess

import pytest
from page_reading import NASTY

import theano
import theano.tensor as T
from theano.d3viz import d3viz

BROWSER = next(filter(None, map(shutil.which, ["chromium", "chromium-browser", "google-chrome"])), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium, chromium-browser or google-chrome on PATH")

OPTIONS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars", "--window-size=1400,900",
    "--virtual-time-budget=10000", "--enable-logging=stderr",
]  # fmt: skip

WATCH = """<script>
window.noted = [];
addEventListener("error", (event) => noted.push(String(event.message)));
addEventListener("unhandledrejection", (event) => noted.push(String(event.reason)));
addEventListener("securitypolicyviolation", (event) => noted.push(`${event.violatedDirective} ${event.blockedURI}`));
for (const name of ["error", "warn"]) console[name] = (...all) => noted.push(all.join(" "));
</script>"""

TOOLS = """
const $ = (id) => document.getElementById(id), all = (what) => [...document.querySelectorAll(what)];
const click = (node) => node.dispatchEvent(new MouseEvent("click", {bubbles: true}));
const press = (key, more) => document.activeElement.dispatchEvent(
  new KeyboardEvent("keydown", {key, bubbles: true, ...more}));
const type = (text) => { $("query").value = text; $("query").dispatchEvent(new Event("input")); };
const label = (box) => box.querySelector(":scope > .label")?.textContent;
const labels = (what) => all(what).map(label).sort();
const box = (text, within = "") => all(`.box${within}`).find((one) => label(one) === text);
const title = (text) => all(".title").find((one) => one.textContent === text);
const frame = (text) => all(".box.frame").find((one) => {
  const [f, t] = [one.getBoundingClientRect(), title(text).getBoundingClientRect()];
  return Math.abs(f.left + f.right - t.left - t.right) < 2 && t.top >= f.top && t.top < f.top + 40;
});
const matrix = () => $("view").getAttribute("transform");
const outline = (one) => one.querySelector(".outline").getBoundingClientRect();
// pairs of boxes that overlap, and texts wider than their boxes
function faults() {
  const found = [], boxes = all(".box:not(.frame)");
  const places = boxes.map(outline);
  for (let i = 0; i < boxes.length; i++) {
    for (const text of boxes[i].querySelectorAll("text")) {
      const t = text.getBoundingClientRect();
      if (t.width === 0) continue;  // not shown when all is small
      if (t.left < places[i].left - 1 || t.right > places[i].right + 1) found.push(`${text.textContent} is too wide`);
    }
    for (let j = 0; j < i; j++) {
      const a = places[i], b = places[j];
      if (a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1) {
        found.push(`${label(boxes[i])} meets ${label(boxes[j])}`);
      }
    }
  }
  return found;
}
"""


def looked_at(what, script, tmp_path, *options):
    """What `script` (the body of a function) returns in the page of `what`; no error may have been noted."""
    path = tmp_path / "page.html"
    d3viz(what, path)
    page = path.read_text(encoding="utf-8")
    act = (
        f"<script>(() => {{ let result = null; try {{ result = (() => {{ {TOOLS} {script} }})(); }}"
        f" catch (error) {{ noted.push(String(error.stack)); }}"
        f" const report = document.createElement('pre'); report.id = 'report';"
        f" report.textContent = JSON.stringify({{result, noted}}); document.body.append(report); }})();</script>"
    )
    page = page.replace("<style>", f"{WATCH}<style>", 1)
    start, end = page.rsplit("</body>", 1)
    copy = tmp_path / "copy.html"
    copy.write_text(f"{start}{act}</body>{end}", encoding="utf-8")
    command = [BROWSER, *OPTIONS, *options, f"--user-data-dir={tmp_path / 'profile'}", "--dump-dom", copy.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, encoding="utf-8")
    found = re.search(r'<pre id="report">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, f"the page wrote no report: {done.stdout[-500:]} {done.stderr[-2000:]}"
    report = json.loads(html.unescape(found[1]))
    assert report["noted"] == []
    assert "CONSOLE" not in done.stderr, done.stderr
    return report["result"]


def test_what_is_drawn(training, tmp_path):
    seen = looked_at(training, """
        const kinds = ["op", "input", "shared", "output", "update"];
        return {kinds: kinds.map((kind) => all(`#view .box.${kind}`).length), edges: all(".edge").length,
                faults: faults(), bars: all(".bar").length, title: $("title").textContent,
                notes: all(".note").map((note) => note.textContent).filter((text) => text.includes("%")).length,
                outlines: new Set(all("#shapes svg").map((shape) => [...shape.querySelectorAll("path")].map(
                    (path) => path.getAttribute("d") + getComputedStyle(path).strokeDasharray).join())).size};
        """, tmp_path)  # fmt: skip
    order = training.maker.fgraph.toposort()
    assert seen["kinds"] == [len(order), 2, 2, 1, 2]
    assert seen["edges"] == sum(len(node.inputs) for node in order) + 3
    assert seen["faults"] == [] and seen["title"] == "training step"
    assert seen["bars"] == seen["notes"] == len(training.profile.apply_time)
    assert seen["outlines"] == 6  # kinds are told apart by shape


def test_unfolding(nested, tmp_path):
    seen = looked_at(nested, """
        const before = labels(".box");
        click(box("⊞ for{rnn}"));
        const loop = {boxes: labels(".box"), title: !!title("⊟ for{rnn}"), faults: faults()};
        click(box("⊞ cell"));
        const cell = {tanh: labels(".box").filter((t) => t === "tanh").length, faults: faults()};
        const edges = all(".edge").length;
        click(frame("⊟ for{rnn}"));
        const folded = labels(".box");
        $("unfold").click();
        const left = labels(".box.nested:not(.frame)");
        const everything = {frames: all(".box.frame").length, faults: faults(), left};
        $("fold").click();
        return {before, loop, cell, edges, folded, everything, after: labels(".box")};""", tmp_path)  # fmt: skip
    assert seen["before"] == seen["folded"] == seen["after"]
    assert {"⊞ for{rnn}", "⊞ pair"} <= set(seen["before"])
    assert "⊞ cell" in seen["loop"]["boxes"] and "dot" in seen["loop"]["boxes"] and seen["loop"]["title"]
    assert "⊞ for{rnn}" not in seen["loop"]["boxes"]
    assert seen["cell"]["tanh"] == 2  # in the loop and in the cell
    assert seen["everything"] == {"frames": 5, "faults": [], "left": []}
    assert seen["loop"]["faults"] == seen["cell"]["faults"] == []


def test_arrows_go_on_inside(nested, tmp_path):
    ends = looked_at(nested, """
        $("unfold").click();
        const near = (a, b) => Math.abs(a - b) < 2;
        const tops = all(".box.input").map(outline), bottoms = all(".box.output").map(outline);
        const reached = tops.map((b) => all(".line").filter((line) => {
          const p = line.getPointAtLength(line.getTotalLength());
          const at = new DOMPoint(p.x, p.y).matrixTransform(line.getScreenCTM());
          return near(at.x, (b.left + b.right) / 2) && near(at.y, b.top);
        }).length);
        return {inputs: reached, outputs: bottoms.length};""", tmp_path)
    assert sorted(ends["inputs"]) == [0, 0] + [1] * (len(ends["inputs"]) - 2)  # only those of the function have none
    assert len(ends["inputs"]) == 2 + 3 + 2 + 2 * 3


def test_search(nested, tmp_path):
    seen = looked_at(nested, """
        const states = [], note = () => states.push([$("count").textContent, all(".box.hit").length,
            all(".box.current").length, all(".box.holds").length, all(".box.frame").length]);
        type("tanh"); note();
        $("next").click(); note();
        $("query").focus(); press("Enter"); note();
        press("Enter", {shiftKey: true}); note();
        $("previous").click(); note();
        type("FLOAT64 dot"); note();
        type("int64"); note();
        type("no such thing"); note();
        const disabled = $("next").disabled;
        press("Escape"); note();
        return {states, disabled, focus: document.activeElement.id};""", tmp_path)  # fmt: skip
    states = seen["states"]
    # tanh: once in the loop itself, and in the cell, which is in the loop once and in the pair twice
    assert states[0] == ["0 / 4", 0, 0, 2, 0]
    assert states[1][0] == "1 / 4" and states[1][2] == 1 and states[1][4] >= 1
    assert states[2][0] == "2 / 4" and states[3][0] == "1 / 4" and states[4][0] == "4 / 4"
    assert all(state[2] == 1 for state in states[1:5])
    assert states[4][4] > states[1][4]  # one hit after the other was unfolded
    assert states[5][0] == "0 / 1" and states[7] == ["0 / 0", 0, 0, 0, states[7][4]]
    assert int(states[6][0].split(" / ")[1]) >= 3
    assert seen["disabled"] and states[8][:3] == ["", 0, 0] and seen["focus"] == "picture"


def test_zooming_and_moving(training, tmp_path):
    seen = looked_at(training, """
        const scale = () => Number(/scale\\(([^)]*)\\)/.exec(matrix())[1]);
        const shift = () => /translate\\(([^,]*),([^)]*)\\)/.exec(matrix()).slice(1).map(Number);
        const start = matrix(), zooms = [scale()];
        const at = $("picture").getBoundingClientRect(), clientX = Math.round(at.left + 300), clientY = 250;
        const wheel = (deltaY) => $("picture").dispatchEvent(new WheelEvent("wheel",
            {deltaY, clientX, clientY, bubbles: true, cancelable: true}));
        const under = () => {
            const [x, y] = shift();
            return [(clientX - at.left - x) / scale(), (clientY - at.top - y) / scale()];
        };
        const before = under();
        wheel(-400); zooms.push(scale());
        const after = under();
        wheel(200); zooms.push(scale());
        $("picture").focus();
        press("+"); zooms.push(scale());
        press("-"); press("-"); zooms.push(scale());
        $("closer").click(); zooms.push(scale());
        $("farther").click(); $("farther").click(); zooms.push(scale());
        const here = shift();
        press("ArrowLeft"); press("ArrowUp");
        const keys = shift();
        const pointer = (kind, x, y) => $("picture").dispatchEvent(
            new PointerEvent(kind, {clientX: x, clientY: y, button: 0, bubbles: true}));
        pointer("pointerdown", 400, 300); pointer("pointermove", 430, 280); pointer("pointermove", 450, 250);
        pointer("pointerup", 450, 250);
        const dragged = shift();
        click(all(".box")[0]);  // ends the drag: nothing is selected
        const selected = all(".selected").length;
        press("f");
        const all_ = all(".box").map(outline), r = $("picture").getBoundingClientRect();
        const inside = all_.every(
            (b) => b.left >= r.left && b.right <= r.right && b.top >= r.top && b.bottom <= r.bottom);
        const fitted = matrix();
        press("+"); $("fit").click();
        return {zooms, before, after, here, keys, dragged, selected, inside, same: fitted === matrix(), start, fitted};
        """, tmp_path)  # fmt: skip
    zooms = seen["zooms"]
    assert zooms[0] < zooms[2] < zooms[1] and zooms[2] < zooms[3] and zooms[4] < zooms[3]
    assert zooms[4] < zooms[5] and zooms[6] < zooms[5]
    assert seen["before"] == pytest.approx(seen["after"])  # what is under the pointer stays there
    moved = [b - a for a, b in zip(seen["here"], seen["keys"])]
    assert moved == pytest.approx([70, 70])
    assert [b - a for a, b in zip(seen["keys"], seen["dragged"])] == pytest.approx([50, -50])
    assert seen["selected"] == 0 and seen["inside"] and seen["same"] and seen["fitted"] == seen["start"]


def test_details(training, tmp_path):
    seen = looked_at(training, """
        const text = () => $("details").innerText;
        const hover = (kind, one) => one.dispatchEvent(new PointerEvent(kind, {bubbles: true}));
        const start = text();
        const gemv = box("Gemv");
        hover("pointerover", gemv.querySelector(".outline"));
        const hovered = text(), near = all(".edge.near").length;
        hover("pointerout", gemv.querySelector(".outline"));
        const left = text(), none = all(".edge.near").length;
        click(gemv);
        const selected = text(), marked = labels(".box.selected");
        const buttons = [...$("details").querySelectorAll("button")];
        buttons[0].click();
        const input = [text(), labels(".box.selected")];
        const edge = all(".edge")[0];
        click(edge.querySelector(".reach"));
        const arrow = text(), edges = all(".edge.selected").length;
        click($("picture"));
        const cleared = text();
        click(box("w ←"));
        return {start, hovered, near, left, none, selected, marked, input, arrow, edges, cleared, update: text()};
        """, tmp_path)  # fmt: skip
    (gemv,) = [node for node in training.maker.fgraph.toposort() if str(node.op) == "Gemv"]
    assert seen["start"] == seen["left"] == seen["cleared"] != seen["hovered"] == seen["selected"]
    assert seen["near"] == len(gemv.inputs) + 1 and seen["none"] == 0
    assert seen["marked"] == ["Gemv"] and seen["input"][1] == ["w"]
    for told in ("float64 (?,)", "conftest.py:", "in training", "updates = [(q, q - 0.1 * g)", " calls, ", "µs"):
        assert told in seen["selected"], seen["selected"]
    assert "shared variable" in seen["input"][0] and "value" in seen["input"][0]
    assert "From" in seen["arrow"] and "To" in seen["arrow"] and seen["edges"] == 1
    assert "Becomes the value of" in seen["update"]


def test_names_are_texts(nasty, tmp_path):
    seen = looked_at(nasty, """
        click(box(all(".box.input .label")[0].textContent, ".input"));
        const name = $("details").innerText;
        return {bold: !!$("bold"), images: document.images.length, name, scripts: document.scripts.length,
                title: document.title, heading: $("title").textContent};""", tmp_path)  # fmt: skip
    shown = " ".join(NASTY.split())
    assert not seen["bold"] and seen["images"] == 0 and seen["scripts"] == 4  # data and script, and the test's two
    assert shown in " ".join(seen["name"].split()) and seen["heading"] == NASTY
    assert " ".join(seen["title"].split()) == shown


def test_dark_and_light(training, tmp_path):
    script = """
        const style = (one, what) => getComputedStyle(one)[what];
        return {ground: style(document.body, "backgroundColor"), ink: style(document.body, "color"),
                op: style(all(".box.op .label")[0], "fill"), input: style(all(".box.input .outline")[0], "fill")};"""
    light = looked_at(training, script, tmp_path, "--blink-settings=preferredColorScheme=1")
    dark = looked_at(training, script, tmp_path, "--blink-settings=preferredColorScheme=0")

    def brightness(color):
        return sum(map(int, re.findall(r"\d+", color)[:3]))

    for name in ("ground", "input"):
        assert brightness(dark[name]) < 300 < 600 < brightness(light[name])
    for name in ("ink", "op"):
        assert brightness(light[name]) < 300 < 600 < brightness(dark[name])


def test_functions_that_do_nothing_or_were_never_called(tmp_path):
    script = """
        $("fit").click(); $("farther").click(); $("unfold").click(); type("x"); $("next").click();
        const told = all("#view .box").map((one) => { click(one); return $("details").innerText; });
        return {boxes: labels("#view .box"), told, matrix: matrix()};"""
    seen = looked_at(theano.function([], []), script, tmp_path)
    assert seen["boxes"] == [] and "NaN" not in seen["matrix"]
    x = T.dscalar("x")
    f = theano.function([x], T.exp(x), profile=theano.ProfileStats(atexit_print=False))
    seen = looked_at(f, script, tmp_path)
    assert seen["boxes"] == ["exp", "output 0", "x"] and "NaN" not in json.dumps(seen)
    assert "in 0 calls" in seen["told"][1]


def test_a_large_graph(tmp_path):
    x = T.dvector("x")
    y = x
    for k in range(1500):
        y = T.sin(y) * 2 + x if k % 3 else T.cos(y)
    seen = looked_at([theano.grad(y.sum(), x)], """
        const r = $("picture").getBoundingClientRect();
        const shown = all(".box").map(outline).filter((b) => b.bottom > r.top && b.top < r.bottom && b.right > r.left
            && b.left < r.right && b.height > 10).length;
        type("cos"); $("next").click();
        const current = outline(all(".current")[0]);
        return {boxes: all("#view .box").length, shown, count: $("count").textContent,
                seen: current.left > r.left && current.right < r.right && current.top > r.top
                    && current.bottom < r.bottom};
        """, tmp_path)  # fmt: skip
    assert seen["boxes"] > 5000 and seen["shown"] > 3 and seen["seen"]
    assert seen["count"].startswith("1 / ")
