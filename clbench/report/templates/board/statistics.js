"use strict";
// Means, intervals, ties and ranks from one value per seed: the rules of clbench/metrics/statistics.py and ranks.py, and the
// same draws. Nothing here knows the page.
const Stats = (() => {
  const DRAWS = 10000;

  // Student's t with a whole number of degrees of freedom: P(|T| <= t), Abramowitz & Stegun 26.7.3 and 26.7.4.
  function within(t, df) {
    const angle = Math.atan(Math.abs(t) / Math.sqrt(df)),
      cos2 = Math.cos(angle) ** 2,
      odd = df % 2;
    let term = odd ? Math.cos(angle) : 1,
      sum = df === 1 ? 0 : term;
    for (let k = odd ? 3 : 2; k < df; k += 2) sum += term *= ((k - 1) / k) * cos2;
    return odd ? (2 / Math.PI) * (angle + Math.sin(angle) * sum) : Math.sin(angle) * sum;
  }

  const quantiles = new Map();
  function quantile(df) {
    // t with 95 % between -t and t
    if (!quantiles.has(df)) {
      let low = 0,
        high = 1000;
      for (let i = 0; i < 80; i++) within((low + high) / 2, df) < 0.95 ? (low = (low + high) / 2) : (high = (low + high) / 2);
      quantiles.set(df, (low + high) / 2);
    }
    return quantiles.get(df);
  }

  const mean = x => x.reduce((sum, one) => sum + one, 0) / x.length;
  const allEqual = x => x.every(one => one === x[0]);
  const sd = (x, m = mean(x)) => Math.sqrt(x.reduce((sum, one) => sum + (one - m) ** 2, 0) / (x.length - 1));

  // {mean, half, low, high, n}: half is the half-width of the 95 % t interval, null for one seed; null where a value is missing.
  function summarise(x) {
    if (!x.length || !x.every(Number.isFinite)) return null;
    const m = mean(x);
    if (x.length === 1) return {mean: m, half: null, low: null, high: null, n: 1};
    const half = allEqual(x) ? 0 : (quantile(x.length - 1) * sd(x, m)) / Math.sqrt(x.length);
    return {mean: m, half, low: m - half, high: m + half, n: x.length};
  }

  // Mean of a - b seed by seed, its 95 % interval, and the two-sided p of a paired t test.
  function paired(a, b) {
    const d = a.map((one, i) => one - b[i]),
      told = summarise(d);
    if (!told || told.n < 2) return {mean: told ? told.mean : null, low: null, high: null, p: 1, n: d.length};
    const p = allEqual(d) ? (d[0] === 0 ? 1 : 0) : 1 - within(told.mean / (sd(d, told.mean) / Math.sqrt(d.length)), d.length - 1);
    return {...told, p};
  }

  // Holm's step-down adjustment, in the order given.
  function holm(ps) {
    const order = ps.map((_, i) => i).sort((i, j) => ps[i] - ps[j] || i - j),
      out = new Array(ps.length);
    let worst = 0;
    order.forEach((i, k) => (out[i] = worst = Math.max(worst, Math.min(1, (ps.length - k) * ps[i]))));
    return out;
  }

  // told[i][j]: whether rows i and j can be told apart at 5 %: each pair on its own, or corrected for all pairs.
  function toldApart(rows, correct) {
    const told = rows.map(() => rows.map(() => false)),
      pairs = [];
    for (let i = 0; i < rows.length; i++) for (let j = 0; j < i; j++) pairs.push([i, j, paired(rows[i], rows[j]).p]);
    const ps = pairs.map(pair => pair[2]),
      judged = correct ? holm(ps) : ps;
    pairs.forEach(([i, j], k) => (told[i][j] = told[j][i] = judged[k] < 0.05));
    return told;
  }

  // Letters for rows, best first: two rows share one exactly if they can't be told apart.
  function tieLetters(told) {
    const all = told.map((_, i) => i),
      together = told.map(() => told.map(() => 0)),
      count = (group, by) => group.forEach(i => group.forEach(j => (together[i][j] += by)));
    let groups = [];
    for (const i of all)
      for (const j of all.slice(i)) {
        if (told[i][j] || together[i][j]) continue;
        const group = i === j ? [i] : [i, j];
        for (const other of all) if (!group.includes(other) && group.every(one => !told[other][one])) group.push(other);
        count(group, 1);
        groups.push(group.sort((a, b) => a - b));
      }
    groups.sort(inOrder);
    // without the groups that no pair needs, the small ones first
    for (const group of [...groups].sort((a, b) => a.length - b.length))
      if (group.every(i => group.every(j => together[i][j] > 1))) {
        count(group, -1);
        groups = groups.filter(one => one !== group);
      }
    return all.map(row => groups.flatMap((group, k) => (group.includes(row) ? [letter(k)] : [])).join(""));
  }
  const inOrder = (a, b) => {
    for (let k = 0; k < Math.min(a.length, b.length); k++) if (a[k] !== b[k]) return a[k] - b[k];
    return a.length - b.length;
  };
  const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const letter = k => LETTERS[k] ?? String.fromCodePoint(0x0400 + k - 52);

  // Number i in (0, 1) is a hash of i, the finaliser of MurmurHash3.
  function uniform(i) {
    let x = Math.imul(i, 0x9e3779b9);
    x ^= x >>> 16;
    x = Math.imul(x, 0x85ebca6b);
    x ^= x >>> 13;
    x = Math.imul(x, 0xc2b2ae35);
    x ^= x >>> 16;
    return ((x >>> 0) + 0.5) / 4294967296;
  }
  const normal = i => Math.sqrt(-2 * Math.log(uniform(2 * i + 1))) * Math.cos(2 * Math.PI * uniform(2 * i + 2));

  // [DRAWS x S] weights of the seeds' deviations from their mean, the same for all rows: normals / (chi / sqrt(S - 1)), so that a
  // row's mean varies as its t interval says. A plain resample of three seeds has ten outcomes and is too sure of itself.
  const drawn = new Map();
  function weightsOfSeeds(S) {
    if (drawn.has(S)) return drawn.get(S);
    const out = new Float32Array(DRAWS * S);
    for (let b = 0, i = 0; b < DRAWS; b++) {
      let squares = 0;
      for (let k = 1; k < S; k++, i++) squares += normal(i) ** 2;
      const spread = Math.sqrt(squares / (S - 1)) * Math.sqrt(S * (S - 1));
      for (let s = 0; s < S; s++, i++) out[b * S + s] = normal(i) / spread;
    }
    drawn.set(S, out);
    return out;
  }

  // values: [rows][seeds], higher is better, whole numbers. Gives for each draw the rows from best to worst, as places with the
  // top bit set where a row equals the one before it: what a filter leaves is then counted without another draw.
  const EQUAL = 0x8000;
  function drawnOrders(values) {
    const n = values.length,
      S = values[0].length,
      weights = weightsOfSeeds(S),
      means = Float64Array.from(values, mean),
      off = Float64Array.from(values.flatMap((x, i) => x.map(one => one - means[i]))),
      order = Uint16Array.from(values.keys()).sort((i, j) => means[j] - means[i] || i - j),
      point = order.slice(),
      now = new Float64Array(n),
      orders = new Uint16Array(DRAWS * n);
    for (let a = 1; a < n; a++) if (means[order[a]] === means[order[a - 1]]) point[a] |= EQUAL;
    for (let b = 0; b < DRAWS; b++) {
      for (let i = 0; i < n; i++) {
        let v = means[i];
        for (let s = 0; s < S; s++) v += weights[b * S + s] * off[i * S + s];
        now[i] = v;
      }
      // the order changes little from draw to draw
      for (let a = 1; a < n; a++) {
        const i = order[a],
          v = now[i];
        let c = a - 1;
        for (; c >= 0 && now[order[c]] < v; c--) order[c + 1] = order[c];
        order[c + 1] = i;
      }
      const start = b * n;
      orders[start] = order[0];
      for (let a = 1; a < n; a++) orders[start + a] = order[a] | (now[order[a]] === now[order[a - 1]] ? EQUAL : 0);
    }
    return {point, orders, n};
  }

  // Mean rank of each of `rows` over blocks, one for each benchmark: {drawn: what drawnOrders gave, places: of the rows in it}.
  // Gives [{mean, low, high}]: 1 + the number of better rows, its mean over the benchmarks, its 95 % interval.
  function meanRanks(rows, blocks) {
    const point = new Int32Array(rows),
      sums = new Int32Array(DRAWS * rows);
    for (const {drawn, places} of blocks) {
      const {n, orders} = drawn,
        row = new Int32Array(n).fill(-1);
      places.forEach((place, i) => (row[place] = i));
      count(drawn.point, row, n, point, 1, rows);
      count(orders, row, n, sums, DRAWS, rows);
    }
    const most = rows * blocks.length + 1,
      counts = new Int32Array(most);
    return Array.from({length: rows}, (_, i) => {
      counts.fill(0);
      for (let b = 0; b < DRAWS; b++) counts[sums[b * rows + i]]++;
      let low = null,
        high = null;
      for (let v = 0, seen = 0; v < most && high === null; v++) {
        seen += counts[v];
        if (low === null && seen >= 0.025 * DRAWS) low = v;
        if (seen >= 0.975 * DRAWS) high = v;
      }
      const k = blocks.length,
        own = point[i] / k;
      return {mean: own, low: Math.min(own, low / k), high: Math.max(own, high / k)};
    });
  }
  function count(orders, row, n, sums, draws, rows) {
    for (let b = 0, a = 0, start = 0; b < draws; b++, start += rows) {
      let above = 0,
        rank = 1;
      for (const end = a + n; a < end; a++) {
        const one = orders[a];
        if (one < EQUAL) rank = above + 1;
        const i = row[one & (EQUAL - 1)];
        if (i >= 0) {
          sums[start + i] += rank;
          above++;
        }
      }
    }
  }

  // {value, low, high, n} of mean(a) / mean(b) of paired samples (Fieller 1954); null where the interval of mean(b) contains 0 or
  // less: clbench.metrics.statistics.ratio_of_means.
  function ratioOfMeans(a, b) {
    const n = a.length;
    if (n < 2) return null;
    const k = quantile(n - 1) ** 2 / n,
      bottom = mean(b),
      value = mean(a) / bottom,
      rest = a.map((one, i) => one - value * b[i]),
      restOfB = b.map(one => one - bottom),
      moment = (x, y) => (k * x.reduce((sum, one, i) => sum + one * y[i], 0)) / (n - 1),
      leading = bottom ** 2 - moment(restOfB, restOfB);
    if (!(leading > 0) || !(bottom > 0)) return null;
    const covariance = moment(rest, restOfB),
      middle = value - covariance / leading,
      half = Math.sqrt(covariance ** 2 + leading * moment(rest, rest)) / leading;
    return {value, low: middle - half, high: middle + half, n};
  }

  // Places of the points that no other beats at its cost or below, from cheap to dear.
  function pareto(points) {
    const order = points.map((_, i) => i).sort((i, j) => points[i].x - points[j].x || points[j].y - points[i].y),
      front = [];
    for (const i of order) if (!front.length || points[i].y > points[front[front.length - 1]].y) front.push(i);
    return front;
  }

  return {within, quantile, mean, summarise, paired, holm, toldApart, tieLetters, uniform, weightsOfSeeds, drawnOrders, meanRanks,
    ratioOfMeans, pareto, DRAWS};
})();
