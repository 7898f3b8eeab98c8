// What the page does: draws the graph, moves and zooms it, unfolds inner graphs, searches, and tells details.

const MOST_BOXES = 20000;  // "unfold all" stops there
const MOST_HITS = 5000;
const MOST_LISTED = 100;

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const graphs = data.graphs;
const seconds = graphs.flatMap((graph) => graph.nodes.map((node) => node.seconds || 0));
const scale = {total: data.total, most: seconds.reduce((a, b) => Math.max(a, b), 0) || 1};
const picture = $("picture"), view = $("view");
const unfolded = new Set();  // paths of ops that are shown with their inside
let drawn, whole, selected = null;
const place = {x: 0, y: 0, zoom: 1};
let keep = null;  // begin or fit, while nobody has moved or zoomed: done again when the window changes

// -- drawing ----------------------------------------------------------------------------------------------------------

function redraw() {
  drawn = {boxes: new Map(), edges: new Map(), near: new Map()};
  whole = arrange(graphs, 0, "", unfolded, (node) => sizeOfNode(node, scale.total));
  whole.left = whole.top = 0;
  view.replaceChildren();
  draw(whole, view, drawn, scale);
  markSelected();
  markHits();
}

// Redraw, and keep the box of `key` where it is on the screen.
function redrawAround(key) {
  const before = drawn.boxes.get(key)?.[0].element.getBoundingClientRect();
  redraw();
  const after = drawn.boxes.get(key)?.[0].element.getBoundingClientRect();
  if (before && after) {
    place.x += before.left + before.width / 2 - after.left - after.width / 2;
    place.y += before.top - after.top;
    move();
  }
}

function toggle(key) {
  const path = key.replace(":", "/");
  if (unfolded.has(path)) {
    for (const other of [...unfolded]) if (other === path || other.startsWith(`${path}/`)) unfolded.delete(other);
  } else {
    unfolded.add(path);
  }
  redrawAround(key);
}

function unfoldAll() {
  let boxes = 0;
  const pending = [["", 0]];
  while (pending.length) {
    const [path, number] = pending.shift();
    boxes += graphs[number].nodes.length;
    if (boxes > MOST_BOXES) break;
    if (path) unfolded.add(path);
    graphs[number].nodes.forEach((node, k) => {
      if (node.inner !== undefined) pending.push([`${path}/${k}`, node.inner]);
    });
  }
}

// -- moving and zooming -----------------------------------------------------------------------------------------------

function move() {
  keep = null;
  transform();
}

function transform() {
  view.setAttribute("transform", `translate(${place.x},${place.y}) scale(${place.zoom})`);
  picture.classList.toggle("far", place.zoom < 0.45);
  picture.classList.toggle("farther", place.zoom < 0.2);
}

function zoom(factor, x = picture.clientWidth / 2, y = picture.clientHeight / 2) {
  const wanted = Math.min(4, Math.max(0.005, place.zoom * factor));
  place.x = x - (x - place.x) * wanted / place.zoom;
  place.y = y - (y - place.y) * wanted / place.zoom;
  place.zoom = wanted;
  move();
}

function showAll() {
  keep = fit;
  fit();
}

function fit() {
  const w = picture.clientWidth || 800, h = picture.clientHeight || 600;
  place.zoom = Math.max(0.005, Math.min(1.1, (w - 40) / (whole.width || 1), (h - 40) / (whole.height || 1)));
  place.x = (w - whole.width * place.zoom) / 2;
  place.y = Math.max(20, (h - whole.height * place.zoom) / 2);
  transform();
}

// At first: everything, or of a graph too large to be read the top of it.
function begin() {
  keep = begin;
  fit();
  if (place.zoom >= 0.15) return;
  const first = whole.graph.layers[0].map((slot) => whole.x[slot]);
  place.zoom = 0.5;
  place.x = picture.clientWidth / 2 - place.zoom * first.reduce((a, b) => a + b, 0) / first.length;
  place.y = 30;
  transform();
}

function centre(key) {
  const box = drawn.boxes.get(key)?.[0].element.querySelector(".outline").getBoundingClientRect();
  if (!box) return;
  if (place.zoom < 0.5) {
    zoom(0.8 / place.zoom, box.left + box.width / 2 - picture.getBoundingClientRect().left,
         box.top + box.height / 2 - picture.getBoundingClientRect().top);
    return centre(key);
  }
  const frame = picture.getBoundingClientRect();
  place.x += frame.left + frame.width / 2 - box.left - box.width / 2;
  place.y += frame.top + frame.height / 2 - box.top - Math.min(box.height, frame.height) / 2;
  move();
}

