// What is to be shown: `view(state)` is a function of the state alone.
const View = (() => {
  const ALL = "all";

  // scope -> {title, benchmarks}: all, by scenario, by the data they share; only groups of two or more. What was evaluated on
  // held-out training data never stands beside test data.
  function scopes(profile) {
    const own = D.profiles[profile];
    if (own.scopes) return own.scopes;
    const every = Object.keys(own.benchmarks).filter(name => own.of[name].length), // of others only imported rows are known
      names = every.filter(name => !own.benchmarks[name].held_out),
      scenario = name => own.benchmarks[name].scenario ?? "",
      plain = name => name.replace(/\(.*/s, ""),
      data = name => (plain(name).endsWith(`_${scenario(name)}`) ? plain(name).slice(0, -scenario(name).length - 1) : plain(name));
    const groups = {
      [ALL]: ["All benchmarks", names],
      ...Object.fromEntries(
        Object.entries(D.scenarios).map(([key, title]) => [`scenario:${key}`, [title, names.filter(name => scenario(name) === key)]]),
      ),
      ...Object.fromEntries(names.map(data).map(one => [`data:${one}`, [one, names.filter(name => data(name) === one)]])),
      "held-out": ["On held-out training data", every.filter(name => own.benchmarks[name].held_out)],
    };
    return (own.scopes = Object.fromEntries(
      Object.entries(groups)
        .filter(([, [, list]]) => list.length > 1)
        .map(([key, [title, benchmarks]]) => [key, {title, benchmarks}]),
    ));
  }
  const benchmarksOf = (profile, scope) => scopes(profile)[scope]?.benchmarks ?? [scope];
  const isGroup = (profile, scope) => Object.hasOwn(scopes(profile), scope);

  // The metrics that some row in scope has.
  function available(profile, scope) {
    const own = D.profiles[profile];
    own.available ??= Object.create(null);
    return (own.available[scope] ??= Object.keys(D.metrics).filter(name =>
      benchmarksOf(profile, scope).some(benchmark =>
        own.of[benchmark].some(row => (name === "recovered" ? Data.summary(row, name) : Data.has(row, name))),
      ),
    ));
  }

  const FILTERS = {
    fam: (line, families) => !families.length || families.includes(line.strategy.family),
    be: (line, kind) => !kind || (line.strategy.kind === "avalanche") === (kind === "avalanche"),
    lab: (line, needed) => !needed || (needed === "yes") === line.strategy.task_labels,
    mem: (line, stores) => !stores || line.strategy.stores === stores,
    x: (line, most) => !most || (line.compute !== null && line.compute <= most + 1e-9),
    st: (line, status) => !status || STATUS[status](line),
    q: (line, text) => words(text).every(word => line.s.toLowerCase().includes(word)),
  };
  const STATUS = {
    ok: line => line.ok && !line.stale,
    stale: line => line.own.some(row => row.stale),
    failed: line => line.own.some(row => ["failed", "diverged"].includes(row.status)),
    unsupported: line => line.own.some(row => row.status === "unsupported"),
  };
  // Nothing that a filter asks is known of imported rows, so they show only while none is on; the find box asks for their names.
  const passesImported = (row, state) =>
    !(state.fam.length || state.be || state.lab || state.mem || state.x || state.st || state.only) &&
    words(state.q).every(word => `${row.strategy} ${row.source}`.toLowerCase().includes(word));
  const words = text => text.toLowerCase().split(/[\s,]+/).filter(Boolean);
  const passes = (line, state) =>
    Object.entries(FILTERS).every(([name, test]) => test(line, state[name])) && (!state.only || state.pick.includes(line.s));

  function view(state) {
    const {p, b} = state,
      names = benchmarksOf(p, b),
      group = isGroup(p, b),
      metricOf = name => state.m || D.profiles[p].benchmarks[name].ranks_by,
      all = lines(p, names, group),
      shown = all.filter(line => passes(line, state)),
      kept = new Set(shown.map(line => line.s)),
      alone = name => b === ALL && !D.profiles[p].of[name].length,
      imported = D.profiles[p].imported.rows.filter(row => names.includes(row.benchmark) || alone(row.benchmark)),
      everything = Object.fromEntries(names.map(name => [name, D.profiles[p].of[name]])),
      left = Object.fromEntries(names.map(name => [name, everything[name].filter(row => kept.has(row.s))])),
      by = Object.fromEntries(names.map(name => [name, metricOf(name)])),
      ranking = Ranking.rank(everything, left, by, state);
    for (const line of all) {
      line.rank = ranking.ranks.get(line.s) ?? null;
      line.ties = ranking.ties.get(line.s) ?? "";
      line.ran = line.yardstick ? ranking.benchmarks.filter(name => line.rows[name]?.ok).length : (ranking.ran.get(line.s) ?? 0);
      // What is of other benchmarks than those compared is not to be compared.
      const compared = group ? ranking.benchmarks.map(name => line.rows[name]).filter(row => row?.ok) : line.own,
        whole = !group || (compared.length === ranking.benchmarks.length && (line.rank || line.yardstick));
      line.compared = whole ? compared : [];
      line.recovered = Data.recovered(line.compared);
      if (group && whole) line.compute = computeOf(compared);
    }
    const metrics = new Set(Object.values(by));
    return {
      state,
      profile: p,
      names,
      group,
      by,
      metric: metrics.size === 1 ? [...metrics][0] : null, // null: each benchmark has its own
      up: [...metrics].every(name => D.metrics[name][1]),
      all,
      lines: shown.filter(line => line.ok),
      broken: shown.filter(line => line.own.some(row => ["failed", "diverged"].includes(row.status))),
      idle: shown.filter(line => !line.ok && line.own.every(row => row.status === "unsupported")),
      imported: group ? [] : imported.filter(row => passesImported(row, state)).map(lineOfImported),
      allImported: imported,
      ranking,
      machines: [...new Set(shown.flatMap(line => line.own).flatMap(Data.machines))].sort(),
      title: scopes(p)[b]?.title ?? b,
    };
  }

  // A line for each strategy in scope, with its row on each benchmark.
  function lines(profile, names, group) {
    const found = new Map();
    for (const name of names)
      for (const row of D.profiles[profile].of[name]) {
        if (!found.has(row.s)) found.set(row.s, {s: row.s, strategy: row.strategy, rows: Object.create(null)});
        found.get(row.s).rows[name] = row;
      }
    for (const line of found.values()) {
      const own = Object.values(line.rows);
      Object.assign(line, {
        own,
        row: group ? null : own[0],
        ok: own.some(row => row.ok),
        stale: own.some(row => row.ok) && own.filter(row => row.ok).every(row => row.stale),
        yardstick: line.strategy.stores === "all data",
        compute: computeOf(own),
      });
    }
    return [...found.values()];
  }

  // A line that has part in nothing but the table.
  const lineOfImported = row => ({
    s: row.strategy, imported: row, own: [], rows: {}, row: null, ok: true, stale: false, yardstick: false,
    rank: null, ties: "", ran: 0, compared: [], recovered: null, compute: null,
  });

  // The geometric mean over rows of their FLOPs as multiples of naive's.
  function computeOf(rows) {
    const logs = rows.map(row => Data.cost(row, "compute")).filter(Boolean).map(Math.log);
    return logs.length ? Math.exp(Stats.mean(logs)) : null;
  }

  const tied = (a, b) => [...a.ties].some(letter => b.ties.includes(letter));
  return {view, scopes, benchmarksOf, isGroup, available, tied};
})();
