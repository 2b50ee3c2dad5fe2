// The page of a run: one driver's story on the map, curves over all residents, levers, provenance.
const DAYS = D.days;
const CASE = Object.fromEntries(D.cases.map((c) => [c.key, c]));
const town = { start: unpack(D.town.start), x: unpack(D.town.x), y: unpack(D.town.y), cls: unpack(D.town.class) };
const rounds = { start: unpack(D.rounds.start), street: unpack(D.rounds.street) };
// Begin with somebody who is found, but not at once: there is most to see. The page says how easy to find.
const foundAt = D.drivers.map((d) => {
  const h = d.cases["as-simulated"].home;
  return [h.claimed.findIndex((v, k) => v >= 0.5 && h.error[k] !== null && h.error[k] <= 250), d.sooner_than ?? d.reads_a_day];
});
const begin = foundAt.reduce((b, f, i) => (f[0] > foundAt[b][0] || (f[0] === foundAt[b][0] && f[1] > foundAt[b][1]) ? i : b), 0);
const state = { driver: begin, target: "home", case: "as-simulated", known: "ever", at: 0, playing: false };
const WORD = { home: "home", work: "work place" };
const AREA = D.areas.kind === "cells" ? [`cell of ${Math.round(D.areas.side)} m`, `cells of ${Math.round(D.areas.side)} m`] : ["street", "streets"];
const WORDS = { home: "homes", work: "work places" };
const drivers = D.drivers.map((d) => ({
  ...d,
  pictures: { start: unpack(d.pictures.start), area: unpack(d.pictures.area), count: unpack(d.pictures.count) },
  cases: Object.fromEntries(Object.entries(d.cases).map(([k, c]) => [k, {
    home: { ...c.home, picture: unpack(c.home.picture) },
    work: { ...c.work, picture: unpack(c.work.picture) },
    reads: Object.fromEntries(Object.entries(c.reads).map(([n, v]) => [n, unpack(v)])),
  }])),
}));
const driver = () => drivers[state.driver];
const told = () => driver().cases[state.case];
const story = () => told()[state.target];

// Lines of some streets with gaps between, for one trace.
function lines(streets, from, to) {
  const x = [], y = [];
  for (let i = from; i < to; i++) {
    const s = streets[i];
    for (let j = town.start[s]; j < town.start[s + 1]; j++) { x.push(town.x[j]); y.push(town.y[j]); }
    x.push(null); y.push(null);
  }
  return [x, y];
}

// The same as one path of a shape.
const pieces = [];
function path(streets, from, to) {
  const parts = [];
  for (let i = from; i < to; i++) {
    const s = streets[i];
    if (!pieces[s]) {
      const points = [];
      for (let j = town.start[s]; j < town.start[s + 1]; j++) points.push(town.x[j] + "," + town.y[j]);
      pieces[s] = "M" + points.join("L");
    }
    parts.push(pieces[s]);
  }
  return parts.join("") || "M0,0";
}

// Reads that can be seen on a day, gathered by place.
function readsOn(day) {
  const r = told().reads, places = new Map();
  for (let i = 0; i < r.day.length; i++) {
    if (r.day[i] > day || r.until[i] < day) continue;
    const step = r.moving[i] ? 25 : 1;
    const key = [Math.round(r.x[i] / step) * step, Math.round(r.y[i] / step) * step, r.moving[i]].join();
    places.set(key, (places.get(key) || 0) + 1);
  }
  const out = [0, 1].map(() => ({ x: [], y: [], size: [], text: [] }));
  for (const [key, n] of places) {
    const [x, y, moving] = key.split(",").map(Number), o = out[moving];
    o.x.push(x); o.y.push(y); o.size.push(Math.min(7 + 2.2 * Math.sqrt(n), 26));
    o.text.push(count(n, "read", "reads") + (moving ? " from a car" : ""));
  }
  return out;
}

function circle(x, y, r) {
  const a = Array.from({ length: 49 }, (_, i) => (i * Math.PI) / 24);
  return x === null ? [[], []] : [a.map((v) => x + r * Math.cos(v)), a.map((v) => y + r * Math.sin(v))];
}

