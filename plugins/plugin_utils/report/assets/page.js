// Copyright (c) 2026, The fleetops.tetra authors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
//
// The table of endpoints, its filters and the details of one endpoint. Everything from an endpoint is put on the page
// as text (textContent), never as markup.
"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const at = Object.fromEntries(data.row.map((name, index) => [name, index]));
  const pools = data.pools;
  const labels = data.labels;
  const pooled = (row, name) => pools[name][row[at[name]]];
  const words = (table, code) => table[code] || String(code || "").replaceAll("_", " ");

  /** An element; children are elements or text. */
  function el(tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "class") element.className = value;
      else if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined) element.setAttribute(name, value);
    }
    for (const child of children.flat()) {
      if (child !== null && child !== undefined && child !== "") element.append(child);
    }
    return element;
  }

  // ---- light and dark ----
  const root = document.documentElement;
  const remembered = (() => { try { return localStorage.getItem("fleetops-tetra-theme"); } catch { return null; } })();
  if (remembered === "light" || remembered === "dark") root.dataset.theme = remembered;
  const themeButton = document.getElementById("theme");
  const isDark = () => (root.dataset.theme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light")) === "dark";
  const nameTheme = () => { themeButton.textContent = isDark() ? "Light theme" : "Dark theme"; };
  themeButton.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("fleetops-tetra-theme", root.dataset.theme); } catch { /* a file may have no storage */ }
    nameTheme();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", nameTheme);
  nameTheme();

  // ---- lists that are folded ----
  for (const button of document.querySelectorAll(".unfold")) {
    button.addEventListener("click", () => {
      const open = button.parentElement.classList.toggle("unfolded");
      button.setAttribute("aria-expanded", String(open));
      button.dataset.more = button.dataset.more || button.textContent;
      button.textContent = open ? "Show fewer" : button.dataset.more;
    });
  }

  // ---- what a row shows, sorts by and is found by ----
  const stateRank = { non_compliant: 0, unknown: 1, compliant: 2, not_applicable: 3 };
  const stateNames = Object.keys(labels.states);
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  /** Rank of every pool value in the order of its text: sorting then compares numbers. */
  function ranks(values, text) {
    const order = values.map((value, index) => index).sort((a, b) => collator.compare(text(values[a]), text(values[b])));
    const rank = new Array(values.length);
    order.forEach((index, position) => { rank[index] = position; });
    return rank;
  }
  const whyRank = ranks(pools.why, (why) => why.label || "\uffff");
  const systemRank = ranks(pools.system, String);
  const ownerRank = ranks(pools.owner, String);
  const forceRank = ranks(pools.in_force, (code) => words(labels.in_force, code));
  const changeRank = pools.change.map((code) => Object.keys(labels.changes).indexOf(code));
  const hostOrder = data.rows.map((row, index) => index).sort((a, b) => collator.compare(data.rows[a][0], data.rows[b][0]));
  const hostRank = new Array(data.rows.length);
  hostOrder.forEach((index, position) => { hostRank[index] = position; });

  // A pool value is searched once, not once for every endpoint that has it.
  const reasonCodes = pools.suites.map((suites) => new Set(Object.values(suites).filter((suite) => suite.usable !== "yes")
    .flatMap((suite) => (suite.reasons || []).map((reason) => reason.code))));
  const ruleSets = pools.findings.map((findings) => new Set(findings.map((finding) => finding.rule)));
  const lower = (values, text) => values.map((value) => text(value).toLowerCase());
  const searchable = {
    state: lower(pools.state, (state) => labels.states[state] || state),
    why: lower(pools.why, (why) => `${why.label} ${why.code}`),
    system: lower(pools.system, String),
    owner: lower(pools.owner, String),
    usable: lower(pools.usable, (names) => names.join(" ")),
    step: lower(pools.step, String),
    suites: reasonCodes.map((codes) => [...codes].map((code) => `${code} ${words(labels.reasons, code)}`).join(" ").toLowerCase()),
    findings: lower(pools.findings, (findings) => findings.map((finding) => `${finding.rule} ${finding.title}`).join(" ")),
    error: lower(pools.error, (error) => (error ? `${error.kind} ${error.message}` : "")),
    facts: lower(pools.facts, (facts) => facts.connector || ""),
  };
  const searchedPools = Object.keys(searchable);

  // The fields of a record are ranks, so that the table sorts numbers; what a cell shows comes from the row.
  const rankOf = {
    state: pools.state.map((state) => stateRank[state] ?? 9),
    change: changeRank,
    why: whyRank,
    usable: pools.usable.map((names) => names.length),
    system: systemRank,
    owner: ownerRank,
    in_force: forceRank,
  };
  const ranked = Object.entries(rankOf).map(([name, rank]) => [name, at[name], rank]);
  const records = data.rows.map((row, id) => {
    const record = { id, row, host: hostRank[id] };
    for (const [name, index, rank] of ranked) record[name] = rank[row[index]];
    return record;
  });

  // ---- filters ----
  const filters = { words: [], state: "", why: "", system: "", owner: "", change: "", step: "", rule: "", reason: "" };
  const poolOf = { state: pools.state, system: pools.system, owner: pools.owner, change: pools.change, step: pools.step };

  /** A function that tells whether an endpoint is shown; built once per change of the filters. */
  function matcher() {
    const tests = [];
    for (const [name, pool] of Object.entries(poolOf)) {
      if (filters[name]) {
        const wanted = pool.indexOf(filters[name]);
        tests.push((row) => row[at[name]] === wanted);
      }
    }
    const among = (name, chosen) => tests.push((row) => chosen[row[at[name]]]);
    if (filters.why) among("why", pools.why.map((why) => why.code === filters.why));
    if (filters.rule) among("findings", ruleSets.map((rules) => rules.has(filters.rule)));
    if (filters.reason) {
      among("suites", reasonCodes.map((codes) => codes.has(filters.reason)));
      const failing = pools.state.indexOf("non_compliant");
      tests.push((row) => row[at.state] === failing);
    }
    for (const word of filters.words) {
      const hits = searchedPools.map((name) => [at[name], searchable[name].map((text) => text.includes(word))]);
      tests.push((row) => hits.some(([index, chosen]) => chosen[row[index]]) 
        || row[at.host].toLowerCase().includes(word) || (row[at.computer] || "").toLowerCase().includes(word));
    }
    return (record) => tests.every((test) => test(record.row));
  }

  // ---- the table ----
  const sorter = (a, b) => a - b;
  // A title attribute, not the library's tooltip: that would set the text as markup.
  const span = (words) => el("span", { title: words }, words);
  const text = (name, show) => (cell) => span(show(pooled(cell.getData().row, name)));
  const columns = [
    { title: "Endpoint", field: "host", minWidth: 180, widthGrow: 2, responsive: 0,
      formatter: (cell) => span(cell.getData().row[at.host]) },
    { title: "State", field: "state", minWidth: 132, widthGrow: .4, responsive: 0,
      formatter: (cell) => { const state = pooled(cell.getData().row, "state"); return el("span", { class: `state ${state}` }, words(labels.states_short, state)); },
    },
    { title: "Reason", field: "why", minWidth: 170, widthGrow: 2.2, responsive: 1,
      formatter: text("why", (why) => why.label || "–") },
    { title: "Suites", field: "usable", minWidth: 98, widthGrow: .2, responsive: 4,
      formatter: (cell) => { const row = cell.getData().row; return document.createTextNode(`${pooled(row, "usable").length} of ${Object.keys(pooled(row, "suites")).length}`); },
    },
    { title: "Windows", field: "system", minWidth: 160, widthGrow: 1.6, responsive: 2,
      formatter: text("system", (name) => name.replace(/^Windows (?!release)/, "")) },
    { title: "Setting owner", field: "owner", minWidth: 160, widthGrow: 1.6, responsive: 3,
      formatter: text("owner", String) },
    { title: "In force", field: "in_force", minWidth: 112, widthGrow: .3, responsive: 5,
      formatter: text("in_force", (code) => words(labels.in_force, code)) },
  ];
  if (data.compared) {
    columns.splice(2, 0, { title: "Change", field: "change", minWidth: 120, widthGrow: 1, responsive: 3,
      formatter: text("change", (code) => words(labels.changes, code)) });
  }
  for (const column of columns) Object.assign(column, { sorter, headerSortStartingDir: "asc" });

  const grid = document.getElementById("table");
  const shown = document.getElementById("shown");
  const table = new Tabulator(grid, {
    data: records,
    index: "id",
    columns,
    layout: "fitColumns",
    responsiveLayout: "hide",
    height: Math.max(260, Math.min(620, 44 + 38 * Math.max(records.length, 4))),
    rowHeight: 38,
    placeholder: "No endpoint matches.",
    initialSort: [{ column: "host", dir: "asc" }, { column: "state", dir: "asc" }],
    columnDefaults: { resizable: "header", headerTooltip: false },
    rowFormatter: (row) => {
      const element = row.getElement();
      element.id = `endpoint-${row.getData().id}`;
      const current = row.getData().id === currentId;
      element.classList.toggle("current", current);
      element.setAttribute("aria-selected", String(current));
      const position = positions().get(row.getData().id);
      if (position !== undefined) element.setAttribute("aria-rowindex", String(position + 2));
    },
  });

  // ---- the order of the rows that are shown, for the keyboard ----
  let currentId = null;
  let order = null;
  let orderIndex = null;
  function active() {
    if (!order) { order = table.getData("active").map((record) => record.id); orderIndex = null; }
    return order;
  }
  function positions() {
    if (!orderIndex) orderIndex = new Map(active().map((id, index) => [id, index]));
    return orderIndex;
  }
  function mark(id, on) {
    const element = document.getElementById(`endpoint-${id}`);
    if (element) { element.classList.toggle("current", on); element.setAttribute("aria-selected", String(on)); }
  }
  async function moveTo(index) {
    const ids = active();
    if (!ids.length) return;
    const id = ids[Math.max(0, Math.min(ids.length - 1, index))];
    if (currentId !== null) mark(currentId, false);
    currentId = id;
    const holder = grid.querySelector(".tabulator-tableholder").getBoundingClientRect();
    const box = document.getElementById(`endpoint-${id}`)?.getBoundingClientRect();
    if (!box || box.top < holder.top || box.bottom > holder.bottom) {
      try { await table.scrollToRow(id, box && box.top < holder.top ? "top" : "nearest", false); } catch { /* filtered away meanwhile */ }
    }
    mark(id, true);
    grid.setAttribute("aria-activedescendant", `endpoint-${id}`);
  }
  const position = () => (currentId === null ? -1 : positions().get(currentId) ?? -1);

  function countShown(count) {
    shown.textContent = count === records.length
      ? `${records.length.toLocaleString("en")} in this report`
      : `${count.toLocaleString("en")} of ${records.length.toLocaleString("en")} shown`;
    grid.setAttribute("aria-rowcount", String(count + 1));
  }
  let ready = false;
  table.on("dataFiltered", (_, rows) => { order = null; orderIndex = null; countShown(rows.length); });
  table.on("dataSorted", () => { order = null; orderIndex = null; });
  table.on("tableBuilt", () => {
    ready = true;
    grid.tabIndex = 0;
    grid.setAttribute("role", "grid");
    grid.setAttribute("aria-colcount", String(columns.length));
    // The grid itself takes the keys; its scrolling part is the group of rows and no stop of its own.
    const holder = grid.querySelector(".tabulator-tableholder");
    holder.tabIndex = -1;
    holder.setAttribute("role", "rowgroup");
    holder.querySelector(".tabulator-table").setAttribute("role", "presentation");
    grid.removeAttribute("aria-owns");
    for (const header of grid.querySelectorAll(".tabulator-col.tabulator-sortable")) {
      header.tabIndex = 0;
      header.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") { event.preventDefault(); event.stopPropagation(); header.click(); }
      });
    }
    countShown(records.length);
    apply();
    root.dataset.ready = "yes";
  });
  table.on("rowClick", (_, row) => { moveTo(positions().get(row.getData().id)); open(row.getData().id); });
  grid.addEventListener("keydown", (event) => {
    if (event.target !== grid || event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(grid.querySelector(".tabulator-tableholder").clientHeight / 38) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -Infinity, End: Infinity };
    if (event.key in moves) {
      event.preventDefault();
      moveTo(Math.max(0, position() + moves[event.key]));
    } else if (event.key === "Enter" && currentId !== null && position() >= 0) {
      event.preventDefault();
      open(currentId);
    }
  });
  grid.addEventListener("focus", () => { if (position() < 0) moveTo(0); });

  // ---- the controls ----
  const form = document.getElementById("filters");
  const search = document.getElementById("search");
  const chips = document.getElementById("chips");
  const selects = Object.fromEntries([...form.querySelectorAll("[data-select]")].map((select) => [select.dataset.select, select]));
  function fill(name, options) {
    for (const [value, label] of options) if (selects[name] && value) selects[name].append(el("option", { value }, label));
  }
  const sorted = (options) => options.sort((a, b) => collator.compare(a[1], b[1]));
  fill("state", stateNames.filter((state) => pools.state.includes(state)).map((state) => [state, labels.states[state]]));
  fill("why", sorted(pools.why.map((why) => [why.code, why.label])));
  fill("system", sorted(pools.system.map((name) => [name, name])));
  fill("owner", sorted(pools.owner.map((name) => [name, name])));
  fill("change", Object.keys(labels.changes).filter((code) => pools.change.includes(code)).map((code) => [code, labels.changes[code]]));

  const ruleTitles = new Map(pools.findings.flat().map((finding) => [finding.rule, finding.title]));
  const chipText = {
    step: (value) => `Next step: ${value}`,
    rule: (value) => `${value}: ${ruleTitles.get(value) || ""}`,
    reason: (value) => `Ruled out: ${words(labels.reasons, value)}`,
  };
  function apply() {
    if (!ready) return;
    table.setFilter(matcher());
    if (position() < 0) { currentId = null; grid.removeAttribute("aria-activedescendant"); }
    for (const button of document.querySelectorAll("[data-filter][aria-pressed]")) {
      button.setAttribute("aria-pressed", String(filters[button.dataset.filter] === button.dataset.value));
    }
    for (const [name, select] of Object.entries(selects)) select.value = filters[name];
    chips.replaceChildren(...Object.keys(chipText).filter((name) => filters[name]).map((name) =>
      el("button", { type: "button", class: "chip", "aria-label": `Remove the filter ${chipText[name](filters[name])}`,
        onclick: () => { filters[name] = ""; apply(); search.focus(); } }, `${chipText[name](filters[name])}  ×`)));
  }
  let pending = 0;
  search.addEventListener("input", () => {
    clearTimeout(pending);
    pending = setTimeout(() => { filters.words = search.value.toLowerCase().split(/\s+/).filter(Boolean); apply(); }, 120);
  });
  for (const [name, select] of Object.entries(selects)) select.addEventListener("change", () => { filters[name] = select.value; apply(); });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    clearTimeout(pending);
    for (const name of Object.keys(filters)) filters[name] = name === "words" ? [] : "";
    setTimeout(apply);
  });
  for (const button of document.querySelectorAll("main [data-filter]")) {
    button.addEventListener("click", () => {
      const { filter, value } = button.dataset;
      const pressed = button.hasAttribute("aria-pressed");
      filters[filter] = pressed && filters[filter] === value ? "" : value;
      apply();
      if (!pressed) document.getElementById("endpoints").scrollIntoView({ block: "start" });
    });
  }

  // ---- one endpoint ----
  const dialog = document.getElementById("detail");
  const section = (title, ...content) => (content.flat().some(Boolean) ? el("section", {}, el("h3", {}, title), ...content) : null);
  const facts = (pairs) => {
    const present = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
    return present.length ? el("dl", { class: "facts" }, present.flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value instanceof Node ? value : String(value))])) : null;
  };
  const show = (value) => (value === null || value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value));

  /** A list that is often long and seldom read. */
  function folded(names) {
    if (names.length <= 3) return names.join(", ");
    return el("details", {}, el("summary", {}, `${names.length} suites`), names.map((name) => el("div", {}, name)));
  }
  function evidence(found) {
    if (!found) return null;
    const lines = [];
    if (found.path) lines.push(el("div", {}, el("code", {}, found.path)));
    const value = show(found.value);
    if (value) lines.push(el("div", {}, "Value: ", el("code", {}, value.length > 1500 ? `${value.slice(0, 1500)} …` : value)));
    if (found.note) lines.push(el("div", {}, found.note));
    if (found.source) lines.push(el("div", {}, `Source: ${found.source}`));
    return lines.length ? el("div", { class: "evidence" }, lines) : null;
  }
  function suite(name, answer) {
    const usable = { yes: "usable", no: "not usable", unknown: "not known" }[answer.usable] || answer.usable;
    return el("div", { class: "suite" },
      el("div", { class: "suite-head" }, el("code", {}, name), el("strong", { class: `usable-${answer.usable}` }, usable)),
      (answer.reasons || []).map((reason) => el("div", { class: "reason" }, el("div", {}, words(labels.reasons, reason.code)), evidence(reason.evidence))));
  }
  function finding(found) {
    return el("div", { class: "suite" },
      el("div", { class: "suite-head" }, el("span", {}, found.title, " ", el("code", {}, found.rule)), el("span", { class: `severity ${found.severity}` }, found.severity)),
      evidence(found.evidence),
      found.source ? el("div", { class: "evidence" }, `Rule's source: ${found.source}`) : null);
  }
  /** One fault: what it is, where it stands, whose it is, what is there and what should be. */
  function cure(found) {
    const owner = found.owner || {};
    return el("li", {}, found.what, facts([
      ["Where", found.place ? el("code", {}, found.place) : null],
      ["Owner", owner.kind === "none" ? null : [words(labels.origins, owner.kind), owner.name].filter(Boolean).join(" ")],
      ["Now", found.place ? short(show(found.present)) || "nothing" : null], ["Wanted", short(show(found.wanted))],
    ]));
  }
  const short = (text) => (text.length > 1500 ? `${text.slice(0, 1500)} …` : text);
  const answerWords = { yes: "yes", no: "no", unknown: "not known" };

  function open(id) {
    const record = records[id];
    const row = record.row;
    const get = (name) => pooled(row, name);
    const state = get("state");
    const answers = get("answers");
    const system = get("facts");
    const origin = get("origin");
    const error = get("error");
    const why = get("why");
    const update = system.last_update || {};
    const index = positions().get(id);
    const step = (label, offset) => {
      const target = index === undefined ? undefined : active()[index + offset];
      return el("button", { type: "button", class: "quiet", disabled: target === undefined ? "" : null,
        onclick: () => { moveTo(index + offset); open(target); } }, label);
    };
    const either = answers.either_way;
    const differs = either && either.in_force !== either.if_not_in_force;
    dialog.replaceChildren(
      el("div", { class: "detail-head" }, el("h2", { id: "detail-host", tabindex: "-1" }, row[at.host]), step("Previous", -1), step("Next", 1),
        el("button", { type: "button", class: "quiet", onclick: () => dialog.close() }, "Close")),
      el("div", { class: "detail-body" },
        el("div", {}, el("span", { class: `state ${state}` }, words(labels.states, state)), why.label ? `  ${why.label}` : ""),
        el("div", { class: "callout" }, el("strong", {}, "Next step"), get("step") || "Nothing to do."),
        error ? el("div", { class: "callout" }, el("strong", {}, words(labels.errors, error.kind)), error.message) : null,
        answers.cause && answers.cause.confirm ? el("div", { class: "callout" }, el("strong", {}, "What would prove the cause"), answers.cause.confirm) : null,
        (answers.cures || []).length ? section("What to mend, in this order", el("ol", { class: "cures" }, answers.cures.map(cure))) : null,
        answers.settles ? section("What would settle it", facts([
          ["Observation", answers.settles.observation],
          ["At best it is then", words(labels.states, answers.settles.if_good)], ["Else", words(labels.states, answers.settles.if_bad)],
        ])) : null,
        section("Answers", facts([
          ["Can reach Tetra", answerWords[answers.reachability?.answer]],
          ["Usable, in the order offered", (answers.reachability?.usable || []).join(", ")],
          ["Nothing outside the list", answerWords[answers.strictness?.answer]],
          ["Offered outside the list", folded(answers.strictness?.outside || [])],
          ["In force", words(labels.in_force, get("in_force"))],
          ["If the settings are in force", differs ? answerWords[either.in_force] : null],
          ["If they are not in force yet", differs ? answerWords[either.if_not_in_force] : null],
          ["Change", data.compared ? words(labels.changes, get("change")) : null],
        ])),
        section("Allow-listed suites", Object.entries(get("suites")).map(([name, answer]) => suite(name, answer))),
        section("Findings", get("findings").map(finding)),
        section("Whose setting it is", facts([
          ["Owner", get("owner")], ["GPO GUID", origin.gpo?.guid],
          ["Registry matches the policy", origin.matches_registry === true ? "yes" : origin.matches_registry === false ? "no" : null],
        ]), (origin.evidence || []).map(evidence)),
        section("Notes: what this rests on and nobody has verified", get("notes").map((note) => el("p", { class: "evidence" }, note))),
        section("Endpoint", facts([
          ["Computer name", row[at.computer]], ["Windows", get("system")],
          ["Build", [system.build, system.ubr].filter((part) => part !== null && part !== undefined).join(".")],
          ["Last start", row[at.last_boot]], ["Connector", system.connector],
          ["TETRA", system.tetra_enabled === true ? "enabled" : system.tetra_enabled === false ? "switched off" : null],
          ["Definitions", system.definitions],
          ["Last definition update", [words({}, update.result), update.code !== null && update.code !== undefined ? `code ${update.code}` : "", row[at.update_time]].filter(Boolean).join(", ")],
          ["Proxy", system.proxy], ["Own handshake", system.probe],
          ["Measured at", row[at.measured_at]], ["Took", row[at.seconds] === null ? null : `${row[at.seconds]} s`], ["Run", get("run")],
        ])),
        answers.allow_list ? el("p", { class: "evidence" }, `Allow-list: ${answers.allow_list.source || ""}${answers.allow_list.date ? `, ${answers.allow_list.date}` : ""}`) : null));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    document.getElementById("detail-host").focus();
  }
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.addEventListener("close", () => grid.focus());
})();