picture.addEventListener("wheel", (event) => {
  event.preventDefault();
  const frame = picture.getBoundingClientRect(), lines = event.deltaMode === 1 ? 16 : 1;
  zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0015)), event.clientX - frame.left,
       event.clientY - frame.top);
}, {passive: false});

let drag = null, dragged = false;
picture.addEventListener("pointerdown", (event) => {
  if (event.button === 0) drag = {x: event.clientX, y: event.clientY};
  dragged = false;
});
window.addEventListener("pointermove", (event) => {
  if (!drag || (!dragged && Math.hypot(event.clientX - drag.x, event.clientY - drag.y) < 4)) return;
  dragged = true;
  picture.classList.add("dragged");
  place.x += event.clientX - drag.x;
  place.y += event.clientY - drag.y;
  drag = {x: event.clientX, y: event.clientY};
  move();
});
for (const name of ["pointerup", "pointercancel"]) {
  window.addEventListener(name, () => { drag = null; picture.classList.remove("dragged"); });
}

// -- details ----------------------------------------------------------------------------------------------------------

function html(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties || {});
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

function pairs(list) {
  const known = list.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return html("dl", null, ...known.flatMap(([name, value]) => [html("dt", null, name), html("dd", null, String(value))]));
}

function resultOf(graph, [source, output]) {
  const node = graph.nodes[source];
  return node.outputs ? node.outputs[output] : node;
}

function nameOf(node) {
  return node.kind === "op" ? `${node.label}${node.number === null ? "" : ` (${node.number})`}` : node.label;
}

function link(path, number, text) {
  const button = html("button", {type: "button"}, text);
  button.addEventListener("click", () => go(`${path}:${number}`));
  return html("li", null, button);
}

function list(title, items) {
  if (items.length === 0) return [];
  const more = items.length > MOST_LISTED ? [html("li", null, `and ${items.length - MOST_LISTED} more`)] : [];
  return [html("h3", null, title), html("ul", null, ...items.slice(0, MOST_LISTED), ...more)];
}

function placesOf(node) {
  return node.at.length === 0 ? [] : [html("h3", null, "Made at"), ...node.at.map((k) => {
    const [file, line, where, text] = data.places[k];
    return html("div", null, html("code", null, `${file}:${line}`), `, in ${where}`, text ? html("pre", null, text) : null);
  })];
}

const KINDS = {
  op: "operation", input: "input", constant: "constant", shared: "shared variable", variable: "variable",
  output: "output", update: "new value of a shared variable",
};

function tellBox({made: {graph, path}, node: number}) {
  const node = graph.nodes[number], within = (k) => graph.nodes[k];
  const arriving = graph.edges.filter((edge) => edge[2] === number).sort((a, b) => a[3] - b[3]);
  const leaving = graph.edges.filter((edge) => edge[0] === number);
  const typed = (result) => `${result.name ? `${result.name}: ` : ""}${result.type}`;
  const time = node.seconds === undefined ? null
    : `${(1e6 * node.seconds).toFixed(1)} µs in ${node.calls} calls, ${percent(node.seconds, data.total)}`;
  const update = node.updates === undefined ? [] : [link(path, graph.inputs[node.updates], node.target)];
  $("details").replaceChildren(
    html("h2", null, node.label),
    pairs([
      ["kind", KINDS[node.kind]], ["op", node.op], ["class", node.class], ["family", node.family],
      ["number", node.number], ["name", node.name], ["type", node.type], ["value", node.value], ["time", time],
    ]),
    ...list("Becomes the value of", update),
    ...list("Inputs", arriving.map((edge) => link(path, edge[0],
      `${edge[3]}: ${nameOf(within(edge[0]))}, ${typed(resultOf(graph, edge))}${edge[4] ? ` [${edge[4]}]` : ""}`))),
    ...list("Outputs", (node.outputs || []).map((result, k) => html("li", null, `${k}: ${typed(result)}`))),
    ...list("Used by", leaving.map((edge) => link(path, edge[2], `${nameOf(within(edge[2]))}, input ${edge[3]}`))),
    ...placesOf(node),
  );
}

