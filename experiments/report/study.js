// The page of a study: its levels as switches, curves by attacker, the levels side by side.
const state = {
  levels: Object.fromEntries(D.factors.map((f) => [f.name, f.baseline])),
  target: "home",
  view: D.views.length ? D.views[0].key : null,
};
const WORDS = { home: "homes", work: "work places", both: "homes and work places" };
const view = () => D.views.find((v) => v.key === state.view);
const targets = () => ["home", "work", "both"].filter((t) => D.views.some((v) => v.cells.some((c) => c.target === t)));

function curvesAt(levels) {
  const wanted = D.factors.map((f) => levels[f.name]);
  return view().cells.filter((c) => c.target === state.target && c.levels.every((l, i) => l === wanted[i]))
    .sort((a, b) => b.share[b.share.length - 1] - a.share[a.share.length - 1]);
}

const lineOrder = () => [...new Set(D.views.flatMap((v) => v.cells.map((c) => c.attacker)))].sort();
const levelWords = () => D.factors.map((f) => `${f.title.toLowerCase()}: ${state.levels[f.name]}`).join(", ");

function drawCurves() {
  const set = curvesAt(state.levels), layout = themed(D.charts.curves.layout);
  if (phone()) layout.legend.font.size = 11;
  const lines = bandTraces(set, lineOrder());
  for (const t of lines) if (t.meta.role === "line") Object.assign(t, { mode: "lines+markers", marker: { size: 8 } });
  Plotly.react("curves", lines, layout, CONFIG);
  const text = $("curves-finding");
  if (!set.length) text.textContent = `Nothing was measured here (${levelWords()}).`;
  else {
    const best = set[0], n = best.share.length - 1;
    text.textContent = `With ${levelWords()}, the best attacker (${best.title}) has ${pct(best.share[n])} (${pct(best.low[n])} to ${pct(best.high[n])}) of ${WORDS[state.target]} by day ${best.day[n]}: ${view().words}.`;
  }
  $("curves").setAttribute("aria-label", "Lines with bands, one an attacker. " + text.textContent);
  const days = [...new Set(set.flatMap((l) => l.day))].sort((a, b) => a - b);
  $("curves-table").replaceChildren(table(`${view().words}; ${levelWords()}`, ["Attacker", ...days.map((d) => "Day " + d)],
    set.map((l) => [l.title, ...days.map((d) => { const i = l.day.indexOf(d); return i < 0 ? "–" : `${pct(l.share[i])} (${pct(l.low[i])} to ${pct(l.high[i])})`; })])));
}

// All levels of each factor, the others as chosen; the attacker that does best as chosen.
function drawLevers() {
  const here = curvesAt(state.levels), who = (here.find((c) => c.attacker === "bayes") || here[0] || {}).attacker, t = theme();
  const rows = D.factors.flatMap((f) => f.labels.map((label) => ({ f, label, c: curvesAt({ ...state.levels, [f.name]: label }).find((c) => c.attacker === who) }))).filter((r) => r.c);
  const end = (c, k) => c[k][c[k].length - 1];
  const name = (r) => (D.factors.length > 1 ? `${r.f.title}: ` : "") + r.label;
  Plotly.react("levers", D.factors.map((f, i) => {
    const mine = rows.filter((r) => r.f === f), color = [t.read, t.belief[dark.matches ? 3 : 4], t.truth][i % 3];
    return { type: "scatter", mode: "markers", name: f.title, y: mine.map(name), x: mine.map((r) => end(r.c, "share")), meta: { role: "lever" },
      marker: { color, size: 13, symbol: ["diamond", "circle", "square"][i % 3] }, hovertemplate: "%{y}: %{x:.0%}<extra></extra>",
      error_x: { type: "data", symmetric: false, array: mine.map((r) => end(r.c, "high") - end(r.c, "share")), arrayminus: mine.map((r) => end(r.c, "share") - end(r.c, "low")), color, thickness: 2 } };
  }), themed(D.charts.levers.layout), CONFIG);
  const sorted = rows.slice().sort((a, b) => end(a.c, "share") - end(b.c, "share"));
  const low = sorted[0], high = sorted[sorted.length - 1];
  $("levers-finding").textContent = rows.length < 2 ? "There is nothing to compare here." :
    `Between ${pct(end(low.c, "share"))} (${name(low)}) and ${pct(end(high.c, "share"))} (${name(high)}) of ${WORDS[state.target]} (${low.c.title}).`;
  $("levers").setAttribute("aria-label", "Points with 95% intervals, a row a level. " + $("levers-finding").textContent);
}

