// The figures beneath the table: which rows they show, and what their captions say.
const Figures = (() => {
  const COSTS = {
    compute: "training FLOPs, × naive",
    memory_items: "stored examples",
    seconds: "seconds per seed",
    extra_params: "parameters beyond the plain model",
    peak_mb: "peak memory, MB",
  };
  const GLYPHS = {reference: "◇", replay: "●", regularisation: "■", optimisation: "▲", representation: "▼", architecture: "✚", sampling: "⬟", own: "×"};
  const FLOOR = -25; // points of `recovered` that are drawn; what lies lower stands on it with its number
  const nothing = box => fill(box, h("p", {class: "nothing"}, "Nothing to draw for these rows."));

  const picked = view => view.state.pick.map(name => view.all.find(line => line.s === name)).filter(line => line?.ok);
  const costOf = (view, line, kind) => (kind === "compute" ? line.compute : Data.cost(line.row, kind));

  // {mean, low, high} of what the scatter shows upwards.
  function height(view, line) {
    if (!view.group) return Data.summary(line.row, view.metric);
    return line.recovered && {...line.recovered, mean: line.recovered.value};
  }

  function cost(view) {
    const kind = view.group || !Object.hasOwn(COSTS, view.state.cx) ? "compute" : view.state.cx,
      name = view.group ? "recovered" : Table.describe(view.metric)[0],
      up = view.group || view.up,
      some = view.state.pick.length > 0;
    fill(
      at("f-cx"),
      Object.keys(COSTS)
        .filter(key => !view.group || key === "compute")
        .map(key => h("option", {value: key, selected: key === kind}, COSTS[key])),
    );
    const marks = view.lines
      .filter(line => height(view, line) && costOf(view, line, kind) !== null && (LINEAR.includes(kind) || costOf(view, line, kind) > 0))
      .map(line => mark(view, line, kind, name, up, some));
    if (!marks.length) {
      nothing(at("cost"));
      at("cost-says").textContent = "";
      return;
    }
    const front = Charts.scatter(at("cost"), marks, [COSTS[kind], `${name} (points)`], LINEAR.includes(kind), view.group ? FLOOR : -Infinity),
      families = [...new Set(marks.map(one => D.strategy[one.name].family))];
    at("cost-says").textContent = [
      up && `Dashed: the Pareto front of the ranked rows shown, ${front.length ? listed(front, 8) : "none"}.`,
      `Shapes: ${families.map(one => `${one} ${GLYPHS[one]}`).join(", ")}. Bars: 95 % intervals.`,
      kind === "seconds" && (view.machines.length > 1 ? "Made on several machines: don't compare times between them." : `Times of one machine: ${view.machines[0]}.`),
    ]
      .filter(Boolean)
      .join(" ");
  }
  const LINEAR = ["memory_items", "extra_params"];
  function mark(view, line, kind, name, up, some) {
    const one = height(view, line),
      x = costOf(view, line, kind),
      range = one.low === null ? "" : ` [${points(one.low)}, ${points(one.high)}]`;
    return {
      name: line.s,
      x,
      y: 100 * one.mean,
      low: one.low === null ? null : 100 * one.low,
      high: one.high === null ? null : 100 * one.high,
      front: up && !!line.rank,
      quiet: some && !view.state.pick.includes(line.s),
      tip: `${line.s}: ${name} ${points(one.mean)}${range} at ${kind === "compute" ? `${times(x)} × naive` : `${amount(x)} ${COSTS[kind]}`}`,
    };
  }

  // Accuracy over the stream, or on several benchmarks a dot for each.
  function stream(view) {
    at("curves-title").textContent = view.group ? "Benchmark by benchmark" : "Over the stream";
    view.group ? strips(view) : curves(view);
  }
  function curves(view) {
    const chosen = picked(view),
      best = Table.sorted({...view, state: {...view.state, s: ""}}).filter(line => !line.yardstick).slice(0, 5),
      yard = view.lines.filter(line => ["naive", "joint"].includes(line.s)),
      drawn = (chosen.length ? chosen : [...new Set([...yard, ...best])])
        .slice(0, 10)
        .map(line => ({line, steps: Data.seen(line.row)}))
        .filter(one => one.steps.length > 1 && one.steps.every(Boolean));
    at("curves-says").textContent = "";
    if (!drawn.length) return nothing(at("curves"));
    Charts.curves(
      at("curves"),
      drawn.map(({line, steps}) => ({
        name: line.s,
        means: steps.map(one => 100 * one.mean),
        halves: steps.map(one => (one.half === null ? null : 100 * one.half)),
        tip: `${line.s}: ${steps.map(one => points(one.mean)).join(" → ")}`,
      })),
      ["tasks learnt", "accuracy on tasks seen so far (points)"],
    );
    at("curves").append(asTable(drawn.map(({line, steps}) => [line.s, steps.map(one => points(one.mean) + (one.half === null ? "" : ` ± ${points(one.half)}`))])));
    at("curves-says").textContent = `${chosen.length ? "The rows you picked." : "The first five rows, with naive and joint where they are shown; tick rows in the table to choose."} Bands: 95 % t intervals over seeds.`;
  }
  const asTable = rows =>
    h(
      "details",
      {class: "says"},
      h("summary", null, "The same as a table"),
      Detail.scroll(
        "The same as a table",
        Detail.grid(["after task", ...rows[0][1].map((_, i) => i + 1)], rows.map(([name, cells]) => h("tr", null, h("th", {scope: "row"}, name), cells.map(one => h("td", null, one))))),
      ),
    );
  function strips(view) {
    const chosen = picked(view),
      compared = view.ranking.benchmarks,
      rows = (chosen.length ? chosen : view.lines)
        .map(line => ({
          name: line.s,
          mean: line.recovered && 100 * line.recovered.value,
          dots: Object.values(line.rows)
            .filter(row => Data.summary(row, "recovered"))
            .map(row => {
              const one = Data.summary(row, "recovered");
              return {x: 100 * one.mean, tip: `${row.s} on ${row.b}: recovered ${points(one.mean)} [${points(one.low)}, ${points(one.high)}]`};
            }),
        }))
        .filter(one => one.dots.length)
        .sort((a, b) => (b.mean !== null) - (a.mean !== null) || b.mean - a.mean || (a.name < b.name ? -1 : 1))
        .slice(0, 60);
    if (rows.length) Charts.strips(at("curves"), rows, "recovered (points)", FLOOR);
    else nothing(at("curves"));
    at("curves-says").textContent = `A dot for each benchmark, hollow below ${FLOOR}; the upright line: all damage on the ${compared.length} compared benchmarks together. Rows without it ran on fewer. Choose one benchmark to see accuracy over its tasks.`;
  }

  // Parameters and memory after each task, of the rows that have them; of the picked ones, where any is.
  function growth(view) {
    const grows = overTasks(view, "growth", row => row.parameters, "parameters in use"),
      keep = overTasks(view, "memory", row => row.kept?.map(bytes => bytes / 1e6), "MB kept beyond the network");
    at("growth-says").textContent = `Of the ${plural(grows, "row")} whose network grows; the others keep the network that they start with.`;
    at("memory-says").textContent = `Stored examples and all else that a method keeps: of the ${plural(keep, "row")} that keep something and say what after each task.`;
  }
  function overTasks(view, id, numbersOf, axis) {
    const chosen = picked(view),
      lines = view.group ? [] : (chosen.length ? chosen : view.lines).filter(line => line.row && numbersOf(line.row));
    at(`${id}-section`).hidden = !lines.length;
    if (!lines.length) return 0;
    Charts.curves(
      at(id),
      lines.slice(0, 10).map(line => {
        const numbers = numbersOf(line.row);
        return {name: line.s, means: numbers, halves: numbers.map(() => null), tip: `${line.s}: ${numbers.map(amount).join(" → ")} ${axis}`};
      }),
      ["tasks learnt", axis],
    );
    at(id).append(asTable(lines.map(line => [line.s, numbersOf(line.row).map(amount)])));
    return lines.length;
  }

  function save(box, name) {
    const drawn = box.querySelector("svg");
    if (drawn) Copies.download(`clbench-${name.replace(/[^\w.=-]+/g, "_")}.svg`, Copies.svg(drawn), "image/svg+xml");
  }

  // One small figure for each benchmark, drawn when they are opened.
  function each(view) {
    at("each-section").hidden = !view.group;
    if (!view.group || !at("each-box").open) return fill(at("each"));
    fill(at("each"));
    for (const name of view.names) {
      const own = View.view({...view.state, b: name, row: "", s: ""}),
        title = Table.describe(own.metric)[0],
        caption = h("figcaption", null, h("strong", null, name), `: ${title} against compute`),
        drawn = h("div"),
        button = h("button", {type: "button", "aria-label": `SVG of ${name}`, onclick: () => save(drawn, name)}, "SVG"),
        figure = h("figure", {"data-benchmark": name}, h("div", {class: "above"}, caption, button), drawn);
      at("each").append(figure);
      const marks = own.lines
          .filter(line => height(own, line) && line.compute !== null)
          .map(line => mark(own, line, "compute", title, own.up, view.state.pick.length > 0));
      button.hidden = !marks.length;
      if (marks.length) Charts.scatter(drawn, marks, [COSTS.compute, `${title} (points)`], false, -Infinity);
      else nothing(drawn);
    }
  }

  // How well benchmarks agree on the order of methods.
  function orders(view) {
    const {pairs, kinds} = D.profiles[view.profile].orders,
      names = Object.keys(D.profiles[view.profile].benchmarks);
    at("orders-section").hidden = !view.group || !pairs.length;
    if (at("orders-section").hidden) return;
    const used = names.map((_, i) => i).filter(i => pairs.some(([a, b]) => a === i || b === i)),
      tau = new Map(pairs.map(([a, b, value, n]) => [`${a} ${b}`, [value, n]])),
      of = (a, b) => tau.get(`${Math.min(a, b)} ${Math.max(a, b)}`);
    fill(
      at("orders"),
      h(
        "p",
        null,
        kinds
          ? [
              "Kendall's τ between the order of methods on synthetic splits and on streams in time: ",
              h("strong", {id: "orders-tau"}, `${fixed(kinds.tau, 2)} [${fixed(kinds.low, 2)}, ${fixed(kinds.high, 2)}]`),
              ` (${plural(kinds.rows.length, "row")}; ${plural(kinds.splits.length, "split")}: ${listed(kinds.splits, 12)}; ${plural(kinds.streams.length, "stream")}: ${listed(kinds.streams, 12)}).`,
            ]
          : "Too few rows ran on both synthetic splits and streams in time for a comparison of the two.",
      ),
      h("p", {class: "says"}, "1: the same order; 0: none in common; −1: the reverse. By what each benchmark ranks by, over the rows that can take a rank on both, whatever the filters say. In brackets 95 % of 1,000 draws of the seeds."),
      Detail.scroll(
        "Agreement of benchmarks",
        h(
          "table",
          {class: "heat"},
          h("thead", null, h("tr", null, h("th", {scope: "col"}, ""), used.map(i => h("th", {scope: "col", title: names[i]}, Table.letterOf(used.indexOf(i)))))),
          h(
            "tbody",
            null,
            used.map((i, k) =>
              h(
                "tr",
                null,
                h("th", {scope: "row", class: "left"}, `${Table.letterOf(k)} ${names[i]}`),
                used.map(j => {
                  const one = of(i, j);
                  return i === j || !one
                    ? h("td", null, i === j ? "" : "–")
                    : h("td", {style: Charts.shade((one[0] + 1) / 2), "data-tip": `${names[i]} and ${names[j]}: τ ${fixed(one[0], 2)}, ${plural(one[1], "row")}`}, fixed(one[0], 2));
                }),
              ),
            ),
          ),
        ),
      ),
    );
  }

  // Further tables that Python has made for a benchmark, or for the whole profile.
  function sections(view) {
    const own = D.profiles[view.profile].sections.filter(one => {
      const name = Object.keys(D.profiles[view.profile].benchmarks)[one.benchmark];
      return name === undefined ? view.group || !("all" in View.scopes(view.profile)) : name === view.names[0] && !view.group;
    });
    fill(
      at("sections"),
      own.map(one =>
        h(
          "section",
          null,
          h("h2", null, one.title),
          h("p", {class: "says"}, one.about),
          Detail.scroll(one.title, Detail.grid(one.columns, one.rows.map(cells => h("tr", null, cells.map((text, i) => h(i ? "td" : "th", i ? {class: "left wrap"} : {scope: "row"}, text)))))),
        ),
      ),
    );
  }

  function draw(view) {
    cost(view);
    stream(view);
    growth(view);
    each(view);
    orders(view);
    sections(view);
  }
  return {draw, cost, stream, growth, each, save, GLYPHS};
})();
