"""Equations as MathML, converted when the site is built: no script, no network, and they scale with the text."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from sphinx.util.math import get_node_equation_number


def setup(app: Any) -> dict[str, bool]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _inline(translator: Any, node: nodes.math) -> None:
    translator.body.append(convert(node.astext()))
    raise nodes.SkipNode


def _block(translator: Any, node: nodes.math_block) -> None:
    translator.body.append(translator.starttag(node, "div", CLASS="equation"))
    translator.body.append(f'<div class="formula">{convert(node.astext(), display="block")}</div>')
    if node["number"]:
        # An equation's label is the number by which docstrings cite it.
        assert node["label"] == f"M{get_node_equation_number(translator, node)}", f"{node['label']} is out of order"
        translator.body.append(f'<span class="eqno">({node["label"]})')
        translator.add_permalink_ref(node, "Link to this equation")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode
