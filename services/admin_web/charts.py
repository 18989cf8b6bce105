"""The timeline of allowed and refused, as inline SVG that a strict CSP lets be styled."""

import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from xml.etree.ElementTree import Element

import pygal
from markupsafe import Markup
from pygal.style import Style

# pygal hooks the import system for plugins, of which we have none, by a protocol that Python
# has left (PEP 451): every later import of the process would warn of it.
sys.meta_path[:] = [
    it for it in sys.meta_path if not isinstance(it, pygal.PluginImportFixer)
]

_STYLE = Style(
    background="transparent",
    plot_background="transparent",
    foreground="#33414e",
    foreground_strong="#1b2733",
    foreground_subtle="#5b6b7a",
    guide_stroke_color="#d5dce2",
    guide_stroke_dasharray="1,0",
    major_guide_stroke_color="#d5dce2",
    major_guide_stroke_dasharray="1,0",
    colors=("#1f7a4d", "#b3261e"),
    font_family="system-ui, sans-serif",
    label_font_size=11,
    major_label_font_size=11,
    legend_font_size=12,
    no_data_font_size=16,
    opacity="1",
    opacity_hover="0.85",
    transition="0s",
)
_LABELS_SHOWN = 12
_GUIDES_SHOWN = 5


def timeline(
    days: Sequence[Mapping[str, Any]], *, nonce: str, say: Callable[[str], str]
) -> Markup:
    """A stacked bar a day. The style element carries the nonce of the page's policy."""
    chart = pygal.StackedBar(
        style=_STYLE,
        js=[],
        width=960,
        height=240,
        margin=6,
        legend_at_bottom=True,
        legend_at_bottom_columns=2,
        legend_box_size=10,
        show_minor_x_labels=False,
        show_minor_y_labels=False,
        y_labels_major_count=_GUIDES_SHOWN,
        truncate_label=-1,
        x_labels_major_every=max(1, -(-len(days) // _LABELS_SHOWN)),
        disable_xml_declaration=True,
        include_x_axis=True,
        no_data_text=say("Nothing was decided."),
        classes=("chart",),
        value_formatter=lambda value: f"{value:.0f}",
    )
    chart.x_labels = [day["day"][5:] for day in days]
    highest = max((day["permitted"] + day["refused"] for day in days), default=0)
    if highest < _GUIDES_SHOWN:  # else it would draw halves of a decision
        chart.y_labels = range(max(1, highest) + 1)
    chart.add(say("Allowed"), [day["permitted"] for day in days])
    chart.add(say("Refused"), [day["refused"] for day in days])
    chart.add_xml_filter(lambda root: _made_strict(root, nonce))
    return Markup(chart.render(is_unicode=True))  # noqa: S704 — pygal builds and escapes a tree


def _made_strict(root: Element, nonce: str) -> Element:
    """Without the script and the tooltips that only a script shows; its style by nonce."""
    for parent in list(root.iter()):
        for child in list(parent):
            name = str(child.tag)  # of a comment, a function
            if name.endswith("script") or "style" in child.attrib:
                parent.remove(child)
            elif name.endswith("style"):
                child.set("nonce", nonce)
    return root


def filled_days(
    days: Sequence[Mapping[str, Any]], first: str, last: str
) -> list[dict[str, Any]]:
    """Every day of the period, those without a decision too."""
    known = {day["day"]: day for day in days}
    start = date.fromisoformat(first[:10])
    count = (date.fromisoformat(last[:10]) - start).days + 1
    names = [str(start + timedelta(days=n)) for n in range(count)]
    nothing = {"permitted": 0, "refused": 0, "total": 0}
    return [{**nothing, **known.get(name, {}), "day": name} for name in names]
