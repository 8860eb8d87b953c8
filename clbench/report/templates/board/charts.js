// Charts as SVG: crisp on paper, coloured by the page's variables, every point a thing that can be focused. The shape says the
// family, the colour only ties the marks of one row together; so nothing is told by colour alone.
const Charts = (() => {
  const COLOURS = ["#0077bb", "#ee7733", "#009988", "#cc3311", "#8a5cc2", "#33a1d6", "#d6458b", "#8c7a2b"],
    DASHES = ["", "6 3", "2 2", "8 3 2 3"];
  const SHAPES = {
    reference: r => `M0 ${-1.35 * r}L${1.35 * r} 0L0 ${1.35 * r}L${-1.35 * r} 0Z`,
    replay: r => `M${-r} 0a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
    regularisation: r => `M${-r * 0.9} ${-r * 0.9}h${r * 1.8}v${r * 1.8}h${-r * 1.8}Z`,
    optimisation: r => `M0 ${-1.2 * r}L${1.15 * r} ${0.85 * r}H${-1.15 * r}Z`,
    representation: r => `M0 ${1.2 * r}L${1.15 * r} ${-0.85 * r}H${-1.15 * r}Z`,
    architecture: r =>
      `M${-r * 0.4} ${-r * 1.15}h${r * 0.8}v${r * 0.75}h${r * 0.75}v${r * 0.8}h${-r * 0.75}v${r * 0.75}h${-r * 0.8}v${-r * 0.75}h${-r * 0.75}v${-r * 0.8}h${r * 0.75}Z`,
    sampling: r => `M0 ${-1.15 * r}L${1.1 * r} ${-0.35 * r}L${0.68 * r} ${0.95 * r}L${-0.68 * r} ${0.95 * r}L${-1.1 * r} ${-0.35 * r}Z`,
    own: r => `M${-r} ${-r}L${r} ${r}M${-r} ${r}L${r} ${-r}`,
  };
  // Within a family every row has its own colour; across families the shape differs.
  const members = {};
  const IMPORTED = {colour: "var(--muted)", dash: "", shape: r => `M0 ${-1.2 * r}V${1.2 * r}`, hollow: true}; // no family, no shape
  // name: of a strategy of ours; null for what is imported.
  function look(name) {
    if (name === null) return IMPORTED;
    const {family} = D.strategy[name];
    members[family] ??= D.strategies.filter(one => one.family === family).map(one => one.name).sort();
    const own = members[family].indexOf(name),
      i = own + 3 * D.families.indexOf(family);
    if (family === "reference")
      return {
        colour: name.includes("joint") ? "var(--ink)" : "var(--muted)",
        dash: name.endsWith("equal") ? "6 3" : name.endsWith("exp") ? "2 2" : "",
        shape: SHAPES.reference,
        hollow: true,
      };
    return {
      colour: COLOURS[i % COLOURS.length],
      dash: DASHES[own % DASHES.length],
      shape: SHAPES[family] ?? SHAPES.own,
      hollow: false,
    };
  }
  const mark = (name, x, y, r, more = {}) => {
    const {colour, shape, hollow} = look(name);
    return g("path", {
      d: shape(r),
      transform: `translate(${x} ${y})`,
      fill: hollow ? "var(--paper)" : colour,
      stroke: colour,
      "stroke-width": 1.5,
      ...more,
    });
  };
  const sample = name =>
    put(g("svg", {class: "mark", viewBox: "-7 -7 14 14", "aria-hidden": "true"}), {}, [mark(name, 0, 0, 4.4)]);

  function ticks(low, high, n = 5) {
    const raw = (high - low) / n,
      power = 10 ** Math.floor(Math.log10(raw)),
      step = power * [1, 2, 5, 10].find(k => k * power >= raw),
      out = [];
    for (let v = Math.ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step)
      out.push(Math.abs(v) < step * 1e-6 ? 0 : v);
    return {at: out, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9))};
  }
  function logTicks(low, high) {
    for (const steps of [[1, 1.5, 2, 3, 4, 5, 7], [1, 2, 3, 5], [1, 3], [1]]) {
      const out = [];
      for (let e = Math.floor(Math.log10(low)); e <= Math.ceil(Math.log10(high)); e++)
        for (const k of steps) {
          const v = k * 10 ** e;
          if (v >= low * 0.999 && v <= high * 1.001) out.push(v);
        }
      if (out.length <= 9) return out;
    }
    return [low, high];
  }

  // A row's mean and interval as one line of a forest plot; the faint lines are the yardsticks.
  function forest(one, domain, yardsticks, name, width = 130) {
    const x = v => 4 + ((width - 8) * (v - domain[0])) / (domain[1] - domain[0] || 1),
      {colour} = look(name);
    return g(
      "svg",
      {width, height: 18, viewBox: `0 0 ${width} 18`, "aria-hidden": "true"},
      yardsticks.map(v => g("line", {class: "grid", x1: x(v), x2: x(v), y1: 0, y2: 18})),
      one.low !== null && g("line", {x1: x(one.low), x2: x(one.high), y1: 9, y2: 9, stroke: colour, "stroke-width": 2}),
      mark(name, x(one.mean), 9, 3.4),
    );
  }
  function rankBar(one, n, width = 46) {
    const x = v => 3 + ((width - 6) * (v - 1)) / Math.max(1, n - 1);
    return g(
      "svg",
      {
        class: "wide",
        width,
        height: 10,
        viewBox: `0 0 ${width} 10`,
        "aria-hidden": "true",
        style: "vertical-align:-1px;margin-left:.35rem",
      },
      g("line", {class: "grid", x1: 3, x2: width - 3, y1: 5, y2: 5}),
      one.low < one.high &&
        g("line", {
          x1: x(one.low) - 1.5,
          x2: x(one.high) + 1.5,
          y1: 5,
          y2: 5,
          stroke: "var(--bar)",
          "stroke-width": 4,
          opacity: 0.55,
        }),
      g("circle", {cx: x(one.mean), cy: 5, r: 2.6, fill: "var(--bar)"}),
    );
  }

  function frame(width, height, pad, x, y, labels) {
    const bottom = height - pad.bottom;
    return [
      y.ticks.at.map(v => [
        g("line", {class: "grid", x1: pad.left, x2: width - pad.right, y1: y.of(v), y2: y.of(v)}),
        g("text", {class: "axis", x: pad.left - 6, y: y.of(v) + 4, "text-anchor": "end"}, fixed(v, y.ticks.digits)),
      ]),
      x.ticks.map(v => [
        g("line", {class: "grid", x1: x.of(v), x2: x.of(v), y1: bottom, y2: bottom + 4}),
        g("text", {class: "axis", x: x.of(v), y: bottom + 16, "text-anchor": "middle"}, x.text(v)),
      ]),
      g("text", {class: "axis", x: (pad.left + width - pad.right) / 2, y: height - 2, "text-anchor": "middle"}, labels[0]),
      g("text", {class: "axis", x: pad.left - 34, y: 11}, labels[1]),
    ];
  }

  // Names beside their points, clear of each other and of the points: the nearest free place of some, or none.
  function placed(marks, width, height, pad, widthOf, lines) {
    const taken = [...marks.map(one => [one.px - 6, one.py - 6, one.px + 6, one.py + 6]), ...lines],
      out = [];
    for (const one of marks) {
      const w = widthOf(brief(one.name)),
        size = 13,
        spots = [];
      for (const far of [9, 20, 34])
        for (const [dx, dy] of [
          [1, 0],
          [-1, 0],
          [0.8, -0.7],
          [0.8, 0.7],
          [-0.8, -0.7],
          [-0.8, 0.7],
          [0, -1],
          [0, 1],
        ]) {
          const left = one.px + dx * far + (dx > 0 ? 0 : dx < 0 ? -w : -w / 2),
            middle = one.py + dy * far;
          spots.push([left, middle - size / 2, left + w, middle + size / 2, far]);
        }
      const free = spots.find(
        box =>
          box[0] >= pad.left &&
          box[2] <= width - 2 &&
          box[1] >= 0 &&
          box[3] <= height - pad.bottom &&
          !taken.some(other => box[0] < other[2] && box[2] > other[0] && box[1] < other[3] && box[3] > other[1]),
      );
      if (!free) continue;
      taken.push(free);
      out.push([
        free[4] > 9 &&
          g("line", {
            class: "grid",
            x1: one.px,
            y1: one.py,
            x2: Math.max(free[0], Math.min(one.px, free[2])),
            y2: (free[1] + free[3]) / 2,
          }),
        g(
          "text",
          {x: free[0], y: free[3] - 3, class: one.quiet ? "quiet" : null},
          brief(one.name),
          one.below && ` ${fixed(one.y, 0)}`,
        ),
      ]);
    }
    return out;
  }
  const measure = (() => {
    const context = document.createElement("canvas").getContext("2d");
    return text => {
      context.font = "12px system-ui, sans-serif";
      return context.measureText(text).width + 2;
    };
  })();

  // marks: {name, x, y, low, high, tip, front (may be on it), quiet}. What lies under the floor stands on it, with an arrow and its value.
  function scatter(box, marks, labels, linear, floor) {
    const width = Math.max(300, box.clientWidth || 640),
      height = Math.max(300, Math.min(440, width * 0.68)),
      pad = {left: 44, right: 14, top: 22, bottom: 38};
    for (const one of marks) one.below = one.y < floor;
    const xs = marks.map(one => one.x),
      ys = marks.flatMap(one => (one.below ? [floor] : [Math.max(floor, one.low ?? one.y), one.high ?? one.y]));
    const span = linear ? [0, Math.max(...xs) * 1.1 || 1] : [Math.min(...xs) / 1.15, Math.max(...xs) * 1.25],
      scale = linear ? v => v : Math.log;
    const low = Math.min(...ys),
      high = Math.max(...ys),
      room = (high - low) * 0.06 || 0.01;
    const x = {
      of: v => pad.left + ((width - pad.left - pad.right) * (scale(v) - scale(span[0]))) / (scale(span[1]) - scale(span[0])),
      ticks: linear ? ticks(span[0], span[1]).at : logTicks(...span),
      text: v => (linear ? short(v) : v >= 1000 ? short(v) : String(+v.toPrecision(2))),
    };
    const y = {
      of: v => height - pad.bottom - ((height - pad.bottom - pad.top) * (v - low + room)) / (high - low + 2 * room),
      ticks: ticks(low - room, high + room),
    };
    const able = marks.filter(one => one.front),
      front = Stats.pareto(able).map(i => able[i]);
    const steps = front.map((one, i) => (i ? `H${x.of(one.x)}V${y.of(one.y)}` : `M${x.of(one.x)} ${y.of(one.y)}`)).join("");
    const corners = front.map(one => [x.of(one.x), y.of(one.y)]),
      walls = corners.slice(1).flatMap(([c, d], i) => {
        const [a, b] = corners[i];
        return [
          [a, b - 1, c, b + 1],
          [c - 1, d, c + 1, b],
        ];
      });
    for (const one of marks)
      Object.assign(one, {px: x.of(one.x), py: one.below ? height - pad.bottom - 8 : y.of(one.y), onFront: front.includes(one)});
    const byNeed = [...marks].sort((a, b) => (a.quiet ?? 0) - (b.quiet ?? 0) || b.onFront - a.onFront || b.y - a.y);
    fill(
      box,
      g(
        "svg",
        {
          viewBox: `0 0 ${width} ${height}`,
          role: "group",
          "aria-label": `${labels[1]} against ${labels[0]}; ${plural(marks.length, "row")}; arrow keys go from point to point, Enter opens one`,
        },
        frame(width, height, pad, x, y, labels),
        front.length > 1 && g("path", {class: "front", d: steps}),
        placed(byNeed, width, height, pad, measure, walls),
        [...marks]
          .sort((a, b) => a.x - b.x)
          .map((one, i) =>
            g(
              "g",
              {
                "data-row": one.name,
                "data-tip": one.tip,
                role: "button",
                "aria-label": one.tip + (one.onFront ? "; on the Pareto front" : ""),
                tabindex: i ? -1 : 0,
                class: one.quiet ? "quiet" : null,
              },
              one.below
                ? g("path", {
                    d: `M${one.px} ${one.py + 4}v8m-3 -4l3 4l3 -4`,
                    fill: "none",
                    stroke: look(one.name).colour,
                    "stroke-width": 1.5,
                  })
                : one.low !== null &&
                    g("line", {
                      x1: one.px,
                      x2: one.px,
                      y1: y.of(Math.max(floor, one.low)),
                      y2: y.of(one.high),
                      stroke: look(one.name).colour,
                      "stroke-width": 1.5,
                    }),
              mark(one.name, one.px, one.py, one.onFront ? 5.6 : 4.4),
              g("circle", {cx: one.px, cy: one.py, r: 11, fill: "transparent"}),
            ),
          ),
      ),
    );
    return front.map(one => one.name);
  }

  // lines: {name, means, halves}: one value per step, which the axis counts from 1.
  function curves(box, lines, labels) {
    const width = Math.max(300, box.clientWidth || 640),
      height = Math.max(300, Math.min(440, width * 0.68)),
      side = Math.max(...lines.map(one => measure(brief(one.name)))) + 26,
      pad = {left: 44, right: side, top: 22, bottom: 38};
    const T = Math.max(...lines.map(one => one.means.length)),
      all = lines.flatMap(one => one.means.flatMap((m, i) => [m - (one.halves[i] ?? 0), m + (one.halves[i] ?? 0)]));
    const low = Math.min(...all),
      high = Math.max(...all),
      room = (high - low) * 0.04 || 0.01;
    const x = {
      of: k => pad.left + 8 + (width - pad.left - pad.right - 16) * (T > 1 ? (k - 1) / (T - 1) : 0.5),
      ticks: Array.from({length: T}, (_, i) => i + 1).filter(k => T <= 12 || k % Math.ceil(T / 10) === 1),
      text: String,
    };
    const y = {
      of: v => height - pad.bottom - ((height - pad.bottom - pad.top) * (v - low + room)) / (high - low + 2 * room),
      ticks: ticks(low - room, high + room),
    };
    const ends = spread(
      lines.map(one => y.of(one.means[one.means.length - 1])),
      14,
      pad.top,
      height - pad.bottom + 6,
    );
    fill(
      box,
      g(
        "svg",
        {
          viewBox: `0 0 ${width} ${height}`,
          role: "img",
          "aria-label": `${labels[1]} after each task, of ${listed(
            lines.map(one => one.name),
            9,
          )}; the numbers are in the table below`,
        },
        frame(width, height, pad, x, y, labels),
        lines.map((one, k) => {
          const {colour, dash} = look(one.name),
            path = one.means.map((m, i) => `${i ? "L" : "M"}${x.of(i + 1)} ${y.of(m)}`).join("");
          const band = one.halves.every(v => v !== null)
            ? one.means.map((m, i) => `${i ? "L" : "M"}${x.of(i + 1)} ${y.of(m + one.halves[i])}`).join("") +
              one.means
                .map((m, i) => `L${x.of(i + 1)} ${y.of(m - one.halves[i])}`)
                .reverse()
                .join("") +
              "Z"
            : null;
          const end = one.means.length,
            from = x.of(end);
          return g(
            "g",
            {"data-tip": one.tip},
            band && g("path", {d: band, fill: colour, "fill-opacity": 0.14}),
            g("path", {d: path, fill: "none", stroke: colour, "stroke-width": 1.8, "stroke-dasharray": dash || null}),
            T <= 40 && one.means.map((m, i) => mark(one.name, x.of(i + 1), y.of(m), 3.2)),
            g("path", {
              d: `M${from + 5} ${y.of(one.means[end - 1])}L${width - side + 4} ${ends[k]}h5`,
              fill: "none",
              stroke: colour,
              opacity: 0.7,
            }),
            g("text", {x: width - side + 12, y: ends[k] + 4}, brief(one.name)),
          );
        }),
      ),
    );
  }
  // Positions at least `gap` apart, near the wanted ones and inside [low, high]: push apart until nothing touches.
  function spread(wanted, gap, low, high) {
    const order = wanted.map((_, i) => i).sort((i, j) => wanted[i] - wanted[j]),
      out = wanted.slice();
    for (let round = 0; round < 200; round++) {
      let moved = false;
      for (let k = 1; k < order.length; k++) {
        const [a, b] = [order[k - 1], order[k]],
          need = gap - (out[b] - out[a]);
        if (need > 0.01) {
          out[a] -= need / 2;
          out[b] += need / 2;
          moved = true;
        }
      }
      if (order.length) {
        const first = order[0],
          last = order[order.length - 1];
        if (out[first] < low) {
          out[first] = low;
          moved = true;
        }
        if (out[last] > high) {
          out[last] = high;
          moved = true;
        }
      }
      if (!moved) break;
    }
    return out;
  }

  // rows: {name, mean, dots: [{x, tip}]}: how evenly a row does, a dot for each benchmark. What lies left of the floor stands on it.
  function strips(box, rows, label, floor) {
    const width = Math.max(300, box.clientWidth || 640),
      line = 19,
      side = Math.max(...rows.map(one => measure(brief(one.name)))) + 24,
      height = rows.length * line + 44,
      right = width - 14;
    const all = rows.flatMap(one => one.dots.map(dot => Math.max(floor, dot.x))),
      low = Math.min(...all, 0),
      high = Math.max(...all, 100),
      of = v => side + 8 + ((right - side - 8) * (Math.max(floor, v) - low)) / (high - low);
    fill(
      box,
      g(
        "svg",
        {
          viewBox: `0 0 ${width} ${height}`,
          role: "img",
          "aria-label": `${label} on each benchmark: ${rows.map(one => `${one.name} ${one.mean === null ? "–" : Math.round(one.mean)}`).join(", ")}; every value is in the table`,
        },
        ticks(low, high).at.map(v => [
          g("line", {class: "grid", x1: of(v), x2: of(v), y1: 6, y2: height - 36}),
          g("text", {class: "axis", x: of(v), y: height - 22, "text-anchor": "middle"}, v),
        ]),
        g("text", {class: "axis", x: (side + right) / 2, y: height - 4, "text-anchor": "middle"}, label),
        rows.map((one, k) => {
          const y = 16 + k * line,
            {colour} = look(one.name);
          return [
            mark(one.name, 8, y, 4),
            g("text", {x: 18, y: y + 4}, brief(one.name)),
            g("line", {class: "grid", x1: side + 8, x2: right, y1: y, y2: y}),
            one.dots.map(dot =>
              g("circle", {
                cx: of(dot.x),
                cy: y,
                r: 4,
                fill: dot.x < floor ? "var(--paper)" : colour,
                "fill-opacity": dot.x < floor ? 1 : 0.55,
                stroke: colour,
                "data-tip": dot.tip,
              }),
            ),
            one.mean !== null && g("line", {x1: of(one.mean), x2: of(one.mean), y1: y - 7, y2: y + 7, stroke: "var(--ink)", "stroke-width": 2}),
          ];
        }),
      ),
    );
  }

  // The accuracy matrix as a table: readable aloud, printable, coloured on one scale from 0 to 100.
  // Black or white, whichever can be read on it: both turn where their contrasts are equal.
  const shade = v => {
    const share = Math.round(100 * Math.max(0, Math.min(1, v))),
      text = `light-dark(${share > 70 ? "#fff, " : "#000, "}${share > 51 ? "#000" : "#fff"})`;
    return `background:color-mix(in srgb, var(--heat) ${share}%, var(--paper));color:${text}`;
  };
  function heat(R, caption, quiet) {
    const square = R.length === R[0].length + 1;
    return h(
      "table",
      {class: "heat"},
      h("caption", {class: quiet ? "unseen" : "left says"}, caption),
      h(
        "thead",
        null,
        h(
          "tr",
          null,
          h("th", {scope: "col"}, "after"),
          R[0].map((_, j) => h("th", {scope: "col"}, `task ${j + 1}`)),
        ),
      ),
      h(
        "tbody",
        null,
        R.map((cells, i) =>
          h(
            "tr",
            null,
            h("th", {scope: "row"}, i ? `task ${i}` : "start"),
            cells.map((v, j) =>
              h(
                "td",
                {style: Number.isFinite(v) ? shade(v) : null, class: square && i === j + 1 ? "edge" : null},
                Number.isFinite(v) ? fixed(100 * v, 0) : "–",
              ),
            ),
          ),
        ),
      ),
    );
  }
  return {look, mark, sample, forest, rankBar, scatter, curves, strips, heat, shade, SHAPES};
})();
