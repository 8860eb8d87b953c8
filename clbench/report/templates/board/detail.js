// One row in full: settings, command, provenance, seeds, matrix. And several rows side by side.
const Detail = (() => {
  const pairs = object =>
    Object.entries(object ?? {})
      .filter(([, value]) => !["null", "None", ""].includes(String(value)))
      .map(([key, value]) => `${key} ${value}`)
      .join(", ") || "–";
  const term = (name, ...what) => [h("dt", null, name), h("dd", null, what)];
  const scroll = (label, ...what) => h("div", {class: "scroll", tabindex: 0, role: "region", "aria-label": label}, what);
  const grid = (heads, rows, caption) =>
    h(
      "table",
      null,
      caption && h("caption", {class: "left says"}, caption),
      h("thead", null, h("tr", null, heads.map(name => h("th", {scope: "col", class: "left"}, name)))),
      h("tbody", null, rows),
    );

  function open(view, name, act) {
    const imported = D.profiles[view.profile].imported.rows.find(row => row.id === name);
    if (imported) return openImported(view, imported);
    const line = view.all.find(one => one.s === name),
      rows = line?.own ?? [];
    if (!rows.length) return false;
    const row = rows.find(one => one.b === view.state.rb) ?? rows.find(one => one.ok) ?? rows[0];
    fill(
      at("detail"),
      h(
        "header",
        null,
        h("h2", {id: "detail-title"}, Charts.sample(name), `${Data.label(row)} on ${row.b}`),
        h("form", {method: "dialog"}, h("button", {autofocus: true}, "Close")),
      ),
      about(view, row),
      rows.length > 1 && choice(rows, row, name, act),
      row.status && h("p", {class: "flag"}, h("strong", null, row.status), `: ${Data.reason(row)}`),
      row.stale && h("p", {class: "flag"}, "† Stale: the source code that made this record, or its tuned values, have changed since. Run it again:"),
      h("h3", null, "Make it again"),
      h("pre", {id: "command"}, Data.command(row)),
      h("button", {type: "button", onclick: () => act.clip(Data.command(row), "command")}, "Copy command"),
      row.ok && [numbers(view, row), curve(row), confusion(row), probe(row)],
      training(row),
      row.ok && [costs(row), picture(row)],
      settings(row),
      row.ok && made(row),
      record(row),
    );
    return true;
  }
  // What somebody else says: no settings, seeds or command are known.
  function openImported(view, row) {
    const number = (key, value) => (value === null ? "–" : key in D.metrics ? fixed(100 * value, 2) : amount(value)),
      heads = ["", "mean", "SD", "n", "95 % interval"];
    fill(
      at("detail"),
      h(
        "header",
        null,
        h("h2", {id: "detail-title"}, `${row.strategy} § on ${row.benchmark}`),
        h("form", {method: "dialog"}, h("button", {autofocus: true}, "Close")),
      ),
      h("p", null, "Imported, not measured here: shown as its source says it, perhaps under another protocol. It takes no rank and no part in any comparison."),
      h("h3", null, "What is said"),
      scroll(
        "What is said",
        grid(
          heads,
          Object.keys(row.values).map(key => {
            const one = Data.told(row, key),
              [title, arrow, text] = Table.describe(key);
            return h(
              "tr",
              null,
              h("th", {scope: "row", "data-tip": text, tabindex: 0}, `${title} ${arrow}`),
              [number(key, one.mean), number(key, one.sd), one.n ?? "–", one.low === null ? "–" : `[${number(key, one.low)}, ${number(key, one.high)}]`].map(cell =>
                h("td", {class: "left"}, cell),
              ),
            );
          }),
          "Metrics in points. The interval is t's, from SD and n.",
        ),
      ),
      h("h3", null, "Where it comes from"),
      h(
        "dl",
        null,
        term("source", Data.sourceOf(row)),
        term("profile", view.profile),
        term("file", h("a", {href: Data.fileOfImported(view.profile)}, h("code", null, Data.fileOfImported(view.profile)))),
        term("sha256 of the file", h("code", null, D.profiles[view.profile].imported.sha256 || "–")),
      ),
    );
    return true;
  }
  function about(view, row) {
    const {strategy} = row;
    return [
      h("p", null, strategy.about),
      h(
        "p",
        {class: "says"},
        `${strategy.family} · ${strategy.kind === "avalanche" ? "Avalanche's code" : strategy.kind} · stores ${strategy.stores} · ${strategy.task_labels ? "needs task labels at test time" : "needs no task labels"} · profile ${view.profile}. ${Data.benchmark(row).about}`,
      ),
    ];
  }
  const choice = (rows, row, name, act) =>
    h(
      "label",
      null,
      "Benchmark ",
      h(
        "select",
        {id: "detail-b", onchange: event => act.open(name, event.target.value)},
        rows.map(one => h("option", {value: one.b, selected: one === row}, one.b + (one.ok ? "" : ` (${one.status})`))),
      ),
    );

  function numbers(view, row) {
    const names = Object.keys(D.metrics).filter(key => key !== "recovered" && Data.has(row, key)),
      lead = view.by[row.b],
      keys = [lead, ...names.filter(key => key !== lead)];
    const line = key => {
      const one = Data.summary(row, key),
        [title, arrow, text] = Table.describe(key);
      return h(
        "tr",
        null,
        h("th", {scope: "row", "data-tip": text, tabindex: 0}, `${title} ${arrow}`),
        Data.values(row, key).map(v => h("td", null, Number.isFinite(v) ? fixed(100 * v, 2) : "–")),
        h("td", null, one ? points(one.mean) + (one.half === null ? "" : ` ± ${points(one.half)}`) : "–"),
      );
    };
    return [
      h("h3", null, "Every seed"),
      scroll("Every seed", grid(["points", ...row.seeds.map(seed => `seed ${seed}`), "mean ± 95 %"], keys.map(line))),
      h("h3", null, "Accuracy matrix"),
      Data.array(row) ? matrices(row) : h("p", {class: "says"}, "A long stream: its matrix is in the record's file."),
    ];
  }
  function matrices(row) {
    const holder = scroll("Accuracy matrix", matrix(row, ""));
    return [
      h(
        "select",
        {"aria-label": "Which seed's matrix", onchange: event => fill(holder, matrix(row, event.target.value))},
        h("option", {value: ""}, "mean over seeds"),
        row.seeds.map(seed => h("option", {value: seed}, `seed ${seed}`)),
      ),
      holder,
    ];
  }
  function matrix(row, seed, quiet) {
    const arrays = Data.array(row),
      R =
        seed === ""
          ? arrays[0].map((cells, i) => cells.map((_, j) => Stats.mean(arrays.map(one => one[i][j]))))
          : arrays[row.seeds.indexOf(+seed)];
    return Charts.heat(R, "Accuracy in points after learning each task (rows) on each task (columns). Outlined: the task just learnt.", quiet);
  }
  function curve(row) {
    const steps = Data.seen(row);
    return steps.length > 1 && h("p", {class: "says"}, `On the tasks seen so far: ${steps.map(one => (one ? points(one.mean) : "–")).join(" → ")}.`);
  }
  // Shares of each class's test rows, all seeds together.
  function confusion(row) {
    if (!row.confusion) return null;
    const shares = row.confusion.map(counts => {
      const all = counts.reduce((a, b) => a + b, 0);
      return counts.map(count => (all ? count / all : NaN));
    });
    const cell = v => h("td", {style: Number.isFinite(v) ? Charts.shade(v) : null}, Number.isFinite(v) ? fixed(100 * v, 0) : "–");
    return [
      h("h3", null, "Which class is taken for which"),
      scroll(
        "Which class is taken for which",
        h(
          "table",
          {class: "heat", id: "confusion"},
          h("caption", {class: "left says"}, "After the last task: of the test rows of each class (rows) the share that is taken for each class (columns), in points; all seeds together. Classes by their outputs."),
          h("thead", null, h("tr", null, h("th", {scope: "col"}, "class"), shares.map((_, j) => h("th", {scope: "col"}, j)))),
          h("tbody", null, shares.map((cells, i) => h("tr", null, h("th", {scope: "row"}, i), cells.map(cell)))),
        ),
      ),
    ];
  }
  // What was seen within the tasks: at a switch the curve falls in a few steps.
  function probe(row) {
    if (!row.probe) return null;
    const [tasks, steps, seen] = row.probe,
      holder = h("div", {id: "probe"});
    Charts.curves(
      holder,
      [{name: row.s, means: seen.map(Data.inUnits), halves: seen.map(() => null), tip: `${row.s}: accuracy on the tasks seen so far, at each look`}],
      ["look into the tasks", "accuracy on the tasks seen so far"],
    );
    return [
      h("h3", null, "Within the tasks"),
      holder,
      h("p", {class: "says"}, "Mean over the seeds on a few fixed test rows of each task seen so far."),
      h(
        "details",
        {class: "says"},
        h("summary", null, "The same as a table"),
        scroll("Looks into the tasks", grid(["task", "steps of the run", "accuracy"], seen.map((one, i) => h("tr", null, h("td", null, tasks[i]), h("td", null, steps[i]), h("td", null, points(Data.inUnits(one))))))),
      ),
    ];
  }
  // How training went: one curve at a time, drawn when it is asked for.
  function training(row) {
    if (!row.training) return null;
    const holder = h("div", {id: "training"}),
      under = h("div", null),
      draw = name => {
        const [tasks, steps, values] = row.training[name];
        Charts.curves(
          holder,
          [{name: row.s, means: values, halves: values.map(() => null), tip: `${row.s}: ${name} after steps ${steps[0]} to ${steps[steps.length - 1]} of the run`}],
          [`look, from step ${steps[0]} to step ${steps[steps.length - 1]}`, name],
        );
        fill(under, scroll("Looks at training", grid(["task", "step of the run", name], values.map((one, i) => h("tr", null, h("td", null, tasks[i]), h("td", null, steps[i]), h("td", null, amount(one)))))));
        return null;
      },
      names = Object.keys(row.training),
      choice = h("select", {id: "training-curve", onchange: event => draw(event.target.value)}, names.map(name => h("option", {value: name}, name)));
    return [
      h("h3", null, "Training"),
      h("label", null, "Curve ", choice),
      holder,
      h("p", {class: "says"}, row.ok ? "Mean over the seeds." : "Of the seed that diverged, up to the step that broke it."),
      h("details", {class: "says"}, h("summary", null, "The same as a table"), under),
      draw(names[0]),
    ];
  }
  function costs(row) {
    const names = ["compute", "seconds", ...Object.keys(D.costs)].filter(name => Data.cost(row, name) !== null);
    return [
      h("h3", null, "Costs per seed"),
      h(
        "dl",
        null,
        names.map(name => {
          const [title, , text] = Table.describe(name);
          return [h("dt", {"data-tip": text}, title), h("dd", null, amount(Data.cost(row, name)))];
        }),
        row.parameters && term("parameters after each task", row.parameters.map(amount).join(" → ")),
        row.kept && term("bytes kept after each task", row.kept.map(amount).join(" → ")),
      ),
    ];
  }
  const picture = row =>
    row.picture && [
      h("h3", null, "What it has learnt to stand for examples"),
      h("p", {class: "says"}, "By the first seed: a column for each class of each task, at most three pictures of each."),
      h("img", {src: row.picture, alt: "learnt samples, a column for each class", class: "learnt"}),
    ];

  function settings(row) {
    const own = Data.settings(row);
    return [
      h("h3", null, "Settings"),
      h(
        "dl",
        null,
        term("strategy", Object.entries(D.shared[row.arguments]).map(([part, given]) => h("div", null, h("code", null, `${part}: ${pairs(given)}`)))),
        term("scenario", D.scenarios[Data.benchmark(row).scenario] ?? "–"),
        term("network", own.network ?? "–"),
        term("budget", h("code", null, pairs(own.budget))),
        term("benchmark", h("code", null, pairs(own.benchmark))),
      ),
    ];
  }
  function made(row) {
    const places = [...new Map(row.groups.map(group => [`${group[2]} ${group[5]}`, group])).values()],
      few = places.length === 1,
      noted = row.groups.some(group => D.shared[group[6]].length),
      letter = group => Table.letterOf(places.findIndex(one => one[2] === group[2] && one[5] === group[5]));
    return [
      h("h3", null, "Made"),
      h("dl", null, places.map(group => term(few ? "all seeds" : letter(group), where(row, group)))),
      scroll(
        "How it was made",
        grid(
          ["seeds", "started (UTC)", ...(few ? [] : ["where"]), "wall s", "CPU s", ...(noted ? ["notes"] : [])],
          row.groups.map(group => {
            const [seeds, when, , wall, cpu, , notes] = group,
              slow = cpu !== null && wall > D.busy * cpu;
            return h(
              "tr",
              null,
              [
                ranges(seeds),
                when.replace("T", " "),
                ...(few ? [] : [letter(group)]),
                h("span", {class: slow ? "flag" : null}, amount(wall), slow && ` ⚑ ${times(wall / cpu)} × CPU`),
                cpu === null ? "–" : amount(cpu),
                ...(noted ? [D.shared[notes].join("; ")] : []),
              ].map(one => h("td", {class: "left"}, one)),
            );
          }),
        ),
      ),
    ];
  }
  function where(row, group) {
    const {machine, commit, dirty, platform, ...versions} = D.shared[group[2]],
      named = Object.entries(versions).filter(([name]) => name !== "avalanche-lib" || row.strategy.kind === "avalanche");
    return [
      machine || "–",
      group[5] === 1 ? "one seed group at a time" : `${group[5]} seed groups at a time`,
      `commit ${(commit ?? "none").slice(0, 12)}${dirty ? " + changes" : ""}`,
      named.map(([name, version]) => `${name} ${version}`).join(", "),
      platform,
    ]
      .filter(Boolean)
      .join("; ");
  }
  const record = row => [
    h("h3", null, "Record"),
    h(
      "dl",
      null,
      term("file", h("a", {href: Data.file(row)}, h("code", null, Data.file(row)))),
      term("sha256", h("code", null, `${row.sha256}…`)),
      term("source", h("code", null, D.shared[row.source]), row.stale ? " changed since" : row.verified ? " verified: today's code gives the same bits" : " as it is now"),
      term("data", h("code", null, D.shared[row.data] || "–"), Data.settings(row).accepted ? " ‡ differs from the published copy, taken knowingly" : ""),
    ),
  ];

  // The picked rows against the first of them: paired differences on common seeds, and their matrices.
  function compare(view) {
    const chosen = view.state.pick.map(name => view.all.find(line => line.s === name)).filter(line => line?.row?.ok);
    if (view.group || chosen.length < 2) return null;
    const [first, ...others] = chosen;
    return [
      scroll(
        "Paired differences",
        grid(
          ["row", "difference", "95 % interval", "seeds", "verdict", "compute"],
          others.map(line => difference(view, line, first)),
          `${D.metrics[view.metric][0]} against ${Data.label(first.row)}, seed by seed; each pair on its own${view.machines.length > 1 ? "; made on several machines, where clbench compare takes unpaired intervals" : ""}`,
        ),
      ),
      chosen
        .slice(0, 6)
        .filter(line => Data.array(line.row))
        .map(line => scroll(`Matrix of ${line.s}`, h("h3", null, Charts.sample(line.s), line.s), matrix(line.row, "", true))),
    ];
  }
  const comparable = (a, b) => a.data === b.data && a.settings === b.settings;
  function difference(view, line, first) {
    const seeds = Data.common([first.row, line.row]),
      of = row => seeds.map(seed => Data.values(row, view.metric)[row.seeds.indexOf(seed)]),
      told = Stats.paired(of(line.row), of(first.row)),
      none = told.mean === null || told.low === null,
      verdict = !comparable(first.row, line.row) ? "other set-up or data: not to be compared" : none ? "too few seeds" : told.low <= 0 && told.high >= 0 ? "can't be told apart" : told.mean > 0 === view.up ? "better" : "worse";
    return h(
      "tr",
      {"data-compared": line.s},
      h("th", {scope: "row"}, Charts.sample(line.s), Data.label(line.row)),
      h("td", null, told.mean === null ? "–" : `${told.mean > 0 ? "+" : ""}${points(told.mean)}`),
      h("td", null, none ? "–" : `[${points(told.low)}, ${points(told.high)}]`),
      h("td", null, told.n),
      h("td", {class: "left"}, verdict),
      h("td", null, line.compute && first.compute ? `${times(line.compute / first.compute)} ×` : "–"),
    );
  }
  return {open, compare, grid, scroll};
})();
