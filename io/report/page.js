"use strict";

// The attention microscope and the marks in the curves. What there is to show lies in the page as JSON
// (io/report_page.cpp, data_json); this file only looks at it and draws. Plain functions, one state.

const report = JSON.parse(document.getElementById("report-data").textContent);
const element = (id) => document.getElementById(id);
const mean = -1; // in place of a head: the mean over all

// What is being looked at. `kept` is the row that a click has chosen, `pointed` the one under the pointer or focus.
const state = { sentence: 0, kind: 0, layer: 0, head: mean, moment: 0, kept: null, pointed: null };

const sentence = () => report.sentences[state.sentence];
const kind = () => sentence().kinds[state.kind];
const momentText = (moment) => `${report.moment_name} ${report.moments[moment]}`;
const looking = () => state.pointed ?? state.kept;

function make(tag, attributes = {}, text = "") {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  if (text) made.textContent = text; // never markup: a sentence may say anything
  return made;
}

// ---- weights -------------------------------------------------------------------------------------------------------

const decoded = new Map();

// The weights (layers, heads, rows, columns) of the present kind at the present moment, a byte each.
function weights() {
  const key = `${state.sentence}/${state.kind}/${state.moment}`;
  if (!decoded.has(key)) {
    const text = atob(kind().weights[state.moment]);
    decoded.set(key, Uint8Array.from(text, (character) => character.charCodeAt(0)));
  }
  return decoded.get(key);
}

// One row's weights, 0 to 1: what the word `row` looks at, in one head or in the mean of all.
function rowWeights(layer, head, row) {
  const { heads, rows, columns } = kind();
  const all = weights();
  const chosen = head === mean ? [...Array(heads).keys()] : [head];
  return columns.map((_, column) => {
    let sum = 0;
    for (const h of chosen) sum += all[((layer * heads + h) * rows.length + row) * columns.length + column];
    return sum / (255 * chosen.length);
  });
}

// ---- colours -------------------------------------------------------------------------------------------------------

let scale = []; // nine colours [red, green, blue] from 0 to 1, those of the style sheet, light or dark

function readScale() {
  const style = getComputedStyle(document.documentElement);
  scale = [...Array(9).keys()].map((i) => {
    const hex = style.getPropertyValue(`--heat-${i}`).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  });
}

function colourOf(weight) {
  const place = Math.min(Math.max(weight, 0), 1) * 8;
  const below = Math.min(Math.floor(place), 7);
  return scale[below].map((part, i) => Math.round(part + (place - below) * (scale[below + 1][i] - part)));
}

// Relative luminance, as WCAG 2.1 defines it: dark ink where that contrasts more than white.
function inkOn(colour) {
  const [red, green, blue] = colour.map((part) => {
    const s = part / 255;
    return s <= 0.04045 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4;
  });
  const luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  return luminance > 0.179 ? "#0b0e1a" : "#ffffff";
}

function paint(target, weight) {
  const colour = colourOf(weight);
  target.style.backgroundColor = `rgb(${colour.join(",")})`;
  target.style.color = inkOn(colour);
}

// ---- the parts that depend on the sentence or the kind -------------------------------------------------------------

function buildSentences() {
  report.sentences.forEach((each, i) => element("sentence").append(make("option", { value: i }, each.source)));
}

// Radio buttons, which the browser lets arrow keys move through.
function radio(name, value, checked, label) {
  const input = make("input", { type: "radio", name, value, "aria-label": label });
  input.checked = checked;
  return input;
}

function buildKinds() {
  element("kinds").replaceChildren(
    ...sentence().kinds.map((each, i) => {
      const label = make("label", {}, each.name);
      label.append(radio("kind", i, i === state.kind, each.name));
      return label;
    }),
  );
}

function headName(head) {
  return head === mean ? "mean of the heads" : `head ${head + 1}`;
}

