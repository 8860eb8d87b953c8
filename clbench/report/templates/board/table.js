// The table: which columns, what a cell holds as text and as number, in which order.
const Table = (() => {
  const NONE = {text: "–", value: null};
  const QUESTIONS = ["stream_next", "stream_backward", "acc"];
  const USUAL = {
    class: ["acc", "aia", "forgetting", "plasticity_gap"],
    task: ["acc", "aia", "forgetting", "plasticity_gap"],
    domain: [...QUESTIONS, "forgetting", "plasticity_gap"],
    pairs: [...QUESTIONS, "forgetting", "plasticity_gap"],
    __proto__: null,
  };
  const OWN = {
    rank: ["rank", "", "1 + the number of better rows among those shown, and its 95 % interval by 10,000 keyed draws over the common seeds. Rows that train on all data, stale rows and rows that lack seeds take no rank."],
    ties: ["ties", "", "Rows that share a letter can't be told apart: a paired t test over the common seeds for each pair, at 5 %. More filters has Holm's correction for all pairs."],
    s: ["strategy", "", "Opens settings, command, provenance, matrix."],
    plot: ["95 % interval", "", "Mean and 95 % t interval over seeds. The faint lines are the yardsticks: naive and joint."],
    recovered: ["recovered", "↑", "Share of the ACC lost between joint (100) and naive (0) that is won back, in points, with its 95 % interval (Fieller's). Over several benchmarks: the sum of gains over the sum of damages."],
    compute: ["compute", "↓", "FLOPs of training as a multiple of naive's on the same benchmark: exact and comparable on every machine. Over several benchmarks the geometric mean: of those compared, else of those it ran on; the filter takes all it ran on."],
    seconds: ["s / seed", "↓", "Wall-clock of training and evaluation of one seed. Comparable within one machine only. ⚑: much more than the CPU time, so the machine was busy and the figure is too high."],
    ran: ["ran on", "↑", "On how many of the compared benchmarks it could take a rank."],
  };
  const NEUTRAL = ["memory_items", "steps", "labels"];
  const HIGHER = ["retraining_saved"]; // of the costs

  // [title, arrow, description] of a column.
  function describe(key) {
    if (key.startsWith("b:")) return [key.slice(2), "", `Mean on ${key.slice(2)}, in points.`];
    if (key in OWN) return OWN[key];
    if (key in D.metrics) return [D.metrics[key][0], D.metrics[key][1] ? "↑" : "↓", `${D.metrics[key][2]} (points)`];
    const [title, unit, text] = D.costs[key];
    const arrow = NEUTRAL.includes(key) ? "" : HIGHER.includes(key) ? "↑" : "↓";
    return [unit && !title.includes(unit) ? `${title} (${unit})` : title, arrow, text];
  }
  const lowerFirst = key =>
    (key in D.costs && !HIGHER.includes(key)) || (key in D.metrics ? !D.metrics[key][1] : ["rank", "ties", "s", "compute", "seconds"].includes(key));

  // Keys of the columns, in order; and those one could add.
  function columns(view) {
    if (view.group) return ["rank", "s", "recovered", "ran", "compute", ...view.names.map(name => `b:${name}`)];
    const chosen = view.state.cols.length ? view.state.cols : usual(view),
      able = optional(view);
    return ["rank", "ties", "s", "plot", ...new Set([view.metric, ...chosen.filter(key => able.includes(key))])];
  }
  const usual = view => [
    ...(USUAL[D.profiles[view.profile].benchmarks[view.names[0]].scenario] ?? USUAL.class),
    "recovered",
    "compute",
    "seconds",
    "gpu_hours",
    "memory_items",
    ...view.allImported.flatMap(row => Object.keys(row.values)),
  ];
  function optional(view) {
    const rows = view.all.map(line => line.row),
      available = View.available(view.profile, view.state.b),
      told = key => view.allImported.some(row => Data.told(row, key));
    return [
      ...Object.keys(D.metrics).filter(key => key !== "recovered" && (available.includes(key) || told(key))),
      ...["recovered", "compute", "seconds"].filter(key => told(key) || view.all.some(line => cell(view, line, key).value !== null)),
      ...Object.keys(D.costs).filter(key => told(key) || rows.some(row => Data.cost(row, key) !== null)),
    ];
  }

  const interval = one =>
    one
      ? {
          text: points(one.mean),
          value: one.mean,
          range: one.half !== null ? `± ${points(one.half)}` : one.low !== null ? `[${points(one.low)}, ${points(one.high)}]` : "",
          low: one.low,
          high: one.high,
        }
      : NONE;

  // {text, value, range, flag, tip} of a cell; value null sorts last.
  function cell(view, line, key) {
    if (line.imported) return importedCell(line, key);
    if (key === "s") return {text: line.row ? Data.label(line.row) : line.s + (line.stale ? " †" : ""), value: line.s};
    if (key === "rank") return line.rank ? rankCell(view, line.rank) : {text: "", value: null};
    if (key === "ties") return {text: brief(line.ties, 8), value: line.ties || null, tip: line.ties.length > 8 ? line.ties : null};
    if (key === "recovered") return line.recovered ? interval({...line.recovered, mean: line.recovered.value, half: null}) : NONE;
    if (key === "compute") return line.compute === null ? NONE : {text: `${times(line.compute)} ×`, value: line.compute};
    if (key === "ran") return {text: `${line.ran} of ${view.ranking.benchmarks.length}`, value: line.ran};
    if (key.startsWith("b:")) return onBenchmark(view, line.rows[key.slice(2)]);
    if (!line.row?.ok) return NONE;
    if (key in D.metrics) return metricCell(view, line.row, key);
    return costCell(view, line.row, key);
  }
  function rankCell(view, rank) {
    const digits = view.ranking.benchmarks.length > 1 ? 1 : 0,
      range = rank.low === rank.high ? "" : `[${fixed(rank.low, digits)}, ${fixed(rank.high, digits)}]`;
    return {text: fixed(rank.mean, digits), value: rank.mean, range, low: rank.low, high: rank.high};
  }
  // The number of seeds stands where it is not the row's, and beside what ranks where it is not that of the ranks.
  function metricCell(view, row, key) {
    const one = Data.summary(row, key),
      shown = interval(one),
      due = key === view.metric ? view.ranking.seeds.length || row.seeds.length : row.seeds.length;
    return one && one.n !== due ? {...shown, range: `${shown.range} (n ${one.n})`.trim()} : shown;
  }
  function onBenchmark(view, row) {
    if (!row) return NONE;
    if (!row.ok)
      return {
        text: row.status === "unsupported" ? "n/a" : row.status,
        value: null,
        tip: `${row.s} on ${row.b}: ${row.status}, ${Data.reason(row)}`,
        quiet: row.status === "unsupported",
        loud: row.status !== "unsupported",
      };
    const metric = view.by[row.b],
      one = Data.summary(row, metric);
    if (!one) return NONE;
    const range = one.half ? ` ± ${points(one.half)}` : "";
    return {
      ...interval(one),
      range: "",
      tip: `${row.s} on ${row.b}: ${D.metrics[metric][0]} ${points(one.mean)}${range}, ${plural(one.n, "seed")}${row.stale ? ", stale" : ""}`,
      stale: row.stale,
    };
  }
  // As its source tells it, with its SD and n.
  function importedCell(line, key) {
    if (key === "s") return {text: `${line.s} §`, value: line.s};
    if (["rank", "ties"].includes(key)) return {text: "", value: null};
    const one = Data.told(line.imported, key);
    if (!one) return NONE;
    const number = key in D.metrics ? points : key === "flops" ? short : amount,
      more = [one.sd !== null && `SD ${number(one.sd)}`, one.n !== null && `n ${one.n}`].filter(Boolean).join(", "),
      shown = key in D.metrics ? interval(one) : {text: number(one.mean), value: one.mean, range: ""};
    return {...shown, range: `${shown.range}${more && ` (${more})`}`.trim()};
  }
  function costCell(view, row, key) {
    if (key === "memory_items" && row.strategy.stores === "all data")
      return {text: "all", value: null, tip: "It trains on all data so far, so it keeps all of them."};
    const value = Data.cost(row, key);
    if (value === null) return NONE;
    if (key !== "seconds") return {text: key === "flops" ? short(value) : amount(value), value};
    const letters = Data.machines(row).map(name => letterOf(view.machines.indexOf(name)));
    return {
      text: amount(value) + (view.machines.length > 1 ? ` ${letters.join("")}` : ""),
      value,
      flag: Data.busy(row)
        ? `wall-clock is up to ${times(Data.slowest(row))} times the CPU time: the machine was busy, so this figure is too high`
        : null,
    };
  }
  const letterOf = k => (k >= 26 ? letterOf(Math.floor(k / 26) - 1) : "") + String.fromCharCode(65 + (k % 26));

  // What the state sorts by, if there is such a column.
  function sorting(view) {
    const key = view.state.s.replace(/^-/, "");
    return columns(view).includes(key) && key !== "plot" ? {key, down: view.state.s.startsWith("-")} : {key: "rank", down: false};
  }
  // The ranked rows, those without a rank, imported ones, those that train on all data: parts that sorting never mixes. But imported
  // rows stand among ours where those are sorted by what they tell too; never by times, which are of another machine.
  const partOf = (view, line) => (line.yardstick ? 3 : line.rank ? 0 : !line.imported ? 1 : !joins(view, line) ? 2 : view.ranking.ranks.size ? 0 : 1);
  function joins(view, line) {
    const {key} = sorting(view);
    return key !== "seconds" && view.lines.length > 0 && cell(view, line, key).value !== null;
  }
  const sortedWithImported = view => sorted(view, [...view.lines, ...view.imported]);
  function sorted(view, lines = view.lines) {
    const {key, down} = sorting(view),
      sign = down ? -1 : 1,
      main = line => (view.group ? (line.recovered?.value ?? null) : (summaryOf(view, line)?.mean ?? null)),
      best = view.group || view.up ? -1 : 1,
      machine = line => (key === "seconds" && line.row ? Data.machines(line.row).join() : ""); // never mixed by time
    const within = (a, b) =>
      key === "rank"
        ? sign * (order(a.rank?.mean ?? null, b.rank?.mean ?? null, 1) || order(main(a), main(b), best)) || b.ran - a.ran
        : machine(a).localeCompare(machine(b)) ||
          order(cell(view, a, key).value, cell(view, b, key).value, sign) ||
          order(main(a), main(b), best);
    return [...lines].sort((a, b) => partOf(view, a) - partOf(view, b) || within(a, b) || (a.s < b.s ? -1 : 1));
  }
  function order(a, b, sign) {
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
    return sign * (typeof a === "string" ? a.localeCompare(b) : a - b);
  }
  const summaryOf = (view, line) => (line.imported ? Data.told(line.imported, view.metric) : Data.summary(line.row, view.metric));
  const leader = view => view.lines.filter(line => line.rank).reduce((a, b) => (!a || b.rank.mean < a.rank.mean ? b : a), null);

  // ---- drawing

  function draw(view, act) {
    const keys = columns(view),
      rows = sortedWithImported(view),
      parted = k => rows.filter(line => partOf(view, line) === k),
      context = {view, act, keys, best: leader(view), ...forest(view, rows), competing: rows.filter(line => line.rank).length};
    const bodies = [
      part(parted(0), null, context),
      part(parted(1), unranked(view), context),
      part(parted(2), "Imported (§): what others say, not measured here, so without rank", context),
      part(parted(3), "Yardsticks: train on all data so far", context),
      failures(view, keys, act),
      idle(view, keys, act),
    ];
    fill(
      at("table"),
      h("caption", {class: "unseen"}, `${view.title}, profile ${view.profile}; sorted by ${describe(sorting(view).key)[0]}`),
      h("thead", null, h("tr", null, keys.map(key => heading(view, key, act)))),
      bodies.some(Boolean) ? bodies : h("tbody", null, h("tr", null, h("td", {colspan: keys.length, class: "nothing"}, "No row passes the filters."))),
    );
  }
  const unranked = view =>
    view.group ? "Ran on fewer of the compared benchmarks, or take no rank" : "Take no rank: stale, on other data, without a value for every seed, or with fewer seeds than the others";

  function heading(view, key, act) {
    const [title, arrow, text] = describe(key),
      {key: now, down} = sorting(view),
      label = [title.split("_").flatMap((piece, i) => (i ? [h("wbr"), "_" + piece] : [piece])), arrow && ` ${arrow}`];
    return h(
      "th",
      {
        scope: "col",
        class: key === "s" ? "stick" : ["ties", "plot"].includes(key) ? "wide left" : null,
        "aria-sort": key === now ? (down ? "descending" : "ascending") : null,
      },
      key === "plot"
        ? h("span", {"data-tip": text, tabindex: 0}, label)
        : h(
            "button",
            {
              type: "button",
              id: `sort-${key}`,
              "data-tip": text,
              onclick: () => act.sort(key === now ? (down ? key : "-" + key) : lowerFirst(key) ? key : "-" + key),
            },
            label,
            key === now && h("span", {"aria-hidden": "true"}, down ? " ▼" : " ▲"),
          ),
    );
  }

  // The range of the forest plot, and where its yardsticks stand.
  function forest(view, rows) {
    if (view.group) return {domain: [0, 1], yardsticks: []};
    const all = rows.map(line => summaryOf(view, line)).filter(Boolean),
      domain = all.length ? [Math.min(...all.map(one => one.low ?? one.mean)), Math.max(...all.map(one => one.high ?? one.mean))] : [0, 1];
    return {
      domain,
      yardsticks: ["naive", "joint"]
        .map(name => Data.summary(view.all.find(line => line.s === name)?.row, view.metric)?.mean)
        .filter(value => value >= domain[0] && value <= domain[1]),
    };
  }

  const part = (rows, title, context) =>
    rows.length > 0 &&
    h(
      "tbody",
      null,
      title && h("tr", {class: "part"}, h("td", {colspan: context.keys.length}, h("span", null, title))),
      rows.map(line => drawRow(line, context)),
    );

  function drawRow(line, context) {
    const {view, keys, best} = context,
      classes = [
        best === line && "best",
        best && best !== line && !view.group && View.tied(best, line) && "tied",
        line.yardstick && "sees",
        line.imported && "imported",
        view.state.pick.includes(line.s) && "picked",
      ];
    return h("tr", {[line.imported ? "data-imported" : "data-strategy"]: line.s, class: classes.filter(Boolean).join(" ") || null}, keys.map(key => drawCell(line, key, context)));
  }
  function drawCell(line, key, {view, act, domain, yardsticks, competing}) {
    const one = cell(view, line, key);
    if (key === "s") return line.imported ? nameOfImported(line, one, act) : nameCell(view, line, one, act);
    if (key === "plot") {
      const summary = summaryOf(view, line);
      return h("td", {class: "wide plot"}, summary && Charts.forest(summary, domain, yardsticks, line.imported ? null : line.s));
    }
    const main = key === view.metric || (view.group && key === "recovered"),
      classes = [key === "ties" && "wide left mono", main && "main", one.quiet && "says", one.loud && "flag"];
    return h(
      "td",
      {class: classes.filter(Boolean).join(" ") || null, "data-tip": one.tip, "data-key": key},
      one.text,
      one.stale && " †",
      one.range && h("span", {class: "range"}, " " + one.range),
      key === "rank" && line.rank && Charts.rankBar(line.rank, Math.max(2, competing)),
      one.flag && h("span", {class: "flag", tabindex: 0, "data-tip": one.flag, role: "img", "aria-label": one.flag}, " ⚑"),
    );
  }
  function nameCell(view, line, one, act) {
    return h(
      "th",
      {scope: "row", class: "stick"},
      h("input", {
        type: "checkbox",
        class: "pick",
        id: `pick-${line.s}`,
        "aria-label": `compare ${line.s}`,
        checked: view.state.pick.includes(line.s),
        onchange: () => act.pick(line.s),
      }),
      Charts.sample(line.s),
      h("button", {type: "button", class: "name", id: `open-${line.s}`, "data-tip": line.strategy.about, onclick: () => act.open(line.s)}, brief(one.text, 32)),
    );
  }

  function nameOfImported(line, one, act) {
    const {id} = line.imported,
      source = Data.sourceOf(line.imported);
    return h(
      "th",
      {scope: "row", class: "stick"},
      h("span", {class: "pick-room"}),
      Charts.sample(null),
      h("button", {type: "button", class: "name", id: `open-${id}`, "data-tip": `Imported from: ${source}`, onclick: () => act.open(id)}, brief(one.text, 32)),
      h("span", {class: "source says"}, brief(source, 40)),
    );
  }

  // What failed or diverged stays in sight, each with its reason.
  function failures(view, keys, act) {
    const rows = view.broken.flatMap(line => line.own.filter(row => ["failed", "diverged"].includes(row.status)));
    return (
      rows.length > 0 &&
      h(
        "tbody",
        null,
        h("tr", {class: "part"}, h("td", {colspan: keys.length}, h("span", null, "Broke off"))),
        rows.map(row =>
          h("tr", {class: "broken", "data-broken": row.s}, h("td", {colspan: keys.length}, h("span", null,
            h("button", {type: "button", class: "name", onclick: () => act.open(row.s, row.b)}, row.s),
            view.group && ` on ${row.b}`, " ", h("strong", {class: "flag"}, row.status), `: ${Data.reason(row)}`))),
        ),
      )
    );
  }
  // What cannot run here: one quiet line for each reason.
  function idle(view, keys, act) {
    const reasons = new Map();
    for (const line of view.idle)
      for (const row of line.own) {
        const why = `${row.status}: ${Data.reason(row)}`;
        reasons.set(why, [...new Set([...(reasons.get(why) ?? []), line.s])]);
      }
    return (
      reasons.size > 0 &&
      h(
        "tbody",
        null,
        [...reasons].map(([why, names], place) =>
          h("tr", {class: "idle"}, h("td", {colspan: keys.length}, h("span", null,
            names.map((name, i) => [
              i > 0 && ", ",
              h("button", {type: "button", class: "name", id: `open-${place}-${name}`, onclick: () => act.open(name)}, name),
            ]),
            " · ", why))),
        ),
      )
    );
  }

  return {draw, columns, optional, describe, cell, sorted, sortedWithImported, sorting, leader, lowerFirst, letterOf};
})();