function tellEdge({made: {graph, path}, edge}) {
  const result = resultOf(graph, edge), source = graph.nodes[edge[0]], target = graph.nodes[edge[2]];
  $("details").replaceChildren(
    html("h2", null, result.name || result.type),
    pairs([["kind", "variable"], ["name", result.name], ["type", result.type], ["use", edge[4]]]),
    ...list("From", [link(path, edge[0], nameOf(source))]),
    ...list("To", [link(path, edge[2], `${nameOf(target)}, input ${edge[3]}`)]),
    ...placesOf(source),
  );
}

function tell(key) {
  if (key !== null && drawn.boxes.has(key)) tellBox(drawn.boxes.get(key)[0]);
  else if (key !== null && drawn.edges.has(key)) tellEdge(drawn.edges.get(key));
  else $("details").replaceChildren(html("p", null, "Point at a box or an arrow; click to keep its details here."));
}

function select(key) {
  selected = key;
  markSelected();
  tell(key);
}

function markSelected() {
  for (const old of view.querySelectorAll(".selected")) old.classList.remove("selected");
  for (const old of view.querySelectorAll(".near")) old.classList.remove("near");
  for (const {element} of drawn.boxes.get(selected) || []) element.classList.add("selected");
  for (const edge of drawn.near.get(selected) || []) edge.classList.add("near");
  drawn.edges.get(selected)?.element.classList.add("selected");
}

function go(key) {
  const parts = key.split(":")[0].split("/");
  let hidden = false;
  for (let k = 2; k <= parts.length; k++) {
    const path = parts.slice(0, k).join("/");
    hidden = hidden || !unfolded.has(path);
    unfolded.add(path);
  }
  if (hidden) redraw();
  select(key);
  centre(key);
}

const keyOf = (event) => event.target.closest?.("[data-key]")?.dataset.key ?? null;

picture.addEventListener("click", (event) => {
  if (dragged) return;
  const key = keyOf(event), box = drawn.boxes.get(key)?.[0];
  select(key);
  if (box && box.made.graph.nodes[box.node].inner !== undefined) toggle(key);
});
picture.addEventListener("pointerover", (event) => {
  const key = keyOf(event);
  if (drag || key === null) return;
  tell(key);
  for (const edge of drawn.near.get(key) || []) edge.classList.add("near");
});
picture.addEventListener("pointerout", (event) => {
  if (drag || keyOf(event) === null) return;
  markSelected();
  tell(selected);
});

// -- search -----------------------------------------------------------------------------------------------------------

let hits = [], current = -1;
const texts = graphs.map((graph) => graph.nodes.map((node) => [
  node.label, node.op, node.name, node.type, node.kind, node.target, node.value,
  ...(node.outputs || []).flatMap((result) => [result.name, result.type]),
].filter(Boolean).join("\n").toLowerCase()));

// The keys of all boxes, folded ones too, in which every word occurs.
function find(words) {
  const own = texts.map((nodes) => nodes.map((text) => words.every((word) => text.includes(word))));
  const holds = own.map((nodes) => nodes.some(Boolean));  // in a graph or in those inside it
  for (let changed = true; changed;) {
    changed = false;
    graphs.forEach((graph, k) => {
      if (!holds[k] && graph.nodes.some((node) => node.inner !== undefined && holds[node.inner])) changed = holds[k] = true;
    });
  }
  const found = [], pending = [["", 0]];
  while (pending.length && found.length < MOST_HITS) {
    const [path, number] = pending.pop(), inside = [];
    graphs[number].nodes.forEach((node, k) => {
      if (own[number][k]) found.push(`${path}:${k}`);
      if (node.inner !== undefined && holds[node.inner]) inside.push([`${path}/${k}`, node.inner]);
    });
    pending.push(...inside.reverse());
  }
  return found.slice(0, MOST_HITS);
}

function search() {
  const words = $("query").value.toLowerCase().split(/\s+/).filter(Boolean);
  hits = words.length ? find(words) : [];
  current = -1;
  markHits();
}