// A small picture for every layer and head: all of them at one glance, and the buttons that choose one.
function buildHeads() {
  const { layers, heads, rows, columns } = kind();
  const order = [mean, ...Array(heads).keys()];
  const grid = element("heads");
  grid.style.gridTemplateColumns = `auto repeat(${order.length}, minmax(2rem, 1fr))`;
  grid.replaceChildren(make("span", { class: "column-name", "aria-hidden": "true" }));
  for (const head of order)
    grid.append(make("span", { class: "column-name", "aria-hidden": "true" }, head === mean ? "mean" : `${head + 1}`));
  for (let layer = layers - 1; layer >= 0; --layer) { // the last layer on top, as Transformers are drawn
    grid.append(make("span", { class: "row-name", "aria-hidden": "true" }, `${layer + 1}`));
    for (const head of order) {
      const label = make("label");
      const canvas = make("canvas", { width: columns.length, height: rows.length, "aria-hidden": "true" });
      canvas.dataset.layer = layer;
      canvas.dataset.head = head;
      const chosen = layer === state.layer && head === state.head;
      label.append(canvas, radio("head", `${layer}/${head}`, chosen, `layer ${layer + 1}, ${headName(head)}`));
      label.title = `layer ${layer + 1}, ${headName(head)}`;
      grid.append(label);
    }
  }
}

function buildWords() {
  const { rows, columns, row_axis, column_axis, note } = kind();
  element("column-axis").textContent = column_axis;
  element("row-axis").textContent = row_axis;
  element("lens-note").textContent = note;
  element("answers").replaceChildren(...columns.map((word) => make("span", { class: "word", dir: "auto" }, word)));
  element("askers").replaceChildren(
    ...rows.map((word, row) => {
      const button = make("button", { type: "button", class: "word", dir: "auto", "aria-pressed": "false" }, word);
      button.dataset.row = row;
      button.tabIndex = row === 0 ? 0 : -1; // one stop for Tab; arrows move within
      return button;
    }),
  );
}

function buildMatrix() {
  const { rows, columns } = kind();
  const [head] = element("matrix").tHead.children.length ? element("matrix").tHead.children : [make("tr")];
  head.replaceChildren(make("td"));
  for (const word of columns) {
    const cell = make("th", { scope: "col" });
    cell.append(make("span", { dir: "auto" }, word));
    head.append(cell);
  }
  element("matrix").tHead.replaceChildren(head);
  element("matrix").tBodies[0].replaceChildren(
    ...rows.map((word, row) => {
      const line = make("tr");
      line.dataset.row = row;
      line.append(make("th", { scope: "row", dir: "auto" }, word));
      for (let column = 0; column < columns.length; ++column) line.append(make("td"));
      return line;
    }),
  );
}

// ---- drawing -------------------------------------------------------------------------------------------------------

function drawHeads() {
  const { rows, columns } = kind();
  for (const canvas of element("heads").querySelectorAll("canvas")) {
    const picture = new ImageData(columns.length, rows.length);
    rows.forEach((_, row) => {
      rowWeights(Number(canvas.dataset.layer), Number(canvas.dataset.head), row).forEach((weight, column) => {
        picture.data.set([...colourOf(weight), 255], 4 * (row * columns.length + column));
      });
    });
    canvas.getContext("2d").putImageData(picture, 0, 0);
  }
}

function drawMatrix() {
  const { rows, columns } = kind();
  element("matrix-caption").textContent =
    `${kind().name}, layer ${state.layer + 1}, ${headName(state.head)}, ${momentText(state.moment)}. ` +
    "Rows ask, columns answer.";
  for (const line of element("matrix").tBodies[0].rows) {
    const row = Number(line.dataset.row);
    line.classList.toggle("looking", row === looking());
    rowWeights(state.layer, state.head, row).forEach((weight, column) => {
      const cell = line.cells[column + 1];
      const hundredths = Math.round(100 * weight);
      cell.textContent = hundredths || "";
      cell.title = `${rows[row]} looks at ${columns[column]}: ${weight.toFixed(2)}`;
      paint(cell, weight);
    });
  }
}

