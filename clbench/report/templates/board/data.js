// The embedded records, and what follows from each by itself. `D` is what clbench/report/board.py made.
let D = null;

async function load() {
  const text = atob(document.getElementById("data").textContent.trim()),
    bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  D = JSON.parse(await new Response(stream).text());
  for (const map of [D.scenarios, D.metrics, D.costs]) Object.setPrototypeOf(map, null); // a record may say "toString"
  for (const [profile, own] of Object.entries(D.profiles)) {
    const names = Object.keys(own.benchmarks);
    own.rows = rowsOf(own.rows);
    for (const row of own.rows) {
      row.p = profile;
      row.b = names[row.benchmark];
      row.strategy = D.strategies[row.strategy];
      row.s = row.strategy.name;
      row.ok = !row.status;
      row.costs ??= {};
    }
    own.of = Object.fromEntries(names.map(name => [name, own.rows.filter(row => row.b === name)]));
    for (const row of own.imported.rows) Object.setPrototypeOf(row.values, null);
  }
  D.strategy = Object.fromEntries(D.strategies.map(one => [one.name, one]));
}

// Rows of columns. A column is a list with null where a row lacks the value, or holds columns of its own.
function rowsOf(columns) {
  const rows = [];
  for (const [key, column] of Object.entries(columns)) {
    const cells = Array.isArray(column) ? column : rowsOf(column);
    cells.forEach((cell, i) => {
      if (cell !== null) (rows[i] ??= {})[key] = cell;
    });
  }
  return rows;
}

const Data = (() => {
  const benchmark = row => D.profiles[row.p].benchmarks[row.b];
  const settings = row => D.shared[row.settings];
  const reason = row => D.shared[row.reason];

  // R[s][i][j], fractions; NaN for a cell that does not exist; null of a long stream, which stays in the record's file.
  function array(row) {
    if (!row.counts) return null;
    if (!row.array) {
      const [I, J] = row.shape ?? benchmark(row).shape,
        units = row.units ?? benchmark(row).units,
        S = row.seeds.length,
        of = n => Array.from({length: n}, (_, k) => k),
        cell = (s, i, j) => {
          const count = row.counts[(i * J + j) * S + s];
          return count < 0 ? NaN : count / units[j];
        };
      row.array = row.seeds.map((_, s) => of(I).map(i => of(J).map(j => cell(s, i, j))));
    }
    return row.array;
  }

  // One value for each seed, in whole units of D.unit; null where the row has none.
  function units(row, metric) {
    row.known ??= {};
    return (row.known[metric] ??= row.values?.[metric] ?? weighted(row, metric));
  }
  function weighted(row, metric) {
    const weights = D.weights[row.weights]?.[metric];
    if (!weights || !row.counts) return row.seeds?.map(() => null) ?? [];
    const used = [...weights.keys()].filter(k => weights[k] !== 0);
    return array(row).map(R => {
      const flat = R.flat(),
        sum = used.reduce((total, k) => total + weights[k] * flat[k], 0);
      return Number.isFinite(sum) ? Math.round(sum / D.unit) : null;
    });
  }
  const inUnits = one => (one === null ? NaN : one * D.unit);
  const values = (row, metric) => units(row, metric).map(inUnits);
  const has = (row, metric) => row.ok && units(row, metric).some(one => one !== null);

  // {mean, half, low, high, n} of a metric, or of `recovered`, which belongs to the whole row.
  function summary(row, metric) {
    if (!row?.ok) return null;
    row.summaries ??= {};
    if (!(metric in row.summaries))
      row.summaries[metric] = metric === "recovered" ? wonBack(row) : Stats.summarise(values(row, metric).filter(one => !Number.isNaN(one)));
    return row.summaries[metric];
  }
  function wonBack(row) {
    const back = recovered([row]);
    return back && {mean: back.value, low: back.low, high: back.high, half: null, n: back.n};
  }

  // The row of a reference on the same benchmark and data, if it counts.
  const reference = (row, name) =>
    D.profiles[row.p].of[row.b].find(one => one.s === name && one.ok && !one.stale && one.data === row.data);

  // What rows win back, together, of what naive loses against joint: {value, low, high, n}, over the seeds that all have.
  function recovered(rows) {
    const triples = rows
      .filter(row => row.ok && !row.stale && !["naive", "joint"].includes(row.s))
      .map(row => [row, reference(row, "naive"), reference(row, "joint")])
      .filter(triple => triple.every(Boolean));
    if (!triples.length || triples.length < rows.length) return null; // not of fewer benchmarks than it is said of
    const seeds = common(triples.flat()),
      sum = k => seeds.map(seed => triples.reduce((total, triple) => total + valueOf(triple[k], "acc", seed), 0)),
      [own, naive, joint] = [sum(0), sum(1), sum(2)];
    return Stats.ratioOfMeans(
      own.map((one, i) => one - naive[i]),
      joint.map((one, i) => one - naive[i]),
    );
  }
  const valueOf = (row, metric, seed) => inUnits(units(row, metric)[row.seeds.indexOf(seed)]);
  const common = rows => rows.map(row => row.seeds).reduce((a, b) => a.filter(seed => b.includes(seed)));

  // After each task: {mean, half} of the accuracy on the tasks seen so far; empty where slices are not tasks.
  function seen(row) {
    const [I, J] = row.shape ?? benchmark(row).shape,
      S = row.seeds.length;
    if (I !== J + 1) return [];
    const R = array(row);
    return Array.from({length: J}, (_, k) =>
      Stats.summarise(
        R ? R.map(one => Stats.mean(one[k + 1].slice(0, k + 1))) : Array.from({length: S}, (_, s) => inUnits(row.seen[s * J + k])),
      ),
    );
  }

  // Costs per seed, those that follow from others included.
  function cost(row, name) {
    if (!row?.ok) return null;
    const own = row.costs;
    if (name === "compute") {
      const naive = reference(row, "naive")?.costs.flops;
      return naive && own.flops ? own.flops / naive : null;
    }
    if (name === "seconds") return "train_s" in own && "eval_s" in own ? own.train_s + own.eval_s : null;
    return own[name] ?? null;
  }

  // Of an imported row: {mean, half, low, high, sd, n} of a metric or cost, each null where it is not told.
  function told(row, name) {
    if (name === "seconds") {
      const parts = [told(row, "train_s"), told(row, "eval_s")];
      return parts.every(Boolean) ? {mean: parts[0].mean + parts[1].mean, half: null, low: null, high: null, sd: null, n: null} : null;
    }
    if (!row.values[name]) return null;
    const [mean, half, sd, n] = row.values[name];
    return {mean, half, low: half === null ? null : mean - half, high: half === null ? null : mean + half, sd, n};
  }
  const sourceOf = row => row.source || "no source given";

  // A seed group whose wall-clock is far above its CPU time waited for a core.
  const busy = row => slowest(row) > D.busy;
  const slowest = row => Math.max(0, ...(row.groups ?? []).filter(group => group[4]).map(group => group[3] / group[4]));
  const machines = row => [...new Set((row.groups ?? []).map(group => D.shared[group[2]].machine).filter(Boolean))];
  const label = row => row.s + (row.stale ? " †" : "");
  const fileOfImported = profile => `${D.results}/${encodeURIComponent(profile)}/${encodeURIComponent(D.profiles[profile].imported.file)}`;
  const file = row => `${D.results}/${encodeURIComponent(row.p)}/${encodeURIComponent(benchmark(row).file)}/${encodeURIComponent(row.strategy.file)}.json`;

  // What makes the record again, for a shell.
  function command(row) {
    const usual = (row.seeds ?? []).every((seed, i) => seed === i),
      seeds = row.seeds?.length ? (usual ? ` --seeds ${row.seeds.length}` : ` --seed-list ${row.seeds.join(",")}`) : "";
    return `clbench run -b ${quoted(row.b)} -s ${quoted(row.s)} --profile ${quoted(row.p)}${seeds}`;
  }
  const quoted = text => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'"'"'`)}'`);

  return {benchmark, settings, reason, array, units, inUnits, values, has, summary, recovered, seen, cost, told, sourceOf, busy, slowest, machines,
    label, file, fileOfImported, command, reference, common};
})();
