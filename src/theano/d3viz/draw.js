// SVG elements for an arrangement. What is drawn is found again by its key: "path:node" for a box, "path#edge" for an
// arrow, where the path says inside which unfolded ops it lies.

const SVG = "http://www.w3.org/2000/svg";

function element(name, attributes, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const ruler = document.createElement("canvas").getContext("2d");
const FONT = 'system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';
const widths = new Map();

function textWidth(text, font) {
  const key = font + text;
  if (!widths.has(key)) {
    ruler.font = `${font} ${FONT}`;
    widths.set(key, ruler.measureText(text).width);
  }
  return widths.get(key);
}

function noteOf(node, total) {
  if (node.kind === "constant" || node.note === node.label) return "";
  return node.seconds === undefined || !total ? node.note : `${node.note} · ${percent(node.seconds, total)}`;
}

function percent(seconds, total) {
  return `${(total ? 100 * seconds / total : 0).toFixed(1)} %`;
}

function sizeOfNode(node, total) {
  const sign = node.inner === undefined ? "" : "⊞ ", note = noteOf(node, total);
  const widest = Math.max(textWidth(sign + node.label, "600 13px"), textWidth(note, "11px"));
  const room = node.kind === "op" || node.kind === "variable" ? 22 : 32;
  return [Math.max(44, Math.ceil(widest) + room), note ? 40 + (cylindrical(node.kind) ? 8 : 0) : 26];
}

function cylindrical(kind) {
  return kind === "shared" || kind === "update";
}

// The outline of a box of a kind, and a second line that tells kinds apart without colour.
function outlines(kind, w, h, nested) {
  if (kind === "constant") return [`M9,0H${w - 9}L${w},${h / 2}L${w - 9},${h}H9L0,${h / 2}Z`, ""];
  if (cylindrical(kind)) {
    const arc = `A${w / 2},5 0 0 0 ${w},5`;
    return [`M0,5A${w / 2},5 0 0 1 ${w},5V${h - 5}A${w / 2},5 0 0 1 0,${h - 5}Z`, `M0,5${arc}`];
  }
  if (kind === "input") return [rounded(0, 0, w, h, h / 2), ""];
  if (kind === "output") return [rounded(0, 0, w, h, h / 2), rounded(3, 3, w - 6, h - 6, h / 2 - 3)];
  if (kind === "variable") return [rounded(0, 0, w, h, 1), ""];
  return [rounded(0, 0, w, h, 6), nested ? rounded(3, 3, w - 6, h - 6, 4) : ""];
}

function rounded(x, y, w, h, r) {
  const arc = (dx, dy) => `a${r},${r} 0 0 1 ${dx},${dy}`;
  return `M${x + r},${y}h${w - 2 * r}${arc(r, r)}v${h - 2 * r}${arc(-r, r)}h${2 * r - w}${arc(-r, -r)}v${2 * r - h}${arc(r, -r)}z`;
}

// Draw an arrangement into `parent`; `drawn` learns {boxes, edges, near}: what belongs to a key, and the edges of a box.
function draw(made, parent, drawn, scale) {
  const group = element("g", {transform: `translate(${made.left},${made.top})`});
  const frames = element("g"), edges = element("g"), boxes = element("g");
  group.append(frames, edges, boxes);
  made.slotOf = new Map();
  made.graph.slots.forEach((node, slot) => { if (node >= 0 && !made.slotOf.has(node)) made.slotOf.set(node, slot); });
  for (const [slot, child] of made.children) {
    child.left = made.x[slot] - child.width / 2;
    child.top = made.y[slot] + TITLE;
    draw(child, boxes, drawn, scale);
  }
  made.graph.slots.forEach((node, slot) => {
    if (node < 0) return;
    const frame = made.children.has(slot);
    const box = drawBox(made, node, slot, frame, scale);
    (frame ? frames : boxes).append(box);
    if (frame) boxes.append(titleOf(made, node, slot));
    remember(drawn.boxes, box.dataset.key, {element: box, made, node, slot});
  });
  made.graph.edges.forEach((edge, number) => {
    const drawnEdge = drawEdge(made, edge, number);
    edges.append(drawnEdge);
    const key = drawnEdge.dataset.key;
    drawn.edges.set(key, {element: drawnEdge, made, edge});
    for (const node of new Set([edge[0], edge[2]])) remember(drawn.near, `${made.path}:${node}`, drawnEdge);
  });
  parent.append(group);
}

function remember(map, key, value) {
  if (map.has(key)) map.get(key).push(value);
  else map.set(key, [value]);
}

function drawBox(made, number, slot, frame, scale) {
  const node = made.graph.nodes[number], w = made.w[slot], h = made.h[slot], nested = node.inner !== undefined;
  const heat = node.seconds === undefined || frame ? 0 : node.seconds / scale.most;
  const box = element("g", {
    class: `box ${node.kind}${frame ? " frame" : ""}${nested ? " nested" : ""}${heat > 0.2 ? " hot" : ""}`,
    "data-key": `${made.path}:${number}`,
    transform: `translate(${made.x[slot] - w / 2},${made.y[slot]})`,
  });
  const [outline, inside] = outlines(node.kind, w, h, nested && !frame);
  const shape = element("path", {class: "outline", d: outline});
  if (heat > 0) shape.style.fill = `color-mix(in srgb, var(--heat) ${Math.round(60 * heat)}%, var(--op))`;
  box.append(shape);
  if (inside) box.append(element("path", {class: "inside", d: inside}));
  if (node.kind === "op" && !frame) {
    const stripe = element("rect", {class: "stripe", x: 3.5, y: 6, width: 3, height: h - 12, rx: 1.5});
    stripe.style.fill = `var(--${node.family.split(" ")[0]})`;
    box.append(stripe);
  }
  if (heat > 0) box.append(element("rect", {class: "bar", x: 8, y: h - 5, width: (w - 16) * heat, height: 2.5}));
  const note = noteOf(node, scale.total), drop = cylindrical(node.kind) ? 5 : 0;
  if (frame) return box;
  const text = `${nested ? "⊞ " : ""}${node.label}`;
  box.append(element("text", {class: "label", x: w / 2, y: note ? 17 + drop : 18}, text));
  if (note) box.append(element("text", {class: "note", x: w / 2, y: 31 + drop}, note));
  return box;
}

// Of an unfolded op: above the arrows that go into it.
function titleOf(made, number, slot) {
  const at = {class: "label title", x: made.x[slot], y: made.y[slot] + 18};
  return element("text", at, `⊟ ${made.graph.nodes[number].label}`);
}

// -- arrows -----------------------------------------------------------------------------------------------------------

function drawEdge(made, edge, number) {
  const [, , , , use] = edge, route = made.graph.routes[number];
  const direct = made.layerOf[route[route.length - 1]] - made.layerOf[route[0]] > route.length - 1;
  const made_of = {class: `edge${use ? ` ${use}` : ""}${direct ? " direct" : ""}`, "data-key": `${made.path}#${number}`};
  const start = startOf(made, edge, route[0]), ends = endsOf(made, edge, route[route.length - 1]);
  const d = ends.map((end) => curve(made, start, route, end)).join("");
  const heads = ends.map(([x, y]) => `M${x},${y}l-3.6,-7h7.2z`).join("");
  return element("g", made_of, element("path", {class: "line", d}), element("path", {class: "arrow", d: heads}),
                 element("path", {class: "reach", d}));
}

// Within a layer an arrow goes straight down, past boxes however tall; it bends between layers only.
function curve(made, start, route, end) {
  let [x, y] = start, d = `M${x},${y}`;
  route.forEach((slot, k) => {
    const layer = made.layerOf[slot], last = k === route.length - 1;
    if (k > 0) {
      const nx = last ? end[0] : made.x[slot], ny = made.tops[layer], pull = (ny - y) / 2;
      d += Math.abs(nx - x) < 0.5 ? `L${nx},${ny}` : `C${x},${y + pull} ${nx},${ny - pull} ${nx},${ny}`;
      x = nx;
    }
    y = last ? end[1] : made.bottoms[layer];
    d += `V${y}`;
  });
  return d;
}

// An arrow out of an unfolded op starts at the output inside.
function startOf(made, [source, output], slot) {
  const child = made.children.get(slot), node = made.graph.nodes[source];
  const inside = child && node.exits.find(([outer]) => outer === output);
  if (inside) {
    const box = child.slotOf.get(child.graph.outputs[inside[1]]);
    return [child.left + child.x[box], child.top + child.y[box] + child.h[box]];
  }
  const outputs = node.outputs ? node.outputs.length : 1;
  return [made.x[slot] + port(made.w[slot], output, outputs), made.y[slot] + made.h[slot]];
}

// An arrow into an unfolded op goes on to the inputs inside.
function endsOf(made, [, , target, position], slot) {
  const child = made.children.get(slot), node = made.graph.nodes[target];
  const inside = child ? node.entries.filter(([outer]) => outer === position) : [];
  if (inside.length) {
    return inside.map(([, own]) => {
      const box = child.slotOf.get(child.graph.inputs[own]);
      return [child.left + child.x[box], child.top + child.y[box]];
    });
  }
  if (made.arriving === undefined) made.arriving = inputsOf(made.graph);
  return [[made.x[slot] + port(made.w[slot], position, made.arriving[target]), made.y[slot]]];
}
