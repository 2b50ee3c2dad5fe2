// What pages of runs and of studies share: data, theme, small builders. Charts are plotly's alone.
const D = JSON.parse(document.getElementById("data").textContent);
const TYPES = { u8: Uint8Array, u16: Uint16Array, i16: Int16Array, i32: Int32Array };
const CONFIG = { responsive: true, displayModeBar: false, displaylogo: false, scrollZoom: false };
const OKABE = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#7A4B12", "#8C8C8C"];
const DASHES = ["solid", "dash", "dot", "dashdot"];
const $ = (id) => document.getElementById(id);

function unpack(p) {
  const bytes = Uint8Array.from(atob(p.b), (c) => c.charCodeAt(0));
  return new TYPES[p.t](bytes.buffer);
}

function el(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(attributes)) if (v !== null && v !== undefined) e.setAttribute(k, v);
  e.append(...children);
  return e;
}

// A group of switches: radio buttons, which arrow keys move between.
function choices(name, legend, options, chosen, onchange) {
  const box = el("div");
  for (const [value, label] of options) {
    const input = el("input", { type: "radio", name, value });
    input.checked = value === chosen;
    input.addEventListener("change", () => onchange(value));
    box.append(el("label", { class: "choice" }, input, el("span", {}, label)));
  }
  return el("fieldset", { id: "choose-" + name }, el("legend", {}, legend), box);
}

const dark = matchMedia("(prefers-color-scheme: dark)");
const still = matchMedia("(prefers-reduced-motion: reduce)");
const theme = () => D.themes[dark.matches ? "dark" : "light"];
const phone = () => innerWidth < 640;
const pct = (v) => (v > 0 && v < 0.005 ? "under 1%" : v < 1 && v > 0.995 ? "over 99%" : Math.round(100 * v) + "%");
const metres = (v) => (v < 1000 ? Math.round(v / 10) * 10 + " m" : (v / 1000).toFixed(1) + " km");
const count = (n, one, many) => n.toLocaleString("en") + " " + (n === 1 ? one : many);
const plain = (o) => JSON.parse(JSON.stringify(o));

function themed(layout) {
  const t = theme();
  layout = plain(layout);
  layout.font.color = t.ink;
  for (const k of Object.keys(layout)) if (/^[xy]axis/.test(k)) Object.assign(layout[k], { gridcolor: t.grid, linecolor: t.grid });
  for (const s of layout.shapes || []) s.line.color = t.now;
  return layout;
}

function attackerLook(order, name) {
  const ink = theme().ink;
  if (name === "bayes") return { color: ink, dash: "solid", width: 4 };
  if (name === "prior-alone") return { color: dark.matches ? "#b5b5b5" : "#555555", dash: "dot", width: 2 };
  const i = order.filter((n) => n !== "bayes" && n !== "prior-alone").indexOf(name);
  return { color: OKABE[i % 8], dash: DASHES[(Math.floor((i % 8) / 2) + Math.floor(i / 8)) % 4], width: 2 };
}

const rgba = (hex, a) => `rgba(${parseInt(hex.slice(1, 3), 16)},${parseInt(hex.slice(3, 5), 16)},${parseInt(hex.slice(5, 7), 16)},${a})`;

// Lines with their 95% bands, a pair of traces a line.
function bandTraces(lines, order) {
  return lines.flatMap((line) => {
    const look = line.look || attackerLook(order, line.attacker);
    const hover = `${line.title}: %{y:.0%} by day %{x}<extra></extra>`;
    return [
      { x: [...line.day, ...line.day.slice().reverse()], y: [...line.high, ...line.low.slice().reverse()], type: "scatter",
        mode: "lines", fill: "toself", fillcolor: rgba(look.color, 0.12), line: { width: 0 }, hoverinfo: "skip",
        showlegend: false, legendgroup: line.attacker, meta: { role: "band", attacker: line.attacker } },
      { x: line.day, y: line.share, type: "scatter", mode: "lines", name: `${pct(line.share[line.share.length - 1])} ${line.title}`,
        line: { color: look.color, dash: look.dash, width: look.width }, legendgroup: line.attacker, hovertemplate: hover,
        meta: { role: "line", attacker: line.attacker } },
    ];
  });
}

// The numbers of a picture as a table, for screen readers and for copying.
function table(caption, head, rows) {
  const cell = (tag, text, more) => el(tag, more || {}, String(text));
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", {}, caption),
      el("thead", {}, el("tr", {}, ...head.map((h) => cell("th", h, { scope: "col" })))),
      el("tbody", {}, ...rows.map((r) => el("tr", {}, ...r.map((c, i) => cell(i ? "td" : "th", c, i ? {} : { scope: "row" })))))));
}

function redrawOnTheme(draw) {
  dark.addEventListener("change", draw);
}

function citations(list) {
  return el("ul", {}, ...list.map((c) => el("li", {}, c.source + ". ", el("em", {}, c.reason))));
}