// Words take the colour of what the chosen word sees in them; without a chosen word, all lines are drawn.
function drawWords() {
  const row = looking();
  const answers = [...element("answers").children];
  const askers = [...element("askers").children];
  askers.forEach((button, i) => {
    button.classList.toggle("looking", i === row);
    button.setAttribute("aria-pressed", i === state.kept);
  });
  const seen = row === null ? null : rowWeights(state.layer, state.head, row);
  answers.forEach((word, column) => {
    if (seen) paint(word, seen[column]);
    else word.removeAttribute("style");
    word.title = seen ? seen[column].toFixed(2) : "";
  });

  const frame = element("words").getBoundingClientRect();
  const below = answers.map((word) => middle(word, frame, "bottom"));
  const lines = element("lines");
  lines.setAttribute("viewBox", `0 0 ${frame.width} ${frame.height}`);
  lines.replaceChildren();
  askers.forEach((button, i) => {
    if (row !== null && i !== row) return;
    const [x, y] = middle(button, frame, "top");
    rowWeights(state.layer, state.head, i).forEach((weight, column) => {
      if (weight < 0.04) return; // hardly anything: not worth a line
      const [toX, toY] = below[column];
      const half = (y + toY) / 2;
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", `M${x} ${y}C${x} ${half} ${toX} ${half} ${toX} ${toY}`);
      path.setAttribute("stroke-width", (0.5 + 5 * weight).toFixed(2));
      path.setAttribute("stroke-opacity", Math.min(1, row === null ? 0.9 * weight : 0.25 + weight).toFixed(2));
      lines.append(path);
    });
  });
}

function middle(word, frame, side) {
  const box = word.getBoundingClientRect();
  return [box.left + box.width / 2 - frame.left, box[side] - frame.top];
}

function drawTexts() {
  const where = `${momentText(state.moment)}, layer ${state.layer + 1}, ${headName(state.head)}`;
  element("lens-title").textContent = `${kind().name}, layer ${state.layer + 1}, ${headName(state.head)}`;
  element("source").textContent = sentence().source;
  element("reference").textContent = sentence().reference;
  element("translation").textContent = sentence().translations[state.moment];
  element("translation-when").textContent = momentText(state.moment);
  element("moment-value").textContent = `${momentText(state.moment)} of ${report.moments.at(-1)}`;
  element("moment").setAttribute("aria-valuetext", `${momentText(state.moment)}, step ${report.moment_steps[state.moment]}`);
  element("moment").value = state.moment;

  const row = looking();
  element("answer").textContent = row === null ? "" : `${kind().rows[row]} looks at ${inWords(row)}`;
  say(row === null ? `${where}. ${sentence().translations[state.moment]}` : `${where}: ${element("answer").textContent}`);
}

// "dog 0.81, black 0.10, a 0.04": the largest weights, until nine tenths are told.
function inWords(row) {
  const { columns } = kind();
  const order = rowWeights(state.layer, state.head, row)
    .map((weight, column) => [weight, columns[column]])
    .sort((one, other) => other[0] - one[0]);
  const told = [];
  let sum = 0;
  for (const [weight, word] of order) {
    if (weight < 0.005 || told.length === 5 || sum > 0.9) break;
    told.push(`${word} ${weight.toFixed(2)}`);
    sum += weight;
  }
  return told.join(", ") || "nothing";
}

// For screen readers, once the hand is at rest: a slider that is dragged would talk without end.
let waiting = 0;
function say(text) {
  clearTimeout(waiting);
  waiting = setTimeout(() => { element("spoken").textContent = text; }, 400);
}

function drawMarks() {
  const step = report.moment_steps[state.moment];
  for (const chart of document.querySelectorAll("svg.chart[data-low]")) {
    const { left, right, low, high } = Object.fromEntries(Object.entries(chart.dataset).map(([k, v]) => [k, Number(v)]));
    const mark = chart.querySelector(".now");
    const place = left + ((right - left) * (step - low)) / (high - low);
    mark.toggleAttribute("hidden", !(step >= low && step <= high));
    mark.setAttribute("transform", `translate(${place.toFixed(1)} 0)`);
  }
}

function draw() {
  drawTexts();
  drawHeads();
  drawWords();
  drawMatrix();
  drawMarks();
}

function drawChoice() { // a word is pointed at: nothing else has changed
  drawTexts();
  drawWords();
  for (const line of element("matrix").tBodies[0].rows)
    line.classList.toggle("looking", Number(line.dataset.row) === looking());
}

// ---- what people do ------------------------------------------------------------------------------------------------

function choose(changes) {
  const before = kind();
  Object.assign(state, changes);
  if ("sentence" in changes) {
    state.kind = Math.min(state.kind, sentence().kinds.length - 1);
    buildKinds();
  }
  if (kind() !== before) {
    state.layer = Math.min(state.layer, kind().layers - 1);
    if (state.head >= kind().heads) state.head = mean;
    state.kept = state.pointed = null;
    buildHeads();
    buildWords();
    buildMatrix();
  }
  draw();
}

function pointAt(row) {
  if (state.pointed === row) return;
  state.pointed = row;
  drawChoice();
}

