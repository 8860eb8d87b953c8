"""Matplotlib's SVG, made small and reproducible."""

import io
import re

INK, PAPER = "#24292f", "#fefefe"
FONTS = "'DejaVu Sans', Verdana, Arial, sans-serif"


def svg_of(figure) -> str:
    """The figure as an SVG file: no date, no library version, nothing said twice, whole tenths of a point."""
    file = io.StringIO()
    figure.savefig(
        file,
        format="svg",
        metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")),
        bbox_inches="tight",
        pad_inches=0.08,
    )
    text = file.getvalue()
    text = re.sub(
        r"<!--.*?-->|<defs>\s*<style.*?</style>\s*</defs>", "", text[text.index("<svg") :], flags=re.DOTALL
    )
    text = text.replace(
        "<svg ", f'<svg style="font-family: {FONTS}; stroke-linejoin: round; stroke-linecap: butt" ', 1
    )
    text = text.replace(" font-family: 'DejaVu Sans';", "").replace("'DejaVu Sans';", f"{FONTS};")
    text = re.sub(r' transform="rotate\(-0 [^)]*\)"', "", text)
    text = re.sub(r"(\d+\.\d)\d+", r"\1", text)
    text = re.sub(r' d="([^"]*)"', lambda found: f' d="{_short_path(found[1])}"', text)
    text = re.sub(r"(?<=[a-z]): |; (?=[a-z-]+:)", lambda found: found[0].strip(), text)
    text = re.sub(r'<g id="text_\d+">\s*(<text[^<]*</text>)\s*</g>', r"\1", text)
    text = re.sub(r"(<g[^>]*)>\s*((?:<use [^>]*/>\s*)+)</g>", _style_once, text)
    text = re.sub(r'(<path id="[^"]*" d="[^"]*") style="[^"]*"/>', r"\1/>", text)  # its uses say it
    text = re.sub(r"<g( style=[^>]*)>\s*<use ([^>]*/>)\s*</g>", r"<use\1 \2", text)
    text = re.sub(r'<text( style="[^"]*")[^<]*</text>(?:\s*<text\1[^<]*</text>)+', _texts_together, text)
    text = _lines_together(_without_idle_groups(_without_idle_ids(text)))
    return re.sub(r"\s*\n\s*", "\n", text).strip() + "\n"


def _short_path(path: str) -> str:
    """The same outline in fewer letters: most paths of a figure are the rectangles of a matrix."""
    path = re.sub(r"\s*([MLQCz])\s*", r"\1", path)
    path = re.sub(r"(\d)\.0(?!\d)", r"\1", path)
    path = re.sub(r"M(\S+) (\S+)L(\S+) \2L\3 (\S+)L\1 \4(?:L\1 \2z?|z)", r"M\1 \2H\3V\4H\1z", path)
    return _along_axes(path) if re.fullmatch(r"(?:[ML][^A-Za-z]+)+", path) else path


def _along_axes(path: str) -> str:
    """Straight lines: those along an axis say the other coordinate alone, and those of no length nothing."""
    short, x, y = "", "", ""
    for command, numbers in re.findall(r"([ML])([^ML]+)", path):
        new_x, new_y = numbers.split()
        if command == "M" or new_x != x and new_y != y:
            short += f"{command}{new_x} {new_y}"
        elif new_x != x:
            short += f"H{new_x}"
        elif new_y != y:
            short += f"V{new_y}"
        x, y = new_x, new_y
    return short


def _style_once(group: re.Match[str]) -> str:
    """A group of marks with the style that all of them have, said once."""
    styles = set(re.findall(r' style="[^"]*"', group[2]))
    if len(styles) != 1 or "style=" in group[1] or group[2].count("<use ") != group[2].count(" style="):
        return group[0]
    style = styles.pop()
    return f"{group[1]}{style}>\n{group[2].replace(style, '')}</g>"


def _texts_together(found: re.Match[str]) -> str:
    """Texts of the same style that follow one another, in a group that says it once."""
    return f"<g{found[1]}>\n{found[0].replace(found[1], '')}\n</g>"


def _without_idle_groups(text: str) -> str:
    """Groups that say nothing of what is in them are left out."""
    kept: list[bool] = []

    def one(tag: re.Match[str]) -> str:
        if tag[0] == "</g>":
            return tag[0] if kept.pop() else ""
        kept.append(tag[0] != "<g>")
        return tag[0] if kept[-1] else ""

    return re.sub(r"<g[^>]*>|</g>", one, text)


def _lines_together(text: str) -> str:
    """Lines of the same style that follow one another, as one path."""

    def together(found: re.Match[str]) -> str:
        paths = re.findall(r' d="([^"]*?)\s*"', found[0])
        return f'<path d="{"".join(paths)}"{found[1]}/>'

    outline, style = r'd="[^"]*"', r'[^>]* style="fill:none;(?![^"]*opacity)[^"]*"'
    return re.sub(rf"<path {outline}({style})/>(?:\s*<path {outline}\1/>)+", together, text)


def _without_idle_ids(text: str) -> str:
    used = set(re.findall(r'(?:url\(|href=")#([^)"]+)', text))
    return re.sub(r' id="([^"]+)"', lambda found: found[0] if found[1] in used else "", text)