// --- the map ---
const mapSpec = D.charts.map;
const roleIndex = (role) => mapSpec.data.flatMap((t, i) => (t.meta.role === role ? [i] : []));
const inCells = D.areas.kind === "cells";
const moving = ["cells", "read", "read-moving", "circle", "guess", "truth"].flatMap(roleIndex);

// The paths that change: streets by step of belief, and the round of patrols.
function paths() {
  const p = driver().pictures, n = story().picture[state.at], steps = D.steps.length + 1;
  const r = D.rounds.each_day ? state.at : 0;
  const made = { "shapes[0].path": path(rounds.street, rounds.start[r], rounds.start[r + 1]) };
  if (inCells) return made;
  let from = p.start[n];
  for (let step = 0; step < steps; step++) {
    const to = from + p.count[n * steps + step];
    made[`shapes[${step + 1}].path`] = path(p.area, from, to);
    from = to;
  }
  return made;
}

// Steps of belief by cell, for a heat map.
function cells() {
  const p = driver().pictures, n = story().picture[state.at], steps = D.steps.length + 1;
  const z = Array.from({ length: D.areas.rows }, () => new Array(D.areas.columns).fill(null));
  let i = p.start[n];
  for (let step = 0; step < steps; step++)
    for (let to = i + p.count[n * steps + step]; i < to; i++) z[Math.floor(p.area[i] / D.areas.columns)][p.area[i] % D.areas.columns] = step;
  return z;
}

// The marks that change.
function changing() {
  const k = state.at, s = story(), by = new Map();
  if (inCells) by.set(roleIndex("cells")[0], { z: cells(), xy: [undefined, undefined] });
  const [fixed, onCar] = readsOn(DAYS[k]);
  by.set(roleIndex("read")[0], { xy: [fixed.x, fixed.y], size: fixed.size, text: fixed.text });
  by.set(roleIndex("read-moving")[0], { xy: [onCar.x, onCar.y], size: onCar.size, text: onCar.text });
  by.set(roleIndex("circle")[0], { xy: circle(s.x[k], s.y[k], 250) });
  const here = (v) => (v === null ? [] : [v]);
  by.set(roleIndex("guess")[0], { xy: [here(s.x[k]), here(s.y[k])], text: ["the adversary's guess"] });
  const truth = driver().true[state.target];
  by.set(roleIndex("truth")[0], { xy: truth ? [[truth[0]], [truth[1]]] : [[], []], text: ["the true " + WORD[state.target]] });
  return by;
}

// Streets lie in a plot of their own below, so that they are not drawn anew each day.
function drawBase() {
  const t = theme();
  const data = D.charts.base.data.map((spec) => {
    const trace = plain(spec), role = spec.meta.role;
    if (role === "street") {
      const all = Array.from(town.cls.keys()).filter((s) => town.cls[s] === spec.meta.class);
      [trace.x, trace.y] = lines(all, 0, all.length);
    }
    trace.line.color = t[role];
    return trace;
  });
  return Plotly.react("base", data, themed(D.charts.base.layout), { ...CONFIG, staticPlot: true });
}

function drawMap() {
  const t = theme(), by = drivers.length ? changing() : new Map();
  const data = mapSpec.data.map((spec, i) => {
    const trace = plain(spec), role = spec.meta.role, c = by.get(i);
    if (c && c.z) {
      trace.z = c.z;
      trace.colorscale = t.belief.flatMap((color, i) => [[i / t.belief.length, color], [(i + 1) / t.belief.length, color]]);
      return trace;
    }
    if (c) {
      [trace.x, trace.y] = c.xy;
      if (c.text) trace.text = c.text;
      if (c.size) trace.marker.size = c.size;
    }
    const color = role === "circle" ? t.guess : role === "read-moving" ? t.read : t[role];
    if (trace.mode === "lines") trace.line.color = color;
    else trace.marker.color = color;
    return trace;
  });
  const layout = themed(mapSpec.layout), made = paths();
  layout.shapes.forEach((shape, i) => {
    shape.path = made[`shapes[${i}].path`] || "M0,0";
    shape.line.color = i ? t.belief[i - 1] : t.round;
  });
  return Plotly.react("map", data, layout, CONFIG);
}