function change() { drawCurves(); drawLevers(); }

function build() {
  const f = D.facts, page = $("page");
  page.append(el("header", {}, el("p", { class: "kicker" }, `platetrail: a study of simulated towns, in which everybody is made up. ${f.replicates} ${f.replicates === 1 ? "town" : "towns"} of '${f.scenario}'`),
    el("h1", {}, D.question || D.title), el("p", { class: "finding", id: "finding" }, D.finding)));
  const main = el("main", { id: "main", tabindex: "-1" });
  page.append(main);
  if (!D.views.length) main.append(el("p", { class: "warn", id: "empty" }, "This study measured no share of homes or work places by day, which the curves would be of. Its tables are in results.csv."));
  else {
    main.append(el("section", { class: "first", "aria-labelledby": "h-curves" }, el("h2", { id: "h-curves" }, "How many are known?"),
      el("div", { class: "controls" },
        ...D.factors.map((f) => choices(f.name, f.title, f.labels.map((l) => [l, l]), state.levels[f.name], (v) => { state.levels[f.name] = v; change(); })),
        choices("target", "What", targets().map((t) => [t, WORDS[t]]), state.target, (v) => { state.target = v; change(); }),
        choices("view", "Known means", D.views.map((v) => [v.key, v.label]), state.view, (v) => { state.view = v; change(); })),
      el("p", { id: "curves-finding", class: "finding", "aria-live": "polite" }),
      el("figure", {}, el("div", { id: "curves", class: "plot", role: "img" }), el("figcaption", {}, el("p", { class: "note" }, "Bands are 95% intervals over towns and drivers."))),
      el("details", {}, el("summary", {}, "The numbers as a table"), el("div", { id: "curves-table" }))));
    main.append(el("section", { "aria-labelledby": "h-levers" }, el("h2", { id: "h-levers" }, "Which lever does what?"),
      el("figure", {}, el("div", { id: "levers", class: "plot", role: "img" }), el("figcaption", {}, el("p", { id: "levers-finding", class: "finding", "aria-live": "polite" }),
        el("p", { class: "note" }, `Day ${D.last_day}; each lever is moved alone, the others as chosen above. All levels share their towns, drivers and trips: differences are better known than these intervals say; see contrasts.csv.`)))));
  }
  main.append(el("section", { "aria-labelledby": "h-what" }, el("h2", { id: "h-what" }, "What is simulated, and what is not"),
    el("div", { class: "two" },
      el("div", {}, el("p", {}, "All drivers, homes, jobs, trips and reads are simulated; no real plate read went into this page, and there is no way to put one in. Habits follow published figures where there are any."),
        el("p", {}, "Adversaries see reads, and what is public. A better one would find more: a low number is no proof of safety.")),
      el("div", {}, ...D.description.split(/\n\s*\n/).map((t) => el("p", {}, t))))));
  const software = Object.entries(f.software).map(([k, v]) => `${k} ${v}`).join(", ");
  main.append(el("section", { "aria-labelledby": "h-how" }, el("h2", { id: "h-how" }, "How it was computed"),
    el("p", {}, `Study ${f.study}, scenario ${f.scenario}, seed ${f.seed}, ${count(f.replicates, "town", "towns")}. ` + (Object.keys(f.set).length ? "All cells share: " + Object.entries(f.set).map(([k, v]) => `${k} = ${v}`).join("; ") + ". " : "") + `Attackers: ${f.attackers.join(", ")}.`),
    el("p", {}, `Done by ${software}. Page by ${f.page_by}.`),
    el("details", {}, el("summary", {}, "Sources, and what each is cited for"), citations(f.citations), citations(f.papers))));
  page.append(el("footer", {}, el("p", { class: "note" }, "This file is whole in itself: it asks no network for anything.")));
}

build();
document.documentElement.dataset.ready = "1";
if (D.views.length) { change(); redrawOnTheme(change); }
document.documentElement.dataset.complete = "1";
