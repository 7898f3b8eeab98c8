// Coordinates for what layout.py has put into layers: no two boxes meet, and arrows are as straight as that allows.
//
// arrange() gives {graph, path, x, y, w, h, layerOf, tops, bottoms, children, width, height}: for every slot its centre
// x, its top y and its size; for every layer where it starts and ends; for unfolded ops the arrangement of their inside.

const GAP = 18, GAP_OF_BENDS = 7, GAP_OF_LAYERS = 46, FRAME = 14, TITLE = 28;
const SWEEPS = 12;

function arrange(graphs, number, path, unfolded, sizeOf) {
  const graph = graphs[number], count = graph.slots.length;
  const made = {graph, path, children: new Map(), layerOf: new Array(count), w: new Array(count), h: new Array(count)};
  graph.slots.forEach((node, slot) => {
    [made.w[slot], made.h[slot]] = node < 0 ? [0, 0] : sizeOf(graph.nodes[node]);
    const inside = node < 0 ? undefined : graph.nodes[node].inner;
    if (inside !== undefined && unfolded.has(`${path}/${node}`)) {
      const child = arrange(graphs, inside, `${path}/${node}`, unfolded, sizeOf);
      made.children.set(slot, child);
      made.w[slot] = Math.max(made.w[slot], child.width + 2 * FRAME);
      made.h[slot] = child.height + TITLE + FRAME;
    }
  });
  graph.layers.forEach((layer, k) => layer.forEach((slot) => { made.layerOf[slot] = k; }));
  stackLayers(made);
  made.x = straighten(graph, made);
  const left = made.x.reduce((least, x, slot) => Math.min(least, x - made.w[slot] / 2), Infinity);
  made.x = made.x.map((x) => x - left);
  made.width = made.x.reduce((most, x, slot) => Math.max(most, x + made.w[slot] / 2), 0);
  return made;
}

function stackLayers(made) {
  made.y = new Array(made.graph.slots.length);
  made.tops = [];
  made.bottoms = [];
  let y = 0;
  for (const layer of made.graph.layers) {
    const height = layer.reduce((most, slot) => Math.max(most, made.h[slot]), 0);
    for (const slot of layer) made.y[slot] = y + (height - made.h[slot]) / 2;
    made.tops.push(y);
    made.bottoms.push(y + height);
    y += height + GAP_OF_LAYERS;
  }
  made.height = Math.max(0, y - GAP_OF_LAYERS);
}

// Where, from the middle of a box of width w, arrow number k of n meets it.
function port(w, k, n) {
  return w * ((k + 1) / (n + 1) - 0.5);
}

function inputsOf(graph) {
  const found = new Array(graph.nodes.length).fill(0);
  for (const edge of graph.edges) found[edge[2]] += 1;
  return found;
}

function linksOf(graph, made) {
  // [[other slot, where it should be relative to it, weight]] above and below every slot. Arrows without bends, however
  // long, keep their ends near to each other.
  const above = graph.slots.map(() => []), below = graph.slots.map(() => []);
  const inputs = inputsOf(graph), seen = new Set();
  graph.edges.forEach(([source, output, target, position], number) => {
    const route = graph.routes[number];
    for (let k = 1; k < route.length; k++) {
      const a = route[k - 1], b = route[k], last = k === route.length - 1;
      if (!last && seen.has(b)) continue;
      if (!last) seen.add(b);
      const outputs = graph.nodes[source].outputs;
      const start = k === 1 && outputs ? port(made.w[a], output, outputs.length) : 0;
      const end = last ? port(made.w[b], position, inputs[target]) : 0;
      const bends = (graph.slots[a] < 0) + (graph.slots[b] < 0);
      const long = made.layerOf[b] - made.layerOf[a] > 1;
      const weight = graph.nodes[source].kind === "constant" ? 0.05 : long ? 0.3 : [1, 2, 8][bends];
      above[b].push([a, start - end, weight]);
      below[a].push([b, end - start, weight]);
    }
  });
  return [above, below];
}

function straighten(graph, made) {
  const [above, below] = linksOf(graph, made);
  const x = new Array(graph.slots.length).fill(0);
  const both = above.map((links, slot) => links.concat(below[slot]));
  for (const layer of graph.layers) settle(layer, x, graph, made, above);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    const down = sweep % 2 === 0, links = sweep >= SWEEPS - 4 ? both : down ? above : below;
    for (const layer of down ? graph.layers : [...graph.layers].reverse()) settle(layer, x, graph, made, links);
  }
  for (let round = 0; round < 2; round++) pullStraight(graph, made, x);
  return x;
}

function gapBetween(graph, made, left, right) {
  const bends = graph.slots[left] < 0 && graph.slots[right] < 0;
  return (made.w[left] + made.w[right]) / 2 + (bends ? GAP_OF_BENDS : GAP);
}

// The bends of an arrow share one x over as many layers as their neighbours leave room for.
function pullStraight(graph, made, x) {
  const before = new Map(), after = new Map(), done = new Set();
  for (const layer of graph.layers) {
    layer.forEach((slot, k) => { before.set(slot, layer[k - 1]); after.set(slot, layer[k + 1]); });
  }
  const room = (slot) => {
    const left = before.get(slot), right = after.get(slot);
    return [left === undefined ? -Infinity : x[left] + gapBetween(graph, made, left, slot),
            right === undefined ? Infinity : x[right] - gapBetween(graph, made, slot, right)];
  };
  const longestFirst = [...graph.routes].sort((a, b) => b.length - a.length);
  for (const route of longestFirst) {
    const bends = route.slice(1, -1).filter((slot) => !done.has(slot));
    let run = [], low = -Infinity, high = Infinity;
    const close = (wanted) => {
      for (const slot of run) x[slot] = Math.min(high, Math.max(low, wanted));
      run = [];
    };
    const start = x[route[0]], end = x[route[route.length - 1]];
    bends.forEach((slot, k) => {
      done.add(slot);
      const [least, most] = room(slot);
      if (Math.max(low, least) > Math.min(high, most)) {
        close(k === run.length ? start : x[run[0]]);
        [low, high] = [least, most];
      } else {
        [low, high] = [Math.max(low, least), Math.min(high, most)];
      }
      run.push(slot);
    });
    close(run.length === bends.length && low <= start && start <= high ? start : end);
  }
}

// The places nearest to where the links want the slots of a layer (least squares) in the given order and without
// overlap: an isotonic regression, by pooling adjacent violators.
function settle(layer, x, graph, made, links) {
  const blocks = [];
  let offset = 0;
  const offsets = layer.map((slot, k) => {
    if (k > 0) offset += gapBetween(graph, made, layer[k - 1], slot);
    return offset;
  });
  layer.forEach((slot, k) => {
    let sum = 0.001 * x[slot], weight = 0.001;
    for (const [other, distance, strength] of links[slot]) {
      sum += strength * (x[other] + distance);
      weight += strength;
    }
    let block = {sum: sum - weight * offsets[k], weight, size: 1};
    while (blocks.length && blocks[blocks.length - 1].sum * block.weight >= block.sum * blocks[blocks.length - 1].weight) {
      const before = blocks.pop();
      block = {sum: before.sum + block.sum, weight: before.weight + block.weight, size: before.size + block.size};
    }
    blocks.push(block);
  });
  let k = 0;
  for (const {sum, weight, size} of blocks) {
    for (const end = k + size; k < end; k++) x[layer[k]] = sum / weight + offsets[k];
  }
}