// The lower plot follows where the upper one is dragged to.
function follow() {
  const range = (e) => {
    const moved = {};
    for (const a of ["xaxis", "yaxis"]) if (e[a + ".range[0]"] !== undefined) moved[a + ".range"] = [e[a + ".range[0]"], e[a + ".range[1]"]];
    if (Object.keys(moved).length) Plotly.relayout("base", moved);
    else if (e["xaxis.autorange"] || e["yaxis.autorange"]) { drawBase(); drawMap(); }
  };
  $("map").on("plotly_relayout", range);
  $("map").on("plotly_relayouting", range);
}

function moveMap() {
  const by = changing(), x = [], y = [], z = [], text = [], size = [];
  for (const i of moving) {
    const c = by.get(i);
    x.push(c.xy[0]); y.push(c.xy[1]); z.push(c.z); text.push(c.text || []);
    size.push(c.size && c.size.length ? c.size : mapSpec.data[i].marker ? mapSpec.data[i].marker.size : undefined);
  }
  return Plotly.update("map", { x, y, text, "marker.size": size, ...(inCells ? { z } : {}) }, paths(), moving);
}

const areasLeft = () => Array.from(story().picture, (n) => driver().pictures.start[n + 1] - driver().pictures.start[n]);

// --- certainty, distance, streets left ---
function drawPath() {
  const s = story(), t = theme(), spec = D.charts.path;
  const colors = { claimed: t.belief[dark.matches ? 3 : 4], error: t.truth, left: t.read };
  const data = spec.data.map((trace) => {
    const role = trace.meta.role;
    return { ...plain(trace), x: DAYS, y: role === "left" ? areasLeft() : s[role], line: { ...trace.line, color: colors[role] } };
  });
  Plotly.react("path", data, themed(spec.layout), CONFIG);
  const cursor = themed(D.charts.cursor.layout);
  cursor.shapes[0].x0 = cursor.shapes[0].x1 = DAYS[state.at];
  Plotly.react("cursor", [], cursor, { ...CONFIG, staticPlot: true });
}

const movePath = () => Plotly.relayout("cursor", { "shapes[0].x0": DAYS[state.at], "shapes[0].x1": DAYS[state.at] });

// --- words ---
function sentence() {
  const s = story(), k = state.at, what = WORD[state.target], seen = s.seen[k];
  const when = `On day ${DAYS[k]}`, from = seen ? `from ${count(seen, "read", "reads")}` : "without a single read to look at";
  if (s.x[k] === null) return `${when}, ${from}, the adversary names no ${what}` + (s.none[k] > 0.5 ? `: it thinks ${pct(s.none[k])} likely that there is none.` : ".");
  const right = s.error[k] <= 250, sure = s.claimed[k] >= 0.9;
  const verdict = sure && right ? "It is sure, and right." : sure ? "It is sure, and wrong." : right ? "Right, but not sure." : "It does not know yet.";
  const left = s.anonymity[k] === null ? "" : ` To be 95% sure it would have to search ${count(s.anonymity[k], "street side", "street sides")}.`;
  return `${when}, ${from}, the adversary gives ${pct(s.claimed[k])} to the 250 m around its guess of the ${what}. In truth the guess is ${metres(s.error[k])} off. ${verdict}${left}`;
}

function mapAlternative() {
  const left = areasLeft()[state.at];
  return `Map of the town with ${count(town.cls.length, "street", "streets")}. ${count(left, AREA[0] + " is", AREA[1] + " are")} coloured: there the adversary still looks for the ${WORD[state.target]} of driver ${driver().id}. ` + sentence();
}

