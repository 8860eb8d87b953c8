// State, its link, and what happens on a click. Everything shown follows from `state`; every change goes through `go`.
const board = {ready: false};

function start() {
  const profiles = Object.keys(D.profiles),
    biggest = profiles.reduce((a, b) => (D.profiles[b].rows.length > D.profiles[a].rows.length ? b : a));
  const START = {
    p: biggest, b: "all", m: "", s: "", q: "", fam: [], be: "", lab: "", mem: "", x: 0, st: "",
    holm: false, stale: false, only: false, pick: [], cols: [], cx: "compute", row: "", rb: "",
  };
  const RADIOS = {be: ["native", "avalanche"], lab: ["no", "yes"], mem: ["no examples", "examples", "all data"], st: ["ok", "stale", "failed", "unsupported"]};
  const NO_FILTER = {q: "", fam: [], be: "", lab: "", mem: "", x: 0, st: "", holm: false, stale: false, only: false};
  const FOLDED = ["be", "lab", "mem", "x", "st", "holm", "stale"];
  let state = {...START},
    view = null;

  // ---- the link: only what differs from the start
  function hash(of) {
    const parts = new URLSearchParams();
    for (const [key, start] of Object.entries(START)) {
      const value = of[key];
      if (String(value) !== String(start)) parts.set(key, Array.isArray(value) ? joined(value) : value === true ? "1" : String(value));
    }
    return parts.size ? "#" + parts.toString().replace(/%7E/g, "~").replace(/%2C/g, ",") : "";
  }
  function fromHash(text) {
    const parts = new URLSearchParams(text.replace(/^#/, "")),
      out = {...START};
    for (const [key, start] of Object.entries(START))
      if (parts.has(key)) out[key] = parsed(parts.get(key), start);
    return sane(out);
  }
  // A list with ~ between its names, whatever is in them.
  const joined = list => list.map(one => one.replaceAll("%", "%25").replaceAll("~", "%7E")).join("~");
  const taken = text => text.split("~").filter(Boolean).map(one => one.replaceAll("%7E", "~").replaceAll("%25", "%"));
  function parsed(value, start) {
    if (Array.isArray(start)) return taken(value);
    if (typeof start === "boolean") return value === "1";
    return typeof start === "number" ? Math.max(0, +value || 0) : value;
  }
  // What a link says and these results don't have falls back to the start.
  function sane(of) {
    if (!Object.hasOwn(D.profiles, of.p)) of.p = START.p;
    const scopes = View.scopes(of.p),
      {benchmarks} = D.profiles[of.p];
    if (!Object.hasOwn(scopes, of.b) && !Object.hasOwn(benchmarks, of.b)) of.b = "all" in scopes ? "all" : Object.keys(benchmarks)[0];
    if (of.m && (of.m === "recovered" || !View.available(of.p, of.b).includes(of.m))) of.m = "";
    of.fam = of.fam.filter(name => D.families.includes(name));
    of.pick = of.pick.filter(name => Object.hasOwn(D.strategy, name));
    if (!Object.hasOwn(D.strategy, of.row) && !D.profiles[of.p].imported.rows.some(row => row.id === of.row)) of.row = "";
    for (const [name, values] of Object.entries(RADIOS)) if (!values.includes(of[name])) of[name] = "";
    if (of.only && !of.pick.length) of.only = false;
    return of;
  }
  function go(change, step = false) {
    state = sane({...state, ...change});
    try {
      history[step ? "pushState" : "replaceState"](null, "", hash(state) || location.pathname.split("/").pop() + location.search);
    } catch {
      location.hash = hash(state);
    }
    show();
  }
  const toggled = (list, one) => (list.includes(one) ? list.filter(other => other !== one) : [...list, one]);

  // ---- what can be chosen
  function controls() {
    fill(
      at("profiles"),
      profiles.map(name =>
        h(
          "label",
          {"data-tip": D.profiles[name].about},
          h("input", {type: "radio", name: "p", value: name, checked: name === state.p, onchange: () => go({p: name, m: "", s: "", cols: []}, true)}),
          name,
        ),
      ),
    );
    fill(at("f-b"), benchmarkOptions());
    fill(at("f-m"), metricOptions());
    at("metric-says").textContent = metricSays();
    fill(at("families"), D.families.filter(name => D.strategies.some(one => one.family === name)).map(familyChip));
    for (const name of Object.keys(RADIOS)) for (const one of document.querySelectorAll(`input[name=${name}]`)) one.checked = one.value === state[name];
    if (document.activeElement !== at("f-q")) at("f-q").value = state.q;
    if (document.activeElement !== at("f-x")) at("f-x").value = state.x || "";
    at("f-holm").checked = state.holm;
    at("f-stale").checked = state.stale;
    const hidden = FOLDED.filter(key => state[key]).length;
    at("filter-count").textContent = hidden ? `(${hidden} on)` : "";
    at("reset").hidden = !hidden && !state.fam.length && !state.q && !state.only;
    at("columns-box").hidden = view.group;
    if (!view.group) fill(at("columns"), columnChoices());
  }
  function benchmarkOptions() {
    const scopes = View.scopes(state.p),
      {benchmarks} = D.profiles[state.p],
      option = (value, text) => h("option", {value, selected: value === state.b}, text),
      group = (label, options) => options.length > 0 && h("optgroup", {label}, options),
      several = kind =>
        Object.entries(scopes)
          .filter(([key]) => key.startsWith(kind))
          .map(([key, scope]) => option(key, `${scope.title} (${scope.benchmarks.length})`)),
      single = test => Object.keys(benchmarks).filter(name => test(benchmarks[name].scenario)).map(name => option(name, name));
    return [
      group("Several", [...several("all"), ...several("scenario:"), ...several("held-out")]),
      group("Same data", several("data:")),
      Object.entries(D.scenarios).map(([key, title]) => group(title, single(one => one === key))),
      group("Other", single(one => !(one in D.scenarios))),
    ];
  }
  function metricOptions() {
    const arrow = name => (D.metrics[name][1] ? "↑" : "↓"),
      usual = [...new Set(view.names.map(name => D.profiles[state.p].benchmarks[name].ranks_by))],
      first = usual.length === 1 ? `${D.metrics[usual[0]][0]} ${arrow(usual[0])}` : "what each ranks by";
    return [
      h("option", {value: "", selected: !state.m}, first),
      View.available(state.p, state.b)
        .filter(name => name !== "recovered" && !(usual.length === 1 && name === usual[0]))
        .map(name => h("option", {value: name, selected: name === state.m}, `${D.metrics[name][0]} ${arrow(name)}`)),
    ];
  }
  function metricSays() {
    if (!view.metric) return "Each benchmark by its own metric: ACC, or how well a stream in time keeps what came before.";
    const [title, up, text] = D.metrics[view.metric];
    return `${title}: ${text}. ${up ? "Higher" : "Lower"} is better.`;
  }
  const familyChip = name =>
    h(
      "label",
      null,
      h("input", {type: "checkbox", id: `fam-${name}`, checked: state.fam.includes(name), onchange: () => go({fam: toggled(state.fam, name)})}),
      " ",
      g("svg", {class: "mark", viewBox: "-7 -7 14 14", width: 13, height: 13, "aria-hidden": "true"}, g("path", {d: Charts.SHAPES[name](4.4), fill: "currentColor", stroke: "currentColor"})),
      " ",
      name,
    );
  function columnChoices() {
    const now = Table.columns(view),
      chosen = now.filter(one => !["rank", "ties", "s", "plot"].includes(one));
    return Table.optional(view).map(key =>
      h(
        "label",
        {"data-tip": Table.describe(key)[2]},
        h("input", {type: "checkbox", id: `col-${key}`, checked: now.includes(key), onchange: () => go({cols: toggled(chosen, key)})}),
        " ",
        Table.describe(key)[0],
      ),
    );
  }

  // ---- showing
  function show() {
    const begun = performance.now(),
      focused = document.activeElement?.id;
    view = View.view(state);
    controls();
    at("board-title").textContent = `${view.title} · ${view.profile} · by ${view.metric ? Table.describe(view.metric)[0] : "what each ranks by"}`;
    at("banner").textContent = Words.banner(view);
    fill(at("headline-text"), Words.headline(view, act));
    Table.draw(view, act);
    fill(at("notes"), Words.notes(view).map(text => h("li", null, text)));
    const compared = Detail.compare(view);
    at("compare").hidden = !compared;
    if (compared) fill(at("compare-body"), compared);
    Figures.draw(view);
    pickedBar();
    if (at("tally").textContent !== Words.tally(view)) at("tally").textContent = Words.tally(view);
    at("said").textContent = "";
    at("printed").textContent = `${Words.filters(view)} Link: ${hash(state) || "#"}`;
    document.title = `${view.title}, ${view.profile}: clbench leaderboard`;
    if (focused && document.activeElement?.id !== focused) at(focused)?.focus({preventScroll: true});
    dialog();
    board.ms = performance.now() - begun;
  }
  function pickedBar() {
    at("picked").hidden = !state.pick.length;
    if (!state.pick.length) return;
    const drop = name => h("button", {type: "button", id: `drop-${name}`, "aria-label": `stop comparing ${name}`, onclick: () => act.pick(name)}, name, " ×");
    fill(
      at("picked"),
      h("strong", null, "Picked"),
      state.pick.map(drop),
      h("button", {type: "button", id: "only", "aria-pressed": String(state.only), onclick: () => go({only: !state.only})}, state.only ? "Show all rows" : "Show only these"),
      h("button", {type: "button", id: "clear-picks", onclick: () => go({pick: [], only: false})}, "Clear"),
      ["csv", "latex", "markdown"].map(kind => h("button", {type: "button", id: `picked-${kind}`, onclick: () => copyPicked(kind)}, NAMES[kind])),
      view.group && h("span", {class: "says"}, "choose one benchmark to compare them seed by seed"),
    );
  }
  const NAMES = {csv: "CSV", latex: "LaTeX", markdown: "Markdown"};
  const copyPicked = kind => act.clip(Copies[kind](View.view({...state, only: true})), `${plural(state.pick.length, "picked row")} as ${NAMES[kind]}`);
  function dialog() {
    if (state.row && Detail.open(view, state.row, act)) {
      if (!at("detail").open) at("detail").showModal();
    } else if (at("detail").open) at("detail").close();
  }

  const act = {
    stale: () => go({stale: true}),
    sort: key => go({s: key === "rank" ? "" : key}),
    pick: name => go({pick: toggled(state.pick, name)}),
    open: (name, benchmark = "") => go({row: name, rb: benchmark}, !state.row),
    async clip(text, what) {
      try {
        await navigator.clipboard.writeText(text);
        at("said").textContent = `Copied: ${what}.`;
      } catch {
        at("copied-text").value = text;
        at("copied").showModal();
        at("copied-text").select();
      }
    },
  };

  // ---- tips: on hover, on focus, gone with Escape
  const box = at("tip"); // the dialog that it stands in may be filled anew
  let tipped = null;
  function tip(node) {
    if (tipped) tipped.removeAttribute("aria-describedby");
    tipped = node;
    if (!node?.dataset.tip) {
      box.hidden = true;
      return;
    }
    const inside = node.closest("dialog");
    (inside ?? document.body).append(box);
    box.textContent = node.dataset.tip;
    box.hidden = false;
    node.setAttribute("aria-describedby", "tip");
    const mine = node.getBoundingClientRect(),
      own = box.getBoundingClientRect(),
      outer = inside?.getBoundingClientRect(),
      shift = inside ? {x: inside.scrollLeft - outer.left, y: inside.scrollTop - outer.top} : {x: scrollX, y: scrollY};
    box.style.left = `${Math.max(6, Math.min(innerWidth - own.width - 6, mine.left)) + shift.x}px`;
    box.style.top = `${(mine.bottom + own.height + 10 < innerHeight ? mine.bottom + 6 : Math.max(6, mine.top - own.height - 6)) + shift.y}px`;
  }
  const tippable = event => event.target.closest?.("[data-tip]");
  function listenForTips() {
    document.addEventListener("mouseover", event => tippable(event) !== tipped && tip(tippable(event)));
    document.addEventListener("focusin", event => tip(tippable(event)));
    document.addEventListener("focusout", () => tip(null));
    document.addEventListener("keydown", event => event.key === "Escape" && !box.hidden && tip(null));
  }

  // The points of a scatter are one stop: arrows go from one to the next, Enter opens it.
  function listenToPoints() {
    const open = point => act.open(point.dataset.row, point.closest("[data-benchmark]")?.dataset.benchmark);
    document.addEventListener("keydown", event => {
      const point = event.target.closest?.("svg [data-row]");
      if (!point) return;
      const all = [...point.parentNode.querySelectorAll("[data-row]")],
        step = {ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1}[event.key];
      if (step) {
        event.preventDefault();
        const next = all[(all.indexOf(point) + step + all.length) % all.length];
        point.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      }
      if (["Enter", " "].includes(event.key)) {
        event.preventDefault();
        open(point);
      }
    });
    for (const id of ["cost", "each"])
      at(id).addEventListener("click", event => {
        const point = event.target.closest("[data-row]");
        if (point) open(point);
      });
  }

  function listenToControls() {
    const on = (id, event, then) => at(id).addEventListener(event, then);
    for (const id of ["scope", "filters"]) on(id, "submit", event => event.preventDefault());
    on("f-b", "change", event => go({b: event.target.value, m: "", s: "", cols: []}, true));
    on("f-m", "change", event => go({m: event.target.value, s: ""}));
    on("f-cx", "change", event => go({cx: event.target.value}));
    on("f-q", "input", event => go({q: event.target.value}));
    on("f-x", "input", event => go({x: Math.max(0, +event.target.value || 0)}));
    on("f-holm", "change", event => go({holm: event.target.checked}));
    on("f-stale", "change", event => go({stale: event.target.checked}));
    for (const name of Object.keys(RADIOS))
      for (const one of document.querySelectorAll(`input[name=${name}]`)) one.addEventListener("change", () => go({[name]: one.value}));
    on("reset", "click", () => go(NO_FILTER));
    on("link", "click", () => act.clip(location.href.split("#")[0] + hash(state), "a link to this view"));
    on("each-box", "toggle", () => Figures.each(view));
    for (const one of document.querySelectorAll("[data-copy]"))
      one.addEventListener("click", () => act.clip(Copies[one.dataset.copy](view), `${plural(view.lines.length + view.imported.length, "row")} as ${one.textContent}`));
    for (const one of document.querySelectorAll("[data-svg]"))
      one.addEventListener("click", () => Figures.save(at(one.dataset.svg), one.dataset.svg));
  }
  function listenToDialogs() {
    at("detail").addEventListener("close", () => {
      if (!state.row) return;
      const name = state.row;
      go({row: "", rb: ""});
      at(`open-${name}`)?.focus({preventScroll: true});
    });
    for (const one of document.querySelectorAll("dialog")) one.addEventListener("click", event => event.target === one && one.close());
    document.addEventListener("click", event => {
      if (!event.target.closest(".menu")) at("columns-box").open = false;
    });
  }
  function listenToWindow() {
    for (const name of ["popstate", "hashchange"])
      addEventListener(name, () => {
        const next = fromHash(location.hash);
        if (hash(next) === hash(state)) return;
        state = next;
        show();
      });
    let wide = innerWidth;
    addEventListener("resize", () => {
      if (innerWidth === wide) return;
      wide = innerWidth;
      Figures.draw(view);
    });
  }

  Object.assign(board, {go, hash, fromHash, get: () => ({state, view})});
  state = fromHash(location.hash);
  at("app").hidden = false;
  document.documentElement.classList.add("ready");
  at("filter-box").open = FOLDED.some(key => state[key]);
  show();
  for (const listen of [listenForTips, listenToPoints, listenToControls, listenToDialogs, listenToWindow]) listen();
  fill(
    at("definitions"),
    [...Object.keys(D.metrics), "rank", "ties", "compute", "seconds"].map(key => [h("dt", null, Table.describe(key).slice(0, 2).join(" ")), h("dd", null, Table.describe(key)[2])]),
  );
  board.load = performance.now();
  board.ready = true;
}

// Without all of this the tables below are complete.
load()
  .then(() => Object.keys(D.profiles).length && start())
  .catch(error => {
    document.documentElement.classList.remove("scripted", "ready");
    at("app").hidden = true;
    console.error(error);
  });