function markHits() {
  for (const name of ["hit", "holds", "current"]) {
    for (const old of view.querySelectorAll(`.${name}`)) old.classList.remove(name);
  }
  for (const key of hits) {
    for (const {element} of drawn.boxes.get(key) || []) element.classList.add("hit");
    for (let path = key.split(":")[0]; path; path = path.slice(0, path.lastIndexOf("/"))) {
      const end = path.lastIndexOf("/"), holder = `${path.slice(0, end)}:${path.slice(end + 1)}`;
      for (const {element} of drawn.boxes.get(holder) || []) {
        if (!element.classList.contains("frame")) element.classList.add("holds");
      }
    }
  }
  if (current >= 0) for (const {element} of drawn.boxes.get(hits[current]) || []) element.classList.add("current");
  const more = hits.length === MOST_HITS ? "+" : "";
  $("count").textContent = $("query").value.trim() === "" ? "" : `${current + 1} / ${hits.length}${more}`;
  $("next").disabled = $("previous").disabled = hits.length === 0;
}

function step(by) {
  if (hits.length === 0) return;
  current = current < 0 ? (by > 0 ? 0 : hits.length - 1) : (current + by + hits.length) % hits.length;
  go(hits[current]);
  markHits();
}

$("query").addEventListener("input", search);
$("search").addEventListener("submit", (event) => event.preventDefault());
$("query").addEventListener("keydown", (event) => {
  if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
  if (event.key === "Escape") { $("query").value = ""; search(); picture.focus(); }
});
$("next").addEventListener("click", () => step(1));
$("previous").addEventListener("click", () => step(-1));

// -- buttons and keys -------------------------------------------------------------------------------------------------

$("fit").addEventListener("click", showAll);
$("closer").addEventListener("click", () => zoom(1.3));
$("farther").addEventListener("click", () => zoom(1 / 1.3));
$("unfold").addEventListener("click", () => { unfoldAll(); redraw(); showAll(); });
$("fold").addEventListener("click", () => { unfolded.clear(); redraw(); showAll(); });

const MOVES = {ArrowLeft: [70, 0], ArrowRight: [-70, 0], ArrowUp: [0, 70], ArrowDown: [0, -70]};
const KEYS = {
  "+": () => zoom(1.3), "=": () => zoom(1.3), "-": () => zoom(1 / 1.3), f: showAll, 0: showAll,
  "/": () => $("query").focus(), n: () => step(1), N: () => step(-1), Escape: () => select(null),
  u: () => {
    const box = drawn.boxes.get(selected)?.[0];
    if (box && box.made.graph.nodes[box.node].inner !== undefined) toggle(selected);
  },
};
document.addEventListener("keydown", (event) => {
  if (event.target.closest("input, button, summary") || event.ctrlKey || event.metaKey || event.altKey) return;
  if (MOVES[event.key]) {
    place.x += MOVES[event.key][0];
    place.y += MOVES[event.key][1];
    move();
  } else if (KEYS[event.key]) {
    KEYS[event.key]();
  } else {
    return;
  }
  event.preventDefault();
});

// -- start ------------------------------------------------------------------------------------------------------------

function legend() {
  for (const kind of ["input", "shared", "constant", "op", "output", "update"]) {
    const [outline, inside] = outlines(kind, 34, 18, false);
    const shape = element("svg", {width: 36, height: 20, viewBox: "-1 -1 36 20"}, element("g", {class: kind},
      element("path", {class: "outline", d: outline}), element("path", {class: "inside", d: inside})));
    $("shapes").append(html("li", null, shape, KINDS[kind].replace("new value of a ", "new value, ")));
  }
  const families = new Set(graphs.flatMap((graph) => graph.nodes.map((node) => node.family).filter(Boolean)));
  for (const family of families) {
    const swatch = html("i");
    swatch.style.background = `var(--${family.split(" ")[0]})`;
    $("shapes").append(html("li", null, swatch, family));
  }
}

const counts = graphs[0].nodes.filter((node) => node.kind === "op").length;
$("title").textContent = $("title").title = data.title;
$("size").textContent = `${counts} operations${graphs.length > 1 ? `, ${graphs.length - 1} inner graphs` : ""}`
  + (data.total === null ? "" : `, ${(1000 * data.total).toPrecision(3)} ms in all`);
if (graphs.length === 1) $("unfold").hidden = $("fold").hidden = true;
legend();
redraw();
begin();
select(null);
search();
window.addEventListener("resize", () => keep?.());