function say() {
  const s = story(), k = state.at, text = sentence();
  $("day-out").textContent = `Day ${DAYS[k]} of ${D.last_day}`;
  $("day").setAttribute("aria-valuetext", `Day ${DAYS[k]} of ${D.last_day}`);
  $("n-seen").textContent = (s.seen[k] || 0).toLocaleString("en");
  $("n-claimed").textContent = s.claimed[k] === null ? "–" : pct(s.claimed[k]);
  $("n-error").textContent = s.error[k] === null ? "–" : metres(s.error[k]);
  $("n-left").textContent = areasLeft()[k].toLocaleString("en");
  $("story").textContent = text;
  $("map").setAttribute("aria-label", mapAlternative());
}

function firstSure() {
  const s = story(), k = s.claimed.findIndex((v, i) => v >= 0.9 && s.error[i] !== null && s.error[i] <= 250);
  const what = WORD[state.target], when = CASE[state.case].phrase;
  $("path-finding").textContent = k < 0
    ? `In ${D.last_day} days the adversary is never sure of this driver's ${what} and right (${when}).`
    : `From day ${DAYS[k]}, after ${count(s.seen[k], "read", "reads")}, the adversary is at least 90% sure of this driver's ${what}, and right (${when}).`;
  $("path").setAttribute("aria-label", "Three strips over days: certainty claimed, true distance, streets left to search. " + $("path-finding").textContent);
}

// --- curves and levers over all residents ---
const lineOrder = () => D.cases[0].curves.home.ever.map((l) => l.attacker).sort();

function drawCurves() {
  const c = CASE[state.case], set = c.curves && c.curves[state.target][state.known];
  const text = $("curves-finding"), box = $("curves-table");
  box.replaceChildren();
  if (!set || !set.length) {
    text.textContent = "There are no such curves for this case: the run is too large to be looked at anew, or nobody has such a place. A study has them: platetrail sweep.";
    Plotly.react("curves", [], themed(D.charts.curves.layout), CONFIG);
    return;
  }
  const layout = themed(D.charts.curves.layout);
  if (phone()) layout.legend.font.size = 11;
  Plotly.react("curves", bandTraces(set, lineOrder()), layout, CONFIG);
  const best = set[0], n = best.share.length - 1, one = [7, 30].filter((d) => d < best.day[n]);
  const at = (line, d) => line.share[line.day.findLastIndex((v) => v <= d)] || 0;
  const how = state.known === "ever" ? "has had within 250 m at some time" : "finds within 250 m from what can be seen that day";
  const blind = set.find((l) => l.attacker === "prior-alone");
  text.textContent = `Of ${best.n.toLocaleString("en")} residents' ${WORDS[state.target]} the best attacker (${best.title}) ${how} ` +
    [...one.map((d) => `${pct(at(best, d))} by day ${d}`), `${pct(best.share[n])} (${pct(best.low[n])} to ${pct(best.high[n])}) by day ${best.day[n]}`].join(", ") +
    `, ${c.phrase}.` + (blind && blind !== best ? ` Without any read, land use alone gives ${pct(blind.share[blind.share.length - 1])}.` : "");
  $("curves").setAttribute("aria-label", "Lines with bands, one an attacker, share known against days. " + text.textContent);
  const days = [...new Set([...one, best.day[n]])];
  box.append(table(`Share of ${WORDS[state.target]} known, ${c.phrase}`, ["Attacker", ...days.map((d) => "Day " + d), "95% interval, last day"],
    set.map((l) => [l.title, ...days.map((d) => pct(at(l, d))), `${pct(l.low[l.low.length - 1])} to ${pct(l.high[l.high.length - 1])}`])));
}

