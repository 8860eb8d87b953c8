// The table, as other programs take it.
const Copies = (() => {
  function grid(view) {
    const keys = Table.columns(view).filter(key => key !== "plot"),
      lines = Table.sortedWithImported(view);
    return {
      keys,
      lines,
      heads: keys.map(Table.describe),
      rows: lines.map(line => keys.map(key => Table.cell(view, line, key))),
      imported: lines.filter(line => line.imported).map(line => [`${line.s} §`, `imported: ${Data.sourceOf(line.imported)}`]),
      rest: [...view.broken.filter(line => !line.ok), ...view.idle].map(line => [
        line.s,
        [...new Set(line.own.filter(row => !row.ok).map(row => `${row.status}: ${Data.reason(row)}`))].join("; "),
      ]),
    };
  }
  // In a line of CSV, whose cells are plain numbers.
  function status(line) {
    if (!line.imported) return line.stale ? "stale" : "ok";
    const spread = Object.entries(line.imported.values).map(([key, [, , sd, n]]) => `${key} SD ${sd ?? "–"} n ${n ?? "–"}`);
    return `§ imported: ${Data.sourceOf(line.imported)}; ${spread.join("; ")}`;
  }
  const about = view =>
    `clbench, profile ${view.profile}, ${view.title}; ${view.ranking.seeds.length} common seeds; ${Words.filters(view)} ${board.hash(view.state) || "#"}`;

  // Full precision; an interval has two columns of its own.
  function csv(view) {
    const {keys, lines, rows, rest} = grid(view),
      wide = keys.map((key, i) => rows.some(row => Number.isFinite(row[i].low))),
      quote = x => (/[",\r\n]/.test((x = guarded(x))) ? `"${x.replaceAll('"', '""')}"` : x),
      names = keys.flatMap((key, i) => [key.replace(/^b:/, "").replace(/^s$/, "strategy"), ...(wide[i] ? ["low", "high"].map(end => `${key}_${end}`) : [])]);
    return (
      [
        [...names, "status"],
        ...rows.map((row, r) => [
          ...row.flatMap((one, i) => [one.value, ...(wide[i] ? [one.low, one.high] : [])]),
          status(lines[r]),
        ]),
        ...rest.map(([name, why]) => [...keys.flatMap((key, i) => [key === "s" ? name : "", ...(wide[i] ? ["", ""] : [])]), why]),
      ]
        .map(cells => cells.map(quote).join(","))
        .join("\n") + "\n"
    );
  }
  // A text that a spreadsheet would take for a formula stays a text.
  const guarded = x => (typeof x === "string" && /^[=+@\t\r-]/.test(x) ? `'${x}` : String(x ?? ""));

  function markdown(view) {
    const {heads, rows, imported, rest} = grid(view),
      clean = x => String(x).replace(/[\\`*_[\]<>|~#&]/g, c => (c === "<" ? "&lt;" : c === ">" ? "&gt;" : c === "&" ? "&amp;" : `\\${c}`)),
      line = cells => `| ${cells.join(" | ")} |`;
    return (
      [
        line(heads.map(([title, arrow]) => clean(`${title} ${arrow}`.trim()))),
        line(heads.map(([title]) => (title === "strategy" ? "---" : "---:"))),
        ...rows.map(row => line(row.map(one => clean(shown(one))))),
        "",
        ...[...imported, ...rest].map(([name, why]) => `- ${clean(name)}: ${clean(why)}`),
        `- ${clean(about(view))}`,
      ].join("\n") + "\n"
    );
  }
  const shown = one => one.text + (one.range ? ` ${one.range}` : "") + (one.flag ? " ⚑" : "");

  const TEX = {"\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "×": "$\\times$", "–": "--", "†": "$^\\dagger$", "…": "\\dots{}", "±": "$\\pm$", "⚑": "$^\\ast$", "‡": "$^\\ddagger$", "§": "\\S{}", "“": "``", "”": "''", "<": "$<$", ">": "$>$"};
  const tex = text => String(text).replace(/[\\~^×–†…±⚑‡§“”<>&%$#_{}]|[^\x20-\x7e]/g, c => TEX[c] ?? (/[&%$#_{}]/.test(c) ? `\\${c}` : "?"));
  function latex(view) {
    const {keys, lines, heads, rows, imported, rest} = grid(view),
      comment = text => `% ${String(text).replaceAll("§", "\\S").replace(/[^\x20-\x7e]/g, "?")}`,
      best = keys.map((key, i) => {
        const own = rows.filter((_, r) => lines[r].rank).map(row => row[i].value).filter(Number.isFinite);
        return (key in D.metrics || key === "recovered") && own.length ? (Table.lowerFirst(key) ? Math.min : Math.max)(...own) : null;
      }),
      arrow = one => ({"↑": " $\\uparrow$", "↓": " $\\downarrow$"})[one] ?? "",
      cellOf = (one, i, ranked) => {
        const bold = ranked && best[i] !== null && one.value === best[i],
          text = bold ? `\\textbf{${tex(one.text)}}` : tex(one.text);
        return text + (one.range ? ` {\\small ${tex(one.range)}}` : "") + (one.flag ? tex("⚑") : "");
      };
    return (
      [
        comment(about(view)),
        "% needs \\usepackage{booktabs}",
        `\\begin{tabular}{${keys.map(key => (["s", "ties"].includes(key) ? "l" : "r")).join("")}}`,
        "\\toprule",
        `${heads.map(([title, sign]) => tex(title) + arrow(sign)).join(" & ")} \\\\`,
        "\\midrule",
        ...rows.map((row, r) => `${row.map((one, i) => cellOf(one, i, lines[r].rank)).join(" & ")} \\\\`),
        "\\bottomrule",
        "\\end{tabular}",
        ...[...imported, ...rest].map(([name, why]) => comment(`${name}: ${why}`)),
      ].join("\n") + "\n"
    );
  }

  // BibTeX of what is shown, with the commits that its numbers come from.
  function cite(view) {
    const rows = view.lines.flatMap(line => line.own).filter(row => row.ok),
      groups = rows.flatMap(row => row.groups),
      commits = [...new Set(groups.map(group => D.shared[group[2]].commit).filter(Boolean))].sort(),
      days = groups.map(group => group[1].slice(0, 10)).filter(Boolean).sort(),
      last = days[days.length - 1] ?? "",
      key = `clbench_${view.profile}_${view.title}`.replace(/[^A-Za-z0-9]+/g, "_").replace(/_$/, "");
    return (
      [
        `@misc{${key},`,
        "  author = {{The clbench developers}},",
        `  title = {{clbench leaderboard: ${tex(view.title)}, profile ${tex(view.profile)}}},`,
        last && `  year = {${last.slice(0, 4)}},`,
        `  note = {${tex(
          [
            `clbench ${D.version}`,
            commits.length && `commit${commits.length === 1 ? "" : "s"} ${listed(commits.map(one => one.slice(0, 12)), 6)}`,
            view.imported.length && `§ from ${[...new Set(view.imported.map(line => Data.sourceOf(line.imported)))].join("; ")}`,
            last && `runs of ${[...new Set([days[0], last])].join(" to ")}`,
            Words.filters(view).replace(/\.$/, ""),
          ].filter(Boolean).join("; "),
        )}},`,
        `  howpublished = {\\texttt{${tex(`index.html${board.hash(view.state)}`)}}}`,
        "}",
      ]
        .filter(Boolean)
        .join("\n") + "\n"
    );
  }

  // A figure as a file of its own: the page's colours written out.
  function svg(node) {
    const copy = node.cloneNode(true),
      style = getComputedStyle(document.documentElement),
      names = ["--paper", "--ink", "--muted", "--line", "--link", "--bar"],
      box = node.viewBox.baseVal,
      rules = `svg{${names.map(name => `${name}:${style.getPropertyValue(name)}`).join(";")};background:var(--paper)}text{font:12px system-ui,Arial,sans-serif;fill:var(--ink)}.axis{fill:var(--muted);font-size:11px}.grid{stroke:var(--line)}.front{stroke:var(--muted);stroke-dasharray:5 3;fill:none}.quiet{opacity:.28}`;
    copy.setAttribute("xmlns", SVG);
    copy.setAttribute("width", box.width);
    copy.setAttribute("height", box.height);
    copy.prepend(g("style", null, rules));
    return new XMLSerializer().serializeToString(copy);
  }
  function download(name, text, type) {
    const url = URL.createObjectURL(new Blob([text], {type}));
    h("a", {href: url, download: name}).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  return {csv, markdown, latex, cite, svg, download};
})();
