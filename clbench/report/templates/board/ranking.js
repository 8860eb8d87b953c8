// Who ranks where among the rows that a filter leaves: the rules of clbench/report/ranking.py.
const Ranking = (() => {
  const ENOUGH = 5; // rows for a comparison over several benchmarks
  const MOST = 1000; // sets of benchmarks that are tried for it

  // The rows of a benchmark that may take a rank on it.
  function able(rows, metric, stale) {
    const compete = rows.filter(
      row => row.ok && (stale || !row.stale) && row.strategy.stores !== "all data" && Data.units(row, metric).every(one => one !== null),
    );
    if (!compete.length) return [];
    const counts = new Map();
    for (const row of compete) counts.set(row.data, (counts.get(row.data) ?? 0) + 1);
    const top = Math.max(...counts.values()),
      usual = [...counts.keys()].filter(data => counts.get(data) === top).sort((a, b) => (D.shared[a] < D.shared[b] ? -1 : 1))[0],
      same = compete.filter(row => row.data === usual),
      numbers = same.map(row => row.seeds.length).sort((a, b) => b - a),
      shared = numbers[Math.min(1, numbers.length - 1)], // one row with more does not make the others too short
      due = Math.max(2, Math.min(Data.benchmark(same[0]).seeds ?? shared, shared));
    return same.filter(row => row.seeds.length >= due);
  }

  // The benchmarks to compare on: as many as possible on which ENOUGH rows all ran, or all rows where there are fewer.
  function common(rowsOf) {
    const names = Object.keys(rowsOf).sort((a, b) => (a < b ? -1 : 1)),
      ran = new Map();
    names.forEach((name, bit) => {
      for (const row of rowsOf[name]) ran.set(row.s, (ran.get(row.s) ?? 0n) | (1n << BigInt(bit)));
    });
    const members = set => names.filter((_, bit) => (set >> BigInt(bit)) & 1n),
      sets = intersections([...new Set(ran.values())], members);
    if (!sets.length) return [];
    const key = set => {
      const rows = [...ran.values()].filter(own => (own & set) === set).length;
      return [-Math.min(rows, ENOUGH), -members(set).length, -rows];
    };
    const keyed = sets.map(set => ({key: key(set), names: members(set)}));
    return keyed.reduce((a, b) => (before(b, a) ? b : a)).names;
  }
  // The sets and what several of them have in common, MOST at most; the large ones first.
  function intersections(sets, members) {
    const inOrder = (a, b) => b.names.length - a.names.length || (before({key: [0, 0, 0], ...a}, {key: [0, 0, 0], ...b}) ? -1 : 1),
      given = sets.map(set => ({set, names: members(set)})).sort(inOrder).map(one => one.set),
      found = [...given],
      seen = new Set(found);
    for (const one of found) // which grows
      for (const other of given) {
        const both = one & other;
        if (both && !seen.has(both) && found.length < MOST) {
          seen.add(both);
          found.push(both);
        }
      }
    return found;
  }
  function before(a, b) {
    for (let k = 0; k < 3; k++) if (a.key[k] !== b.key[k]) return a.key[k] < b.key[k];
    for (let k = 0; k < a.names.length; k++) if (a.names[k] !== b.names[k]) return a.names[k] < b.names[k];
    return false;
  }

  // {benchmarks, seeds, ranks: name -> {mean, low, high}, ties: name -> letters, ran: name -> on how many of the benchmarks}
  // everything: benchmark -> all its rows; shown: benchmark -> those that the filter leaves; by: benchmark -> metric.
  function rank(everything, shown, by, {stale, holm}) {
    const rowsOf = Object.fromEntries(Object.entries(shown).map(([name, rows]) => [name, able(rows, by[name], stale)])),
      benchmarks = common(rowsOf),
      ran = new Map();
    for (const name of benchmarks) for (const row of rowsOf[name]) ran.set(row.s, (ran.get(row.s) ?? 0) + 1);
    const names = [...ran.keys()].filter(name => ran.get(name) === benchmarks.length).sort((a, b) => (a < b ? -1 : 1)),
      own = benchmarks.map(name => names.map(one => rowsOf[name].find(row => row.s === one))),
      seeds = names.length ? Data.common(own.flat()).sort((a, b) => a - b) : [],
      ranks = new Map(),
      ties = new Map();
    if (names.length && seeds.length > 1) {
      const blocks = benchmarks.map((name, k) => block(everything[name], own[k], by[name], seeds, stale));
      Stats.meanRanks(names.length, blocks).forEach((one, i) => ranks.set(names[i], one));
      names.sort((a, b) => ranks.get(a).mean - ranks.get(b).mean || (a < b ? -1 : 1));
      if (benchmarks.length === 1) {
        const values = names.map(name => oriented(rowsOf[benchmarks[0]].find(row => row.s === name), by[benchmarks[0]], seeds));
        Stats.tieLetters(Stats.toldApart(values, holm)).forEach((letters, i) => ties.set(names[i], letters));
      }
    }
    return {benchmarks, seeds, names, ranks, ties, ran};
  }

  const oriented = (row, metric, seeds) => {
    const sign = D.metrics[metric][1] ? 1 : -1,
      units = Data.units(row, metric);
    return seeds.map(seed => sign * units[row.seeds.indexOf(seed)]);
  };

  // All rows of a benchmark that could ever be ranked on these seeds are drawn once; a filter only leaves some out.
  const drawn = new Map();
  function block(rows, own, metric, seeds, stale) {
    const key = JSON.stringify([own[0].p, own[0].b, metric, seeds, stale]);
    if (!drawn.has(key)) {
      const all = able(rows, metric, stale).filter(row => seeds.every(seed => row.seeds.includes(seed)));
      for (const row of own) if (!all.includes(row)) all.push(row); // of the fewer seeds that a filter may leave
      if (drawn.size > 200) drawn.clear();
      drawn.set(key, {rows: all, ...Stats.drawnOrders(all.map(row => oriented(row, metric, seeds)))});
    }
    const found = drawn.get(key);
    if (own.some(row => !found.rows.includes(row))) {
      drawn.delete(key);
      return block([...new Set([...rows, ...own])], own, metric, seeds, stale);
    }
    return {drawn: found, places: own.map(row => found.rows.indexOf(row))};
  }

  return {rank, able};
})();