function drawLevers() {
  const shown = D.cases.filter((c) => c.curves && c.curves[state.target].now.length);
  const end = (c, known) => {
    const l = c.curves[state.target][known].find((v) => v.attacker === "bayes") || c.curves[state.target][known][0];
    const i = l.share.length - 1;
    return { share: l.share[i], low: l.low[i], high: l.high[i], n: l.n, title: l.title };
  };
  if (shown.length < 2) { $("levers-section").hidden = true; return; }
  const label = (c) => (phone() ? c.label.replace(" of the street", "<br>of the street").replace(": ", ":<br>") : c.label);
  const trace = (known, name, color, symbol, shift) => {
    const e = shown.map((c) => end(c, known));
    return { type: "scatter", mode: "markers", name, y: shown.map(label), x: e.map((v) => v.share), meta: { role: "lever", known },
      marker: { color, symbol, size: 13 }, hovertemplate: "%{y}: %{x:.0%}<extra></extra>",
      error_x: { type: "data", symmetric: false, array: e.map((v) => v.high - v.share), arrayminus: e.map((v) => v.share - v.low), color, thickness: 2 } };
  };
  const t = theme();
  Plotly.react("levers", [
    trace("ever", `found at some time in ${D.last_day} days`, t.read, "circle-open"),
    trace("now", `found from what is left on day ${D.last_day}`, t.belief[dark.matches ? 3 : 4], "diamond"),
  ], themed(D.charts.levers.layout), CONFIG);
  const base = end(shown[0], "now");
  const changes = shown.slice(1).map((c) => ({ c, e: end(c, "now") })).sort((a, b) => a.e.share - b.e.share);
  const low = changes[0], same = low.e.high >= base.low && low.e.share < base.share;
  $("levers-finding").textContent = low.e.share < base.share
    ? `As simulated, ${pct(base.share)} of ${WORDS[state.target]} can be found from what is left on day ${D.last_day} (${base.title}). Of these levers one does most: ${low.c.phrase} it is ${pct(low.e.share)} (${pct(low.e.low)} to ${pct(low.e.high)})` + (same ? ", which may be chance." : ".")
    : `None of these levers lowers the ${pct(base.share)} of ${WORDS[state.target]} that can be found from what is left on day ${D.last_day}.`;
  $("levers").setAttribute("aria-label", "Points with intervals, a row a case. " + $("levers-finding").textContent);
  $("levers-table").replaceChildren(table(`Share of ${WORDS[state.target]} found by the end`, ["Case", "At some time", "From what is left"],
    shown.map((c) => { const a = end(c, "ever"), b = end(c, "now"); return [c.label, `${pct(a.share)} (${pct(a.low)} to ${pct(a.high)})`, `${pct(b.share)} (${pct(b.low)} to ${pct(b.high)})`]; })));
}

// --- moving ---
let busy = false;
function go(at) {
  state.at = Math.max(0, Math.min(DAYS.length - 1, at));
  $("day").value = state.at;
  say();
  // A slider that is dragged must not queue pictures: the last one counts.
  if (busy) return;
  busy = true;
  requestAnimationFrame(() => {
    busy = false;
    moveMap();
    movePath();
  });
}

let timer = null;
function play(on) {
  state.playing = on;
  clearInterval(timer);
  $("play").textContent = on ? "Pause" : "Play";
  $("play").setAttribute("aria-label", on ? "Pause" : "Play the days");
  // While it plays, screen readers are not told each day.
  $("story").setAttribute("aria-live", on ? "off" : "polite");
  if (!on) { say(); return; }
  if (state.at >= DAYS.length - 1) go(0);
  timer = setInterval(() => (state.at >= DAYS.length - 1 ? play(false) : go(state.at + 1)), still.matches ? 1000 : 220);
}

function changeStory() { drawMap(); drawPath(); say(); firstSure(); }
function changeAll() { if (drivers.length) changeStory(); drawCurves(); drawLevers(); }

// --- building the page ---
function key() {
  const t = theme(), swatch = (c) => `background:${c}`;
  const ramp = el("li", { class: "ramp" }, ...t.belief.map((c) => el("i", { style: swatch(c), "aria-hidden": "true" })), `where it still looks (${pct(D.map_level)} of its belief): from under ${100 * D.steps[0]}% to over ${100 * D.steps[D.steps.length - 1]}% a ${inCells ? "cell" : "street"}`);
  const mark = (s, c, words) => el("li", {}, el("i", { style: `color:${c}`, "aria-hidden": "true" }, s), words);
  return [ramp, mark("●", t.read, "read of this car"), mark("▲", t.reader, "reader"), mark("┈", t.round, D.rounds.each_day ? "patrol's round that day" : "streets that patrols drive"),
    mark("✖", t.guess, "its guess, 250 m around"), mark("★", t.truth, "the truth, which it never sees")];
}

