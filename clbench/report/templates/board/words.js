// What the view comes to, in sentences; every figure in them is computed.
const Words = (() => {
  const bold = text => h("strong", null, text),
    P = (...children) => h("p", null, children);

  function headline(view, act) {
    const ranked = view.lines.filter(line => line.rank),
      counts = h("p", {class: "small"}, tally(view));
    if (!ranked.length) return [P(whyNone(view, act)), counts];
    return [cheapest(view, ranked), view.group ? bestOfSeveral(view) : bestOfOne(view, ranked), counts];
  }
  function whyNone(view, act) {
    const stale = view.lines.filter(line => line.stale && !line.yardstick).length;
    if (!view.lines.length && !view.broken.length) {
      if (view.idle.length) return "None of the rows shown can run here.";
      return view.imported.length ? "Only imported rows (§) here: what others say, never ranked." : "No row passes the filters.";
    }
    if (!stale) return "None of the rows shown takes a rank.";
    return [
      `Not ranked: ${plural(stale, "row")} here ${stale === 1 ? "was" : "were"} made by source code, or with tuned values, that have changed since. `,
      h("button", {type: "button", id: "rank-stale", onclick: act.stale}, "Rank all the same"),
    ];
  }

  // Of the rows that win back nine tenths of what the best one does, the best of those within 5 % of the cheapest.
  function bargain(lines) {
    const able = lines.filter(line => line.recovered && line.compute !== null),
      most = Math.max(...able.map(line => line.recovered.value)),
      near = able.filter(line => most > 0.05 && line.recovered.value >= 0.9 * most),
      least = Math.min(...near.map(line => line.compute));
    return near.filter(line => line.compute <= 1.05 * least).reduce((a, b) => (!a || b.recovered.value > a.recovered.value ? b : a), null);
  }
  function cheapest(view, ranked) {
    const row = bargain(ranked);
    if (!row) return null;
    const joint = view.all.find(line => line.s === "joint" && line.compared.length),
      dear = joint?.compute && row.compute > joint.compute;
    return P(
      start(row),
      bold(row.s),
      " wins back ",
      bold(`${fixed(100 * row.recovered.value, 0)} %`),
      " of the accuracy that retraining would",
      view.group && ` ${on(view)}`,
      ", at ",
      bold(`${times(row.compute)}×`),
      " the compute of plain fine-tuning",
      joint?.compute && ` (retraining: ${dear ? "only " : ""}${times(joint.compute)}×)`,
      ": the cheapest, to 5 %, of those within a tenth of the best.",
    );
  }
  const on = ({ranking: {benchmarks}}) => (benchmarks.length === 1 ? `on ${benchmarks[0]}` : `over ${benchmarks.length} benchmarks together`);
  // Steps are equal by the budget; a method with other steps says so.
  function start(line) {
    const ratios = line.compared
      .map(row => [row.costs.steps, Data.reference(row, "naive")?.costs.steps])
      .filter(([own, naive]) => own && naive)
      .map(([own, naive]) => own / naive);
    if (!ratios.length) return "";
    return ratios.every(one => Math.abs(one - 1) < 0.005) ? "At equal steps, " : `With ${times(Stats.mean(ratios))}× the steps, `;
  }

  function bestOfSeveral(view) {
    const best = Table.leader(view),
      {mean, low, high} = best.rank;
    return P(
      `Best mean rank${view.metric ? ` by ${Table.describe(view.metric)[0]}` : ""}: `,
      bold(best.s),
      ` with ${fixed(mean)} [${fixed(low)}, ${fixed(high)}] ${on(view)}, ${seeds(view)}. Choose one benchmark for ties, curves and matrices.`,
    );
  }
  function bestOfOne(view, ranked) {
    const best = Table.leader(view),
      tied = ranked.filter(line => line !== best && View.tied(best, line)).map(line => line.s),
      one = Stats.summarise(view.ranking.seeds.map(seed => Data.values(best.row, view.metric)[best.row.seeds.indexOf(seed)])),
      due = D.profiles[view.profile].benchmarks[view.names[0]].seeds,
      told =
        ranked.length === 1
          ? "; no other row to compare."
          : !tied.length
            ? `; ${seeds(view)} tell every other row from it.`
            : tied.length === ranked.length - 1
              ? `; ${seeds(view)} can't tell any of the others from it.`
              : `; ${seeds(view)} can't tell ${listed(tied)} from it.`;
    return P(
      `${view.up ? "Best" : "Lowest"} mean ${Table.describe(view.metric)[0]}${best.row.seeds.length > view.ranking.seeds.length ? ` on the ${seeds(view)} that all have` : ""}: `,
      bold(best.s),
      ` with ${points(one.mean)}${one.half === null ? "" : ` ± ${points(one.half)}`} points`,
      told,
      due > view.ranking.seeds.length && ` The profile asks for ${due}.`,
    );
  }
  const seeds = view => plural(view.ranking.seeds.length, "seed");

  function tally(view) {
    const count = test => view.lines.filter(test).length,
      stale = count(line => line.stale);
    const parts = [
      view.all.length && `${view.lines.length + view.idle.length + view.broken.filter(line => !line.ok).length} of ${plural(view.all.length, "row")} shown`,
      view.all.length && `${count(line => line.rank)} ranked`,
      count(line => line.yardstick) && `${plural(count(line => line.yardstick), "yardstick")} trained on all data`,
      stale && `${stale} stale`,
      view.broken.length && `${view.broken.length} broke off`,
      view.idle.length && `${view.idle.length} can't run here`,
      view.imported.length && `${view.imported.length} imported (§)`,
    ].filter(Boolean);
    return `${parts.join(" · ") || "0 rows shown"}.`;
  }

  function filters({state}) {
    const on = [
      state.fam.length && `family ${state.fam.join(" or ")}`,
      state.be && `back end ${state.be}`,
      state.lab && `task labels ${state.lab === "yes" ? "needed" : "not needed"}`,
      state.mem && `stores ${state.mem}`,
      state.x && `compute at most ${state.x} × naive`,
      state.st && `status ${state.st}`,
      state.q && `name has “${state.q}”`,
      state.only && "picked rows only",
      state.holm && "ties Holm-corrected",
      state.stale && "stale rows ranked too",
    ].filter(Boolean);
    return on.length ? `Filters: ${on.join("; ")}.` : "No filters.";
  }

  // What makes numbers here less than they seem comes before them.
  function banner(view) {
    const stale = view.lines.flatMap(line => line.own).filter(row => row.stale),
      whole = view.lines.length > 0 && view.lines.every(line => line.stale);
    if (!stale.length) return "";
    const where = view.group ? ` on ${listed([...new Set(stale.map(row => row.b))])}` : "";
    return `${whole ? "Stale as a whole" : `Stale: ${plural(stale.length, "row")}${where}`}. Made by source code, or with tuned values, that have changed since (†), so no evidence of what today's code does; clbench run makes ${stale.length === 1 ? "it" : "them"} anew.`;
  }

  function notes(view) {
    return [
      "Accuracies in points (hundredths), mean ± half-width of the 95 % t interval over seeds. Costs are per seed.",
      standing(view),
      ...onSeeds(view),
      ...onMachines(view),
      ...onRows(view),
      ...onImported(view),
      ...(view.group ? onGroup(view) : []),
    ].filter(Boolean);
  }
  function standing(view) {
    const n = view.ranking.seeds.length;
    if (!view.ranking.ranks.size) return "No ranks: no row competes, or those that do have no two seeds in common.";
    const ties = view.group ? "" : view.state.holm ? "; ties are Holm-corrected for all pairs shown" : "; ties are judged pair by pair";
    return `Ranks${view.group ? "" : " and ties"} stand on the ${plural(n, "seed")} that all ranked rows have (${ranges(view.ranking.seeds)})${ties}.`;
  }
  function onSeeds(view) {
    const n = view.ranking.ranks.size && view.ranking.seeds.length,
      own = line => line.own.filter(row => row.ok).map(row => row.seeds.length),
      ranked = view.lines.filter(line => line.rank),
      few = ranked.filter(line => Math.min(...own(line)) === n).map(line => line.s),
      due = view.group ? null : D.profiles[view.profile].benchmarks[view.names[0]].seeds,
      single = view.lines.filter(line => line.row && !line.rank && !line.yardstick && !line.stale && line.row.seeds.length < n);
    return [
      n && !view.group && few.length < ranked.length && `Fewest seeds: ${listed(few, 6)}.`,
      n && n < 5 && `${n} seeds separate little: read the rank intervals, not the ranks.`,
      n && due > n && `The profile asks for ${due} seeds.`,
      single.length && `${listed(single.map(line => line.s), 6)}: fewer seeds than the others, so no rank.`,
    ];
  }
  function onMachines(view) {
    const {machines} = view,
      busy = view.lines.filter(line => line.row && Data.busy(line.row)).map(line => line.s);
    return [
      machines.length === 1 && `All made on ${machines[0]}: wall-clock times compare within this table only.`,
      machines.length > 1 &&
        `Made on ${machines.length} machines, so wall-clock times compare only between rows with the same letter: ${machines.map((name, i) => `${Table.letterOf(i)} ${name}`).join("; ")}.`,
      busy.length && `⚑ wall-clock above ${D.busy} × CPU time, the machine was busy: ${listed(busy, 30)}.`,
    ];
  }
  function onRows(view) {
    const rows = view.lines.flatMap(line => line.own).filter(row => row.ok);
    return [
      rows.some(row => row.stale) &&
        `† stale. ${view.state.stale ? "Ranked all the same, as asked." : "Stale rows take no rank; More filters has a switch."}`,
      rows.some(row => Data.settings(row).accepted) &&
        "‡ some rows were made on a copy of the data that differs from the published one and was taken knowingly.",
      !view.group && new Set(rows.map(row => row.data)).size > 1 && "Some rows were made on other data: they take no rank, and don't compare.",
      view.names.some(name => D.profiles[view.profile].benchmarks[name].held_out) &&
        "Some benchmarks here are evaluated on held-out training data, not on test data.",
    ];
  }
  function onImported(view) {
    const all = view.allImported,
      hidden = all.length - view.imported.length;
    if (view.group)
      return [all.length > 0 && `Imported rows (§) stand on the tables of their benchmarks only: ${listed([...new Set(all.map(row => row.benchmark))], 6)}.`];
    return [
      view.imported.length > 0 &&
        "§ imported, not measured here: as the source says, perhaps under another protocol. No part in ranks, ties, recovered, figures and headline. ± from their SD and n, where both are told.",
      hidden > 0 &&
        `${plural(hidden, "imported row")} (§) hidden: their family, back end, task labels, stored data, compute and status are not known, so they show only without such filters. Find looks in their names and sources.`,
    ];
  }
  function onGroup(view) {
    const entered = view.ranking.benchmarks,
      left = view.names.filter(name => !entered.includes(name)),
      why = new Map();
    for (const line of view.lines)
      for (const row of line.own.filter(row => row.status === "unsupported")) {
        const key = `${row.status}: ${Data.reason(row)}`;
        why.set(key, (why.get(key) ?? new Map()).set(line.s, (why.get(key)?.get(line.s) ?? 0) + 1));
      }
    return [
      entered.length > 0 &&
        `${entered.length} of ${plural(view.names.length, "benchmark")} entered: those on which ${plural(view.ranking.names.length, "ranked row")} all ran, as many as possible for five rows or all that are shown${left.length ? `; left out: ${listed(left, 6)}` : ""}.`,
      "Mean rank and recovered are over these benchmarks; rows that ran on fewer stand apart, without either.",
      ...[...why].map(([reason, names]) => `n/a (${reason}): ${[...names].map(([name, k]) => `${name} on ${k}`).join(", ")}.`),
    ];
  }

  return {headline, tally, filters, banner, notes, bargain};
})();