const rowOf = (target) => {
  const holder = target.closest?.("[data-row]");
  return holder ? Number(holder.dataset.row) : null;
};

function listenToWords() {
  const askers = element("askers");
  for (const place of [askers, element("matrix")]) {
    place.addEventListener("pointerover", (event) => pointAt(rowOf(event.target)));
    place.addEventListener("pointerleave", () => pointAt(null));
  }
  askers.addEventListener("focusin", (event) => pointAt(rowOf(event.target)));
  askers.addEventListener("focusout", () => pointAt(null));
  askers.addEventListener("click", (event) => {
    const row = rowOf(event.target);
    if (row === null) return;
    state.kept = state.kept === row ? null : row;
    drawChoice();
  });
  askers.addEventListener("keydown", (event) => {
    const last = askers.children.length - 1;
    const at = rowOf(event.target);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: last }[event.key];
    if (at === null || to === undefined) return;
    event.preventDefault();
    const button = askers.children[Math.min(Math.max(to, 0), last)];
    askers.children[at].tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
  });
}

let playing = 0;

function stop() {
  clearInterval(playing);
  playing = 0;
  element("play").setAttribute("aria-pressed", "false");
  element("play").textContent = "Play";
}

function play() {
  if (playing) return stop();
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element("play").setAttribute("aria-pressed", "true");
  element("play").textContent = "Pause";
  if (state.moment === report.moments.length - 1) choose({ moment: 0 });
  playing = setInterval(() => {
    if (state.moment < report.moments.length - 1) choose({ moment: state.moment + 1 });
    if (state.moment === report.moments.length - 1) stop();
  }, calm ? 1500 : 600);
}

// The values of all curves of a chart nearest to the pointer, below the chart.
function listenToCharts() {
  document.querySelectorAll(".curve-figure").forEach((figure, c) => {
    const chart = figure.querySelector("svg");
    const readout = figure.querySelector(".readout");
    if (!chart.dataset.low) return;
    const { left, right, low, high } = Object.fromEntries(Object.entries(chart.dataset).map(([k, v]) => [k, Number(v)]));
    const { curves, x_axis } = report.charts[c];
    readout.hidden = false;
    readout.textContent = "\u00a0"; // room for what comes, so that nothing jumps
    chart.addEventListener("pointermove", (event) => {
      const box = chart.getBoundingClientRect();
      const inside = ((event.clientX - box.left) / box.width) * chart.viewBox.baseVal.width;
      const x = low + ((inside - left) / (right - left)) * (high - low);
      const near = curves.filter((curve) => curve.x.length).map((curve) => {
        let best = 0;
        curve.x.forEach((each, i) => { if (Math.abs(each - x) < Math.abs(curve.x[best] - x)) best = i; });
        return { name: curve.name, x: curve.x[best], y: curve.y[best] };
      });
      readout.textContent = near.map((each) => `${each.name} ${each.y} at ${x_axis} ${each.x}`).join(" · ");
    });
    chart.addEventListener("pointerleave", () => { readout.textContent = "\u00a0"; });
  });
}

function start() {
  listenToCharts();
  report.sentences = report.sentences.filter((each) => each.kinds.length);  // those with something to look at
  if (!report.moments.length || !report.sentences.length) return;
  state.moment = report.moments.length - 1;
  state.kind = sentence().kinds.length - 1;
  state.layer = kind().layers - 1;
  readScale();
  element("microscope").hidden = false;
  element("moment").max = report.moments.length - 1;
  element("moment-label").textContent = `Training time (${report.moment_name})`;
  buildSentences();
  buildKinds();
  buildHeads();
  buildWords();
  buildMatrix();
  draw();

  element("sentence").addEventListener("change", (event) => choose({ sentence: Number(event.target.value) }));
  element("kinds").addEventListener("change", (event) => choose({ kind: Number(event.target.value) }));
  element("heads").addEventListener("change", (event) => {
    const [layer, head] = event.target.value.split("/").map(Number);
    choose({ layer, head });
  });
  element("moment").addEventListener("input", (event) => {
    stop();
    choose({ moment: Number(event.target.value) });
  });
  element("play").addEventListener("click", play);
  listenToWords();
  addEventListener("resize", drawWords);
  matchMedia("screen and (prefers-color-scheme: dark)").addEventListener("change", () => {
    readScale();
    draw();
  });
}

start();