function build() {
  const f = D.facts, readers = Object.entries(f.readers).map(([k, n]) => count(n, k + " reader", k + " readers")).join(", ") || "no readers";
  const kept = f.retention_days === null ? "kept for ever" : `deleted after ${f.retention_days < 1 ? Math.round(f.retention_days * 1440) + " minutes" : f.retention_days + " days"}`;
  const page = $("page");
  page.append(el("header", {},
    el("p", { class: "kicker" }, `platetrail: a simulated town, in which everybody is made up: ${f.drivers.toLocaleString("en")} drivers, ${readers}, ${f.days} days, reads ${kept}`),
    el("h1", {}, D.question || D.title),
    el("p", { class: "lead" }, "A reader notes plate, time and place; never a name or an address. Press Play: what is coloured is where an adversary must still look for this driver's home.")));
  const main = el("main", { id: "main", tabindex: "-1" });
  page.append(main);

  const empty = !f.reads ? (Object.keys(f.readers).length ? "No car was ever read in this run" : "There are no readers in this town") : "";
  if (empty) main.append(el("p", { class: "warn", id: "empty" }, `${empty}: what the adversary believes rests on public knowledge alone, streets and land use. That is the baseline that other runs are to be held against.`));
  if (!D.in_run) main.append(el("p", { class: "warn" }, "The run did not use the Bayesian adversary. What is shown of its belief was worked out for this page, from the same reads."));

  if (drivers.length) {
    const select = el("select", { id: "driver" }, ...drivers.map((d, i) => {
      const o = el("option", { value: i }, `Driver ${d.id}` + (d.sooner_than === null ? `: read ${d.reads_a_day} times a day` : `: easier to find than ${Math.round(10 * d.sooner_than)} in 10`));
      o.selected = i === state.driver;
      return o;
    }));
    select.addEventListener("change", () => { state.driver = +select.value; changeStory(); });
    const slider = el("input", { type: "range", id: "day", min: 0, max: DAYS.length - 1, value: 0, step: 1, "aria-label": "Day" });
    slider.addEventListener("input", () => { if (state.playing) play(false); go(+slider.value); });
    const button = el("button", { id: "play", class: "play", type: "button" }, "Play");
    button.addEventListener("click", () => play(!state.playing));
    const number = (id, words, cls) => el("div", { class: cls || "" }, el("dt", {}, words), el("dd", { id }));
    main.append(el("section", { class: "first", "aria-labelledby": "h-story" },
      el("h2", { id: "h-story", class: "sr" }, "One driver, day by day"),
      el("div", { class: "controls" }, button, el("div", { class: "day" }, slider, el("output", { id: "day-out", for: "day" })),
        el("div", {}, el("label", { for: "driver", class: "wide" }, "Whom "), select),
        choices("target", "What", [["home", "Home"], ["work", "Work place"]], "home", (v) => { state.target = v; changeAll(); })),
      el("p", { id: "story", class: "finding", "aria-live": "polite" }),
      el("div", { class: "split" },
        el("figure", {}, el("div", { class: "stack" }, el("div", { id: "base", class: "plot", "aria-hidden": "true" }), el("div", { id: "map", class: "plot", role: "img" })), el("figcaption", {}, el("ul", { class: "key", id: "key" }, ...key()))),
        el("div", {},
          el("dl", { class: "numbers" }, number("n-claimed", "certainty it claims, within 250 m", "claimed"), number("n-error", "true distance of its guess"), number("n-seen", "reads it can look at"), number("n-left", `${AREA[1]} left to search (${pct(D.map_level)} of its belief)`)),
          el("figure", {}, el("div", { class: "stack strips" }, el("div", { id: "path", class: "plot", role: "img" }), el("div", { id: "cursor", class: "plot", "aria-hidden": "true" })), el("figcaption", {}, el("p", { id: "path-finding", class: "finding" })))))));
  }

  main.append(el("section", { "aria-labelledby": "h-case" },
    el("h2", { id: "h-case" }, "What if?"),
    el("p", { class: "note" }, "The same days and the same cars, looked at under other rules or with fewer readers. The switch changes the map above, too."),
    choices("case", "Case", D.cases.map((c) => [c.key, c.label]), state.case, (v) => { state.case = v; if (drivers.length) changeStory(); drawCurves(); }),
    el("h2", { style: "margin-top:1rem" }, "How many are known?"),
    choices("known", "Known means", [["ever", "found at some time"], ["now", "found from what can be seen on the day"]], state.known, (v) => { state.known = v; drawCurves(); }),
    el("figure", {}, el("div", { id: "curves", class: "plot", role: "img" }), el("figcaption", {}, el("p", { id: "curves-finding", class: "finding", "aria-live": "polite" }), el("p", { class: "note" }, "Within 250 m; bands are 95% intervals over residents."))),
    el("details", {}, el("summary", {}, "The numbers as a table"), el("div", { id: "curves-table" }))));

  main.append(el("section", { id: "levers-section", "aria-labelledby": "h-levers" },
    el("h2", { id: "h-levers" }, "Which lever does what?"),
    el("figure", {}, el("div", { id: "levers", class: "plot", role: "img" }), el("figcaption", {}, el("p", { id: "levers-finding", class: "finding", "aria-live": "polite" }),
      el("p", { class: "note" }, `The Bayesian adversary, where the run has it; ${D.lever_residents.toLocaleString("en")} residents in this one town. Deleting helps against who looks later, not against who has looked already. Leaving readers out thins the ones that stand here; a council that buys fewer would put them elsewhere.`))),
    el("details", {}, el("summary", {}, "The numbers as a table"), el("div", { id: "levers-table" }))));

  main.append(el("section", { "aria-labelledby": "h-what" },
    el("h2", { id: "h-what" }, "What is simulated, and what is not"),
    el("div", { class: "two" },
      el("div", {}, el("p", {}, "All drivers, homes, jobs, trips and reads are simulated. No real plate read went into this page, and there is no way to put one in. Streets are generated, unless the scenario says that they are a real map. Habits follow published figures where there are any."),
        el("p", {}, "The adversary sees reads, and what is public: streets, readers, land use, how people travel on average. It never sees the truth. A better adversary would find more: a low number is no proof of safety."),
        el("p", {}, `Certainty is the adversary's own claim: the share of its belief that lies within 250 m of its guess. The coloured ${AREA[1]} are the fewest that hold 80% of it. The street sides to search for 95% are an anonymity set after Golle & Partridge 2009.`)),
      el("div", {}, ...f.description.split(/\n\s*\n/).map((t) => el("p", {}, t))))));
  const software = Object.entries(f.software).map(([k, v]) => `${k} ${v}`).join(", ");
  main.append(el("section", { "aria-labelledby": "h-how" },
    el("h2", { id: "h-how" }, "How it was computed"),
    el("p", {}, `Scenario ${f.scenario}, seed ${f.seed}` + (f.replicate ? `, replicate ${f.replicate}` : "") + `. ${count(f.reads, "read", "reads")} by ${readers}. Reads ${kept}` + (f.rules.length ? `; rules: ${f.rules.join(", ")}` : "") + (f.viewer ? `; ${f.viewer} looks` : "") + `. Attackers: ${f.attackers.join(", ")}.`),
    el("p", {}, `Run by ${software}. Page by ${f.page_by}. The same again: platetrail run ${f.scenario} --seed ${f.seed} --out DIR, then platetrail report DIR.`),
    el("details", {}, el("summary", {}, "Sources, and what each is cited for"), citations(f.citations), citations(f.papers))));
  page.append(el("footer", {}, el("p", { class: "note" }, "This file is whole in itself: it asks no network for anything.")));
}

build();
if (drivers.length) { drawBase(); drawMap().then(follow); drawPath(); say(); firstSure(); }
document.documentElement.dataset.ready = "1";
setTimeout(() => { drawCurves(); drawLevers(); document.documentElement.dataset.complete = "1"; }, 0);
redrawOnTheme(() => { if (drivers.length) drawBase(); changeAll(); if ($("key")) $("key").replaceChildren(...key()); });
