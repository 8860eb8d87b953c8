// Elements without innerHTML: text stays text, wherever it comes from.
const SVG = "http://www.w3.org/2000/svg";
function put(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat(Infinity).filter(one => one !== null && one !== undefined && one !== false && one !== ""));
  return node;
}
const h = (tag, attributes, ...children) => put(document.createElement(tag), attributes, children);
const g = (tag, attributes, ...children) => put(document.createElementNS(SVG, tag), attributes, children);
const at = id => document.getElementById(id);
const fill = (node, ...children) => {
  node.replaceChildren();
  return put(node, null, children);
};

// Numbers as a reader wants them.
// Half way between two numbers, the even one, as Python has it; no minus before a 0.
const fixed = (x, digits = 1) => {
  const size = Math.abs(x),
    half = (2 * size * 10 ** digits) % 2 === 1 && /5(0*)$/.exec(size.toFixed(25))?.[1].length === 24 - digits,
    up = size.toFixed(digits),
    text = half && up.at(-1) % 2 ? (size * (1 - 2 ** -52)).toFixed(digits) : up;
  return x < 0 && +text ? `-${text}` : text;
};
const points = x => fixed(100 * x);
const times = x => (x >= 9.95 ? fixed(x, 0) : x >= 1.995 ? fixed(x, 1) : fixed(x, 2));
const amount = x => (x === 0 ? "0" : Math.abs(x) >= 100 ? Math.round(x).toLocaleString("en") : String(+x.toPrecision(3)));
const short = x => {
  const at = Math.max(0, Math.min(5, Math.floor(Math.log10(Math.abs(x) || 1) / 3)));
  return +(x / 1000 ** at).toPrecision(3) + ["", "k", "M", "G", "T", "P"][at];
};
const brief = (name, most = 26) => (name.length > most ? name.slice(0, most - 1) + "…" : name);
const plural = (n, one, several = one + "s") => `${n} ${n === 1 ? one : several}`;
const listed = (names, most = 4) =>
  names.length <= most
    ? names.join(", ").replace(/, ([^,]*)$/, " and $1")
    : `${names.slice(0, most - 1).join(", ")} and ${names.length - most + 1} more`;
const ranges = seeds => {
  const out = [];
  for (const s of seeds) {
    const last = out[out.length - 1];
    if (last && last[1] === s - 1) last[1] = s;
    else out.push([s, s]);
  }
  return out.map(([a, b]) => (a === b ? a : `${a}–${b}`)).join(", ");
};
