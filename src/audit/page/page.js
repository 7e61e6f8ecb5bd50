"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const $ = id => document.getElementById(id);
  const SVG = "http://www.w3.org/2000/svg";
  // Text of the repository only ever becomes a text node.
  const el = (tag, attrs, ...inside) => {
    const e = document.createElement(tag);
    for (const [k, v] of Object.entries(attrs || {})) {
      if (k === "on") e.addEventListener("click", v); else e.setAttribute(k, v);
    }
    e.append(...inside.filter(x => x !== null && x !== undefined));
    return e;
  };
  const svg = (tag, attrs, ...inside) => {
    const e = document.createElementNS(SVG, tag);
    for (const [k, v] of Object.entries(attrs || {})) e.setAttribute(k, v);
    e.append(...inside);
    return e;
  };
  const number = s => s === null ? "–" : s.toFixed(2);
  const none = "(none)";

  const trend = () => {
    const points = data.history.filter(l => l.score !== null);
    if (points.length < 2) return;
    const scores = points.map(l => l.score);
    const low = Math.min(...scores), high = Math.max(...scores), span = high - low || 1;
    const x = i => 10 + i * 380 / (points.length - 1), y = s => 74 - (s - low) / span * 60;
    const root = svg("svg", { viewBox: "0 0 400 90", role: "img", "aria-label": "trend of the score, from " + number(scores[0]) + " to " + number(scores[scores.length - 1]) });
    let path = "";
    points.forEach((l, i) => {
      // Scores of another set of rules are not joined to those before.
      const same = i > 0 && points[i - 1].rules === l.rules;
      path += (same ? "L" : "M") + x(i).toFixed(1) + " " + y(l.score).toFixed(1);
      if (i > 0 && !same) root.append(svg("line", { class: "cut", x1: x(i) - 6, x2: x(i) - 6, y1: 4, y2: 86 }, svg("title", {}, "other rules from here on")));
    });
    root.append(svg("path", { class: "line", d: path }));
    points.forEach((l, i) => root.append(svg("circle", { class: "dot", r: 3.5, cx: x(i), cy: y(l.score) }, svg("title", {}, (l.day || "") + " " + l.commit.slice(0, 9) + ": " + number(l.score)))));
    $("trend").append(root, el("div", { class: "sub" }, points.length + " commits, " + number(low) + " to " + number(high) + "; a dashed line: the rules changed"));
  };

  const heat = () => {
    const all = [...new Set(data.cells.map(c => c.layer))];
    const layers = [...all.filter(l => l !== null), ...all.filter(l => l === null)];
    const categories = [...new Set(data.cells.map(c => c.category))].sort();
    const head = el("tr", {}, el("th", { scope: "col" }, "layer"), ...categories.map(c => el("th", { scope: "col" }, c)));
    const rows = layers.map(layer => el("tr", {}, el("th", { scope: "row" }, layer === null ? none : layer), ...categories.map(category => {
      const cell = data.cells.find(c => c.layer === layer && c.category === category);
      if (!cell) return el("td", { class: "cell" });
      const s = cell.score, shade = s >= 99.995 ? 0 : s >= 99 ? 1 : s >= 95 ? 2 : s >= 80 ? 3 : 4;
      const label = (layer === null ? none : layer) + " " + category + ": " + number(s) + ", " + cell.failing + " of " + cell.pairs + " fail";
      return el("td", { class: "cell" }, el("button", { type: "button", class: "h" + shade, title: label, "aria-label": label, on: () => { $("layer").value = layer === null ? none : layer; $("category").value = category; $("search").value = ""; list(); $("backlog").scrollIntoView(); $("search").focus({ preventScroll: true }); } }, number(s), el("small", {}, cell.failing + " / " + cell.pairs)));
    })));
    $("heat").append(el("table", {}, el("thead", {}, head), el("tbody", {}, ...rows)));
  };

  const options = (id, values) => {
    const sorted = [...new Set(values.map(v => v === null ? none : v))].sort();
    $(id).append(el("option", { value: "" }, "all"), ...sorted.map(v => el("option", { value: v }, v)));
    $(id).addEventListener("change", () => list());
  };
  // Of an item, the values that its findings have.
  for (const item of data.items) {
    item.all = item.findings.map(i => data.findings[i]);
    const of = key => new Set(item.all.map(f => f[key] === null ? none : f[key]));
    item.layers = of("layer"); item.sources = of("source"); item.owners = of("owner");
    item.text = (item.rule + " " + item.area + " " + item.all.map(f => f.path + " " + (f.node === null ? "" : data.nodes[f.node].name) + " " + f.message).join(" ")).toLowerCase();
  }
  const PAGE = 50;
  let shown = PAGE;
  const list = more => {
    shown = more === true ? shown + PAGE : PAGE;
    const words = $("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    const is = (id, set) => $(id).value === "" || set.has($(id).value);
    const hits = data.items.filter(i => is("severity", new Set([i.severity])) && is("category", new Set([i.category])) && is("layer", i.layers) && is("source", i.sources) && is("owner", i.owners) && words.every(w => i.text.includes(w)));
    $("count").textContent = hits.length + " of " + data.items.length + " items";
    $("items").replaceChildren(...hits.slice(0, shown).map(card));
    $("more").classList.toggle("hidden", hits.length <= shown);
  };
  const card = item => {
    const details = el("details", { class: "item" }, el("summary", {}, el("div", { class: "prio" }, item.priority.toFixed(2)),
      el("div", { class: "what" }, el("span", { class: "tag " + item.severity }, item.severity), item.rule + " in " + item.area + (item.owner ? " · " + item.owner : "")),
      el("div", { class: "msg" }, item.all.length + (item.all.length === 1 ? " finding: " : " findings: ") + item.message)));
    details.addEventListener("toggle", () => {
      if (!details.open || details.querySelector(".body")) return;
      const body = el("div", { class: "body" }, el("p", { class: "factors" }, item.factors.map(f => f.name + " " + f.times + " (" + f.value + ")").join(" × ") + " = " + item.priority.toFixed(2)), el("p", {}, item.docs));
      let from = 0;
      const next = el("button", { type: "button", class: "plain", on: () => add() }, "more findings");
      const add = () => {
        item.all.slice(from, from + PAGE).forEach(f => body.insertBefore(finding(f), next));
        from += PAGE;
        next.classList.toggle("hidden", from >= item.all.length);
      };
      body.append(next);
      add();
      details.append(body);
    });
    return details;
  };
  const finding = f => el("div", { class: "finding" }, el("div", {}, el("span", { class: "tag " + f.severity }, f.severity), f.rule + " ", el("span", { class: "at" }, f.path + ":" + f.line), " ",
    f.node === null ? null : el("button", { type: "button", class: "plain", on: () => { graph(f.node); $("around").scrollIntoView(); } }, "graph")),
    el("div", {}, f.message), el("div", { class: "help" }, data.helps[f.help]));

  const up = data.nodes.map(() => []), down = data.nodes.map(() => []);
  for (const [p, c] of data.edges) { down[p].push(c); up[c].push(p); }
  const rank = { error: 3, warn: 2, info: 1 };
  for (const f of data.findings) {
    if (f.node === null) continue;
    const n = data.nodes[f.node];
    if ((rank[f.severity] || 0) > (rank[n.worst] || 0)) n.worst = f.severity;
    n.count = (n.count || 0) + 1;
  }
  const COLUMN = 14;
  const graph = at => {
    const columns = new Map([[0, [at]]]), seen = new Set([at]);
    let cut = 0;
    const walk = (next, step, far) => {
      let front = [at];
      for (let d = 1; d <= far; d++) {
        const found = [];
        for (const n of front) for (const m of next[n]) if (!seen.has(m)) { seen.add(m); found.push(m); }
        found.sort((a, b) => (rank[data.nodes[b].worst] || 0) - (rank[data.nodes[a].worst] || 0) || (data.nodes[a].name < data.nodes[b].name ? -1 : 1));
        cut += Math.max(0, found.length - COLUMN);
        front = found.slice(0, COLUMN);
        if (front.length) columns.set(d * step, front);
      }
    };
    walk(up, -1, 2); walk(down, 1, 2);
    const keys = [...columns.keys()].sort((a, b) => a - b), width = 210, gap = 60, step = 40;
    const tall = Math.max(...keys.map(k => columns.get(k).length)) * step + 20;
    const place = new Map();
    keys.forEach((k, i) => columns.get(k).forEach((n, j) => place.set(n, [10 + i * (width + gap), 10 + (tall - 20 - columns.get(k).length * step) / 2 + j * step])));
    const root = svg("svg", { class: "graph", viewBox: "0 0 " + (keys.length * (width + gap) - gap + 20) + " " + tall });
    for (const [p, c] of data.edges) {
      if (!place.has(p) || !place.has(c)) continue;
      const [x1, y1] = place.get(p), [x2, y2] = place.get(c), a = x1 + width, m = (a + x2) / 2;
      root.append(svg("path", { d: "M" + a + " " + (y1 + 14) + "C" + m + " " + (y1 + 14) + " " + m + " " + (y2 + 14) + " " + x2 + " " + (y2 + 14) }));
    }
    for (const [n, [x, y]] of place) {
      const node = data.nodes[n], name = node.name.length > 27 ? node.name.slice(0, 26) + "…" : node.name;
      const label = node.type + " " + node.name + ", " + (node.count || 0) + " findings";
      const g = svg("g", { tabindex: "0", role: "button", "aria-label": label, class: "n-" + (node.worst || "ok") + (n === at ? " n-here" : "") }, svg("title", {}, label), svg("rect", { x, y, width, height: 28, rx: 6 }), svg("text", { x: x + 8, y: y + 18 }, name + (node.count ? " · " + node.count : "")));
      const go = () => { graph(n); };
      g.addEventListener("click", go);
      g.addEventListener("keydown", e => { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); go(); $("picture").querySelector(".n-here").focus(); } });
      root.append(g);
    }
    $("picture").replaceChildren(root);
    $("centre").textContent = data.nodes[at].type + " " + data.nodes[at].name + (cut ? ", and " + cut + " nodes more than are shown" : "");
    $("pick").value = data.nodes[at].name;
    const own = data.findings.filter(f => f.node === at);
    $("own").replaceChildren(...own.slice(0, PAGE).map(finding), ...(own.length > PAGE ? [el("p", {}, "and " + (own.length - PAGE) + " more")] : []));
  };
  const pick = () => {
    const wanted = $("pick").value.toLowerCase();
    let at = data.nodes.findIndex(n => n.name.toLowerCase() === wanted);
    if (at < 0) at = data.nodes.findIndex(n => n.name.toLowerCase().includes(wanted));
    if (at >= 0) graph(at); else $("centre").textContent = "no node is called like that";
  };

  trend(); heat();
  options("severity", data.items.map(i => i.severity));
  options("category", data.items.map(i => i.category).concat(data.cells.map(c => c.category)));
  options("layer", data.findings.map(f => f.layer).concat(data.cells.map(c => c.layer)));
  options("source", data.findings.map(f => f.source));
  options("owner", data.findings.map(f => f.owner));
  $("search").addEventListener("input", () => list());
  $("more").addEventListener("click", () => list(true));
  $("pick").addEventListener("keydown", e => { if (e.key === "Enter") pick(); });
  $("go").addEventListener("click", pick);
  list();
  const first = data.findings.length && data.items.length ? data.items.flatMap(i => i.all).find(f => f.node !== null) : null;
  if (first) graph(first.node); else $("centre").textContent = "choose a node";
})();
